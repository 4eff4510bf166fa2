"""« Qui est en retard »: a whole campaign at a glance, its exports, and one button that never writes twice."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from applications import answering, late
from dossiers.answers import save_answers
from dossiers.models import Annex
from offers import lifecycle as offer_lifecycle
from portal.notifications import preferences
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from portal.workflow import TransitionRefused
from tests import factories as make
from tests.factories import PARIS

pytestmark = pytest.mark.django_db


@pytest.fixture
def hr():
    return make.MembershipFactory()


@pytest.fixture
def offer(hr):
    return make.OfferFactory(institution=hr.institution)


@pytest.fixture
def campaign(offer):
    """Three drafts begun three days ago: untouched, waiting for a signatory, declined; and a filed dossier."""
    with time_machine.travel(timezone.now() - timedelta(days=3), tick=False):
        untouched, waiting, declined = (
            make.ApplicationFactory(offer=offer, candidate__last_name=name) for name in ("Aucun", "Brave", "Courtois")
        )
        make.invited_annex(waiting, signatory_email="attendue@example.org", signatory_name="Personne attendue")
        answering.decline(make.invited_annex(declined, signatory_email="refus@example.org"), "Absence.")
    make.filed(make.ApplicationFactory(offer=offer, candidate__last_name="Déposé"))
    return {"untouched": untouched, "waiting": waiting, "declined": declined}


def address(name: str, *args) -> str:
    return reverse(f"admin:applications_{name}", args=args)


def names(applications) -> list[str]:
    return [application.candidate.last_name for application in applications]


def test_every_open_draft_is_there_and_no_filed_one(offer, campaign):
    assert names(late.drafts(offer)) == ["Aucun", "Brave", "Courtois"]


def test_each_filter_finds_its_own(offer, campaign):
    assert names(late.drafts(offer, "signature")) == ["Brave"]
    assert names(late.drafts(offer, "declinee")) == ["Courtois"]
    assert names(late.drafts(offer, "adresse")) == []
    Mail.objects.filter(recipient="attendue@example.org").update(state=Mail.State.BOUNCED)
    assert names(late.drafts(offer, "adresse")) == ["Brave"]
    assert names(late.drafts(offer, "dormant")) == []
    with time_machine.travel(timezone.now() + timedelta(days=12), tick=False):
        save_answers(campaign["untouched"].dossier, "identity", {})
        assert names(late.drafts(offer, "dormant")) == ["Brave", "Courtois"]


@pytest.mark.parametrize(("words", "found"), [("brav", ["Brave"]), ("attendue@", ["Brave"]), ("zzz", [])])
def test_people_are_found_by_name_or_address(offer, campaign, words, found):
    assert names(late.drafts(offer, "", words)) == found


def test_a_line_says_who_is_awaited_and_when_they_were_last_asked(offer, campaign):
    _, waiting, declined = late.lines(late.drafts(offer))
    (asked,) = waiting.asked
    assert asked.annex.signatory_name == "Personne attendue"
    assert asked.chased_at == Mail.objects.get(recipient="attendue@example.org", kind="signatory_request").created_at
    assert declined.asked[0].state == "Déclinée"
    assert waiting.chased_at is None


def test_the_page_tells_progress_not_content(client, hr, offer, campaign):
    save_answers(campaign["waiting"].dossier, "needs", {"context": "Réponse confidentielle"})
    client.force_login(hr.user)
    page = client.get(address("late", offer.pk)).content.decode()
    assert "Personne attendue" in page
    assert "Réponse confidentielle" not in page


@pytest.mark.parametrize("query", ["?voir=inconnu", "?page=abc", "?nom=" + "a" * 500, "?voir=signature&nom=%00"])
def test_an_odd_address_is_answered(client, hr, offer, campaign, query):
    client.force_login(hr.user)
    assert client.get(address("late", offer.pk) + query).status_code == 200


# Exports


def test_both_exports_hold_a_row_for_each_missing_signature(client, hr, offer, campaign):
    Annex.objects.filter(signatory_email="attendue@example.org").update(signatory_name="=1+1")
    client.force_login(hr.user)
    answer = client.get(address("late_export", offer.pk, "csv"))
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig")), delimiter=";"))
    book = load_workbook(io.BytesIO(client.get(address("late_export", offer.pk, "xlsx")).content))
    sheet = [["" if cell is None else str(cell) for cell in row] for row in book.active.iter_rows(values_only=True)]
    assert rows == sheet
    assert [row[0].rpartition(" ")[2] for row in rows[1:]] == ["Aucun", "Brave", "Courtois"]
    assert rows[2][8] == "'=1+1"
    assert client.get(address("late_export", offer.pk, "pdf")).status_code == 404


def test_an_export_follows_the_filter(client, hr, offer, campaign):
    client.force_login(hr.user)
    answer = client.get(address("late_export", offer.pk, "csv") + "?voir=signature")
    assert answer.getvalue().decode().count("\r\n") == 2


# Chasing


def queued() -> list[str]:
    return sorted(Mail.objects.filter(kind__endswith="reminder").values_list("recipient", flat=True))


def test_the_button_tells_how_many_then_writes_to_each_once(client, hr, offer, campaign):
    client.force_login(hr.user)
    assert "<strong>4 messages vont partir" in client.get(address("late_chase", offer.pk)).content.decode()
    assert queued() == []
    for _ in range(2):
        client.post(address("late_chase", offer.pk))
    assert queued() == sorted([*(a.candidate.email for a in campaign.values()), "attendue@example.org"])
    assert "Aucun message ne partirait" in client.get(address("late_chase", offer.pk)).content.decode()


def test_two_days_later_it_may_write_again(offer, campaign):
    assert late.chase(offer).count == 4
    with time_machine.travel(timezone.now() + timedelta(hours=47), tick=False):
        assert late.chase(offer).count == 0
    with time_machine.travel(timezone.now() + timedelta(hours=49), tick=False):
        assert late.chase(offer).count == 4


def test_who_refused_reminders_or_has_a_dead_address_is_left_in_peace(offer, campaign):
    preferences.refuse(campaign["untouched"].candidate.email, "reminders")
    Mail.objects.filter(recipient="attendue@example.org").update(state=Mail.State.BOUNCED)
    found = late.due(offer)
    assert (len(found.candidates), len(found.signatories), found.spared) == (2, 0, 2)


def test_who_has_just_begun_or_just_been_asked_is_left_in_peace(offer):
    make.invited_annex(make.ApplicationFactory(offer=offer))
    assert late.due(offer).count == 0


def test_a_closed_offer_chases_nobody(hr, offer, campaign):
    offer_lifecycle.WORKFLOW.run(offer, "close", actor=hr.user, reason="Fin.")
    with pytest.raises(TransitionRefused):
        late.chase(offer)
    assert queued() == []


def test_what_a_chase_costs_does_not_grow(offer, campaign, django_assert_max_num_queries):
    with time_machine.travel(timezone.now() - timedelta(days=3), tick=False):
        for application in make.ApplicationFactory.create_batch(20, offer=offer):
            make.invited_annex(application)
    with django_assert_max_num_queries(12):
        assert late.chase(offer).count == 44


def test_a_chase_in_the_evening_leaves_in_the_morning_and_says_so(client, hr, offer, campaign, smtp_sink):
    Mail.objects.all().delete()
    evening = datetime(2031, 7, 13, 21, tzinfo=PARIS)  # a Sunday, before a holiday
    type(offer).objects.filter(pk=offer.pk).update(deadline=evening + timedelta(days=30))
    with time_machine.travel(evening, tick=False):
        client.force_login(hr.user)
        page = client.get(address("late_chase", offer.pk)).content.decode()
        assert "les messages partiront mardi 15 juillet 2031 à 8 h 00" in page
        told = client.post(address("late_chase", offer.pk), follow=True).content.decode()
        assert "Départ mardi 15 juillet 2031 à 8 h 00." in told
        assert drain_outbox() == 0
    with time_machine.travel(datetime(2031, 7, 14, 12, tzinfo=PARIS), tick=False):
        assert drain_outbox() == 0
    with time_machine.travel(datetime(2031, 7, 15, 8, tzinfo=PARIS), tick=False):
        assert drain_outbox() == 4


def test_a_chase_in_the_last_day_leaves_at_once_whatever_the_hour(client, hr, offer, campaign):
    Mail.objects.all().delete()
    night = datetime(2031, 7, 13, 23, tzinfo=PARIS)
    type(offer).objects.filter(pk=offer.pk).update(deadline=night + timedelta(hours=23))
    with time_machine.travel(night, tick=False):
        client.force_login(hr.user)
        assert "partiront" not in client.get(address("late_chase", offer.pk)).content.decode()
        assert late.chase(offer).count == drain_outbox() == 4
