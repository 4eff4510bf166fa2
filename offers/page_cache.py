"""Public pages, made once for everyone who is not signed in, until something that they show changes (docs/adr/0017).

A page is kept under the edition of the portal, for a new version to serve none of the former one's, and under the
revision of the offers, which the database changes in the very transaction that changes an
offer: no page is served that an update, wherever it came from, has made false. It is also kept no longer than until the
next deadline, the next publication at a set time and the next Paris midnight, for "ouverte" and "encore 3 jours" to
stay true. Searches that few people share are not kept: whoever asks for addresses without end fills no memory.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache as kept_for_good
from functools import wraps
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from redis import RedisError

from offers.filters import FACETS, Criteria
from offers.index import current, revision

log = logging.getLogger(__name__)
KEPT_HEADERS = ("Content-Type", "Content-Disposition", "Access-Control-Allow-Origin")
SHOWN_SETTINGS = ("SITE_NAME", "SITE_URL", "STATE_BRAND", "DEMO")
MOST_CHOICES = 2
LAST_PAGE = 3
PAUSE = 5.0  # seconds without asking a cache that did not answer
_away_until = 0.0


def is_usual(criteria: Criteria, page: int = 1) -> bool:
    """Whether several people are likely to ask for this page of a search: its pages are few enough to be kept."""
    own_words = criteria.words or any(not facet.labels for facet in FACETS if criteria.chosen.get(facet.name))
    return not own_words and criteria.filter_count <= MOST_CHOICES and page <= LAST_PAGE


def kept(address: Callable[..., str | None]):
    """Decorates a view whose page depends on the offers, the time, and `address(request, …)` alone.

    address: None for a page that is made for each visitor.
    """

    def decorate(view):
        @wraps(view)
        def answer(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            if not (settings.PAGE_CACHE_SECONDS and _is_nobody(request)):
                response = view(request, *args, **kwargs)
                patch_vary_headers(response, ["Cookie"])
                patch_cache_control(response, private=True)
                return response
            now = timezone.now()
            at = revision()  # read before the offers are: see offers.index
            asked = address(request, *args, **kwargs)
            key = asked and f"page:{edition()}:{at}:{hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()}"
            page = _recall(key, now) if key else None
            if page is None:
                response = view(request, *args, **kwargs)
                if response.status_code != 200 or response.cookies or "CSRF_COOKIE" in request.META:
                    return response
                page = _Page(response, _valid_until(now, at))
                if key:
                    _keep(key, page, now)
            return page.answer(request)

        return answer

    return decorate


@kept_for_good
def edition() -> str:
    """Changes with what pages are made of besides the offers: code, templates, addresses of styles, settings."""
    base = Path(settings.BASE_DIR)
    code = (path for room in ("offers", "portal", "templates") for path in (base / room).rglob("*"))
    parts = [*sorted(path for path in code if path.suffix in {".py", ".html", ".csv"})]
    parts += [path for path in [Path(settings.STATIC_ROOT) / "staticfiles.json"] if path.exists()]
    told = hashlib.blake2b(repr([getattr(settings, name) for name in SHOWN_SETTINGS]).encode(), digest_size=8)
    for path in parts:
        told.update(path.read_bytes())
    return told.hexdigest()


class _Page:
    def __init__(self, response: HttpResponse, valid_until: datetime):
        self.content = response.content
        self.headers = {name: response[name] for name in KEPT_HEADERS if name in response}
        self.etag = f'"{hashlib.blake2b(self.content, digest_size=16).hexdigest()}"'
        self.valid_until = valid_until

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The page, or 304 to those who have it. Browsers ask each time: what they have may be of before signing in."""
        response = HttpResponse(self.content, headers=self.headers)
        response["ETag"], response["Cache-Control"], response["Vary"] = self.etag, "no-cache", "Cookie"
        return get_conditional_response(request, etag=self.etag, response=response)


def _is_nobody(request: HttpRequest) -> bool:
    """Neither signed in, nor with a message to read."""
    return settings.SESSION_COOKIE_NAME not in request.COOKIES and "messages" not in request.COOKIES


def _valid_until(now: datetime, at: int) -> datetime:
    midnight = (timezone.localtime(now) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    limits = [midnight, now + timedelta(seconds=settings.PAGE_CACHE_SECONDS)]
    if next_change := current(at).next_change(now):
        limits.append(next_change)
    return min(limits)


def _recall(key: str, now: datetime) -> _Page | None:
    page = _ask(lambda: cache.get(key))
    return page if page and now < page.valid_until else None


def _keep(key: str, page: _Page, now: datetime) -> None:
    seconds = int((page.valid_until - now).total_seconds())
    if seconds > 0:
        _ask(lambda: cache.set(key, page, seconds))


def _ask(question: Callable):
    """The answer of the cache; None where it is away: the page is then made again, for each visitor."""
    global _away_until
    if time.monotonic() < _away_until:
        return None
    try:
        return question()
    except RedisError as error:
        log.warning("The cache does not answer: %s", error)
        _away_until = time.monotonic() + PAUSE
        return None
