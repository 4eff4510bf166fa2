"""The public offers as a search counts them: for each value of each facet, its offers are the bits of one integer.

What a further choice would give is then an AND and a count of bits: microseconds for ten thousand offers. Each process
keeps one index, under the revision that the database changes with any offer (docs/adr/0027): an outdated one is never
read. Offers stand in the order of their deadlines, so that those open at an instant, or closing within a week, are a
range: time passing changes nothing here.
"""

from __future__ import annotations

import threading
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import chain, compress

from django.db import connection
from django.db.models import F, FloatField, Func
from django.utils import timezone

from offers.filters import FACETS, Facet
from offers.models import Offer
from portal.accounts.models import Institution

COLUMNS = ("kind", "region", "department", "institution_id", "specialty", "contract", "telework")
DIGITS = bytes.maketrans(b"01", b"\0\1")


class Seconds(Func):
    """A moment as a number, read six times faster than a date. Since 1970, in Universal Time."""

    template = "extract(epoch FROM %(expressions)s)::float8"
    output_field = FloatField()


class OfferIndex:
    """Offers are known by their position: a set of them is an integer whose bits are set at their positions."""

    def __init__(self) -> None:
        rows = list(
            Offer.objects.filter(state__in=Offer.SHOWN)
            .order_by(F("deadline").asc(nulls_last=True), "plain", "pk")
            .values_list("pk", Seconds("deadline"), Seconds("published_at"), "plain", "state", *COLUMNS)
        )
        self.ids = [row[0] for row in rows]
        self.position = {pk: position for position, pk in enumerate(self.ids)}
        self.deadlines: list[float] = [row[1] for row in rows if row[1] is not None]
        self._everything = (1 << len(rows)) - 1
        self._accepting = _by_value([row[4] for row in rows]).get(Offer.State.PUBLISHED, 0)
        self.values = {column: _by_value([row[5 + i] for row in rows]) for i, column in enumerate(COLUMNS)}
        self.institutions = Institution.objects.in_bulk(self.values["institution_id"])
        self.options = {facet.name: self._options(facet) for facet in FACETS if facet.column in self.values}
        self.titles: list[str] = [row[3] for row in rows]  # with specialty and place; lower case, without accents
        positions = range(len(rows))
        self._by_publication = sorted((row[2], position) for position, row in enumerate(rows))
        self.orders: dict[str, Sequence[int]] = {
            "echeance": positions,
            "proximite": positions,
            "recentes": sorted(positions, key=lambda at: (-rows[at][2], self.titles[at])),
            "intitule": sorted(positions, key=self.titles.__getitem__),
        }

    def _options(self, facet: Facet) -> list[tuple[str, str, int]]:
        """The values of a facet with their labels and their offers, in the order in which a reader looks for them."""
        labels: dict = dict(facet.labels()) if facet.labels else {}
        if facet.column == "institution_id":
            labels = {pk: institution.name for pk, institution in self.institutions.items()}
        values = self.values[facet.column].items()
        options = [(str(value), labels.get(value, value), bits) for value, bits in values if value]
        return sorted(options, key=lambda option: sortable(option[1]))

    def bits(self, ids: Iterable[int]) -> int:
        """The set of these offers; those that are not public are left out."""
        flags = bytearray(len(self.ids) // 8 + 1)
        for pk in ids:
            if (position := self.position.get(pk)) is not None:
                flags[position >> 3] |= 1 << (position & 7)
        return int.from_bytes(flags, "little")

    def having(self, column: str, values: Iterable) -> int:
        """The offers that have one of these values."""
        known = self.values[column]
        found = 0
        for value in values:
            found |= known.get(value, 0)
        return found

    def shown_at(self, now: datetime) -> int:
        """All but those that are to be published later."""
        later = self._by_publication[bisect_right(self._by_publication, (now.timestamp(), len(self.ids))) :]
        return self._everything & ~sum(1 << position for _, position in later)

    def open_at(self, now: datetime) -> int:
        """Those that can be applied to, the deadline's own second included."""
        return self.shown_at(now) & self._accepting & ~self._before(now.replace(microsecond=0))

    def closing_within(self, days: int, now: datetime) -> int:
        """Those whose deadline falls on one of the next Paris days, the last one whole. Closed ones are among them."""
        end = datetime.combine(timezone.localdate(now) + timedelta(days=days + 1), time.min)
        return self._before(timezone.make_aware(end))

    def without_deadline(self) -> int:
        return self._everything & ~((1 << len(self.deadlines)) - 1)

    def next_change(self, now: datetime) -> datetime | None:
        """The next instant at which an offer closes or appears by itself: a deadline's own second is the last one."""
        closing = bisect_left(self.deadlines, now.replace(microsecond=0).timestamp())
        opening = bisect_right(self._by_publication, (now.timestamp(), len(self.ids)))
        moments = [deadline + 1 for deadline in self.deadlines[closing : closing + 1]]
        moments += [moment for moment, _ in self._by_publication[opening : opening + 1]]
        return datetime.fromtimestamp(min(moments), UTC) if moments else None

    def in_order(self, bits: int, order: str, first: int = 0) -> Iterator[int]:
        """The identifiers of these offers; those of the set `first` before the others."""
        return chain(self._listed(bits & first, order), self._listed(bits & ~first, order))

    def _listed(self, bits: int, order: str) -> Iterator[int]:
        flags = f"{bits:0{len(self.ids)}b}"[::-1].encode().translate(DIGITS)
        positions = self.orders[order]
        in_order = flags if isinstance(positions, range) else map(flags.__getitem__, positions)
        return map(self.ids.__getitem__, compress(positions, in_order))

    def _before(self, moment: datetime) -> int:
        return (1 << bisect_left(self.deadlines, moment.timestamp())) - 1


def sortable(label: str) -> str:
    """Alphabetical as a reader expects it: accents aside."""
    return unicodedata.normalize("NFD", label).encode("ascii", "ignore").decode().lower()


def _by_value(column: list) -> dict:
    """Each value with the set of its offers."""
    size = len(column) // 8 + 1
    flags: dict = {}
    for position, value in enumerate(column):
        if value not in flags:
            flags[value] = bytearray(size)
        flags[value][position >> 3] |= 1 << (position & 7)
    return {value: int.from_bytes(set_bits, "little") for value, set_bits in flags.items()}


def revision() -> int:
    """What changes, on commit, with anything that the public pages of offers show."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM offers_revision")
        [number] = cursor.fetchone()
    return number


_lock = threading.Lock()
_kept: tuple[int, OfferIndex] | None = None


def current(at: int | None = None) -> OfferIndex:
    """The index of the offers as they are, or as they were at a revision just read.

    Inside a transaction, whose own changes have no revision yet, it is made for the occasion.
    """
    global _kept
    if connection.in_atomic_block:
        return OfferIndex()
    # Read before the offers are: an index made while they change is kept under a revision that nobody asks for again.
    at = revision() if at is None else at
    kept = _kept
    if kept is None or kept[0] != at:
        with _lock:  # one thread makes it for all
            kept = _kept
            if kept is None or kept[0] != at:
                kept = _kept = (at, OfferIndex())
    return kept[1]
