"""The candidate's pieces: sending files, seeing what became of them, replacing and removing them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.datastructures import MultiValueDict
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from applications.forms import PieceForm
from applications.models import Application
from applications.views.access import own_draft, spec_part
from dossiers.models import Piece
from dossiers.uploads import add_pieces, remove_piece


@require_http_methods(["GET", "POST"])
def piece(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    """The files of one piece. The script of the page sends them one by one and asks for JSON."""
    if not request.user.is_authenticated:
        is_page = request.accepts("text/html")
        return redirect_to_login(request.get_full_path()) if is_page else JsonResponse({}, status=401)
    application = own_draft(request, pk)
    spec = spec_part(application.dossier, "piece", key)
    files = application.dossier.pieces.filter(key=key)
    replaced = files.filter(pk=_uuid(request.POST or request.GET)).first()
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = PieceForm(*sent, several=spec.multiple and replaced is None)
    if request.method == "POST":
        taken, refused = [], {}
        if form.is_valid():
            taken, refused = add_pieces(application.dossier, key, form.cleaned_data["file"], replaces=replaced)
            for name, reason in refused.items():
                form.add_error("file", f"« {name} » : {reason}")
        if not request.accepts("text/html"):
            reasons = list(refused.values()) or form.errors.get("file", [])
            return JsonResponse({"taken": [file.name for file in taken], "refusals": reasons})
        _tell(request, taken)
        if form.is_valid():
            return redirect("applications:piece", application.pk, key)
    context = _context(application, spec) | {"form": form, "replaced": replaced}
    return render(request, "applications/piece.html", context)


def _uuid(sent: MultiValueDict) -> UUID | None:
    """The file to replace, if one is named as it should be."""
    try:
        return UUID(sent.get("remplacer", ""))
    except ValueError:
        return None


def _tell(request: HttpRequest, taken: list[Piece]) -> None:
    if taken:
        names = ", ".join(f"« {file.name} »" for file in taken)
        told = "sont reçus et en cours de vérification" if len(taken) > 1 else "est reçu et en cours de vérification"
        messages.success(request, f"{names} {told}.")


def _context(application: Application, spec) -> dict:
    files = list(application.dossier.pieces.filter(key=spec.key))
    return {
        "application": application,
        "offer": application.offer,
        "spec": spec,
        "files": files,
        "waiting": any(file.safe_copy.is_waiting for file in files),
        "is_full": spec.multiple and len(files) >= spec.max_files,
    }


@login_required
@require_GET
def files(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    """The list of files alone, which the page renews while they are checked."""
    application = own_draft(request, pk)
    spec = spec_part(application.dossier, "piece", key)
    return render(request, "applications/_piece_files.html", _context(application, spec))


@login_required
@require_POST
def remove(request: HttpRequest, pk: UUID, piece_pk: UUID) -> HttpResponse:
    application = own_draft(request, pk)
    former = get_object_or_404(application.dossier.pieces, pk=piece_pk)
    try:
        remove_piece(former)
        messages.success(request, f"« {former.name} » est retiré.")
    except ValidationError as refusal:
        messages.error(request, refusal.message)
    if former.key in application.dossier.spec.piece_by_key:
        return redirect("applications:piece", application.pk, former.key)
    return redirect("applications:scans", application.pk)
