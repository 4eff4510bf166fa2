"""When a mail may disturb: by day, Monday to Saturday, save the public holidays, as the clocks of Paris show it.

The holidays are the eleven of the whole country (Code du travail, art. L. 3133-1), not those of Alsace-Moselle.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone
from holidays import country_holidays

MORNING, EVENING = time(8), time(20)
SUNDAY = 6
HOLIDAYS = country_holidays("FR")  # years are filled in as they are asked for
LAST_DAY = timedelta(hours=24)  # before a deadline: whatever the hour


def is_quiet(now: datetime) -> bool:
    """Night (20:00 to 8:00), Sunday or a public holiday in Paris: what can wait waits."""
    local = timezone.localtime(now)
    return _is_off(local.date()) or not MORNING <= local.time() < EVENING


def _is_off(day: date) -> bool:
    return day.weekday() == SUNDAY or day in HOLIDAYS


def leaves_at(now: datetime, loud_from: datetime) -> datetime:
    """The instant from which a mail queued now may leave. loud_from: it then leaves whatever the hour."""
    if not is_quiet(now):
        return now
    local = timezone.localtime(now)
    day = local.date() if local.time() < MORNING else local.date() + timedelta(days=1)
    while _is_off(day):
        day += timedelta(days=1)
    return min(datetime.combine(day, MORNING, local.tzinfo), max(now, loud_from))


def quiet_until(deadline: datetime) -> datetime:
    """From when on a mail about this deadline leaves whatever the hour: twenty-four real hours before it."""
    return deadline.astimezone(UTC) - LAST_DAY  # not on the clock, which changes
