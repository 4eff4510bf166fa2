"""Finding offers: full text, the nearest words where it finds nothing, and what each further choice would give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain, islice
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from offers.data import departments, neighbours
from offers.filters import CLOSING, FACETS, Criteria, Facet
from offers.index import OfferIndex, current
from offers.models import SEARCH_CONFIG, Offer

LONE_HYPHEN = re.compile(r"-(?![\w\"])")  # before a word: "without"; before nothing, many are an error of PostgreSQL
NEARNESS = "0.45"
MOST_NEAR_WORDS = 8
MOST_WIDER = 5
# The drafts found are left out by the index.
SAYING = """
    SELECT coalesce(array_agg(id), '{}'), websearch_to_tsquery(%(config)s::regconfig, %(words)s)::text
    FROM offers_offer WHERE search @@ websearch_to_tsquery(%(config)s::regconfig, %(words)s)
"""
STEM = re.compile(r"(?<!!)'([^']+)'")  # in a query as PostgreSQL writes it; after "!", a word that is not wanted
# What a list reads of each offer.
_LISTED = {"id", "kind", "state", "institution_id", "slug", "title", "summary", "region"}
_LISTED |= {"published_at", "deadline", "closed_at"}
LISTED = [
    field.attname for field in Offer._meta.concrete_fields if field.attname in _LISTED
]  # `from_db` wants their order
LISTED_SQL = f"SELECT {', '.join(LISTED)} FROM offers_offer WHERE id = ANY(%(ids)s::bigint[])"
EVERYTHING = Offer.objects.defer("search", "plain")


class Option(NamedTuple):
    """One value that a visitor may add to the search, and how many offers it would then have."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Choices:
    facet: Facet
    options: list[Option]

    @property
    def is_open(self) -> bool:
        return self.facet is FACETS[0] or any(option.chosen for option in self.options)


