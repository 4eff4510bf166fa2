"""The candidate's pages: their applications, a dossier, its sections, its filing."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods

from applications import (
    circuit,
    correspondence,
    documents,
    filing,
    late_signatures,
    lifecycle,
    reopening,
    requirements,
    starting,
)
from applications.forms import FileForm, StartForm, WithdrawForm
from applications.models import Application, CommissionMember
from applications.views.access import own_application, own_draft
from dossiers.completeness import completeness
from dossiers.content import dossier_content
from dossiers.models import RequirementChange
from offers.models import Offer
from portal import typed_text
from portal.forms import SectionForm
from portal.workflow import TransitionRefused


@typed_text.login_required()
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Before the work: the conditions, the few questions that tell who can apply, then one box to tick."""
    offer = get_object_or_404(Offer.objects.public().select_related("institution"), slug=slug)
    current = offer.applications.of_candidate(request.user).in_hand().first()
    if current:
        return redirect(current)
    questions = offer.kind_definition.screening(offer.parameters)
    typed = request.POST or None
    if kept := typed_text.give_back(request):
        typed = kept.posted
    form = StartForm(request.POST or None, initial=typed and typed.dict())
    asked = SectionForm(questions, typed, check=False) if questions else None
    screened = starting.Screened()
    if request.method == "POST":
        answers = asked.raw() if asked else {}
        screened = starting.screen(questions, answers)
        if asked:
            asked.add_problems(screened.errors)
        sure = not screened.doubts or request.POST.get("doubts") == "known"
        if form.is_valid() and not screened.errors and not screened.obstacles and sure:
            try:
                return _begun(request, starting.start(offer, request.user, answers))
            except TransitionRefused as refusal:
                messages.error(request, str(refusal))
                return redirect(offer)
    context = {
        "offer": offer,
        "form": form,
        "asked": asked,
        "screened": screened,
        "conditions": offer.kind_definition.eligibility(offer.parameters),
        "spec": offer.kind_definition.dossier_spec(offer.parameters),
        "is_open": offer.is_open(),
        "sits": CommissionMember.objects.filter(user=request.user, commission__offers=offer).exists(),
    }
    return render(request, "applications/start.html", context)


def _begun(request: HttpRequest, application: Application) -> HttpResponse:
    """To the dossier; by way of the answers of an earlier one, where the person came from there."""
    source = request.GET.get("depuis", "")
    if not source:
        return redirect(application)
    address = reverse("applications:take_over", args=[application.pk])
    return redirect(f"{address}?{urlencode({'depuis': source})}")


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    parts = ("dossier__answers", "dossier__pieces", "dossier__annexes")
    applications = Application.objects.of_candidate(request.user).select_related("offer__institution", "dossier")
    rows = [
        (application, completeness(application.dossier) if application.is_draft else None)
        for application in applications.prefetch_related(*parts)
    ]
    return render(request, "applications/list.html", {"rows": rows})


@login_required
@require_GET
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The dossier at a glance while it is prepared; what became of it afterwards."""
    others = Application.objects.of_candidate(request.user).exclude(pk=pk)
    told = RequirementChange.objects.filter(dossier=OuterRef("dossier"), seen_at=None)
    application = own_application(request, pk, can_take_over=Exists(others), was_told=Exists(told))
    if application.is_draft:
        state = completeness(application.dossier)
        asked = circuit.with_questions([step.annex for step in state.annexes if step.annex])
        context = {
            "application": application,
            "offer": application.offer,
            "state": state,
            "question": next((annex.open_question for annex in asked if annex.open_question), None),
            "next_step": state.next_step(application.offer.days_left),
            "is_open": application.offer.is_open(),
            "is_ready": filing.is_ready(application.offer, state),
            "changes": requirements.unseen(application) if application.was_told else [],
            "can_take_over": application.can_take_over,
            "refusal": reopening.refusal(application),
            "chases": correspondence.chases(application.dossier, state),
        }
        return render(request, "applications/draft.html", context)
    context = {
        "application": application,
        "offer": application.offer,
        "transitions": application.transitions.all(),
        "documents": documents.latest(application),
        "late_annexes": circuit.with_questions(late_signatures.late_annexes(application)),
        "awaited_from": _awaited_from(application),
        "can_reopen": reopening.can_reopen(application),
        "replacement": application.replaced_by.exclude(state=Application.State.WITHDRAWN).first(),
        "can_withdraw": "withdraw" in {move.name for move in lifecycle.WORKFLOW.available(application, request.user)},
    }
    return render(request, "applications/filed.html", context)


def _awaited_from(application: Application) -> str:
    """Who has a say in this dossier now: its service, and a commission where the offer has one; "" for nobody."""
    if application.state not in {Application.State.FILED, Application.State.ADMISSIBLE}:
        return ""
    return "commission" if application.offer.commissions.exists() else "service"


@login_required
@require_GET
def thread(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The mails about this dossier to the candidate and the signatories, and the links that were opened."""
    application = own_application(request, pk)
    events = correspondence.thread(application, correspondence.FOR_CANDIDATE)
    context = {"application": application, "offer": application.offer, "events": events}
    return render(request, "applications/thread.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def recap(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything on one page, as the commission will read it; and the filing itself."""
    received_at = timezone.now()
    application = own_draft(request, pk)
    form = FileForm(request.POST or None)
    refusals: tuple[str, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            lifecycle.file_application(application, actor=request.user, received_at=received_at)
            messages.success(request, "Votre dossier est déposé. Voici votre accusé de réception.")
            return redirect("applications:receipt", application.pk)
        except TransitionRefused as refusal:
            refusals = refusal.reasons
    state = completeness(application.dossier)
    context = {
        "application": application,
        "offer": application.offer,
        "state": state,
        "is_ready": filing.is_ready(application.offer, state),
        "content": dossier_content(application.dossier, filing.document_context(application)),
        "form": form,
        "refusals": refusals,
        "is_open": application.offer.is_open(received_at),
    }
    return render(request, "applications/recap.html", context, status=409 if refusals else 200)


@typed_text.login_required()
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    application = own_application(request, pk)
    kept = typed_text.take(request)
    form = WithdrawForm(request.POST or None, initial=kept and kept.posted.dict())
    if request.method == "POST" and form.is_valid():
        try:
            lifecycle.WORKFLOW.run(application, "withdraw", actor=request.user, reason=form.cleaned_data["reason"])
            messages.success(request, "Votre candidature est retirée.")
            return redirect("applications:list")
        except TransitionRefused as refusal:
            messages.error(request, str(refusal))
            return redirect(application)
    return render(
        request, "applications/withdraw.html", {"application": application, "offer": application.offer, "form": form}
    )
