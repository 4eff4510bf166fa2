"""Drafts that nobody touches any more: their candidate is told, then they are erased, with all that they hold.

A draft that was never filed serves no purpose after a while (RGPD, art. 5.1.e). Any activity starts the count again.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest
from django.utils import timezone

from applications import erasure
from applications.models import Application
from dossiers.models import Annex, Piece, SectionAnswers
from portal.calendar import is_quiet
from portal.notifications import outbox
from portal.notifications.models import Mail

logger = logging.getLogger(__name__)
BATCH = 500
NOTICE = "draft_to_be_erased"
TRIES = 2
# Beside no filed dossier that stands.
ALONE = Q(replaces=None) | Q(replaces__state=Application.State.WITHDRAWN)


def untouched(now: datetime) -> QuerySet[Application]:
    """Drafts that are all there is of a candidacy, with the instant of their last activity (`touched_at`)."""
    drafts = Application.objects.filter(ALONE, state=Application.State.DRAFT, created_at__lt=_announced_after(now))
    return drafts.annotate(touched_at=last_activity())


def latest(model, *fields: str, of: str = "dossier", row: str = "dossier") -> Subquery:
    """The latest instant of these fields, among the rows that `of` ties to the application's `row`."""
    rows = model.objects.filter(**{of: OuterRef(row)}).order_by().values(of)
    instant = Greatest(*fields) if len(fields) > 1 else F(fields[0])  # PostgreSQL leaves nulls out
    return Subquery(rows.annotate(latest=Max(instant)).values("latest"))


def last_activity() -> Greatest:
    """Of an application's dossier: begun, written in, or answered by a signatory."""
    signatures = latest(Annex, "sent_at", "renewed_at", "opened_at", "drafted_at", "answered_at")
    return Greatest("created_at", latest(SectionAnswers, "saved_at"), latest(Piece, "uploaded_at"), signatures)


def _announced_after(now: datetime) -> datetime:
    return now - timedelta(days=settings.DRAFT_KEPT_DAYS - settings.DRAFT_NOTICE_DAYS)


def announce(now: datetime | None = None) -> int:
    """Tell the candidates of long untouched drafts when these will be erased; once, unless they come back to them.

    A notice that could not be delivered is sent a second time, once its delay is over.
    """
    now = now or timezone.now()
    if is_quiet(now):
        return 0
    asleep = untouched(now).filter(touched_at__lt=_announced_after(now))
    notices = Mail.objects.filter(kind=NOTICE, thread=OuterRef("dossier"), created_at__gte=OuterRef("touched_at"))
    failed_once = asleep.filter(erasure_announced_at__lte=now - timedelta(days=settings.DRAFT_NOTICE_DAYS)).filter(
        Exists(notices.filter(state__in=Mail.UNDELIVERED)), ~Exists(notices.order_by("pk")[1:])
    )
    to_tell = asleep.filter(
        Q(erasure_announced_at=None) | Q(erasure_announced_at__lt=F("touched_at")) | Q(pk__in=failed_once.values("pk"))
    )
    told = 0
    for pk in list(to_tell.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            draft = to_tell.select_for_update(of=("self",)).filter(pk=pk).select_related("candidate").first()
            if draft is None:  # touched, filed or told meanwhile
                continue
            Application.objects.filter(pk=pk).update(erasure_announced_at=now)
            payload = {"application": str(pk), "announced_at": now.isoformat()}
            until = outbox.ALWAYS_QUIET
            outbox.enqueue(NOTICE, draft.candidate.email, payload, thread=draft.dossier_id, quiet_until=until)
            told += 1
    return told


def erase(now: datetime | None = None) -> int:
    """Erase the drafts that were announced long enough ago and left alone since. Returns how many."""
    now = now or timezone.now()
    notice = now - timedelta(days=settings.DRAFT_NOTICE_DAYS)
    given_up = untouched(now).filter(erasure_announced_at__lte=notice, touched_at__lte=F("erasure_announced_at"))
    return erasure.erase_each(given_up.order_by("pk"), BATCH, lambda draft: _was_told(draft, now))


def erased_on(announced_at: datetime) -> datetime:
    return announced_at + timedelta(days=settings.DRAFT_NOTICE_DAYS)


def _was_told(draft: Application, now: datetime) -> bool:
    """The notice left long enough ago; or two of them could not be delivered, so that nobody can be told.

    A mail server that is away erases nothing, nor does one refusal.
    """
    notices = list(Mail.objects.filter(kind=NOTICE, thread=draft.dossier_id).order_by("-pk"))
    if notices and notices[0].state == Mail.State.SENT:
        return notices[0].sent_at <= now - timedelta(days=settings.DRAFT_NOTICE_DAYS)
    return len(notices) >= TRIES and all(notice.state in Mail.UNDELIVERED for notice in notices[:TRIES])
