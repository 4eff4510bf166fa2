"""What one person alone may read stays in no cache: on a shared computer, "Back" shows nothing once they have left."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from portal.logs import SECRET_PATH


class PrivatePagesMiddleware:
    """`private, no-store` for whoever has a session and for the pages of secret links, where the page says nothing.

    Above the session's middleware, so that the cookie of a session that begins is seen.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control") and _is_private(request, response):
            patch_cache_control(response, private=True, no_store=True)
        return response


def _is_private(request: HttpRequest, response: HttpResponse) -> bool:
    session = settings.SESSION_COOKIE_NAME
    return session in request.COOKIES or session in response.cookies or bool(SECRET_PATH.search(request.path))
