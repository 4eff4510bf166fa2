"""The sign-off circuit as candidates and signatories use it: the engine's moves, and the mails that go with them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from applications.models import Application
from dossiers import signing
from dossiers.freezing import lock_open
from dossiers.models import Annex
from portal.notifications import outbox
from portal.workflow import TransitionRefused

ROLLING_LINK_LIFE = timedelta(days=90)  # an offer without a deadline still has links that expire
SIGNATORY_FIELDS = ("signatory_name", "signatory_function", "signatory_institution", "signatory_email")


def closes_at(annex: Annex) -> datetime:
    """When the link stops working: the offer's deadline as it stands now, so that an extension counts at once."""
    deadline = annex.dossier.application.offer.deadline
    return deadline or (annex.renewed_at or timezone.now()) + ROLLING_LINK_LIFE


def is_alive(annex: Annex) -> bool:
    """Whether an answer is still awaited: the application in preparation, its offer open, the link not expired."""
    application = annex.dossier.application
    return (
        application.is_draft
        and application.offer.state == application.offer.State.PUBLISHED
        and timezone.now().replace(microsecond=0) <= closes_at(annex)
    )


def name_signatory(application: Application, key: str, signatory: dict[str, str]) -> Annex:
    """Write down who is asked for this annex; only while no request is out."""
    with transaction.atomic():
        lock_open(application.dossier)
        annex, _ = Annex.objects.select_for_update().get_or_create(dossier=application.dossier, key=key)
        if annex.state != Annex.State.TO_SEND:
            raise TransitionRefused("Cette annexe est déjà envoyée. Changez d’abord de signataire.")
        for name in SIGNATORY_FIELDS:
            setattr(annex, name, signatory.get(name, ""))
        annex.save(update_fields=SIGNATORY_FIELDS)
    return annex


def invite(annex: Annex, *, actor: Any) -> Annex:
    return _send(annex, "invite", actor)


def resend(annex: Annex, *, actor: Any) -> Annex:
    return _send(annex, "resend", actor)


def _send(annex: Annex, move: str, actor: Any) -> Annex:
    offer = annex.dossier.application.offer
    if offer.state != offer.State.PUBLISHED:
        raise TransitionRefused("Cette offre n’accepte plus de dépôt : un avis ne peut plus être demandé.")
    with transaction.atomic():
        annex = signing.WORKFLOW.run(annex, move, actor=actor, until=offer.deadline)
        _tell_signatory(annex, "signatory_request")
    return annex


def replace(annex: Annex, *, actor: Any) -> Annex:
    """Revoke the request, so that another person can be asked. The first one is told, if they were still waiting."""
    with transaction.atomic():
        former, waiting = annex.signatory_email, annex.is_waiting
        annex = signing.WORKFLOW.run(annex, "replace", actor=actor)
        if waiting:
            outbox.enqueue("request_dropped", former, {"annex": str(annex.pk)})
    return annex


def sign(annex: Annex, answer: dict[str, Any]) -> Annex:
    """Sign the opinion. `answer`: opinion, text, and the annex's own raw fields."""
    with transaction.atomic():
        until = closes_at(annex)
        label = signing.signer_label(annex)
        annex = signing.WORKFLOW.run(annex, "sign", actor_label=label, until=until, answer=answer)
        _tell_signatory(annex, "signatory_copy")
        _tell_candidate(annex, "annex_signed")
    return annex


def decline(annex: Annex, reason: str) -> Annex:
    with transaction.atomic():
        until = closes_at(annex)
        label = signing.signer_label(annex)
        annex = signing.WORKFLOW.run(annex, "decline", actor_label=label, until=until, reason=reason)
        _tell_candidate(annex, "annex_declined")
    return annex


def note_opening(annex: Annex) -> Annex:
    """Remember that the request was opened. A mail scanner may do it too: it never says more than "opened"."""
    if annex.state == Annex.State.SENT:
        try:
            return signing.WORKFLOW.run(annex, "open", actor_label=signing.signer_label(annex))
        except TransitionRefused:  # signed or revoked this very moment
            annex.refresh_from_db()
    return annex


def _tell_signatory(annex: Annex, kind: str) -> None:
    outbox.enqueue(kind, annex.signatory_email, {"annex": str(annex.pk), "link_hash": annex.link_hash})


def _tell_candidate(annex: Annex, kind: str) -> None:
    outbox.enqueue(kind, annex.dossier.owner.email, {"annex": str(annex.pk)})
