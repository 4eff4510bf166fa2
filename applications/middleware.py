"""Where a dossier was filed while its form was open elsewhere, the person is taken to it, and told."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from applications.views.access import NotADraft
from dossiers.freezing import DossierFrozen


class FiledDossierMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if isinstance(exception, (NotADraft, DossierFrozen)):
            messages.warning(request, "Cette candidature n’est plus en préparation : son dossier ne change plus.")
            application = getattr(exception, "application", None)
            response = redirect(application) if application else redirect("applications:list")
            if request.htmx:  # the page itself goes there, not the part of it that asked
                response = HttpResponse(headers={"HX-Redirect": response.url})
            return response
        return None
