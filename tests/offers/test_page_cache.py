"""Public pages are kept, and never a second too long. With the real cache, and really committed changes."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
import redis
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse
from django.utils import timezone

from offers import page_cache
from offers.lifecycle import WORKFLOW
from offers.models import Favourite, Offer
from offers.tasks import close_expired_offers
from tests import factories as make
from tests.servers import CHECKOUT, Servers

pytestmark = pytest.mark.django_db(transaction=True)
LIST = reverse("offers:list")


@pytest.fixture(autouse=True)
def keeps_pages(settings, transactional_db):
    settings.PAGE_CACHE_SECONDS = 600
    page_cache._away_until = 0.0
    cache.clear()
    yield
    cache.clear()


def queries(client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def text(client, address: str = LIST) -> str:
    return client.get(address).content.decode()


def test_a_kept_page_costs_one_query(client):
    offer = make.OfferFactory()
    for address in (LIST, offer.get_absolute_url(), f"{LIST}?type=medecin-coordonnateur&region=28"):
        first = text(client, address)
        assert queries(client, address) == 1
        assert text(client, address) == first


def test_the_same_search_written_otherwise_is_kept_once(client):
    text(client, f"{LIST}?region=28&region=84")
    assert queries(client, f"{LIST}?region=84&region=28&utm_source=lettre") == 1


def test_what_few_people_ask_for_is_not_kept(client):
    """Addresses without end: a program that follows or makes them up fills no memory."""
    make.OfferFactory()
    feeds = [reverse(f"machines:{name}") for name in ("atom", "calendar", "api")]
    text(client)  # what the pages share
    before = kept_pages()
    endless = [
        "q=offre",
        "specialite=inventee",
        "organisme=123456",
        "region=28&region=84&pres=76",
        "region=28&closes=on&pres=76",
    ]
    for address in (LIST, *feeds):
        for query in endless:
            answer = client.get(f"{address}?{query}")
            assert (answer.status_code, answer["Cache-Control"], answer["Vary"]) == (200, "no-cache", "Cookie")
    for address in (f"{LIST}?page=4", f"{LIST}?page=77", f"{feeds[-1]}?inconnu=1"):
        text(client, address)
    assert kept_pages() == before
    text(client, f"{LIST}?region=28")
    assert len(kept_pages()) == len(before) + 1


def kept_pages() -> list[bytes]:
    with redis.Redis.from_url(settings.CACHES["default"]["LOCATION"]) as server:
        return sorted(server.keys("*page:*"))


def test_each_move_shows_at_once(client):
    hr = make.MembershipFactory()
    offer = make.OfferFactory(institution=hr.institution, draft=True, parameters={}, title="Titre d’origine")
    page = offer.get_absolute_url()
    assert "Titre d’origine" not in text(client)

    WORKFLOW.run(offer, "publish", actor=hr.user)
    assert "Titre d’origine" in text(client)
    assert "Candidater" in text(client, page)

    later = make.end_of_day(timezone.localdate() + timedelta(days=90))
    WORKFLOW.run(offer, "extend", actor=hr.user, reason="Panne.", deadline=later)
    assert timezone.localtime(later).strftime("%Y à 23:59:59") in text(client, page)

    Offer.objects.filter(pk=offer.pk).update(title="Titre corrigé")  # a bulk update counts as well
    assert "Titre corrigé" in text(client)
    assert "Titre corrigé" in text(client, page)

    type(hr.institution).objects.filter(pk=hr.institution.pk).update(name="Institution renommée")
    assert "Institution renommée" in text(client)

    WORKFLOW.run(offer, "close", actor=hr.user, reason="Poste pourvu.")
    assert "Titre corrigé" not in text(client)
    assert "Candidater</a>" not in text(client, page)


def test_a_new_version_of_the_portal_serves_no_page_of_the_former_one(client, settings):
    settings.SITE_NAME = "Ancien nom"
    assert "Ancien nom" in text(client)
    settings.SITE_NAME = "Nouveau nom"
    assert "Ancien nom" in text(client)  # within one version, the page is kept
    page_cache.edition.cache_clear()
    try:
        assert "Nouveau nom" in text(client)
    finally:
        page_cache.edition.cache_clear()


def test_what_is_not_committed_is_not_kept(client):
    offer = make.OfferFactory(title="Avant")
    with transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(title="Pendant")
        transaction.set_rollback(True)
    assert "Avant" in text(client)


def test_an_offer_closes_at_its_second_and_days_turn_at_midnight(client):
    deadline = make.end_of_day(timezone.localdate() + timedelta(days=1)).replace(hour=12, minute=0, second=0)
    offer = make.OfferFactory(deadline=deadline, title="Bientôt close")
    with time_machine.travel(deadline - timedelta(seconds=60), tick=False) as clock:
        assert "Bientôt close" in text(client)
        assert "Candidater</a>" in text(client, offer.get_absolute_url())
        clock.move_to(deadline + timedelta(milliseconds=900))
        assert "Bientôt close" in text(client)  # its last second counts whole
        clock.move_to(deadline + timedelta(seconds=1))
        assert "Bientôt close" not in text(client)
        assert "Candidater</a>" not in text(client, offer.get_absolute_url())
        close_expired_offers()
        assert "Bientôt close" in text(client, f"{LIST}?closes=on")


def test_a_page_that_has_not_changed_is_not_sent_again(client):
    offer = make.OfferFactory()
    for address in (LIST, offer.get_absolute_url()):
        first = client.get(address)
        assert first["Cache-Control"] == "no-cache"
        assert "Cookie" in first["Vary"]
        again = client.get(address, headers={"if-none-match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        Offer.objects.filter(pk=offer.pk).update(title=f"Changé {address}")
        assert client.get(address, headers={"if-none-match": first["ETag"]}).status_code == 200


def test_those_who_are_signed_in_have_their_own_page(client):
    text(client)
    user = make.UserFactory()
    client.force_login(user)
    answer = client.get(LIST)
    assert user.email in answer.content.decode() or "Se déconnecter" in answer.content.decode()
    assert "ETag" not in answer
    assert "private" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]
    client.logout()
    assert "Se déconnecter" not in text(client)


def test_one_person_sees_nothing_of_another(client):
    offer = make.OfferFactory()
    one, other = make.UserFactory(last_name="Première"), make.UserFactory(last_name="Seconde")
    Favourite.objects.create(user=one, offer=offer)
    pages = (LIST, offer.get_absolute_url())

    def seen() -> set[str]:
        shown = "".join(text(client, address) for address in pages)
        return {told for told in ("Première", "Seconde", "Retirer de mes favoris", "Se déconnecter") if told in shown}

    assert seen() == set()
    client.force_login(one)
    assert seen() == {"Première", "Retirer de mes favoris", "Se déconnecter"}
    client.force_login(other)
    assert seen() == {"Seconde", "Se déconnecter"}
    client.logout()
    assert seen() == set()


def test_no_page_bears_what_is_made_for_one_request(client):
    offer = make.OfferFactory()
    for address in (LIST, offer.get_absolute_url()):
        answer = client.get(address)
        assert "nonce=" not in answer.content.decode()
        assert "nonce-" not in answer.headers["Content-Security-Policy"]
        assert "csrfmiddlewaretoken" not in answer.content.decode()
        assert not answer.cookies


def test_the_pages_are_there_when_the_cache_is_not(client, settings):
    nowhere = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}
    offer = make.OfferFactory(title="Toujours là")
    with override_settings(CACHES=nowhere):
        for _ in range(3):
            assert "Toujours là" in text(client)
            assert client.get(offer.get_absolute_url()).status_code == 200


WEB_PROCESS = """
import sys, django
django.setup()
from django.conf import settings
from django.test import Client
settings.ALLOWED_HOSTS = ["*"]
settings.PAGE_CACHE_SECONDS = 600
for line in sys.stdin:
    print(ascii(Client().get(line.strip()).content.decode()), flush=True)
