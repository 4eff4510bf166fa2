"""The pages of those who follow offers: alerts by mail, without an account, and the favourites of an account."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from offers import alerts
from offers.filters import Criteria
from offers.models import Alert, Favourite, Offer
from portal.forms import Button, DsfrForm


class AlertForm(DsfrForm, forms.Form):
    buttons = (Button("Recevoir le lien de confirmation"),)
    email = forms.EmailField(
        label="Votre adresse électronique",
        max_length=254,
        help_text="Format attendu : nom@domaine.fr. Elle ne sert qu’à cette alerte.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    frequency = forms.ChoiceField(
        label="Quand écrire",
        choices=Alert.Frequency.choices,
        initial=Alert.Frequency.DAILY,
        widget=forms.RadioSelect,
    )


class FrequencyForm(DsfrForm, forms.ModelForm):
    show_convention = False

    class Meta:
        model = Alert
        fields = ["frequency"]
        widgets = {"frequency": forms.RadioSelect}


@require_http_methods(["GET", "HEAD", "POST"])
def new_alert(request: HttpRequest) -> HttpResponse:
    """Follow the search that the address of this page holds."""
    criteria = Criteria.read(request.GET)
    form = AlertForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            machine = get_adapter().get_client_ip(request)
            alerts.ask(form.cleaned_data["email"], criteria, form.cleaned_data["frequency"], machine)
        except alerts.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("alerts:asked")
    followed = Criteria.read_text(alerts.followed(criteria))
    context = {"form": form, "criteria": criteria, "facts": alerts.in_words(followed)}
    return render(request, "offers/alert_new.html", context, status=400 if form.errors else 200)


@require_GET
def asked(request: HttpRequest) -> HttpResponse:
    return render(request, "offers/alert_asked.html", {"days": alerts.CONFIRMATION_LIFE.days})


@require_http_methods(["GET", "HEAD", "POST"])
def manage_alert(request: HttpRequest, secret: str) -> HttpResponse:
    """Confirm, then change or prolong: for whoever holds the link. Reading it changes nothing."""
    alert = Alert.objects.filter(secret=secret).first()
    if alert is None:
        return render(request, "offers/alert_ended.html", {"known": False}, status=404)
    form = FrequencyForm(request.POST if request.method == "POST" else None, instance=alert)
    if request.method == "POST" and form.is_valid():
        known = alert.confirmed_at
        form.save()
        alerts.confirm(alert)
        messages.success(request, "Vos choix sont enregistrés." if known else "Votre alerte est confirmée.")
        return redirect(alert)
    search = alerts.criteria(alert)
    context = {"alert": alert, "form": form, "criteria": search, "facts": alerts.in_words(search)}
    return render(request, "offers/alert.html", context, status=400 if form.errors else 200)


@csrf_exempt  # posted by mail programs too, in one click (RFC 8058); the secret is what allows it
@require_http_methods(["GET", "HEAD", "POST"])
def end_alert(request: HttpRequest, secret: str) -> HttpResponse:
    """A second click says the same as the first."""
    alert = Alert.objects.filter(secret=secret).first()
    if request.method == "POST" or alert is None:
        if alert:
            alert.delete()
        return render(request, "offers/alert_ended.html", {"known": True})
    facts = alerts.in_words(alerts.criteria(alert))
    return render(request, "offers/alert_end.html", {"alert": alert, "facts": facts})


@login_required
@require_GET
def favourites(request: HttpRequest) -> HttpResponse:
    kept = Favourite.objects.filter(user=request.user, offer__in=Offer.objects.public())
    offers = [favourite.offer for favourite in kept.select_related("offer__institution").defer("offer__search")]
    return render(request, "offers/favourites.html", {"offers": offers})


@login_required
@require_POST
def favour(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep an offer, or keep it no longer; then back to where one was."""
    offer = get_object_or_404(Offer.objects.public(), slug=slug)
    if request.POST.get("garder") == "non":
        Favourite.objects.filter(user=request.user, offer=offer).delete()
        messages.success(request, f"« {offer.title} » n’est plus dans vos favoris.")
    else:
        Favourite.objects.get_or_create(user=request.user, offer=offer)
        messages.success(request, f"« {offer.title} » est dans vos favoris.")
    return redirect("offers:favourites" if request.POST.get("retour") == "favoris" else offer)
