"""Accounts that serve nothing any more: neither candidacy nor role, and nobody signs in. They are told, then erased.

Signing in starts the count again; so does a candidacy, for as long as it is kept (`applications.retention`).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, ProtectedError, Q, QuerySet, RestrictedError
from django.db.models.functions import Greatest
from django.utils import timezone

from portal.accounts.models import User
from portal.calendar import is_quiet
from portal.notifications import outbox
from portal.notifications.models import Mail
from portal.workflow import TransitionLog

logger = logging.getLogger(__name__)
BATCH = 200
NOTICE = "account_to_be_erased"
# What someone may have, or have had: what was given in a role keeps its author.
TIES = ("applications", "dossiers", "memberships", "seats", "reviews", "recusals", "attended_sessions")


def idle(now: datetime) -> QuerySet[User]:
    """Those that are due to be told, or were; with the instant when they were last seen (`seen_at`)."""
    before = now - timedelta(days=settings.ACCOUNT_KEPT_DAYS - settings.DRAFT_NOTICE_DAYS)
    ordinary = User.objects.filter(is_active=True, is_staff=False, is_superuser=False, **dict.fromkeys(TIES))
    for journal in (model for model in apps.get_models() if issubclass(model, TransitionLog)):
        ordinary = ordinary.exclude(Exists(journal.objects.filter(actor=OuterRef("pk"))))
    return ordinary.annotate(seen_at=Greatest("date_joined", "last_login")).filter(seen_at__lt=before)


def announce(now: datetime | None = None) -> int:
    """Tell their owners, once, when these accounts will be erased. Returns how many are told."""
    now = now or timezone.now()
    if is_quiet(now):
        return 0
    untold = idle(now).filter(Q(erasure_announced_at=None) | Q(erasure_announced_at__lt=F("seen_at")))
    told = 0
    for pk in list(untold.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            user = untold.select_for_update(of=("self",)).filter(pk=pk).first()
            if user is None:  # signed in, or told, meanwhile
                continue
            User.objects.filter(pk=pk).update(erasure_announced_at=now)
            payload = {"user": pk, "announced_at": now.isoformat()}
            outbox.enqueue(NOTICE, user.email, payload, quiet_until=outbox.ALWAYS_QUIET)
            told += 1
    return told


def erase(now: datetime | None = None) -> int:
    """Erase those that were told long enough ago and not seen since. Returns how many.

    A notice that waits, or has just left, holds its account; one that the address refused does not: nobody reads it.
    """
    now = now or timezone.now()
    notice = now - timedelta(days=settings.DRAFT_NOTICE_DAYS)
    heard = Mail.objects.filter(kind=NOTICE, recipient=OuterRef("email"), created_at__gte=OuterRef("seen_at"))
    too_soon = heard.filter(Q(state=Mail.State.PENDING) | Q(sent_at__gt=notice))
    told = idle(now).filter(erasure_announced_at__lte=notice, seen_at__lte=F("erasure_announced_at"))
    erased = 0
    for pk in list(told.filter(~Exists(too_soon)).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        try:
            with transaction.atomic():
                user = told.select_for_update(of=("self",)).filter(pk=pk).first()
                if user is not None:
                    user.delete()
                    erased += 1
        except (ProtectedError, RestrictedError):
            logger.exception("An idle account is still named elsewhere: %s", pk)
    return erased


def erased_on(announced_at: datetime) -> datetime:
    return announced_at + timedelta(days=settings.DRAFT_NOTICE_DAYS)
