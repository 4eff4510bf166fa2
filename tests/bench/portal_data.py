"""What the portal's pages are measured on: the demo data and ten thousand offers. Prints JSON."""

import json
import sys
from importlib import import_module
from urllib.parse import urlencode

import django

CANDIDATE = "candidat@example.org"


def main() -> None:
    django.setup()
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.db import connection

    from applications.models import Application
    from tests.bench.offers_data import multiply_offers

    multiply_offers()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    application = Application.objects.filter(candidate__email=CANDIDATE).select_related("candidate", "offer").first()
    if application is None:
        sys.exit(f"The demo data have no application of {CANDIDATE}.")

    user = application.candidate
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    cookie = f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
    pages = {
        "offers.list": ("/offres/", ""),
        "offers.detail": (application.offer.get_absolute_url(), ""),
        "offers.search": (f"/offres/?{urlencode({'q': 'psychiatrie injonction', 'echeance': '30'})}", ""),
        "dossier.page": (application.get_absolute_url(), cookie),
    }
    print(
        json.dumps(
            {
                name: {"path": path, "cookie": cookie, "queries": _queries(path, cookie)}
                for name, (path, cookie) in pages.items()
            }
        )
    )


def _queries(path: str, cookie: str) -> int:
    """The second time: the first one fills caches that live as long as the process."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    settings.PAGE_CACHE_SECONDS = 0
    client = Client(headers={"cookie": cookie} if cookie else {}, SERVER_NAME="127.0.0.1")
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    if answer.status_code != 200:
        sys.exit(f"{path}: {answer.status_code}")
    return len(queries)


if __name__ == "__main__":
    main()
