"""Frozen contents to print: the Normandie dossier filled in, each kind blank and very full. Everyone is fictitious."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

from applications.forms import OpinionForm
from dossiers.content import blank_content as kind_content


def line(name: str, label: str, display: str = "") -> dict[str, Any]:
    return {"name": name, "label": label, "type": "text", "display": display}


def long(name: str, label: str, display: str = "") -> dict[str, Any]:
    return line(name, label, display) | {"type": "long"}


def date(name: str, label: str, display: str = "") -> dict[str, Any]:
    return line(name, label, display) | {"type": "date"}


def choice(name: str, label: str, options: list[str], chosen: str = "") -> dict[str, Any]:
    return line(name, label, chosen) | {
        "type": "choice",
        "options": [{"label": option, "checked": option == chosen} for option in options],
    }


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


INTERNSHIPS = [
    ["CHU de Rouen", "Rhumatologie", "Pr Dominique Fictif", "Oui"],
    ["CHU de Rouen", "Médecine interne et maladies systémiques", "Pr Claude Imaginaire", "Oui"],
    ["Centre hospitalier de Dieppe", "Médecine polyvalente", "Dr Sacha Modèle", "Oui"],
    ["Centre hospitalier du Rouvray", "Soins de suite et de réadaptation", "Dr Alix Gabarit", "Oui"],
    ["CHU de Caen", "Rhumatologie et échographie interventionnelle", "Pr Maxime Patron", "Oui"],
    ["Groupe hospitalier du Havre", "Urgences", "Dr Lou Canevas", "Non"],
    ["CHU de Rouen", "Consultations avancées, rhumatismes inflammatoires", "Pr Dominique Fictif", "Oui"],
]

HOSPITAL_ACTIVITY = """Consultations de rhumatologie générale deux demi-journées par semaine, et une consultation \
dédiée aux rhumatismes inflammatoires chroniques en lien avec l’infirmière de pratique avancée du service.

Acquisition de l’échographie interventionnelle : une vacation hebdomadaire accompagnée les six premiers mois, puis \
en autonomie sous supervision à distance. Participation aux réunions de concertation pluridisciplinaire du vendredi.

Encadrement des internes de spécialité et des étudiants de deuxième cycle : présentation de cas chaque mercredi, \
visite hebdomadaire, un enseignement de sémiologie par trimestre auprès de l’institut de formation en soins infirmiers.

Développement d’une filière courte pour les fractures de fragilité, aujourd’hui absente du service : repérage aux \
urgences, bilan en hôpital de jour sous quinze jours, courrier structuré au médecin traitant et rappel à six mois."""

AMBULATORY_ACTIVITY = """Trois journées par semaine à la maison de santé pluridisciplinaire, sous la forme de \
consultations avancées : premiers recours adressés par les médecins généralistes de la maison de santé et du bassin, \
suivi des patients sous biothérapie stabilisés, gestes infiltratifs courants sous échographie.

Temps partagés avec l’équipe : une réunion de cas cliniques tous les quinze jours, des protocoles de coopération avec \
les masseurs-kinésithérapeutes pour la lombalgie chronique, une ligne d’avis spécialisé ouverte aux médecins du bassin.

Téléexpertise : réponse sous quarante-huit heures aux demandes adressées par la messagerie sécurisée de santé."""

LIFE_PROJECT = """Je souhaite m’installer durablement en Normandie. Mon internat m’a conduit des grands services \
universitaires aux hôpitaux de proximité, et c’est dans le lien entre les deux que je trouve le sens de mon métier : \
un diagnostic posé tôt, près de chez soi, et un recours hospitalier rapide lorsqu’il le faut.

À l’issue de ce contrat, je projette un exercice mixte : une activité libérale coordonnée au sein de la maison de \
santé, que l’équipe est prête à accueillir, et un maintien de deux demi-journées hospitalières pour l’échographie \
interventionnelle et la filière des fractures de fragilité. Les deux structures ont donné un accord de principe.

