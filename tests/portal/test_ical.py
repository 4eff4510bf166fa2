"""The calendar that goes with a mail: another program reads it as it was meant."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from portal.ical import Event, attachment
from tests.factories import PARIS

DEADLINE = datetime(2027, 3, 28, 23, 59, 59, tzinfo=PARIS)  # the evening of the day when the clock goes forward


def read(event: Event):
    name, content, content_type = attachment("date.ics", event)
    assert (name, content_type) == ("date.ics", "text/calendar")
    calendar = Calendar.from_ical(content)
    assert calendar["METHOD"] == "PUBLISH"
    assert not calendar.errors
    (found,) = calendar.walk("VEVENT")
    assert not found.errors
    return found


def test_a_deadline_is_an_instant_that_rings_a_day_before():
    found = read(Event("dossier-1", "Déposer", DEADLINE, url="https://portail.example.org/candidatures/1/"))
    assert found["DTSTART"].dt == DEADLINE
    assert "DTEND" not in found
    assert found["UID"].startswith("dossier-1@")
    (alarm,) = found.walk("VALARM")
    assert alarm["TRIGGER"].dt.days == -1


def test_a_session_has_an_end_and_a_place():
    ends_at = DEADLINE.replace(second=0)
    found = read(Event("séance-1", "Séance", ends_at.replace(hour=9), ends_at=ends_at, place="Salle 1 ; A"))
    assert found["LOCATION"] == "Salle 1 ; A"
    assert found["DTEND"].dt == ends_at


def test_a_later_version_replaces_the_earlier_one(time_machine):
    time_machine.move_to(DEADLINE)
    first = read(Event("dossier-1", "Déposer", DEADLINE))
    time_machine.move_to(DEADLINE.replace(month=4))
    second = read(Event("dossier-1", "Déposer", DEADLINE))
    assert first["UID"] == second["UID"]
    assert second["SEQUENCE"] > first["SEQUENCE"]


@pytest.mark.parametrize("field", ["title", "place", "text"])
@given(typed=st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=200))
def test_any_words_come_out_as_they_went_in(field, typed):
    found = read(Event("x", **({"title": "T", "starts_at": DEADLINE} | {field: typed})))
    name = {"title": "SUMMARY", "place": "LOCATION", "text": "DESCRIPTION"}[field]
    expected = "".join(c if c.isprintable() else " " for c in typed)
    assert str(found.get(name, "")).strip() == expected.strip()
    for line in attachment("x", Event("x", typed, DEADLINE))[1].split(b"\r\n"):
        assert len(line) <= 75
