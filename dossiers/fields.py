"""The kinds of fields that a section is made of.

Each knows its form field, how to judge a raw answer, and how to tell a clean answer in print: `entry` gives the
JSON-able description that the recap, the frozen content and the PDF share.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.formats import date_format

from dossiers.tables import TableFormField
from portal.forms import WholeTextarea

Choices = tuple[tuple[str, str], ...]
NO_CONTROL_CHARACTERS = RegexValidator(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "Ce texte contient des caractères invisibles à retirer.", inverse_match=True
)


@dataclass(frozen=True)
class FieldSpec:
    """One question.

    required_if: given the clean values of the section, whether an answer is due; replaces `required`.
    print_label: the words of the official form, where the screen says it more simply.
    print_help: the official form prints the help text too.
    print_heading: the title under which the official form begins a group of questions with this one.
    width: how much of the page the field asks for on screen, "full" or "half".
    private: between the candidate and the administration: no signatory sees it.
    """

    name: str
    label: str
    required: bool = True
    help_text: str = ""
    required_if: Callable[[Mapping[str, Any]], bool] | None = None
    print_label: str = ""
    print_help: bool = False
    print_heading: str = ""
    width: str = "full"
    autocomplete: str = ""
    private: bool = False

    type: ClassVar[str] = "text"
    missing_message: ClassVar[str] = "Ce champ est à compléter."

    def make_form_field(self) -> forms.Field:
        raise NotImplementedError

    @cached_property
    def _judge(self) -> forms.Field:
        return self.make_form_field()

    @property
    def _common(self) -> dict[str, Any]:
        # Never `required` on the form field: a draft may stay incomplete; `SectionSpec.clean` says what is missing.
        return {"label": self.label, "help_text": self.help_text, "required": False}

    @property
    def _attrs(self) -> dict[str, str]:
        return {"autocomplete": self.autocomplete} if self.autocomplete else {}

    def is_required(self, values: Mapping[str, Any]) -> bool:
        return self.required_if(values) if self.required_if else self.required

    def applies(self, values: Mapping[str, Any]) -> bool:
        """Whether the question has a sense here: not one that the other answers make pointless, left empty."""
        return self.required_if is None or self.required_if(values) or not self.is_empty(values.get(self.name))

    @property
    def is_optional(self) -> bool:
        """Whether the label may say "(facultatif)": an answer is never due."""
        return not self.required and self.required_if is None

    def clean(self, raw: Any) -> Any:
        """The clean value of a raw answer; ValidationError, in French, where it is refused."""
        return self._judge.clean(raw)

    def warn(self, value: Any) -> Iterable[str]:
        """What is odd about a clean value without making it wrong."""
        return ()

    def is_empty(self, value: Any) -> bool:
        return value in (None, "", [], (), False)

    def display(self, value: Any) -> str:
        return "" if value is None else str(value)

    def entry(self, value: Any) -> dict[str, Any]:
        """The printable, JSON-able answer. `value` is clean, or None where there is none."""
        printed = {
            "name": self.name,
            "label": self.print_label or self.label,
            "type": self.type,
            "display": self.display(value),
        }
        hint, heading = self.help_text if self.print_help else "", self.print_heading
        return printed | ({"hint": hint} if hint else {}) | ({"heading": heading} if heading else {})


@dataclass(frozen=True)
class Text(FieldSpec):
    """One line. `max_length` in characters."""

    max_length: int = 200
    inputmode: str = ""

    def make_form_field(self) -> forms.Field:
        attrs = self._attrs | ({"inputmode": self.inputmode} if self.inputmode else {})
        return forms.CharField(
            max_length=self.max_length,
            widget=forms.TextInput(attrs=attrs),
            validators=[NO_CONTROL_CHARACTERS],
            **self._common,
        )


@dataclass(frozen=True)
class Rpps(Text):
    """The 11 digits of the register of health professionals. A wrong check digit only warns (domain, law)."""

    max_length: int = 14
    inputmode: str = "numeric"

    def clean(self, raw: Any) -> str:
        value = str(super().clean(raw)).replace(" ", "")
        if value and not (value.isascii() and value.isdigit() and len(value) == 11):
            raise ValidationError("Le numéro RPPS comporte 11 chiffres, par exemple 10001234567.")
        return value

    def warn(self, value: str) -> Iterable[str]:
        digits = [int(digit) for digit in reversed(value)]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
        if (sum(digits[::2]) + sum(doubled)) % 10:
            yield "La clé de ce numéro RPPS ne correspond pas : vérifiez les chiffres."


@dataclass(frozen=True)
class LongText(FieldSpec):
    """Free text over several paragraphs. `max_length` in characters; `rows` of the box on screen."""

    max_length: int = 8000
    rows: int = 6
    type: ClassVar[str] = "long"

    def make_form_field(self) -> forms.Field:
        return forms.CharField(
            max_length=self.max_length,
            widget=WholeTextarea(attrs={"rows": self.rows} | self._attrs),
            validators=[NO_CONTROL_CHARACTERS],
            **self._common,
        )


@dataclass(frozen=True)
class Email(FieldSpec):
    autocomplete: str = "email"

    def make_form_field(self) -> forms.Field:
        return forms.EmailField(max_length=254, widget=forms.EmailInput(attrs=self._attrs), **self._common)


@dataclass(frozen=True)
class Phone(FieldSpec):
    """A telephone number, French or international, kept as typed."""

    autocomplete: str = "tel"
    help_text: str = "Par exemple 06 12 34 56 78 ou +33 6 12 34 56 78."

    def make_form_field(self) -> forms.Field:
        return forms.CharField(
            max_length=25,
            widget=forms.TextInput(attrs={"type": "tel"} | self._attrs),
            validators=[
                RegexValidator(
                    r"^\+?[0-9][0-9 .\-()]{7,22}[0-9]$",
                    "Ce numéro de téléphone n’est pas reconnu. Exemple : 06 12 34 56 78.",
                )
            ],
            **self._common,
        )


@dataclass(frozen=True)
class Date(FieldSpec):
    """A day, typed with the browser's date picker (AAAA-MM-JJ) or as JJ/MM/AAAA."""

    type: ClassVar[str] = "date"

    def make_form_field(self) -> forms.Field:
        return forms.DateField(
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"} | self._attrs),
            input_formats=["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"],
            error_messages={"invalid": "Cette date n’existe pas. Exemple : 31/12/2026."},
            **self._common,
        )

    def clean(self, raw: Any) -> dt.date | None:
        value = super().clean(None if raw is None else str(raw))
        if value and not 1900 <= value.year <= 2100:
            raise ValidationError("Vérifiez l’année de cette date.")
        return value

    def display(self, value: dt.date | None) -> str:
        return date_format(value, "j F Y") if value else ""


