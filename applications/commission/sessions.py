"""The sessions of a commission: what is on their agenda, and what a member sees of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Max, Prefetch, Q
from django.utils import timezone

from applications.models import AgendaItem, Application, Review, Session

ONE_DAY = timedelta(days=1)  # a session under way, or just over, is still to be found


@dataclass(frozen=True)
class AgendaLine:
    """A dossier of the agenda as one member sees it. readable: theirs to examine (no recusal, not withdrawn).

    is_mine: they report on it.
    """

    item: AgendaItem
    application: Application
    readable: bool
    review: Review | None
    is_mine: bool


def candidates_for_agenda(session: Session):
    """The dossiers that the session may examine: admissible, to the offers of its commission."""
    return (
        Application.objects.filter(offer__commissions=session.commission_id, state=Application.State.ADMISSIBLE)
        .select_related("candidate", "offer")
        .order_by("offer__title", "filed_at", "pk")
    )


def next_position(session: Session) -> int:
    return (session.agenda.aggregate(last=Max("position"))["last"] or 0) + 1


def fill_agenda(session: Session) -> int:
    """Put on the agenda every dossier that awaits examination and that no session has yet. Returns how many."""
    waiting = candidates_for_agenda(session).exclude(agenda_items__isnull=False)
    start = next_position(session)
    items = [
        AgendaItem(session=session, application=application, position=position)
        for position, application in enumerate(waiting, start=start)
    ]
    return len(AgendaItem.objects.bulk_create(items))


def upcoming(user):
    """The sessions to come of the commissions where this person sits, soonest first."""
    return (
        Session.objects.of_member(user)
        .filter(starts_at__gte=timezone.now() - ONE_DAY)
        .select_related("commission")
        .order_by("starts_at", "pk")
    )


def minutes_read_by(session: Session, user):
    """The last edition of the minutes, unless they tell of an offer that this member seeks, or of a dossier that they
    recused from.
    """
    sought = Application.objects.sought_by(user)
    concerned = Q(application__recusals__member=user) | Q(application__offer__in=sought)
    if session.agenda.filter(concerned).exists():
        return session.minutes.none()
    return session.minutes.filter(edition=session.minutes.aggregate(last=Max("edition"))["last"])


def agenda_seen_by(session: Session, user) -> list[AgendaLine]:
    """The agenda; of a dossier that this member may not read, only that it is there."""
    reviews = Review.objects.filter(member=user, withdrawn_at=None)
    items = session.agenda.select_related(
        "application__candidate", "application__offer", "rapporteur"
    ).prefetch_related("application__recusals", Prefetch("application__reviews", reviews, to_attr="my_reviews"))
    readable = set(
        Application.objects.readable_by_member(user).filter(agenda_items__session=session).values_list("pk", flat=True)
    )
    return [
        AgendaLine(
            item=item,
            application=item.application,
            readable=item.application_id in readable,
            review=next(iter(item.application.my_reviews), None),
            is_mine=item.rapporteur_id == user.pk and item.application_id in readable,
        )
        for item in items
    ]
