"""What a kind of offer asks for, declared once.

A `DossierSpec` lists sections of fields, pieces and annexes. The form, the recap, completeness, the frozen
content, the PDF and the exports all read it: a field cannot be in one and missing from another (promise 1).

A field keeps two forms of an answer: the *raw* one, exactly what was typed (JSON-able, stored even when it is
wrong, so that nothing is lost), and the *clean* one, a Python value that `clean` gives or refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError

from dossiers.fields import FieldSpec

__all__ = [
    "AnnexSpec",
    "Cleaned",
    "DossierSpec",
    "PieceSpec",
    "Problem",
    "SectionSpec",
    "get_spec",
    "register",
]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is missing or wrong. `blocking` ones prevent filing; the others only warn."""

    message: str
    field: str = ""
    label: str = ""
    section: str = ""
    blocking: bool = True
    missing: bool = False


@dataclass(frozen=True)
class Cleaned:
    """The clean values of a section, by field name (absent where refused), and what is wrong with it."""

    values: dict[str, Any]
    problems: list[Problem]


@dataclass(frozen=True, kw_only=True)
class SectionSpec:
    """A page of the form.

    heading: the title printed on the official document, when it is not `title`.
    intro: the instructions printed above the fields, on screen and on paper (plain text, paragraphs).
    intro_after: the name of the field after which the official form prints them, where it is not above all.
    rule: called with the clean values, yields the problems that concern several fields at once.
    on_cover: printed on the cover page of the document rather than on a page of its own.
    """

    key: str
    title: str
    fields: tuple[FieldSpec, ...]
    heading: str = ""
    intro: str = ""
    intro_after: str = ""
    rule: Callable[[Mapping[str, Any]], list[Problem]] | None = None
    on_cover: bool = False

    @cached_property
    def by_name(self) -> dict[str, FieldSpec]:
        return {spec.name: spec for spec in self.fields}

    def clean(self, raw: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> Cleaned:
        """Judge what was typed. Never raises: what is refused is told as problems.

        A required field, or one required by the others' values (`required_if`), is `missing` when empty.
        given: clean values from elsewhere that conditions and rules may look at (an annex's opinion).
        """
        values: dict[str, Any] = dict(given or {})
        problems: list[Problem] = []
        for spec in self.fields:
            try:
                values[spec.name] = spec.clean(raw.get(spec.name))
            except ValidationError as error:
                problems += [self._problem(spec, message) for message in error.messages]
        for spec in self.fields:
            if spec.name in values and spec.is_empty(values[spec.name]) and spec.is_required(values):
                problems.append(replace(self._problem(spec, spec.missing_message), missing=True))
            elif spec.name in values and not spec.is_empty(values[spec.name]):
                problems += [
                    replace(self._problem(spec, message), blocking=False) for message in spec.warn(values[spec.name])
                ]
        if self.rule:
            problems += [replace(problem, section=self.key) for problem in self.rule(values)]
        return Cleaned(values, problems)

    def _problem(self, spec: FieldSpec, message: str) -> Problem:
        return Problem(message=message, field=spec.name, label=spec.label, section=self.key)


@dataclass(frozen=True, kw_only=True)
class PieceSpec:
    """A file that the candidate uploads. `required_if` receives all clean answers, by section key."""

    key: str
    label: str
    help_text: str = ""
    required: bool = True
    required_if: Callable[[Mapping[str, Mapping[str, Any]]], bool] | None = None
    multiple: bool = False
    max_files: int = 10

    def is_required(self, answers: Mapping[str, Mapping[str, Any]]) -> bool:
        return self.required_if(answers) if self.required_if else self.required


@dataclass(frozen=True, kw_only=True)
class AnnexSpec:
    """An opinion that a third person gives and signs.

    number: as on the official form ("1"); role: the function asked of the signatory ("chef de service…").
    statement: the words that the signatory signs under, with {candidate} and {opinion} placeholders.
    fields: what the annex asks besides opinion and text, with the `rule` that binds them: both see the `opinion`.
    text_label: the heading of the free text.
    sections: keys of the sections that concern this signatory, and the only ones shown to them.
    recalls: names of the answers of those sections that the official form repeats at the head of the annex.
    """

    key: str
    number: str
    title: str
    role: str
    statement: str = ""
    instructions: str = ""
    text_label: str = "Avis motivé"
    fields: tuple[FieldSpec, ...] = ()
    rule: Callable[[Mapping[str, Any]], list[Problem]] | None = None
    sections: tuple[str, ...] = ()
    recalls: tuple[str, ...] = ()

    @property
    def is_short(self) -> bool:
        """Whether three minutes do: an opinion and its reasons, no other text to write."""
        return not any(field.type == "long" for field in self.fields)

    @cached_property
    def form_section(self) -> SectionSpec:
        """The annex's own fields as a section, so that the same form and recap serve both."""
        return SectionSpec(key=self.key, title=self.title, fields=self.fields, rule=self.rule)


@dataclass(frozen=True, kw_only=True)
class DossierSpec:
    sections: tuple[SectionSpec, ...]
    pieces: tuple[PieceSpec, ...] = ()
    annexes: tuple[AnnexSpec, ...] = ()
    # The words of the official form: its title, what the programme is, the list of what it must contain.
    document_title: str = "Dossier de candidature"
    document_intro: str = ""
    document_checklist: tuple[str, ...] = ()
    document_template: str = "documents/dossier.html"
    parts_on_own_pages: bool = False  # as the official form has them, however short the answers
    # Whether an opinion signed on answers that have changed since prevents filing until it is confirmed.
    confirmation_blocks: bool = False

    @cached_property
    def section_by_key(self) -> dict[str, SectionSpec]:
        return {section.key: section for section in self.sections}

    @cached_property
    def piece_by_key(self) -> dict[str, PieceSpec]:
        return {piece.key: piece for piece in self.pieces}

    @cached_property
    def annex_by_key(self) -> dict[str, AnnexSpec]:
        return {annex.key: annex for annex in self.annexes}


_builders: dict[str, Callable[[Mapping[str, Any]], DossierSpec]] = {}


def register(kind: str, builder: Callable[[Mapping[str, Any]], DossierSpec]) -> None:
    """Make `kind` known to the engine. `builder` turns an offer's parameters into the spec that applies to it."""
    _builders[kind] = builder


def get_spec(kind: str, parameters: Mapping[str, Any]) -> DossierSpec:
    """The spec of `kind` under these parameters (bounds, start dates, annexes asked)."""
    return _builders[kind](parameters)
