"""When a mail may disturb: by day, Monday to Saturday, as the clocks of Paris show it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django.utils import timezone

MORNING, EVENING = time(8), time(20)
SUNDAY = 6
LAST_DAY = timedelta(hours=24)  # before a deadline: whatever the hour


def is_quiet(now: datetime) -> bool:
    """Night (20:00 to 8:00) or Sunday in Paris: what can wait waits."""
    local = timezone.localtime(now)
    return local.weekday() == SUNDAY or not MORNING <= local.time() < EVENING


def quiet_until(deadline: datetime) -> datetime:
    """From when on a mail about this deadline leaves whatever the hour: twenty-four real hours before it."""
    return deadline.astimezone(UTC) - LAST_DAY  # not on the clock, which changes
