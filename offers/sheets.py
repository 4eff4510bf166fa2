"""Offers as rows of a table: one list of columns for each kind, read and written by the same definition.

A cell that says what the offer already says changes nothing, so that a file exported, edited in one place and sent back
changes that place alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from dossiers.fields import NO_CONTROL_CHARACTERS, FieldSpec
from offers.cells import raw_answer, value_of
from offers.history import Difference, differences
from offers.kinds import OfferKind
from offers.models import Offer
from offers.published import FORMULA_STARTS, kind_columns
from offers.text import plain
from portal.accounts.models import Institution

REFERENCE = "Référence"
INSTITUTION = "Organisme de rattachement"
HEADINGS = {
    "reference": REFERENCE,
    "title": "Intitulé long de l’offre",
    "deadline": "Date limite de candidature",
    "signatures_until": "Date limite des signatures",
    "summary": "Résumé",
    "body": "Texte de l’offre",
    "contract": "Nature du contrat",
    "full_time": "Temps plein",
    "telework": "Télétravail possible",
    "region": "Région",
    "department": "Département",
    "location": "Lieu d’affectation",
    "specialty": "Spécialité",
    "service_name": "Service chargé du dossier",
    "service_address": "Adresse postale du service",
    "service_email": "Adresse électronique du service",
    "service_phone": "Téléphone du service",
    "legal_mentions": "Mentions légales de l’accusé de réception",
}
# What candidates were told: it moves by the life cycle, or not at all.
MOMENTS = {"deadline", "signatures_until"}
SETTLED = {"reference"} | MOMENTS
SETTLED_FOR_GOOD = "ne change plus après la publication."
NEEDED = ("reference", "title")


@dataclass(frozen=True)
class SheetColumn:
    """One column. `write` changes the offer, in memory; ValidationError where the text makes no sense."""

    name: str
    heading: str
    read: Callable[[Offer], str]
    write: Callable[[Offer, str], None]
    is_settled: bool = False


@cache
def columns_of(kind: OfferKind) -> tuple[SheetColumn, ...]:
    """Those of every offer, then those of its kind: fields, then the campaign's numbers."""
    own = [("details", spec) for section in kind.offer_sections for spec in section.fields]
    parameters = [("parameters", spec) for spec in kind.parameter_section.fields]
    shared = [_column_of_all(name, heading) for name, heading in HEADINGS.items()]
    return (*shared, *(_column_of_kind(kind, place, spec) for place, spec in [*own, *parameters]))


@cache
def _by_heading(kind: OfferKind) -> dict[str, SheetColumn]:
    """By its own heading; or by the one that the open data give to this name, whatever the kind."""
    columns = columns_of(kind)
    shared = {plain(label): name for name, label in kind_columns().items()}
    by_name = {column.name: column for column in columns}
    alike = {heading: by_name[name] for heading, name in shared.items() if name in by_name}
    return alike | {plain(column.heading): column for column in columns}


def _column_of_all(name: str, heading: str) -> SheetColumn:
    column = Offer._meta.get_field(name)

    def read(offer: Offer) -> str:
        value = getattr(offer, name)
        if value in (None, ""):
            return ""
        if name in MOMENTS:
            return timezone.localtime(value).strftime("%d/%m/%Y %H:%M:%S")
        if name == "full_time":
            return "Oui" if value else "Non"
        return str(dict(column.flatchoices).get(value, value))

    def write(offer: Offer, text: str) -> None:
        if column.max_length and not column.flatchoices and len(text.strip()) > column.max_length:
            raise ValidationError(f"{column.max_length} caractères au plus ({len(text.strip())}).")
        setattr(offer, name, value_of(column, text))

    return SheetColumn(name, heading, read, write, name in SETTLED)


