"""The home page, and where each person lands after signing in."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from applications.models import CommissionMember
from offers.models import Offer


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    latest = Offer.objects.open().select_related("institution").order_by("-published_at", "pk")[:3]
    return render(request, "pages/home.html", {"latest_offers": latest})


@login_required
@require_GET
def after_login(request: HttpRequest) -> HttpResponse:
    """HR to the admin, commission members to their dossiers, everybody else to their applications."""
    if request.user.is_staff:
        return redirect("admin:index")
    if CommissionMember.objects.filter(user=request.user).exists():
        return redirect("commission:list")
    return redirect("applications:list")
