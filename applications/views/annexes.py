"""The candidate's annexes: who is asked, what they will read, what became of it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import resolve, reverse
from django.views.decorators.http import require_http_methods, require_POST

from applications import circuit, circuit_mails, papers
from applications.forms import QuestionAnswerForm, SignatoryForm
from applications.models import Application
from applications.views.access import own_application, own_circuit, own_draft, spec_part
from dossiers.models import Annex, Question
from dossiers.signoffs import changes_since, seen_by_signatory
from portal import typed_text
from portal.workflow import TransitionRefused


@typed_text.login_required()
@require_http_methods(["GET", "POST"])
def annex(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    """Name the signatory, read the message as it will leave, send it; then follow it."""
    application = own_circuit(request, pk, key)
    spec_part(application.dossier, "annex", key)
    current = _annex_of(application, key)
    form = SignatoryForm(request.POST or None, instance=current, candidate_email=application.candidate.email)
    if kept := typed_text.give_back(request):
        return _give_back(request, application, current, kept)
    if request.method == "POST":
        if form.is_valid():
            return _name(request, application, key, form.cleaned_data)
        current = _annex_of(application, key)
    return _page(request, application, current, form=form)


def _give_back(request: HttpRequest, application: Application, annex: Annex, kept: typed_text.Typed) -> HttpResponse:
    """In the form that it was typed in: the signatory's name, or the answer to a question."""
    typed, email = kept.posted.dict(), application.candidate.email
    if "answer" not in typed:
        named = SignatoryForm(instance=annex, initial=typed, candidate_email=email)
        return _page(request, application, annex, form=named, shows_form=True)
    question_pk = int(resolve(kept.to).kwargs["question_pk"])
    answers = {question_pk: QuestionAnswerForm(initial=typed)}
    unbound = SignatoryForm(instance=annex, candidate_email=email)
    return _page(request, application, annex, form=unbound, answers=answers)


def _annex_of(application: Application, key: str) -> Annex:
    found = Annex.objects.filter(dossier=application.dossier, key=key).select_related("sign_off").first()
    found = found or Annex(key=key)
    found.dossier = application.dossier
    found.dossier.application = application
    return found


def _with_forms(annex: Annex, answers: dict[int, QuestionAnswerForm]) -> list[tuple[Question, QuestionAnswerForm]]:
    """The questions, each with the form of its answer, in its own name."""
    questions = [] if annex._state.adding else annex.questions.all()
    forms = [(question, answers.get(question.pk) or QuestionAnswerForm()) for question in questions]
    for question, form in forms:
        form.auto_id = f"id_{question.pk}_%s"
    return forms


def _page(request: HttpRequest, application: Application, annex: Annex, *, form, answers=None, **extra) -> HttpResponse:
    is_ready = annex.state == Annex.State.TO_SEND and annex.signatory_email and annex.signatory_name
    shows_form = not is_ready or form.is_bound or "modifier" in request.GET
    context = {
        "application": application,
        "offer": application.offer,
        "spec": annex.spec,
        "annex": annex,
        "form": form,
        "shows_form": shows_form,
        "letter": None if shows_form or annex.state != Annex.State.TO_SEND else circuit_mails.preview(annex),
        "closes_at": circuit.closes_at(annex),
        "takes_paper": papers.takes_paper(annex),
        "may_resend": annex.is_asked and (circuit.is_alive(annex) if annex.late else application.offer.is_open()),
        "is_open": application.offer.is_open(),
        "confirmation_blocks": application.dossier.spec.confirmation_blocks,
        "changed": changes_since(annex.sign_off) if annex.state == Annex.State.SIGNED else [],
        "seen": seen_by_signatory(annex),
        "questions": _with_forms(annex, answers or {}),
        "former_links": [] if annex._state.adding else annex.former_links.all(),
        "transitions": [] if annex._state.adding else annex.transitions.all(),
    }
    return render(request, "applications/annex.html", context | extra)


def _name(request, application: Application, key: str, signatory: dict[str, str]) -> HttpResponse:
    try:
        named = circuit.name_signatory(application, key, signatory)
        if not named.is_waiting:
            messages.success(request, "Le signataire est enregistré. Relisez le message, puis envoyez-le.")
    except TransitionRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("applications:annex", application.pk, key)


MOVES = {
    "envoyer": (circuit.invite, "La demande part à l’instant."),
    "renvoyer": (circuit.resend, "La demande est renvoyée."),
    "relancer": (circuit.resend, "La personne est relancée : le message part à l’instant."),
    "remplacer": (circuit.replace, "La demande est retirée. Indiquez un autre signataire."),
    "confirmer": (circuit.ask_confirmation, "La confirmation est demandée : le message part à l’instant."),
    "retirer": (circuit.revoke, "La demande est retirée : le lien envoyé ne fonctionne plus."),
}
TO_THE_DOSSIER = {"envoyer", "relancer"}


@login_required
@require_POST
def move_annex(request: HttpRequest, pk: UUID, key: str, move: str) -> HttpResponse:
    after_filing = move == "relancer" and own_application(request, pk).was_filed
    application = own_application(request, pk) if after_filing else own_draft(request, pk)
    if move not in MOVES:
        raise Http404
    current = get_object_or_404(Annex, dossier=application.dossier, key=key)
    act, done = MOVES[move]
    try:
        act(current, actor=request.user)
        messages.success(request, done)
        if move in TO_THE_DOSSIER:
            return redirect(application)
    except TransitionRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("applications:annex", application.pk, key)


@login_required
@require_POST
def send_all(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every request whose signatory is named leaves, one message to each person."""
    application = own_draft(request, pk)
    try:
        sent = circuit.invite_all(application, actor=request.user)
        people = len({annex.signatory_email for annex in sent})
        messages.success(request, f"{len(sent)} demande(s) partent, à {people} personne(s).")
    except TransitionRefused as refusal:
        messages.error(request, str(refusal))
    return redirect(application)


@typed_text.login_required(lambda pk, key, question_pk: reverse("applications:annex", args=[pk, key]))
@require_POST
def answer_question(request: HttpRequest, pk: UUID, key: str, question_pk: int) -> HttpResponse:
    application = own_circuit(request, pk, key)
    question = get_object_or_404(Question, pk=question_pk, annex__dossier=application.dossier, annex__key=key)
    form = QuestionAnswerForm(request.POST)
    if not form.is_valid():
        current = _annex_of(application, key)
        unbound = SignatoryForm(instance=current, candidate_email=application.candidate.email)
        return _page(request, application, current, form=unbound, answers={question.pk: form}, is_wrong=True)
    try:
        circuit.answer_question(question, form.cleaned_data["answer"])
        messages.success(request, "Votre réponse est envoyée.")
    except TransitionRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("applications:annex", application.pk, key)
