"""Filing: what blocks it, the receipt, the freezing, and the mails that follow."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.formats import date_format

from applications import reopening
from applications.commission.opinions import withdraw_from_rivals
from applications.models import Application, ApplicationTransition, Receipt
from dossiers.completeness import Completeness, completeness
from dossiers.content import dossier_content
from dossiers.freezing import freeze, lock_open
from dossiers.models import Annex
from offers.blank_form import printed_context
from offers.models import Offer
from portal.french import of
from portal.notifications import outbox


def to_the_second(value: datetime | None) -> str:
    """A Paris date and time as the receipt proves it (CRPA L112-13)."""
    return date_format(timezone.localtime(value), r"j F Y à H:i:s") if value else ""


def blockers(application: Application, *, received_at: datetime, **data: Any):
    """Called with offer and application locked. The dossier is locked too: nothing changes while it is judged."""
    offer = Offer.objects.get(pk=application.offer_id)
    if not offer.is_open(received_at):
        if offer.deadline and received_at.replace(microsecond=0) > offer.deadline:
            yield f"La date limite est passée depuis le {to_the_second(offer.deadline)} (heure de Paris)."
        else:
            yield "Cette offre n’accepte plus de dépôt."
        return
    former = application.replaces
    if former and former.state not in {*Application.REPLACEABLE, Application.State.WITHDRAWN}:
        yield (
            f"Le dossier {former.number} ne peut plus être remplacé : son état est « {former.get_state_display()} »."
        )
        return
    application.dossier = lock_open(application.dossier)
    yield from completeness(application.dossier).sentences(signatures_may_follow=bool(offer.signatures_until))


def is_ready(offer: Offer, state: Completeness) -> bool:
    """Whether nothing that the offer asks for before the filing is missing."""
    return state.is_complete or bool(offer.signatures_until and state.lacks_only_signatures)


def stamp(application: Application, *, received_at: datetime, **data: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('applications_number')")
        (serial,) = cursor.fetchone()
    application.number = f"SJ-{timezone.localdate(received_at).year}-{serial:05d}"
    application.filed_at = received_at


def seal(application: Application, entry: ApplicationTransition, **data: Any) -> None:
    """Freeze the dossier, write the receipt, queue the mails; rendering starts after commit."""
    offer = Offer.objects.get(pk=application.offer_id)
    if offer.signatures_until:
        application.dossier.annexes.filter(state__in=Annex.WAITING).update(late=True)
    content = dossier_content(application.dossier, document_context(application))
    freeze(application.dossier, content, application.filed_at)
    Receipt.objects.create(
        application=application,
        number=application.number,
        received_at=application.filed_at,
        content=receipt_content(application, content),
    )
    withdraw_from_rivals(application)
    thread, payload = application.dossier_id, {"application": str(application.pk)}
    outbox.enqueue("receipt", application.candidate.email, payload, thread=thread)
    for annex in application.dossier.annexes.filter(state=Annex.State.SIGNED).exclude(signatory_email=""):
        outbox.enqueue("opinion_filed", annex.signatory_email, {"annex": str(annex.pk)}, thread=thread)
    outbox.enqueue("filed_for_hr", offer.service_email, payload, thread=thread)
    transaction.on_commit(lambda: render_soon(str(application.pk)), robust=True)


def render_soon(application_pk: str) -> None:
    from applications.tasks import render_documents

    render_documents.delay(application_pk)  # the broker away: beat's sweep renders what is missing


def document_context(application: Application) -> dict[str, Any]:
    """What the document says beyond the dossier itself: the offer and its contacts, the candidate, the number."""
    return printed_context(application.offer) | {
        "candidate_name": application.candidate.get_full_name(),
        "candidate_email": application.candidate.email,
        "number": application.number or "",
        "filed_at_display": to_the_second(application.filed_at),
        "signatures_until_display": to_the_second(application.offer.signatures_until),
    }


def receipt_content(application: Application, content: dict[str, Any]) -> dict[str, Any]:
    """The words of the receipt: date and time of reception, service in charge, legal mentions (CRPA R112-11-1)."""
    offer = application.offer
    return {
        "number": application.number,
        "candidate_name": application.candidate.get_full_name(),
        "offer_title": offer.title,
        "received_at_display": to_the_second(application.filed_at),
        "service_name": offer.service_name,
        "service_address": offer.service_address,
        "service_email": offer.service_email,
        "service_phone": offer.service_phone,
        "legal_mentions": offer.legal_mentions or offer.kind_definition.legal_mentions,
        "pieces": [f"{piece['label']} : {file['name']}" for piece in content["pieces"] for file in piece["files"]],
        "annexes": [
            f"Annexe {annex['number']} – {annex['title']} ({annex['reference'] or _awaited(annex, offer)})"
            for annex in content["annexes"]
        ],
    }


def _awaited(annex: dict[str, Any], offer: Offer) -> str:
    return f"avis {of(annex['signatory']['name'])} attendu jusqu’au {to_the_second(offer.signatures_until)}"


def tell_candidate(event: str):
    """An effect that tells the candidate what became of the application."""

    def tell(application: Application, entry: ApplicationTransition, **data: Any) -> None:
        payload = {"application": str(application.pk), "entry": entry.pk}
        outbox.enqueue(event, application.candidate.email, payload, thread=application.dossier_id)

    return tell


def tell_withdrawal(application: Application, entry: ApplicationTransition, **data: Any) -> None:
    """The service in charge learns of the withdrawal of a dossier that it had received; so do the signatories asked."""
    if application.was_filed:
        payload = {"application": str(application.pk), "entry": entry.pk}
        outbox.enqueue("withdrawn_for_hr", application.offer.service_email, payload, thread=application.dossier_id)
    involved = Annex.WAITING | {Annex.State.SIGNED}
    for annex in application.dossier.annexes.filter(state__in=involved).exclude(signatory_email=""):
        if reopening.stands_elsewhere(annex):
            continue
        payload = {"annex": str(annex.pk)}
        outbox.enqueue("request_dropped", annex.signatory_email, payload, thread=application.dossier_id)
