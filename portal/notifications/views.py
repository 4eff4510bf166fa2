"""The page where a person says which mails they want: from a mail, by its link alone; from an account, signed in."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from portal.notifications import preferences
from portal.notifications.models import Category


class PreferencesForm(forms.Form):
    wanted = forms.MultipleChoiceField(
        choices=Category.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Messages que vous souhaitez recevoir",
    )


@csrf_exempt  # mail programs post here, without a session (RFC 8058): the link is the proof
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    found = preferences.read(token)
    if found is None:
        return render(request, "notifications/dead_link.html", status=404)
    address, category = found
    if request.POST.get("List-Unsubscribe") == "One-Click":
        preferences.refuse(address, category)
        return HttpResponse("Désabonnement enregistré.", content_type="text/plain; charset=utf-8")
    if "refuse" in request.POST:
        preferences.refuse(address, category)
        messages.success(request, f"C’est fait : plus de « {Category(category).label} » à {address}.")
        return redirect(request.path)
    return _choose(request, address, category)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    return _choose(request, request.user.email)


def _choose(request: HttpRequest, address: str, category: str = "") -> HttpResponse:
    refused = preferences.refused(address)
    wanted = [value for value in Category.values if value not in refused]
    form = PreferencesForm(request.POST if request.method == "POST" else None, initial={"wanted": wanted})
    if request.method == "POST" and form.is_valid():
        preferences.choose(address, form.cleaned_data["wanted"])
        messages.success(request, "Vos choix sont enregistrés.")
        return redirect(request.path)
    context = {
        "address": address,
        "form": form,
        "to_refuse": Category(category) if category and category not in refused else None,
    }
    return render(request, "notifications/preferences.html", context)
