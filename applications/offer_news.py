"""What becomes of an offer, told at once to whoever applies to it and to whoever was asked for an opinion."""

from __future__ import annotations

from applications.models import Application
from dossiers.models import Annex
from offers.models import Offer, OfferTransition
from offers.news import listen
from portal.notifications import outbox


@listen
def tell_concerned(offer: Offer, entry: OfferTransition) -> None:
    """Queue the mails, in the transaction of the move: four queries, whatever the number of applications.

    Those who prepare a dossier hear of every move, with the signatories they wait for. Those who have filed hear of
    a later deadline alone: their dossier does not change.
    """
    states = [Application.State.DRAFT]
    if entry.name == "extend":
        states += [Application.State.FILED, Application.State.ADMISSIBLE]
    applications = Application.objects.filter(offer=offer, state__in=states).order_by("pk")
    outbox.enqueue_all(
        "offer_moved",
        (
            (address, {"application": str(pk), "entry": entry.pk}, dossier)
            for pk, address, dossier in applications.values_list("pk", "candidate__email", "dossier")
        ),
    )
    waiting = Annex.objects.filter(
        dossier__application__offer=offer,
        dossier__application__state=Application.State.DRAFT,
        state__in=Annex.WAITING,
    ).order_by("pk")
    outbox.enqueue_all(
        "offer_moved_for_signatory",
        (
            (address, {"annex": str(pk), "link_hash": link_hash, "entry": entry.pk}, dossier)
            for pk, address, link_hash, dossier in waiting.values_list("pk", "signatory_email", "link_hash", "dossier")
        ),
    )
