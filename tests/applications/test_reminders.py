"""The planner: the right person, on the right Paris day, once, whatever runs twice, late or never."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from applications import answering, circuit, lifecycle
from applications.commission.opinions import record_recusal, record_review
from applications.models import AgendaItem, Reminder, ReminderRule
from applications.reminders import claiming
from applications.reminders.models import Audience
from applications.reminders.planner import queue_due
from applications.reminders.rules import dated_step, ensure_rules, recurring_step
from applications.tasks import send_reminders
from offers import lifecycle as offer_lifecycle
from portal.notifications import outbox
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from tests import factories as make
from tests.factories import PARIS, end_of_day
from tests.offers.test_offers_admin import form_of

STEPS = [14, 7, 3, 1]
CLOSES = date(2026, 7, 16)  # a Thursday: no step falls on a Sunday or a holiday
DAYS = st.dates(date(2024, 1, 1), date(2034, 1, 1))


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=PARIS)


def before(closes: date, days: int) -> date:
    return closes - timedelta(days=days)


def run_at(moment: datetime) -> int:
    with time_machine.travel(moment, tick=False):
        return send_reminders()


def run_on(day: date) -> int:
    return run_at(at(day))


def queued() -> list[tuple[str, str]]:
    return sorted(Mail.objects.filter(kind__endswith="reminder").values_list("kind", "recipient"))


def set_rule(offer, audience: Audience, **changes) -> ReminderRule:
    ensure_rules([offer])
    ReminderRule.objects.filter(offer=offer, audience=audience).update(**changes)
    return ReminderRule.objects.get(offer=offer, audience=audience)


@pytest.fixture
def begun(db):
    """A function: an application begun on a day, with a request sent the same day."""

    def begin(closes: date | None, on: date, **offer):
        with time_machine.travel(at(on), tick=False):
            deadline = closes and end_of_day(closes)
            application = make.ApplicationFactory(offer=make.OfferFactory(deadline=deadline, **offer))
            make.invited_annex(application)
            Mail.objects.all().delete()
        return application

    return begin


# Which day is due


@given(DAYS, st.integers(-400, 400), st.sets(st.integers(0, 60)))
def test_the_step_is_the_tightest_one_reached(closes, days_left, steps):
    today = before(closes, days_left)
    step = dated_step(steps, end_of_day(closes), today)
    reached = {days for days in steps if days >= days_left >= 0}
    assert step == (before(closes, min(reached)) if reached else None)


@given(DAYS, st.integers(1, 90), st.integers(1, 10), st.integers(-10, 1000))
def test_a_recurring_step_comes_so_often_and_is_forgotten_after_the_last(since, every, at_most, age):
    step = recurring_step(since, every, at_most, since + timedelta(days=age))
    steps = [since + timedelta(days=every * count) for count in range(1, at_most + 1)]
    useful = [day for day in steps if timedelta(0) <= since + timedelta(days=age) - day < timedelta(days=every)]
    assert [step] == (useful or [None])


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(DAYS, st.integers(1, 90), st.integers(1, 10), st.integers(-10, 1000))
def test_the_database_counts_as_the_rules_do(since, every, at_most, age):
    today = since + timedelta(days=age)
    concerned = "concerned AS (SELECT 1 AS rule_id, '' AS target, NULL AS application_id, NULL AS thread, '' AS kind,"
    concerned += " '' AS recipient, '' AS payload, NULL AS quiet_until, NULL::date AS step, %(every)s AS every,"
    concerned += " %(at_most)s AS at_most, %(since)s::date AS since)"
    given = {"every": every, "at_most": at_most, "since": since, "today": today}
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {concerned}, {claiming.DUE} SELECT step FROM due", given)
        [row] = cursor.fetchall() or [(None,)]
    assert row[0] == recurring_step(since, every, at_most, today)


@pytest.mark.parametrize("closes", [date(2026, 10, 26), date(2027, 3, 29)])
def test_days_are_those_of_paris_around_the_change_of_the_clock(closes):
    """A minute before and after midnight in Paris are two days, whatever the length of the day."""
    for days in STEPS:
        first = at(before(closes, days), 0)
        assert dated_step(STEPS, end_of_day(closes), first.date()) == first.date()
        earlier = (first.astimezone(UTC) - timedelta(minutes=1)).astimezone(PARIS)
        assert dated_step(STEPS, end_of_day(closes), earlier.date()) != first.date()


# An ordinary month, and the two that contain a change of the clock between every step and the deadline.
@pytest.mark.parametrize("closes", [CLOSES, date(2026, 10, 27), date(2026, 3, 31)])
def test_each_step_once_for_each_person(begun, closes):
    application = begun(closes, on=before(closes, 40))
    sent_on = {days: run_on(before(closes, days)) + run_on(before(closes, days)) for days in range(15, -1, -1)}
    assert {days: count for days, count in sent_on.items() if count} == dict.fromkeys(STEPS, 2)
    assert queued() == sorted(
        [("candidate_reminder", application.candidate.email), ("signatory_reminder", "direction@example.org")] * 4
    )
    assert set(Mail.objects.values_list("thread", "priority")) == {(application.dossier_id, outbox.LATER)}


# Nights and Sundays


def test_nothing_is_queued_at_night_or_on_sunday(begun):
    closes = date(2026, 7, 20)  # a Monday
    begun(closes, on=before(closes, 40))
    step, sunday = before(closes, 14), before(closes, 15)
    assert [run_at(moment) for moment in (at(sunday), at(step, 7, 59), at(step, 8))] == [0, 0, 2]
    friday, saturday = before(closes, 3), before(closes, 2)
    assert [run_at(moment) for moment in (at(friday, 20), at(saturday, 7), at(saturday, 8))] == [0, 0, 2]


def test_nothing_is_queued_on_a_public_holiday(begun):
    """Two days before the deadline is the fourteenth of July."""
    application = begun(CLOSES, on=before(CLOSES, 40))
    set_rule(application.offer, Audience.CANDIDATE, days_before=[2])
    set_rule(application.offer, Audience.UNOPENED, days_before=[2])
    assert run_on(before(CLOSES, 2)) == 0
    assert run_at(at(before(CLOSES, 1), 8)) == 2


def test_a_closing_on_a_monday_is_told_whatever_the_hour(begun):
    """The last step falls on a Sunday: it leaves twenty-four hours before the deadline, in the night."""
    closes = date(2026, 7, 20)
    begun(closes, on=before(closes, 40))
    run_on(before(closes, 3))
    assert run_at(at(before(closes, 1), 23, 59)) == 0
    assert run_at(at(closes, 0)) == 2
    assert Reminder.objects.filter(step=before(closes, 1)).count() == 2


@pytest.mark.parametrize("closes", [date(2026, 10, 25), date(2027, 3, 28)])
def test_the_last_twenty_four_hours_are_real_ones(begun, closes):
    """The clock changes on the very day of the deadline: the day has twenty-five hours, or twenty-three."""
    begun(closes, on=before(closes, 40))
    run_on(before(closes, 3))
    allowed = end_of_day(closes).astimezone(UTC) - timedelta(hours=24)
    with time_machine.travel(allowed, tick=False):
        Reminder.objects.filter(step=before(closes, 1)).delete()
    assert run_at(allowed - timedelta(seconds=1)) == 0
    assert run_at(allowed) == 2


# Who is concerned


def test_after_an_outage_only_the_step_reached_is_told(begun):
    begun(CLOSES, on=before(CLOSES, 40))
    assert run_on(before(CLOSES, 5)) == 2
    assert set(Reminder.objects.values_list("step", flat=True)) == {before(CLOSES, 7)}


def test_nobody_is_reminded_of_what_did_not_concern_them_yet(begun):
    """Begun and sent five days before: the steps 14 and 7 are passed, the next is 3."""
    begun(CLOSES, on=before(CLOSES, 5))
    assert {days: run_on(before(CLOSES, days)) for days in (5, 4, 3, 2, 1, 0)} == {5: 0, 4: 0, 3: 2, 2: 0, 1: 2, 0: 0}


def test_a_signatory_asked_late_has_their_own_steps(begun):
    application = begun(CLOSES, on=before(CLOSES, 40))
    with time_machine.travel(at(before(CLOSES, 7)), tick=False):
        circuit.replace(application.dossier.annexes.get(), actor=application.candidate)
        make.invited_annex(application, signatory_email="nouvelle@example.org")
    assert run_on(before(CLOSES, 7)) == 1  # the candidate alone
    assert run_on(before(CLOSES, 3)) == 2
    assert ("signatory_reminder", "nouvelle@example.org") in queued()


def test_a_request_sent_again_by_hand_is_not_followed_by_a_reminder_the_same_day(begun):
    application = begun(CLOSES, on=before(CLOSES, 40))
    with time_machine.travel(at(before(CLOSES, 7), 9), tick=False):
        circuit.resend(application.dossier.annexes.get(), actor=application.candidate)
    assert run_on(before(CLOSES, 7)) == 1


def test_who_opens_the_request_on_the_day_of_its_reminder_has_no_second_one(begun):
    application = begun(CLOSES, on=before(CLOSES, 40))
    assert run_on(before(CLOSES, 7)) == 2
    with time_machine.travel(at(before(CLOSES, 7)), tick=False):
        answering.note_opening(application.dossier.annexes.get())
    assert run_on(before(CLOSES, 7)) == 0
    assert run_on(before(CLOSES, 3)) == 2


def test_only_open_drafts_and_waiting_signatories(begun):
    on = before(CLOSES, 40)
    withdrawn, signed, declined, closed = (begun(CLOSES, on=on) for _ in range(4))
    with time_machine.travel(at(on), tick=False):
        lifecycle.WORKFLOW.run(withdrawn, "withdraw", actor=withdrawn.candidate)
        make.sign(signed.dossier.annexes.get())
        answering.decline(declined.dossier.annexes.get(), "Absence.")
        hr = make.MembershipFactory(institution=closed.offer.institution).user
        offer_lifecycle.WORKFLOW.run(closed.offer, "close", actor=hr, reason="Pourvu.")
        Mail.objects.all().delete()
    assert run_on(before(CLOSES, 14)) == 2
    assert queued() == sorted(("candidate_reminder", draft.candidate.email) for draft in (signed, declined))


def test_after_the_filing_an_awaited_opinion_is_asked_for_until_its_own_date(db):
    closes, until = timezone.localdate() + timedelta(days=20), timezone.localdate() + timedelta(days=40)
    offer = make.OfferFactory(deadline=end_of_day(closes), signatures_until=end_of_day(until))
    application = make.ApplicationFactory(offer=offer)
    make.fill_sections(application)
    make.fill_pieces(application)
    make.invited_annex(application)
    application = make.file_now(application)
    Mail.objects.all().delete()
    set_rule(offer, Audience.UNOPENED, days_before=[14, 7, 3, 1])
    claimed = {days: run_at(at(before(until, days), 19)) for days in range(16, -1, -1)}
    told = {rule.step for rule in Reminder.objects.all()}
    assert told == {before(until, days) for days in (14, 7, 3, 1)}, claimed
    assert {recipient for _, recipient in queued()} == {"direction@example.org"}


def test_an_awaited_opinion_is_no_longer_asked_for_once_the_dossier_is_decided(db):
    closes, until = timezone.localdate() + timedelta(days=1), timezone.localdate() + timedelta(days=3)
    offer = make.OfferFactory(deadline=end_of_day(closes), signatures_until=end_of_day(until))
    application = make.ApplicationFactory(offer=offer)
    make.fill_sections(application)
    make.fill_pieces(application)
    make.invited_annex(application)
    application = make.file_now(application)
    lifecycle.WORKFLOW.run(application, "withdraw", actor=application.candidate)
    Mail.objects.all().delete()
    set_rule(offer, Audience.UNOPENED, days_before=[1])
    assert run_at(at(before(until, 1), 23, 59)) + run_at(at(until, 12)) == 0


# The rules of an offer


def test_each_offer_has_its_rules_and_each_kind_its_own(db):
    dated, rolling = make.OfferFactory(), make.OfferFactory(kind="medecin-coordonnateur", deadline=None, parameters={})
    queue_due()
    rules = {(rule.offer_id, rule.audience): rule for rule in ReminderRule.objects.all()}
    assert len(rules) == 2 * len(Audience)
    assert rules[dated.pk, Audience.CANDIDATE].days_before == STEPS
    assert rules[rolling.pk, Audience.CANDIDATE].every_days == 14
    queue_due()
    assert ReminderRule.objects.count() == len(rules)


def test_a_rule_that_is_changed_counts_at_once(begun):
    application = begun(CLOSES, on=before(CLOSES, 40))
    set_rule(application.offer, Audience.CANDIDATE, days_before=[10])
    set_rule(application.offer, Audience.UNOPENED, active=False)
    assert {days: run_on(before(CLOSES, days)) for days in (14, 10, 7, 1)} == {14: 0, 10: 1, 7: 0, 1: 0}


def test_without_days_before_it_comes_every_so_many_days(begun):
    application = begun(CLOSES, on=before(CLOSES, 30))
    set_rule(application.offer, Audience.CANDIDATE, active=False)
    set_rule(application.offer, Audience.UNOPENED, days_before=[], every_days=6, at_most=2)
    sent = [days for days in (25, 24, 23, 18, 17, 16, 12, 6) if run_on(before(CLOSES, days))]
    assert sent == [24, 17]


def test_an_extension_plans_again_at_once(begun):
    application = begun(CLOSES, on=before(CLOSES, 40))
    for days in STEPS:
        run_on(before(CLOSES, days))
    hr = make.MembershipFactory(institution=application.offer.institution).user
    later = CLOSES + timedelta(days=30)
    with time_machine.travel(at(CLOSES), tick=False):
        offer_lifecycle.WORKFLOW.run(application.offer, "extend", actor=hr, reason="Panne.", deadline=end_of_day(later))
    assert run_on(before(later, 20)) == 0
    assert [run_on(before(later, days)) for days in STEPS] == [2, 2, 2, 2]
    assert Reminder.objects.count() == 16


def test_a_deadline_brought_forward_plans_again_at_once(begun):
    application = begun(CLOSES, on=before(CLOSES, 40))
    assert run_on(before(CLOSES, 14)) == 2
    sooner = before(CLOSES, 6)
    application.offer.deadline = end_of_day(sooner)
    application.offer.save()
    assert run_on(before(CLOSES, 13)) == 2
    assert run_on(before(sooner, 3)) == 2


# Offers without a deadline


def test_a_rolling_offer_reminds_the_drafts_that_sleep(begun):
    begins = date(2026, 6, 1)
    application = begun(None, on=begins)
    set_rule(application.offer, Audience.UNOPENED, active=False)
    rule = set_rule(application.offer, Audience.CANDIDATE, every_days=15, at_most=2)
    assert run_on(begins + timedelta(days=14)) == 0
    assert run_on(begins + timedelta(days=15)) == 1
    with time_machine.travel(at(begins + timedelta(days=20)), tick=False):
        make.fill_sections(application)
    assert run_on(begins + timedelta(days=30)) == 0  # awake since
    assert run_on(begins + timedelta(days=35)) == 1
    assert run_on(begins + timedelta(days=50)) == 1
    assert run_on(begins + timedelta(days=65)) == 0  # that is enough
    assert Mail.objects.filter(quiet_until=outbox.ALWAYS_QUIET).count() == 3
    assert set(Reminder.objects.values_list("rule", flat=True)) == {rule.pk}


# The service and the commission


def filed_on(day: date, offer, count: int = 1) -> list:
    """Filed now (the storage of the pieces holds to the clock), as if on that day."""
    applications = [make.filed(make.ApplicationFactory(offer=offer)) for _ in range(count)]
    for application in applications:
        offer.applications.filter(pk=application.pk).update(filed_at=at(day))
    Mail.objects.all().delete()
    return applications


def test_the_service_hears_of_the_dossiers_that_wait(db):
    hr = make.MembershipFactory()
    offer = make.OfferFactory(institution=hr.institution)
    set_rule(offer, Audience.SERVICE, every_days=3, at_most=2)
    applications = filed_on(date(2026, 6, 1), offer, 2)
    assert [run_on(date(2026, 6, day)) for day in (3, 4, 5, 8, 10)] == [0, 1, 0, 1, 0]
    assert queued() == [("to_check_reminder", offer.service_email)] * 2
    filed_on(date(2026, 6, 8), offer)
    for application in applications:
        make.admit(application, hr.user)
    assert [run_on(date(2026, 6, day)) for day in (10, 11)] == [0, 1]  # counted from the one that is left


@pytest.fixture
def session(db):
    """A commission of two, with a session on 2026-07-16 at nine and two dossiers, both confided to the first member."""
    hr = make.MembershipFactory()
    offers = make.OfferFactory.create_batch(2, institution=hr.institution)
    commission = make.CommissionFactory(institution=hr.institution, offers=offers)
    members = [make.SeatFactory(commission=commission).user for _ in range(2)]
    session = make.SessionFactory(commission=commission, starts_at=at(CLOSES, 9))
    for offer in offers:
        [application] = filed_on(date(2026, 6, 1), offer)
        make.admit(application, hr.user)
        AgendaItem.objects.create(session=session, application=application, rapporteur=members[0])
        set_rule(offer, Audience.MEMBER, days_before=[7])
        set_rule(offer, Audience.RAPPORTEUR, days_before=[6, 1])
    Mail.objects.all().delete()
    return session


def test_members_hear_once_of_a_session_whatever_its_offers(session):
    ReminderRule.objects.filter(audience=Audience.RAPPORTEUR).update(active=False)
    assert [run_on(before(CLOSES, days)) for days in (8, 7, 6)] == [0, 2, 0]
    emails = {seat.user.email for seat in session.commission.seats.all()}
    assert set(queued()) == {("session_reminder", email) for email in emails}


def test_rapporteurs_hear_of_what_they_have_not_reported_on(session):
    first, second = session.agenda.all()
    run_on(before(CLOSES, 7))
    assert run_on(before(CLOSES, 6)) == 2
    with time_machine.travel(at(before(CLOSES, 4)), tick=False):
        record_review(first.application, first.rapporteur, "favorable", "Bien.")
        record_recusal(second.application, second.rapporteur, "Parenté.")
    assert run_on(before(CLOSES, 1)) == 0
    assert {kind for kind, _ in queued()} == {"session_reminder", "rapporteur_reminder"}


def test_a_session_that_moves_is_told_anew(session):
    run_on(before(CLOSES, 7))
    session.starts_at = at(CLOSES + timedelta(days=30), 9)
    session.save()
    assert run_on(before(CLOSES, 6)) == 0
    assert run_on(CLOSES + timedelta(days=23)) == 2


# Once, and in the same transaction


def test_claim_and_mail_stand_or_fall_together(begun):
    begun(CLOSES, on=before(CLOSES, 40))
    refusal = "ADD CONSTRAINT refused CHECK (kind <> 'signatory_reminder') NOT VALID"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing is left to check of what was made so far
        cursor.execute(f"ALTER TABLE notifications_mail {refusal}")
        with pytest.raises(IntegrityError, match="refused"), transaction.atomic():
            run_at(at(before(CLOSES, 14)))
        assert not Reminder.objects.exists()
        cursor.execute("ALTER TABLE notifications_mail DROP CONSTRAINT refused")
    assert run_at(at(before(CLOSES, 14))) == 2


def test_a_sweep_costs_the_same_for_three_and_thirty(begun, django_assert_num_queries):
    offer = None
    for count in (3, 27):
        for _ in range(count):
            application = begun(CLOSES, on=before(CLOSES, 40))
            offer = offer or application.offer
            type(application).objects.filter(pk=application.pk).update(offer=offer)
        ensure_rules(type(offer).objects.all())
        with (
            time_machine.travel(at(before(CLOSES, 14 if count == 3 else 7)), tick=False),
            django_assert_num_queries(15),
        ):
            assert send_reminders() == (6 if count == 3 else 60)


def test_batches_leave_nobody_out(begun, monkeypatch):
    monkeypatch.setattr(claiming, "DRAFTS", 2)
    for _ in range(5):
        begun(CLOSES, on=before(CLOSES, 40))
    assert run_on(before(CLOSES, 14)) == 10


# What the letters say


def test_the_letters_say_how_long_is_left(begun, smtp_sink):
    begun(CLOSES, on=before(CLOSES, 40))
    with time_machine.travel(at(before(CLOSES, 3)), tick=False):
        send_reminders()
        drain_outbox()
    subjects = [str(message["Subject"]) for message in smtp_sink.messages]
    assert len(subjects) == 2
    assert all("ncore 3 jours" in subject for subject in subjects), subjects


def test_what_waited_in_the_outbox_until_the_next_step_is_not_sent(begun, smtp_sink):
    """The mail server was away for days: one reminder leaves, not three."""
    begun(CLOSES, on=before(CLOSES, 40))
    for days in (14, 7, 3):
        run_on(before(CLOSES, days))
    with time_machine.travel(at(before(CLOSES, 3), 13), tick=False):
        drain_outbox()
    assert len(smtp_sink.messages) == 2
    assert Mail.objects.filter(state=Mail.State.DROPPED, last_error__contains="plus récent").count() == 4


def test_the_letters_of_the_service_and_the_commission(session, smtp_sink):
    offer = make.OfferFactory()
    set_rule(offer, Audience.SERVICE, every_days=1, at_most=9)
    [waiting] = filed_on(date(2026, 7, 7), offer)
    for days in (7, 6):
        with time_machine.travel(at(before(CLOSES, days)), tick=False):
            send_reminders()
            drain_outbox()
    assert not Mail.objects.filter(state=Mail.State.PENDING)
    subjects = {" ".join(str(message["Subject"]).split()) for message in smtp_sink.messages}
    assert f"1 dossier à vérifier : {waiting.offer.title}" in subjects
    assert any(subject.startswith("Séance du 16 juillet 2026 à 9 h 00") for subject in subjects), subjects
    assert any(subject.startswith("Votre rapport avant la séance du 16 juillet 2026") for subject in subjects)


# The rules on the offer's page


@pytest.fixture
def offer_page(client, db):
    """A function: save the offer's page with these rules changed, by audience and field."""
    hr = make.MembershipFactory()
    offer = make.OfferFactory(institution=hr.institution)
    client.force_login(hr.user)
    address = reverse("admin:offers_offer_change", args=[offer.pk])

    def save(**typed):
        data = form_of(client.get(address))
        lines = {rule.audience: number for number, rule in enumerate(offer.reminder_rules.all())}
        for name, value in typed.items():
            audience, _, field = name.partition("_")
            data[f"reminder_rules-{lines[audience]}-{field}"] = value
        return offer, client.post(address, data)

    return save


def test_hr_changes_the_rules_of_an_offer(offer_page):
    offer, answer = offer_page(candidate_days_before="3, 10,3", service_every_days="2", member_active="")
    assert answer.status_code == 302, answer.text
    rules = {rule.audience: rule for rule in offer.reminder_rules.all()}
    assert len(rules) == len(Audience)
    assert rules[Audience.CANDIDATE].days_before == [10, 3]
    assert rules[Audience.SERVICE].every_days == 2
    assert not rules[Audience.MEMBER].active


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"candidate_days_before": "sept"}, "n’est pas un nombre de jours"),
        ({"candidate_days_before": "", "candidate_every_days": ""}, "Dites quand ce rappel part"),
        ({"candidate_at_most": "0"}, "supérieure ou égale à 1"),
    ],
)
def test_a_rule_that_says_nothing_is_refused_and_kept_as_typed(offer_page, typed, said):
    offer, answer = offer_page(**typed)
    assert answer.status_code == 200
    assert said in answer.text
    assert offer.reminder_rules.get(audience=Audience.CANDIDATE).days_before == STEPS
