"""Who reaches a signatory's page: whoever holds the link, at a human pace; everybody else is told what to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from applications import circuit, reopening
from dossiers import signing
from dossiers.models import Annex, FormerLink
from portal.pace import client_address, too_fast


def by_link(*methods: str) -> Callable:
    """The view is called with the annex that the link serves; it is never kept, indexed, nor asked too often."""

    def declare(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @never_cache
        @require_http_methods(list(methods))
        @wraps(view)
        def answer(request: HttpRequest, token: str, **kwargs) -> HttpResponse:
            response = _answer(view, request, token, **kwargs)
            response["X-Robots-Tag"] = "noindex, nofollow"  # the address is the key
            return response

        return answer

    return declare


def _is_too_often(request: HttpRequest, token: str) -> bool:
    """For one link, and for one address of the network: a hospital's, say."""
    return too_fast("link", token, settings.LINK_REQUESTS_A_MINUTE) or too_fast(
        "links", client_address(request), settings.LINKS_REQUESTS_A_MINUTE
    )


def _too_often(request: HttpRequest) -> HttpResponse:
    response = render(request, "signatory/too_often.html", status=429)
    response["Retry-After"] = "60"
    return response


def _answer(view: Callable[..., HttpResponse], request: HttpRequest, token: str, **kwargs) -> HttpResponse:
    if _is_too_often(request, token):
        return _too_often(request)
    annex = signing.annex_of_link(token)
    if annex:
        try:
            return view(request, annex, token, **kwargs)
        except ObjectDoesNotExist:  # erased with its draft, this very moment
            return dead_link(request)
    if too_fast("wrong-links", client_address(request), settings.WRONG_LINKS_A_MINUTE):
        return _too_often(request)
    former = signing.former_link(token)
    if former and former.why == FormerLink.Why.DELEGATED:
        return _handed_over(request, former)
    return dead_link(request, former=former)


def _handed_over(request: HttpRequest, former: FormerLink) -> HttpResponse:
    """Nothing went wrong for who reads it; what is posted there all the same is not taken."""
    status = 410 if request.method == "POST" else 200
    return render(request, "signatory/handed_over.html", {"former": former}, status=status)


def dead_link(request: HttpRequest, annex: Annex | None = None, former: FormerLink | None = None) -> HttpResponse:
    """What to do with a link that no longer works; says nothing of the dossier. It may have gone on to another one."""
    if annex and (now := reopening.request_now(annex)):
        messages.info(request, "Votre lien mène maintenant à la demande à jour de cette candidature.")
        return redirect("signatory:annex", signing.link_secret(now))
    offer = annex.dossier.application.offer if annex else None
    context = {
        "annex": annex,
        "former": former,
        "application": annex.dossier.application if annex else None,
        "successor": reopening.successor(annex) if annex else None,
        "offer": offer,
        "closes_at": circuit.accepts_until(annex) if annex else None,
        "too_late": annex and circuit.is_too_late(annex),
    }
    return render(request, "signatory/dead_link.html", context, status=410 if annex or former else 404)
