"""Médecin coordonnateur, injonction de soins: at any time, to the procureur de la République of one court."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils import timezone

from dossiers.fields import Checkbox, Choice, Date, Integer, LongText, Table, Text, YesNo
from dossiers.spec import DossierSpec, PieceSpec, Problem, SectionSpec
from offers.data import courts, departments
from offers.kinds import _blocks
from offers.kinds._courts import Courts, court_choices
from offers.kinds._rules import Rule, at_least, at_most, refused, together
from offers.kinds.base import Cadence, OfferKind

COURTS = Courts("courts", "Tribunaux judiciaires concernés", choices=court_choices())
MINIMUM_REGISTRATION = Integer(
    "minimum_registration", "Inscription au tableau de l’ordre à attester", maximum=20, unit="ans"
)
MAXIMUM_FOLLOWED = Integer("maximum_followed", "Personnes suivies simultanément, au plus", minimum=1, unit="personnes")

FOLLOWED = Integer(
    "followed_now",
    "Nombre de personnes que vous suivez actuellement à ce titre",
    maximum=1000,
    unit="personnes",
    required_if=lambda values: values.get("already_listed") == "oui",
    width="half",
)


def _court_section(opened: list[str], maximum: int) -> SectionSpec:
    return SectionSpec(
        key="court",
        title="Le tribunal choisi",
        heading="TRIBUNAL JUDICIAIRE",
        on_cover=True,
        intro="La candidature est adressée au procureur de la République d’un tribunal judiciaire de votre choix.",
        fields=(
            Choice(
                "court",
                "Tribunal judiciaire",
                choices=tuple(choice for choice in court_choices() if choice[0] in opened),
                as_list=True,
                help_text="Pour figurer sur la liste d’un autre tribunal, déposez une autre candidature.",
            ),
            YesNo("already_listed", "Êtes-vous déjà inscrit(e) sur la liste d’un autre tribunal ?"),
            Text(
                "other_lists",
                "Sur quelles listes ?",
                required_if=lambda values: values.get("already_listed") == "oui",
                help_text="Le nom des tribunaux. On peut figurer sur plusieurs listes.",
            ),
            FOLLOWED,
        ),
        rule=at_most(
            FOLLOWED,
            maximum,
            f"Un médecin coordonnateur ne peut pas suivre plus de {maximum} personnes simultanément, toutes listes "
            "confondues : indiquez dans votre déclaration comment vous respecterez ce plafond.",
            blocking=False,
        ),
    )


IDENTITY_SECTION = SectionSpec(
    key="identity",
    title="Vous",
    heading="CANDIDAT",
    on_cover=True,
    fields=(_blocks.FULL_NAME, _blocks.ADDRESS, _blocks.PHONE, _blocks.EMAIL, _blocks.RPPS),
)


def _is_registered(values: Mapping[str, Any]) -> bool:
    return values.get("registered") == "oui"


def _is_trained(values: Mapping[str, Any]) -> bool:
    return values.get("qualification") == "trained"


REGISTERED = YesNo(
    "registered",
    "Êtes-vous inscrit(e) à un tableau de l’ordre des médecins ?",
    help_text="Article R. 3711-3, 1° du code de la santé publique (CSP).",
)
REGISTERED_ON = Date(
    "registered_on",
    "Date de votre inscription au tableau",
    required_if=_is_registered,
    help_text="La première, si vous avez changé de département.",
    width="half",
)
QUALIFICATION = Choice(
    "qualification",
    "Quelle est votre qualification ?",
    choices=(
        ("psychiatrist", "Psychiatre, en exercice depuis au moins trois ans"),
        ("former-specialist", "Psychiatre, ayant exercé en qualité de spécialiste pendant au moins cinq ans"),
        ("trained", "Médecin non psychiatre, ayant suivi la formation prévue par l’arrêté du 24 mars 2009"),
        ("none", "Aucune de ces situations"),
    ),
    help_text="Article R. 3711-3 du CSP et arrêté du 24 mars 2009.",
)
YEARS_REQUIRED = {"psychiatrist": 3, "former-specialist": 5}
PRACTICE_YEARS = Integer(
    "practice_years",
    "Nombre d’années d’exercice en cette qualité",
    maximum=70,
    unit="ans",
    required_if=lambda values: values.get("qualification") in YEARS_REQUIRED,
    help_text="Pour les psychiatres. Article R. 3711-3, 2° du CSP : trois ans comme psychiatre, ou cinq ans comme "
    "spécialiste.",
    width="half",
)


def _enough_practice(values: Mapping[str, Any]) -> list[Problem]:
    years = YEARS_REQUIRED.get(values.get("qualification", ""))
    if years is None:
        return []
    return at_least(
        PRACTICE_YEARS,
        years,
        f"Dans votre situation, au moins {years} ans d’exercice sont requis (article R. 3711-3, 2° du CSP).",
    )(values)


CRIMINAL_RECORD = Checkbox(
    "no_conviction",
    "Je déclare sur l’honneur n’avoir pas fait l’objet de condamnation justifiant une inscription au bulletin n° 2 du "
    "casier judiciaire pour des agissements contraires à l’honneur, à la probité et aux bonnes mœurs",
    help_text="Article R. 3711-3, 3° du CSP. L’autorité judiciaire le vérifie : ne joignez aucun extrait de casier.",
)
SANCTIONS = Checkbox(
    "no_sanction",
    "Je déclare sur l’honneur n’avoir fait l’objet ni de sanction disciplinaire ordinale pour de tels agissements, ni "
    "de suspension d’exercice",
    help_text="Article R. 3711-3, 4° du CSP.",
)


def _eligibility_section(minimum_registration: int) -> SectionSpec:
    return SectionSpec(
        key="eligibility",
        title="Conditions d’inscription",
        heading="CONDITIONS D’INSCRIPTION SUR LA LISTE",
        intro="Ces questions reprennent les conditions du code de la santé publique.",
        fields=(
            REGISTERED,
            Choice(
                "order_council",
                "Conseil départemental de l’ordre",
                choices=tuple((place.code, f"{place.code} – {place.name}") for place in departments()),
                required_if=_is_registered,
                as_list=True,
                help_text="Son président est consulté sur votre candidature.",
                width="half",
            ),
            REGISTERED_ON,
            QUALIFICATION,
            PRACTICE_YEARS,
            Text(
                "training_institution",
                "Organisme qui a délivré la formation",
                required_if=_is_trained,
                help_text="L’attestation sera à joindre avec les pièces.",
            ),
            Date("training_date", "Date de fin de la formation", required_if=_is_trained, width="half"),
            CRIMINAL_RECORD,
            SANCTIONS,
            Checkbox(
                "independence",
                "Je m’engage à refuser de suivre une personne avec qui j’ai un lien familial, professionnel, médical "
                "ou expertal",
            ),
        ),
        rule=_conditions_of_the_list(minimum_registration),
    )


def _screening(values: Mapping[str, Any]) -> SectionSpec:
    """Convictions and sanctions are not asked here: they are read in the conditions, and declared in the dossier."""
    return SectionSpec(
        key="screening",
        title="Pouvez-vous être inscrit(e) sur la liste ?",
        fields=(REGISTERED, REGISTERED_ON, QUALIFICATION, PRACTICE_YEARS),
        rule=_conditions_of_the_list(values["minimum_registration"]),
    )


def _conditions_of_the_list(minimum_registration: int) -> Rule:
    return together(
        _enough_practice,
        refused(
            REGISTERED,
            {"non"},
            "L’inscription à un tableau de l’ordre des médecins est une condition (article R. 3711-3, 1° du CSP).",
        ),
        refused(
            QUALIFICATION,
            {"none"},
            "La liste est ouverte aux psychiatres justifiant de la durée d’exercice requise (article R. 3711-3, 2° "
            "du CSP) et aux médecins ayant suivi la formation prévue par l’arrêté du 24 mars 2009.",
        ),
        at_most(
            REGISTERED_ON,
            lambda: _years_ago(minimum_registration),
            f"L’attestation à joindre doit justifier d’au moins {minimum_registration} ans d’inscription "
            "(articles R. 3711-3 et R. 3711-5 du CSP) : vérifiez cette date.",
            blocking=False,
        ),
    )


def _years_ago(years: int) -> date:
    today = timezone.localdate()
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return today.replace(year=today.year - years, day=28)


ACTIVITIES_SECTION = SectionSpec(
    key="activities",
    title="Vos activités professionnelles",
    heading="NATURE DES ACTIVITÉS PROFESSIONNELLES, LIEUX ET DATES D’EXERCICE",
    fields=(
        Table(
            "activities",
            "Nature des activités professionnelles, lieux et dates d’exercice",
            help_text="De la plus récente à la plus ancienne.",
            columns=(
                Text("nature", "Nature de l’activité"),
                Text("place", "Lieu d’exercice"),
                Text("start", "Depuis", max_length=40),
                Text("end", "Jusqu’à", required=False, max_length=40),
            ),
            rows=5,
        ),
    ),
)

DECLARATION_SECTION = SectionSpec(
    key="declaration",
    title="Déclaration de candidature",
    heading="DÉCLARATION LIBRE DE CANDIDATURE",
    intro="Déclaration libre de candidature en tant que médecin coordonnateur dans le cadre du dispositif des "
    "injonctions de soins.",
    fields=(
        LongText(
            "declaration",
            "Votre déclaration",
            rows=12,
            help_text="Vos motivations, votre expérience auprès des personnes placées sous main de justice, vos "
            "disponibilités…",
        ),
        *_blocks.signature_fields("Je signe cette déclaration et certifie l’exactitude de mes réponses"),
    ),
)


def _needs_training_certificate(answers: Mapping[str, Mapping[str, Any]]) -> bool:
    return _is_trained(answers.get("eligibility", {}))


def _dossier(values: Mapping[str, Any]) -> DossierSpec:
    years = values["minimum_registration"]
    return DossierSpec(
        sections=(
            _court_section(values["courts"], values["maximum_followed"]),
            IDENTITY_SECTION,
            _eligibility_section(years),
            ACTIVITIES_SECTION,
            DECLARATION_SECTION,
        ),
        pieces=(
            PieceSpec(
                key="order_certificate",
                label="Attestation de l’ordre des médecins",
                help_text=f"Elle justifie d’au moins {years} ans d’inscription au tableau et de l’absence de sanctions "
                "disciplinaires ordinales et de suspensions d’exercice (articles R. 3711-3 et R. 3711-5 du CSP).",
            ),
            PieceSpec(
                key="training_certificate",
                label="Attestation de formation",
                help_text="Pour les médecins non psychiatres : formation prévue par l’arrêté du 24 mars 2009.",
                required_if=_needs_training_certificate,
            ),
            *_blocks.extra_pieces(values.get("extra_pieces") or ""),
        ),
        document_title="DOSSIER DE CANDIDATURE – MÉDECIN COORDONNATEUR (INJONCTION DE SOINS)",
        document_intro="Le médecin coordonnateur, choisi par le juge d’application des peines, est chargé d’organiser "
        "la mise en œuvre de l’injonction de soins et sert d’interface entre le professionnel traitant et le juge. Il "
        "est inscrit sur une liste établie tous les trois ans par le procureur de la République, après avis du "
        "président du conseil départemental de l’ordre des médecins et du directeur général de l’ARS.",
        document_checklist=(
            (
                "Déclaration libre de candidature en tant que médecin coordonnateur dans le cadre du dispositif des "
                "injonctions de soins"
            ),
            "Nature des activités professionnelles, lieux et dates d’exercice",
            (
                f"Attestation justifiant d’au moins {years} ans d’inscription au tableau de l’ordre des médecins et de "
                "l’absence de sanctions disciplinaires ordinales et de suspensions d’exercice (tel que mentionné par "
                "les articles R. 3711-3 et R. 3711-5 du code de la santé publique)"
            ),
            "Attestation de formation, le cas échéant",
        ),
    )


kind = OfferKind(
    slug="medecin-coordonnateur",
    label="Médecin coordonnateur – injonction de soins",
    short_label="Médecin coordonnateur",
    summary="Un médecin qui fait le lien entre la justice et le soignant d’une personne soumise à une injonction de "
    "soins.",
    has_deadline=False,
    reminders={
        "candidate": Cadence(every_days=14, at_most=3),
        "unopened": Cadence(every_days=7, at_most=3),
        "unsigned": Cadence(every_days=10, at_most=3),
    },
    offer_sections=(
        SectionSpec(
            key="role",
            title="La fonction",
            fields=(
                LongText("measure", "L’injonction de soins", rows=8),
                LongText("role", "Le rôle du médecin coordonnateur", rows=10),
                LongText("profile", "Le profil des candidats", rows=8),
                LongText("allowance", "La rémunération", rows=5),
                LongText("submission", "Le dossier de candidature et les modalités de dépôt", rows=6),
            ),
        ),
        SectionSpec(
            key="references",
            title="Pour plus de précisions",
            fields=(
                LongText("legal_references", "Références juridiques", required=False, rows=4),
                LongText("documents", "Documents de référence", required=False, rows=2),
                _blocks.CONTACTS,
            ),
        ),
    ),
    parameter_section=SectionSpec(
        key="parameters",
        title="Le ressort et les règles",
        fields=(COURTS, MINIMUM_REGISTRATION, MAXIMUM_FOLLOWED, _blocks.EXTRA_PIECES, _blocks.PRIVACY_CONTACT),
    ),
    default_parameters={
        "courts": [court.code for court in courts()],
        "minimum_registration": 3,
        "maximum_followed": 60,
        "privacy_contact": "dpo@ars-auvergne-rhone-alpes.example.org",
    },
    public_parameters=("courts", "minimum_registration", "maximum_followed"),
    build_dossier=_dossier,
    build_screening=_screening,
    conditions=(
        (
            "Vous êtes inscrit(e) à un tableau de l’ordre des médecins (article R. 3711-3, 1° du code de la santé "
            "publique, ou CSP)."
        ),
        (
            "Vous exercez comme psychiatre depuis au moins trois ans, ou avez exercé comme spécialiste pendant au "
            "moins cinq ans (article R. 3711-3, 2° du CSP) ; ou, sans être psychiatre, vous avez suivi la formation "
            "prévue par l’arrêté du 24 mars 2009."
        ),
        (
            "Vous n’avez pas de condamnation inscrite au bulletin n° 2 du casier judiciaire pour des agissements "
            "contraires à l’honneur, à la probité et aux bonnes mœurs (article R. 3711-3, 3° du CSP)."
        ),
        (
            "Vous n’avez fait l’objet ni de sanction ordinale pour de tels agissements, ni de suspension "
            "(article R. 3711-3, 4° du CSP)."
        ),
        (
            "Vous pouvez justifier d’au moins {minimum_registration} d’inscription au tableau de l’ordre "
            "(articles R. 3711-3 et R. 3711-5 du CSP)."
        ),
        (
            "Vous suivrez au plus {maximum_followed} à la fois, toutes listes confondues, et aucune avec qui vous "
            "auriez un lien familial, professionnel, médical ou expertal."
        ),
    ),
    legal_mentions="""\
Le présent accusé de réception atteste du dépôt de votre candidature à la date et à l’heure indiquées (articles \
L. 112-11 et R. 112-11-1 du code des relations entre le public et l’administration). Il ne préjuge pas de sa \
recevabilité. Si une pièce manque, le service vous le dira et vous donnera un délai pour la fournir (article L. 114-5 \
du même code).
La liste des médecins coordonnateurs est établie tous les trois ans par le procureur de la République, après avis du \
président du conseil départemental de l’ordre des médecins et du directeur général de l’agence régionale de santé ; \
elle est mise à jour dans l’intervalle (articles L. 3711-1 et R. 3711-1 et suivants du code de la santé publique). \
Vous serez informé de la décision prise sur votre candidature.""",
)
