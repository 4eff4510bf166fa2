"""The candidate's pages: their applications, a dossier, its sections, its filing."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from applications import correspondence, filing, lifecycle, starting
from applications.forms import FileForm, StartForm, WithdrawForm
from applications.models import Application
from applications.views.access import own_application, own_draft, spec_part
from applications.views.files import documents_of
from dossiers.answers import ChangedMeanwhile, save_answers
from dossiers.completeness import completeness
from dossiers.content import dossier_content, section_content
from dossiers.spec import SectionSpec
from offers.models import Offer
from portal.forms import SectionForm
from portal.workflow import TransitionRefused


@login_required
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Before the work: the conditions, then one box to tick."""
    offer = get_object_or_404(Offer.objects.public().select_related("institution"), slug=slug)
    current = offer.applications.of_candidate(request.user).exclude(state=Application.State.WITHDRAWN).first()
    if current:
        return redirect(current)
    form = StartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(starting.start(offer, request.user))
        except TransitionRefused as refusal:
            messages.error(request, str(refusal))
            return redirect(offer)
    context = {
        "offer": offer,
        "form": form,
        "conditions": offer.kind_definition.eligibility(offer.parameters),
        "spec": offer.kind_definition.dossier_spec(offer.parameters),
        "is_open": offer.is_open(),
    }
    return render(request, "applications/start.html", context)


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    applications = Application.objects.of_candidate(request.user).select_related("offer__institution")
    return render(request, "applications/list.html", {"applications": applications})


@login_required
@require_GET
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The dossier at a glance while it is prepared; what became of it afterwards."""
    application = own_application(request, pk)
    if application.is_draft:
        state = completeness(application.dossier)
        context = {
            "application": application,
            "offer": application.offer,
            "state": state,
            "next_step": state.next_step(application.offer.days_left),
            "is_open": application.offer.is_open(),
            "chases": correspondence.chases(application.dossier, state),
        }
        return render(request, "applications/draft.html", context)
    context = {
        "application": application,
        "offer": application.offer,
        "transitions": application.transitions.all(),
        "documents": documents_of(application),
        "can_withdraw": "withdraw" in {move.name for move in lifecycle.WORKFLOW.available(application, request.user)},
    }
    return render(request, "applications/filed.html", context)


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
def section(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    """One section. Whatever is typed is saved, right or wrong; what is wrong is then told beside its field."""
    application = own_draft(request, pk)
    spec = spec_part(application.dossier, "section", key)
    if request.method == "POST":
        return _save_section(request, application, spec)
    stored = application.dossier.answers.filter(section=key).first()
    raw = stored.raw if stored else _prefilled(application, spec)
    check = request.GET.get("verifier") == "1"
    form = SectionForm.from_raw(spec, raw, check=check)
    if stored and not check:
        form.add_problems(problem for problem in spec.clean(raw).problems if not problem.missing)
    return _section_page(request, application, spec, form, stored.version if stored else 0)


def _save_section(request: HttpRequest, application: Application, spec: SectionSpec) -> HttpResponse:
    form = SectionForm(spec, request.POST, check=False)
    raw = form.raw()
    shown = request.POST.get("version", "")
    try:
        version = save_answers(application.dossier, spec.key, raw, shown=int(shown) if shown.isdecimal() else None)
    except ChangedMeanwhile as change:
        other = section_content(spec, change.stored.raw)
        return _section_page(
            request, application, spec, form, change.stored.version, other=other, saved_at=change.stored.saved_at
        )
    wrong = [problem for problem in spec.clean(raw).problems if not problem.missing]
    if any(problem.blocking for problem in wrong):
        form.add_problems(wrong)
        messages.warning(request, "Vos réponses sont enregistrées. Certaines sont à corriger.")
        return _section_page(request, application, spec, form, version)
    messages.success(request, f"« {spec.title} » est enregistré.")
    return redirect(*_next_place(application, spec.key, request.POST.get("next")))


def _section_page(request, application: Application, spec: SectionSpec, form: SectionForm, version: int, **extra):
    """version: of the stored answers that the form is to replace. other: those answers, where both are to be seen."""
    context = _stepper(application, spec.key) | {"form": form, "spec": spec, "version": version} | extra
    return render(request, "applications/section.html", context, status=409 if "other" in extra else 200)


def _prefilled(application: Application, spec: SectionSpec) -> dict[str, str]:
    """What the account already tells, so that it is not typed twice."""
    candidate = application.candidate
    known = {"full_name": candidate.get_full_name(), "email": candidate.email}
    return {name: value for name, value in known.items() if name in spec.by_name}


def _stepper(application: Application, key: str) -> dict:
    sections = application.dossier.spec.sections
    keys = [section.key for section in sections]
    position = keys.index(key)
    return {
        "application": application,
        "offer": application.offer,
        "position": position + 1,
        "total": len(sections),
        "previous": sections[position - 1] if position else None,
        "following": sections[position + 1] if position + 1 < len(sections) else None,
    }


def _next_place(application: Application, key: str, wish: str | None) -> tuple:
    following = _stepper(application, key)["following"]
    if wish == "following" and following:
        return "applications:section", application.pk, following.key
    return "applications:detail", application.pk


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
    context = {
        "application": application,
        "offer": application.offer,
        "state": completeness(application.dossier),
        "content": dossier_content(application.dossier, filing.document_context(application)),
        "form": form,
        "refusals": refusals,
        "is_open": application.offer.is_open(received_at),
    }
    return render(request, "applications/recap.html", context, status=409 if refusals else 200)


@login_required
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    application = own_application(request, pk)
    form = WithdrawForm(request.POST or None)
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
