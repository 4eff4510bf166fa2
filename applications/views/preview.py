"""The preview of a dossier before it is filed: asked for, waited for, read; by its candidate alone."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from applications import preview
from applications.views.access import own_draft
from applications.views.files import private


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far the preview is; asked for by a POST. htmx asks for the progress alone, every other second."""
    application = own_draft(request, pk)
    if request.method == "POST":
        preview.ask(application)
        return redirect("applications:preview", application.pk)
    template = "applications/_preview_progress.html" if request.htmx else "applications/preview.html"
    printing = preview.current(application)
    context = {
        "application": application,
        "offer": application.offer,
        "preview": printing,
        "is_stale": preview.is_stale(application, printing),
    }
    return render(request, template, context)


@login_required
@require_GET
def document(request: HttpRequest, pk: UUID) -> HttpResponse:
    pdf = preview.current(own_draft(request, pk)).pdf
    if not pdf:
        raise Http404
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="brouillon.pdf"'
    return private(response)
