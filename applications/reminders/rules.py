"""The rules that an offer begins with, and the days on which a rule falls due. Days are Paris days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from applications.reminders.models import Audience, ReminderRule
from offers.campaigns import copy_rows, on_next_campaign
from offers.kinds import get_kind
from offers.kinds.base import Cadence
from offers.models import Offer


def default_cadences(kind: str) -> dict[str, Cadence]:
    """What each audience of this kind of offer gets until HR says otherwise."""
    days = tuple(settings.REMINDER_DAYS)
    common = {
        Audience.CANDIDATE: Cadence(days_before=days, every_days=15, at_most=3),
        Audience.UNOPENED: Cadence(days_before=days, every_days=5, at_most=4),
        Audience.UNSIGNED: Cadence(days_before=days, every_days=7, at_most=3),
        Audience.SERVICE: Cadence(every_days=3, at_most=5),
        Audience.RAPPORTEUR: Cadence(days_before=(7, 2)),
        Audience.MEMBER: Cadence(days_before=(7, 1)),
    }
    return common | {Audience(audience): cadence for audience, cadence in get_kind(kind).reminders.items()}


def rules_for(offer: Offer) -> list[ReminderRule]:
    return [
        ReminderRule(
            offer=offer,
            audience=audience,
            days_before=list(cadence.days_before),
            every_days=cadence.every_days,
            at_most=cadence.at_most,
        )
        for audience, cadence in default_cadences(offer.kind).items()
    ]


def ensure_rules(offers: Iterable[Offer]) -> None:
    """Every offer has its rules; those that it has are left alone. One query at the most."""
    missing = [rule for offer in offers for rule in rules_for(offer)]
    ReminderRule.objects.bulk_create(missing, ignore_conflicts=True, batch_size=1000)


@on_next_campaign
def take_over_rules(offer: Offer, draft: Offer) -> None:
    """The next campaign reminds as this one did. Rules count days to a date: nothing in them is to be moved."""
    copy_rows(offer.reminder_rules.all(), draft)


def offers_without_rules():
    """Those that were published since, or before there was such an audience."""
    rules = Count("reminder_rules")
    published = Offer.objects.filter(~Q(state=Offer.State.DRAFT)).only("kind")
    return published.annotate(rules=rules).filter(rules__lt=len(Audience)).order_by()


def dated_step(days_before: Iterable[int], deadline: datetime, today: date) -> date | None:
    """The day on which the tightest step reached fell due; None before the first one and after the deadline."""
    last = timezone.localdate(deadline)
    reached = [last - timedelta(days=days) for days in days_before if today >= last - timedelta(days=days)]
    return max(reached, default=None) if today <= last else None


def recurring_step(since: date, every: int, at_most: int, today: date) -> date | None:
    """The day on which the latest of the repetitions fell due; None before the first one and after the last."""
    count = (today - since).days // every
    return since + timedelta(days=every * count) if 1 <= count <= at_most else None
