"""Reminders: at 14, 7, 3 and 1 days before the deadline, counted in Paris days, each once, to those concerned."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from hypothesis import given
from hypothesis import strategies as st

from applications import circuit, lifecycle, reminders
from applications.models import Reminder
from applications.reminders import step_of
from applications.tasks import send_reminders
from offers import lifecycle as offer_lifecycle
from portal.notifications.models import Mail
from tests import factories as make
from tests.factories import PARIS, end_of_day

STEPS = [14, 7, 3, 1]
NOON = timedelta(hours=12)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=PARIS)


@pytest.fixture
def begun(db):
    """A function: an application begun on a day, with a request sent the same day."""

    def begin(closes: date, on: date):
        with time_machine.travel(noon(on), tick=False):
            application = make.ApplicationFactory(offer=make.OfferFactory(deadline=end_of_day(closes)))
            make.invited_annex(application)
            Mail.objects.all().delete()
        return application

    return begin


def run_on(day: date) -> int:
    with time_machine.travel(noon(day), tick=False):
        return send_reminders()


def queued() -> list[tuple[str, str]]:
    return sorted(Mail.objects.filter(kind__endswith="reminder").values_list("kind", "recipient"))


# An ordinary month, and the two that contain a change of the clock between every step and the deadline.
@pytest.mark.parametrize("closes", [date(2026, 7, 15), date(2026, 10, 26), date(2027, 3, 29)])
def test_each_step_once_for_each_person(begun, closes):
    application = begun(closes, on=closes - timedelta(days=40))
    days = [closes - timedelta(days=days) for days in range(20, -1, -1)]
    sent_on = {(closes - day).days: run_on(day) + run_on(day) for day in days}
    assert {days: count for days, count in sent_on.items() if count} == dict.fromkeys(STEPS, 2)
    assert queued() == sorted(
        [("candidate_reminder", application.candidate.email), ("signatory_reminder", "direction@example.org")] * 4
    )


@pytest.mark.parametrize("closes", [date(2026, 10, 26), date(2027, 3, 29)])
def test_days_are_those_of_paris_around_the_change_of_the_clock(closes):
    """A minute before and after midnight in Paris are two days, whatever the length of the day."""
    deadline = end_of_day(closes)
    for step in STEPS:
        first = datetime.combine(closes - timedelta(days=step), datetime.min.time(), tzinfo=PARIS)
        assert step_of(deadline, first.date(), STEPS) == step
        before = (first.astimezone(UTC) - timedelta(minutes=1)).astimezone(PARIS)
        assert step_of(deadline, before.date(), STEPS) != step


def test_after_an_outage_only_the_step_reached_is_told(begun):
    closes = date(2026, 7, 15)
    begun(closes, on=closes - timedelta(days=40))
    assert run_on(closes - timedelta(days=2)) == 2
    assert set(Reminder.objects.values_list("days_before", flat=True)) == {3}


def test_nobody_is_reminded_of_what_did_not_concern_them_yet(begun):
    """Begun and sent five days before: the steps 14 and 7 are passed, the next is 3."""
    closes = date(2026, 7, 15)
    begun(closes, on=closes - timedelta(days=5))
    counts = {days: run_on(closes - timedelta(days=days)) for days in (5, 4, 3, 2, 1, 0)}
    assert counts == {5: 0, 4: 0, 3: 2, 2: 0, 1: 2, 0: 0}


def test_a_signatory_asked_late_has_their_own_steps(begun):
    closes = date(2026, 7, 15)
    application = begun(closes, on=closes - timedelta(days=40))
    with time_machine.travel(noon(closes - timedelta(days=7)), tick=False):
        circuit.replace(application.dossier.annexes.get(), actor=application.candidate)
        make.invited_annex(application, signatory_email="nouvelle@example.org")
    assert run_on(closes - timedelta(days=7)) == 1  # the candidate alone
    assert run_on(closes - timedelta(days=3)) == 2
    assert ("signatory_reminder", "nouvelle@example.org") in queued()


def test_an_extension_has_reminders_of_its_own(begun):
    closes = date(2026, 7, 15)
    application = begun(closes, on=closes - timedelta(days=40))
    for days in STEPS:
        run_on(closes - timedelta(days=days))
    hr = make.MembershipFactory(institution=application.offer.institution).user
    later = closes + timedelta(days=30)
    with time_machine.travel(noon(closes), tick=False):
        offer_lifecycle.WORKFLOW.run(application.offer, "extend", actor=hr, reason="Panne.", deadline=end_of_day(later))
    assert run_on(later - timedelta(days=20)) == 0
    assert [run_on(later - timedelta(days=days)) for days in STEPS] == [2, 2, 2, 2]
    assert Reminder.objects.count() == 16


def test_only_open_drafts_and_waiting_signatories(begun):
    closes = date(2026, 7, 15)
    on = closes - timedelta(days=40)
    withdrawn, signed, declined, closed = (begun(closes, on=on) for _ in range(4))
    with time_machine.travel(noon(on), tick=False):
        lifecycle.WORKFLOW.run(withdrawn, "withdraw", actor=withdrawn.candidate)
        make.sign(signed.dossier.annexes.get())
        circuit.decline(declined.dossier.annexes.get(), "Absence.")
        hr = make.MembershipFactory(institution=closed.offer.institution).user
        offer_lifecycle.WORKFLOW.run(closed.offer, "close", actor=hr, reason="Pourvu.")
    assert run_on(closes - timedelta(days=14)) == 2
    assert queued() == sorted(
        [
            ("candidate_reminder", signed.candidate.email),
            ("candidate_reminder", declined.candidate.email),
        ]
    )


def test_an_offer_without_deadline_reminds_nobody(db):
    make.invited_annex(make.ApplicationFactory(offer=make.OfferFactory(deadline=None)))
    assert send_reminders() == 0


def test_claim_and_mail_stand_or_fall_together(begun, monkeypatch):
    closes = date(2026, 7, 15)
    begun(closes, on=closes - timedelta(days=40))
    monkeypatch.setattr("applications.reminders.outbox.enqueue", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_on(closes - timedelta(days=14))
    assert not Reminder.objects.exists()
    monkeypatch.undo()
    assert run_on(closes - timedelta(days=14)) == 2


def test_the_letters_say_how_long_is_left(begun, smtp_sink):
    from portal.notifications.tasks import drain_outbox

    closes = date(2026, 7, 15)
    begun(closes, on=closes - timedelta(days=40))
    with time_machine.travel(noon(closes - timedelta(days=3)), tick=False):
        send_reminders()
        drain_outbox()
    subjects = [str(message["Subject"]) for message in smtp_sink.messages]
    assert len(subjects) == 2
    assert all("ncore 3 jours" in subject for subject in subjects), subjects


def test_a_sweep_costs_the_same_for_three_and_thirty(begun, django_assert_num_queries):
    """Everything concerned is found in two queries, however many the dossiers."""
    closes = date(2026, 7, 15)
    for count in (3, 27):
        for _ in range(count):
            begun(closes, on=closes - timedelta(days=40))
        with django_assert_num_queries(2):
            assert list(reminders.due(noon(closes - timedelta(days=14))))


@given(st.dates(date(2024, 1, 1), date(2034, 1, 1)), st.integers(-400, 400), st.sets(st.integers(1, 60)))
def test_the_step_is_the_tightest_one_reached(closes, days_left, steps):
    step = step_of(end_of_day(closes), closes - timedelta(days=days_left), sorted(steps))
    reached = {step for step in steps if step >= days_left >= 0}
    assert step == min(reached, default=None)


def test_the_steps_are_those_of_the_settings():
    assert django_settings.REMINDER_DAYS == STEPS
