"""The text of a cell, read back into what it says: the other way of `FieldSpec.display` and of a column's own words."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.translation import override

from dossiers.fields import Checkbox, Choice, Date, FieldSpec, Integer, MultipleChoice, Table
from offers.text import plain

LONG_DAY = re.compile(r"^(\d{1,2})(?:er)? ([^\d ]+) (\d{4})$")
MOMENT_FORMATS = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
DAY_FORMATS = ("%d/%m/%Y", "%Y-%m-%d")
LAST_SECOND = dt.time(23, 59, 59)
YES_NO = {"oui": True, "non": False}


def raw_answer(spec: FieldSpec, text: str) -> Any:
    """The raw answer that this text displays; ValidationError where it is none of the choices, or no row."""
    match spec:
        case Table():
            return [_row(spec, line) for line in text.splitlines() if line.strip()]
        case MultipleChoice():
            return _several(spec, text)
        case Choice():
            return _one(spec, text) if text.strip() else ""
        case Checkbox():
            return plain(text) == "oui"
        case Integer():
            return text.replace("\xa0", " ").removesuffix(spec.unit).strip() if spec.unit else text.strip()
        case Date():
            return _iso_day(text.strip())
    return text


def value_of(column: models.Field, text: str) -> Any:
    """What a column of the offer becomes with this text; ValidationError, in French, where it cannot."""
    text = text.strip()
    if isinstance(column, models.DateTimeField):
        return _moment(text) if text else None
    if isinstance(column, models.BooleanField):
        return _known(YES_NO, text) if text else None
    if column.flatchoices:
        return _coded(column.flatchoices, text) if text else ""
    return text


def _row(spec: Table, line: str) -> dict[str, Any]:
    cells = [cell.strip() for cell in line.split(";")]
    if len(cells) != len(spec.columns):
        names = " ; ".join(column.label for column in spec.columns)
        raise ValidationError(f"Une ligne du tableau s’écrit « {names} ».")
    return {column.name: raw_answer(column, cell) for column, cell in zip(spec.columns, cells, strict=True)}


def _one(spec: Choice, text: str) -> str:
    return _coded(spec.choices, text)


def _coded(choices: Any, text: str) -> str:
    """The code whose label, or which itself, is this text."""
    by_text = {text_form: code for code, label in choices for text_form in (code, str(label))}
    if text.strip() in by_text:
        return by_text[text.strip()]
    return _known({plain(str(label)): code for code, label in choices}, text)


def _known(by_label: dict[str, Any], text: str) -> Any:
    if plain(text) not in by_label:
        raise ValidationError(f"« {text[:60]} » n’est pas un choix connu.")
    return by_label[plain(text)]


def _several(spec: MultipleChoice, text: str) -> list[str]:
    """Labels one after the other, separated by commas or lines; a label may hold commas itself."""
    rest, chosen = text.strip(), []
    while rest:
        fits = [(label, key) for key, label in spec.choices if rest.startswith(label)]
        if not fits:
            raise ValidationError(f"« {rest[:60]} » n’est pas un choix connu.")
        label, key = max(fits, key=lambda fit: len(fit[0]))
        chosen.append(key)
        rest = rest[len(label) :].lstrip(",;\n ")
    return chosen


def _iso_day(text: str) -> str:
    """A day as it is displayed ("2 mars 2026"), in the form that every field of a day takes; else as it is."""
    if found := LONG_DAY.match(text):
        with override("fr"):
            months = {plain(str(name)): number for number, name in MONTHS.items()}
        if month := months.get(plain(found[2])):
            return f"{found[3]}-{month:02}-{int(found[1]):02}"
    return text


def _moment(text: str) -> dt.datetime:
    """A moment in Paris; a day alone counts whole."""
    for pattern in (*MOMENT_FORMATS, *DAY_FORMATS):
        try:
            moment = dt.datetime.strptime(text, pattern)  # noqa: DTZ007 (in Paris, given below)
        except ValueError:
            continue
        if pattern in DAY_FORMATS:
            moment = dt.datetime.combine(moment, LAST_SECOND)
        if not 1900 <= moment.year <= 2100:
            break
        return timezone.make_aware(moment)
    raise ValidationError(f"« {text[:60]} » n’est pas une date. Exemple : 31/12/2026 23:59:59.")
