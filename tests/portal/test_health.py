"""What the launcher and the load balancer ask."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.urls import reverse

from portal.embedded.processes import free_port
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_all_is_well(client):
    response = client.get(reverse("health"))
    assert response.status_code == 200
    assert response.json() == {"database": True, "redis": True}
    assert "no-store" in response["Cache-Control"]


def test_redis_away_is_told_without_failing(client, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{free_port()}/0",
        }
    }
    response = client.get(reverse("health"))
    assert response.status_code == 200
    assert response.json() == {"database": True, "redis": False}


def test_without_the_database_it_fails(client, monkeypatch):
    def away(*args):
        raise OperationalError("the database is away")

    monkeypatch.setattr(connection, "cursor", away)
    response = client.get(reverse("health"))
    assert response.status_code == 503
    assert response.json()["database"] is False


def test_it_asks_for_no_session_nor_account(client, django_assert_num_queries):
    with django_assert_num_queries(1):
        client.get(reverse("health"))


@pytest.mark.parametrize(
    ("person", "place"),
    [
        (lambda: make.UserFactory(), "applications:list"),
        (lambda: make.MembershipFactory().user, "admin:index"),
        (lambda: make.SeatFactory().user, "commission:list"),
        (lambda: make.UserFactory(is_staff=True, is_superuser=True), "admin:index"),
    ],
    ids=["candidate", "hr", "member", "administrator"],
)
def test_everybody_lands_where_their_work_is(client, person, place):
    client.force_login(person())
    assert client.get(reverse("after_login")).url == reverse(place)
