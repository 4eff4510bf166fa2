"""The cache of the portal, with Redis and without."""

from __future__ import annotations

import time

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.core.cache import cache
from django.urls import reverse

from portal.accounts.models import User
from portal.embedded.processes import free_port

ADDRESS, PASSWORD = "camille@example.org", "une-phrase-assez-longue"


@pytest.fixture
def redis_away(settings):
    away = {"LOCATION": f"redis://127.0.0.1:{free_port()}/0"}
    settings.CACHES = {"default": django_settings.CACHES["default"] | away}


@pytest.fixture
def person(db):
    user = User.objects.create_user(ADDRESS, PASSWORD, first_name="Camille", last_name="Exemple")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@pytest.fixture
def rate_limits(settings):
    """allauth's own, which the other tests do without; nothing is left of a former run."""
    settings.ACCOUNT_RATE_LIMITS = {}
    cache.clear()


def sign_in(client, password: str = PASSWORD):
    return client.post(reverse("account_login"), {"login": ADDRESS, "password": password})


def test_it_remembers():
    cache.set("clef", "valeur", 5)
    assert cache.get("clef") == "valeur"
    assert cache.add("clef", "autre", 5) is False
    assert cache.delete("clef") is True


def test_one_signs_in_without_redis(client, person, rate_limits, redis_away):
    began = time.monotonic()
    assert sign_in(client).url == reverse("after_login")
    assert client.get(reverse("applications:list")).status_code == 200
    assert time.monotonic() - began < 3


def test_one_signs_up_without_redis(client, db, rate_limits, redis_away):
    names = {"first_name": "Dominique", "last_name": "Nouveau", "email": "nouvelle@example.org"}
    response = client.post(reverse("account_signup"), names | {"password1": PASSWORD, "password2": PASSWORD})
    assert response.url == reverse("account_email_verification_sent")
    assert User.objects.filter(email="nouvelle@example.org").exists()


def test_with_redis_the_limits_hold(client, person, rate_limits):
    answers = [sign_in(client, "mauvaise").status_code for _ in range(6)]
    refused = sign_in(client)
    cache.clear()
    assert answers[0] == 200
    assert refused.status_code in {200, 429}  # the right password does not help any more
    assert not client.session.get("_auth_user_id")


def test_without_redis_every_operation_answers_and_one_line_is_logged(redis_away, caplog):
    assert cache.add("clef", 1) is True
    assert cache.get("clef", "rien") == "rien"
    assert cache.set("clef", 1) is None
    assert cache.touch("clef") is False
    assert cache.delete("clef") is False
    assert cache.get_many(["clef"]) == {}
    assert cache.has_key("clef") is False
    assert cache.incr("clef", 3) == 3
    assert cache.set_many({"clef": 1}) == ["clef"]
    assert cache.delete_many(["clef"]) is None
    assert cache.clear() is False
    assert caplog.text.count("The cache does not answer") == 1
