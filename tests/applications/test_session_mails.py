"""A session in its members' calendars: convened, moved, called off, each by a mail that other programs understand."""

from __future__ import annotations

from datetime import datetime

import pytest
import time_machine
from django.urls import reverse
from icalendar import Calendar

from applications.models import AgendaItem, Session
from portal.notifications import outbox
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from tests import factories as make
from tests.factories import PARIS
from tests.offers.test_offers_admin import form_of

pytestmark = pytest.mark.django_db
NOON = datetime(2031, 7, 1, 12, tzinfo=PARIS)


@pytest.fixture
def commission():
    hr = make.MembershipFactory()
    commission = make.CommissionFactory(institution=hr.institution)
    commission.hr = hr.user
    commission.member = make.SeatFactory(commission=commission).user
    return commission


@pytest.fixture
def desk(client, commission, smtp_sink):
    """A function: HR posts a page at this hour, with these changes; the calendars that the member then gets."""

    def post(at: datetime, page: str, **typed) -> list:
        with time_machine.travel(at, tick=False):
            client.force_login(commission.hr)
            data = form_of(client.get(page), "session") | typed if "delete" not in page else typed
            answer = client.post(page, data)
            assert answer.status_code == 302, answer.content.decode()
            smtp_sink.messages.clear()
            drain_outbox()
        return [calendar_in(message) for message in smtp_sink.sent_to(commission.member.email)]

    return post


def calendar_in(message) -> dict:
    [part] = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    calendar = Calendar.from_ical(part.get_content())
    [event] = calendar.walk("VEVENT")
    assert not calendar.errors + event.errors
    return {"method": str(calendar["METHOD"]), "subject": str(message["Subject"])} | {
        name: event[name] for name in ("UID", "SEQUENCE", "STATUS", "DTSTART", "ORGANIZER")
    }


def convened(desk, commission, at=NOON) -> tuple[Session, dict]:
    typed = {"commission": str(commission.pk), "starts_at_0": "2031-09-01", "starts_at_1": "14:00", "place": "Salle 1"}
    [calendar] = desk(at, reverse("admin:applications_session_add"), **typed)
    return Session.objects.get(), calendar


def test_a_session_is_convened_moved_and_called_off_in_the_calendars_of_its_members(desk, commission):
    session, first = convened(desk, commission)
    assert (first["method"], first["STATUS"], first["DTSTART"].dt) == ("PUBLISH", "CONFIRMED", session.starts_at)
    page = reverse("admin:applications_session_change", args=[session.pk])
    [moved] = desk(NOON.replace(hour=13), page, starts_at_1="16:30")
    assert "Séance modifiée" in moved["subject"]
    assert moved["DTSTART"].dt == datetime(2031, 9, 1, 16, 30, tzinfo=PARIS)
    page = reverse("admin:applications_session_delete", args=[session.pk])
    [gone] = desk(NOON.replace(hour=14), page, post="yes")
    assert (gone["method"], gone["STATUS"]) == ("CANCEL", "CANCELLED")
    assert {first["UID"], moved["UID"], gone["UID"]} == {first["UID"]}
    assert first["SEQUENCE"] < moved["SEQUENCE"] < gone["SEQUENCE"]
    assert not Session.objects.exists()


def test_nobody_hears_of_what_does_not_change_the_calendar(desk, commission):
    session, _ = convened(desk, commission)
    assert desk(NOON.replace(hour=13), reverse("admin:applications_session_change", args=[session.pk])) == []


def test_what_changed_before_it_left_leaves_once_as_it_is(client, commission, smtp_sink):
    with time_machine.travel(NOON.replace(hour=21), tick=False):
        client.force_login(commission.hr)
        page = reverse("admin:applications_session_add")
        typed = {"commission": str(commission.pk), "starts_at_0": "2031-09-01", "starts_at_1": "14:00"}
        client.post(page, form_of(client.get(page), "session") | typed)
        page = reverse("admin:applications_session_change", args=[Session.objects.get().pk])
        client.post(page, form_of(client.get(page), "session") | {"starts_at_1": "15:00"})
        assert drain_outbox() == 0
    with time_machine.travel(NOON.replace(day=2), tick=False):
        drain_outbox()
    [message] = smtp_sink.sent_to(commission.member.email)
    assert calendar_in(message)["DTSTART"].dt.hour == 13  # UTC
    assert Mail.objects.filter(state=Mail.State.DROPPED).count() == 1


def test_a_session_that_is_over_or_recorded_is_not_called_off(client, commission):
    past = make.SessionFactory(commission=commission, starts_at=NOON.replace(year=2020))
    client.force_login(commission.hr)
    assert client.post(reverse("admin:applications_session_delete", args=[past.pk]), {"post": "yes"}).status_code == 403
    assert Session.objects.exists()


def test_the_dossiers_of_a_session_called_off_wait_for_another(desk, commission):
    session = make.SessionFactory(commission=commission, starts_at=NOON.replace(month=9))
    offer = make.OfferFactory(institution=commission.institution)
    commission.offers.add(offer)
    application = make.admit(make.filed(make.ApplicationFactory(offer=offer)), commission.hr)
    AgendaItem.objects.create(session=session, application=application)
    desk(NOON, reverse("admin:applications_session_delete", args=[session.pk]), post="yes")
    assert not application.agenda_items.exists()


def test_reminders_before_a_session_bring_it_too(commission):
    session = make.SessionFactory(commission=commission)
    letter = outbox.kinds["session_reminder"].write({"session": session.pk, "member": commission.member.pk})
    [(name, content, _)] = letter.attachments
    [event] = Calendar.from_ical(content).walk("VEVENT")
    assert (name, event["DTSTART"].dt) == ("seance.ics", session.starts_at.replace(microsecond=0))
