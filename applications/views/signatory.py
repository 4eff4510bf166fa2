"""The signatory's page: one link, no account, three minutes."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from applications import circuit
from applications.forms import DeclineForm, OpinionForm
from dossiers.content import fingerprint
from dossiers.models import Annex
from dossiers.signing import annex_of_link, seen_by_signatory
from portal.forms import SectionForm
from portal.workflow import TransitionRefused


def _dead_link(request: HttpRequest, annex: Annex | None) -> HttpResponse:
    """What to do with a link that no longer works; says nothing of the dossier to who does not hold the right link."""
    return render(request, "signatory/dead_link.html", {"annex": annex}, status=410 if annex else 404)


def _private(response: HttpResponse) -> HttpResponse:
    """No other site learns the address, which is the key: `same-origin` for all pages (settings), and no index."""
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def annex(request: HttpRequest, token: str) -> HttpResponse:
    """Read what concerns this opinion, write it, sign. Opening the page never signs."""
    received_at = timezone.now()
    found = annex_of_link(token)
    if found is None:
        return _private(_dead_link(request, None))
    if found.state in {Annex.State.SIGNED, Annex.State.DECLINED}:
        return _private(render(request, "signatory/answered.html", _context(found)))
    if not circuit.is_alive(found):
        return _private(_dead_link(request, found))
    if request.method == "POST":
        return _private(_sign(request, found, token, received_at))
    if request.method == "GET":
        found = circuit.note_opening(found)
    opinion, own = _forms(found)
    return _private(_page(request, found, token, opinion, own))


def _forms(annex: Annex, data=None) -> tuple[OpinionForm, SectionForm]:
    """The opinion, and the annex's own fields, judged in the light of the opinion."""
    opinion = OpinionForm(data, text_label=annex.spec.text_label)
    section = annex.spec.form_section
    own = SectionForm(section, data, check=False, prefix="annexe")
    if data is not None:
        given = {"opinion": data.get("opinion", "")}
        own.add_problems(problem for problem in section.clean(own.raw(), given).problems if problem.blocking)
    return opinion, own


def _context(annex: Annex) -> dict:
    application = annex.dossier.application
    return {
        "annex": annex,
        "spec": annex.spec,
        "offer": application.offer,
        "candidate": application.candidate,
        "closes_at": circuit.closes_at(annex),
        "is_alive": circuit.is_alive(annex),
    }


def _page(request, annex: Annex, token: str, opinion: OpinionForm, own: SectionForm, **extra) -> HttpResponse:
    seen = seen_by_signatory(annex)
    context = _context(annex) | {
        "token": token,
        "seen": seen,
        "seen_fingerprint": fingerprint(seen),
        "opinion_form": opinion,
        "own_form": own,
        "decline_form": extra.pop("decline_form", DeclineForm()),
    }
    return render(request, "signatory/annex.html", context | extra)


def _sign(request: HttpRequest, annex: Annex, token: str, received_at: datetime) -> HttpResponse:
    opinion, own = _forms(annex, request.POST)
    if not (opinion.is_valid() & own.is_valid()):
        return _page(request, annex, token, opinion, own)
    answer = {
        "opinion": opinion.cleaned_data["opinion"],
        "text": opinion.cleaned_data["text"],
        "fields": own.raw(),
    }
    try:
        circuit.sign(annex, answer, seen=request.POST.get("seen") or "unknown", at=received_at)
    except TransitionRefused as refusal:
        return _page(request, annex, token, opinion, own, refusals=refusal.reasons)
    return redirect("signatory:annex", token)


@never_cache
@require_http_methods(["POST"])
def decline(request: HttpRequest, token: str) -> HttpResponse:
    received_at = timezone.now()
    found = annex_of_link(token)
    if found is None or not (found.is_waiting and circuit.is_alive(found)):
        return annex(request, token) if found is None else redirect("signatory:annex", token)
    form = DeclineForm(request.POST)
    if form.is_valid():
        with suppress(TransitionRefused):  # answered this very moment: the page says so
            circuit.decline(found, form.cleaned_data["reason"], at=received_at)
        return redirect("signatory:annex", token)
    opinion, own = _forms(found)
    return _private(_page(request, found, token, opinion, own, decline_form=form))
