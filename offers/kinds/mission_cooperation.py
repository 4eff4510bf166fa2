"""Missions de coopération judiciaire internationale: experts sent abroad, for some years or for some days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dossiers.fields import Checkbox, Choice, Date, LongText, MultipleChoice, Table, Text, YesNo
from dossiers.spec import DossierSpec, PieceSpec, Problem, SectionSpec
from offers.kinds import _blocks
from offers.kinds._rules import refused, together
from offers.kinds.base import OfferKind

MISSION_TYPES = (
    ("long-term-expert", "Expert technique international de long terme, sans lien avec un projet particulier"),
    ("long-term-project", "Expert de long terme dans le cadre d’un projet (contrat de travail, 2 à 3 ans en moyenne)"),
    ("short-term", "Expertise de court ou moyen terme (quelques jours, ou « perlée »), sans expatriation"),
)
PROFILES = (
    ("trainer", "Formateur (ancien directeur ou adjoint de l’ENM, de l’École nationale des greffes…)"),
    ("criminal-law", "Magistrat en droit pénal spécialisé (criminalité organisée, corruption, terrorisme…)"),
    ("court-manager", "Manager de juridiction (chef de cour ou de juridiction, président de chambre, chef de service)"),
    ("other", "Autre profil"),
)
BODIES = (
    ("magistrat", "Magistrat"),
    ("greffe", "Directeur des services de greffe ou greffier"),
    ("penitentiaire", "Administration pénitentiaire"),
    ("pjj", "Protection judiciaire de la jeunesse"),
    ("sante", "Professionnel de santé"),
    ("autre", "Autre"),
)
LEVELS = (("a2", "A2"), ("b1", "B1"), ("b2", "B2"), ("c1", "C1"), ("c2", "C2 ou langue maternelle"))

PRIORITIES = LongText(
    "priorities", "Priorités thématiques", help_text="Une par ligne, dans l’ordre.", rows=6, max_length=2000
)
ZONES = LongText(
    "zones",
    "Zones géographiques prioritaires",
    required=False,
    help_text="Une par ligne. Laissez vide pour que le candidat les nomme lui-même.",
    rows=5,
    max_length=4000,
)
MISSIONS = MultipleChoice("missions", "Types de missions proposées", choices=MISSION_TYPES)
SOUGHT_PROFILES = MultipleChoice(
    "sought_profiles", "Profils les plus recherchés", required=False, choices=PROFILES[:-1]
)


def _wants_expatriation(values: Mapping[str, Any]) -> bool:
    return bool({"long-term-expert", "long-term-project"} & set(values.get("mission_types") or ()))


EXPATRIATION = YesNo(
    "expatriation",
    "Êtes-vous prêt(e) à vous expatrier ?",
    required_if=_wants_expatriation,
    help_text="Les missions de long terme supposent une expatriation ; celles de court ou moyen terme, non.",
)


def _long_term_needs_expatriation(values: Mapping[str, Any]) -> list[Problem]:
    if not _wants_expatriation(values):
        return []
    return refused(
        EXPATRIATION,
        {"non"},
        "Les missions de long terme que vous avez choisies supposent une expatriation.",
        blocking=False,
    )(values)


def _mission_types(values: Mapping[str, Any]) -> MultipleChoice:
    offered = tuple(choice for choice in MISSION_TYPES if choice[0] in values["missions"])
    return MultipleChoice("mission_types", "Types de missions", choices=offered)


def _missions_section(values: Mapping[str, Any]) -> SectionSpec:
    priorities = _blocks.choices_from_lines(values["priorities"])
    zones = _blocks.choices_from_lines(values["zones"])
    zone_question = (
        MultipleChoice("zones", "Zones où vous êtes prêt(e) à partir", choices=zones)
        if zones
        else LongText("zones", "Zones ou pays où vous êtes prêt(e) à partir", rows=3, max_length=1000)
    )
    return SectionSpec(
        key="missions",
        title="Les missions qui vous intéressent",
        heading="MISSIONS SOUHAITÉES",
        on_cover=True,
        fields=(
            _mission_types(values),
            MultipleChoice("priorities", "Priorités thématiques où vous avez une expertise", choices=priorities),
            zone_question,
            EXPATRIATION,
            Date("available_on", "Disponible à partir du", width="half"),
            Text(
                "availability",
                "Durée et contraintes",
                required=False,
                help_text="Par exemple : deux missions d’une semaine par an.",
                width="half",
            ),
        ),
        rule=_long_term_needs_expatriation,
    )


PATH_SECTION = SectionSpec(
    key="path",
    title="Votre parcours",
    heading="PARCOURS PROFESSIONNEL",
    fields=(
        Choice("body", "Corps ou profession", choices=BODIES, as_list=True),
        Text("current_position", "Fonction actuelle", max_length=300),
        Text("current_employer", "Juridiction, service ou employeur", max_length=300),
        MultipleChoice("profiles", "De quels profils vous rapprochez-vous ?", choices=PROFILES),
        LongText("expertise", "Vos domaines d’expertise", rows=6),
        Table(
            "languages",
            "Langues",
            help_text="Celles dans lesquelles vous pouvez travailler, avec le niveau du cadre européen.",
            columns=(Text("language", "Langue"), Choice("level", "Niveau", choices=LEVELS, as_list=True)),
            rows=3,
        ),
    ),
)

PROJECT_EXPERIENCE = YesNo(
    "earlier_missions",
    "Avez-vous déjà fait des missions de coopération, ou servi au département international de l’ENM ?",
)

EXPERIENCE_SECTION = SectionSpec(
    key="experience",
    title="Votre expérience de la coopération",
    heading="EXPÉRIENCE DE LA COOPÉRATION",
    intro="Pour être recruté sur une mission de long terme dans le cadre d’un projet, il est préférable d’avoir déjà "
    "fait des missions de coopération antérieures : ces postes nécessitent des capacités de gestion de projet et une "
    "connaissance de l’environnement de la coopération technique.",
    fields=(
        PROJECT_EXPERIENCE,
        Table(
            "missions",
            "Missions de coopération antérieures",
            required_if=lambda values: values.get("earlier_missions") == "oui",
            columns=(
                Text("country", "Pays"),
                Text("subject", "Objet de la mission"),
                Text("funder", "Opérateur ou bailleur", required=False),
                Text("period", "Période", max_length=60),
            ),
            rows=3,
        ),
        LongText(
            "project_management",
            "Votre expérience de la gestion de projet",
            required=False,
            help_text="Relations avec les bailleurs, organisation de comités de pilotage…",
            rows=4,
        ),
    ),
    rule=refused(
        PROJECT_EXPERIENCE,
        {"non"},
        "Pour les missions de long terme dans le cadre d’un projet, des missions antérieures sont préférées. Vous "
        "pouvez candidater sans elles.",
        blocking=False,
    ),
)


def _project_prefers_experience(values: Mapping[str, Any]) -> list[Problem]:
    if "long-term-project" not in (values.get("mission_types") or ()):
        return []
    return EXPERIENCE_SECTION.rule(values)


MOTIVATION_SECTION = SectionSpec(
    key="motivation",
    title="Votre projet",
    heading="PROJET",
    fields=(
        LongText("motivation", "Ce que vous souhaitez apporter", rows=10),
        Checkbox("certified", "Je certifie l’exactitude de mes déclarations"),
    ),
)


def _screening(values: Mapping[str, Any]) -> SectionSpec:
    return SectionSpec(
        key="screening",
        title="Quelles missions vous conviennent ?",
        fields=(_mission_types(values), EXPATRIATION, PROJECT_EXPERIENCE),
        rule=together(_long_term_needs_expatriation, _project_prefers_experience),
    )


def _dossier(values: Mapping[str, Any]) -> DossierSpec:
    return DossierSpec(
        sections=(
            SectionSpec(
                key="identity",
                title="Vous",
                heading="CANDIDAT",
                on_cover=True,
                fields=(_blocks.FULL_NAME, _blocks.ADDRESS, _blocks.PHONE, _blocks.EMAIL),
            ),
            _missions_section(values),
            PATH_SECTION,
            EXPERIENCE_SECTION,
            MOTIVATION_SECTION,
        ),
        pieces=(
            PieceSpec(key="cv", label="Curriculum vitae"),
            PieceSpec(key="cover_letter", label="Lettre de motivation"),
            *_blocks.extra_pieces(values.get("extra_pieces") or ""),
        ),
        document_title="DOSSIER DE CANDIDATURE – MISSION DE COOPÉRATION JUDICIAIRE INTERNATIONALE",
        document_intro="La stratégie de coopération internationale en matière de justice est fondée sur les valeurs de "
        "l’État de droit, de la défense des droits de l’Homme et des libertés fondamentales.",
        document_checklist=("Le dossier de candidature complété", "Un curriculum vitae", "Une lettre de motivation"),
    )


kind = OfferKind(
    slug="mission-cooperation",
    label="Mission de coopération judiciaire internationale",
    short_label="Coopération internationale",
    summary="Mettre son expérience de la justice au service de la coopération, pour quelques jours ou quelques années.",
    offer_sections=(
        SectionSpec(
            key="strategy",
            title="La coopération internationale en matière de justice",
            fields=(
                LongText("objectives", "Objectifs", rows=8),
                LongText("long_term_expert", "Expert technique international, sans lien avec un projet", rows=5),
                LongText("long_term_project", "Expert de long terme dans le cadre de projets", rows=8),
                LongText("short_term", "Expertise de court ou moyen terme", rows=5),
            ),
        ),
        SectionSpec(key="contacts", title="Contacts", fields=(_blocks.CONTACTS,)),
    ),
    parameter_section=SectionSpec(
        key="parameters",
        title="Missions et priorités",
        fields=(MISSIONS, SOUGHT_PROFILES, PRIORITIES, ZONES, _blocks.EXTRA_PIECES, _blocks.PRIVACY_CONTACT),
    ),
    default_parameters={
        "missions": [key for key, _ in MISSION_TYPES],
        "sought_profiles": [key for key, _ in PROFILES[:-1]],
        "priorities": "La lutte contre le terrorisme, la radicalisation et les grands réseaux criminels\n"
        "La promotion de l’État de droit\n"
        "L’appui à la transformation numérique de la justice\n"
        "La promotion de la justice environnementale\n"
        "Le soutien à l’attractivité juridique de la France\n"
        "Le soutien à la justice internationale",
        "privacy_contact": "dpd@justice.example.org",
    },
    public_parameters=("missions", "sought_profiles", "priorities", "zones"),
    build_dossier=_dossier,
    build_screening=_screening,
    conditions=(
        (
            "Vous êtes magistrat, agent du ministère de la Justice ou expert d’un domaine utile à la coopération "
            "judiciaire."
        ),
        "Les missions de long terme supposent une expatriation ; celles de court ou moyen terme, non.",
        (
            "Pour une mission de long terme dans le cadre d’un projet, des missions de coopération antérieures sont "
            "préférées."
        ),
    ),
    legal_mentions="""\
Le présent accusé de réception atteste du dépôt de votre candidature à la date et à l’heure indiquées (articles \
L. 112-11 à L. 112-13 du code des relations entre le public et l’administration). Il ne préjuge pas de la suite qui \
lui sera donnée.
Vous serez informé de cette suite par le service désigné ci-dessus, auquel vous pouvez adresser toute question.""",
)
