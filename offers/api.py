"""The read-only API of published offers: the searches of the page, in JSON. `offers.openapi` describes it."""

from __future__ import annotations

from django.core.validators import slug_re
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from offers.filters import Criteria, page_number, printable
from offers.page_cache import is_usual, kept
from offers.published import absolute, record
from offers.search import EVERYTHING, Found

PER_PAGE, MOST_PER_PAGE = 20, 100
OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*"}


def _per_page(request: HttpRequest) -> int:
    asked = request.GET.get("par_page", "")
    valid = asked.isascii() and asked.isdecimal() and len(asked) < 5
    return min(max(int(asked), 1), MOST_PER_PAGE) if valid else PER_PAGE


def answer(data: dict, **options) -> JsonResponse:
    return JsonResponse(data, json_dumps_params={"ensure_ascii": False}, headers=OPEN_TO_ALL, **options)


def _address(request: HttpRequest) -> str | None:
    criteria, page = Criteria.read(request.GET), page_number(request.GET, 999_999)
    if criteria.ignored(request.GET) or not is_usual(criteria, page):
        return None
    return f"{request.path}?{criteria.query}&page={page}&par_page={_per_page(request)}"


@require_safe
@kept(_address)
def offers(request: HttpRequest) -> JsonResponse:
    criteria, size = Criteria.read(request.GET), _per_page(request)
    found = Found(criteria)
    pages = max(1, -(-found.total // size))
    number = page_number(request.GET, pages)
    shown = found.offers((number - 1) * size, number * size, EVERYTHING)

    def link(number: int) -> str:
        start = f"{criteria.query}&" if criteria.query else ""
        return absolute(f"{request.path}?{start}par_page={size}&page={number}")

    return answer(
        {
            "total": found.total,
            "page": number,
            "pages": pages,
            "suivante": link(number + 1) if number < pages else None,
            "precedente": link(number - 1) if number > 1 else None,
            "ignores": [
                {"parametre": name, "valeur": printable(value)} for name, value in criteria.ignored(request.GET)
            ],
            "facettes": {
                choices.facet.name: [
                    {"valeur": option.value, "libelle": option.label, "offres": option.count}
                    for option in choices.options
                ]
                for choices in found.choices
            },
            "offres": [record(offer) for offer in shown],
        }
    )


@require_safe
@kept(lambda request, slug: request.path)
def offer(request: HttpRequest, slug: str) -> JsonResponse:
    offers = EVERYTHING.public().select_related("institution")
    found = offers.filter(slug=slug).first() if slug_re.fullmatch(slug) else None
    if found is None:
        return answer({"erreur": "Aucune offre publiée à cette adresse."}, status=404)
    return answer(record(found))
