"""Alerts: nothing before consent, each offer once, ended in one click; and favourites."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offers import alerts
from offers.filters import Criteria
from offers.models import Alert, Favourite, Offer
from portal.logs import without_secrets
from portal.notifications import outbox
from portal.notifications.models import Mail
from portal.notifications.outbox import Obsolete
from portal.notifications.tasks import drain_outbox
from tests import factories as make
from tests.offers.test_search import HOSTILE, NAMES

pytestmark = pytest.mark.django_db
NEW = reverse("alerts:new")
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
EMAIL = "docteur@example.org"


@pytest.fixture(autouse=True)
def nobody_asked_yet():
    cache.clear()


def ask(client, email=EMAIL, frequency="daily", query="region=28"):
    return client.post(f"{NEW}?{query}", {"email": email, "frequency": frequency})


def followed(query="region=28", frequency="daily", email=EMAIL) -> Alert:
    """A confirmed alert."""
    alert = Alert.objects.create(email=email, query=query, frequency=frequency)
    alerts.confirm(alert)
    return alert


def published(**values) -> Offer:
    return make.OfferFactory(**({"region": "28", "published_at": timezone.now()} | values))


def letters(kind="alert") -> list[outbox.Letter]:
    return [outbox.build(mail) for mail in Mail.objects.filter(kind=kind).order_by("pk")]


def test_nothing_is_sent_before_the_owner_of_the_address_has_confirmed(client):
    assert ask(client).url == reverse("alerts:asked")
    [letter] = letters("alert_confirmation")
    alert = Alert.objects.get()
    page = alert.get_absolute_url()
    assert page in letter.text
    assert "Normandie" in letter.text
    assert "Confirmer" in client.get(page).content.decode()
    alert.refresh_from_db()
    assert alert.confirmed_at is None  # a mail server that reads links confirms nothing

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        published()
        assert alerts.tell_news() == 0
        assert client.post(page, {"frequency": "weekly"}).url == page
        alert.refresh_from_db()
        assert (alert.frequency, alert.confirmed_at is None) == ("weekly", False)


def test_each_new_offer_is_told_once_and_old_ones_never():
    with time_machine.travel(MONDAY, tick=False) as clock:
        published(title="Ancienne", deadline=None)
        followed()
        clock.shift(timedelta(hours=3))
        published(title="Nouvelle à Rouen", deadline=None)
        published(title="Ailleurs", region="84", deadline=None)
        make.OfferFactory(title="Brouillon", region="28", draft=True)
        assert alerts.tell_news() == 0  # not before the next morning
        clock.move_to(MONDAY + timedelta(days=1))
        assert alerts.tell_news() == 1
        assert alerts.tell_news() == 0
        [letter] = letters()
        assert letter.subject == "Une nouvelle offre : Nouvelle à Rouen"
        assert "Ancienne" not in letter.text
        assert "Ailleurs" not in letter.text
        assert "sans date limite" in letter.text
        clock.shift(timedelta(days=1))
        assert alerts.tell_news() == 0  # nothing new, no mail


def test_an_offer_to_be_published_later_is_told_when_it_is():
    with time_machine.travel(MONDAY, tick=False) as clock:
        followed()
        published(deadline=None, published_at=MONDAY + timedelta(days=3))
        clock.move_to(MONDAY + timedelta(days=2))
        assert alerts.tell_news() == 0
        clock.move_to(MONDAY + timedelta(days=4))
        assert alerts.tell_news() == 1


def test_a_weekly_alert_waits_for_monday():
    with time_machine.travel(MONDAY, tick=False) as clock:
        followed(frequency="weekly")
        clock.shift(timedelta(hours=1))
        published(deadline=None)
        told = []
        for _ in range(7):
            clock.shift(timedelta(days=1))
            told.append(alerts.tell_news())
        assert told == [0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("now", "daily", "weekly"),
    [
        # In Paris: the clocks go forward on Sunday 29 March 2026, back on Sunday 25 October.
        ("2026-03-29T05:00+00:00", "2026-03-29T05:00+00:00", "2026-03-23T06:00+00:00"),
        ("2026-03-29T04:59+00:00", "2026-03-28T06:00+00:00", "2026-03-23T06:00+00:00"),
        ("2026-10-26T06:00+00:00", "2026-10-26T06:00+00:00", "2026-10-26T06:00+00:00"),
        ("2026-10-26T05:59+00:00", "2026-10-25T06:00+00:00", "2026-10-19T05:00+00:00"),
    ],
)
def test_seven_o_clock_is_in_paris(now, daily, weekly):
    moment = datetime.fromisoformat(now)
    assert alerts.period_start("daily", moment) == datetime.fromisoformat(daily)
    assert alerts.period_start("weekly", moment) == datetime.fromisoformat(weekly)


def test_offers_closed_meanwhile_are_not_told():
    alert = followed()
    offer = published()
    mail = outbox.enqueue("alert", EMAIL, {"alert": alert.pk, "offers": [offer.pk]})
    Offer.objects.filter(pk=offer.pk).update(state="closed", closed_at=timezone.now())
    with pytest.raises(Obsolete):
        outbox.build(mail)


def test_it_ends_in_one_click_from_the_mail_program(client, smtp_sink):
    alert = followed()
    outbox.enqueue("alert", EMAIL, {"alert": alert.pk, "offers": [published().pk]})
    drain_outbox()
    [message] = smtp_sink.wait_for(1, to=EMAIL)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = message["List-Unsubscribe"].strip(" <>")
    path = reverse("alerts:end", args=[alert.secret])
    assert address.endswith(path)
    assert address in message.get_body(("plain",)).get_content()
    assert client.get(path).status_code == 200
    assert Alert.objects.exists()  # reading the link ends nothing

    program = type(client)(enforce_csrf_checks=True)
    for _ in range(2):
        answer = program.post(path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, Alert.objects.exists()) == (200, False)


def test_nobody_floods_the_mailbox_of_someone_else(client):
    for number in range(10):
        ask(client, query=f"q=mot{number}")
        ask(client, query=f"q=mot{number}")
    assert Mail.objects.filter(recipient=EMAIL).count() == alerts.MOST_REQUESTS_A_DAY


def test_the_same_request_again_and_again_is_no_way_to_flood_either(client):
    with time_machine.travel(MONDAY, tick=False) as clock:
        for _ in range(12):
            ask(client)
            clock.shift(timedelta(minutes=90))
    assert Mail.objects.filter(recipient=EMAIL).count() == alerts.MOST_REQUESTS_A_DAY


def test_too_many_requests_from_one_machine_are_told_and_keep_what_was_typed(client):
    for number in range(alerts.MOST_REQUESTS_AN_HOUR):
        ask(client, email=f"personne{number}@example.org")
    answer = ask(client, email="encore@example.org")
    assert answer.status_code == 400
    assert "Réessayez dans une heure" in answer.content.decode()
    assert "encore@example.org" in answer.content.decode()


def test_a_stranger_learns_nothing_and_changes_nothing(client):
    alert = followed()
    assert ask(client, frequency="weekly").url == ask(client, email="autre@example.org").url
    alert.refresh_from_db()
    assert alert.frequency == "daily"
    assert not Mail.objects.filter(recipient=EMAIL).exists()


def test_what_was_never_confirmed_is_erased_and_the_rest_after_a_year(client):
    ask(client)
    followed(query="region=84")
    later = timezone.now()
    assert alerts.forget(later + timedelta(days=6)) == 0
    assert alerts.forget(later + timedelta(days=8)) == 1
    assert alerts.forget(later + timedelta(days=364)) == 0
    assert alerts.forget(later + timedelta(days=366)) == 1


def test_the_link_of_an_alert_is_in_no_log():
    assert without_secrets("GET /alertes/abcDEF123/fin/ 200") == "GET /alertes/***/fin/ 200"


@pytest.mark.parametrize("email", ["", "docteur", "a@b", "x\x00@example.org", "é" * 300 + "@example.org", "a\nb@c.fr"])
def test_a_wrong_address_is_told_beside_its_field(client, email):
    answer = ask(client, email=email)
    assert answer.status_code == 400
    assert "fr-error-text" in answer.content.decode() or "fr-message--error" in answer.content.decode()
    assert not Alert.objects.exists()


def test_a_search_too_long_to_be_followed_is_refused_in_words(client):
    query = "&".join(f"contrat={number}{'é' * 150}" for number in range(20))
    answer = ask(client, query=query)
    assert answer.status_code == 400
    assert "trop de critères" in answer.content.decode()
    assert EMAIL in answer.content.decode()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"email=%ff%fe&frequency=daily", "application/x-www-form-urlencoded"),
        (b"email=a", "application/x-www-form-urlencoded; charset=utf-16"),
        (b"email=a", "application/x-www-form-urlencoded; charset=inconnu"),
        (b"--x\r\nnothing", "multipart/form-data; boundary=x"),
        (b"nothing", "multipart/form-data"),
        (b"{", "application/json"),
        (b"&".join(b"a=1" for _ in range(3000)), "application/x-www-form-urlencoded"),
    ],
)
def test_a_malformed_request_is_answered(client, body, content_type):
    assert client.generic("POST", NEW, body, content_type=content_type).status_code == 400


def test_no_request_breaks_an_alert(client):
    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.dictionaries(st.sampled_from(NAMES), HOSTILE, max_size=4), HOSTILE, HOSTILE)
    def check(query, email, frequency):
        answer = client.post(NEW, {"email": email, "frequency": frequency}, query_params=query)
        assert answer.status_code in {302, 400}
        assert client.get(f"/alertes/{quote(email, safe='')}/").status_code in {200, 302, 404}

    check()


def test_an_alert_keeps_the_search_and_not_its_order():
    search = Criteria.read_text("q=psychiatre&region=28&echeance=7&closes=on&tri=intitule")
    assert alerts.followed(search) == "q=psychiatre&region=28"


def test_favourites_are_kept_and_listed_without_javascript(client):
    offer = published()
    hidden = make.OfferFactory(draft=True)
    user = make.UserFactory()
    client.force_login(user)
    address = reverse("offers:favour", args=[offer.slug])
    assert address in client.get(offer.get_absolute_url()).content.decode()
    for _ in range(2):
        client.post(address)
    assert client.post(reverse("offers:favour", args=[hidden.slug])).status_code == 404
    assert Favourite.objects.count() == 1
    assert offer.title in client.get(reverse("offers:favourites")).content.decode()
    assert "Retirer de mes favoris" in client.get(offer.get_absolute_url()).content.decode()
    client.post(address, {"garder": "non"})
    assert "pas encore de favori" in client.get(reverse("offers:favourites")).content.decode()
