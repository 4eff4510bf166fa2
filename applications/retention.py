"""What is no longer needed goes: candidacies that led nowhere, and the mails of long ago.

The times are those that the page « Données personnelles » promises. Safe to run twice, or to be killed anywhere: each
candidacy goes in a transaction of its own, which looks at it again once it is locked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from applications import erasure
from applications.abandonment import ALONE, last_activity, latest
from applications.models import AgendaItem, Application, ApplicationTransition, Digest
from portal.notifications.models import Mail

BATCH = 200
State = Application.State
# Those that no contract and no list came from. A superseded one goes once the one that replaced it is gone.
LED_NOWHERE = frozenset({State.WITHDRAWN, State.INADMISSIBLE, State.REJECTED, State.SUPERSEDED})


def over(now: datetime) -> QuerySet[Application]:
    """The candidacies that led nowhere, long after their last movement; a second draft of a filed dossier that
    stands too: without it, a draft is announced before it goes (`applications.abandonment`).

    Those that a session to come is about stay, and those that another one replaces.
    """
    moved_at = latest(ApplicationTransition, "at", of="subject", row="pk")
    coming = AgendaItem.objects.filter(application=OuterRef("pk"), session__starts_at__gte=now)
    before = now - timedelta(days=settings.DOSSIER_KEPT_DAYS)
    return (
        Application.objects.filter(
            Q(state__in=LED_NOWHERE) | (Q(state=State.DRAFT) & ~ALONE),
            ~Exists(coming),
            replaced_by__isnull=True,
            created_at__lt=before,
        )
        .annotate(moved_at=Greatest(last_activity(), moved_at))
        .filter(moved_at__lt=before)
    )


def erase(now: datetime | None = None) -> int:
    """Erase a batch of them, the oldest first. Returns how many."""
    return erasure.erase_each(over(now or timezone.now()).order_by("created_at", "pk"), BATCH)


def forget_mails(now: datetime | None = None) -> int:
    """The mails about no dossier (accounts, sessions, digests), and the digests, long after they left."""
    before = (now or timezone.now()) - timedelta(days=settings.MAIL_KEPT_DAYS)
    Digest.objects.filter(queued_at__lt=before).delete()
    old = Mail.objects.filter(thread=None, created_at__lt=before).exclude(state=Mail.State.PENDING)
    return old.delete()[0]
