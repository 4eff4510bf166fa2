"""Reopen a filed dossier before the deadline: a new draft beside it, that takes its place once it is filed in turn.

Until then the filed one stands, untouched: whoever gives up halfway has lost nothing (promise 5).
"""

from __future__ import annotations

from django.db import transaction

from applications.models import Application
from dossiers.carrying import reopen_content
from dossiers.models import Dossier
from portal.accounts.models import User
from portal.workflow import TransitionRefused


def can_reopen(application: Application) -> bool:
    return application.state in Application.REPLACEABLE and application.offer.is_open()


def reopen(application: Application) -> Application:
    """The draft that would replace this filed application: the one in hand, or a new one with all that it held."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=application.candidate_id)  # a double click makes one draft
        application.refresh_from_db()
        if application.state not in Application.REPLACEABLE:
            state = application.get_state_display().lower()
            raise TransitionRefused(f"Ce dossier ne peut plus être rouvert : {state}.")
        current = application.replaced_by.exclude(state=Application.State.WITHDRAWN).first()
        if current:
            return current
        if not application.offer.is_open():
            raise TransitionRefused("Cette offre n’accepte plus de dépôt : votre dossier déposé ne change plus.")
        offer = application.offer
        dossier = Dossier.objects.create(owner=application.candidate, kind=offer.kind, parameters=offer.parameters)
        reopen_content(application.dossier, dossier)
        return Application.objects.create(
            offer=offer, candidate=application.candidate, dossier=dossier, replaces=application
        )
