"""What leaves first, what waits for the morning, how much one domain gets, and what follows a refused address."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from portal.calendar import HOLIDAYS, is_quiet, quiet_until
from portal.notifications import claims, outbox
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from tests import factories as make
from tests.factories import PARIS
from tests.portal.test_notifications import refusing  # noqa: F401 (a fixture)

State = Mail.State


def write(recipient: str = "personne@example.org", **changes) -> Mail:
    mail = outbox.enqueue_rendered(kind="essai", recipient=recipient, subject=recipient, text="Texte.\n")
    Mail.objects.filter(pk=mail.pk).update(**changes)
    return mail


def left(smtp_sink) -> list[str]:
    drain_outbox()
    return [message["X-Envelope-To"] for message in smtp_sink.messages]


# Order


def test_what_somebody_waits_for_leaves_before_the_reminders(db, smtp_sink):
    for number, priority in enumerate([outbox.LATER, outbox.NORMAL, outbox.NOW]):
        write(f"personne{number}@example.org", priority=priority)
    assert left(smtp_sink) == [f"personne{number}@example.org" for number in (2, 1, 0)]


def test_each_kind_has_its_priority(db):
    kinds = {kind: outbox.priority_of(kind) for kind in outbox.kinds if kind != "rendered"}
    assert kinds["receipt"] == kinds["signatory_request"] == outbox.NOW
    assert {kinds[kind] for kind in kinds if kind.endswith("reminder")} == {outbox.LATER}
    assert write().priority == outbox.NOW  # allauth's: a code


def test_only_what_can_wait_is_claimed_together(db):
    """One that was tried before may kill again, and nobody's code waits ten minutes because of it."""
    code, fine, deadly, other = write(), *(write(priority=outbox.LATER, attempts=tries) for tries in (0, 1, 0))
    assert [[mail.pk for mail in claims.claim()] for _ in range(4)] == [[code.pk], [fine.pk], [deadly.pk], [other.pk]]
    reminders = [write(priority=outbox.LATER).pk for _ in range(3)]
    assert [mail.pk for mail in claims.claim()] == reminders


def test_what_was_claimed_and_not_tried_has_lost_nothing(db):
    write()
    mails = claims.claim()
    assert claims.claim() == []
    claims.give_back(mails)
    [again] = claims.claim()
    assert again.attempts == 1


def test_a_server_that_goes_away_in_the_middle_costs_one_try_at_most(db, smtp_sink, monkeypatch):
    mails = [write(priority=outbox.LATER) for _ in range(5)]
    opened = iter([True, True])  # for the batch, then for its second mail
    monkeypatch.setattr("portal.notifications.tasks._opened", lambda connection: next(opened, False))
    assert drain_outbox() == 2
    states = list(Mail.objects.order_by("pk").values_list("state", "attempts"))
    assert states == [(State.SENT, 1)] * 2 + [(State.PENDING, 0)] * 3
    assert [mail.pk for mail in claims.due()] == [mail.pk for mail in mails[2:]]


# The limit per receiving domain


def test_a_domain_that_has_had_enough_holds_up_nobody_else(db, smtp_sink, settings):
    settings.OUTBOX_PER_DOMAIN_AND_MINUTE = 2
    for number in range(4):
        write(f"personne{number}@Plein.example.org")
    write("personne@autre.example.org")
    assert sorted(left(smtp_sink)) == [
        "personne0@Plein.example.org",
        "personne1@Plein.example.org",
        "personne@autre.example.org",
    ]
    smtp_sink.clear()
    assert left(smtp_sink) == []
    Mail.objects.update(tried_at=timezone.now() - timedelta(seconds=61))
    assert left(smtp_sink) == ["personne2@Plein.example.org", "personne3@Plein.example.org"]


def test_a_claim_costs_the_same_however_many_domains_and_mails(db, django_assert_num_queries):
    for number in range(30):
        write(f"personne@domaine{number}.example.org", priority=outbox.LATER)
    with django_assert_num_queries(6):  # with the beginning and the end of its transaction
        assert len(claims.claim()) == claims.BATCH


# Quiet hours


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


MOMENTS = st.datetimes(*map(datetime.fromisoformat, ("2024-01-01", "2034-01-01")), timezones=st.just(PARIS))


# Three Mondays and a Sunday; the clocks change on 2026-10-25 and 2027-03-28.
@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("2026-07-13 07:59:59", True),
        ("2026-07-13 08:00:00", False),
        ("2026-07-13 19:59:59", False),
        ("2026-07-13 20:00:00", True),
        ("2026-07-12 12:00:00", True),
        ("2026-10-24 19:59:59", False),
        ("2026-10-25 12:00:00", True),
        ("2026-10-26 07:59:59", True),
        ("2026-10-26 08:00:00", False),
        ("2027-03-27 20:00:00", True),
        ("2027-03-30 07:59:59", True),
        ("2027-03-30 08:00:00", False),
    ],
)
def test_nights_and_sundays_are_those_of_paris(moment, quiet):
    assert is_quiet(at(moment)) is quiet


