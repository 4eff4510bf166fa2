"""What a visitor asks of the offers: read from an address, and written back into one that can be shared.

A value that makes no sense is ignored: whatever the address says, there is an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from urllib.parse import urlencode

from django.http import QueryDict

from offers.data import departments, regions
from offers.kinds import all_kinds
from offers.models import Offer

MAX_WORDS = 200
MAX_VALUES = 30
MAX_VALUE = 200
CLOSING = {"7": "Dans les 7 jours", "30": "Dans les 30 jours", "sans": "Sans date limite"}
SORTS = {
    "pertinence": "Pertinence",
    "echeance": "Date limite la plus proche",
    "recentes": "Publication la plus récente",
    "intitule": "Intitulé, de A à Z",
    "proximite": "De la plus proche à la plus lointaine",
}


@dataclass(frozen=True)
class Facet:
    """One column that visitors choose values of. `name` stands in addresses.

    labels: the words of its values, where they are known beforehand; else a value is its own label, and an
        institution's is its name.
    names_itself: whether a value is understood without the facet's title ("Normandie", unlike "Oui").
    """

    name: str
    title: str
    column: str
    labels: Callable[[], Mapping[str, str]] | None = None
    names_itself: bool = True


@cache
def department_labels() -> dict[str, str]:
    return {department.code: f"{department.name} ({department.code})" for department in departments()}


FACETS = (
    Facet("type", "Type d’offre", "kind", lambda: {kind.slug: kind.short_label for kind in all_kinds()}),
    Facet("echeance", "Échéance", "closing", lambda: CLOSING),
    Facet("specialite", "Spécialité", "specialty"),
    Facet("region", "Région", "region", lambda: {region.code: region.name for region in regions()}),
    Facet("departement", "Département", "department", department_labels),
    Facet("organisme", "Organisme", "institution_id"),
    Facet("contrat", "Contrat", "contract"),
    Facet("teletravail", "Télétravail", "telework", lambda: dict(Offer.Telework.choices), names_itself=False),
)


@dataclass(frozen=True)
class Criteria:
    """One search.

    chosen: for each facet, the values of which one must fit; a facet without choice lets all pass.
    near: the code of a département; its offers, its neighbours' and its region's pass.
    """

    words: str = ""
    near: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    with_closed: bool = False
    sort: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Criteria:
        words = " ".join(printable(query.get("q", "")[: 4 * MAX_WORDS]).split())[:MAX_WORDS].strip()
        chosen = {facet.name: _values(facet, query.getlist(facet.name)) for facet in FACETS}
        near = query.get("pres", "")
        found = cls(
            words=words,
            near=near if near in department_labels() else "",
            chosen={name: values for name, values in chosen.items() if values},
            with_closed=bool(query.get("closes")),
        )
        return found.sorted_by(query.get("tri", ""))

    def ignored(self, query: QueryDict) -> list[tuple[str, str]]:
        """What was asked in this address and plays no part in the search that was read from it, page numbers aside."""
        heeded = {*self.pairs(), ("tri", self.order)}
        given = [(name, value[:MAX_VALUE]) for name, values in query.lists() for value in values if value]
        return [
            (name, value)
            for name, value in dict.fromkeys(given)
            if (name, value) not in heeded and name not in {"q", "closes", "page", "par_page"}
        ][:MAX_VALUES]

    @classmethod
    def read_text(cls, query: str) -> Criteria:
        """From what `query` wrote."""
        return cls.read(QueryDict(query))

    def sorted_by(self, sort: str) -> Criteria:
        """The same search in another order; in its usual one, if that one makes no sense here."""
        return replace(self, sort=sort if sort in self.sorts else "")

    @property
    def order(self) -> str:
        return self.sort or ("pertinence" if self.words else "proximite" if self.near else "echeance")

    @property
    def sorts(self) -> dict[str, str]:
        """The orders that make sense here."""
        meaningless = {"" if self.words else "pertinence", "" if self.near else "proximite"}
        return {name: label for name, label in SORTS.items() if name not in meaningless}

    def pairs(self) -> list[tuple[str, str]]:
        """As in an address; one search has one writing, so that its page is kept once."""
        pairs = [("q", self.words)] if self.words else []
        pairs += [("pres", self.near)] if self.near else []
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
        return replace(self, words="").sorted_by(self.sort)

    def without_near(self) -> Criteria:
        return replace(self, near="").sorted_by(self.sort)

    def without_facet(self, name: str) -> Criteria:
        return replace(self, chosen={other: values for other, values in self.chosen.items() if other != name})

    def with_closed_ones(self) -> Criteria:
        return replace(self, with_closed=True)

    def open_only(self) -> Criteria:
        return replace(self, with_closed=False, sort="")

    @property
    def near_label(self) -> str:
        return department_labels()[self.near]

    @property
    def filter_count(self) -> int:
        """How many choices are made besides the words, for who does not see them."""
        return bool(self.near) + sum(map(len, self.chosen.values())) + self.with_closed

    @property
    def is_only_words(self) -> bool:
        return not (self.near or self.chosen)

    @property
    def is_wide(self) -> bool:
        """Nothing is asked: all the offers answer."""
        return not (self.words or self.near or self.chosen)

    def __bool__(self) -> bool:
        return not self.is_wide or self.with_closed


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
    elif facet.labels:
        values &= facet.labels().keys()
    return tuple(sorted(values))