"""


class WebProcess:
    """A process of its own, with its own index of the offers; the database and the cache are everybody's."""

    def __init__(self, servers: Servers) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WEB_PROCESS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | servers.environment(connection.settings_dict["NAME"]),
            cwd=CHECKOUT,
        )

    def __call__(self, address: str = LIST) -> str:
        self.process.stdin.write(f"{address}\n")
        self.process.stdin.flush()
        return ast.literal_eval(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.communicate(timeout=20)


@pytest.fixture
def processes(servers):
    both = WebProcess(servers), WebProcess(servers)
    yield both
    for process in both:
        process.stop()


def test_every_process_shows_each_move_at_once_and_each_hour_at_its_second(processes):
    hr = make.MembershipFactory()
    offer = make.OfferFactory(institution=hr.institution, draft=True, parameters={}, title="Titre suivi")
    page = offer.get_absolute_url()

    def shown() -> list[tuple[bool, bool]]:
        """For each process, whether its list has the offer, and whether its page takes applications."""
        return [("Titre suivi" in web(), "Candidater</a>" in web(page)) for web in processes]

    assert shown() == [(False, False)] * 2
    WORKFLOW.run(offer, "publish", actor=hr.user)
    assert shown() == [(True, True)] * 2
    later = make.end_of_day(timezone.localdate() + timedelta(days=90))
    WORKFLOW.run(offer, "extend", actor=hr.user, reason="Panne.", deadline=later)
    assert all(timezone.localtime(later).strftime("%Y à 23:59:59") in web(page) for web in processes)
    WORKFLOW.run(offer, "pause", actor=hr.user, reason="Vérification.")
    assert [takes for _, takes in shown()] == [False] * 2
    WORKFLOW.run(offer, "close", actor=hr.user, reason="Poste pourvu.")
    assert shown() == [(False, False)] * 2

    # No program runs: each process knows by itself.
    opens = timezone.now() + timedelta(seconds=4)
    closes = (opens + timedelta(seconds=4)).replace(microsecond=0)  # its own second counts whole
    Offer.objects.filter(pk=offer.pk).update(state="published", published_at=opens, deadline=closes, closed_at=None)
    assert shown() == [(False, False)] * 2
    wait_until(opens)
    assert shown() == [(True, True)] * 2
    wait_until(closes + timedelta(seconds=1))
    assert shown() == [(False, False)] * 2


def wait_until(moment) -> None:
    time.sleep(max((moment - timezone.now()).total_seconds() + 0.05, 0))
