from celery import shared_task
from django.utils import timezone

from offers import alerts
from offers.blank_form import blank_form
from offers.lifecycle import WORKFLOW
from offers.models import Offer
from offers.offer_sheet import offer_sheet
from portal.workflow import TransitionRefused


@shared_task
def close_expired_offers() -> int:
    """Move offers past their deadline to "closed". Filing never waits for it: it reads the deadline itself."""
    closed = 0
    running = Offer.objects.filter(state__in=[Offer.State.PUBLISHED, Offer.State.PAUSED])
    for offer in running.filter(deadline__lt=timezone.now().replace(microsecond=0)):
        try:
            WORKFLOW.run(offer, "expire", reason="Date limite atteinte.")
            closed += 1
        except TransitionRefused:  # extended or closed by hand in between
            continue
    return closed


@shared_task
def print_offer(offer_pk: int) -> None:
    """Make what the offer has on paper, unless it is there."""
    offer = Offer.objects.public().select_related("institution").filter(pk=offer_pk).first()
    for sheet in (blank_form(offer), offer_sheet(offer)) if offer else ():
        sheet.make()


@shared_task
def tell_news() -> int:
    """The mails of the alerts that are due."""
    return alerts.tell_news()


@shared_task
def forget_alerts() -> int:
    return alerts.forget()
