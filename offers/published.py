"""An offer as machines read it: the same fields as its page, from the same definition (`kind.presentation`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import timezone

from offers.kinds import all_kinds
from offers.models import Offer
from offers.text import to_html

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def absolute(path: str) -> str:
    return settings.SITE_URL + path


def _moment(value) -> str | None:
    return timezone.localtime(value).isoformat() if value else None


def record(offer: Offer) -> dict[str, Any]:
    """What the JSON API says of an offer."""
    kind = offer.kind_definition
    return {
        "reference": offer.reference,
        "adresse": absolute(offer.get_absolute_url()),
        "type": {"code": kind.slug, "libelle": kind.label},
        "intitule": offer.title,
        "resume": offer.summary,
        "texte": offer.body,
        "ouverte": offer.is_open(),
        "organisme": offer.institution.name,
        "specialite": offer.specialty,
        "region": {"code": offer.region, "libelle": offer.region_name} if offer.region else None,
        "departement": ({"code": offer.department, "libelle": offer.department_name} if offer.department else None),
        "lieu": offer.location,
        "contrat": offer.contract,
        "temps_plein": offer.full_time,
        "teletravail": offer.telework or None,
        "publiee_le": _moment(offer.published_at),
        "modifiee_le": _moment(offer.updated_at),
        "date_limite": _moment(offer.deadline),
        "date_limite_signatures": _moment(offer.signatures_until),
        "conditions": list(kind.eligibility(offer.parameters)),
        "dossier": _dossier(offer),
        "service": {
            "nom": offer.service_name,
            "adresse": offer.service_address,
            "courriel": offer.service_email,
            "telephone": offer.service_phone,
        },
        "rubriques": [
            {"titre": section["title"], "champs": [_field(entry) for entry in section["entries"]]}
            for section in _sections(offer)
        ],
    }


def _sections(offer: Offer) -> list[dict[str, Any]]:
    """As `offer.presentation`, without the HTML that programs do not read."""
    return offer.kind_definition.presentation(offer.details, offer.parameters)


def _dossier(offer: Offer) -> dict[str, Any]:
    """What the dossier is made of, annexes and their signatories included."""
    spec = offer.kind_definition.dossier_spec(offer.parameters)
    return {
        "parties": [section.title for section in spec.sections],
        "pieces": [piece.label for piece in spec.pieces],
        "annexes": [{"numero": annex.number, "titre": annex.title, "signataire": annex.role} for annex in spec.annexes],
    }


def _field(entry: dict[str, Any]) -> dict[str, Any]:
    table = {"colonnes": entry["columns"], "lignes": entry["rows"]} if entry["type"] == "table" else {}
    return {"nom": entry["name"], "libelle": entry["label"], "valeur": entry["display"]} | table


def _day(value) -> str:
    return timezone.localtime(value).strftime("%d/%m/%Y") if value else ""


# The words of Choisir le service public; the fields that only some kinds have follow, under their own labels.
COMMON_COLUMNS: dict[str, Callable[[Offer], str]] = {
    "Organisme de rattachement": lambda offer: offer.institution.name,
    "Référence": lambda offer: offer.reference,
    "Date de parution": lambda offer: _day(offer.published_at),
    "Intitulé long de l’offre": lambda offer: offer.title,
    "Date limite de candidature": lambda offer: _day(offer.deadline),
    "Date limite des signatures": lambda offer: _day(offer.signatures_until),
    "Type d’offre": lambda offer: offer.kind_definition.label,
    "Résumé": lambda offer: offer.summary,
    "Nature du contrat": lambda offer: offer.contract,
    "Temps plein": lambda offer: {True: "Oui", False: "Non"}.get(offer.full_time, ""),
    "Télétravail possible": lambda offer: offer.get_telework_display() if offer.telework else "",
    "Région": lambda offer: offer.region_name,
    "Département": lambda offer: offer.department_name,
    "Lieu d’affectation": lambda offer: offer.location,
    "Spécialité": lambda offer: offer.specialty,
    "Adresse de l’offre": lambda offer: absolute(offer.get_absolute_url()),
}


@cache
def kind_columns() -> dict[str, str]:
    """Name and label of every field that the page of an offer may show, whatever its kind."""
    columns: dict[str, str] = {}
    for kind in all_kinds():
        public = [kind.parameter_section.by_name[name] for name in kind.public_parameters]
        for spec in [*(spec for section in kind.offer_sections for spec in section.fields), *public]:
            columns.setdefault(spec.name, spec.label)
    return columns


def header() -> list[str]:
    return [*COMMON_COLUMNS, *kind_columns().values()]


def row(offer: Offer) -> list[str]:
    own = {entry["name"]: entry["display"] for section in _sections(offer) for entry in section["entries"]}
    values = [column(offer) for column in COMMON_COLUMNS.values()] + [own.get(name, "") for name in kind_columns()]
    return [harmless(value) for value in values]


def rows(offers: Iterable[Offer]) -> Iterator[list[str]]:
    yield header()
    yield from map(row, offers)


def harmless(value: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def job_posting(offer: Offer) -> dict[str, Any]:
    """schema.org/JobPosting, for search engines."""
    place = {
        "@type": "PostalAddress",
        "addressLocality": offer.location,
        "addressRegion": offer.region_name,
        "addressCountry": "FR",
    }
    posting = {
        "@context": "https://schema.org/",
        "@type": "JobPosting",
        "title": offer.title,
        "description": to_html(f"{offer.summary}\n\n{offer.body}"),
        "identifier": {"@type": "PropertyValue", "name": offer.institution.name, "value": offer.reference},
        "datePosted": timezone.localtime(offer.published_at).date().isoformat() if offer.published_at else "",
        "hiringOrganization": {"@type": "Organization", "name": offer.institution.name},
        "jobLocation": {"@type": "Place", "address": {key: value for key, value in place.items() if value}},
        "url": absolute(offer.get_absolute_url()),
        "directApply": True,
    }
    if offer.deadline:
        posting["validThrough"] = _moment(offer.deadline)
    if offer.full_time is not None:
        posting["employmentType"] = "FULL_TIME" if offer.full_time else "PART_TIME"
    return posting
