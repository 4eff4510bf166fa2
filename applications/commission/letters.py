"""What the members of a commission are told of a session: convened, moved, called off. Each with its calendar."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from applications.mails import address, day_and_time
from applications.models import Session
from portal import ical
from portal.accounts.models import User
from portal.calendar import quiet_until
from portal.notifications import outbox
from portal.notifications.letters import compose
from portal.notifications.outbox import Letter, Obsolete, builder

Payload = dict[str, Any]
USUAL_LENGTH = timedelta(hours=3)  # nobody says how long a session lasts: half a day is kept free


def tell_members(session: Session, kind: str, **more: Any) -> None:
    """One mail to each seat, in the transaction of what happened. Nobody is told of a session that is over."""
    if session.starts_at < timezone.now():
        return
    facts = {
        "session": session.pk,
        "commission": session.commission.name,
        "starts_at": session.starts_at.isoformat(),
        "place": session.place,
    }
    members = User.objects.filter(seats__commission=session.commission_id, is_active=True).order_by("pk")
    outbox.enqueue_all(
        kind,
        [(email, facts | more | {"member": pk}, None) for email, pk in members.values_list("email", "pk")],
        quiet_until=quiet_until(session.starts_at),
    )


@builder("session_convened", label="Séance convoquée", reader="member")
def session_convened(payload: Payload) -> Letter:
    """A session to come, new or moved (`was`: when it was to be): each change has its own mail, the last one leaves."""
    session = Session.objects.of_member(payload["member"]).filter(pk=payload["session"]).first()
    if session is None or session.starts_at < timezone.now():
        raise Obsolete("la séance est annulée ou passée, ou ce membre n’y siège plus")
    if (session.starts_at, session.place) != (datetime.fromisoformat(payload["starts_at"]), payload["place"]):
        raise Obsolete("la séance a changé depuis")
    return _told(payload, "session_convened", action=("Voir la séance", address("commission:session", session.pk)))


@builder("session_cancelled", label="Séance annulée", reader="member")
def session_cancelled(payload: Payload) -> Letter:
    """The session is no longer there: the payload says what it was."""
    return _told(payload, "session_cancelled", cancelled=True)


def _told(payload: Payload, template: str, *, action: tuple[str, str] | None = None, cancelled: bool = False) -> Letter:
    starts_at, was = datetime.fromisoformat(payload["starts_at"]), payload.get("was")
    was = datetime.fromisoformat(was) if was else None
    event = event_of(payload["session"], payload["commission"], starts_at, payload["place"])
    place = [("Lieu", payload["place"])] if payload["place"] else []
    return compose(
        template,
        {
            "member": User.objects.get(pk=payload["member"]),
            "commission": payload["commission"],
            "starts_at": timezone.localtime(starts_at),
            "was": was if was != starts_at else None,
            "moved": was is not None,
        },
        action=action,
        facts=[("Commission", payload["commission"]), ("Séance", day_and_time(starts_at)), *place],
        attachments=[ical.attachment("seance.ics", event, cancelled=cancelled)],
    )


def event_of(pk: int, commission: str, starts_at: datetime, place: str) -> ical.Event:
    page = address("commission:session", pk)
    return ical.Event(f"seance-{pk}", f"Séance : {commission}", starts_at, starts_at + USUAL_LENGTH, place, url=page)


def calendar_of(session: Session) -> tuple[str, bytes, str]:
    """The session, to attach to a mail about it."""
    event = event_of(session.pk, session.commission.name, session.starts_at, session.place)
    return ical.attachment("seance.ics", event)
