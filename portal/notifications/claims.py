"""Which mails leave next, and for which worker: the most awaited first, never too many to one domain.

A claim is a date: until it is over, the mail is this worker's. Several workers share the work; none waits for another
for longer than a claim takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from portal.calendar import is_quiet
from portal.notifications import outbox
from portal.notifications.models import Mail, Priority

CLAIM = timedelta(minutes=10)  # longer than a task may last (CELERY_TASK_TIME_LIMIT): a claim has one worker
BATCH = 10
MINUTE = timedelta(minutes=1)
ONE_AT_A_TIME = 0x6F7574626F78  # PostgreSQL's advisory lock of this outbox


def due(now: datetime | None = None) -> QuerySet[Mail]:
    """What may leave at this instant, in the order in which it leaves."""
    now = now or timezone.now()
    mails = Mail.objects.filter(state=Mail.State.PENDING, next_attempt_at__lte=now)
    if is_quiet(now):
        mails = mails.filter(Q(quiet_until=None) | Q(quiet_until__lte=now))
    return mails.order_by("priority", "next_attempt_at", "id")


def claim() -> list[Mail]:
    """The next mails, for this worker alone. Their try is counted before it is made: a mail that kills is given up too.

    One that somebody waits for, or that was tried before, comes alone: should its worker be killed, no other mail
    waits with it until the claim is over.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:  # counting and claiming are one step: two workers never pass the limit
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
        now = timezone.now()
        counts = _sent_to_domains(now)
        full = [domain for domain, count in counts.items() if count >= settings.OUTBOX_PER_DOMAIN_AND_MINUTE]
        candidates = due(now).exclude(domain__in=full).select_for_update(skip_locked=True)[:BATCH]
        mails = _within_limits(_alike(list(candidates)), counts)
        for mail in mails:
            mail.attempts, mail.next_attempt_at, mail.tried_at = mail.attempts + 1, now + CLAIM, now
        Mail.objects.filter(pk__in=[mail.pk for mail in mails]).update(
            attempts=F("attempts") + 1, next_attempt_at=now + CLAIM, tried_at=now
        )
    return mails


def give_back(mails: Iterable[Mail]) -> None:
    """Claimed, but not tried: as if nothing had been."""
    Mail.objects.filter(pk__in=[mail.pk for mail in mails], state=Mail.State.PENDING).update(
        attempts=F("attempts") - 1, next_attempt_at=timezone.now(), tried_at=None
    )


def retry(mails: QuerySet[Mail]) -> tuple[int, int]:
    """Put what was given up or refused back in the queue.

    Returns how many leave again, and how many cannot (their words, a code or a link, are forgotten).
    """
    undelivered = mails.filter(state__in=Mail.UNDELIVERED)
    lost = undelivered.filter(payload={}).count()
    count = undelivered.exclude(payload={}).update(
        state=Mail.State.PENDING, attempts=0, next_attempt_at=timezone.now(), last_error=""
    )
    if count:
        outbox.wake_after_commit()
    return count, lost


def _sent_to_domains(now: datetime) -> Counter[str]:
    """How many mails each domain was sent within the last minute."""
    recent = Mail.objects.filter(tried_at__gt=now - MINUTE)
    return Counter(dict(recent.values_list("domain").annotate(count=Count("pk")).order_by()))


def _alike(mails: list[Mail]) -> list[Mail]:
    """As many as may be taken together."""
    alone = [mail.attempts > 0 or mail.priority == Priority.NOW for mail in mails]
    return mails[: alone.index(True) or 1] if True in alone else mails


def _within_limits(mails: list[Mail], counts: Counter[str]) -> list[Mail]:
    allowed = []
    for mail in mails:
        if counts[mail.domain] < settings.OUTBOX_PER_DOMAIN_AND_MINUTE:
            counts[mail.domain] += 1
            allowed.append(mail)
    return allowed
