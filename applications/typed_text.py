"""What was typed in a form whose session had expired: kept until its author signs in again.

It waits in the browser's own anonymous session: on the server, under the random key of the session cookie, for an
hour at most; signing in keeps it and changes the key. The page that it was meant for gives it back, once, and only
after it has checked that the person may write there.
"""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, QueryDict
from django.utils import timezone

KEPT_FOR = timedelta(hours=1)
LONGEST = 500_000  # characters of form data
MOST = 5  # forms: a person has that many tabs open
KEY = "typed_text"


def keep(request: HttpRequest) -> bool:
    """Keep what this request posts to its page. False where it is too much to be a form of ours."""
    posted = request.POST.copy()
    posted.pop("csrfmiddlewaretoken", None)
    text = posted.urlencode()
    if len(text) > LONGEST:
        return False
    others = {path: kept for path, kept in _present(request).items() if path != request.path}
    newest = dict(sorted(others.items(), key=lambda item: item[1]["at"])[-(MOST - 1) :])
    request.session[KEY] = newest | {request.path: {"at": timezone.now().timestamp(), "text": text}}
    if not request.user.is_authenticated:
        request.session.set_expiry(KEPT_FOR)  # signing in sets the session's own
    return True


def take(request: HttpRequest) -> QueryDict | None:
    """What was kept for this page, and no longer is. Call it once the person is known to have a right to the page."""
    kept = _present(request)
    if request.path not in kept:
        return None
    text = kept.pop(request.path)["text"]
    request.session[KEY] = kept
    return QueryDict(text)


def _present(request: HttpRequest) -> dict[str, dict]:
    since = (timezone.now() - KEPT_FOR).timestamp()
    return {path: kept for path, kept in request.session.get(KEY, {}).items() if kept["at"] > since}
