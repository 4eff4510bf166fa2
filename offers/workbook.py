"""Offers as a workbook for spreadsheets: one sheet for each kind, exported, edited, and sent back.

What comes back is first told, row by row and field by field (`plan`); nothing is written before it is confirmed
(`carry_out`). A row whose reference is unknown is a new draft; a cell left as it was changes nothing.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from offers.csp_csv import give_addresses
from offers.history import recorded
from offers.kinds import OfferKind, all_kinds
from offers.models import Offer
from offers.sheets import INSTITUTION, REFERENCE, RowChange, apply_row, columns_of, copy_of, draft, judge, tidy
from offers.text import plain
from portal.accounts.models import Institution

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BYTES = 2_000_000
MOST_UNPACKED = 60_000_000
MOST_ROWS = 1000
LONGEST = 32_767  # characters that a cell of XLSX holds
STATE = "État"
# Said for the reader: the life cycle moves them, not a cell.
FOR_READING = (STATE, INSTITUTION)
NOT_A_WORKBOOK = "Ce fichier n’est pas un classeur XLSX d’offres, ou il est abîmé."


class NotAWorkbookError(Exception):
    """A French sentence says why."""


# Out


def export(offers: Iterable[Offer]) -> bytes:
    """The workbook of these offers. Every cell is a text: no spreadsheet takes one for a formula."""
    book = Workbook(write_only=True)
    by_kind: dict[str, list[Offer]] = {}
    for offer in offers:
        by_kind.setdefault(offer.kind, []).append(offer)
    for kind in all_kinds():
        if kind.slug in by_kind or not by_kind:
            _write_sheet(book, kind, by_kind.get(kind.slug, []))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write_sheet(book: Workbook, kind: OfferKind, offers: list[Offer]) -> None:
    sheet = book.create_sheet(_title(kind))
    sheet.freeze_panes = "B2"
    reference, *others = columns_of(kind)
    headings = [reference.heading, *FOR_READING, *(column.heading for column in others)]
    for number, heading in enumerate(headings, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = min(max(len(heading) + 2, 16), 40)
    sheet.append([_cell(sheet, heading, bold=True) for heading in headings])
    for offer in offers:
        said = [reference.read(offer), offer.state_label, offer.institution.name]
        sheet.append([_cell(sheet, text) for text in [*said, *(column.read(offer) for column in others)]])


def _cell(sheet: Any, text: str, *, bold: bool = False) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=_storable(text))
    cell.data_type = "s"
    cell.alignment = Alignment(vertical="top", wrap_text=bold)
    cell.font = Font(bold=bold)
    return cell


def _storable(text: str) -> str:
    return ILLEGAL_CHARACTERS_RE.sub(" ", text)[:LONGEST]


def _title(kind: OfferKind) -> str:
    return re.sub(r"[\[\]:*?/\\]", " ", kind.short_label)[:31]


# In


@dataclass
class Plan:
    """What a workbook would do, row by row."""

    changes: list[RowChange] = field(default_factory=list)
    unknown: dict[str, list[str]] = field(default_factory=dict)  # sheet → headings that are no field

    @property
    def refused(self) -> list[RowChange]:
        return [change for change in self.changes if change.errors]

    @property
    def effective(self) -> list[RowChange]:
        return [change for change in self.changes if change.does_something]

    @property
    def idle(self) -> int:
        return len(self.changes) - len(self.refused) - len(self.effective)

    @property
    def fingerprint(self) -> str:
        """Of what was shown: what is confirmed is that, and nothing that changed meanwhile."""
        told = [(change.reference, change.is_new, change.differences) for change in self.effective]
        return hashlib.sha256(repr(told).encode()).hexdigest()


def plan(content: bytes, user: Any) -> Plan:
    """What this workbook would do, for this agent. Raises NotAWorkbookError."""
    rows = list(_rows(content))
    references = [cells.get(REFERENCE, "").strip() for _, _, cells in rows]
    managed = Offer.objects.managed_by(user).filter(reference__in=references).select_related("institution")
    existing = {offer.reference: offer for offer in managed.order_by("pk")}
    elsewhere = set(Offer.objects.filter(reference__in=references).values_list("reference", flat=True)) - set(existing)
    institutions = {plain(institution.name): institution for institution in _institutions(user)}
    told, seen = Plan(), set()
    for kind, line, cells in rows:
        reference = cells.get(REFERENCE, "").strip()
        change = _change(kind, line, cells, existing.get(reference), institutions)
        if reference in seen:
            change.errors.append("Référence : elle est déjà plus haut dans le classeur.")
        if reference in elsewhere:
            change.errors.append("Référence : une autre offre la porte déjà.")
        seen.add(reference)
        told.changes.append(change)
        for heading in change.unrecognised:
            headings = told.unknown.setdefault(_title(kind), [])
            if heading not in headings:
                headings.append(heading)
    return told


def _change(
    kind: OfferKind,
    line: int,
    cells: Mapping[str, str],
    existing: Offer | None,
    institutions: Mapping[str, Institution],
) -> RowChange:
    """What one row would do to the offer of this reference, if there is one."""
    reference = cells.get(REFERENCE, "").strip()
    named = plain(cells.get(INSTITUTION, ""))
    own = {heading: cell for heading, cell in cells.items() if heading not in FOR_READING}
    if existing is not None:
        change = RowChange(line, reference, copy_of(existing), before=existing)
        if existing.kind != kind.slug:
            change.errors.append(f"Cette offre n’est pas du type de la feuille « {_title(kind)} ».")
            return change
        if named and named != plain(existing.institution.name):
            change.errors.append(f"{INSTITUTION} : il se change sur la fiche de l’offre.")
        own = {heading: cell for heading, cell in own.items() if not _is_cut(existing, heading, cell)}
    else:
        institution = institutions.get(named)
        if institution is None and len(institutions) == 1 and not named:
            [institution] = institutions.values()
        if institution is None:
            told = f"{INSTITUTION} : « {cells.get(INSTITUTION, '')} » n’est pas l’un des vôtres."
            return RowChange(line, reference, Offer(kind=kind.slug), errors=[told])
        change = RowChange(line, reference, draft(kind, institution))
    apply_row(change, own)
    judge(change)
    return change


def _is_cut(offer: Offer, heading: str, cell: str) -> bool:
    """A text too long for a cell came out cut: left as it is, it says nothing new."""
    if len(cell) < LONGEST - 1:
        return False
    column = next((c for c in columns_of(offer.kind_definition) if c.heading == heading), None)
    return column is not None and tidy(_storable(column.read(offer))).strip() == tidy(cell).strip()


def carry_out(told: Plan, user: Any, source: str) -> None:
    """Write what the plan tells, all of it or nothing. Raises ValueError where an offer has changed since."""
    with transaction.atomic(), recorded(user, f"Import de {source}"):
        changed = [change for change in told.effective if not change.is_new]
        keys = [change.offer.pk for change in changed]
        stamps = dict(
            Offer.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk", "updated_at")
        )
        if any(stamps.get(change.offer.pk) != change.offer.updated_at for change in changed):
            raise ValueError("changed meanwhile")
        for change in changed:
            change.offer.save()
        new = [change.offer for change in told.effective if change.is_new]
        give_addresses(new)
        Offer.objects.bulk_create(new)


def _institutions(user: Any) -> Iterable[Institution]:
    every = Institution.objects.all()
    return every if user.is_superuser else every.filter(pk__in=user.hr_institution_ids)


def _rows(content: bytes) -> Iterator[tuple[OfferKind, int, dict[str, str]]]:
    """(kind, line, heading → text) of each row that says something."""
    kinds = {plain(_title(kind)): kind for kind in all_kinds()}
    number = 0
    for title, rows in _sheets(content):
        kind = kinds.get(plain(title))
        if kind is None:
            raise NotAWorkbookError(f"La feuille « {title} » ne porte le nom d’aucun type d’offre.")
        headings = [_text(value).strip() for value in next(rows, ())]
        if REFERENCE not in headings:
            raise NotAWorkbookError(f"La feuille « {title} » n’a pas de colonne « {REFERENCE} » en première ligne.")
        for line, values in enumerate(rows, start=2):
            cells = {h: _text(value) for h, value in zip(headings, values, strict=False) if h}
            if any(text.strip() for text in cells.values()):
                number += 1
                if number > MOST_ROWS:
                    raise NotAWorkbookError(f"Plus de {MOST_ROWS} lignes : envoyez-les en plusieurs classeurs.")
                yield kind, line, cells


def _sheets(content: bytes) -> Iterator[tuple[str, Iterator[tuple[Any, ...]]]]:
    if len(content) > MOST_BYTES:
        raise NotAWorkbookError("Ce fichier est trop lourd : deux mégaoctets au plus.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED:
                raise NotAWorkbookError("Ce classeur est trop volumineux une fois déplié.")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheets = [(sheet.title, list(sheet.iter_rows(values_only=True, max_row=MOST_ROWS + 2))) for sheet in book]
        book.close()
    except NotAWorkbookError:
        raise
    except Exception as error:  # whatever a broken archive or a hostile XML makes of the reader
        raise NotAWorkbookError(NOT_A_WORKBOOK) from error
    for title, rows in sheets:
        yield title, iter(rows)


def _text(value: Any) -> str:
    """A cell as a person reads it."""
    match value:
        case None:
            return ""
        case bool():
            return "Oui" if value else "Non"
        case datetime():
            at_midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
            return value.strftime("%d/%m/%Y" if at_midnight else "%d/%m/%Y %H:%M:%S")
        case date():
            return value.strftime("%d/%m/%Y")
        case float() if value.is_integer():
            return str(int(value))
    return str(value)
