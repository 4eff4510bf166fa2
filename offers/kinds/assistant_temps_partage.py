"""Assistant spécialiste à temps partagé ville–hôpital: half the time at least outside the hospital."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dossiers.fields import LongText, Percent, Text, YesNo
from dossiers.spec import AnnexSpec, DossierSpec, PieceSpec, SectionSpec
from offers.kinds import _blocks, _normandie
from offers.kinds._rules import adds_up, at_least, together
from offers.kinds.base import OfferKind

MINIMUM_AMBULATORY = Percent(
    "minimum_ambulatory", "Part minimale du temps dans la structure ambulatoire", minimum=0, maximum=100
)

SHARES = _normandie.share_fields(
    ("hospital_share", "Temps dans l’établissement de santé", "Temps passé dans l’établissement de santé"),
    ("ambulatory_share", "Temps dans la structure ambulatoire", "Temps passé dans la structure ambulatoire"),
)

SKILLS = (
    "Acquisition ou perfectionnement de certaines techniques ou compétences, acquisition d’une expérience de "
    "responsabilité thérapeutique et de décision médicale, développement d’activités nouvelles au sein du service "
    "d’accueil, encadrement et enseignement des internes de spécialités et/ou du personnel soignant, autres… "
    "(détailler les activités prévues)."
)


def _function_section(minimum: int) -> SectionSpec:
    return SectionSpec(
        key="function",
        title="Description de la fonction",
        heading="PROJET POUR LA FONCTION D’ASSISTANT SPÉCIALISTE AMBULATOIRE PARTAGÉ",
        intro="Répartition envisagée entre les établissements : l’exercice au sein de la structure ambulatoire, à "
        f"hauteur de {minimum} % minimum, sera réalisé sous la forme de consultations avancées.",
        intro_after="ambulatory",
        fields=(
            Text(
                "hospital",
                "Établissement de santé, pôle et service",
                print_label="ÉTABLISSEMENT DE SANTÉ – Pôle et service",
                max_length=300,
            ),
            Text(
                "ambulatory",
                "Structure ambulatoire",
                help_text="Centre de santé, maison de santé pluridisciplinaire, cabinet libéral…",
                print_label="STRUCTURE AMBULATOIRE",
                max_length=300,
            ),
            *SHARES,
            LongText(
                "hospital_activities",
                "Vos activités dans l’établissement de santé",
                help_text=f"Nature de l’activité clinique. {SKILLS}",
                print_label="I – ACTIVITÉS DE L’ASSISTANT DANS L’ÉTABLISSEMENT DE SANTÉ",
                print_help=True,
                rows=10,
            ),
            LongText(
                "ambulatory_activities",
                "Vos activités dans la structure ambulatoire",
                help_text=SKILLS,
                print_label="II – ACTIVITÉS DE L’ASSISTANT DANS LA STRUCTURE AMBULATOIRE",
                print_help=True,
                rows=10,
            ),
        ),
        rule=together(
            adds_up(SHARES),
            at_least(
                SHARES[1],
                minimum,
                f"La part de temps dans la structure ambulatoire doit être d’au moins {minimum} %.",
            ),
        ),
    )


STRUCTURE_SECTION = SectionSpec(
    key="ambulatory_structure",
    title="La structure ambulatoire",
    heading="DESCRIPTION DE LA STRUCTURE AMBULATOIRE",
    fields=(
        Text("location", "Localisation", print_label="1. Localisation", max_length=300),
        Text("legal_nature", "Nature juridique de la structure", print_label="2. Nature juridique de la structure"),
        LongText(
            "team",
            "Composition de l’équipe médicale et paramédicale",
            help_text="Indiquez le nombre, la profession et la spécialité.",
            print_label="3. Composition et organisation – Composition de l’équipe médicale et paramédicale "
            "(indiquer le nombre, la profession et la spécialité)",
            rows=4,
        ),
        LongText(
            "continuity_of_care",
            "Organisation de la permanence des soins ambulatoires",
            rows=3,
        ),
        LongText(
            "university_links",
            "Liens avec l’université",
            help_text="Maîtres de stage universitaires, par exemple. S’il n’y en a pas, indiquez « aucun ».",
            print_label="Liens avec l’université (maîtres de stage universitaires…)",
            rows=3,
        ),
        LongText("computing", "Informatisation", rows=2),
        LongText(
            "health_project",
            "Projet médical ou de santé de la structure",
            print_label="4. Projet médical / de santé de la structure",
        ),
        LongText(
            "activity",
            "Activité de la structure",
            help_text="Nombre de consultations hebdomadaires, file active, spécificités éventuelles de la patientèle, "
            "diversité des pathologies…",
            print_label="5. Activité de la structure (nombre de consultations hebdomadaires, file active, spécificités "
            "éventuelles de la patientèle, diversité des pathologies…)",
        ),
    ),
)

NEEDS_SECTION = SectionSpec(
    key="needs",
    title="Analyse des besoins",
    heading="ANALYSE DES BESOINS DES CONSULTATIONS AVANCÉES",
    intro="Indiquer ici les attentes de la structure ambulatoire en termes de développement des consultations "
    "avancées de spécialiste assurées par l’assistant.",
    fields=(LongText("needs", "Attentes de la structure ambulatoire", rows=10),),
)

CANDIDATE_SECTIONS = ("request", "training", "planned_training", "function", "life_project")
STRUCTURE_SECTIONS = ("ambulatory_structure", "needs")

COORDINATOR_INSTRUCTIONS = """\
Indiquer dans l’encadré ci-dessous ou par un courrier d’appui l’avis du coordonnateur sur :
– le projet professionnel,
– le choix de la structure partenaire du projet,
– la répartition du temps médical entre les structures,
– le devenir du candidat à la fin de son contrat.