def _column_of_kind(kind: OfferKind, place: str, spec: FieldSpec) -> SheetColumn:
    def stored(offer: Offer) -> Mapping[str, Any]:
        return kind.default_parameters | offer.parameters if place == "parameters" else offer.details

    def read(offer: Offer) -> str:
        raw = stored(offer).get(spec.name)
        try:
            return spec.display(spec.clean(raw))
        except ValidationError:
            return str(raw or "")

    def write(offer: Offer, text: str) -> None:
        raw = raw_answer(spec, text)
        spec.clean(raw)
        setattr(offer, place, getattr(offer, place) | {spec.name: raw})

    return SheetColumn(spec.name, spec.label, read, write, place == "parameters")


@dataclass
class RowChange:
    """What one row of a file would do. `before` is None for an offer that does not exist yet."""

    line: int
    reference: str
    offer: Offer
    before: Offer | None = None
    differences: list[Difference] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    unrecognised: dict[str, str] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def does_something(self) -> bool:
        return not self.errors and (self.is_new or bool(self.differences))


def apply_row(change: RowChange, cells: Mapping[str, str], *, open_data: bool = False) -> None:
    """Write the cells (heading → text) into the row's offer, in memory, and say what differs or is refused.

    Headings are compared without case, accents or punctuation. open_data: an empty cell says nothing, rather than
    emptying the field, and a value that a field does not know is told apart, rather than refused.
    """
    offer = change.offer
    known = _by_heading(offer.kind_definition)
    is_settled = change.before is not None and change.before.state != Offer.State.DRAFT
    for heading, cell in cells.items():
        text = tidy(cell)
        column = known.get(plain(heading))
        if column is None:
            if text.strip():
                change.unrecognised[heading] = text
        elif not (open_data and not text.strip()) and not _says(column, offer, text):
            errors = [SETTLED_FOR_GOOD] if is_settled and column.is_settled else _write(column, offer, text)
            if errors and open_data and column.name not in NEEDED:
                change.unrecognised[heading] = text
            else:
                change.errors += [f"{column.heading} : {error}" for error in errors]
    if change.before is not None and not change.errors:
        change.differences = list(differences(offer, change.before, offer, {}))


def _says(column: SheetColumn, offer: Offer, text: str) -> bool:
    """Whether this is what the offer says already; a day says as much as its last second."""
    said = tidy(column.read(offer)).strip()
    return text.strip() == said or (column.name in MOMENTS and bool(text.strip()) and said.startswith(text.strip()))


def _write(column: SheetColumn, offer: Offer, text: str) -> list[str]:
    """What is refused."""
    try:
        NO_CONTROL_CHARACTERS(text)
        column.write(offer, text)
    except ValidationError as error:
        return error.messages
    return []


def tidy(cell: Any) -> str:
    """A cell's text: line ends alike, without the mark that keeps spreadsheets from taking it for a formula."""
    text = str(cell if cell is not None else "").replace("\r\n", "\n").replace("\r", "\n").replace("_x000D_", "")
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA_STARTS) else text


def judge(change: RowChange) -> None:
    """What no single cell can tell: a title and a reference, and values that the columns hold."""
    for name in NEEDED:
        if not getattr(change.offer, name):
            change.errors.append(f"{HEADINGS[name]} : Ce champ est à compléter.")
    if change.errors:
        return
    try:
        # An unfinished draft may be saved; what is missing is told at publication.
        blank = {name for name in HEADINGS if getattr(change.offer, name) in (None, "")}
        change.offer.clean_fields(exclude={"institution", "slug", "details", "parameters", *blank})
        change.offer.clean()
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            change.errors += [f"{HEADINGS.get(name, name)} : {message}" for message in messages]


def draft(kind: OfferKind, institution: Institution) -> Offer:
    """A new offer of this kind, with what its kind and its institution already say."""
    return Offer(
        kind=kind.slug,
        institution=institution,
        summary=kind.summary,
        legal_mentions=kind.legal_mentions,
        **service_of(institution),
    )


def service_of(institution: Institution) -> dict[str, str]:
    """The service in charge of the dossiers is the institution, until HR says otherwise."""
    return {f"service_{name}": getattr(institution, name) for name in ("name", "address", "email", "phone")}


def copy_of(offer: Offer) -> Offer:
    twin = copy.copy(offer)
    twin.details, twin.parameters = dict(offer.details), dict(offer.parameters)
    return twin
