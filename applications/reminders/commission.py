"""What is due before a session: to its members, and to the rapporteurs who have not given their opinion."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from applications.commission.models import AgendaItem, CommissionMember, Recusal, Review, Session
from applications.models import Application
from applications.reminders.claiming import Due
from applications.reminders.models import Audience, ReminderRule
from applications.reminders.rules import dated_step
from portal.calendar import quiet_until

HORIZON = timedelta(days=366)  # of a rule's longest notice


def commission_due(now: datetime) -> Iterator[Due]:
    """The sessions to come are few: they are looked at one by one. Four queries."""
    today = timezone.localdate(now)
    coming = Session.objects.filter(starts_at__gt=now, starts_at__lte=now + HORIZON)
    yield from _reports_due(coming, today)
    yield from _sessions_due(coming, today)


def _rules(audience: Audience) -> QuerySet[ReminderRule]:
    return ReminderRule.objects.filter(active=True, audience=audience)


def _reports_due(sessions: QuerySet[Session], today: date) -> Iterator[Due]:
    """One for each dossier that a rapporteur is to report on."""
    about = _rules(Audience.RAPPORTEUR).filter(offer__applications__agenda_items__session__in=sessions)
    rules = {rule.offer_id: rule for rule in about}
    own = {"application": OuterRef("application"), "member": OuterRef("rapporteur")}
    items = (
        AgendaItem.objects.filter(
            session__in=sessions, rapporteur__isnull=False, application__state=Application.State.ADMISSIBLE
        )
        .exclude(Exists(Review.objects.filter(**own, withdrawn_at=None)))
        .exclude(Exists(Recusal.objects.filter(**own)))
        .select_related("session", "rapporteur", "application")
        .order_by("pk")
    )
    for item in items:
        rule = rules.get(item.application.offer_id)
        step = rule and dated_step(rule.days_before, item.session.starts_at, today)
        if step:
            yield Due(
                rule.pk,
                f"report:{item.pk}:{item.rapporteur_id}",
                step,
                "rapporteur_reminder",
                item.rapporteur.email,
                {"item": item.pk, "member": item.rapporteur_id},
                quiet_until(item.session.starts_at),
                item.application_id,
                item.application.dossier_id,
            )


def _sessions_due(sessions: QuerySet[Session], today: date) -> Iterator[Due]:
    """One for each member and session, however many offers are on its agenda: by the first of their rules."""
    rules = {}
    on_agenda = F("offer__applications__agenda_items__session")
    about = _rules(Audience.MEMBER).annotate(session=on_agenda).filter(session__in=sessions)
    for rule in about.order_by("-pk"):
        rules[rule.session] = rule
    seats = CommissionMember.objects.filter(commission__sessions__in=sessions).annotate(
        session=F("commission__sessions")
    )
    starts = dict(sessions.values_list("pk", "starts_at"))
    for seat in seats.annotate(session=F("commission__sessions")).select_related("user").order_by("pk"):
        rule = rules.get(seat.session)
        step = rule and seat.session in starts and dated_step(rule.days_before, starts[seat.session], today)
        if step:
            yield Due(
                rule.pk,
                f"session:{seat.session}:{seat.user_id}",
                step,
                "session_reminder",
                seat.user.email,
                {"session": seat.session, "member": seat.user_id},
                quiet_until(starts[seat.session]),
            )
