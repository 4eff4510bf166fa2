"""What becomes of an offer (applications.offer_news): to who prepares a dossier for it, and to their signatories."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from applications import circuit
from applications.mails import (
    Payload,
    about_opinion,
    address,
    annex_of,
    application_of,
    date_of_opinion,
    day_and_time,
    deadline_of,
    own_page,
    refuse_dead_link,
    write,
)
from applications.models import Application
from dossiers import signing
from offers.models import Offer, OfferTransition
from portal.notifications.outbox import Letter, Obsolete, builder

UNTOLD_MOVES = ("expire", "archive", "unarchive")


def _move(payload: Payload, offer: Offer) -> dict[str, Any]:
    """The move, unless another one has come since: that one has its own mail."""
    entry = OfferTransition.objects.get(pk=payload["entry"])
    if OfferTransition.objects.filter(subject=offer, pk__gt=entry.pk).exclude(name__in=UNTOLD_MOVES).exists():
        raise Obsolete("l’offre a changé de nouveau depuis")
    return {"move": entry.name, "reason": entry.reason, "deadline": offer.deadline}


@builder("offer_moved", label="Changement de l’offre", reader="candidate")
def offer_moved(payload: Payload) -> Letter:
    application = application_of(payload)
    offer = application.offer
    if application.state == Application.State.WITHDRAWN:
        raise Obsolete("la candidature est retirée")
    move, page = _move(payload, offer), own_page("Voir ma candidature", application)
    return write(
        payload,
        "offer_moved",
        application,
        about=move,
        action=page,
        facts=[("Offre", offer.title), *_date_and_reason("Date limite", offer.deadline, move)],
        attachments=deadline_of(application) if offer.is_open() and application.is_draft else [],
    )


@builder("requirements_changed", label="Changement de ce qui est demandé", reader="candidate")
def requirements_changed(payload: Payload) -> Letter:
    application = application_of(payload)
    if not application.is_draft:
        raise Obsolete("le dossier n’est plus en préparation")
    change = application.dossier.requirement_changes.get(pk=payload["change"])
    page = own_page("Voir mon dossier", application)
    facts = [("Offre", application.offer.title)]
    return write(payload, "requirements_changed", application, about={"change": change}, action=page, facts=facts)


@builder("offer_moved_for_signatory", label="Changement de l’offre", reader="signatory")
def offer_moved_for_signatory(payload: Payload) -> Letter:
    annex = annex_of(payload)
    application = annex.dossier.application
    refuse_dead_link(annex, payload["link_hash"])
    if not (annex.is_waiting and application.is_draft):
        raise Obsolete("la réponse n’est plus attendue")
    move, awaited = _move(payload, application.offer), circuit.is_alive(annex)
    link = address("signatory:annex", signing.link_secret(annex))
    offer = application.offer
    dates = _date_and_reason("À rendre avant le", (offer.signatures_until or offer.deadline) if awaited else None, move)
    return write(
        payload,
        "offer_moved_for_signatory",
        application,
        about=move | {"annex": annex, "spec": annex.spec},
        action=("Lire la demande et donner mon avis", link) if awaited else None,
        facts=[*about_opinion(annex), *dates],
        attachments=[date_of_opinion(annex)] if awaited else [],
    )


def _date_and_reason(label: str, deadline: datetime | None, move: dict[str, Any]) -> list[tuple[str, str]]:
    dated = [(label, day_and_time(deadline))] if deadline else []
    return dated + ([("Motif du changement", move["reason"])] if move["reason"] else [])
