"""The open data of Choisir le service public, read row by row into drafts.

A weekly file of the DGAFP on data.gouv.fr ("Les offres diffusées sur Choisir le service public"), Licence Ouverte 2.0:
`;` between columns, cells over several lines in quotes. The portal's own export is read by the same function. Nothing
is dropped: what no field takes is added to the text of the draft, under its own heading.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from django.db import transaction
from django.utils.text import slugify

from offers.csp_text import own_fields, place_of
from offers.data import departments
from offers.history import recorded
from offers.kinds import OfferKind, all_kinds
from offers.models import Offer
from offers.sheets import INSTITUTION, REFERENCE, RowChange, apply_row, copy_of, draft, judge, tidy
from offers.text import plain
from portal.accounts.models import Institution

BATCH = 500
MOST_TOLD = 200
LONGEST_CELL = 1_000_000  # characters
# Headings of the open data → those of the page, that the fields bear.
SAME_AS = {
    "intitule du poste": ("Intitulé du poste", "Intitulé long de l’offre"),
    "date de fin de publication par defaut": ("Date limite de candidature",),
    "metier": ("Domaine / Métier",),
    "niveau d etudes": ("Niveau d’études / Diplôme",),
    "nature de contrat": ("Nature du contrat",),
    "teletravail": ("Télétravail possible",),
}
# What the portal says by itself: dates of publication, addresses of its own pages, the kind.
SET_BY_THE_PORTAL = {
    "date de debut de publication par defaut",
    "date de premiere publication",
    "date de parution",
    "adresse de l offre",
    "type d offre",
}
PLACE = "localisation du poste"
NO_END = re.compile(r"31/12/9999")
CODE_IN_BRACKETS = re.compile(r"\((2[AB]|\d{2,3})\)")


class UnreadableFileError(Exception):
    """Not a table of offers: a French sentence says why."""


@dataclass
class Report:
    """What became of the rows: how many were created, updated, there already, refused; why, for the first of these."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    institutions: int = 0
    reasons: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.unchanged + self.refused

    def refuse(self, row: str, *why: str) -> None:
        self.refused += 1
        if len(self.reasons) < MOST_TOLD:
            self.reasons.append(f"{row} : {' '.join(why)}")


def _one_byte_at_a_time(error: UnicodeError) -> tuple[str, int]:
    """What is not UTF-8 is read as the other encoding of French offices, byte by byte: one bad cell spoils no other."""
    piece = error.object[error.start : error.end]
    return piece.decode("cp1252", errors="replace"), error.end


codecs.register_error("as_cp1252", _one_byte_at_a_time)


def read_rows(file: BinaryIO) -> Iterator[tuple[int, dict[str, str] | str]]:
    """(line, heading → cell) for each row of a table; (line, a sentence) for one that cannot be read."""
    csv.field_size_limit(LONGEST_CELL)
    lines = (line.replace("\0", "") for line in _lines(file))
    reader = csv.reader(lines, delimiter=";")
    header = [heading.strip() for heading in next(_rows(reader), (0, []))[1]]
    known = {plain(heading) for heading in header}
    if plain(REFERENCE) not in known or not known & {"intitule du poste", "intitule long de l offre"}:
        raise UnreadableFileError(
            "Ce fichier n’est pas une table d’offres : sa première ligne doit nommer les colonnes, séparées par « ; », "
            "dont « Référence » et « Intitulé du poste »."
        )
    for line, cells in _rows(reader):
        if isinstance(cells, str):
            yield line, cells
        elif len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            yield line, f"{len(cells)} cellules pour {len(header)} colonnes : un guillemet ou un « ; » de trop."
        elif any(cell.strip() for cell in cells):
            yield line, _first_filled(zip(header, cells, strict=False))


def _lines(file: BinaryIO) -> Iterator[str]:
    """One at a time, in the encoding that it shows; UTF-16, which spreadsheets write now and then, all at once."""
    first = file.readline()
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield from io.StringIO((first + file.read()).decode("utf-16", "replace"), newline="")
        return
    yield first.removeprefix(codecs.BOM_UTF8).decode("utf-8", "as_cp1252")
    for line in file:
        yield line.decode("utf-8", "as_cp1252")


def _rows(reader) -> Iterator[tuple[int, list[str] | str]]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, f"Cette ligne ne se lit pas ({error})."
            continue
        yield reader.line_num, cells


