"""What is due, for whom: computed from the data, claimed once, queued in the same transaction.

A step is a number of days before the deadline (14, 7, 3, 1), counted in Paris days. On a given day the tightest
step reached is due, and only that one: after an outage nobody gets the mails of the steps missed. Nothing is due
to somebody who was not concerned yet when the step came (a draft begun, a request sent since).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Prefetch
from django.utils import timezone

from applications.models import Application, Reminder
from dossiers.models import Annex
from offers.models import Offer
from portal.notifications import outbox

BATCH = 200


@dataclass(frozen=True)
class Due:
    application: Application
    annex: Annex | None
    days_before: int
    deadline: datetime


def step_of(deadline: datetime, today: date, steps: list[int]) -> int | None:
    """The tightest step reached on this Paris day: the smallest one ≥ the days left; None before or after."""
    days_left = (timezone.localdate(deadline) - today).days
    reached = [step for step in steps if step >= days_left >= 0]
    return min(reached, default=None)


def _concerned_before(since: datetime | None, deadline: datetime, step: int) -> bool:
    return since is not None and timezone.localdate(since) < timezone.localdate(deadline) - timedelta(days=step)


def due(now: datetime | None = None) -> Iterator[Due]:
    """Every reminder due at this instant, queued already or not. Two queries per batch of drafts."""
    now = now or timezone.now()
    horizon = now + timedelta(days=max(settings.REMINDER_DAYS) + 1)
    drafts = (
        Application.objects.filter(
            state=Application.State.DRAFT, offer__in=Offer.objects.open(now).filter(deadline__lte=horizon)
        )
        .select_related("offer", "candidate", "dossier")
        .prefetch_related(Prefetch("dossier__annexes", Annex.objects.filter(state__in=Annex.WAITING).order_by("key")))
        .order_by("pk")
    )
    for application in drafts.iterator(chunk_size=BATCH):
        deadline = application.offer.deadline
        step = step_of(deadline, timezone.localdate(now), settings.REMINDER_DAYS)
        if step is None:
            continue
        if _concerned_before(application.created_at, deadline, step):
            yield Due(application, None, step, deadline)
        for annex in application.dossier.annexes.all():
            if _concerned_before(annex.sent_at, deadline, step):
                yield Due(application, annex, step, deadline)


def queue_due(now: datetime | None = None) -> int:
    """Claim and queue what is due; returns how many. Safe to run twice, or in two places at once."""
    return sum(_claim(item) for item in due(now))


def _claim(item: Due) -> bool:
    """The uniqueness of `Reminder` decides who queues the mail, in the transaction of the mail's own row."""
    try:
        with transaction.atomic():
            Reminder.objects.create(
                application=item.application, annex=item.annex, days_before=item.days_before, deadline=item.deadline
            )
            if item.annex:
                payload = {"annex": str(item.annex.pk), "link_hash": item.annex.link_hash}
                outbox.enqueue(
                    "signatory_reminder", item.annex.signatory_email, payload, thread=item.application.dossier_id
                )
            else:
                payload = {"application": str(item.application.pk)}
                outbox.enqueue(
                    "candidate_reminder",
                    item.application.candidate.email,
                    payload,
                    thread=item.application.dossier_id,
                )
    except IntegrityError:
        return False
    return True
