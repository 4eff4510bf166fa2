"""What a member says of a dossier."""

from __future__ import annotations

from django.db import transaction

from applications.models import Application, Recusal, Review
from portal.workflow import TransitionRefused


def record_review(application: Application, member, opinion: str, reasons: str) -> Review:
    """Write or replace the member's reasoned opinion, until the decision."""
    with transaction.atomic():
        row = Application.objects.select_for_update(of=("self",)).get(pk=application.pk)
        if row.state != Application.State.ADMISSIBLE:
            raise TransitionRefused("Ce dossier n’est plus à l’examen.")
        review, _ = Review.objects.update_or_create(
            application=row, member=member, defaults={"opinion": opinion, "reasons": reasons}
        )
    return review


def record_recusal(application: Application, member, reason: str) -> Recusal:
    """The member takes no part in this dossier: their opinion, if any, is withdrawn with them."""
    with transaction.atomic():
        Application.objects.select_for_update(of=("self",)).get(pk=application.pk)
        Review.objects.filter(application=application, member=member).delete()
        recusal, _ = Recusal.objects.get_or_create(application=application, member=member, defaults={"reason": reason})
    return recusal
