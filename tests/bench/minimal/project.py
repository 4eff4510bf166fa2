"""Address, view and data of the minimal project. As a command: makes its schema and prints its session as JSON."""

import json
import os
from importlib import import_module

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.minimal.settings")
ROWS = 20
application = get_wsgi_application()

from django.contrib.auth.decorators import login_required  # noqa: E402 (Django first)
from django.contrib.auth.models import Group  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.urls import path  # noqa: E402


def rows(request: HttpRequest) -> HttpResponse:
    return render(request, "rows.html", {"rows": Group.objects.order_by("name")[:ROWS]})


urlpatterns = [path("", rows), path("connected/", login_required(rows))]


def main() -> None:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA minimal")
    call_command("migrate", verbosity=0)
    Group.objects.bulk_create(Group(name=f"Ligne {number}") for number in range(10 * ROWS))
    user = User.objects.create_user("someone")
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(json.dumps({"minimal": {"cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}"}}))


if __name__ == "__main__":
    main()
