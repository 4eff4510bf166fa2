"""Who reaches what: every view of this app fetches its object here, so that a stranger gets a 404 and nothing more."""

from __future__ import annotations

from uuid import UUID

from django.db.models.expressions import Combinable
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from applications.models import Application, Session
from dossiers.models import Dossier

WITH_OFFER = ("offer__institution", "dossier", "candidate")


def own_application(request: HttpRequest, pk: UUID, **more: Combinable) -> Application:
    """more: what else to ask in the same query."""
    own = Application.objects.of_candidate(request.user).select_related(*WITH_OFFER)
    return get_object_or_404(own.annotate(**more), pk=pk)


def own_draft(request: HttpRequest, pk: UUID) -> Application:
    """The candidate's application while its dossier can still be written."""
    application = own_application(request, pk)
    if not application.is_draft:
        raise NotADraft(application)
    return application


def own_circuit(request: HttpRequest, pk: UUID, key: str) -> Application:
    """The candidate's application while this annex may move: in preparation, or filed before its opinion came."""
    application = own_application(request, pk)
    if not application.is_draft and not application.dossier.annexes.filter(key=key, late=True).exists():
        raise NotADraft(application)
    return application


def examined_application(request: HttpRequest, pk: UUID) -> Application:
    """A complete dossier of one of the member's commissions, unless they recused themselves."""
    return get_object_or_404(
        Application.objects.readable_by_member(request.user).select_related(*WITH_OFFER, "dossier__frozen"), pk=pk
    )


def member_session(request: HttpRequest, pk: int) -> Session:
    """A session of one of the commissions where this person sits."""
    return get_object_or_404(Session.objects.of_member(request.user).select_related("commission"), pk=pk)


def spec_part(dossier: Dossier, part: str, key: str):
    """The section, piece or annex of this key: 404 for one that the dossier does not have."""
    try:
        return getattr(dossier.spec, f"{part}_by_key")[key]
    except KeyError as error:
        raise Http404 from error


class NotADraft(Exception):
    """The dossier was filed or withdrawn: it is read, no longer written."""

    def __init__(self, application: Application):
        self.application = application
