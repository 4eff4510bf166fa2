"""What was typed in a form whose session had expired: kept until its author signs in again.

It waits in the browser's own anonymous session: on the server, under the random key of the session cookie, for an
hour at most; signing in keeps it and changes the key. The page that it was meant for gives it back, once, and only
after it has checked that the person may write there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone

from portal.pace import client_address, too_fast

KEPT_FOR = timedelta(hours=1)
LONGEST = 500_000  # characters of form data
MOST = 5  # forms: a person has that many tabs open
KEY = "typed_text"
GIVEN_BACK = "Votre session avait expiré. Voici ce que vous aviez saisi : enregistrez pour le garder."


@dataclass(frozen=True)
class Typed:
    """What was posted, and to which address."""

    posted: QueryDict
    to: str


def keep(request: HttpRequest, page: str = "") -> bool:
    """Keep what this request posts, for this page or its own. False where it is too much to be a form of ours."""
    page = page or request.path
    posted = request.POST.copy()
    posted.pop("csrfmiddlewaretoken", None)
    text = posted.urlencode()
    if len(text) > LONGEST or too_fast("typed-text", client_address(request), settings.TYPED_TEXTS_A_MINUTE):
        return False
    others = {path: kept for path, kept in _present(request).items() if path != page}
    newest = dict(sorted(others.items(), key=lambda item: item[1]["at"])[-(MOST - 1) :])
    kept = {"at": timezone.now().timestamp(), "text": text, "to": request.path}
    request.session[KEY] = newest | {page: kept}
    if not request.user.is_authenticated:
        request.session.set_expiry(KEPT_FOR)  # signing in sets the session's own
    return True


def take(request: HttpRequest) -> Typed | None:
    """What was kept for this page, and no longer is. Call it once the person is known to have a right to the page."""
    kept = _present(request)
    if request.method != "GET" or request.path not in kept:
        return None
    typed = kept.pop(request.path)
    request.session[KEY] = kept
    return Typed(QueryDict(typed["text"]), typed["to"])


def give_back(request: HttpRequest) -> Typed | None:
    """The same, and tells its author what it is."""
    kept = take(request)
    if kept:
        messages.info(request, GIVEN_BACK)
    return kept


def _present(request: HttpRequest) -> dict[str, dict]:
    since = (timezone.now() - KEPT_FOR).timestamp()
    return {path: kept for path, kept in request.session.get(KEY, {}).items() if kept["at"] > since}


def login_required(page: Callable[..., str] | None = None) -> Callable:
    """As Django's; what an expired session was posting waits for its author. The view, or that of `page`, takes it.

    page: gives the address of the page that shows the form, from the view's arguments, where it is another one.
    """

    def declare(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answer(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            if request.user.is_authenticated:
                return view(request, *args, **kwargs)
            there = page(*args, **kwargs) if page else ""
            if request.method == "POST":
                keep(request, there)
            return redirect_to_login(there or request.get_full_path())

        return answer

    return declare


def page_of_form(request: HttpRequest) -> str:
    """The path of the page that this request was posted from: its own, unless the browser names another one of ours."""
    referrer = urlsplit(request.headers.get("Referer", ""))
    return referrer.path if referrer.netloc == request.get_host() else request.path
