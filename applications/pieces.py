"""What follows once a piece has been checked: who is told of a refusal, in what words, and the volume that waited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from applications.mails import address, day_and_time, write
from applications.models import Application
from dossiers.clearing import when_decided
from dossiers.models import Piece
from portal.notifications import outbox
from portal.notifications.outbox import NOW, Letter, Obsolete, builder

STILL_THERE = timedelta(minutes=5)  # the candidate is before the page, which says it


@when_decided
def follow(piece: Piece, filed: bool) -> None:
    """Called in the transaction of the verdict. A refusal after the filing is told to the service as well."""
    application = Application.objects.select_related("offer", "candidate").filter(dossier=piece.dossier_id).first()
    if application is None:
        return
    if piece.safe_copy.is_refused:
        _tell(application, piece, filed)
    if filed:
        transaction.on_commit(lambda: _render(application), robust=True)


def _tell(application: Application, piece: Piece, filed: bool) -> None:
    payload = {"application": str(application.pk), "piece": str(piece.pk)}
    if filed or piece.uploaded_at < timezone.now() - STILL_THERE:
        outbox.enqueue("piece_refused", application.candidate.email, payload, thread=application.dossier_id)
    if filed and application.state != Application.State.WITHDRAWN:
        email = application.offer.service_email
        outbox.enqueue("piece_refused_for_hr", email, payload, thread=application.dossier_id)


def _render(application: Application) -> None:
    """The volume waited for the last verdict."""
    from applications.tasks import render_documents

    render_documents.delay(str(application.pk))


# The words


@builder("piece_refused", label="Fichier refusé", reader="candidate", priority=NOW)
def piece_refused(payload: dict[str, Any]) -> Letter:
    application, piece = _refused(payload)
    action = ("Voir ma candidature", address("applications:detail", application.pk))
    if application.is_draft and piece.key in application.dossier.spec.piece_by_key:
        action = ("Remplacer ce fichier", address("applications:piece", application.pk, piece.key))
    facts = [
        ("Fichier", piece.name),
        ("Envoyé le", day_and_time(piece.uploaded_at)),
        ("Offre", application.offer.title),
    ]
    return write(payload, "piece_refused", application, about={"piece": piece}, action=action, facts=facts)


@builder("piece_refused_for_hr", label="Fichier refusé", reader="service")
def piece_refused_for_hr(payload: dict[str, Any]) -> Letter:
    application, piece = _refused(payload)
    action = ("Voir le dossier", address("admin:applications_application_change", application.pk))
    facts = [
        ("Candidature de", application.candidate.get_full_name()),
        ("Dossier", application.number),
        ("Offre", application.offer.title),
        ("Fichier", piece.name),
    ]
    return write(payload, "piece_refused_for_hr", application, about={"piece": piece}, action=action, facts=facts)


def _refused(payload: dict[str, Any]) -> tuple[Application, Piece]:
    application = Application.objects.select_related("offer", "candidate", "dossier").get(pk=payload["application"])
    piece = Piece.objects.filter(pk=payload["piece"]).first()
    if piece is None:
        raise Obsolete("le fichier a été retiré")
    return application, piece
