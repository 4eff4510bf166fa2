"""What a cell displays is read back as it was, for every field of every kind."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.core.exceptions import ValidationError

from offers.cells import raw_answer, value_of
from offers.kinds import all_kinds
from offers.models import Offer
from offers.published import COMMON_COLUMNS
from offers.sheets import HEADINGS, INSTITUTION, columns_of
from offers.text import plain
from tests.answers import filled_section
from tests.factories import PARIS

EVERY_KIND = pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.slug)
SET_ELSEWHERE = {INSTITUTION, "Date de parution", "Type d’offre", "Adresse de l’offre"}


@EVERY_KIND
def test_what_is_displayed_is_read_back(kind):
    for section in (*kind.offer_sections, kind.parameter_section):
        answers = filled_section(section) | ({} if section in kind.offer_sections else kind.default_parameters)
        for spec in section.fields:
            value = spec.clean(answers.get(spec.name))
            again = spec.clean(raw_answer(spec, spec.display(value)))
            assert spec.display(again) == spec.display(value), spec.name


@EVERY_KIND
def test_every_field_has_one_heading(kind):
    headings = [plain(column.heading) for column in columns_of(kind)]
    assert len(headings) == len(set(headings))
    own = {spec.name for section in (*kind.offer_sections, kind.parameter_section) for spec in section.fields}
    assert own | set(HEADINGS) == {column.name for column in columns_of(kind)}


def test_the_open_data_use_the_same_headings():
    assert set(COMMON_COLUMNS) - SET_ELSEWHERE <= set(HEADINGS.values())


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("deadline", "31/12/2026 12:30:00", datetime(2026, 12, 31, 12, 30, tzinfo=PARIS)),
        ("deadline", "2026-10-25", datetime(2026, 10, 25, 23, 59, 59, tzinfo=PARIS)),
        ("deadline", "", None),
        ("full_time", "OUI", True),
        ("region", "normandie", "28"),
        ("department", "75", "75"),
        ("telework", "Partiel", "partiel"),
    ],
)
def test_columns_are_read(name, text, value):
    assert value_of(Offer._meta.get_field(name), text) == value


@pytest.mark.parametrize(
    ("name", "text"), [("deadline", "demain"), ("deadline", "31/12/9999"), ("full_time", "bof"), ("region", "Syldavie")]
)
def test_what_makes_no_sense_is_told(name, text):
    with pytest.raises(ValidationError, match="«"):
        value_of(Offer._meta.get_field(name), text)
