"""Private files: streamed after the permission check, never by a public address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from applications import documents
from applications.commission import session_zip
from applications.commission.sessions import minutes_read_by
from applications.models import Application, Minutes, MinutesDocument, Receipt, Session
from applications.views.access import examined_application, member_session, own_application
from dossiers.models import Document, Piece
from dossiers.pdf.safe import formats


def serve_original(piece: Piece) -> FileResponse:
    """The file as it came, for the person who gave it. What a browser does not show by itself is downloaded."""
    shown = piece.content_type in {formats.PDF, formats.JPEG, formats.PNG}
    return private(
        FileResponse(
            piece.file.open("rb"), filename=piece.name, content_type=piece.content_type, as_attachment=not shown
        )
    )


def serve_copy(request: HttpRequest, piece: Piece) -> HttpResponse:
    """The safe copy, for all the others; until there is one, a page that says so."""
    copy = piece.safe_copy
    if not copy.is_ready:
        return render(request, "applications/piece_not_ready.html", {"piece": piece}, status=404)
    name = f"{PurePath(piece.name).stem or 'piece'}.pdf"
    return private(FileResponse(copy.file.open("rb"), filename=name, content_type=formats.PDF))


def serve_document(application: Application, kind: Document.Kind = Document.Kind.DOSSIER) -> FileResponse:
    document = documents.latest(application).get(kind)
    if document is None:
        raise Http404
    name = f"{slugify(document.get_kind_display())}-{application.number}.pdf"
    return private(FileResponse(document.file.open("rb"), filename=name, content_type="application/pdf"))


def serve_minutes(minutes: Minutes) -> FileResponse:
    document = get_object_or_404(MinutesDocument, minutes=minutes)
    name = f"proces-verbal-{minutes.session.starts_at:%Y-%m-%d}-{minutes.edition}.pdf"
    return private(FileResponse(document.file.open("rb"), filename=name, content_type="application/pdf"))


def serve_zip(session: Session, readable) -> StreamingHttpResponse:
    """The session's dossiers among those (primary keys) that this person may read."""
    stream = session_zip.stream(session, session_zip.lines(session, readable))
    return zipped(stream, f"seance-{session.starts_at:%Y-%m-%d}.zip")


def zipped(stream: Iterator[bytes], name: str) -> StreamingHttpResponse:
    """name: plain ASCII."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return private(StreamingHttpResponse(stream, content_type="application/zip", headers=headers))


def private(response):
    """No shared cache keeps it, no browser guesses its type, nothing in it loads or runs."""
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    return response


@login_required
@require_GET
def own_piece(request: HttpRequest, pk: UUID, piece_pk: UUID) -> HttpResponse:
    return serve_original(get_object_or_404(own_application(request, pk).dossier.pieces, pk=piece_pk))


@login_required
@require_GET
def own_copy(request: HttpRequest, pk: UUID, piece_pk: UUID) -> HttpResponse:
    return serve_copy(request, get_object_or_404(own_application(request, pk).dossier.pieces, pk=piece_pk))


@login_required
@require_GET
def own_thumbnail(request: HttpRequest, pk: UUID, piece_pk: UUID) -> HttpResponse:
    copy = get_object_or_404(own_application(request, pk).dossier.pieces, pk=piece_pk).safe_copy
    if not copy.is_ready:
        raise Http404
    return private(FileResponse(copy.thumbnail.open("rb"), filename="apercu.jpg", content_type=formats.JPEG))


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
def own_decision(request: HttpRequest, pk: UUID) -> HttpResponse:
    return serve_document(own_application(request, pk), Document.Kind.DECISION)


@login_required
@require_GET
def receipt(request: HttpRequest, pk: UUID) -> HttpResponse:
    application = own_application(request, pk)
    receipt = get_object_or_404(Receipt, application=application)
    context = {
        "application": application,
        "offer": application.offer,
        "receipt": receipt.content,
        "documents": documents.latest(application),
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
    return serve_copy(request, get_object_or_404(application.dossier.pieces, pk=piece_pk))


@login_required
@require_GET
def examined_document(request: HttpRequest, pk: UUID) -> HttpResponse:
    return serve_document(examined_application(request, pk))


@login_required
@require_GET
def examined_bundle(request: HttpRequest, pk: UUID) -> HttpResponse:
    return serve_document(examined_application(request, pk), Document.Kind.BUNDLE)


@login_required
@require_GET
def session_dossiers(request: HttpRequest, pk: int) -> HttpResponse:
    readable = Application.objects.readable_by_member(request.user).values("pk")
    return serve_zip(member_session(request, pk), readable)


@login_required
@require_GET
def session_minutes(request: HttpRequest, pk: int) -> HttpResponse:
    """The last edition; not for a member who recused from one of its dossiers."""
    return serve_minutes(get_object_or_404(minutes_read_by(member_session(request, pk), request.user)))
