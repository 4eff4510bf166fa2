"""What HR changes in an open offer reaches the dossiers in preparation, and is told; never a filed one."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from applications.models import Application
from dossiers import signing
from dossiers.models import Annex, RequirementChange
from dossiers.resettling import resettle
from offers.models import Offer
from portal.notifications import outbox

log = logging.getLogger(__name__)
OPEN = (Offer.State.PUBLISHED, Offer.State.PAUSED)
UNTOLD = frozenset({"annexes", "extra_pieces", "privacy_contact", "session_label"})  # told otherwise, or of no concern


def unsettled() -> QuerySet[Application]:
    """The drafts whose offer asks for something else than what they were begun, or last settled, with."""
    drafts = Application.objects.filter(state=Application.State.DRAFT, offer__state__in=OPEN)
    return drafts.exclude(dossier__parameters=F("offer__parameters")).order_by("pk")


def settle_drafts(limit: int = 200) -> int:
    """Settle them again, each in a transaction of its own. Returns how many were. May be called again at any time.

    Raises ExceptionGroup, once all were tried, where some could not be settled: they hold up no other.
    """
    settled, failures = 0, []
    for application in unsettled().select_related("offer", "dossier", "candidate")[:limit]:
        try:
            settled += settle(application)
        except Exception as failure:
            log.exception("The draft %s cannot be settled again", application.pk)
            failures.append(failure)
    if failures:
        raise ExceptionGroup(f"{len(failures)} drafts could not be settled again", failures)
    return settled


def settle(application: Application) -> bool:
    """Settle one draft again, and tell its candidate (and the signatories whose opinion is no longer asked for)."""
    offer, dossier = application.offer, application.dossier
    if dossier.is_frozen or dossier.parameters == offer.parameters:
        return False
    with transaction.atomic():
        more = bounds_changed(offer, dossier.parameters)
        change = resettle(dossier, offer.parameters, more=more, drop=_drop)
        if change:
            payload = {"application": str(application.pk), "change": change.pk}
            outbox.enqueue("requirements_changed", application.candidate.email, payload, thread=dossier.pk)
    return True


def bounds_changed(offer: Offer, former: dict[str, Any]) -> list[str]:
    """The campaign's numbers and lists that changed, as the public page says them."""
    kind = offer.kind_definition
    before, now = kind.parameter_values(former), kind.parameter_values(offer.parameters)
    told = []
    for name, spec in kind.parameter_section.by_name.items():
        if name in kind.public_parameters and name not in UNTOLD and before.get(name) != now.get(name):
            was, is_now = (" / ".join(spec.display(values.get(name)).splitlines()) for values in (before, now))
            told.append(f"{spec.label} : « {was} » devient « {is_now} ».")
    return told


def _drop(annex: Annex) -> None:
    """An opinion no longer asked for: the link stops, its signatory is told."""
    former, owner = annex.signatory_email, annex.dossier.owner
    label = "Le service (annexe qui n’est plus demandée)"
    annex = signing.WORKFLOW.run(annex, "replace", actor=owner, actor_label=label)
    outbox.enqueue("request_dropped", former, {"annex": str(annex.pk)}, thread=annex.dossier_id)


def unseen(application: Application) -> QuerySet[RequirementChange]:
    """What the candidate has not said to have read."""
    return application.dossier.requirement_changes.filter(seen_at=None)
