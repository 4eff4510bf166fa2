"""What the launcher and the load balancer ask."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.urls import reverse
from django.utils import timezone

from portal.embedded.processes import free_port
from portal.notifications.models import Mail
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_all_is_well(client):
    response = client.get(reverse("health"))
    assert response.status_code == 200
    assert response.json() == {"database": True, "redis": True, "mail": {"failed": 0, "oldest_pending_seconds": 0}}
    assert "no-store" in response["Cache-Control"]


def test_redis_away_is_told_without_failing(client, settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    response = client.get(reverse("health"))
    assert response.status_code == 200
    assert response.json()["database"] is True
    assert response.json()["redis"] is False


def test_mail_that_is_held_up_is_told_without_failing(client):
    write = {"kind": "essai", "payload": {"subject": "Objet", "text": "Texte"}}
    for number, state in enumerate(Mail.State.values):
        mail = Mail.objects.create(recipient=f"personne{number}@example.org", state=state, **write)
        Mail.objects.filter(pk=mail.pk).update(created_at=timezone.now() - timedelta(hours=2 + number))
    Mail.objects.create(recipient="recent@example.org", **write)
    response = client.get(reverse("health"))
    assert response.status_code == 200
    told = response.json()["mail"]
    assert told["failed"] == 1
    assert 7200 <= told["oldest_pending_seconds"] < 7230


def test_without_the_database_it_fails(client, monkeypatch):
    def away(*args):
        raise OperationalError("the database is away")

    monkeypatch.setattr(connection, "cursor", away)
    response = client.get(reverse("health"))
    assert response.status_code == 503
    assert response.json()["database"] is False


def test_it_asks_for_no_session_nor_account(client, django_assert_num_queries):
    with django_assert_num_queries(3):
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
