"""The public page that tells whether a document is the portal's. What is sent to it is read and forgotten."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from applications import verification
from applications.forms import VerificationForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    reference = request.GET.get("reference", "")[:40].strip()
    context = {"reference": reference, "verified": False, "finding": None}
    if request.method == "POST":
        form = VerificationForm(request.POST, request.FILES)
        if form.is_valid():
            finding = verification.of_fingerprint(fingerprint(form))
            context |= {"reference": "", "verified": True, "finding": finding}
            form = VerificationForm()
    else:
        form = VerificationForm()
        if reference:
            context["finding"] = verification.of_reference(reference)
    return render(request, "verification/verify.html", context | {"form": form})


def fingerprint(form: VerificationForm) -> str:
    """The one that the browser computed, or that of the file it sent instead."""
    if form.cleaned_data["sha256"]:
        return form.cleaned_data["sha256"]
    digest = hashlib.sha256()
    for chunk in form.cleaned_data["file"].chunks():
        digest.update(chunk)
    return digest.hexdigest()
