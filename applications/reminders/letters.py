"""What reminders say to the service and to the members of a commission, and the notices before something is erased."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from applications import idle_accounts, samples
from applications.abandonment import erased_on
from applications.commission.letters import calendar_of
from applications.mails import address, application_of, calendar, day_and_time, drop_if, write, write_for
from applications.models import AgendaItem, Application, Review, Session
from applications.reminders.planner import refuse_superseded
from offers.models import Offer
from portal.accounts.models import User
from portal.notifications.letters import compose
from portal.notifications.outbox import LATER, Letter, Obsolete, builder

Payload = dict[str, Any]


@builder("to_check_reminder", label="Dossiers à vérifier", reader="service", category="reminders", priority=LATER)
def to_check_reminder(payload: Payload) -> Letter:
    refuse_superseded(payload)
    offer = Offer.objects.select_related("institution").get(pk=payload["offer"])
    waiting = offer.applications.filter(state=Application.State.FILED).order_by("filed_at")
    filed = list(waiting.values_list("filed_at", flat=True))
    drop_if(not filed, "tous les dossiers sont vérifiés", payload)
    filed = filed or [timezone.now()]
    desk = address("admin:applications_application_changelist") + f"?offer__id__exact={offer.pk}&state__exact=filed"
    return write_for(
        payload,
        "to_check_reminder",
        offer,
        about={"count": len(filed)},
        action=("Vérifier les dossiers", desk),
        facts=[("Offre", offer.title), ("Le plus ancien, déposé le", day_and_time(filed[0]))],
        help_text="",
    )


@builder("rapporteur_reminder", label="Rappel au rapporteur", reader="member", category="reminders", priority=LATER)
def rapporteur_reminder(payload: Payload) -> Letter:
    refuse_superseded(payload)
    if "sample" in payload:
        application, member = application_of(payload), samples.member()
        session = samples.session(application.offer)
    else:
        application, member, session = _report(payload)
    number = application.number or samples.NUMBER
    return write_for(
        payload,
        "rapporteur_reminder",
        application.offer,
        about={
            "session": session,
            "member": member,
            "application": application,
            "candidate": application.candidate,
            "number": number,
        },
        action=("Lire le dossier et donner mon avis", address("commission:detail", application.pk)),
        facts=[
            ("Dossier", f"{number}, {application.candidate.get_full_name()}"),
            ("Offre", application.offer.title),
            ("Séance", day_and_time(session.starts_at)),
        ],
        help_text="",
        attachments=[calendar_of(session)],
    )


def _report(payload: Payload) -> tuple[Application, User, Session]:
    """Who reports on what in which session, while they still owe it."""
    items = AgendaItem.objects.filter(pk=payload["item"], rapporteur=payload["member"])
    about = ("session__commission", "application__offer__institution", "application__candidate", "rapporteur")
    item = items.select_related(*about).first()
    if item is None or item.session.starts_at < timezone.now():
        raise Obsolete("ce dossier est confié à une autre personne, ou sa séance est passée")
    application, member = item.application, item.rapporteur
    if not Application.objects.readable_by_member(member).filter(pk=application.pk).exists():
        raise Obsolete("ce membre ne prend pas part à ce dossier")
    if Review.objects.filter(application=application, member=member, withdrawn_at=None).exists():
        raise Obsolete("l’avis est donné")
    return application, member, item.session


@builder("session_reminder", label="Rappel d’une séance", reader="member", category="reminders", priority=LATER)
def session_reminder(payload: Payload) -> Letter:
    refuse_superseded(payload)
    offer = _offer_of(payload)
    session, member = (samples.session(offer), samples.member()) if "sample" in payload else _seat(payload)
    reports = session.agenda.filter(rapporteur=member.pk).exclude(application__recusals__member=member.pk).count()
    place = [("Lieu", session.place)] if session.place else []
    return write_for(
        payload,
        "session_reminder",
        offer,
        about={"session": session, "member": member, "count": session.agenda.count(), "reports": reports},
        action=("Voir l’ordre du jour", address("commission:session", session.pk)),
        facts=[("Commission", session.commission.name), ("Séance", day_and_time(session.starts_at)), *place],
        help_text="",
        attachments=[calendar_of(session)],
    )


def _seat(payload: Payload) -> tuple[Session, User]:
    mine = Session.objects.of_member(payload["member"]).filter(pk=payload["session"])
    session = mine.select_related("commission").first()
    if session is None or session.starts_at < timezone.now():
        raise Obsolete("la séance est passée, ou ce membre n’y siège plus")
    return session, User.objects.get(pk=payload["member"])


def _offer_of(payload: Payload) -> Offer | None:
    """The one whose rule made this reminder; None for one that was queued by hand."""
    known = {"pk": payload["offer"]} if "offer" in payload else {"reminder_rules__reminders": payload.get("reminder")}
    return Offer.objects.select_related("institution").filter(**known).first()


@builder("draft_to_be_erased", label="Effacement annoncé", reader="candidate")
def draft_to_be_erased(payload: Payload) -> Letter:
    application = application_of(payload)
    announced_at = timezone.now() if "sample" in payload else datetime.fromisoformat(payload["announced_at"])
    changed = not application.is_draft or application.erasure_announced_at != announced_at
    drop_if(changed, "la candidature n’est plus en préparation", payload)
    day = erased_on(announced_at)
    return write(
        payload,
        "draft_to_be_erased",
        application,
        about={"kept_days": settings.DRAFT_KEPT_DAYS, "is_open": application.offer.is_open(), "erased_on": day},
        action=("Voir mon dossier", address("applications:detail", application.pk)),
        facts=[("Offre", application.offer.title), ("Effacement le", date_format(day, "j F Y"))],
        attachments=[calendar(f"effacement-{application.pk}", f"Brouillon effacé : {application.offer.title}", day)],
    )


@builder("account_to_be_erased", label="Effacement d’un compte annoncé")
def account_to_be_erased(payload: Payload) -> Letter:
    announced_at = datetime.fromisoformat(payload["announced_at"])
    told = idle_accounts.idle(timezone.now()).filter(erasure_announced_at=announced_at, pk=payload["user"])
    owner = told.first()
    if owner is None:
        raise Obsolete("ce compte sert de nouveau")
    day = idle_accounts.erased_on(announced_at)
    return compose(
        "account_to_be_erased",
        {"owner": owner},
        action=("Me connecter", address("account_login")),
        facts=[("Effacement le", date_format(timezone.localtime(day), "j F Y"))],
    )
