"""What the portal writes about applications. Written by the worker at the moment of sending, from present data."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.urls import reverse

from applications import circuit, documents
from applications.filing import to_the_second
from applications.models import Application, ApplicationTransition, Receipt
from dossiers import signing
from dossiers.completeness import completeness
from dossiers.models import Annex, Document
from offers.models import Offer, OfferTransition
from portal.notifications.letters import compose
from portal.notifications.outbox import LATER, NOW, Letter, NotYet, Obsolete, builder

logger = logging.getLogger(__name__)
Payload = dict[str, Any]
UNTOLD_MOVES = ("expire", "archive", "unarchive")


def _address(name: str, *args: Any) -> str:
    return settings.SITE_URL + reverse(name, args=args)


def _application(payload: Payload) -> Application:
    return Application.objects.select_related("offer__institution", "candidate", "dossier").get(
        pk=payload["application"]
    )


def _annex(payload: Payload) -> Annex:
    return Annex.objects.select_related("dossier__owner", "dossier__application__offer__institution", "sign_off").get(
        pk=payload["annex"]
    )


def _about(application: Application) -> dict[str, Any]:
    offer = application.offer
    return {"application": application, "offer": offer, "candidate": application.candidate, "deadline": offer.deadline}


def _about_annex(annex: Annex) -> dict[str, Any]:
    return _about(annex.dossier.application) | {"annex": annex, "spec": annex.spec}


# To the candidate


@builder("receipt", label="Accusé de réception", reader="candidate", priority=NOW)
def receipt(payload: Payload) -> Letter:
    application = _application(payload)
    receipt = Receipt.objects.get(application=application)
    attachments = _receipt_document(application, receipt)
    return compose(
        "receipt",
        _about(application) | {"receipt": receipt.content, "attached": bool(attachments)},
        action=("Voir ma candidature", _address("applications:detail", application.pk)),
        attachments=attachments,
    )


def _receipt_document(application: Application, receipt: Receipt) -> list[tuple[str, bytes, str]]:
    """The PDF to attach, or nothing: the receipt is due at once (CRPA R112-11-1), whatever becomes of its document."""
    try:
        document = documents.obtain(application, Document.Kind.RECEIPT)
        if document is None:
            raise NotYet("another worker is rendering it")
        with document.file.open("rb") as file:
            return [(f"accuse-reception-{receipt.number}.pdf", file.read(), "application/pdf")]
    except NotYet:
        raise
    except Exception:
        logger.exception("The receipt %s leaves without its document.", receipt.number)
        return []


@builder(
    "candidate_reminder", label="Rappel avant la date limite", reader="candidate", category="reminders", priority=LATER
)
def candidate_reminder(payload: Payload) -> Letter:
    application = _application(payload)
    if not (application.is_draft and application.offer.is_open()):
        raise Obsolete("la candidature n’est plus en préparation")
    return compose(
        "candidate_reminder",
        _about(application) | {"state": completeness(application.dossier), "days_left": application.offer.days_left},
        action=("Compléter mon dossier", _address("applications:detail", application.pk)),
    )


@builder("annex_signed", label="Avis signé", reader="candidate", category="news")
def annex_signed(payload: Payload) -> Letter:
    return _annex_news(payload, "annex_signed")


@builder("annex_declined", label="Demande déclinée", reader="candidate")
def annex_declined(payload: Payload) -> Letter:
    if _annex(payload).state != Annex.State.DECLINED:
        raise Obsolete("une autre personne est sollicitée")
    return _annex_news(payload, "annex_declined")


def _annex_news(payload: Payload, template: str) -> Letter:
    annex = _annex(payload)
    action = ("Voir mon dossier", _address("applications:detail", annex.dossier.application.pk))
    return compose(template, _about_annex(annex), action=action)


@builder("admissible", label="Dossier recevable", reader="candidate")
def admissible(payload: Payload) -> Letter:
    return _decision(payload, "admissible")


@builder("inadmissible", label="Dossier irrecevable", reader="candidate")
def inadmissible(payload: Payload) -> Letter:
    return _decision(payload, "inadmissible")


@builder("decision", label="Décision", reader="candidate")
def decision(payload: Payload) -> Letter:
    return _decision(payload, "decision")


def _decision(payload: Payload, template: str) -> Letter:
    application = _application(payload)
    entry = ApplicationTransition.objects.get(pk=payload["entry"])
    return compose(
        template,
        _about(application) | {"entry": entry, "accepted": entry.target == Application.State.ACCEPTED},
        action=("Voir ma candidature", _address("applications:detail", application.pk)),
    )


# What becomes of an offer (applications.offer_news)


def _about_move(payload: Payload, offer: Offer) -> dict[str, Any]:
    """The move, unless another one has come since: that one has its own mail."""
    entry = OfferTransition.objects.get(pk=payload["entry"])
    if OfferTransition.objects.filter(subject=offer, pk__gt=entry.pk).exclude(name__in=UNTOLD_MOVES).exists():
        raise Obsolete("l’offre a changé de nouveau depuis")
    return {"move": entry.name, "reason": entry.reason}


@builder("offer_moved", label="Changement de l’offre", reader="candidate")
def offer_moved(payload: Payload) -> Letter:
    application = _application(payload)
    if application.state == Application.State.WITHDRAWN:
        raise Obsolete("la candidature est retirée")
    return compose(
        "offer_moved",
        _about(application) | _about_move(payload, application.offer),
        action=("Voir ma candidature", _address("applications:detail", application.pk)),
    )


@builder("offer_moved_for_signatory", label="Changement de l’offre", reader="signatory")
def offer_moved_for_signatory(payload: Payload) -> Letter:
    annex = _current(payload)
    if not (annex.is_waiting and annex.dossier.application.is_draft):
        raise Obsolete("la réponse n’est plus attendue")
    moved = _about_move(payload, annex.dossier.application.offer)
    link = _address("signatory:annex", signing.link_secret(annex))
    action = ("Lire la demande et donner mon avis", link) if circuit.is_alive(annex) else None
    return compose("offer_moved_for_signatory", _about_annex(annex) | moved, action=action)


# To signatories


def _current(payload: Payload) -> Annex:
    """The annex, if the link that this mail is about still serves it."""
    annex = _annex(payload)
    mailed = signing.link_hash(signing.link_secret(annex))  # another one where the server's key has changed since
    if not annex.link_hash == payload["link_hash"] == mailed:
        raise Obsolete("la demande a été retirée ou confiée à une autre personne")
    return annex


@builder("signatory_request", label="Demande d’avis", reader="signatory", priority=NOW)
def signatory_request(payload: Payload) -> Letter:
    return _request(payload, "signatory_request")


@builder("signatory_reminder", label="Rappel", reader="signatory", category="reminders", priority=LATER)
def signatory_reminder(payload: Payload) -> Letter:
    return _request(payload, "signatory_reminder")


def _request(payload: Payload, template: str) -> Letter:
    annex = _current(payload)
    if not (annex.is_waiting and circuit.is_alive(annex)):
        raise Obsolete("la réponse n’est plus attendue")
    return compose(
        template,
        _about_annex(annex)
        | {"closes_at": circuit.closes_at(annex), "days_left": annex.dossier.application.offer.days_left},
        action=("Lire la demande et donner mon avis", _address("signatory:annex", signing.link_secret(annex))),
    )


@builder("signatory_copy", label="Copie de l’avis signé", reader="signatory")
def signatory_copy(payload: Payload) -> Letter:
    annex = _annex(payload)
    return compose(
        "signatory_copy",
        _about_annex(annex) | {"answer": annex.sign_off.content["answer"], "sign_off": annex.sign_off},
    )


@builder("opinion_filed", label="Avis joint au dossier déposé", reader="signatory", category="news")
def opinion_filed(payload: Payload) -> Letter:
    annex = _annex(payload)
    return compose("opinion_filed", _about_annex(annex) | {"sign_off": annex.sign_off})


@builder("request_dropped", label="Demande retirée", reader="signatory")
def request_dropped(payload: Payload) -> Letter:
    return compose("request_dropped", _about_annex(_annex(payload)))


# To the service in charge


@builder("filed_for_hr", label="Dossier déposé", reader="service")
def filed_for_hr(payload: Payload) -> Letter:
    application = _application(payload)
    return compose(
        "filed_for_hr",
        _about(application) | {"filed_at": to_the_second(application.filed_at)},
        action=("Vérifier le dossier", _address("admin:applications_application_change", application.pk)),
    )


@builder("withdrawn_for_hr", label="Candidature retirée", reader="service")
def withdrawn_for_hr(payload: Payload) -> Letter:
    entry = ApplicationTransition.objects.get(pk=payload["entry"])
    return compose("withdrawn_for_hr", _about(_application(payload)) | {"at": entry.at})
