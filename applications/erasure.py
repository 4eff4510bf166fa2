"""Erasing a candidacy with all that it holds; what stays is a number (docs/adr/0041)."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pgtrigger
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet

from applications.models import (
    AgendaItem,
    Application,
    ApplicationTransition,
    Decision,
    ErasedCount,
    Receipt,
    Recusal,
    Review,
)
from dossiers.erasing import erase_dossier
from dossiers.models import Dossier
from portal.notifications.models import Mail

logger = logging.getLogger(__name__)


def erase_each(
    chosen: QuerySet[Application], limit: int, may_go: Callable[[Application], bool] = lambda application: True
) -> int:
    """Erase so many of them, each in a transaction of its own that looks at it again. Returns how many went.

    One that cannot go holds up no other, nor do as many as the limit.
    """
    erased = 0
    for pk in list(chosen.values_list("pk", flat=True)):
        if erased == limit:
            break
        try:
            with transaction.atomic():
                row = hold(chosen.filter(pk=pk))
                if row is not None and may_go(row):  # neither erased nor moved meanwhile
                    erase(row)
                    erased += 1
        except (DatabaseError, ObjectDoesNotExist):
            logger.exception("A candidacy could not be erased: %s", pk)
    return erased


def hold(chosen: QuerySet[Application]) -> Application | None:
    """The application and its dossier, locked in the order of every write; None where one of them came first."""
    row = chosen.select_for_update(of=("self",)).first()
    if row is None:
        return None
    row.dossier = Dossier.objects.select_for_update(of=("self",)).get(pk=row.dossier_id)
    return row if chosen.exists() else None


@transaction.atomic
def erase(application: Application) -> None:
    """Everything of it; called with it held. Minutes stay as they were established: they are public records.

    IntegrityError where a row that stays needs one of its rows.
    """
    dossier = application.dossier
    _count(application)
    for model in (AgendaItem, Review, Recusal):
        model.objects.filter(application=application).delete()
    ApplicationTransition.objects.filter(subject=application).delete()
    with pgtrigger.ignore("applications.Receipt:receipt_is_final", "applications.Decision:decision_is_final"):
        Receipt.objects.filter(application=application).delete()
        Decision.objects.filter(application=application).delete()
    logger.info("Erasing a candidacy (%s): %s", application.state, dossier.pk)
    application.delete()
    Mail.objects.filter(thread=dossier.pk).delete()
    erase_dossier(dossier)


def _count(application: Application) -> None:
    which = {"offer_id": application.offer_id, "ended": application.state, "filed": application.was_filed}
    ErasedCount.objects.get_or_create(**which)
    ErasedCount.objects.filter(**which).update(number=F("number") + 1)
