from celery import shared_task
from django.utils import timezone

from offers.lifecycle import WORKFLOW
from offers.models import Offer
from portal.workflow import TransitionRefused


@shared_task
def close_expired_offers() -> int:
    """Move offers past their deadline to "closed". Filing never waits for it: it reads the deadline itself."""
    closed = 0
    expired = Offer.objects.filter(state=Offer.State.PUBLISHED, deadline__lt=timezone.now().replace(microsecond=0))
    for offer in expired:
        try:
            WORKFLOW.run(offer, "expire", reason="Date limite atteinte.")
            closed += 1
        except TransitionRefused:  # extended or closed by hand in between
            continue
    return closed
