"""What a visitor asks of the offers: read from an address, and written back into one that can be shared.

A value that makes no sense is ignored: whatever the address says, there is an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import urlencode

from django.http import QueryDict

from offers.data import departments, regions
from offers.kinds import all_kinds
from offers.models import Offer
from portal.accounts.models import Institution

MAX_WORDS = 200
MAX_VALUES = 30
MAX_VALUE = 200
CLOSING = {"7": "Dans les 7 jours", "30": "Dans les 30 jours", "sans": "Sans date limite"}
# A choice of the interface → the groups of deadlines it holds (offers.search.closing_group).
CLOSING_GROUPS = {"7": ("7",), "30": ("7", "30"), "sans": ("sans",)}
SORTS = {
    "pertinence": "Pertinence",
    "echeance": "Date limite la plus proche",
    "recentes": "Publication la plus récente",
    "intitule": "Intitulé, de A à Z",
}


def _institution_names(values: Iterable[str]) -> dict[str, str]:
    keys = [int(value) for value in values if value.isdecimal() and len(value) < 10]
    return {str(pk): name for pk, name in Institution.objects.filter(pk__in=keys).values_list("pk", "name")}


def _as_they_are(values: Iterable[str]) -> dict[str, str]:
    return {value: value for value in values}


@dataclass(frozen=True)
class Facet:
    """One column that visitors choose values of. `name` stands in addresses; `labels` names the values given."""

    name: str
    title: str
    column: str
    labels: Callable[[Iterable[str]], Mapping[str, str]]


FACETS = (
    Facet("type", "Type d’offre", "kind", lambda values: {kind.slug: kind.short_label for kind in all_kinds()}),
    Facet("echeance", "Échéance", "closing", lambda values: CLOSING),
    Facet("region", "Région", "region", lambda values: {region.code: region.name for region in regions()}),
    Facet(
        "departement",
        "Département",
        "department",
        lambda values: {department.code: f"{department.name} ({department.code})" for department in departments()},
    ),
    Facet("organisme", "Organisme", "institution_id", _institution_names),
    Facet("contrat", "Contrat", "contract", _as_they_are),
    Facet("teletravail", "Télétravail", "telework", lambda values: dict(Offer.Telework.choices)),
)


@dataclass(frozen=True)
class Criteria:
    """One search. `chosen`: for each facet, the values of which one must fit; a facet without choice lets all pass."""

    words: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    with_closed: bool = False
    sort: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Criteria:
        words = " ".join(printable(query.get("q", "")[: 4 * MAX_WORDS]).split())[:MAX_WORDS].strip()
        chosen = {facet.name: _values(facet, query.getlist(facet.name)) for facet in FACETS}
        sort = query.get("tri", "")
        return cls(
            words=words,
            chosen={name: values for name, values in chosen.items() if values},
            with_closed=bool(query.get("closes")),
            sort=sort if sort in SORTS and (words or sort != "pertinence") else "",
        )

    @property
    def order(self) -> str:
        return self.sort or ("pertinence" if self.words else "echeance")

    @property
    def sorts(self) -> dict[str, str]:
        """The orders that make sense here."""
        return {name: label for name, label in SORTS.items() if self.words or name != "pertinence"}

    def pairs(self) -> list[tuple[str, str]]:
        """As in an address; one search has one writing, so that its page is kept once."""
        pairs = [("q", self.words)] if self.words else []
        pairs += [(facet.name, value) for facet in FACETS for value in self.chosen.get(facet.name, ())]
        if self.with_closed:
            pairs.append(("closes", "on"))
        if self.sort:
            pairs.append(("tri", self.sort))
        return pairs

    @cached_property
    def query(self) -> str:
        return urlencode(self.pairs())

    def without(self, name: str, value: str) -> Criteria:
        kept = tuple(other for other in self.chosen.get(name, ()) if other != value)
        return replace(self, chosen={**self.chosen, name: kept})

    def without_words(self) -> Criteria:
        return replace(self, words="", sort="" if self.sort == "pertinence" else self.sort)

    def __bool__(self) -> bool:
        return bool(self.words or self.chosen or self.with_closed)


def printable(text: str) -> str:
    """Without the characters that no keyboard gives and no database takes."""
    return "".join(character if character.isprintable() else " " for character in text)


def page_number(query: QueryDict, last: int) -> int:
    """The page asked for, or the nearest one that exists."""
    asked = query.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
    return min(max(number, 1), max(last, 1))


def _values(facet: Facet, given: list[str]) -> tuple[str, ...]:
    """Those that may exist, each once, in one order."""
    values = {value for value in given[:MAX_VALUES] if 0 < len(value) <= MAX_VALUE and value == printable(value)}
    if facet.column == "institution_id":
        values = {value for value in values if value.isascii() and value.isdecimal() and len(value) < 10}
    elif facet.column != "contract":
        values &= set(facet.labels(()))
    return tuple(sorted(values))
