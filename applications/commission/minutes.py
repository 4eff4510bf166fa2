"""The minutes of a session: who was there, who stood aside, and for each dossier the opinion and its reasons.

What is established does not change: a correction is a new edition, which replaces the one before.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import transaction
from django.utils import timezone

from applications.models import AgendaItem, Application, Commission, Minutes, Session
from dossiers.content import moment
from portal.workflow import TransitionRefused


def missing(session: Session) -> list[str]:
    """What prevents the minutes from being established, as sentences."""
    reasons = []
    if session.starts_at > timezone.now():
        reasons.append("La séance n’a pas encore eu lieu.")
    if session.chair_id is None:
        reasons.append("Indiquez qui a présidé la séance.")
    if not session.present.exists():
        reasons.append("Indiquez les membres présents.")
    reasons += [
        f"Dossier {item.application.number} : indiquez l’avis de la commission."
        for item in _examined(session)
        if not item.opinion
    ]
    return reasons


def _examined(session: Session) -> list[AgendaItem]:
    items = session.agenda.select_related("application__candidate", "application__offer", "rapporteur")
    return [item for item in items.prefetch_related("application__recusals__member") if item.application.was_filed]


def establish(session: Session, actor: Any) -> Minutes:
    """A new edition of the minutes, from what was said of the session. TransitionRefused tells what is missing."""
    with transaction.atomic():
        row = Session.objects.select_for_update(of=("self",)).get(pk=session.pk)
        if reasons := missing(row):
            raise TransitionRefused(*reasons)
        last = row.minutes.first()
        edition = last.edition + 1 if last else 1
        minutes = Minutes.objects.create(
            session=row, edition=edition, content=_content(row, edition, actor), established_by=actor
        )
        transaction.on_commit(lambda: _render_soon(minutes.pk), robust=True)
    return minutes


def _render_soon(minutes_pk: int) -> None:
    from applications.tasks import render_minutes

    render_minutes.delay(minutes_pk)


def _content(session: Session, edition: int, actor: Any) -> dict[str, Any]:
    commission = session.commission
    qualities = dict(commission.seats.values_list("user_id", "quality"))
    present = list(session.present.all())
    attending = {member.pk for member in present}
    away = [seat.user for seat in commission.seats.select_related("user") if seat.user_id not in attending]
    items = _examined(session)
    rivals = _rivals(commission, items)
    return {
        "commission": commission.name,
        "institution": commission.institution.name,
        "held_at_display": moment(session.starts_at),
        "place": session.place,
        "edition": edition,
        "chair": _named(session.chair, qualities),
        "present": [_named(member, qualities) for member in present],
        "away": [_named(member, qualities) for member in away],
        "dossiers": [_dossier(item, rivals[item.application.offer_id]) for item in items],
        "established_by": str(actor),
        "established_at_display": moment(timezone.now()),
    }


def _named(member: Any, qualities: dict[int, str]) -> str:
    return ", ".join(filter(None, [str(member), qualities.get(member.pk, "")]))


def _rivals(commission: Commission, items: list[AgendaItem]) -> dict[int, set[str]]:
    """By offer, the members who filed a dossier to it too: they took no part in its examination."""
    seats = commission.seats.values("user")
    filed = Application.objects.filter(candidate__in=seats, filed_at__isnull=False).select_related("candidate")
    found = defaultdict(set)
    for application in filed.filter(offer__in={item.application.offer_id for item in items}):
        found[application.offer_id].add(str(application.candidate))
    return found


def _dossier(item: AgendaItem, rivals: set[str]) -> dict[str, Any]:
    """rivals: the names of the members who seek the same offer."""
    application = item.application
    decided = application.state in {Application.State.ACCEPTED, Application.State.REJECTED}
    return {
        "number": application.number,
        "candidate_name": application.candidate.get_full_name(),
        "offer_title": application.offer.title,
        "rapporteur": item.rapporteur_named,
        "recusals": sorted({str(recusal.member) for recusal in application.recusals.all()} | rivals),
        "opinion": item.get_opinion_display(),
        "reasons": item.reasons,
        "outcome": application.get_state_display() if decided or application.state == "withdrawn" else "",
    }
