"""Private files: streamed after the permission check, never by a public address."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from applications.models import Application, Receipt
from applications.views.access import examined_application, own_application
from dossiers.models import Document, Piece


def serve_piece(piece: Piece) -> FileResponse:
    return private(FileResponse(piece.file.open("rb"), filename=piece.name, content_type=piece.content_type))


def serve_document(application: Application, kind: Document.Kind = Document.Kind.DOSSIER) -> FileResponse:
    document = get_object_or_404(Document, frozen__dossier=application.dossier_id, kind=kind)
    name = f"{slugify(document.get_kind_display())}-{application.number}.pdf"
    return private(FileResponse(document.file.open("rb"), filename=name, content_type="application/pdf"))


def documents_of(application: Application) -> dict[str, Document]:
    """The rendered documents, by kind: absent while the worker is at it."""
    return {document.kind: document for document in Document.objects.filter(frozen__dossier=application.dossier_id)}


def private(response):
    """No shared cache keeps it, no browser guesses its type, nothing in it loads or runs."""
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    return response


@login_required
@require_GET
def own_piece(request: HttpRequest, pk: UUID, piece_pk: UUID) -> HttpResponse:
    return serve_piece(get_object_or_404(own_application(request, pk).dossier.pieces, pk=piece_pk))


@login_required
@require_GET
def own_document(request: HttpRequest, pk: UUID) -> HttpResponse:
    return serve_document(own_application(request, pk))


@login_required
@require_GET
def own_bundle(request: HttpRequest, pk: UUID) -> HttpResponse:
    return serve_document(own_application(request, pk), Document.Kind.BUNDLE)


@login_required
@require_GET
def receipt(request: HttpRequest, pk: UUID) -> HttpResponse:
    application = own_application(request, pk)
    receipt = get_object_or_404(Receipt, application=application)
    context = {
        "application": application,
        "offer": application.offer,
        "receipt": receipt.content,
        "documents": documents_of(application),
    }
    return render(request, "applications/receipt.html", context)


@login_required
@require_GET
def receipt_document(request: HttpRequest, pk: UUID) -> HttpResponse:
    return serve_document(own_application(request, pk), Document.Kind.RECEIPT)


@login_required
@require_GET
def examined_piece(request: HttpRequest, pk: UUID, piece_pk: UUID) -> HttpResponse:
    application = examined_application(request, pk)
    return serve_piece(get_object_or_404(application.dossier.pieces, pk=piece_pk))


@login_required
@require_GET
def examined_document(request: HttpRequest, pk: UUID) -> HttpResponse:
    return serve_document(examined_application(request, pk))


@login_required
@require_GET
def examined_bundle(request: HttpRequest, pk: UUID) -> HttpResponse:
    return serve_document(examined_application(request, pk), Document.Kind.BUNDLE)