@dataclass(frozen=True)
class Integer(FieldSpec):
    minimum: int = 0
    maximum: int = 1_000_000
    unit: str = ""
    type: ClassVar[str] = "number"

    def make_form_field(self) -> forms.Field:
        return forms.IntegerField(
            min_value=self.minimum,
            max_value=self.maximum,
            widget=forms.NumberInput(attrs={"inputmode": "numeric", "step": 1} | self._attrs),
            **self._common,
        )

    def is_empty(self, value: Any) -> bool:
        return value is None

    def display(self, value: int | None) -> str:
        return "" if value is None else f"{value}\N{NO-BREAK SPACE}{self.unit}".strip()

    def entry(self, value: Any) -> dict[str, Any]:
        return super().entry(value) | ({"unit": self.unit} if self.unit else {})


@dataclass(frozen=True)
class Percent(Integer):
    """A whole share of working time, in percent."""

    maximum: int = 100
    unit: str = "%"


@dataclass(frozen=True)
class Choice(FieldSpec):
    """One of several, as radio buttons, or as a list (`as_list`) where they are many."""

    choices: Choices = ()
    as_list: bool = False
    type: ClassVar[str] = "choice"

    def make_form_field(self) -> forms.Field:
        choices = (("", "Choisir"), *self.choices) if self.as_list else self.choices
        widget = forms.Select if self.as_list else forms.RadioSelect
        return forms.ChoiceField(choices=choices, widget=widget(attrs=self._attrs), **self._common)

    def display(self, value: str | None) -> str:
        return dict(self.choices).get(value, "")

    def entry(self, value: Any) -> dict[str, Any]:
        options = [{"label": label, "checked": key == value} for key, label in self.choices]
        return super().entry(value) | {"options": options}


@dataclass(frozen=True)
class YesNo(Choice):
    choices: Choices = (("oui", "Oui"), ("non", "Non"))


@dataclass(frozen=True)
class MultipleChoice(Choice):
    type: ClassVar[str] = "choices"

    def make_form_field(self) -> forms.Field:
        return forms.MultipleChoiceField(choices=self.choices, widget=forms.CheckboxSelectMultiple, **self._common)

    def display(self, value: list[str] | None) -> str:
        return ", ".join(label for key, label in self.choices if key in (value or ()))

    def entry(self, value: Any) -> dict[str, Any]:
        options = [{"label": label, "checked": key in (value or ())} for key, label in self.choices]
        return super().entry(value) | {"options": options}


@dataclass(frozen=True)
class Checkbox(FieldSpec):
    """A box to tick. Required: it must be ticked."""

    type: ClassVar[str] = "checkbox"
    missing_message: ClassVar[str] = "Cette case est à cocher."

    def make_form_field(self) -> forms.Field:
        return forms.BooleanField(widget=forms.CheckboxInput, **self._common)

    def display(self, value: bool | None) -> str:
        return "Oui" if value else "Non"

    def entry(self, value: Any) -> dict[str, Any]:
        return super().entry(value) | {"checked": bool(value)}


@dataclass(frozen=True)
class Table(FieldSpec):
    """Rows of the same columns. Empty rows are dropped; `rows` are offered at first, more as they fill."""

    columns: tuple[FieldSpec, ...] = ()
    rows: int = 3
    max_rows: int = 60
    type: ClassVar[str] = "table"
    missing_message: ClassVar[str] = "Ce tableau est à compléter : au moins une ligne."

    def make_form_field(self) -> forms.Field:
        return TableFormField(columns=self.columns, rows=self.rows, max_rows=self.max_rows, **self._common)

    def display(self, value: list[dict[str, Any]] | None) -> str:
        return "\n".join(" ; ".join(cells) for cells in self._cells(value))

    def _cells(self, value: list[dict[str, Any]] | None) -> list[list[str]]:
        return [[column.display(row.get(column.name)) for column in self.columns] for row in value or ()]

    def entry(self, value: Any) -> dict[str, Any]:
        columns = [column.print_label or column.label for column in self.columns]
        return super().entry(value) | {"columns": columns, "rows": self._cells(value)}
