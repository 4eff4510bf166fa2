"""Finding offers: full text, the nearest words where it finds nothing, and what each further choice would give."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property

from django.db import connection, models
from django.db.models import Case, Count, F, Q, Value, When
from django.utils import timezone

from offers.filters import CLOSING_GROUPS, FACETS, Criteria, Facet
from offers.models import Offer, OfferQuerySet

NEARNESS = "0.45"
MOST_NEAR_WORDS = 8


@dataclass(frozen=True)
class Option:
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
    """The offers that answer a search, and its facets, at one instant. At most four queries, whatever their number."""

    def __init__(self, criteria: Criteria, now: datetime | None = None):
        self.criteria = criteria
        self.now = now or timezone.now()
        self.nearest = False
        matching = self._with_words()
        self._counts = self._count(matching)
        words = re.findall(r"\w{3,}", criteria.words)[:MOST_NEAR_WORDS]
        if words and not self._counts[""]["any"]:
            self.nearest = True
            _set_nearness()
            matching = self._base().near(words)
            self._counts = self._count(matching)
        self._matching = matching

    @property
    def total(self) -> int:
        return self._counts[""]["total"]

    @cached_property
    def offers(self) -> OfferQuerySet:
        """Those that fit, in the order asked for."""
        offers = self._matching
        for facet in FACETS:
            if values := _wanted(self.criteria, facet):
                offers = offers.filter(**{f"{facet.column}__in": values})
        soonest = [F("deadline").asc(nulls_last=True), "title", "pk"]
        order = {
            "pertinence": ["-rank", *soonest],
            "echeance": soonest,
            "recentes": ["-published_at", "title", "pk"],
            "intitule": ["title", "pk"],
        }[self.criteria.order]
        return offers.order_by(*(["-state"] if self.criteria.with_closed else []), *order)

    @cached_property
    def choices(self) -> list[Choices]:
        """The facets; what would give no offer is left out, unless it is already chosen."""
        return [choices for facet in FACETS if (choices := self._choices_of(facet)).options]

    def _choices_of(self, facet: Facet) -> Choices:
        counted = self._counts.get(facet.name, {})
        if facet.column == "closing":
            counted = {value: sum(counted.get(group, 0) for group in CLOSING_GROUPS[value]) for value in CLOSING_GROUPS}
        chosen = self.criteria.chosen.get(facet.name, ())
        values = [value for value in {*counted, *chosen} if value and (value in chosen or counted.get(value))]
        labels = facet.labels(values)
        options = [
            Option(value, labels[value], counted.get(value, 0), value in chosen) for value in values if value in labels
        ]
        in_order = list(labels).index if facet.column == "closing" else None
        options.sort(key=lambda option: in_order(option.value) if in_order else sortable(option.label))
        return Choices(facet, options)

    def _base(self) -> OfferQuerySet:
        offers = Offer.objects.public() if self.criteria.with_closed else Offer.objects.open(self.now)
        return offers.annotate(closing=closing_group(self.now))

    def _with_words(self) -> OfferQuerySet:
        return self._base().search(self.criteria.words) if self.criteria.words else self._base()

    def _count(self, matching: OfferQuerySet) -> dict[str, dict[str, int]]:
        """How many offers each value of each facet has under the choices made in the *other* facets: one query.

        Offers are first counted by combination of values: the sums by facet then read a few rows, not all of them.
        """
        columns = [facet.column for facet in FACETS]
        cells = matching.order_by().values(*columns).annotate(number=Count("*"))
        cells_sql, parameters = cells.query.sql_with_params()
        everything, everything_values = self._conditions()
        parts = [
            f"SELECT '', 'total', coalesce(sum(number::int), 0) FROM cells {everything}",
            "SELECT '', 'any', coalesce(sum(number::int), 0) FROM cells",
        ]
        values = [*parameters, *everything_values]
        for facet in FACETS:
            condition, own = self._conditions(facet)
            parts.append(
                f"SELECT '{facet.name}', {facet.column}::text, sum(number::int) FROM cells {condition} "
                f"GROUP BY {facet.column}"
            )
            values += own
        counts: dict[str, dict[str, int]] = {}
        with connection.cursor() as cursor:
            cursor.execute(f"WITH cells AS MATERIALIZED ({cells_sql}) " + " UNION ALL ".join(parts), values)
            for name, value, number in cursor.fetchall():
                counts.setdefault(name, {})[value] = number
        return counts

    def _conditions(self, but: Facet | None = None) -> tuple[str, list]:
        chosen = [(facet, _wanted(self.criteria, facet)) for facet in FACETS if facet is not but]
        chosen = [(facet, values) for facet, values in chosen if values]
        if not chosen:
            return "", []
        return "WHERE " + " AND ".join(f"{facet.column} = ANY(%s)" for facet, _ in chosen), [
            values for _, values in chosen
        ]


def _wanted(criteria: Criteria, facet: Facet) -> list:
    """The values of the column that fit what is chosen."""
    values = criteria.chosen.get(facet.name, ())
    if facet.column == "closing":
        return sorted({group for value in values for group in CLOSING_GROUPS[value]})
    return [int(value) for value in values] if facet.column == "institution_id" else list(values)


def _set_nearness() -> None:
    """How alike two words must be for the index to bring them together: two letters swapped in a long word pass."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, false)", [NEARNESS])


def closing_group(now: datetime) -> Case:
    """How soon an offer closes, by Paris days: the last one counts whole."""
    today = timezone.localdate(now)

    def until(days: int) -> datetime:
        return timezone.make_aware(datetime.combine(today + timedelta(days=days + 1), time.min))

    return Case(
        When(
            Q(state__in=[Offer.State.PAUSED, Offer.State.CLOSED]) | Q(deadline__lt=now.replace(microsecond=0)),
            then=Value("close"),
        ),
        When(deadline__isnull=True, then=Value("sans")),
        When(deadline__lt=until(7), then=Value("7")),
        When(deadline__lt=until(30), then=Value("30")),
        default=Value("plus"),
        output_field=models.CharField(),
    )


def sortable(label: str) -> str:
    """Alphabetical as a reader expects it: accents aside."""
    return unicodedata.normalize("NFD", label).encode("ascii", "ignore").decode().lower()
