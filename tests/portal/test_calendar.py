"""The hours in which a mail may disturb: nights, Sundays and public holidays of Paris are left in peace."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendar import HOLIDAYS, is_quiet, leaves_at, quiet_until
from tests.factories import PARIS

MOMENTS = st.integers(0, 10 * 365 * 24 * 60).map(lambda n: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=n))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=PARIS)


@pytest.mark.parametrize(
    ("year", "moving"),
    [
        (2026, [date(2026, 4, 6), date(2026, 5, 14), date(2026, 5, 25)]),  # Easter: 5 April
        (2027, [date(2027, 3, 29), date(2027, 5, 6), date(2027, 5, 17)]),  # 28 March, the day when the clock changes
    ],
)
def test_the_eleven_holidays_of_the_country_are_quiet(year, moving):
    fixed = [date(year, *day) for day in ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))]
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(365)]
    assert [day for day in days if day in HOLIDAYS] == sorted(fixed + moving)
    assert all(is_quiet(at(day, 12)) for day in fixed + moving)


def test_what_is_kept_in_alsace_and_moselle_alone_is_no_holiday():
    assert not is_quiet(at(date(2026, 4, 3), 12))  # Good Friday
    assert not is_quiet(at(date(2025, 12, 26), 12))


@pytest.mark.parametrize(
    ("queued", "leaves"),
    [
        (at(date(2026, 7, 15), 12), at(date(2026, 7, 15), 12)),
        (at(date(2026, 7, 15), 7, 59), at(date(2026, 7, 15), 8)),
        (at(date(2026, 7, 13), 20), at(date(2026, 7, 15), 8)),  # the fourteenth of July
        (at(date(2026, 5, 23), 21), at(date(2026, 5, 26), 8)),  # Sunday, then Whit Monday
        (at(date(2026, 10, 24), 23), at(date(2026, 10, 26), 8)),  # the clock goes back in between
    ],
)
def test_what_is_queued_in_a_quiet_hour_leaves_in_the_next_morning(queued, leaves):
    assert leaves_at(queued, at(date(2099, 1, 1), 0)) == leaves


@given(MOMENTS, st.integers(0, 200))
def test_it_leaves_in_the_first_moment_that_is_not_quiet_or_in_the_last_day(now, hours):
    loud_from = quiet_until(now + timedelta(hours=hours))
    found = leaves_at(now, loud_from)
    assert now <= found <= now + timedelta(days=5)
    assert not is_quiet(found) or found == max(now, loud_from)
    earlier = found - timedelta(seconds=1)
    assert earlier < now or (is_quiet(earlier) and earlier < loud_from)
