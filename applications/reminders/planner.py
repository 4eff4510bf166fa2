"""The planner: what is due, computed from the data, claimed once, queued in the same statement.

It may run at any time, twice, in two places, and be killed at any line: what is due is a set that the offers, dossiers,
annexes, sessions and rules define, and the uniqueness of `Reminder` decides who queues each mail. Of several steps
reached only the latest is due, so that after an outage nobody gets what was missed; nothing is due to somebody who
was not concerned yet when the step came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from django.db import connection
from django.db.models import F, Min, Q, QuerySet
from django.utils import timezone

from applications.models import Application
from applications.reminders.claiming import Due, Plan, claim, claim_drafts, claim_late_opinions
from applications.reminders.commission import commission_due
from applications.reminders.models import Audience, ReminderRule
from applications.reminders.rules import dated_step, ensure_rules, offers_without_rules, recurring_step
from offers.models import Offer
from portal.calendar import is_quiet, quiet_until
from portal.notifications.outbox import ALWAYS_QUIET, Obsolete

SIGNATORIES = (Audience.UNOPENED, Audience.UNSIGNED)
DRAFT_AUDIENCES = (Audience.CANDIDATE, *SIGNATORIES)
RULES = 1000  # of one batch
STILL_USEFUL = """
    SELECT rule.active, EXISTS (
        SELECT 1 FROM applications_reminder later WHERE later.target = told.target AND later.step > told.step
    )
    FROM applications_reminder told JOIN applications_reminderrule rule ON rule.id = told.rule_id WHERE told.id = %s
"""


def queue_due(now: datetime | None = None) -> int:
    """Claim and queue what is due; returns how many. Each batch is a transaction of its own."""
    now = now or timezone.now()
    ensure_rules(offers_without_rules())
    queued = sum(claim_drafts(plans, now) for plans in batched(draft_plans(now), RULES))
    queued += sum(claim_late_opinions(plans, now) for plans in batched(late_plans(now), RULES))
    others = [due for due in [*service_due(now), *commission_due(now)] if _may_leave(now, due.quiet_until)]
    return queued + claim(others, now)


def batched(plans: Iterable[Plan], size: int) -> Iterator[list[Plan]]:
    plans = iter(plans)
    return iter(lambda: list(islice(plans, size)), [])


def refuse_superseded(payload: dict) -> None:
    """Raises Obsolete for a reminder that waited in the outbox until the next one came, or its rule was put out."""
    with connection.cursor() as cursor:  # each mail of a campaign asks: plain SQL, which nothing has to be made into
        cursor.execute(STILL_USEFUL, [payload.get("reminder")])
        active, superseded = cursor.fetchone() or (True, False)  # no such reminder: queued by hand
    if superseded:
        raise Obsolete("un rappel plus récent est parti")
    if not active:
        raise Obsolete("ce rappel a été désactivé")


def _may_leave(now: datetime, until: datetime) -> bool:
    return now >= until or not is_quiet(now)


def draft_plans(now: datetime) -> Iterator[Plan]:
    """The rules about drafts and their signatories that have fallen due on this day, in the order of their offers."""
    rules = ReminderRule.objects.filter(audience__in=DRAFT_AUDIENCES, offer__in=Offer.objects.open(now))
    return _plans(rules.annotate(until=F("offer__deadline")), now)


def late_plans(now: datetime) -> Iterator[Plan]:
    """Those about the opinions that may follow the filing: their date is the offer's last one for signatures."""
    in_time = Q(offer__signatures_until__gte=now.replace(microsecond=0))
    rules = ReminderRule.objects.filter(in_time, audience__in=SIGNATORIES)
    return _plans(rules.annotate(until=F("offer__signatures_until")), now)


def _plans(rules: QuerySet[ReminderRule], now: datetime) -> Iterator[Plan]:
    """rules: annotated with the date that they count to, or none (`until`)."""
    today = timezone.localdate(now)
    for rule in rules.filter(active=True).order_by("offer_id", "pk"):
        loud_from = quiet_until(rule.until) if rule.until else ALWAYS_QUIET
        dated = bool(rule.until and rule.days_before)
        step = dated_step(rule.days_before, rule.until, today) if dated else None
        if (step or (not dated and rule.every_days)) and _may_leave(now, loud_from):
            yield Plan(rule.pk, rule.offer_id, rule.audience, step, rule.every_days, rule.at_most, loud_from)


def service_due(now: datetime) -> Iterator[Due]:
    """The services that have had dossiers to check for some days: one mail for each offer, about all of them."""
    today = timezone.localdate(now)
    filed = Q(offer__applications__state=Application.State.FILED)
    rules = ReminderRule.objects.filter(filed, active=True, audience=Audience.SERVICE, every_days__isnull=False)
    oldest = Min("offer__applications__filed_at", filter=filed)
    for rule in rules.annotate(oldest=oldest, service=F("offer__service_email")).order_by("pk"):
        step = recurring_step(timezone.localdate(rule.oldest), rule.every_days, rule.at_most, today)
        if step:
            target = f"offer:{rule.offer_id}"
            payload = {"offer": rule.offer_id}
            yield Due(rule.pk, target, step, "to_check_reminder", rule.service, payload, ALWAYS_QUIET)
