"""Valid answers for any spec: what a candidate who makes no mistake would type."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from dossiers import fields
from dossiers.fields import FieldSpec
from dossiers.spec import AnnexSpec, DossierSpec, SectionSpec

# Answers that a rule or a condition calls for, by field name, where the first option or the lowest number won't do.
FITTING: dict[str, Any] = {
    "hospital_share": 50,
    "ambulatory_share": 50,
    "peripheral_share": 60,
    "university_share": 40,
    "duration": "24",
    "thesis_date": "2020-06-15",
    "regulated_practice": "non",
    "already_listed": "non",
    "registered_on": "2010-01-04",
    "experience_years": 15,
    "postdoctoral_years": 12,
    "year": 2012,
    "practice_years": 12,
    "rpps": "10001234565",
    "full_name": "Camille Exemple",
    "signature": "Camille Exemple",
}


def filled_answers(spec: DossierSpec) -> dict[str, dict[str, Any]]:
    """A complete dossier: the raw answers of every section, by its key."""
    return {section.key: filled_section(section) for section in spec.sections}


def filled_annex(spec: AnnexSpec) -> dict[str, Any]:
    """The raw answers to an annex's own fields."""
    return filled_section(spec.form_section)


def filled_section(section: SectionSpec) -> dict[str, Any]:
    return {spec.name: filled_field(spec) for spec in section.fields}


def filled_field(spec: FieldSpec) -> Any:
    """A raw answer to one question, as the form posts it."""
    if spec.name in FITTING:
        return FITTING[spec.name]
    match spec:
        case fields.Table():
            return [{column.name: filled_field(column) for column in spec.columns}]
        case fields.MultipleChoice():
            return [key for key, _ in spec.choices]
        case fields.Choice():
            return spec.choices[0][0]
        case fields.Checkbox():
            return True
        case fields.Integer():
            return spec.minimum
        case fields.Date():
            return (timezone.localdate() + timedelta(days=200)).isoformat()
        case fields.Email():
            return "camille@example.org"
        case fields.Phone():
            return "06 39 98 00 01"
        case fields.LongText():
            return f"{spec.label} : première ligne.\nDeuxième ligne, avec des accents éàç."[: spec.max_length]
        case _:
            return spec.label[: spec.max_length]