Je compte aussi poursuivre l’enseignement, en devenant maître de stage universitaire dès que l’ancienneté requise \
sera atteinte, afin d’accueillir à mon tour des internes dans un territoire où ils passent encore trop rarement."""


def annex(
    number: str,
    title: str,
    role: str,
    name: str,
    institution: str,
    *,
    statement: str = "",
    instructions: str = "",
    text_label: str = "Descriptif du projet de formation au sein du service",
    text: str,
    entries: list[dict[str, Any]] | None = None,
    opinion: str = "favorable",
    opinion_display: str = "Avis favorable",
) -> dict[str, Any]:
    return {
        "key": f"annexe-{number}",
        "number": number,
        "title": title,
        "role": role,
        "instructions": instructions,
        "statement": statement,
        "text_label": text_label,
        "signatory": {
            "name": name,
            "function": role,
            "institution": institution,
            "email": f"signataire{number}@example.org",
        },
        "opinion": opinion,
        "opinion_display": opinion_display,
        "text": text,
        "entries": entries or [],
        "signed": True,
        "signed_at_display": f"{int(number) + 10} janvier 2026 à 14 h {30 + int(number)}",
        "signed_by": name,
        "signed_quality": f"{role}, {institution}",
        "verified_by": f"lien personnel envoyé à signataire{number}@example.org",
        "reference": f"PSJ-2026-000123-A{number}",
        "sha256": digest(number),
    }


def period() -> list[dict[str, Any]]:
    return [date("du", "Du", "2 novembre 2026"), date("au", "Au", "31 octobre 2028")]


def full_content() -> dict[str, Any]:
    """A complete filed dossier, as long as real ones are."""
    return {
        "schema": 1,
        "kind": "assistant-temps-partage",
        "document_title": "Assistant spécialiste à temps partagé",
        "parts_on_own_pages": True,
        "document_intro": (
            "Ce dispositif vise à permettre à de jeunes médecins de développer un exercice mixte, partagé entre une "
            "structure hospitalière et une structure ambulatoire (centre de santé, maison de santé pluridisciplinaire, "
            "cabinet libéral notamment), située dans une zone ou un quartier de la ville où la spécialité médicale "
            "concernée est identifiée comme déficitaire.\n\n"
            "Pour être pris en compte, votre dossier doit comprendre impérativement les pièces suivantes.\n\n"
            "Tout dossier incomplet ne sera pas examiné par la commission régionale."
        ),
        "document_checklist": [
            (
                "Une lettre de motivation du candidat précisant notamment le projet professionnel, les établissements "
                "concernés et la quotité de temps partagé prévue entre ceux-ci, et justifiant la demande de ce poste."
            ),
            "Copie de vos diplômes, si vous avez déjà passé votre thèse",
            "Un CV détaillé",
            "Dossier de candidature dûment complété :",
            "Page 3 et 4 : Formation",
            "Page 5 : Description de la fonction",
        ],
        "context": {
            "offer_title": "Assistant spécialiste à temps partagé ville–hôpital – Normandie",
            "session_label": "Session 2026",
            "start_label": "novembre 2026 ou mai 2027",
            "institution": "ARS Normandie",
            "service": "Direction de l’attractivité des métiers et de la transformation numérique du système de santé "
            "– Pôle Formation des professionnels de santé",
            "contacts": [
                "Subdivision de Rouen : chargée de mission (02 00 00 00 01 – subdivision.rouen@example.org)",
                "Subdivision de Caen : chargée de mission (02 00 00 00 02 – subdivision.caen@example.org)",
            ],
            "submission_address": "ars-normandie-attractivite-numerique@example.org",
            "deadline_display": "14 février 2026",
            "candidate_name": "EXEMPLE Camille",
            "candidate_email": "camille.exemple@example.org",
            "number": "2026-000123",
            "filed_at_display": "3 février 2026 à 18 h 42",
            "privacy_contact": "dpo@example.org",
        },
        "sections": [
            {
                "key": "identite",
                "title": "Votre identité",
                "heading": "Candidat",
                "intro": "",
                "on_cover": True,
                "entries": [
                    line("nom", "NOM et prénom du candidat", "EXEMPLE Camille"),
                    long("adresse", "Adresse", "12 rue de l’Invention\n76000 Rouen"),
                    line("telephone", "N° de téléphone", "06 00 00 00 00"),
                    line("mel", "Adresse mail", "camille.exemple@example.org"),
                    choice("subdivision", "Subdivision de", ["Rouen", "Caen"], "Rouen"),
                    line("specialite", "Spécialité", "Rhumatologie"),
                    line(
                        "stage",
                        "Stage actuel (préciser l’établissement/le pôle et le service)",
                        "CHU de Rouen, pôle Locomoteur, service de rhumatologie",
                    ),
                    line("duree", "Durée du post-internat prévu", "2 ans"),
                    choice("prise", "Prise de fonction", ["Mai 2027", "Novembre 2026"], "Novembre 2026"),
                ],
            },
            {
                "key": "consentement",
                "title": "Traitement des données à caractère personnel",
                "heading": "",
                "intro": (
                    "Afin d’étudier votre candidature à un poste d’assistant spécialiste ambulatoire partagé, l’ARS de "
                    "Normandie procède au traitement informatique de vos données personnelles. Vos données sont "
                    "conservées pendant la durée de votre contrat et ne sont destinées qu’aux seuls agents habilités "
                    "par leurs fonctions à y accéder.\n\n"
                    "Conformément aux articles 38 et suivants de la loi n° 78-17 du 6 janvier 1978 modifiée relative à "
                    "l’informatique, aux fichiers et aux libertés, vous disposez d’un droit d’accès, de rectification "
                    "et de suppression de vos données. Vous pouvez exercer ce droit en vous adressant au Délégué à la "
                    "Protection des Données : dpo@example.org"
                ),
                "on_cover": True,
                "entries": [
                    {
                        "name": "accord",
                        "label": "En cochant cette case, j’accepte de fournir les données personnelles me concernant à "
                        "l’ARS de Normandie, qui les utilisera exclusivement dans la finalité prévue ci-dessous :",
                        "type": "checkbox",
                        "display": "Oui",
                        "checked": True,
                    }
                ],
            },
            {
                "key": "stages",
                "title": "Stages d’internat",
                "heading": "STAGES HOSPITALIERS RÉALISÉS DURANT L’INTERNAT",
                "intro": "",
                "on_cover": False,
                "entries": [
                    {
                        "name": "stages",
                        "label": "Stages hospitaliers réalisés durant l’internat",
                        "type": "table",
                        "display": "",
                        "columns": ["Établissements", "Service", "Chef de service", "Stages validés O/N"],
                        "rows": INTERNSHIPS,
                    }
                ],
            },
            {
                "key": "diplomes",
                "title": "Diplômes",
                "heading": "DIPLÔMES",
                "intro": "",
                "on_cover": False,
                "entries": [
                    line("des", "1. D.E.S. en cours", "D.E.S. de rhumatologie, université de Rouen Normandie"),
                    line("desc", "2. D.E.S.C. en cours"),
                    long(
                        "du",
                        "3. DIPLÔME(S) D’UNIVERSITÉ(S) (précisez le titre et la date d’obtention)",
                        "D.U. d’échographie ostéo-articulaire, université de Caen Normandie, juin 2024\n"
                        "D.U. d’éducation thérapeutique du patient, université de Rouen Normandie, septembre 2025",
                    ),
                    line(
                        "dea",
                        "4. DIPLÔME D’ÉTUDE APPROFONDIE ou MASTER (précisez le titre et la date d’obtention)",
                        "Master 1 de santé publique, 2022",
                    ),
                    choice("these", "5. THÈSE", ["Oui – date de soutenance", "Non – date prévue"], "Non – date prévue"),
                    date("these_date", "Date de soutenance ou date prévue", "12 octobre 2026"),
                ],
            },
            {
                "key": "formations",
                "title": "Formations envisagées",
                "heading": "FORMATIONS ENVISAGÉES DANS LE CADRE DU POST INTERNAT",
                "intro": "",
                "on_cover": False,
                "entries": [
                    long(
                        "formations",
                        "Diplômes d’universités, DESC, séminaires, congrès, stages hors établissement d’accueil "
                        "(détailler : nature, formation diplômante ou non, durée)",
                        "Diplôme interuniversitaire de pathologie osseuse médicale (diplômant, une année, cent heures "
                        "d’enseignement à distance et trois regroupements).\n\nCongrès national de la spécialité "
                        "chaque mois de décembre (non diplômant, quatre jours).\n\nStage d’immersion de deux semaines "
                        "en médecine physique et de réadaptation, hors établissement d’accueil.",
                    )
                ],
            },
            {
                "key": "fonction",
                "title": "Projet pour la fonction",
                "heading": "PROJET POUR LA FONCTION D’ASSISTANT SPÉCIALISTE AMBULATOIRE PARTAGÉ",
                "intro": "Répartition envisagée entre les établissements : L’exercice au sein de la structure "
                "ambulatoire, à hauteur de 50 % minimum, sera réalisé sous la forme de consultations avancées.",
                "on_cover": False,
                "entries": [
                    line(
                        "hopital",
                        "ÉTABLISSEMENT DE SANTÉ – Pôle et service",
                        "CHU de Rouen, pôle Locomoteur, rhumatologie",
                    ),
                    line(
                        "structure", "STRUCTURE AMBULATOIRE", "Maison de santé pluridisciplinaire de la Vallée-Fictive"
                    ),
                    line("temps_hopital", "Temps passé dans l’établissement de santé", "40 %"),
                    line("temps_structure", "Temps passé dans la structure ambulatoire", "60 %"),
                    long(
                        "activite_hopital",
                        "I – ACTIVITÉS DE L’ASSISTANT DANS L’ÉTABLISSEMENT DE SANTÉ",
                        HOSPITAL_ACTIVITY,
                    ),
                    long(
                        "activite_structure",
                        "II – ACTIVITÉS DE L’ASSISTANT DANS LA STRUCTURE AMBULATOIRE",
                        AMBULATORY_ACTIVITY,
                    ),
                ],
            },
            {
                "key": "projet",
                "title": "Projet de vie professionnelle",
                "heading": "PROJET DE VIE PROFESSIONNELLE",
                "intro": "Incluant notamment le projet professionnel envisagé dans la région à l’issue de ce contrat, "
                "en établissement ou en ambulatoire, coopérations…",
                "on_cover": False,
                "entries": [
                    long("projet", "Projet de vie professionnelle", LIFE_PROJECT),
                    date("projet_date", "Date", "2 février 2026"),
                ],
            },
            {
                "key": "description",
                "title": "Structure ambulatoire",
                "heading": "Description de la structure ambulatoire",
                "intro": "",
                "on_cover": False,
                "entries": [
                    line("localisation", "1. Localisation", "4 place du Marché, 76000 Vallée-Fictive"),
                    line(
                        "nature", "2. Nature juridique de la structure", "Société interprofessionnelle de soins (SISA)"
                    ),
                    long(
                        "composition",
                        "3. Composition de l’équipe médicale et paramédicale (indiquer le nombre, la profession et la "
                        "spécialité)",
                        "Six médecins généralistes, dont deux maîtres de stage universitaires\nDeux sages-femmes\n"
                        "Quatre infirmières, dont une en pratique avancée\nTrois masseurs-kinésithérapeutes\n"
                        "Une psychologue et une diététicienne, présentes deux jours par semaine",
                    ),
                    long(
                        "permanence",
                        "Organisation de la permanence des soins ambulatoires",
                        "Consultations non programmées de 8 h à 20 h en semaine et le samedi matin ; participation au "
                        "tour de garde du secteur.",
                    ),
                    long(
                        "universite",
                        "Liens avec l’université (maîtres de stage universitaires…)",
                        "Deux maîtres de stage universitaires ; un interne de niveau 1 chaque semestre.",
                    ),
                    line(
                        "informatisation",
                        "Informatisation",
                        "Logiciel métier labellisé, dossier partagé, messagerie MSSanté",
                    ),
                    long(
                        "projet_sante",
                        "4. Projet médical / de santé de la structure",
                        "Le projet de santé, validé en 2023, porte sur le maintien à domicile des personnes âgées, "
                        "l’accès aux soins spécialisés et la prévention des chutes. " * 3,
                    ),
                    long(
                        "activite",
                        "5. Activité de la structure (nombre de consultations hebdomadaires, file active, spécificités "
                        "éventuelles de la patientèle, diversité des pathologies…)",
                        "Environ 620 consultations par semaine, 7 400 patients dans la file active. La patientèle est "
                        "plus âgée que la moyenne régionale ; les affections ostéo-articulaires sont le deuxième motif "
                        "de recours.",
                    ),
                ],
            },
            {
                "key": "besoins",
                "title": "Analyse des besoins",
                "heading": "Analyse des besoins des consultations avancées",
                "intro": "Indiquer ici les attentes de la structure ambulatoire en termes de développement des "
                "consultations avancées de spécialiste assurées par l’assistant.",
                "on_cover": False,
                "entries": [
                    long(
                        "besoins",
                        "Analyse des besoins des consultations avancées",
                        "Le délai d’un premier rendez-vous de rhumatologie dépasse neuf mois dans le bassin. La "
                        "structure attend trois journées de consultations avancées par semaine, une réponse rapide aux "
                        "médecins généralistes et une montée en compétence de l’équipe sur la lombalgie chronique.",
                    )
                ],
            },
        ],
        "pieces": [
            {"key": "lettre", "label": "Lettre de motivation", "files": [file("Lettre de motivation.pdf", "182 Ko")]},
            {"key": "cv", "label": "CV détaillé", "files": [file("CV Camille Exemple.pdf", "241 Ko")]},
            {
                "key": "diplomes",
                "label": "Copie des diplômes",
                "files": [file("DU échographie.pdf", "1,2 Mo"), file("DU éducation thérapeutique.pdf", "980 Ko")],
            },
        ],
        "annexes": [
            annex(
                "1",
                "Avis du Coordonnateur local de la spécialité",
                "Coordonnatrice régionale du D.E.S. de rhumatologie",
                "Pr Dominique Fictif",
                "Université de Rouen Normandie",
                instructions=(
                    "Indiquer dans l’encadré ci-dessous ou par un courrier d’appui l’avis du coordonnateur sur :\n"
                    "– le projet professionnel ;\n– le choix de la structure partenaire du projet ;\n"
                    "– la répartition du temps médical entre les structures ;\n"
                    "– le devenir du candidat à la fin de son contrat.\n\n"
                    "Il appartient aux établissements de santé souhaitant accueillir un assistant spécialiste à temps "
                    "partagé de contacter le coordonnateur de la spécialité, afin de pouvoir élaborer le projet en "
                    "concertation avec lui et les candidats.\n\n"
                    "Par ailleurs, le coordonnateur, dans l’annexe 1 du dossier, dans son avis à rendre, devra "
                    "justifier le choix de l’établissement partenaire lorsque ce dernier ne sera pas dans une zone "
                    "prioritaire."
                ),
                text_label="Avis",
                text=(
                    "Le projet professionnel est solide et construit de longue date avec les deux équipes. Le choix de "
                    "la maison de santé, située en zone prioritaire, répond à un besoin documenté. La répartition "
                    "retenue laisse au candidat un temps hospitalier suffisant pour achever sa formation à "
                    "l’échographie interventionnelle.\n\nUn poste d’exercice mixte est envisagé à la fin du contrat."
                ),
                entries=[
                    long(
                        "autres",
                        "Merci d’indiquer d’autres structures potentielles d’accueil pour un poste d’assistant "
                        "spécialiste ambulatoire partagé dans cette spécialité",
                        "Centre de santé du Plateau-Imaginaire ; maison de santé de la Côte-Exemple.",
                    )
                ],
            ),
            annex(
                "2",
                "Avis du chef de service de la structure ambulatoire",
                "Médecin responsable",
                "Dr Sacha Modèle",
                "Maison de santé pluridisciplinaire de la Vallée-Fictive",
                statement="donne un avis sur la candidature de EXEMPLE Camille pour être recruté(e) en qualité "
                "d’assistant spécialiste ambulatoire partagé dans mon service.",
                text="Accueil par l’équipe médicale, un cabinet équipé d’un échographe, une assistante médicale "
                "mutualisée. Deux temps de concertation par mois sont inscrits à l’agenda de la maison de santé.",
                entries=period(),
            ),
            annex(
                "3",
                "Avis du chef de service de l’établissement hospitalier",
                "Cheffe du service de rhumatologie",
                "Pr Claude Imaginaire",
                "CHU de Rouen",
                statement="donne un avis sur la candidature de EXEMPLE Camille pour être recruté(e) en qualité "
                "d’assistant spécialiste ambulatoire partagé dans mon service.",
                text="Vacation d’échographie accompagnée pendant six mois, participation aux réunions de concertation, "
                "encadrement des internes. Un temps de recherche clinique d’une demi-journée est réservé.",
                entries=period(),
                opinion="reserved",
                opinion_display="Avis favorable avec réserves",
            ),
            annex(
                "4",
                "Avis du directeur de la structure ambulatoire",
                "Gérante de la SISA",
                "Alix Gabarit",
                "Maison de santé pluridisciplinaire de la Vallée-Fictive",
                statement="donne un avis sur la candidature de EXEMPLE Camille pour être recruté(e) en qualité "
                "d’assistant spécialiste dans ma structure.",
                text_label="Avis",
                text="La structure met à disposition un cabinet et un secrétariat et soutient ce recrutement.",
                entries=period(),
            ),
            annex(
                "5",
                "Avis du Directeur de l’établissement hospitalier",
                "Directeur général",
                "Maxime Patron",
                "CHU de Rouen",
                statement="donne un avis sur la candidature de EXEMPLE Camille pour être recruté(e) en qualité "
                "d’assistant spécialiste partagé au sein de l’établissement.",
                text_label="Avis",
                text="L’établissement est favorable à ce recrutement, inscrit dans le projet médical partagé.",
                entries=period(),
            ),
        ],
    }


def file(name: str, size_display: str) -> dict[str, Any]:
    return {
        "name": name,
        "size": 1,
        "size_display": size_display,
        "sha256": digest(name),
        "content_type": "application/pdf",
        "uploaded_at_display": "30 janvier 2026 à 9 h 05",
    }


def blank_content() -> dict[str, Any]:
    """The same form for people who want paper: no candidate, no answer, no signature."""
    content = copy.deepcopy(full_content())
    content["context"] |= dict.fromkeys(["candidate_name", "candidate_email", "number", "filed_at_display"], "")
    for section in content["sections"]:
        empty_entries(section["entries"])
    for piece in content["pieces"]:
        piece["files"] = []
    for number, blank in enumerate(content["annexes"], start=1):
        empty_entries(blank["entries"])
        blank |= dict.fromkeys(
            ["opinion", "opinion_display", "text", "signed_at_display", "signed_by", "signed_quality", "reference"], ""
        )
        blank |= {"sha256": "", "signed": False, "signatory": {}, "role": ""}
        if number > 1:
            blank["statement"] = blank["statement"].replace("EXEMPLE Camille", "…………………………………………")
    return content


def empty_entries(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        entry["display"] = ""
        if "rows" in entry:
            entry["rows"] = []
        if "checked" in entry:
            entry["checked"] = False
        for option in entry.get("options", []):
            option["checked"] = False


def blank_of(kind) -> dict:
    return kind_content(kind.slug, kind.dossier_spec({}), full_content()["context"] | {"candidate_name": ""})


def very_full_of(kind) -> dict:
    """Every answer long, every box ticked, every table full, each annex signed, many files."""
    content = blank_of(kind)
    content["context"] |= {
        "candidate_name": "EXEMPLE Camille",
        "number": "SJ-2026-00001",
        "filed_at_display": "ce jour",
    }
    words = "Une réponse qui n’en finit pas, avec des « guillemets » & des <balises>. "
    for part in [*content["sections"], *content["annexes"]]:
        for entry in part["entries"]:
            entry["display"] = words * (60 if entry["type"] == "long" else 1)
            entry["checked"] = True
            for option in entry.get("options", ()):
                option["checked"] = True
            if entry["type"] == "table":
                entry["rows"] = [[words] * len(entry["columns"])] * 30
    for piece in content["pieces"]:
        piece["files"] = full_content()["pieces"][0]["files"] * 5
    signed = full_content()["annexes"][0]
    for annex in content["annexes"]:
        kept = {key: annex[key] for key in ("key", "number", "title", "role", "instructions", "statement", "entries")}
        annex |= signed | kept | {"text": words * 80}
    return content


def longest_of(kind, pattern: str) -> dict:
    """As much as the forms of this kind accept: the pattern fills every text, every cell, every opinion."""
    content, spec = very_full_of(kind), kind.dossier_spec({})
    for printed, fields in [
        *zip(content["sections"], (section.fields for section in spec.sections), strict=True),
        *zip(content["annexes"], (annex.fields for annex in spec.annexes), strict=True),
    ]:
        limits = {field.name: field for field in fields}
        for entry in printed["entries"]:
            field = limits[entry["name"]]
            if entry["type"] in ("text", "long"):
                entry["display"] = as_long_as(pattern, getattr(field, "max_length", 200))
            elif entry["type"] == "table":
                cells = [as_long_as(pattern, getattr(column, "max_length", 20)) for column in field.columns]
                entry["rows"] = [cells] * field.max_rows
    for annex in content["annexes"]:
        annex["text"] = as_long_as(pattern, OpinionForm.base_fields["text"].max_length)
    return content


def as_long_as(pattern: str, length: int) -> str:
    return (pattern * (length // len(pattern) + 1))[:length]


def receipt() -> dict[str, Any]:
    content = full_content()
    return {
        "number": "2026-000123",
        "candidate_name": "EXEMPLE Camille",
        "offer_title": content["context"]["offer_title"],
        "received_at_display": "3 février 2026 à 18 h 42 min 07 s",
        "service_name": "ARS Normandie – Pôle Formation des professionnels de santé",
        "service_address": "1 place de l’Exemple\n14000 Caen",
        "service_email": "formation.normandie@example.org",
        "service_phone": "02 00 00 00 00",
        "legal_mentions": (
            "Le présent accusé de réception est délivré en application des articles L. 112-11 et R. 112-11-1 du code "
            "des relations entre le public et l’administration. Il ne vaut pas décision.\n\n"
            "Le dossier est examiné par la commission régionale. À défaut de réponse dans un délai de deux mois à "
            "compter de la date de réception, la demande est réputée rejetée. Cette décision peut être contestée "
            "devant le tribunal administratif dans un délai de deux mois."
        ),
        "pieces": [f"{piece['label']} : {file['name']}" for piece in content["pieces"] for file in piece["files"]],
        "annexes": [f"Annexe {annex['number']} – {annex['title']}" for annex in content["annexes"]],
    }


def decision() -> dict[str, Any]:
    """The words of a decision on the sample's dossier."""
    return {
        "number": "2026-000123",
        "candidate_name": "EXEMPLE Camille",
        "offer_title": "Assistant spécialiste à temps partagé",
        "institution": "Agence régionale de santé",
        "service_name": "Pôle Formation des professionnels de santé",
        "service_address": "1 place de l’Exemple\n76000 Rouen",
        "service_email": "formation@ars.example.org",
        "service_phone": "02 00 00 00 00",
        "filed_at_display": "4 janvier 2026 à 10:12:45",
        "accepted": False,
        "reason": "Le projet ne précise pas la part de temps en ville.\n\nUne nouvelle candidature sera la bienvenue.",
        "commission": "Commission régionale des assistants, séance du 4 mars 2026 à 14 h 00 (avis : défavorable)",
        "author_name": "Dominique Fictif",
        "author_quality": "Directeur de l’attractivité des métiers, par délégation du directeur général",
        "decided_at_display": "12 mars 2026 à 9 h 05",
        "appeal": "Cette décision peut être contestée dans les deux mois qui suivent sa notification.",
    }


def minutes(dossiers: int = 12) -> dict[str, Any]:
    """The minutes of a session that examined so many dossiers."""
    return {
        "commission": "Commission régionale des assistants",
        "institution": "Agence régionale de santé",
        "held_at_display": "4 mars 2026 à 14 h 00",
        "place": "Salle du conseil",
        "edition": 2,
        "chair": "Claude Imaginaire, présidente",
        "present": ["Claude Imaginaire, présidente", "Sacha Modèle, représentant des CHU", "Alix Gabarit, membre"],
        "away": ["Lou Canevas, membre"],
        "dossiers": [
            {
                "number": f"2026-{number:06}",
                "candidate_name": f"EXEMPLE Camille {number}",
                "offer_title": "Assistant spécialiste à temps partagé",
                "rapporteur": "Sacha Modèle",
                "recusals": ["Alix Gabarit"] if number % 3 == 0 else [],
                "opinion": "Favorable",
                "reasons": "Un projet mûri, conforme aux besoins du territoire. " * (1 + number % 5 * 4),
                "outcome": "Retenue" if number % 2 else "",
            }
            for number in range(1, dossiers + 1)
        ],
        "established_by": "Gestion des assistants",
        "established_at_display": "6 mars 2026 à 11 h 30",
    }
