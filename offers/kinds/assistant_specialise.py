"""Assistant spécialisé (médecin) in a court: an offer in the form of Choisir le service public, a CV and a letter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dossiers.fields import (
    Checkbox,
    Choice,
    Date,
    Integer,
    LongText,
    MultipleChoice,
    Table,
    Text,
    YesNo,
)
from dossiers.spec import DossierSpec, PieceSpec, Problem, SectionSpec
from offers.kinds import _blocks
from offers.kinds._csp import MANDATORY_MENTIONS, OFFER_SECTIONS
from offers.kinds._rules import at_least, at_most, refused, together
from offers.kinds.base import OfferKind

PROFESSIONS = LongText(
    "professions",
    "Professions admises",
    help_text="Une par ligne. Le candidat indique la sienne.",
    rows=4,
    max_length=1000,
)
MINIMUM_EXPERIENCE = Integer(
    "minimum_experience", "Expérience post-doctorale requise", maximum=50, unit="ans", help_text="En années."
)

NATIONALITY = YesNo("french", "Avez-vous la nationalité française ?", help_text="Article R. 123-39 du COJ.")
STATUS = Choice(
    "status",
    "Quelle est votre situation ?",
    choices=(
        ("official-a", "Fonctionnaire de catégorie A"),
        ("official-b", "Fonctionnaire de catégorie B"),
        ("contractual", "Je serais recruté(e) comme agent contractuel"),
    ),
    help_text="Un fonctionnaire d’un autre corps (catégorie C) peut être recruté comme contractuel s’il en remplit "
    "les conditions.",
)


def _is_contractual(values: Mapping[str, Any]) -> bool:
    return values.get("status") == "contractual"


DIPLOMA = YesNo(
    "four_year_diploma",
    "Avez-vous un diplôme national sanctionnant au moins quatre années d’études après le baccalauréat ?",
    help_text="Le diplôme d’État de docteur en médecine en est un. Article R. 123-39, 2° du COJ.",
    required_if=_is_contractual,
)
EXPERIENCE = Integer(
    "experience_years",
    "Nombre d’années d’expérience professionnelle",
    maximum=60,
    unit="ans",
    required_if=_is_contractual,
    help_text="Article R. 123-39, 2° du COJ : quatre années au moins pour un agent contractuel.",
    width="half",
)
POST_DOCTORAL = Integer(
    "postdoctoral_years",
    "Dont années d’expérience après le doctorat",
    maximum=60,
    unit="ans",
    help_text="Après l’obtention du diplôme d’État de docteur.",
    width="half",
)
REGULATED_PRACTICE = YesNo(
    "regulated_practice",
    "Avez-vous exercé, depuis moins de deux ans et dans le ressort de la juridiction, l’une des professions citées ?",
    help_text="Avocat, notaire, commissaire de justice, greffier de tribunal de commerce, administrateur judiciaire "
    "ou mandataire judiciaire. Article R. 123-42 du COJ.",
)


def _eligibility_section(minimum_experience: int) -> SectionSpec:
    return SectionSpec(
        key="eligibility",
        title="Conditions de recrutement",
        heading="CONDITIONS DE RECRUTEMENT",
        intro="Ces questions reprennent les conditions du code de l’organisation judiciaire (COJ) et de l’offre. Si "
        "l’une d’elles n’est pas remplie, nous vous le disons tout de suite, avec l’article qui la prévoit.",
        fields=(NATIONALITY, STATUS, DIPLOMA, EXPERIENCE, POST_DOCTORAL, REGULATED_PRACTICE),
        rule=together(
            refused(
                NATIONALITY,
                {"non"},
                "Les assistants spécialisés sont de nationalité française (article R. 123-39 du COJ).",
            ),
            refused(
                DIPLOMA,
                {"non"},
                "Un agent contractuel doit être titulaire d’un diplôme national sanctionnant au moins quatre années "
                "d’études après le baccalauréat (article R. 123-39, 2° du COJ).",
            ),
            _contractual_experience,
            _more_after_than_in_all,
            at_least(
                POST_DOCTORAL,
                minimum_experience,
                f"L’offre requiert une expérience professionnelle post-doctorale d’au moins {minimum_experience} ans.",
            ),
            refused(
                REGULATED_PRACTICE,
                {"oui"},
                "Un assistant spécialisé ne peut pas être recruté dans le ressort d’une juridiction où il a exercé "
                "l’une de ces professions depuis moins de deux ans (article R. 123-42 du COJ).",
            ),
        ),
    )


def _screening(values: Mapping[str, Any]) -> SectionSpec:
    """The same questions as in the dossier, where the answers are carried over."""
    return replace(_eligibility_section(values["minimum_experience"]), key="screening", intro="")


def _contractual_experience(values: Mapping[str, Any]):
    rule = at_least(
        EXPERIENCE,
        4,
        "Un agent contractuel doit justifier d’une expérience professionnelle d’au moins quatre années "
        "(article R. 123-39, 2° du COJ).",
    )
    return rule(values) if _is_contractual(values) else []


def _more_after_than_in_all(values: Mapping[str, Any]) -> list[Problem]:
    message = "Ce nombre dépasse celui de vos années d’expérience : vérifiez les deux."
    total = values.get(EXPERIENCE.name)
    return [] if total is None else at_most(POST_DOCTORAL, total, message, blocking=False)(values)


def _identity_section(professions: str) -> SectionSpec:
    return SectionSpec(
        key="identity",
        title="Vous",
        heading="CANDIDAT",
        on_cover=True,
        fields=(
            _blocks.FULL_NAME,
            _blocks.ADDRESS,
            _blocks.PHONE,
            _blocks.EMAIL,
            Choice("profession", "Profession", choices=_blocks.choices_from_lines(professions), as_list=True),
            Text("specialty", "Spécialité", required=False),
            _blocks.RPPS,
        ),
    )


PATH_SECTION = SectionSpec(
    key="path",
    title="Votre parcours",
    heading="PARCOURS PROFESSIONNEL",
    intro="L’essentiel suffit : votre CV dira le reste.",
    fields=(
        Text("current_position", "Fonction actuelle", max_length=300),
        Text("current_employer", "Employeur actuel ou mode d’exercice", max_length=300),
        Table(
            "positions",
            "Principales fonctions exercées",
            columns=(
                Text("function", "Fonction"),
                Text("employer", "Employeur ou structure"),
                Text("start", "Depuis", max_length=40),
                Text("end", "Jusqu’à", required=False, max_length=40),
            ),
            rows=4,
        ),
        Table(
            "diplomas",
            "Diplômes",
            columns=(
                Text("title", "Diplôme"),
                Text("institution", "Délivré par"),
                Integer("year", "Année", minimum=1940, maximum=2100),
            ),
            rows=3,
        ),
    ),
)

MOTIVATION_SECTION = SectionSpec(
    key="candidacy",
    title="Votre candidature",
    heading="CANDIDATURE",
    fields=(
        MultipleChoice(
            "fields_of_experience",
            "Dans quels domaines avez-vous une expérience ?",
            choices=(
                ("hopital", "Médecine hospitalière"),
                ("ville", "Médecine de ville"),
                ("expertise", "Expertise médicale et scientifique"),
                ("administration", "Administration sanitaire"),
                ("recherche", "Recherche ou enseignement"),
                ("droit", "Droit de la santé, droit pénal ou procédure pénale"),
            ),
        ),
        LongText(
            "writing_experience",
            "Votre expérience de la rédaction de notes, de rapports ou de procès-verbaux",
            required=False,
            rows=4,
        ),
        Date("available_on", "Date à laquelle vous seriez disponible", width="half"),
        LongText(
            "interests",
            "Liens d’intérêts à signaler",
            required=False,
            rows=3,
            help_text="Avec des établissements, des industriels ou des professionnels de santé : ils n’empêchent pas "
            "de candidater, et permettent d’organiser les déports.",
        ),
        Checkbox("certified", "Je certifie l’exactitude de mes déclarations"),
    ),
)


def _dossier(values: Mapping[str, Any]) -> DossierSpec:
    return DossierSpec(
        sections=(
            _identity_section(values["professions"]),
            _eligibility_section(values["minimum_experience"]),
            PATH_SECTION,
            MOTIVATION_SECTION,
        ),
        pieces=(
            PieceSpec(key="cv", label="Curriculum vitae", help_text="L’envoi du CV est obligatoire."),
            PieceSpec(
                key="cover_letter",
                label="Lettre de motivation",
                help_text="L’envoi d’une lettre de motivation est obligatoire.",
            ),
            *_blocks.extra_pieces(values.get("extra_pieces") or ""),
        ),
        document_title="DOSSIER DE CANDIDATURE – ASSISTANT SPÉCIALISÉ",
        document_intro="L’assistant spécialisé est un conseiller technique placé auprès des magistrats "
        "(article 706 du code de procédure pénale et article L. 123-5 du code de l’organisation judiciaire).",
        document_checklist=("Le dossier de candidature complété", "Un curriculum vitae", "Une lettre de motivation"),
    )


kind = OfferKind(
    slug="assistant-specialise",
    label="Assistant spécialisé auprès d’une juridiction",
    short_label="Assistant spécialisé",
    summary="Un professionnel de santé au parquet, conseiller technique des magistrats, pour trois ans.",
    offer_sections=OFFER_SECTIONS,
    parameter_section=SectionSpec(
        key="parameters",
        title="Profil demandé",
        fields=(PROFESSIONS, MINIMUM_EXPERIENCE, _blocks.EXTRA_PIECES, _blocks.PRIVACY_CONTACT),
    ),
    default_parameters={
        "professions": "médecin",
        "minimum_experience": 10,
        "privacy_contact": "dpd@justice.example.org",
    },
    public_parameters=("professions", "minimum_experience"),
    build_dossier=_dossier,
    build_screening=_screening,
    mandatory_mentions=MANDATORY_MENTIONS,
    conditions=(
        "Vous avez la nationalité française (article R. 123-39 du code de l’organisation judiciaire, ou COJ).",
        (
            "Vous êtes fonctionnaire de catégorie A ou B ; ou vous avez un diplôme national d’au moins quatre années "
            "d’études après le baccalauréat et au moins quatre années d’expérience (article R. 123-39 du COJ)."
        ),
        (
            "Vous justifiez d’une expérience professionnelle post-doctorale d’au moins {minimum_experience} (condition "
            "de l’offre)."
        ),
        (
            "Vous n’avez pas exercé depuis moins de deux ans, dans le ressort de la juridiction, comme avocat, "
            "notaire, commissaire de justice ou dans une profession voisine (article R. 123-42 du COJ)."
        ),
        (
            "Le contrat est de trois ans, renouvelable, avec une période d’essai de trois mois (articles R. 123-43 et "
            "R. 123-44 du COJ) ; vous prêtez serment avant d’entrer en fonction (article R. 123-47)."
        ),
    ),
    legal_mentions="""\
Le présent accusé de réception atteste du dépôt de votre candidature à la date et à l’heure indiquées, qui font foi \
pour le respect de la date limite (articles L. 112-11 à L. 112-13 du code des relations entre le public et \
l’administration). Il ne préjuge pas de la recevabilité de votre candidature.
Le recrutement est décidé par les chefs de la cour d’appel (article R. 123-41 du code de l’organisation judiciaire). \
Vous serez informé de la suite donnée à votre candidature par le service désigné ci-dessus, auquel vous pouvez \
adresser toute question.""",
)
