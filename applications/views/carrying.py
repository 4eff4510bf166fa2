"""From one dossier to another: reopen a filed one, take answers over, apply elsewhere with them, take all away."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from applications import archive, reopening, requirements, zip_stream
from applications.models import Application
from applications.views.access import own_application, own_draft
from applications.views.files import zipped
from dossiers.carrying import answers_to_take, take_answers
from offers.models import Offer
from portal.workflow import TransitionRefused

PER_PAGE = 20


@login_required
@require_POST
def reopen(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new draft with all that the filed dossier holds; the filed one stands until the new one is filed."""
    application = own_application(request, pk)
    try:
        draft = reopening.reopen(application)
    except TransitionRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(application)
    messages.success(
        request, "Votre dossier est rouvert. Celui que vous avez déposé reste valable jusqu’au nouveau dépôt."
    )
    return redirect(draft)


@login_required
@require_http_methods(["GET", "POST"])
def take_over(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The answers of an earlier dossier that this one still misses: all ticked, for the person to choose."""
    application = own_draft(request, pk)
    others = Application.objects.of_candidate(request.user).exclude(pk=pk).select_related("offer", "dossier")
    asked = request.POST.get("depuis") or request.GET.get("depuis") or ""
    sources = list(others.prefetch_related("dossier__answers"))
    source = next((other for other in sources if str(other.pk) == asked), sources[0] if sources else None)
    if request.method == "POST" and source:
        count = take_answers(application.dossier, source.dossier, request.POST.getlist("answers"))
        told = f"{count} réponses reprises : relisez-les." if count > 1 else f"{count} réponse reprise."
        messages.success(request, told if count else "Aucune réponse reprise.")
        return redirect(application)
    offered = answers_to_take(application.dossier, source.dossier) if source else []
    context = {
        "application": application,
        "offer": application.offer,
        "source": source,
        "sources": sources,
        "offered": offered,
    }
    return render(request, "applications/take_over.html", context)


@login_required
@require_POST
def seen(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The candidate has read what the offer asks for now."""
    application = own_draft(request, pk)
    requirements.unseen(application).update(seen_at=timezone.now())
    return redirect(application)


@login_required
@require_GET
def elsewhere(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The open offers where these answers may serve, those of the same kind first."""
    application = own_application(request, pk)
    taken = Application.objects.of_candidate(request.user).in_hand().values("offer")
    other_kind = Case(When(kind=application.offer.kind, then=False), default=True)
    offers = Offer.objects.open().exclude(pk__in=taken).order_by(other_kind, "title", "pk")
    shown = offers.only("kind", "slug", "title", "deadline", "institution__name").select_related("institution")
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    context = {"application": application, "offer": application.offer, "page": page}
    return render(request, "applications/elsewhere.html", context)


@login_required
@require_GET
def download(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything that the candidate gave for this application."""
    application = get_object_or_404(
        Application.objects.of_candidate(request.user).select_related(
            "offer__institution", "dossier__frozen", "candidate"
        ),
        pk=pk,
    )
    name = f"candidature-{application.number or slugify(application.offer.title)[:60]}.zip"
    return zipped(zip_stream.stream(archive.entries(application)), name)