@given(MOMENTS)
def test_a_day_of_work_has_twelve_hours_for_mail(moment):
    """Whatever the clocks do: they change on a Sunday."""
    if moment.weekday() != 6 and moment.date() not in HOLIDAYS:
        assert is_quiet(moment) is (not 8 <= moment.hour < 20)
    else:
        assert is_quiet(moment)


@given(MOMENTS)
def test_the_last_day_has_twenty_four_real_hours(deadline):
    assert deadline.timestamp() - quiet_until(deadline).timestamp() == 24 * 3600


@pytest.mark.parametrize(
    ("deadline", "leaves"),
    [("2026-07-14 01:59:59", True), ("2026-07-14 23:59:59", False), (None, False)],
)
def test_at_night_only_the_last_day_disturbs(db, smtp_sink, deadline, leaves):
    until = quiet_until(at(deadline)) if deadline else outbox.ALWAYS_QUIET
    with time_machine.travel(at("2026-07-13 02:00:00"), tick=False):
        write("rappel@example.org", quiet_until=until)
        write("code@example.org")
        assert ("rappel@example.org" in left(smtp_sink)) is leaves
        assert smtp_sink.sent_to("code@example.org")
    with time_machine.travel(at("2026-07-13 08:00:00"), tick=False):
        assert "rappel@example.org" in left(smtp_sink)


# A refused address


@pytest.fixture
def hook(monkeypatch):
    told = []
    monkeypatch.setattr(outbox, "_bounce_hooks", [told.append])
    return told


def test_a_refused_address_is_told_to_the_applications(db, smtp_sink, refusing, hook):  # noqa: F811
    refusing("550 5.1.1 Inconnu")
    mail = write("inconnu@example.org")
    drain_outbox()
    [told] = hook
    assert (told.pk, told.state, told.payload) == (mail.pk, State.BOUNCED, {})
    mail.refresh_from_db()
    assert mail.state == State.BOUNCED
    assert "5.1.1" in mail.last_error


def test_an_application_that_fails_has_the_bounce_told_again(db, smtp_sink, refusing, hook, monkeypatch):  # noqa: F811
    refusing("550 5.1.1 Inconnu")
    mail = write("inconnu@example.org")
    monkeypatch.setattr(outbox, "_bounce_hooks", [lambda mail: 1 / 0])
    drain_outbox()
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == (State.PENDING, 1)
    monkeypatch.setattr(outbox, "_bounce_hooks", [hook.append])
    Mail.objects.update(next_attempt_at=timezone.now())
    drain_outbox()
    assert len(hook) == 1


def test_a_connection_that_dies_while_the_mail_leaves_does_not_double_it(transactional_db, smtp_sink, monkeypatch):
    def killed(payload):
        with connection.cursor() as cursor:
            [pid] = cursor.execute("SELECT pg_backend_pid()").fetchone()
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        other.close()
        return outbox.Letter("Objet", "Texte")

    monkeypatch.setitem(outbox.kinds, "essai", outbox.Kind(killed))
    mail = write()
    drain_outbox()
    mail.refresh_from_db()
    assert mail.state == State.SENT
    assert drain_outbox() == 0
    assert len(smtp_sink.messages) == 1


# The administrator's page


@pytest.fixture
def administrator(client):
    client.force_login(make.UserFactory(is_staff=True, is_superuser=True))
    return client


def test_the_administrator_sees_the_age_and_the_failures_and_tries_again(db, administrator, smtp_sink):
    write("attend@lent.example.org", created_at=timezone.now() - timedelta(hours=2))
    refused, given_up, forgotten = write(state=State.BOUNCED), write(state=State.FAILED), write(state=State.FAILED)
    Mail.objects.filter(pk=forgotten.pk).update(payload={})
    page = administrator.get("/gestion/notifications/mail/").text
    assert "2\xa0heures" in page
    assert "lent.example.org (1)" in " ".join(page.split())
    assert "Renvoyer tout ce qui a échoué (3)" in " ".join(page.split())
    page = administrator.post("/gestion/notifications/mail/reessayer/", follow=True).text
    assert "2 courriels repartent" in page
    assert "ne repart pas" in page
    assert len(left(smtp_sink)) == 3
    assert {mail.state for mail in Mail.objects.filter(pk__in=[refused.pk, given_up.pk])} == {State.SENT}


def test_one_mail_can_be_tried_again_from_its_page(db, administrator, smtp_sink):
    mail = write(state=State.BOUNCED)
    assert "Essayer de nouveau" in administrator.get(f"/gestion/notifications/mail/{mail.pk}/change/").text
    administrator.post(f"/gestion/notifications/mail/{mail.pk}/reessayer/")
    assert left(smtp_sink) == ["personne@example.org"]
    assert "Essayer de nouveau" not in administrator.get(f"/gestion/notifications/mail/{mail.pk}/change/").text