Il appartient aux établissements de santé souhaitant accueillir un assistant spécialiste à temps partagé de contacter \
le coordonnateur de la spécialité, afin de pouvoir élaborer le projet en concertation avec lui et les candidats.

Par ailleurs, le coordonnateur, dans l’annexe 1 du dossier, dans son avis à rendre, devra justifier le choix de \
l’établissement partenaire lorsque ce dernier ne sera pas dans une zone prioritaire."""

IN_MY_UNIT = (
    "Donne un avis {opinion} à {candidate} pour être recruté(e) en qualité d’assistant spécialiste ambulatoire "
    "partagé dans mon service."
)

ANNEXES = (
    AnnexSpec(
        key="coordinator",
        number="1",
        title="Avis du coordonnateur local de la spécialité",
        role="Coordonnateur régional de la spécialité",
        instructions=COORDINATOR_INSTRUCTIONS,
        text_label="Avis",
        fields=(
            LongText("project_opinion", "Le projet professionnel", rows=3),
            LongText("partner_opinion", "Le choix de la structure partenaire du projet", rows=3),
            YesNo("priority_zone", "La structure partenaire est-elle située dans une zone prioritaire ?"),
            LongText(
                "partner_justification",
                "Justification du choix d’une structure hors zone prioritaire",
                required_if=lambda values: values.get("priority_zone") == "non",
                rows=3,
            ),
            LongText("split_opinion", "La répartition du temps médical entre les structures", rows=3),
            LongText("future_opinion", "Le devenir du candidat à la fin de son contrat", rows=3),
            LongText(
                "other_structures",
                "Autres structures potentielles d’accueil",
                required=False,
                help_text="Pour un poste d’assistant spécialiste ambulatoire partagé dans cette spécialité.",
                print_label="Merci d’indiquer d’autres structures potentielles d’accueil pour un poste d’assistant "
                "spécialiste ambulatoire partagé dans cette spécialité",
                rows=3,
            ),
        ),
        sections=CANDIDATE_SECTIONS + STRUCTURE_SECTIONS,
        recalls=("specialty",),
    ),
    AnnexSpec(
        key="ambulatory_head",
        number="2",
        title="Avis du chef de service de la structure ambulatoire",
        role="Chef de service ou médecin responsable de la structure ambulatoire",
        statement=IN_MY_UNIT,
        fields=(
            Text("unit", "Chef de service de"),
            *_normandie.period_fields(),
            _normandie.training_project_field(),
        ),
        rule=_normandie.PERIOD_IN_ORDER,
        sections=CANDIDATE_SECTIONS + STRUCTURE_SECTIONS,
    ),
    AnnexSpec(
        key="hospital_head",
        number="3",
        title="Avis du chef de service de l’établissement hospitalier",
        role="Chef de service ou chef de pôle de l’établissement hospitalier",
        statement=IN_MY_UNIT,
        fields=(
            Text("unit", "Chef de service de"),
            *_normandie.period_fields(),
            _normandie.training_project_field(),
        ),
        rule=_normandie.PERIOD_IN_ORDER,
        sections=CANDIDATE_SECTIONS,
    ),
    AnnexSpec(
        key="ambulatory_director",
        number="4",
        title="Avis du directeur de la structure ambulatoire",
        role="Directeur ou responsable de la structure ambulatoire",
        statement="Donne un avis {opinion} à {candidate} pour être recruté(e) en qualité d’assistant spécialiste dans "
        "ma structure.",
        fields=(Text("function", "Fonction dans la structure"), *_normandie.period_fields()),
        rule=_normandie.PERIOD_IN_ORDER,
        sections=("request", "function", "life_project", *STRUCTURE_SECTIONS),
    ),
    AnnexSpec(
        key="hospital_director",
        number="5",
        title="Avis du directeur de l’établissement hospitalier",
        role="Directeur de l’établissement hospitalier",
        statement="Donne un avis {opinion} à {candidate} pour être recruté(e) en qualité d’assistant spécialiste "
        "partagé au sein de l’établissement.",
        fields=(Text("establishment", "Directeur de"), *_normandie.period_fields()),
        rule=_normandie.PERIOD_IN_ORDER,
        sections=("request", "function", "life_project"),
    ),
)


def _dossier(values: Mapping[str, Any]) -> DossierSpec:
    return DossierSpec(
        confirmation_blocks=values["confirmation"] == "oui",
        sections=(
            _normandie.identity_section(),
            _normandie.request_section(
                values,
                "un poste d’assistant spécialiste ambulatoire partagé",
                Text(
                    "duration",
                    "Durée prévue du post-internat",
                    help_text="Par exemple : 2 ans.",
                    print_label="Durée du post-internat prévu",
                    max_length=80,
                ),
            ),
            _normandie.training_section(),
            _normandie.planned_training_section(),
            _function_section(values["minimum_ambulatory"]),
            _normandie.life_project_section(
                "(Incluant notamment le projet professionnel envisagé dans la région à l’issue de ce contrat, en "
                "établissement ou en ambulatoire, coopérations…)"
            ),
            STRUCTURE_SECTION,
            NEEDS_SECTION,
        ),
        pieces=(
            PieceSpec(
                key="cover_letter",
                label="Lettre de motivation",
                help_text="Elle précise notamment votre projet professionnel, les établissements concernés et la "
                "quotité de temps partagé prévue entre ceux-ci, et justifie votre demande de ce poste.",
            ),
            _normandie.diplomas_piece("Si vous avez déjà passé votre thèse."),
            PieceSpec(key="cv", label="CV détaillé"),
            *_blocks.extra_pieces(values.get("extra_pieces") or ""),
        ),
        annexes=_normandie.asked(ANNEXES, values),
        parts_on_own_pages=True,
        document_title="DOSSIER DE CANDIDATURE – ASSISTANT SPÉCIALISTE À TEMPS PARTAGÉ",
        document_intro="Ce dispositif vise à permettre à de jeunes médecins de développer un exercice mixte, partagé "
        "entre une structure hospitalière et une structure ambulatoire (centre de santé, maison de santé "
        "pluridisciplinaire, cabinet libéral notamment), située dans une zone ou un quartier de la ville où la "
        "spécialité médicale concernée est identifiée comme déficitaire.\n\n"
        "Pour être pris en compte, votre dossier doit comprendre impérativement les pièces suivantes.\n\n"
        + _normandie.INCOMPLETE_WARNING,
        document_checklist=(
            (
                "Une lettre de motivation du candidat précisant notamment le projet professionnel, les établissements "
                "concernés et la quotité de temps partagé prévue entre ceux-ci, et justifiant la demande de ce poste."
            ),
            "Copie de vos diplômes, si vous avez déjà passé votre thèse",
            "Un CV détaillé",
            "Dossier de candidature dûment complété :",
            "Page 3 et 4 : Formation",
            "Page 5 : Description de la fonction",
            "Page 6 : Projet de vie professionnelle",
            "Pages 7 – 8 : Description de la structure ambulatoire",
            "Page 9 : Avis du coordonnateur régional de la spécialité",
            "Pages 10 et 11 : Avis des chefs de service et/ou chefs de pôle des deux structures",
            "Pages 12 et 13 : Avis des directeurs des deux structures",
        ),
    )


def _screening(values: Mapping[str, Any]) -> SectionSpec:
    return _normandie.screening_section(
        f"Au moins {values['minimum_ambulatory']} % du temps dans la structure ambulatoire."
    )


kind = OfferKind(
    slug="assistant-temps-partage",
    label="Assistant spécialiste à temps partagé ville–hôpital",
    short_label="Temps partagé ville–hôpital",
    summary="Un post-internat partagé entre un hôpital et une structure ambulatoire située là où votre spécialité "
    "manque.",
    offer_sections=(_normandie.contact_section(),),
    parameter_section=SectionSpec(
        key="parameters",
        title="La campagne",
        fields=_normandie.campaign_fields((MINIMUM_AMBULATORY,), ANNEXES),
    ),
    default_parameters=_normandie.NORMANDIE_DEFAULTS
    | {
        "session_label": "Session",
        "starts": "novembre\nmai",
        "minimum_ambulatory": 50,
        "annexes": _normandie.annex_keys(ANNEXES),
    },
    public_parameters=("session_label", "starts", "minimum_ambulatory", "subdivisions", "confirmation"),
    build_dossier=_dossier,
    build_screening=_screening,
    conditions=(
        "Vous êtes en fin d’internat ou jeune médecin, et souhaitez exercer à la fois à l’hôpital et en ville.",
        (
            "Votre temps se partage entre un établissement de santé et une structure ambulatoire, où vous passez au "
            "moins {minimum_ambulatory}."
        ),
        (
            "Vous avez pris contact avec le coordonnateur de votre spécialité et avec les deux structures : chacune "
            "donne son avis et le signe en ligne."
        ),
        "Votre dossier est complet à la date limite : un dossier incomplet n’est pas examiné par la commission.",
    ),
    legal_mentions=_normandie.LEGAL_MENTIONS,
)
