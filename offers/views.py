"""The public pages of offers."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import F
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from offers.blank_form import blank_form
from offers.filters import OfferFilters
from offers.models import Offer

PER_PAGE = 20


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    form = OfferFilters(request.GET)
    offers = form.apply().select_related("institution")
    best_first = ["-rank"] if "rank" in offers.query.annotations else []
    offers = offers.order_by("-state", *best_first, F("deadline").asc(nulls_last=True), "title", "pk")
    page = Paginator(offers.defer("body", "details", "search"), PER_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    return render(request, "offers/list.html", {"form": form, "page": page, "query": query.urlencode()})


@require_safe
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    offer = get_object_or_404(Offer.objects.public().select_related("institution"), slug=slug)
    return render(request, "offers/detail.html", presentation(offer))


@require_safe
def blank(request: HttpRequest, slug: str) -> FileResponse:
    offer = get_object_or_404(Offer.objects.public().select_related("institution"), slug=slug)
    return FileResponse(blank_form(offer), filename=f"formulaire-{offer.slug}.pdf", content_type="application/pdf")


def presentation(offer: Offer) -> dict:
    """The context of an offer's page: the same for the public and for the preview."""
    kind = offer.kind_definition
    return {
        "offer": offer,
        "kind": kind,
        "sections": offer.presentation,
        "conditions": kind.eligibility(offer.parameters),
        "spec": kind.dossier_spec(offer.parameters),
        "is_open": offer.is_open(),
        "days_left": offer.days_left,
    }
