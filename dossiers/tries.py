"""How often a document was tried: one that kills or exhausts its worker rests, longer each time, then for good.

Others are printed meanwhile. A new version of the layout tries it anew, and so does an agent who asks for it.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from dossiers import layout
from dossiers.models import Document, PrintingTries

logger = logging.getLogger(__name__)

TRIES_AT_ONCE = 5  # workers die of other causes too: memory that others take, a machine that stops
RESTS = [timedelta(hours=1), timedelta(hours=6), timedelta(days=1)]
FOR_GOOD = datetime(9999, 1, 1, tzinfo=UTC)


class Resting(Exception):
    """This document could not be made, and is not tried for now."""


def begin(document: Document) -> None:
    """Count a try. To be committed before it: a process that dies of it counts too. Raises Resting.

    Called by who holds the lock of the frozen dossier.
    """
    which = {"frozen": document.frozen, "kind": document.kind, "edition": document.edition}
    tries, _ = PrintingTries.objects.get_or_create(**which, defaults={"layout": layout.edition()})
    if tries.layout != layout.edition():
        tries.count, tries.layout, tries.rests_until, tries.told = 0, layout.edition(), None, False
    if tries.rests_until and tries.rests_until > timezone.now():
        raise Resting(f"Tried {tries.count} times, it rests until {tries.rests_until}.")
    tries.count += 1
    tries.rests_until = _rest_after(tries.count)
    tries.save()


def _rest_after(count: int) -> datetime | None:
    if count < TRIES_AT_ONCE:
        return None
    after = count - TRIES_AT_ONCE
    return timezone.now() + RESTS[after] if after < len(RESTS) else FOR_GOOD


def forget(document: Document) -> None:
    """It is made."""
    _of(document).delete()


def excuse(document: Document) -> None:
    """The try ended in order for a cause outside the document (storage, seal): it counts for nothing."""
    _of(document).update(count=F("count") - 1, rests_until=None)


def resting() -> QuerySet[PrintingTries]:
    return PrintingTries.objects.filter(rests_until__gt=timezone.now(), layout=layout.edition())


def tell() -> None:
    """The technical team, once for each document; the page of its dossier tells the service from then on."""
    for tries in resting().filter(told=False).select_related("frozen"):
        logger.error(
            "A document (%s) of the dossier %s cannot be made: tried %s times, it rests until %s.",
            tries.get_kind_display(),
            tries.frozen.dossier_id,
            tries.count,
            tries.rests_until,
        )
        PrintingTries.objects.filter(pk=tries.pk).update(told=True)


def _of(document: Document) -> QuerySet[PrintingTries]:
    return PrintingTries.objects.filter(frozen=document.frozen, kind=document.kind, edition=document.edition)