def _first_filled(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Some headings come twice ("Lieu d’affectation", with and without coordinates): the first that says something."""
    cells: dict[str, str] = {}
    said: set[str] = set()
    for heading, cell in pairs:
        if cell.strip() and plain(heading) not in said:
            said.add(plain(heading))
            cells[heading] = cell
    return cells


def import_rows(
    rows: Iterator[tuple[int, dict[str, str] | str]],
    *,
    source: str,
    institution: Institution | None = None,
    update: bool = False,
) -> Iterator[Report]:
    """Make drafts of the rows, a batch at a time; yields the report after each batch, the same one, growing.

    A reference that is there already changes nothing (update: a draft takes what the row says; what was published
    stays). institution: of all the drafts; else that which the row names, made where it is not known yet.
    """
    importer = _Importer(source, institution, update)
    while batch := list(islice(rows, BATCH)):
        with transaction.atomic(), recorded(None, f"Import de {source}"):
            importer.take(batch)
        yield importer.report


class _Importer:
    def __init__(self, source: str, institution: Institution | None, update: bool):
        self.source, self.institution, self.update = source, institution, update
        self.report = Report()
        self.institutions: dict[str, Institution] = {}
        self.seen: set[str] = set()

    def take(self, batch: list[tuple[int, dict[str, str] | str]]) -> None:
        readable = [(line, cells) for line, cells in batch if not isinstance(cells, str)]
        for line, cells in batch:
            if isinstance(cells, str):
                self.report.refuse(f"Ligne {line}", cells)
        existing = {
            offer.reference: offer
            for offer in Offer.objects.filter(reference__in=[_reference(cells) for _, cells in readable])
            .select_related("institution")
            .select_for_update(of=("self",))
            .order_by("pk")
        }
        new: list[Offer] = []
        for line, cells in readable:
            change = self._row(line, cells, existing.get(_reference(cells)))
            if change is None:
                self.report.unchanged += 1
            elif change.errors:
                self.report.refuse(f"Ligne {line} ({change.reference or 'sans référence'})", *change.errors)
            elif change.is_new:
                new.append(change.offer)
            else:
                change.offer.save()
                self.report.updated += 1
        give_addresses(new)
        self.report.created += len(Offer.objects.bulk_create(new))

    def _row(self, line: int, cells: dict[str, str], existing: Offer | None) -> RowChange | None:
        reference = _reference(cells)
        if reference in self.seen:
            return RowChange(line, reference, Offer(), errors=["cette référence est déjà plus haut dans le fichier."])
        self.seen.add(reference)
        if existing is not None and not (self.update and existing.state == Offer.State.DRAFT):
            return None
        if existing is not None:
            change = RowChange(line, reference, copy_of(existing), before=existing)
        else:
            change = RowChange(line, reference, draft(_kind(cells), self._institution(cells)))
        apply_row(change, _translated(cells, change), open_data=True)
        judge(change)
        if change.errors:
            return change
        _keep_unrecognised(change)
        if existing is not None and not change.differences:
            return None
        if change.offer.institution.pk is None and existing is None:
            self._save_institution(change.offer)
        return change

    def _institution(self, cells: dict[str, str]) -> Institution:
        """The one that the row names; not saved before a row of it is good."""
        if self.institution:
            return self.institution
        name = " ".join(next((tidy(v) for k, v in cells.items() if plain(k) == plain(INSTITUTION)), "").split())[:200]
        name = name or "Organisme non précisé"
        if name not in self.institutions:
            found = Institution.objects.filter(name=name).first()
            self.institutions[name] = found or Institution(name=name, kind=Institution.Kind.MINISTRY)
        return self.institutions[name]

    def _save_institution(self, offer: Offer) -> None:
        offer.institution.save()
        offer.institution = offer.institution  # its key is known now
        self.report.institutions += 1


def _reference(cells: dict[str, str]) -> str:
    return " ".join(next((tidy(v) for k, v in cells.items() if plain(k) == plain(REFERENCE)), "").split())


def _kind(cells: dict[str, str]) -> OfferKind:
    """The one that the portal's own export names; else the one whose fields the headings are."""
    named = next((plain(cell) for heading, cell in cells.items() if plain(heading) == "type d offre"), None)
    headings = {plain(name) for heading in cells for name in SAME_AS.get(plain(heading), (heading,))}
    return max(all_kinds(), key=lambda kind: (plain(kind.label) == named, len(headings & set(own_fields(kind)))))


def _translated(cells: dict[str, str], change: RowChange) -> dict[str, str]:
    """The row under the headings of the fields; those of the fields themselves come before those that resemble them."""
    own: dict[str, str] = {}
    alike: dict[str, str] = {}
    for heading, cell in cells.items():
        name = plain(heading)
        if name in SET_BY_THE_PORTAL or name == plain(INSTITUTION):
            continue
        if name == PLACE:
            _take_place(change, heading, cell)
        elif name not in SAME_AS:
            own[heading] = cell
        elif not NO_END.search(cell):
            alike |= dict.fromkeys(SAME_AS[name], cell)
    said = {plain(heading) for heading in own}
    return own | {heading: cell for heading, cell in alike.items() if plain(heading) not in said}


def _take_place(change: RowChange, heading: str, cell: str) -> None:
    """ "Creuse (23)", or the page's "Europe, France, Île-de-France, Paris (75)"."""
    found = place_of(cell)
    code = CODE_IN_BRACKETS.search(cell)
    department = next((d for d in departments() if code and d.code == code[1]), None)
    if department:
        found |= {"department": department.code, "region": department.region}
    own = {spec.name for section in change.offer.kind_definition.offer_sections for spec in section.fields}
    for name, value in found.items():
        if name in own:
            change.offer.details = change.offer.details | {name: value}
        else:
            setattr(change.offer, name, value)
    if not found:
        change.unrecognised[heading] = tidy(cell)


def _keep_unrecognised(change: RowChange) -> None:
    if change.unrecognised and change.is_new:
        lines = [f"- **{heading}** : {' '.join(text.split())}" for heading, text in change.unrecognised.items()]
        change.offer.body = "\n\n".join(filter(None, [change.offer.body, "\n".join(lines)]))


def give_addresses(offers: list[Offer]) -> None:
    """An address that no offer has, for each, with one query."""
    stems = [slugify(f"{offer.title}-{offer.reference}")[:110].strip("-") or "offre" for offer in offers]
    taken = set(Offer.objects.filter(slug__in=stems).values_list("slug", flat=True))
    for offer, stem in zip(offers, stems, strict=True):
        slug, number = stem, 1
        while slug in taken or (number > 1 and Offer.objects.filter(slug=slug).exists()):
            number += 1
            slug = f"{stem}-{number}"
        taken.add(slug)
        offer.slug = slug
