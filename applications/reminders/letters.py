"""What reminders say to the service and to the members of a commission, and the notice of an abandoned draft."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from applications.abandonment import erased_on
from applications.mails import address, day_and_time, write
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
    offer = Offer.objects.get(pk=payload["offer"])
    waiting = offer.applications.filter(state=Application.State.FILED).order_by("filed_at")
    if not waiting:
        raise Obsolete("tous les dossiers sont vérifiés")
    desk = address("admin:applications_application_changelist") + f"?offer__id__exact={offer.pk}&state__exact=filed"
    return compose(
        "to_check_reminder",
        {"offer": offer, "count": len(waiting)},
        action=("Vérifier les dossiers", desk),
        facts=[("Offre", offer.title), ("Le plus ancien, déposé le", day_and_time(waiting[0].filed_at))],
        unsubscribe=payload.get("unsubscribe", ""),
    )


@builder("rapporteur_reminder", label="Rappel au rapporteur", reader="member", category="reminders", priority=LATER)
def rapporteur_reminder(payload: Payload) -> Letter:
    refuse_superseded(payload)
    items = AgendaItem.objects.filter(pk=payload["item"], rapporteur=payload["member"])
    about = ("session__commission", "application__offer", "application__candidate", "rapporteur")
    item = items.select_related(*about).first()
    if item is None or item.session.starts_at < timezone.now():
        raise Obsolete("ce dossier est confié à une autre personne, ou sa séance est passée")
    application, member = item.application, item.rapporteur
    if not Application.objects.readable_by_member(member).filter(pk=application.pk).exists():
        raise Obsolete("ce membre ne prend pas part à ce dossier")
    if Review.objects.filter(application=application, member=member, withdrawn_at=None).exists():
        raise Obsolete("l’avis est donné")
    return compose(
        "rapporteur_reminder",
        {"session": item.session, "member": member, "application": application},
        action=("Lire le dossier et donner mon avis", address("commission:detail", application.pk)),
        facts=[
            ("Dossier", f"{application.number}, {application.candidate.get_full_name()}"),
            ("Offre", application.offer.title),
            ("Séance", day_and_time(item.session.starts_at)),
        ],
        unsubscribe=payload.get("unsubscribe", ""),
    )


@builder("session_reminder", label="Rappel d’une séance", reader="member", category="reminders", priority=LATER)
def session_reminder(payload: Payload) -> Letter:
    refuse_superseded(payload)
    mine = Session.objects.of_member(payload["member"]).filter(pk=payload["session"])
    session = mine.select_related("commission").first()
    if session is None or session.starts_at < timezone.now():
        raise Obsolete("la séance est passée, ou ce membre n’y siège plus")
    member = User.objects.get(pk=payload["member"])
    reports = session.agenda.filter(rapporteur=member).count()
    place = [("Lieu", session.place)] if session.place else []
    return compose(
        "session_reminder",
        {"session": session, "member": member, "count": session.agenda.count(), "reports": reports},
        action=("Voir l’ordre du jour", address("commission:session", session.pk)),
        facts=[("Commission", session.commission.name), ("Séance", day_and_time(session.starts_at)), *place],
        unsubscribe=payload.get("unsubscribe", ""),
    )


@builder("draft_to_be_erased", label="Effacement annoncé", reader="candidate")
def draft_to_be_erased(payload: Payload) -> Letter:
    application = Application.objects.select_related("offer__institution", "candidate").get(pk=payload["application"])
    announced_at = datetime.fromisoformat(payload["announced_at"])
    if not application.is_draft or application.erasure_announced_at != announced_at:
        raise Obsolete("la candidature n’est plus en préparation")
    return write(
        payload,
        "draft_to_be_erased",
        application,
        about={"kept_days": settings.DRAFT_KEPT_DAYS, "is_open": application.offer.is_open()},
        action=("Voir mon dossier", address("applications:detail", application.pk)),
        facts=[("Offre", application.offer.title), ("Effacement le", date_format(erased_on(announced_at), "j F Y"))],
    )
