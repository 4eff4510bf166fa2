"""What the portal writes to the service in charge of an offer."""

from __future__ import annotations

from django.conf import settings

from applications.filing import to_the_second
from applications.mails import Payload, address, annex_of, application_of, day_and_time, write
from applications.models import Application, ApplicationTransition
from dossiers.models import Annex
from portal.notifications.outbox import Letter, Obsolete, builder

SUPPORT = f"Une difficulté avec le portail ? {settings.SUPPORT_EMAIL}"


@builder("filed_for_hr", label="Dossier déposé", reader="service")
def filed_for_hr(payload: Payload) -> Letter:
    application = application_of(payload)
    filed_at = f"{to_the_second(application.filed_at)} (heure de Paris)"
    return write(
        payload,
        "filed_for_hr",
        application,
        about={"awaited": application.dossier.annexes.filter(late=True, state__in=Annex.ASKED).count()},
        action=("Vérifier le dossier", _desk(application)),
        facts=[
            *_for_service(application),
            ("Déposé le", filed_at),
            *([("Remplace le dossier", application.replaces.number)] if application.replaces else []),
        ],
        help_text=SUPPORT,
    )


@builder("late_answer_for_hr", label="Réponse reçue après le dépôt", reader="service")
def late_answer_for_hr(payload: Payload) -> Letter:
    """An opinion that was awaited when its dossier was filed has come, or will not."""
    annex = annex_of(payload)
    application, signed = annex.dossier.application, annex.state == Annex.State.SIGNED
    awaited = annex.dossier.annexes.filter(late=True, state__in=Annex.ASKED).count()
    return write(
        payload,
        "late_answer_for_hr",
        application,
        about={"annex": annex, "spec": annex.spec, "signed": signed, "awaited": awaited},
        action=("Ouvrir le dossier", _desk(application)),
        facts=[
            *_for_service(application),
            ("Annexe", f"{annex.spec.number} – {annex.spec.title}"),
            ("Signataire", annex.signatory_name),
            *([] if signed else [("Motif", annex.decline_reason)]),
        ],
        help_text=SUPPORT,
    )


@builder("rapporteur_aside_for_hr", label="Déport du rapporteur", reader="service")
def rapporteur_aside_for_hr(payload: Payload) -> Letter:
    """Nobody reports on this dossier any more: another member is to be named before the session."""
    application = application_of(payload)
    items = application.agenda_items.to_come().filter(rapporteur=payload["member"])
    item = items.select_related("session__commission", "rapporteur").order_by("session__starts_at").first()
    if item is None:
        raise Obsolete("un autre rapporteur est désigné, ou la séance a eu lieu")
    return write(
        payload,
        "rapporteur_aside_for_hr",
        application,
        about={"member": item.rapporteur},
        action=("Désigner un autre rapporteur", address("admin:applications_session_change", item.session_id)),
        facts=[*_for_service(application), ("Séance", day_and_time(item.session.starts_at))],
        help_text=SUPPORT,
    )


@builder("withdrawn_for_hr", label="Candidature retirée", reader="service")
def withdrawn_for_hr(payload: Payload) -> Letter:
    application = application_of(payload)
    withdrawn_at = day_and_time(ApplicationTransition.objects.get(pk=payload["entry"]).at)
    facts = [*_for_service(application), ("Retirée le", withdrawn_at)]
    return write(payload, "withdrawn_for_hr", application, facts=facts, help_text=SUPPORT)


@builder("bundle_incomplete", label="Pièce absente du volume", reader="service")
def bundle_incomplete(payload: Payload) -> Letter:
    """Files that could not enter the volume: the service asks for them again, or reads the originals."""
    application = application_of(payload)
    left_out = payload.get("left_out") or [["CV détaillé – cv.pdf", "fichier illisible"]]
    return write(
        payload,
        "bundle_incomplete",
        application,
        action=("Ouvrir le dossier", _desk(application)),
        facts=[*_for_service(application), *((f"Non joint ({reason})", told) for told, reason in left_out)],
        help_text=SUPPORT,
    )


def _desk(application: Application) -> str:
    return address("admin:applications_application_change", application.pk)


def _for_service(application: Application) -> list[tuple[str, str]]:
    return [
        ("Candidature de", application.candidate.get_full_name()),
        ("Dossier", application.number or ""),
        ("Offre", application.offer.title),
    ]
