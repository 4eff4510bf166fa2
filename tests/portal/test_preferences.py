"""Which mails a person wants: one click from the mail, without an account; what the law requires still leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.notifications import outbox, preferences
from portal.notifications.models import Category, Mail, Refusal
from portal.notifications.tasks import drain_outbox
from tests import factories as make

pytestmark = pytest.mark.django_db
ADDRESS = "direction@example.org"


def link_of(address: str = ADDRESS, category: str = "reminders") -> str:
    token = preferences.page_of(address, category).rstrip("/").rpartition("/")[2]
    return reverse("mail_preferences", args=[token])


@pytest.fixture
def reminded(smtp_sink):
    """A function: remind a signatory, drain, and give what left."""
    annex = make.invited_annex(make.ApplicationFactory())
    drain_outbox()

    def remind():
        smtp_sink.clear()
        Mail.objects.update(sent_at=timezone.now() - timedelta(days=1))
        payload = {"annex": str(annex.pk), "link_hash": annex.link_hash}
        mail = outbox.enqueue("signatory_reminder", annex.signatory_email, payload, thread=annex.dossier_id)
        drain_outbox()
        mail.refresh_from_db()
        return mail, smtp_sink.sent_to(annex.signatory_email)

    return remind


def test_one_click_from_a_mail_program_stops_what_it_says_and_nothing_else(reminded, smtp_sink):
    """As RFC 8058 says: a POST of one field, without cookies, to the address of the header."""
    _, [message] = reminded()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = message["List-Unsubscribe"].strip(" <>")
    assert address in message.get_body(("plain",)).get_content()
    stranger = Client(enforce_csrf_checks=True)
    path = "/" + address.split("/", 3)[3]
    answer = stranger.post(path, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    mail, sent = reminded()
    assert (mail.state, sent) == (Mail.State.DROPPED, [])
    make.invited_annex(make.ApplicationFactory())
    drain_outbox()
    [request] = smtp_sink.sent_to(ADDRESS)
    assert "vous demande un avis" in request["Subject"]
    assert request["List-Unsubscribe"] is None


def test_opening_the_page_changes_nothing(client):
    """Scanners of mail open every link."""
    assert client.get(link_of()).status_code == 200
    assert client.head(link_of()).status_code == 200
    assert not Refusal.objects.exists()


def test_the_button_of_the_page_refuses_and_the_boxes_take_it_back(client):
    page = client.post(link_of(), {"refuse": "1"}, follow=True).content.decode()
    assert "C’est fait" in page
    assert preferences.refused(ADDRESS) == {"reminders"}
    client.post(link_of(), {"wanted": ["reminders", "digest"]})
    assert preferences.refused(ADDRESS) == {"news"}


def test_twice_is_once(client):
    for _ in range(2):
        client.post(link_of(), {"List-Unsubscribe": "One-Click"})
    assert Refusal.objects.count() == 1


def test_case_does_not_count_in_an_address():
    preferences.refuse("Direction@Example.org", "news")
    assert preferences.refuses("direction@example.ORG", "news")
    assert not preferences.refuses(ADDRESS, "reminders")


@pytest.mark.parametrize("token", ["faux", "WyJhIiwiYiJd:1a:b"])
def test_a_link_that_is_not_ours_opens_nothing(client, token):
    answer = client.post(reverse("mail_preferences", args=[token]), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 404
    assert not Refusal.objects.exists()


def test_a_token_of_another_page_opens_nothing(client):
    from django.core import signing

    other = signing.dumps([ADDRESS, "reminders"], salt="autre")
    assert client.get(reverse("mail_preferences", args=[other])).status_code == 404


def test_an_account_chooses_for_its_own_address(client):
    user = make.UserFactory()
    client.force_login(user)
    client.post(reverse("mail_preferences_own"), {"wanted": []})
    assert preferences.refused(user.email) == set(Category.values)
    assert "<strong>" + user.email in client.get(reverse("mail_preferences_own")).content.decode()


def test_what_the_law_or_the_circuit_requires_cannot_be_refused():
    required = {"receipt", "decision", "admissible", "inadmissible", "signatory_request", "signatory_copy", "rendered"}
    assert {name for name in required if outbox.kinds[name].category} == set()
    assert {kind.category for kind in outbox.kinds.values()} <= {"", *Category.values}