class Found:
    """The offers that answer a search, and its facets, at one instant: a few queries, whatever their number."""

    def __init__(self, criteria: Criteria, now: datetime | None = None, index: OfferIndex | None = None):
        self.criteria = criteria
        self.now = now or timezone.now()
        self.index = index or current()
        self._open = self.index.open_at(self.now)
        self._stems: list[str] = []  # of the words asked for
        self._nearness: dict[int, float] | None = None  # of the offers found, where none says the words asked for
        self._asked = self._with_words(self.index.shown_at(self.now) if criteria.with_closed else self._open)
        if criteria.near:
            self._asked &= self._around()
        self._chosen = {facet: self._having(facet, values) for facet in FACETS if (values := self._values(facet))}
        self._matching = self._under_all_but(None)

    @property
    def total(self) -> int:
        return self._matching.bit_count()

    @property
    def nearest(self) -> bool:
        """No offer says the words asked for: those found say something like them."""
        return self._nearness is not None

    def ids(self, start: int = 0, stop: int | None = None) -> list[int]:
        """Those found, in the order asked for; open ones before closed ones."""
        order = self.criteria.order
        if order == "pertinence":
            return list(islice(self._by_relevance(), start, stop))
        parts = [self._matching & tier for tier in self._tiers] if order == "proximite" else [self._matching]
        in_parts = (self.index.in_order(part, order, first=self._open) for part in parts)
        return list(islice(chain.from_iterable(in_parts), start, stop))

    def offers(self, start: int = 0, stop: int | None = None, rows: QuerySet[Offer] | None = None) -> list[Offer]:
        """Those found, in order, with their institution; `rows` tells which columns are read, else those of a list."""
        return self.read(self.ids(start, stop), rows)

    def read(self, ids: list[int], rows: QuerySet[Offer] | None = None) -> list[Offer]:
        offers = _listed(ids) if rows is None else rows.filter(pk__in=ids).order_by()
        by_id = {offer.pk: offer for offer in offers}
        for offer in by_id.values():
            if institution := self.index.institutions.get(offer.institution_id):
                offer.institution = institution
        return [by_id[pk] for pk in ids if pk in by_id]

    @cached_property
    def choices(self) -> list[Choices]:
        """The facets; what would give no offer is left out, unless it is already chosen."""
        return [choices for facet in FACETS if (choices := self._choices_of(facet)).options]

    @cached_property
    def chosen_options(self) -> list[tuple[Facet, Option]]:
        return [(choices.facet, option) for choices in self.choices for option in choices.options if option.chosen]

    @cached_property
    def wider(self) -> list[tuple[str, Criteria, int]]:
        """Where nothing is found: the searches with one criterion less that find something, in words, with how much."""
        criteria = self.criteria
        searches = [
            (f"ne plus choisir : {facet.title.lower()}", criteria.without_facet(facet.name)) for facet in self._chosen
        ]
        if criteria.near:
            searches.append((f"chercher plus loin que près de {criteria.near_label}", criteria.without_near()))
            if criteria.words or self._chosen:
                alone = Criteria(near=criteria.near)
                searches.append((f"voir tout ce qui est près de {criteria.near_label}", alone))
        if criteria.words and not criteria.is_only_words:
            searches.append((f"chercher sans les mots « {criteria.words} »", criteria.without_words()))
        if not criteria.with_closed:
            searches.append(("voir aussi les offres closes", criteria.with_closed_ones()))
        counted = [(label, wider, Found(wider, self.now, self.index).total) for label, wider in searches[:MOST_WIDER]]
        return [(label, wider, count) for label, wider, count in counted if count]

    def _choices_of(self, facet: Facet) -> Choices:
        """Each value with the number of offers that it has under the choices made in the *other* facets."""
        under = self._under_all_but(facet)
        chosen = self._values(facet)
        if facet.column == "closing":
            known = [(value, label, self._closing(value)) for value, label in CLOSING.items()]
        else:
            known = self.index.options[facet.name]
        options = [
            Option(value, label, count, value in chosen)
            for value, label, bits in known
            if (count := (under & bits).bit_count()) or value in chosen
        ]
        if missing := set(chosen).difference(value for value, _, _ in known):  # chosen, and no offer has it
            labels = facet.labels() if facet.labels else {}
            options += [Option(value, labels.get(value, value), 0, True) for value in sorted(missing)]
        return Choices(facet, options)

    def _values(self, facet: Facet) -> tuple[str, ...]:
        return self.criteria.chosen.get(facet.name, ())

    def _under_all_but(self, facet: Facet | None) -> int:
        matching = self._asked
        for other, bits in self._chosen.items():
            if other is not facet:
                matching &= bits
        return matching

    def _having(self, facet: Facet, values: Iterable[str]) -> int:
        if facet.column == "closing":
            found = 0
            for value in values:
                found |= self._closing(value)
            return found
        return self.index.having(facet.column, map(int, values) if facet.column == "institution_id" else values)

    def _closing(self, value: str) -> int:
        bits = self.index.without_deadline() if value == "sans" else self.index.closing_within(int(value), self.now)
        return bits & self._open

    @cached_property
    def _tiers(self) -> tuple[int, int, int]:
        """The département asked for, then those that touch it, then the rest of its region."""
        here = self.criteria.near
        region = next(department.region for department in departments() if department.code == here)
        own = self.index.having("department", [here])
        touching = self.index.having("department", neighbours()[here])
        return own, touching, self.index.having("region", [region]) & ~own & ~touching

    def _around(self) -> int:
        own, touching, region = self._tiers
        return own | touching | region

    def _with_words(self, among: int) -> int:
        """Those that say the words asked for; where there is none, those that say something like them."""
        if not self.criteria.words:
            return among
        [(said, query)] = _rows(SAYING, {"config": SEARCH_CONFIG, "words": LONE_HYPHEN.sub(" ", self.criteria.words)})
        self._stems = STEM.findall(query)
        found = among & self.index.bits(said)
        near = re.findall(r"\w{3,}", self.criteria.words)[:MOST_NEAR_WORDS]
        if found or not near:
            return found
        _set_nearness()
        self._nearness = dict(Offer.objects.near(near).order_by().values_list("pk", "rank"))
        return among & self.index.bits(self._nearness)

    def _by_relevance(self) -> Iterator[int]:
        """Those whose title, specialty and place say most of the words, the soonest deadline among equals.

        Where no offer says the words, the nearest ones first.
        """
        position, titles, nearness = self.index.position, self.index.titles, self._nearness

        def relevance(pk: int) -> float:
            return nearness[pk] if nearness else sum(map(titles[position[pk]].__contains__, self._stems))

        for part in (self._matching & self._open, self._matching & ~self._open):
            yield from sorted(self.index.in_order(part, "echeance"), key=relevance, reverse=True)


def _array(ids: Iterable[int]) -> str:
    """As PostgreSQL writes it: thousands of identifiers are one parameter."""
    return f"{{{','.join(map(str, ids))}}}"


def _rows(sql: str, parameters: dict[str, Any]) -> list[tuple]:
    """Written by hand: for these, building the query took the ORM longer than running it takes the database."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def _listed(ids: list[int]) -> list[Offer]:
    rows = _rows(LISTED_SQL, {"ids": _array(ids)})
    return [Offer.from_db(connection.alias, LISTED, row) for row in rows]


def _set_nearness() -> None:
    """How alike two words must be for the index to bring them together: two letters swapped in a long word pass."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, false)", [NEARNESS])
