"""The commission's pages: the complete dossiers of one's commissions, an opinion, a recusal."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from applications import documents, late_signatures
from applications.commission import sessions
from applications.commission.opinions import record_recusal, record_review
from applications.commission.reading import OPINIONS, ORDERS, Reading
from applications.forms import RecusalForm, ReviewForm
from applications.models import Application, CommissionMember, Review
from applications.views.access import examined_application, member_session
from portal import typed_text
from portal.workflow import TransitionRefused


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The member's list, with what remains to read first."""
    if not CommissionMember.objects.filter(user=request.user).exists():
        raise PermissionDenied
    reading = Reading.of(request.user, request.GET)
    mine = Prefetch("reviews", Review.objects.filter(member=request.user), to_attr="my_reviews")
    applications = reading.listed().select_related("offer", "candidate").prefetch_related(mine)
    context = {
        "page": Paginator(applications, 25).get_page(request.GET.get("page")),
        "sessions": sessions.upcoming(request.user),
        "reading": reading,
        "orders": [(key, label) for key, (label, _) in ORDERS.items()],
        "opinions": OPINIONS.items(),
        "sought": reading.sought(),
        "offers": [(str(offer.pk), offer.title) for offer in reading.offers()],
    }
    return render(request, "commission/list.html", context)


@login_required
@require_GET
def session(request: HttpRequest, pk: int) -> HttpResponse:
    """A session of one's commission: when, where, its agenda, and the dossiers one reports on."""
    session = member_session(request, pk)
    lines = sessions.agenda_seen_by(session, request.user)
    minutes = sessions.minutes_read_by(session, request.user).select_related("document").first()
    context = {
        "session": session,
        "lines": lines,
        "mine": sum(line.is_mine for line in lines),
        "readable": sum(line.readable for line in lines),
        "minutes": getattr(minutes, "document", None),
    }
    return render(request, "commission/session.html", context)


@login_required
@require_GET
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    application = examined_application(request, pk)
    if kept := typed_text.give_back(request):
        typed = kept.posted.dict()
        if "reasons" in typed:
            mine = application.reviews.filter(member=request.user).first()
            return _detail(request, application, review_form=ReviewForm(instance=mine, initial=typed))
        return _detail(request, application, recusal_form=RecusalForm(initial=typed))
    return _detail(request, application)


def _detail(request: HttpRequest, application: Application, **forms) -> HttpResponse:
    mine = application.reviews.filter(member=request.user).first()
    reading = Reading.of(request.user, request.GET)
    context = {
        "place": reading.place(application.pk),
        "query": reading.query,
        "application": application,
        "offer": application.offer,
        "content": application.dossier.frozen.content,
        "late_annexes": late_signatures.late_annexes(application),
        "documents": documents.latest(application),
        "review": mine,
        "review_form": forms.get("review_form") or ReviewForm(instance=mine),
        "recusal_form": forms.get("recusal_form") or RecusalForm(),
    }
    return render(request, "commission/detail.html", context)


def _its_page(pk: UUID) -> str:
    return reverse("commission:detail", args=[pk])


@typed_text.login_required(_its_page)
@require_http_methods(["POST"])
def review(request: HttpRequest, pk: UUID) -> HttpResponse:
    application = examined_application(request, pk)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _detail(request, application, review_form=form)
    try:
        record_review(application, request.user, form.cleaned_data["opinion"], form.cleaned_data["reasons"])
        messages.success(request, "Votre avis est enregistré. Vous pouvez le modifier jusqu’à la décision.")
    except TransitionRefused as refusal:
        messages.error(request, str(refusal))
    query = Reading.of(request.user, request.GET).query
    return redirect(f"{_its_page(pk)}?{query}" if query else _its_page(pk))


@typed_text.login_required(_its_page)
@require_http_methods(["POST"])
def recuse(request: HttpRequest, pk: UUID) -> HttpResponse:
    application = examined_application(request, pk)
    form = RecusalForm(request.POST)
    if not form.is_valid():
        return _detail(request, application, recusal_form=form)
    try:
        record_recusal(application, request.user, form.cleaned_data["reason"])
    except TransitionRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("commission:detail", application.pk)
    messages.success(request, "Votre déport est enregistré. Ce dossier ne vous est plus présenté.")
    return redirect("commission:list")
