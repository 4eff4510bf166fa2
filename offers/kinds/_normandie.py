"""What the two post-internship programmes of the ARS Normandie share: the same form, but for the host structures.

Other regions run the same programmes: nothing here is particular to Normandie but the default parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from dossiers.fields import (
    Checkbox,
    Choice,
    Date,
    FieldSpec,
    LongText,
    MultipleChoice,
    Percent,
    Table,
    Text,
    YesNo,
)
from dossiers.spec import AnnexSpec, PieceSpec, Problem, SectionSpec
from offers.kinds import _blocks
from offers.kinds._rules import Rule, at_least, at_most, in_order, refused, together

INCOMPLETE_WARNING = "Tout dossier incomplet ne sera pas examiné par la commission régionale."

LEGAL_MENTIONS = """\
Le présent accusé de réception atteste du dépôt de votre candidature à la date et à l’heure indiquées, qui font foi \
pour le respect de la date limite (articles L. 112-11 à L. 112-13 du code des relations entre le public et \
l’administration). Il ne préjuge pas de la recevabilité de votre dossier.
Si une pièce manque, le service vous le dira et vous donnera un délai pour la fournir (article L. 114-5 du même code). \
La commission régionale n’examine que les dossiers complets. Les avis donnés sur votre candidature peuvent vous être \
communiqués à votre demande.
Vous serez informé de la suite donnée à votre candidature par le service désigné ci-dessus, auquel vous pouvez \
adresser toute question."""

SUBDIVISIONS = LongText(
    "subdivisions", "Subdivisions", help_text="Une par ligne. Le candidat en choisit une.", rows=3, max_length=400
)
AGENCY = Text(
    "agency",
    "Agence responsable du traitement des données",
    help_text="Telle qu’elle est nommée dans la mention d’information, article compris : « l’ARS de Normandie ».",
)

NORMANDIE_DEFAULTS = {
    "subdivisions": "Rouen\nCaen",
    "agency": "l’ARS de Normandie",
    "confirmation": "non",
    "privacy_contact": "dpo@ars-normandie.example.org",
}


CONFIRMATION = YesNo(
    "confirmation",
    "Un avis signé doit-il être confirmé avant le dépôt, si le dossier a changé depuis ?",
    help_text="« Oui » : le signataire doit d’abord confirmer son avis. « Non » : le changement est signalé à la "
    "commission, réponse par réponse.",
)


def campaign_fields(bounds: tuple[FieldSpec, ...], annexes: tuple[AnnexSpec, ...]) -> tuple[FieldSpec, ...]:
    """The parameters of a campaign of these programmes, around the bounds of the split of working time."""
    return (
        _blocks.SESSION_LABEL,
        _blocks.STARTS,
        *bounds,
        SUBDIVISIONS,
        MultipleChoice(
            "annexes",
            "Annexes demandées",
            required=False,
            choices=tuple((annex.key, f"Annexe {annex.number} : {annex.title}") for annex in annexes),
        ),
        CONFIRMATION,
        _blocks.EXTRA_PIECES,
        AGENCY,
        _blocks.PRIVACY_CONTACT,
    )


SITUATION = Choice(
    "situation",
    "Où en êtes-vous ?",
    choices=(
        ("intern", "Interne, en fin de cursus"),
        ("doctor", "Docteur en médecine, en post-internat"),
        ("other", "Dans une autre situation"),
    ),
)
CONTACTED = YesNo(
    "contacted",
    "Avez-vous pris contact avec le coordonnateur de votre spécialité et avec les deux structures ?",
    help_text="Chacun donne son avis sur votre projet et le signe.",
)


def screening_section(split: str) -> SectionSpec:
    """What is asked before the work. split: how the working time must be shared, as the offer says it."""
    accepted = YesNo("split_accepted", "Votre projet respecte-t-il ce partage du temps ?", help_text=split)
    return SectionSpec(
        key="screening",
        title="Ce poste est-il pour vous ?",
        fields=(SITUATION, accepted, CONTACTED),
        rule=together(
            refused(
                SITUATION,
                {"other"},
                "Ce dispositif s’adresse aux médecins en fin d’internat ou en post-internat : demandez au service si "
                "votre situation convient avant de préparer un dossier.",
                blocking=False,
            ),
            refused(accepted, {"non"}, f"{split} C’est une condition de l’offre."),
            refused(
                CONTACTED,
                {"non"},
                "Commencez par là : sans leur accord, les annexes ne seront pas signées et le dossier restera "
                "incomplet.",
                blocking=False,
            ),
        ),
    )


def contact_section() -> SectionSpec:
    """Where the offer says who follows the dossiers; printed on the cover of the dossier."""
    return SectionSpec(key="contacts", title="Dépôt et contacts", fields=(_blocks.SUBMISSION_ADDRESS, _blocks.CONTACTS))


def identity_section() -> SectionSpec:
    return SectionSpec(
        key="identity",
        title="Vous",
        heading="CANDIDAT",
        on_cover=True,
        fields=(_blocks.FULL_NAME, _blocks.ADDRESS, _blocks.PHONE, _blocks.EMAIL),
    )


def request_section(
    values: Mapping[str, Any], purpose: str, duration: FieldSpec, rule: Rule | None = None
) -> SectionSpec:
    """The rest of the cover: what is applied for, and the consent that the official form asks for."""
    return SectionSpec(
        key="request",
        title="Votre demande",
        heading="CANDIDATURE",
        on_cover=True,
        fields=(
            Choice(
                "subdivision",
                "Subdivision",
                choices=_blocks.choices_from_lines(values["subdivisions"]),
                print_label="Subdivision de",
                help_text="Celle où vous effectuez votre internat.",
            ),
            Text("specialty", "Spécialité"),
            Text(
                "current_internship",
                "Stage actuel",
                help_text="Précisez l’établissement, le pôle et le service.",
                print_label="Stage actuel (préciser l’établissement/le pôle et le service)",
                max_length=300,
            ),
            duration,
            Choice("start", "Prise de fonction", choices=_blocks.choices_from_lines(values["starts"])),
            _consent(values, purpose),
        ),
        rule=rule,
    )


def _consent(values: Mapping[str, Any], purpose: str) -> Checkbox:
    agency, contact = values["agency"], values["privacy_contact"]
    agreement = (
        f"En cochant cette case, j’accepte de fournir les données personnelles me concernant à {agency}, "
        "qui les utilisera exclusivement dans la finalité prévue ci-dessous"
    )
    notice = (
        f"Afin d’étudier votre candidature à {purpose}, {agency} procède au traitement informatique de vos données "
        "personnelles. Vos données sont conservées pendant la durée de votre contrat et ne sont destinées qu’aux "
        "seuls agents habilités par leurs fonctions à y accéder. "
        "Conformément aux articles 38 et suivants de la loi n° 78-17 du 6 janvier 1978 modifiée relative à "
        "l’informatique, aux fichiers et aux libertés, vous disposez d’un droit d’accès, de rectification et de "
        "suppression de vos données. Vous pouvez exercer ce droit en vous adressant au délégué à la protection des "
        f"données : {contact}"
    )
    return Checkbox(
        "consent",
        agreement,
        help_text=notice,
        print_label=f"Traitement des données à caractère personnel\n{agreement}\n{notice}",
        private=True,
    )


THESIS_DATE = Date(
    "thesis_date",
    "Date de soutenance",
    required_if=lambda values: values.get("thesis_defended") == "oui",
    print_label="Thèse soutenue – date de soutenance",
    width="half",
)


THESIS_PLANNED = Date(
    "thesis_planned",
    "Date prévue de la soutenance",
    required_if=lambda values: values.get("thesis_defended") == "non",
    print_label="Thèse non soutenue – date prévue",
    width="half",
)


def _thesis_planned_ahead(values: Mapping[str, Any]) -> list[Problem]:
    if values.get("thesis_defended") != "non":
        return []
    message = "Cette date est passée : si votre thèse est soutenue, répondez « Oui »."
    return at_least(THESIS_PLANNED, timezone.localdate, message, blocking=False)(values)


def training_section() -> SectionSpec:
    return SectionSpec(
        key="training",
        title="Votre formation",
        heading="FORMATION",
        fields=(
            Table(
                "internships",
                "Stages hospitaliers réalisés durant l’internat",
                print_heading="STAGES HOSPITALIERS RÉALISÉS DURANT L’INTERNAT",
                columns=(
                    Text("period", "Semestre", required=False, max_length=60),
                    Text("hospital", "Établissement", print_label="Établissements"),
                    Text("unit", "Service"),
                    Text("head", "Chef de service"),
                    YesNo("validated", "Stage validé", print_label="Stages validés O/N", as_list=True),
                ),
                rows=7,
            ),
            Text(
                "des",
                "DES en cours",
                help_text="Diplôme d’études spécialisées.",
                print_label="1. D.E.S. en cours",
                print_heading="DIPLÔMES",
            ),
            Text(
                "desc",
                "DESC en cours",
                required=False,
                help_text="Diplôme d’études spécialisées complémentaires.",
                print_label="2. D.E.S.C. en cours",
            ),
            LongText(
                "university_diplomas",
                "Diplômes d’université (DU)",
                required=False,
                rows=3,
                max_length=2000,
                help_text="Précisez le titre et la date d’obtention.",
                print_label="3. DIPLÔME(S) D’UNIVERSITÉ(S) (précisez le titre et la date d’obtention)",
            ),
            LongText(
                "research_diplomas",
                "Diplôme d’études approfondies (DEA) ou master",
                required=False,
                rows=3,
                max_length=2000,
                help_text="Précisez le titre et la date d’obtention.",
                print_label="4. DIPLÔME D’ÉTUDE APPROFONDIE ou MASTER (précisez le titre et la date d’obtention)",
            ),
            YesNo("thesis_defended", "Avez-vous soutenu votre thèse ?", print_label="5. THÈSE"),
            THESIS_DATE,
            THESIS_PLANNED,
        ),
        rule=together(
            _thesis_planned_ahead,
            at_most(
                THESIS_DATE,
                timezone.localdate,
                "Cette date est à venir : si votre thèse n’est pas encore soutenue, répondez « Non ».",
                blocking=False,
            ),
        ),
    )


def planned_training_section() -> SectionSpec:
    return SectionSpec(
        key="planned_training",
        title="Formations envisagées",
        heading="FORMATIONS ENVISAGÉES DANS LE CADRE DU POST INTERNAT",
        intro="Diplômes d’universités, DESC, séminaires, congrès, stages hors établissement d’accueil "
        "(détailler : nature, formation diplômante ou non, durée).",
        fields=(
            LongText(
                "planned_training",
                "Formations envisagées pendant le post-internat",
                help_text="Si vous n’en envisagez aucune, indiquez « aucune ».",
                rows=12,
            ),
        ),
    )


def share_fields(other: tuple[str, str, str], host: tuple[str, str, str]) -> tuple[Percent, Percent]:
    """The two shares of working time, each given as (name, label, label on paper)."""
    return tuple(
        Percent(name, label, print_label=printed, width="half", help_text="En pourcentage du temps de travail.")
        for name, label, printed in (other, host)
    )


def life_project_section(ideas: str) -> SectionSpec:
    return SectionSpec(
        key="life_project",
        title="Projet de vie professionnelle",
        heading="PROJET DE VIE PROFESSIONNELLE",
        intro=ideas,
        fields=(
            LongText("life_project", "Votre projet de vie professionnelle", rows=14),
            *_blocks.signature_fields("Je signe ce projet et certifie l’exactitude de mes déclarations"),
        ),
    )


def thesis_is_defended(answers: Mapping[str, Mapping[str, Any]]) -> bool:
    return answers.get("training", {}).get("thesis_defended") == "oui"


def diplomas_piece(help_text: str) -> PieceSpec:
    return PieceSpec(
        key="diplomas",
        label="Copie de vos diplômes",
        help_text=help_text,
        required_if=thesis_is_defended,
        multiple=True,
    )


def is_not_against(values: Mapping[str, Any]) -> bool:
    """Who is against the recruitment has neither dates nor a training project to give."""
    return values.get("opinion") != "unfavorable"


START_ON = Date("start_on", "Du", required_if=is_not_against, width="half")
END_ON = Date("end_on", "Au", required_if=is_not_against, width="half")
PERIOD_IN_ORDER = in_order(START_ON, END_ON, "La fin doit suivre le début.")


def period_fields() -> tuple[Date, Date]:
    """ "Du … au …": the time for which a signatory is favourable to the recruitment."""
    return START_ON, END_ON


def training_project_field() -> LongText:
    return LongText(
        "training_project",
        "Projet de formation au sein du service",
        print_label="Descriptif du projet de formation au sein du service",
        required_if=is_not_against,
        rows=8,
    )


def asked(annexes: tuple[AnnexSpec, ...], values: Mapping[str, Any]) -> tuple[AnnexSpec, ...]:
    """The annexes that this campaign asks for, in the order of the form."""
    return tuple(annex for annex in annexes if annex.key in values["annexes"])


def annex_keys(annexes: tuple[AnnexSpec, ...]) -> list[str]:
    return [annex.key for annex in annexes]
