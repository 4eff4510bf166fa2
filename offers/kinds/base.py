"""What a kind of offer is: its words, the fields of its offers, its campaign's numbers, its dossier."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from dossiers.spec import DossierSpec, SectionSpec

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Cadence:
    """When somebody is reminded: so many days before the deadline; without one, every so many days, so many times."""

    days_before: tuple[int, ...] = ()
    every_days: int | None = None
    at_most: int = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class OfferKind:
    """One programme. Each has one file in this package, which says `kind = OfferKind(…)`; discovery finds it.

    offer_sections: what an offer of this kind says beyond the columns that all offers share; raw answers in
        `Offer.details`, in one namespace for all the sections.
    parameter_section: the numbers and lists that a campaign sets for itself; raw answers in `Offer.parameters`,
        over `default_parameters`. `public_parameters` names those that the public page shows.
    build_dossier: makes the dossier's spec from the clean parameters.
    build_screening: makes, from the clean parameters, the few questions asked before the work begins, with the rule
        that tells who cannot apply, or should check, and by which article. The answers to questions that the dossier
        asks too are carried over into it; the others are never stored.
    conditions: what a candidate must know before starting; sentences with {parameter} placeholders.
    legal_mentions: what the receipt says of the procedure until the offer says otherwise.
    reminders: where its offers are reminded otherwise than by default: by audience (applications.reminders).
    mandatory_mentions: what the law wants in a notice of this kind: the column or field that says it, and its number.
    """

    slug: str
    label: str
    short_label: str
    summary: str
    parameter_section: SectionSpec
    default_parameters: Raw
    build_dossier: Callable[[Mapping[str, Any]], DossierSpec]
    offer_sections: tuple[SectionSpec, ...] = ()
    public_parameters: tuple[str, ...] = ()
    build_screening: Callable[[Mapping[str, Any]], SectionSpec] | None = None
    conditions: tuple[str, ...] = ()
    legal_mentions: str = ""
    has_deadline: bool = True
    mandatory_mentions: Mapping[str, str] = field(default_factory=dict)
    reminders: Mapping[str, Cadence] = field(default_factory=dict)

    def dossier_spec(self, parameters: Raw) -> DossierSpec:
        """The spec that applies to an offer with these raw parameters. Specs are immutable, so they are shared."""
        return _dossier_spec(self, json.dumps(dict(parameters), sort_keys=True))

    def screening(self, parameters: Raw) -> SectionSpec | None:
        """The questions asked before an application to an offer with these raw parameters is begun, if any."""
        return self.build_screening(self.parameter_values(parameters)) if self.build_screening else None

    def parameter_values(self, parameters: Raw) -> dict[str, Any]:
        """The clean parameters of an offer; the default stands in for one that is absent, not valid, or left empty."""
        section = self.parameter_section
        defaults = section.clean(self.default_parameters).values
        given = section.clean({**self.default_parameters, **parameters}).values
        kept = {
            name: value
            for name, value in given.items()
            if not (section.by_name[name].required and section.by_name[name].is_empty(value))
        }
        return defaults | kept

    def detail_values(self, details: Raw) -> dict[str, Any]:
        """The clean details of an offer, all sections together."""
        return {name: value for section in self.offer_sections for name, value in section.clean(details).values.items()}

    def eligibility(self, parameters: Raw) -> tuple[str, ...]:
        """The conditions in plain sentences, with this offer's numbers in them."""
        values = self.parameter_values(parameters)
        shown = {name: spec.display(values.get(name)) for name, spec in self.parameter_section.by_name.items()}
        return tuple(sentence.format_map(shown) for sentence in self.conditions)

    def presentation(self, details: Raw, parameters: Raw) -> list[dict[str, Any]]:
        """What the public page shows of this offer: titled groups of printable entries, without the empty ones."""
        details_clean, parameters_clean = self.detail_values(details), self.parameter_values(parameters)
        public = tuple(self.parameter_section.by_name[name] for name in self.public_parameters)
        groups = [(section.key, section.title, section.fields, details_clean) for section in self.offer_sections]
        groups.append((self.parameter_section.key, self.parameter_section.title, public, parameters_clean))
        shown = []
        for key, title, fields, values in groups:
            entries = [spec.entry(values[spec.name]) for spec in fields if not spec.is_empty(values.get(spec.name))]
            if entries:
                shown.append({"key": key, "title": title, "entries": entries})
        return shown

    def document_context(self, details: Raw, parameters: Raw) -> dict[str, Any]:
        """The words of an offer that its official document prints, empty where this kind has none of them.

        Kinds share the names of these fields (`offers.kinds._blocks`), so that one reading serves all.
        """
        values = self.detail_values(details) | self.parameter_values(parameters)
        return {
            "session_label": values.get("session_label", ""),
            "start_label": " ou ".join(text_lines(values.get("starts", ""))),
            "contacts": [_contact_line(row) for row in values.get("contacts") or ()],
            "submission_address": values.get("submission_address", ""),
            "privacy_contact": values.get("privacy_contact", ""),
        }


def text_lines(text: str) -> list[str]:
    """The items of a list typed one per line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _contact_line(row: Mapping[str, Any]) -> str:
    reached = " – ".join(row[name] for name in ("phone", "email") if row.get(name))
    return f"{row['area']}\N{NO-BREAK SPACE}: {row['contact']}" + (f" ({reached})" if reached else "")


@lru_cache(maxsize=256)
def _dossier_spec(kind: OfferKind, parameters: str) -> DossierSpec:
    return kind.build_dossier(kind.parameter_values(json.loads(parameters)))
