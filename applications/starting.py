"""Begin an application."""

from __future__ import annotations

from django.db import transaction

from applications.models import Application
from dossiers.models import Dossier
from offers.models import Offer
from portal.accounts.models import User
from portal.workflow import TransitionRefused


def start(offer: Offer, candidate: User) -> Application:
    """The candidate's application to this offer: the one in hand, or a new draft while the offer is open."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=candidate.pk)  # a double click makes one application
        current = offer.applications.of_candidate(candidate).exclude(state=Application.State.WITHDRAWN).first()
        if current:
            return current
        if not offer.is_open():
            raise TransitionRefused("Cette offre n’accepte plus de candidature.")
        dossier = Dossier.objects.create(owner=candidate, kind=offer.kind, parameters=offer.parameters)
        return Application.objects.create(offer=offer, candidate=candidate, dossier=dossier)
