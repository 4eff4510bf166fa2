"""Assistant spécialiste régional (ASR), CHU–CH: a post shared between a peripheral hospital and the university one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dossiers.fields import Integer, LongText, Percent, Text
from dossiers.spec import AnnexSpec, DossierSpec, PieceSpec, SectionSpec
from offers.kinds import _blocks, _normandie
from offers.kinds._rules import adds_up, at_least, at_most, in_order, together
from offers.kinds.base import OfferKind

MINIMUM_PERIPHERAL = Percent("minimum_peripheral", "Part minimale du temps dans l’établissement périphérique")
MAXIMUM_UNIVERSITY = Percent("maximum_university", "Part maximale du temps dans le service universitaire")
SHORTEST = Integer("shortest", "Durée minimale du recrutement", minimum=1, maximum=60, unit="mois")
LONGEST = Integer("longest", "Durée maximale du recrutement", minimum=1, maximum=60, unit="mois")
COMMISSION_PERIOD = Text(
    "commission_period",
    "Réunion de la commission",
    required=False,
    help_text="Par exemple : première quinzaine de septembre 2026.",
)

SHARES = _normandie.share_fields(
    ("peripheral_share", "Temps dans l’établissement périphérique", "Temps passé dans l’établissement périphérique"),
    ("university_share", "Temps au CHU", "Temps passé dans le service universitaire"),
)
DURATION = Integer(
    "duration",
    "Durée prévue du post-internat, en mois",
    minimum=1,
    maximum=60,
    unit="mois",
    print_label="Durée du post-internat prévu",
    width="half",
)


def _request_section(values: Mapping[str, Any]) -> SectionSpec:
    """The shared page, with the bounds of duration that this programme adds."""
    shortest, longest = values["shortest"], values["longest"]
    message = f"Le recrutement dure de {shortest} à {longest} mois."
    return _normandie.request_section(
        values,
        "un poste d’assistant spécialiste régional",
        DURATION,
        rule=together(at_least(DURATION, shortest, message), at_most(DURATION, longest, message)),
    )


def _function_section(values: Mapping[str, Any]) -> SectionSpec:
    least, most = values["minimum_peripheral"], values["maximum_university"]
    return SectionSpec(
        key="function",
        title="Description de la fonction",
        heading="PROJET POUR LA FONCTION D’ASSISTANT SPÉCIALISTE RÉGIONAL",
        intro="Être assistant spécialiste régional, c’est partager son temps d’activité entre l’établissement "
        "périphérique où il est affecté en qualité d’assistant spécialiste et le CHU. La répartition du temps de "
        f"travail est d’au moins {least} % au sein de l’établissement périphérique, et d’au plus {most} % au sein d’un "
        "service universitaire.",
        fields=(
            Text(
                "peripheral_hospital",
                "Établissement périphérique, pôle et service",
                help_text="Centre hospitalier ou centre de lutte contre le cancer où vous seriez affecté.",
                print_label="ÉTABLISSEMENT PÉRIPHÉRIQUE – Pôle et service",
                max_length=300,
            ),
            Text(
                "university_hospital",
                "CHU, pôle et service",
                print_label="CENTRE HOSPITALIER UNIVERSITAIRE – Pôle et service",
                max_length=300,
            ),
            *SHARES,
            LongText(
                "peripheral_activities",
                "Vos activités dans l’établissement périphérique",
                help_text="Nature de l’activité clinique, techniques ou compétences à acquérir, activités nouvelles, "
                "encadrement et enseignement… Détaillez les activités prévues.",
                print_label="I – ACTIVITÉS DE L’ASSISTANT DANS L’ÉTABLISSEMENT PÉRIPHÉRIQUE",
                print_help=True,
                rows=10,
            ),
            LongText(
                "university_activities",
                "Vos activités dans le service universitaire",
                help_text="Soins, enseignement, évaluation des pratiques et recherche. Détaillez les activités "
                "prévues.",
                print_label="II – ACTIVITÉS DE L’ASSISTANT DANS LE SERVICE UNIVERSITAIRE",
                print_help=True,
                rows=10,
            ),
        ),
        rule=together(
            adds_up(SHARES),
            at_least(
                SHARES[0], least, f"La part de temps dans l’établissement périphérique doit être d’au moins {least} %."
            ),
            at_most(SHARES[1], most, f"La part de temps dans le service universitaire doit être d’au plus {most} %."),
        ),
    )


CANDIDATE_SECTIONS = ("request", "training", "planned_training", "function", "life_project")
MANAGEMENT_SECTIONS = ("request", "function", "life_project")
IN_MY_UNIT = (
    "Donne un avis {opinion} à {candidate} pour être recruté(e) en qualité d’assistant spécialiste régional "
    "dans mon service."
)


def _head_annex(key: str, number: str, host: str) -> AnnexSpec:
    return AnnexSpec(
        key=f"{key}_head",
        number=number,
        title=f"Avis du chef de service {host}",
        role=f"Chef de service {host}",
        instructions="Votre avis est accompagné d’un projet de formation.",
        statement=IN_MY_UNIT,
        fields=(
            Text("unit", "Chef de service de"),
            *_normandie.period_fields(),
            _normandie.training_project_field(),
        ),
        rule=_normandie.PERIOD_IN_ORDER,
        sections=CANDIDATE_SECTIONS,
    )


def _director_annex(key: str, number: str, host: str) -> AnnexSpec:
    return AnnexSpec(
        key=f"{key}_director",
        number=number,
        title=f"Avis du directeur {host}",
        role=f"Directeur {host}",
        instructions="Préciser les perspectives de recrutement à l’issue du post-internat.",
        statement="Donne un avis {opinion} à {candidate} pour être recruté(e) en qualité d’assistant "
        "spécialiste régional au sein de l’établissement.",
        fields=(
            Text("establishment", "Directeur de"),
            *_normandie.period_fields(),
            LongText(
                "prospects",
                "Perspectives de recrutement à l’issue du post-internat",
                required_if=_normandie.is_not_against,
                rows=4,
            ),
        ),
        rule=_normandie.PERIOD_IN_ORDER,
        sections=MANAGEMENT_SECTIONS,
    )


def _medical_board_annex(key: str, number: str, host: str) -> AnnexSpec:
    return AnnexSpec(
        key=f"{key}_medical_board",
        number=number,
        title=f"Avis du président de la CME {host}",
        role=f"Président de la commission médicale d’établissement {host}",
        statement="Donne un avis {opinion} à {candidate} pour être recruté(e) en qualité d’assistant "
        "spécialiste régional au sein de l’établissement.",
        fields=(Text("establishment", "Président de la commission médicale d’établissement de"),),
        sections=MANAGEMENT_SECTIONS,
    )


PERIPHERAL, UNIVERSITY = "de l’établissement périphérique", "du CHU"

ANNEXES = (
    AnnexSpec(
        key="teaching_project",
        number="1",
        title="Projet pédagogique de temps partagé avec le CHU",
        role="Responsable du projet pédagogique au CHU",
        instructions="Décrire le projet pédagogique de temps partagé avec le CHU et, le cas échéant, un projet de "
        "missions universitaires.",
        statement="Présente le projet pédagogique de temps partagé de {candidate}.",
        fields=(
            LongText("teaching_project", "Projet pédagogique de temps partagé avec le CHU", rows=10),
            LongText("university_missions", "Projet de missions universitaires", required=False, rows=5),
        ),
        sections=CANDIDATE_SECTIONS,
    ),
    _head_annex("peripheral", "2", PERIPHERAL),
    _head_annex("university", "3", UNIVERSITY),
    AnnexSpec(
        key="coordinator",
        number="4",
        title="Avis du coordonnateur local de la spécialité (DES et/ou DESC)",
        role="Coordonnateur local de la spécialité (DES ou DESC)",
        instructions="Préciser l’avis du coordonnateur sur la candidature, sur le projet et sur le devenir du candidat "
        "à la fin de son contrat d’assistant spécialiste régional.",
        fields=(
            LongText("candidacy_opinion", "La candidature", rows=3),
            LongText("project_opinion", "Le projet", rows=3),
            LongText("future_opinion", "Le devenir du candidat à la fin de son contrat", rows=3),
        ),
        sections=CANDIDATE_SECTIONS,
    ),
    _director_annex("peripheral", "5", PERIPHERAL),
    _director_annex("university", "6", UNIVERSITY),
    _medical_board_annex("peripheral", "7", PERIPHERAL),
    _medical_board_annex("university", "8", UNIVERSITY),
)


def _dossier(values: Mapping[str, Any]) -> DossierSpec:
    annexes = _normandie.asked(ANNEXES, values)
    return DossierSpec(
        confirmation_blocks=values["confirmation"] == "oui",
        sections=(
            _normandie.identity_section(),
            _request_section(values),
            _normandie.training_section(),
            _normandie.planned_training_section(),
            _function_section(values),
            _normandie.life_project_section(
                "(Incluant notamment le projet professionnel envisagé dans la région à l’issue de ce contrat, "
                "coopérations…)"
            ),
        ),
        pieces=(
            PieceSpec(
                key="cover_letter",
                label="Lettre de motivation signée",
                help_text="Dûment signée, elle précise notamment votre projet professionnel, les établissements "
                "concernés et la quotité de temps partagé estimée entre ceux-ci.",
            ),
            _normandie.diplomas_piece("Si vous avez déjà passé votre thèse ; sinon, la date fixée suffit."),
            *_blocks.extra_pieces(values.get("extra_pieces") or ""),
        ),
        annexes=annexes,
        parts_on_own_pages=True,
        document_title="DOSSIER DE CANDIDATURE – ASSISTANT SPÉCIALISTE RÉGIONAL",
        document_intro="Suivi par l’agence régionale de santé, ce dispositif vise à compenser un déficit de postes de "
        "chefs de clinique dans la région, au regard des besoins de post-internat, et à suppléer les difficultés "
        "démographiques rencontrées par les établissements périphériques. Il permet à l’assistant de finaliser une "
        "formation complémentaire en bénéficiant d’un environnement universitaire et d’exercer en responsabilité au "
        "sein d’un centre hospitalier de la région.\n\n"
        "Pour être pris en compte, votre dossier doit comprendre impérativement les pièces suivantes, car tout dossier "
        "incomplet ne sera pas examiné par la commission.",
        document_checklist=(
            (
                "Lettre de motivation du candidat (dûment signée, précisant notamment le projet professionnel, les "
                "établissements concernés et la quotité de temps partagé estimée entre ceux-ci)"
            ),
            "Descriptif du parcours du candidat",
            "Copie de vos diplômes, si vous avez déjà passé votre thèse (ou date de passage fixée)",
            *(f"Annexe {annex.number} : {annex.title}" for annex in annexes),
        ),
    )


def _screening(values: Mapping[str, Any]) -> SectionSpec:
    return _normandie.screening_section(
        f"Au moins {values['minimum_peripheral']} % du temps dans l’établissement périphérique, et au plus "
        f"{values['maximum_university']} % dans un service universitaire."
    )


kind = OfferKind(
    slug="assistant-specialiste-regional",
    label="Assistant spécialiste régional (ASR), CHU–CH",
    short_label="Assistant spécialiste régional",
    summary="Un post-internat partagé entre un établissement de la région et un service du CHU.",
    offer_sections=(
        SectionSpec(
            key="benefits",
            title="Ce que le dispositif apporte",
            fields=(
                LongText("region_benefits", "Dans la région", required=False),
                LongText("hospital_benefits", "Pour les établissements", required=False),
                LongText("assistant_benefits", "Pour les assistants spécialistes régionaux", required=False),
            ),
        ),
        _normandie.contact_section(),
    ),
    parameter_section=SectionSpec(
        key="parameters",
        title="La campagne",
        fields=_normandie.campaign_fields(
            (MINIMUM_PERIPHERAL, MAXIMUM_UNIVERSITY, SHORTEST, LONGEST, COMMISSION_PERIOD), ANNEXES
        ),
        rule=in_order(SHORTEST, LONGEST, "La durée maximale ne peut pas être inférieure à la durée minimale."),
    ),
    default_parameters=_normandie.NORMANDIE_DEFAULTS
    | {
        "session_label": "Session",
        "starts": "novembre\nmai",
        "minimum_peripheral": 60,
        "maximum_university": 40,
        "shortest": 12,
        "longest": 24,
        "confirmation": "oui",  # eight opinions on one split of time: each holds for that split alone
        "annexes": _normandie.annex_keys(ANNEXES),
    },
    public_parameters=(
        "session_label",
        "starts",
        "shortest",
        "longest",
        "minimum_peripheral",
        "maximum_university",
        "commission_period",
        "subdivisions",
        "confirmation",
    ),
    build_dossier=_dossier,
    build_screening=_screening,
    conditions=(
        (
            "Vous êtes en fin d’internat ou jeune médecin, et souhaitez exercer à la fois dans un établissement de la "
            "région et au CHU."
        ),
        (
            "Vous passez au moins {minimum_peripheral} de votre temps dans l’établissement périphérique et au plus "
            "{maximum_university} dans un service universitaire."
        ),
        "Le recrutement dure de {shortest} à {longest}.",
        (
            "Le coordonnateur de votre spécialité, les chefs de service, les directeurs et les présidents de CME des "
            "deux établissements donnent leur avis et le signent en ligne."
        ),
        "Votre dossier est complet à la date limite : un dossier incomplet n’est pas examiné par la commission.",
    ),
    legal_mentions=_normandie.LEGAL_MENTIONS,
)
