"""The text of a page of Choisir le service public, read into the fields of an offer.

The page is a series of headings, each on a line of its own after a blank one, each followed by what it says. Headings
are the labels of the kind's own fields and of the columns that all offers share. Nothing is dropped: what no field
takes is told, line by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from dossiers.fields import Choice, FieldSpec, LongText
from offers.data import departments, regions
from offers.kinds import OfferKind, all_kinds
from offers.models import Offer
from offers.text import plain

MOST_CHARACTERS = 200_000
EMAIL = re.compile(r"[^\s<>()@,;:]+@[\w.-]+\.\w+")
BULLET = re.compile(r"^\s*[•▪◦]\s*", re.MULTILINE)
# A heading that names a person and their address: the field of the person, the field of the address.
PEOPLE = {
    "mail a qui adresser les candidatures": ("application_contact", "submission_address"),
    "contact 1": ("contact_1", "contact_1_email"),
    "contact 2": ("contact_2", "contact_2_email"),
}
SECTION_TITLES = {
    "detail de l offre",
    "informations generales",
    "description du poste",
    "informations complementaires",
    "criteres candidat",
    "demandeur",
    "pays",
}
# Known, but nothing of the draft: the portal dates a publication itself.
SET_AT_PUBLICATION = {"date de debut de diffusion", "date de parution", "date de fin de diffusion"}


@dataclass
class ReadOffer:
    kind: OfferKind
    columns: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    unrecognised: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def decode(content: bytes) -> str:
    """A text file as people's computers write them."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read(text: str) -> ReadOffer:
    """The offer that this text describes, of the kind whose labels it uses most."""
    lines = "".join(c for c in text[:MOST_CHARACTERS] if c in "\n\t" or c.isprintable() or c.isspace()).splitlines()
    lines = [line.replace("\xa0", " ").rstrip() for line in lines]
    present = {plain(line) for line in lines}
    kind = max(all_kinds(), key=lambda kind: len(present & set(own_fields(kind))))
    offer = ReadOffer(kind)
    own = own_fields(kind)
    known = {*COLUMNS, *own, *PEOPLE, *SECTION_TITLES, *SET_AT_PUBLICATION}
    before, parts = _split(lines, known)
    for heading, shown, value in parts:
        _take(offer, own, heading, shown, value)
    titles = {plain(offer.columns.get("title", "")), *SECTION_TITLES}
    offer.unrecognised[:0] = [line for line in before if line.strip() and plain(line) not in titles]
    return offer


@cache
def own_fields(kind: OfferKind) -> dict[str, FieldSpec]:
    """The fields of this kind's offers, by their label as headings are compared."""
    return {plain(spec.label): spec for section in kind.offer_sections for spec in section.fields}


def _split(lines: list[str], known: set[str]) -> tuple[list[str], list[tuple[str, str, str]]]:
    """What stands before the first heading; then each heading: its plain form, as written, and what follows it."""
    before: list[str] = []
    parts: list[tuple[str, str, list[str]]] = []
    after_blank = True
    for line in lines:
        heading = plain(line) if after_blank and len(line) < 100 else ""
        if heading in known:
            parts.append((heading, line.strip(), []))
            after_blank = True  # headings may follow one another
            continue
        (parts[-1][2] if parts else before).append(line)
        after_blank = not line.strip()
    return before, [(heading, shown, "\n".join(value).strip()) for heading, shown, value in parts]


def _take(offer: ReadOffer, own: dict[str, FieldSpec], heading: str, shown: str, value: str) -> None:
    if not value:
        return  # the title of a group of headings, or a heading left empty
    if not isinstance(own.get(heading), LongText):  # a short answer ends at the first blank line
        value, *further = re.split(r"\n\s*\n", value)
        offer.unrecognised += [line.strip() for line in "\n".join(further).splitlines() if line.strip()]
    if heading in SET_AT_PUBLICATION:
        offer.remarks.append(f"{shown} : {value} (le portail date lui-même la publication)")
    elif heading in PEOPLE and any(spec.name in PEOPLE[heading] for spec in own.values()):
        person, address = PEOPLE[heading]
        found = EMAIL.search(value)
        offer.details[person] = " ".join(EMAIL.sub(" ", value).split()).strip(" -–:,")
        offer.details[address] = found[0] if found else ""
    elif heading in own:
        _take_own(offer, own[heading], shown, value)
    elif heading in COLUMNS and (columns := COLUMNS[heading](value)):
        for name, content in columns.items():
            (offer.details if name in {spec.name for spec in own.values()} else offer.columns)[name] = content
    else:
        offer.unrecognised += [f"{shown} : {line}" for line in value.splitlines() if line.strip()]


def _take_own(offer: ReadOffer, spec: FieldSpec, shown: str, value: str) -> None:
    if isinstance(spec, Choice):
        raw = next((key for key, label in spec.choices if plain(label) == plain(value)), None)
    else:
        raw = re.sub(r"\n{3,}", "\n\n", BULLET.sub("", value))
    try:
        if raw is None:
            raise ValidationError("inconnu")
        offer.remarks += [f"{shown} : {doubt}" for doubt in spec.warn(spec.clean(raw))]
        if before := offer.details.get(spec.name):  # said twice: one of both is no answer
            offer.unrecognised += [f"{shown} : {line}" for line in str(before).splitlines() if line.strip()]
        offer.details[spec.name] = raw
    except ValidationError:
        offer.unrecognised.append(f"{shown} : {value}")


# The columns that all offers share


def _text(name: str) -> Callable[[str], dict[str, Any]]:
    longest = Offer._meta.get_field(name).max_length
    return lambda value: {name: " ".join(value.split())} if len(" ".join(value.split())) <= longest else {}


def _deadline(value: str) -> dict[str, Any]:
    """The whole day counts, in Paris."""
    try:
        day = datetime.strptime(value.strip(), "%d/%m/%Y")  # noqa: DTZ007 (a day; its hour follows)
    except ValueError:
        return {}
    return {"deadline": timezone.make_aware(datetime.combine(day, time(23, 59, 59)))}


def _yes_no(value: str) -> dict[str, Any]:
    answers = {"oui": True, "non": False}
    return {"full_time": answers[plain(value)]} if plain(value) in answers else {}


def _telework(value: str) -> dict[str, Any]:
    found = [key for key, label in Offer.Telework.choices if plain(label) == plain(value)]
    return {"telework": found[0]} if found else {}


def place_of(value: str) -> dict[str, Any]:
    """ "Europe, France, Île-de-France, Paris (75)"."""
    parts = [part.strip() for part in value.split(",")]
    if len(parts) < 2:
        return {}
    place: dict[str, Any] = {"continent": parts[0], "country": parts[1]}
    rest = {plain(part) for part in parts[2:]}
    place |= _first("region", ((region.code, region.name) for region in regions()), rest)
    place |= _first("department", ((department.code, department.name) for department in departments()), rest)
    return place if len(place) == min(len(parts), 4) else {}


def _first(name: str, rows: Iterable[tuple[str, str]], wanted: set[str]) -> dict[str, Any]:
    return next(({name: code} for code, label in rows if plain(label) in wanted), {})


COLUMNS: dict[str, Callable[[str], dict[str, Any]]] = {
    "organisme de rattachement": lambda value: {"institution_name": " ".join(value.split())},
    "reference": _text("reference"),
    "intitule long de l offre": _text("title"),
    "date limite de candidature": _deadline,
    "nature du contrat": _text("contract"),
    "temps plein": _yes_no,
    "teletravail possible": _telework,
    "localisation du poste": place_of,
    "lieu d affectation": _text("location"),
}
