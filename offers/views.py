"""The public pages of offers."""

from __future__ import annotations

from collections.abc import Callable

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from offers.blank_form import blank_form
from offers.filters import Criteria, page_number
from offers.models import Offer, is_favourite
from offers.offer_sheet import offer_sheet
from offers.page_cache import is_usual, kept
from offers.published import absolute, job_posting
from offers.search import EVERYTHING, Found
from offers.tasks import print_offer

PER_PAGE = 20


class _Results:
    """What Django's paginator asks of a list, answered by a search."""

    def __init__(self, found: Found):
        self.found = found

    def count(self) -> int:
        return self.found.total

    def __getitem__(self, part: slice) -> list[Offer]:
        return self.found.offers(part.start, part.stop)


def _list_address(request: HttpRequest) -> str | None:
    """One writing for all the addresses that give the same page."""
    criteria, page = Criteria.read(request.GET), page_number(request.GET, 999_999)
    return f"{request.path}?{criteria.query}&page={page}" if is_usual(criteria, page) else None


@require_safe
@kept(_list_address)
def index(request: HttpRequest) -> HttpResponse:
    criteria = Criteria.read(request.GET)
    found = Found(criteria)
    paginator = Paginator(_Results(found), PER_PAGE)
    page = paginator.page(page_number(request.GET, paginator.num_pages))
    context = {"criteria": criteria, "found": found, "page": page, "query": criteria.query}
    return render(request, "offers/list.html", context)


@require_safe
@kept(lambda request, slug: request.path)
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    offer = get_object_or_404(EVERYTHING.public().select_related("institution"), slug=slug)
    context = presentation(offer) | {"is_favourite": is_favourite(request.user, offer)}
    return render(request, "offers/detail.html", context)


@require_safe
def blank(request: HttpRequest, slug: str) -> HttpResponse:
    offer = get_object_or_404(Offer.objects.public().select_related("institution"), slug=slug)
    return blank_form(offer).answer(
        request, filename=f"formulaire-{offer.slug}.pdf", title="Formulaire vierge", send=_print_soon(offer)
    )


@require_safe
def sheet(request: HttpRequest, slug: str) -> HttpResponse:
    offer = get_object_or_404(EVERYTHING.public().select_related("institution"), slug=slug)
    return offer_sheet(offer).answer(
        request, filename=f"offre-{offer.slug}.pdf", title="L’offre en PDF", send=_print_soon(offer)
    )


def _print_soon(offer: Offer) -> Callable[[int], None]:
    return lambda seconds: print_offer.apply_async([offer.pk], expires=seconds)


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
        "page_address": absolute(offer.get_absolute_url()),
        "job_posting": job_posting(offer),
    }
