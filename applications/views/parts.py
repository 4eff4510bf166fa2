"""The candidate's annexes."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from applications import circuit
from applications.forms import SignatoryForm
from applications.models import Application
from applications.views.access import own_draft, spec_part
from dossiers.models import Annex
from dossiers.signing import seen_by_signatory
from portal.workflow import TransitionRefused


@login_required
@require_http_methods(["GET", "POST"])
def annex(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    """Name the signatory, see what they will read, then send."""
    application = own_draft(request, pk)
    spec = spec_part(application.dossier, "annex", key)
    current = Annex.objects.filter(dossier=application.dossier, key=key).first()
    current = current or Annex(dossier=application.dossier, key=key)
    form = SignatoryForm(request.POST or None, instance=current, candidate_email=application.candidate.email)
    if request.method == "POST":
        if form.is_valid():
            return _name_and_perhaps_send(request, application, key, form.cleaned_data)
        current = Annex.objects.filter(pk=current.pk).first() or Annex(dossier=application.dossier, key=key)
    context = {
        "application": application,
        "offer": application.offer,
        "spec": spec,
        "annex": current,
        "form": form,
        "closes_at": circuit.closes_at(current),
        "is_open": application.offer.is_open(),
        "seen": seen_by_signatory(current),
        "transitions": current.transitions.all() if not current._state.adding else (),
    }
    return render(request, "applications/annex.html", context)


def _name_and_perhaps_send(request, application: Application, key: str, signatory: dict[str, str]) -> HttpResponse:
    try:
        named = circuit.name_signatory(application, key, signatory)
        if "send" in request.POST or named.is_waiting:
            if not named.is_waiting:
                circuit.invite(named, actor=request.user)
            messages.success(request, f"La demande part à {named.signatory_email}.")
            return redirect("applications:detail", application.pk)
        messages.success(request, "Le signataire est enregistré. La demande n’est pas encore envoyée.")
    except TransitionRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("applications:annex", application.pk, key)


MOVES = {
    "envoyer": (circuit.invite, "La demande part à l’instant."),
    "renvoyer": (circuit.resend, "La demande est renvoyée."),
    "relancer": (circuit.resend, "La personne est relancée : le message part à l’instant."),
    "remplacer": (circuit.replace, "La demande est retirée. Indiquez un autre signataire."),
}


@login_required
@require_POST
def move_annex(request: HttpRequest, pk: UUID, key: str, move: str) -> HttpResponse:
    application = own_draft(request, pk)
    if move not in MOVES:
        raise Http404
    current = get_object_or_404(Annex, dossier=application.dossier, key=key)
    act, done = MOVES[move]
    try:
        act(current, actor=request.user)
        messages.success(request, done)
    except TransitionRefused as refusal:
        messages.error(request, str(refusal))
    if move == "relancer":  # asked from the dossier's page
        return redirect(application)
    return redirect("applications:annex", application.pk, key)
