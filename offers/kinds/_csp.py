"""A post in the form of Choisir le service public: rubrics, vocabularies (offers/data/SOURCES.md), mentions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dossiers.fields import Choice, Date, Email, LongText, Text
from dossiers.spec import SectionSpec
from offers.data import professional_domains
from offers.text import plain

VERSANTS = (
    ("etat", "Fonction publique de l’État"),
    ("territoriale", "Fonction publique territoriale"),
    ("hospitaliere", "Fonction publique hospitalière"),
)
CATEGORIES = (
    ("a-plus", "Catégorie A+ (encadrement supérieur – emplois de direction)"),
    ("a", "Catégorie A (cadre)"),
    ("b", "Catégorie B (profession intermédiaire)"),
    ("c", "Catégorie C (employé)"),
)
EMPLOYMENT_NATURES = (
    ("titulaires", "Emploi ouvert uniquement aux titulaires"),
    ("contractuels", "Emploi ouvert uniquement aux contractuels"),
    ("titulaires-contractuels", "Emploi ouvert aux titulaires et aux contractuels"),
)
POST_STATUSES = (
    ("vacant", "Vacant"),
    ("susceptible", "Susceptible d’être vacant"),
    ("cree", "Poste créé"),
)
STUDY_LEVELS = (
    ("3", "Niveau 3 Diplômes équivalents au CAP/BEP"),
    ("4", "Niveau 4 Baccalauréat/diplômes équivalents"),
    ("5", "Niveau 5 Titre/diplôme de niveau bac+2 et équivalents"),
    ("6", "Niveau 6 Licence/diplômes équivalents"),
    ("7", "Niveau 7 Master/diplômes équivalents"),
    ("8", "Niveau 8 Doctorat/diplômes équivalents"),
)


@dataclass(frozen=True)
class Profession(Text):
    """A domain of the public service's directory of professions, a hyphen, a profession.

    A domain that the directory does not have is kept as it is typed or imported, and told.
    """

    def warn(self, value: str) -> Iterable[str]:
        domain, known = re.split(r"\s[-–—]\s", value, maxsplit=1)[0], professional_domains()
        if plain(domain) not in map(plain, known):
            yield (
                f"« {domain} » n’est pas un domaine du répertoire des métiers de la fonction publique : "
                f"{', '.join(known)}."
            )


OFFER_SECTIONS = (
    SectionSpec(
        key="post",
        title="Description du poste",
        fields=(
            LongText("employer", "Employeur", rows=3, max_length=600, help_text="Trois lignes au plus."),
            Choice("versant", "Versant", choices=VERSANTS),
            Choice("category", "Catégorie", choices=CATEGORIES, as_list=True),
            Choice("employment_nature", "Nature de l’emploi", choices=EMPLOYMENT_NATURES, as_list=True),
            Profession(
                "domain",
                "Domaine / Métier",
                help_text="Un domaine du répertoire des métiers de la fonction publique, un tiret, le métier.",
            ),
            Choice("post_status", "Statut du poste", choices=POST_STATUSES),
            Text("post_title", "Intitulé du poste"),
            LongText("employer_description", "Descriptif de l’employeur", rows=10, max_length=12000),
            LongText("service_description", "Descriptif du service", rows=10, max_length=12000),
            LongText("post_description", "Description du poste", rows=14, max_length=12000),
            LongText("profile_description", "Descriptif du profil recherché", rows=14, max_length=12000),
        ),
    ),
    SectionSpec(
        key="further",
        title="Informations complémentaires",
        fields=(
            LongText("legal_basis", "Fondement juridique du recrutement", rows=4),
            Text("continent", "Continent", width="half"),
            Text("country", "Pays", width="half"),
            Text("geolocation", "Géolocalisation du poste", required=False),
        ),
    ),
    SectionSpec(
        key="candidate_criteria",
        title="Critères candidat",
        fields=(
            Choice("study_level", "Niveau d’études / Diplôme", choices=STUDY_LEVELS, as_list=True),
            LongText("specialisations", "Spécialisation", required=False, help_text="Une par ligne.", rows=3),
            LongText("skills", "Compétences attendues", rows=10, max_length=12000),
            LongText("documents", "Documents à transmettre", rows=2),
        ),
    ),
    SectionSpec(
        key="requester",
        title="Demandeur",
        fields=(
            Date("vacancy_date", "Date de vacance de l’emploi"),
            Text("application_contact", "À qui adresser les candidatures"),
            Email("submission_address", "Mail à qui adresser les candidatures"),
            Text("contact_1", "Contact 1", required=False),
            Email("contact_1_email", "Adresse électronique du contact 1", required=False),
            Text("contact_2", "Contact 2", required=False),
            Email("contact_2_email", "Adresse électronique du contact 2", required=False),
        ),
    ),
)

# What the notice of a vacant post says (décret n° 2018-1351 of 28 December 2018, article 3, as of 2022).
MANDATORY_MENTIONS = {
    "versant": "1°",
    "post_status": "2°",
    "category": "3°",
    "employer": "4°",
    "institution": "5°",
    "domain": "6°",
    "post_description": "7°",
    "profile_description": "7°",
    "study_level": "8°",
    "post_title": "9°",
    "department": "10°",
    "location": "10°",
    "vacancy_date": "11°",
    "submission_address": "12°",
    "deadline": "12°",
}
