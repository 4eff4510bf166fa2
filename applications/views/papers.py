"""Annexes on paper: print, scan, place; for the candidate, and for a signatory who would rather sign by hand."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from applications import circuit, papers
from applications.forms import PaperForm, ScansForm
from applications.models import Application
from applications.views.access import own_circuit, own_draft, spec_part
from applications.views.files import private
from applications.views.links import by_link
from dossiers import on_demand, paper, signing
from dossiers.models import Annex, Piece
from portal.workflow import TransitionRefused


@login_required
@require_GET
def printed(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    application = own_circuit(request, pk, key)
    spec_part(application.dossier, "annex", key)
    annex, _ = Annex.objects.get_or_create(dossier=application.dossier, key=key)
    return _sheet(request, annex)


def _sheet(request: HttpRequest, annex: Annex) -> HttpResponse:
    """The PDF to sign by hand, or the page that waits for it."""
    printing = papers.sheet(annex, again="encore" in request.GET)
    number = annex.spec.number
    if printing.state != "ready":
        return on_demand.wait_page(request, printing, f"Annexe {number} à signer à la main")
    headers = {"Content-Disposition": f'inline; filename="annexe-{number}-a-signer.pdf"'}
    return on_demand.answer(
        request, lambda: private(HttpResponse(printing.pdf, content_type="application/pdf", headers=headers))
    )


@login_required
@require_http_methods(["GET", "POST"])
def sign(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    """Give the scan of a signed annex, and say what it says."""
    received_at = timezone.now()  # before the upload is read
    application = own_circuit(request, pk, key)
    spec = spec_part(application.dossier, "annex", key)
    annex = Annex.objects.filter(dossier=application.dossier, key=key).first()
    annex = annex or Annex(dossier=application.dossier, key=key)
    if annex.late and not papers.takes_paper(annex):
        return redirect("applications:annex", application.pk, key)
    scan = application.dossier.pieces.filter(key=paper.scan_key(key)).last()
    form = PaperForm(request.POST or None, request.FILES or None, instance=annex, has_scan=scan is not None)
    if request.method == "POST" and form.is_valid() and _signed(request, application, key, form, received_at):
        return redirect("applications:annex", application.pk, key)
    context = {"application": application, "offer": application.offer, "spec": spec, "form": form, "scan": scan}
    return render(request, "applications/paper.html", context)


def _signed(request: HttpRequest, application: Application, key: str, form: PaperForm, received_at: datetime) -> bool:
    annex, _ = Annex.objects.get_or_create(dossier=application.dossier, key=key)
    try:
        _sign(annex, form, received_at, actor=request.user)
        messages.success(request, "L’annexe est signée sur papier. Le scan est vérifié dans un instant.")
        return True
    except TransitionRefused as refusal:
        form.add_error(None, str(refusal))
    except ValidationError as error:
        form.add_error("file", error)
    return False


def _sign(annex: Annex, form: PaperForm, at: datetime, *, actor=None, actor_label: str = "", link: str = "") -> None:
    data = form.cleaned_data
    papers.sign_on_paper(
        annex,
        {name: data[name] for name in PaperForm.Meta.fields},
        opinion=data["opinion"],
        signed_on=data["signed_on"],
        upload=data["file"],
        actor=actor,
        actor_label=actor_label,
        link=link,
        at=at,
    )


@login_required
@require_http_methods(["GET", "POST"])
def scans(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Scans that find their annex by themselves, and those that are placed by hand."""
    application = own_draft(request, pk)
    form = ScansForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            taken = paper.add_scan(application.dossier, form.cleaned_data["file"])
            messages.success(
                request, f"« {taken.name} » est reçu. Son code est lu dans un instant : rechargez la page."
            )
            return redirect("applications:scans", application.pk)
        except ValidationError as error:
            form.add_error("file", error)
    specs = application.dossier.spec.annexes
    given = list(application.dossier.pieces.order_by("uploaded_at"))
    present, former = papers.signed_scans(application.dossier)
    context = {
        "application": application,
        "offer": application.offer,
        "form": form,
        "loose": [piece for piece in given if piece.key == paper.LOOSE],
        "specs": specs,
        "placed": [
            (spec, piece, piece.pk in present, piece.pk in former)
            for spec in specs
            for piece in given
            if piece.key == paper.scan_key(spec.key)
        ],
    }
    return render(request, "applications/scans.html", context)


@login_required
@require_POST
def place(request: HttpRequest, pk: UUID, piece_pk: UUID) -> HttpResponse:
    application = own_draft(request, pk)
    piece = get_object_or_404(Piece, pk=piece_pk, dossier=application.dossier, key=paper.LOOSE)
    spec = spec_part(application.dossier, "annex", request.POST.get("annex", ""))
    annex, _ = Annex.objects.get_or_create(dossier=application.dossier, key=spec.key)
    papers.place(piece, annex)
    return redirect("applications:annex_paper", application.pk, spec.key)


@by_link("GET")
def signatory_printed(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    if not (annex.is_asked and circuit.is_alive(annex)):
        return redirect("signatory:annex", token)
    return _sheet(request, annex)


@by_link("GET", "HEAD", "POST")
def signatory_paper(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    if not (annex.is_asked and circuit.is_alive(annex)):
        return redirect("signatory:annex", token)
    received_at = timezone.now()
    form = PaperForm(request.POST or None, request.FILES or None, instance=annex)
    if request.method == "POST" and form.is_valid():
        try:
            _sign(annex, form, received_at, actor_label=signing.signer_label(annex), link=annex.link_hash)
            return render(request, "signatory/paper_received.html", {"annex": annex, "candidate": annex.dossier.owner})
        except TransitionRefused as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as error:
            form.add_error("file", error)
    context = {"annex": annex, "spec": annex.spec, "token": token, "form": form, "candidate": annex.dossier.owner}
    return render(request, "signatory/paper.html", context)
