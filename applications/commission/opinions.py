"""What a member says of a dossier."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from applications.models import AgendaItem, Application, Recusal, Review
from portal.notifications import outbox
from portal.workflow import TransitionRefused


def record_review(application: Application, member, opinion: str, reasons: str) -> Review:
    """Write or replace the member's reasoned opinion, until the decision."""
    with transaction.atomic():
        row = _under_examination(application)
        review, _ = Review.objects.update_or_create(
            application=row, member=member, defaults={"opinion": opinion, "reasons": reasons}
        )
    return review


def record_recusal(application: Application, member, reason: str) -> Recusal:
    """The member takes no further part in this dossier: an opinion already given is withdrawn, and kept as such."""
    with transaction.atomic():
        row = _under_examination(application)
        Review.objects.filter(application=row, member=member).update(withdrawn_at=timezone.now())
        recusal, is_new = Recusal.objects.get_or_create(application=row, member=member, defaults={"reason": reason})
        if is_new and AgendaItem.objects.to_come().filter(application=row, rapporteur=member).exists():
            payload = {"application": str(row.pk), "member": member.pk}
            outbox.enqueue("rapporteur_aside_for_hr", row.offer.service_email, payload, thread=row.dossier_id)
    return recusal


def withdraw_from_rivals(application: Application) -> None:
    """Who files a dossier judges no other to the same offer: the opinions already given are withdrawn, and kept."""
    examined = Application.objects.filter(offer=application.offer_id, state=Application.State.ADMISSIBLE)
    mine = Review.objects.filter(application__in=examined, member=application.candidate_id, withdrawn_at=None)
    mine.update(withdrawn_at=timezone.now())


def _under_examination(application: Application) -> Application:
    row = Application.objects.select_for_update(of=("self",)).get(pk=application.pk)
    if row.state != Application.State.ADMISSIBLE:
        raise TransitionRefused("Ce dossier n’est plus à l’examen.")
    return row
