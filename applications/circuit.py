"""The sign-off circuit as candidates and signatories use it: the engine's moves, and the mails that go with them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from applications import correspondence
from applications.models import Application
from dossiers import signing
from dossiers.freezing import lock_open
from dossiers.models import Annex, AnnexTransition
from portal.notifications import outbox
from portal.workflow import TransitionRefused

ROLLING_LINK_LIFE = timedelta(days=90)  # an offer without a deadline still has links that expire
REQUESTS_A_DAY = 3  # and annex: enough for a wrong address and two changes of mind
SIGNATORY_FIELDS = signing.SIGNATORY_FIELDS


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
        if annex.is_waiting and annex.signatory_email == signatory.get("signatory_email"):
            return annex  # a double click on "send"
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
    if move == "resend" and timezone.now() < correspondence.nudge_from(annex):
        raise TransitionRefused("Cette demande est partie il y a moins de douze heures. Laissez le temps de répondre.")
    with transaction.atomic():
        annex = signing.WORKFLOW.run(annex, move, actor=actor, until=offer.deadline)
        _refuse_a_flood(annex)
        _tell_signatory(annex, "signatory_request")
    return annex


def _refuse_a_flood(annex: Annex) -> None:
    """The portal writes in its own name to whoever a candidate names: a day's requests are counted."""
    sent = AnnexTransition.objects.filter(
        subject__dossier=annex.dossier_id,
        name__in=["invite", "resend"],
        at__gt=timezone.now() - timedelta(days=1),
    )
    if sent.count() > REQUESTS_A_DAY * len(annex.dossier.spec.annexes):
        raise TransitionRefused("Beaucoup de demandes sont parties aujourd’hui : la prochaine pourra partir demain.")


def replace(annex: Annex, *, actor: Any) -> Annex:
    """Revoke the request, so that another person can be asked. The first one is told, if they were still waiting."""
    with transaction.atomic():
        former, waiting = annex.signatory_email, annex.is_waiting
        annex = signing.WORKFLOW.run(annex, "replace", actor=actor)
        if waiting:
            outbox.enqueue("request_dropped", former, {"annex": str(annex.pk)}, thread=annex.dossier_id)
    return annex


def sign(annex: Annex, answer: dict[str, Any], *, seen: str = "", at: datetime | None = None) -> Annex:
    """Sign the opinion. `answer`: opinion, text, and the annex's own raw fields.

    seen: fingerprint of what the page showed, so that nobody signs under another text. at: when the request arrived.
    """
    with transaction.atomic():
        annex = _answer(annex, "sign", answer=answer, seen=seen, at=at)
        _tell_signatory(annex, "signatory_copy")
        _tell_candidate(annex, "annex_signed")
    return annex


def decline(annex: Annex, reason: str, *, at: datetime | None = None) -> Annex:
    with transaction.atomic():
        annex = _answer(annex, "decline", reason=reason, at=at)
        _tell_candidate(annex, "annex_declined")
    return annex


def _answer(annex: Annex, move: str, **data: Any) -> Annex:
    """The signatory's move, while the application is locked (before the dossier, as in filing) and still in hand."""
    application = Application.objects.select_for_update(of=("self",)).get(dossier=annex.dossier_id)
    if not application.is_draft:
        raise TransitionRefused("Cette candidature n’est plus en préparation : votre avis n’est plus attendu.")
    label = signing.signer_label(annex)
    return signing.WORKFLOW.run(annex, move, actor_label=label, until=closes_at(annex), link=annex.link_hash, **data)


def note_opening(annex: Annex) -> Annex:
    """Remember that the request was opened. A mail scanner may do it too: it never says more than "opened"."""
    if annex.state == Annex.State.SENT:
        try:
            return signing.WORKFLOW.run(annex, "open", actor_label=signing.signer_label(annex))
        except TransitionRefused:  # signed or revoked this very moment
            annex.refresh_from_db()
    return annex


def _tell_signatory(annex: Annex, kind: str) -> None:
    payload = {"annex": str(annex.pk), "link_hash": annex.link_hash}
    outbox.enqueue(kind, annex.signatory_email, payload, thread=annex.dossier_id)


def _tell_candidate(annex: Annex, kind: str) -> None:
    outbox.enqueue(kind, annex.dossier.owner.email, {"annex": str(annex.pk)}, thread=annex.dossier_id)
