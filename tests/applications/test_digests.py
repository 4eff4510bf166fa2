"""Weekly digests: one mail instead of many, once a week and person, and nothing to say means no mail."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from applications import answering, circuit, correspondence, digests
from applications.correspondence import FOR_CANDIDATE, chases, thread
from applications.models import Digest
from dossiers import signing
from dossiers.completeness import completeness
from dossiers.models import Annex
from portal.accounts.models import User
from portal.notifications import outbox
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from tests import factories as make
from tests.factories import PARIS

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 10, 26, 9, tzinfo=PARIS)  # the day after the clock went back


def test_the_week_is_a_paris_week():
    assert digests.week_of(MONDAY) == digests.week_of(MONDAY + timedelta(days=6, hours=14)) == MONDAY.date()
    assert digests.week_of(MONDAY - timedelta(hours=9, seconds=1)) == MONDAY.date() - timedelta(days=7)


@pytest.fixture
def several():
    """Two requests to the same person, from two candidates."""
    annexes = [make.invited_annex(make.ApplicationFactory()) for _ in range(2)]
    make.invited_annex(make.ApplicationFactory(), signatory_email="autre@example.org")
    return annexes


def digest_to(address: str) -> Mail | None:
    return Mail.objects.filter(kind__endswith="digest", recipient=address).first()


def test_a_signatory_with_several_requests_gets_one_mail_with_every_link(several, smtp_sink):
    drain_outbox()
    smtp_sink.clear()
    assert digests.queue_digests() == 1
    assert digests.queue_digests() == 0
    drain_outbox()
    [message] = smtp_sink.messages
    assert message["To"] == make.SIGNATORY["signatory_email"]
    assert "2 avis attendus" in message["Subject"]
    for part in ("plain", "html"):
        body = message.get_body((part,)).get_content()
        for annex in several:
            assert signing.link_secret(annex) in body
    assert message["List-Unsubscribe"]


def test_the_next_week_has_its_own(several):
    assert digests.queue_digests() == 1
    with time_machine.travel(timezone.now() + timedelta(days=7), tick=False):
        assert digests.queue_digests() == 1
    assert Digest.objects.count() == 2


def test_claim_and_mail_stand_or_fall_together(several, monkeypatch):
    monkeypatch.setattr("applications.digests.outbox.enqueue", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        digests.queue_digests()
    assert not Digest.objects.exists()


def test_what_was_answered_meanwhile_is_not_asked_again(several, smtp_sink):
    digests.queue_digests()
    answering.decline(several[0], "Absence.")
    drain_outbox()
    assert digest_to(make.SIGNATORY["signatory_email"]).state == Mail.State.DROPPED


def test_a_reminder_of_the_same_day_would_say_it_again(several, smtp_sink):
    digests.queue_digests()
    drain_outbox()
    Mail.objects.filter(kind="signatory_request").update(sent_at=timezone.now() - timedelta(days=1))
    payload = {"annex": str(several[0].pk), "link_hash": several[0].link_hash}
    reminder = outbox.enqueue("signatory_reminder", several[0].signatory_email, payload)
    drain_outbox()
    reminder.refresh_from_db()
    assert (reminder.state, "relancée" in reminder.last_error) == (Mail.State.DROPPED, True)


def test_the_candidate_sees_that_a_digest_asked_again(several, smtp_sink):
    application = several[0].dossier.application
    digests.queue_digests()
    drain_outbox()
    events = thread(application, FOR_CANDIDATE)
    assert {(event.title, event.status) for event in events} == {
        ("Avis attendus", "Remis au serveur de messagerie"),
        ("Demande d’avis", "Remis au serveur de messagerie"),
    }
    (chase,) = chases(application.dossier, completeness(application.dossier))
    assert [mail.title for mail in chase.mails] == ["Avis attendus", "Demande d’avis"]
    later = make.invited_annex(make.ApplicationFactory())
    assert [event.title for event in thread(later.dossier.application, FOR_CANDIDATE)] == ["Demande d’avis"]


# Human resources


@pytest.fixture
def agent():
    return make.MembershipFactory()


def test_an_agent_reads_where_their_open_offers_are(agent, smtp_sink):
    offer = make.OfferFactory(institution=agent.institution, title="Poste partagé")
    make.OfferFactory(title="Offre d’ailleurs")
    make.filed(make.ApplicationFactory(offer=offer))
    make.complete(make.ApplicationFactory(offer=offer))
    late = make.ApplicationFactory(offer=offer)
    annex = make.invited_annex(late, signatory_email="perdue@example.org")
    drain_outbox()
    Mail.objects.filter(recipient=annex.signatory_email).update(state=Mail.State.BOUNCED)
    type(annex).objects.filter(pk=annex.pk).update(sent_at=timezone.now() - timedelta(days=9))
    smtp_sink.clear()
    assert digests.queue_digests() == 1
    drain_outbox()
    [message] = smtp_sink.sent_to(agent.user.email)
    body = message.get_body(("plain",)).get_content()
    for line in [
        "Poste partagé",
        "1 dossier déposé cette semaine",
        "1 dossier à vérifier",
        "1 dossier en préparation, incomplet",
        "1 dossier complet, pas encore déposé",
        "1 signature attendue depuis plus d’une semaine",
        "1 adresse refusée par la messagerie",
    ]:
        assert line in body
    assert "Offre d’ailleurs" not in body
    assert late.candidate.last_name not in body


def test_nothing_to_say_is_not_said(agent, smtp_sink):
    make.OfferFactory(institution=agent.institution)
    digests.queue_digests()
    drain_outbox()
    assert digest_to(agent.user.email).state == Mail.State.DROPPED
    assert not smtp_sink.messages


def test_an_agent_without_an_open_offer_gets_none(agent):
    make.OfferFactory(institution=agent.institution, draft=True)
    assert digests.queue_digests() == 0


def test_what_an_offer_costs_does_not_grow_with_its_drafts(agent):
    offer = make.OfferFactory(institution=agent.institution)
    counts = []
    for more in (2, 10):
        make.ApplicationFactory.create_batch(more, offer=offer)
        user = User.objects.get(pk=agent.user.pk)
        with CaptureQueriesContext(connection) as captured:
            assert len(list(digests.weeks_of(user))) == 1
        counts.append(len(captured))
    assert counts[0] == counts[1]


# One reminder a day


def test_who_owes_several_opinions_gets_one_reminder_a_day_about_all(smtp_sink):
    annexes = [make.invited_annex(make.ApplicationFactory(), signatory_email="chef@example.org") for _ in range(3)]
    other = make.invited_annex(make.ApplicationFactory(), signatory_email="seule@example.org")
    Mail.objects.all().delete()
    for annex in [*annexes, other]:
        payload = {"annex": str(annex.pk), "link_hash": annex.link_hash}
        outbox.enqueue("signatory_reminder", annex.signatory_email, payload, thread=annex.dossier_id)
    drain_outbox()
    [message] = smtp_sink.sent_to("chef@example.org")
    text = message.get_body(("plain",)).get_content()
    for annex in annexes:
        assert signing.link_secret(annex) in text
    assert len([part for part in message.walk() if part.get_content_type() == "text/calendar"]) == 3
    [message] = smtp_sink.sent_to("seule@example.org")
    assert "avis attendus de vous" not in message["Subject"]
    assert Mail.objects.filter(state=Mail.State.DROPPED).count() == 2
    for annex in annexes:  # each candidate sees that it left
        titles = [
            event.status for event in correspondence.thread(annex.dossier.application, correspondence.FOR_CANDIDATE)
        ]
        assert titles.count("Remis au serveur de messagerie") == 1


def test_the_reminder_that_failed_is_the_one_of_the_day_when_it_leaves(smtp_sink):
    annexes = [make.invited_annex(make.ApplicationFactory(), signatory_email="chef@example.org") for _ in range(2)]
    Mail.objects.all().delete()
    for annex in annexes:
        payload = {"annex": str(annex.pk), "link_hash": annex.link_hash}
        outbox.enqueue("signatory_reminder", "chef@example.org", payload, thread=annex.dossier_id)
    first, second = Mail.objects.order_by("pk")
    outbox.build(first)  # and the mail server said 451
    with pytest.raises(outbox.Obsolete, match="un seul rappel par jour"):
        outbox.build(second)
    assert outbox.build(first).subject == "2 avis attendus de vous"


def test_an_address_that_is_refused_is_noted_on_every_dossier_that_the_reminder_told_of():
    annexes = [make.invited_annex(make.ApplicationFactory(), signatory_email="parti@example.org") for _ in range(2)]
    payload = {"annex": str(annexes[0].pk), "link_hash": annexes[0].link_hash}
    mail = outbox.enqueue("signatory_reminder", "parti@example.org", payload, thread=annexes[0].dossier_id)
    outbox.build(mail)
    circuit.note_bounce(mail)
    assert set(Annex.objects.values_list("state", flat=True)) == {Annex.State.BOUNCED}


def test_what_a_person_owes_is_found_by_an_index():
    """Among eight hundred thousand annexes: each reminder asks."""
    query = Annex.objects.filter(state__in=Annex.WAITING, signatory_email__iexact="chef@example.org").order_by()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("ANALYZE dossiers_annex")
    assert "annex_asked_of" in query.explain()
