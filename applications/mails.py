"""What the portal writes about applications. Written by the worker at the moment of sending, from present data.

A payload with `sample` writes the letter for the eyes of HR (a preview, a test): stand-ins take the place of what
they may not read, no link in it works, and nothing is obsolete.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from applications import circuit, correspondence, digests, documents, reopening, samples, wording  # noqa: F401 (digests: its letters)
from applications.filing import to_the_second
from applications.models import Application, ApplicationTransition, Receipt
from applications.reminders.planner import refuse_superseded
from dossiers import signing
from dossiers.completeness import completeness
from dossiers.models import Annex, Document, SignOff
from dossiers.spec import AnnexSpec
from offers.models import Offer
from portal import ical
from portal.notifications.letters import compose
from portal.notifications.outbox import LATER, NOW, Letter, Obsolete, builder

Payload = dict[str, Any]
Action = tuple[str, str]
JUST_ASKED = "la personne a été relancée il y a moins de douze heures"


def address(name: str, *args: Any) -> str:
    return settings.SITE_URL + reverse(name, args=args)


def day_and_time(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), r"l j F Y à G \h i") + " (heure de Paris)"


# What a payload is about


def application_of(payload: Payload) -> Application:
    if "sample" in payload and not payload["application"]:
        return samples.application(Offer.objects.select_related("institution").get(pk=payload["offer"]))
    return Application.objects.select_related("offer__institution", "candidate", "dossier").get(
        pk=payload["application"]
    )


def annex_of(payload: Payload) -> Annex:
    if "sample" in payload:
        return samples.annex(application_of(payload), is_opened=payload["sample"] == "opened")
    return Annex.objects.select_related("dossier__owner", "dossier__application__offer__institution", "sign_off").get(
        pk=payload["annex"]
    )


def _entry(payload: Payload, target: str = Application.State.ACCEPTED) -> ApplicationTransition:
    if "sample" in payload:
        return samples.entry(target)
    return ApplicationTransition.objects.get(pk=payload["entry"])


def _sign_off(payload: Payload, annex: Annex) -> SignOff:
    return samples.sign_off(annex) if "sample" in payload else annex.sign_off


def drop_if(pointless: bool, reason: str, payload: Payload) -> None:
    if pointless and "sample" not in payload:
        raise Obsolete(reason)


def write(
    payload: Payload, template: str, application: Application, *, about: dict[str, Any] | None = None, **parts: Any
) -> Letter:
    """A letter about this application: see `write_for`."""
    known = {"application": application, "candidate": application.candidate}
    return write_for(payload, template, application.offer, about=known | (about or {}), **parts)


def write_for(
    payload: Payload,
    template: str,
    offer: Offer | None,
    *,
    about: dict[str, Any],
    action: Action | None = None,
    text: str = "",
    help_text: str | None = None,
    **parts: Any,
) -> Letter:
    """The letter with the offer's own words, if any, and whom to ask. text: which words, if not the template's."""
    about = {"offer": offer} | about
    letter = compose(
        template,
        about,
        action=action,
        help_text=_service(offer) if help_text is None else help_text,
        words=wording.words(text or template, about | {"action": action}, payload.get("words")),
        unsubscribe=payload.get("unsubscribe", ""),
        **parts,
    )
    return replace(letter, subject=f"[Essai] {letter.subject}") if "test" in payload else letter


def _service(offer: Offer) -> str:
    return f"Une question ? {offer.service_name} : {offer.service_email}, {offer.service_phone}."


# To the candidate


def own_page(label: str, application: Application) -> Action:
    return label, address("applications:detail", application.pk)


@builder("receipt", label="Accusé de réception", reader="candidate", priority=NOW)
def receipt(payload: Payload) -> Letter:
    application = application_of(payload)
    if "sample" in payload:
        content, attachments = samples.receipt(application), []
    else:
        receipt = Receipt.objects.get(application=application)
        name = f"accuse-reception-{receipt.number}.pdf"
        content, attachments = receipt.content, documents.attached(application, Document.Kind.RECEIPT, name)
    return write(
        payload,
        "receipt",
        application,
        about={"receipt": content, "attached": bool(attachments), "number": content["number"]},
        action=own_page("Voir ma candidature", application),
        facts=[
            ("Dossier", content["number"]),
            ("Offre", content["offer_title"]),
            ("Reçu le", f"{content['received_at_display']} (heure de Paris)"),
        ],
        attachments=attachments,
    )


@builder(
    "candidate_reminder", label="Rappel avant la date limite", reader="candidate", category="reminders", priority=LATER
)
def candidate_reminder(payload: Payload) -> Letter:
    refuse_superseded(payload)
    application = application_of(payload)
    offer = application.offer
    drop_if(not (application.is_draft and offer.is_open()), "la candidature n’est plus en préparation", payload)
    drop_if(correspondence.asked_lately(application.dossier_id, application.candidate.email), JUST_ASKED, payload)
    return write(
        payload,
        "candidate_reminder",
        application,
        about={"state": completeness(application.dossier), "deadline": offer.deadline, "days_left": offer.days_left},
        action=own_page("Compléter mon dossier", application),
        facts=[("Offre", offer.title), *([("Date limite", day_and_time(offer.deadline))] if offer.deadline else [])],
        attachments=deadline_of(application),
    )


def deadline_of(application: Application) -> list[tuple[str, bytes, str]]:
    """The offer's deadline in the candidate's calendar; nothing for an offer without one."""
    deadline, title = application.offer.deadline, f"Déposer mon dossier : {application.offer.title}"
    page = address("applications:detail", application.pk)
    return [calendar(f"dossier-{application.dossier_id}", title, deadline, page)] if deadline else []


def calendar(uid: str, title: str, deadline: datetime, url: str = "") -> tuple[str, bytes, str]:
    text = "Date limite, heure de Paris. Elle peut être reportée : le portail fait foi."
    return ical.attachment("date-limite.ics", ical.Event(uid, title, deadline, text=text, url=url))


@builder("annex_signed", label="Avis signé", reader="candidate", category="news")
def annex_signed(payload: Payload) -> Letter:
    return _annex_news(payload, "annex_signed")


@builder("annex_declined", label="Demande déclinée", reader="candidate")
def annex_declined(payload: Payload) -> Letter:
    annex = annex_of(payload)
    drop_if(annex.state != Annex.State.DECLINED, "une autre personne est sollicitée", payload)
    return _annex_news(payload, "annex_declined")


def _annex_news(payload: Payload, template: str) -> Letter:
    annex = annex_of(payload)
    application = annex.dossier.application
    declined = template == "annex_declined"
    deadline = application.offer.deadline
    facts = [("Annexe", f"{annex.spec.number} – {annex.spec.title}"), ("Offre", application.offer.title)]
    facts += [("Date limite", day_and_time(deadline))] if deadline and declined else []
    return write(
        payload,
        template,
        application,
        about={"annex": annex, "spec": annex.spec, "in_draft": reopening.state_in_draft(annex)},
        action=own_page("Désigner une autre personne" if declined else "Voir mon dossier", application),
        facts=facts,
        attachments=deadline_of(application) if declined else [],
    )


@builder("admissible", label="Dossier recevable", reader="candidate")
def admissible(payload: Payload) -> Letter:
    return _decision(payload, "admissible", Application.State.ADMISSIBLE)


@builder("inadmissible", label="Dossier irrecevable", reader="candidate")
def inadmissible(payload: Payload) -> Letter:
    return _decision(payload, "inadmissible", Application.State.INADMISSIBLE)


@builder("decision", label="Décision", reader="candidate")
def decision(payload: Payload) -> Letter:
    target = payload.get("sample") or _entry(payload).target
    return _decision(payload, "accepted" if target == Application.State.ACCEPTED else "rejected", target)


def _author(application: Application, entry: ApplicationTransition) -> str:
    """Name and quality (CRPA L212-1), as the letter of a decision says them."""
    if hasattr(application, "decision"):
        return f"{application.decision.content['author_name']}, {application.decision.content['author_quality']}"
    return f"{entry.actor_label}, {application.offer.service_name}"


def _decision(payload: Payload, template: str, target: str) -> Letter:
    """What was decided and why stands in the facts, whatever the words around it."""
    application = application_of(payload)
    entry = _entry(payload, target)
    number = application.number or samples.NUMBER
    facts = [
        ("Dossier", number),
        ("Offre", application.offer.title),
        ("Décision", Application.State(target).label),
        *([("Motif", entry.reason)] if entry.reason else []),
        ("Décision de", _author(application, entry)),
    ]
    may_correct = target == Application.State.INADMISSIBLE and application.offer.is_open()
    if may_correct and application.offer.deadline:
        facts.append(("À corriger avant le", day_and_time(application.offer.deadline)))
    attachments = []
    if hasattr(application, "decision") and "sample" not in payload:
        attachments = documents.attached(application, Document.Kind.DECISION, f"decision-{number}.pdf")
    return write(
        payload,
        template,
        application,
        about={"entry": entry, "number": number, "may_correct": may_correct},
        action=own_page("Corriger mon dossier" if may_correct else "Voir ma candidature", application),
        facts=facts,
        attachments=attachments,
    )


# To signatories


def about_opinion(annex: Annex, specs: list[AnnexSpec] | None = None) -> list[tuple[str, str]]:
    """Whose application, to what, which annex: all of `specs` where a letter is about several."""
    offer = annex.dossier.application.offer
    return [
        ("Candidature de", annex.dossier.application.candidate.get_full_name()),
        ("Offre", f"{offer.title} ({offer.institution.name})"),
        *(("Annexe", f"{spec.number} – {spec.title}") for spec in specs or [annex.spec]),
    ]


def date_of_opinion(annex: Annex) -> tuple[str, bytes, str]:
    """In the signatory's calendar, without the link: calendars are shared."""
    title = f"Donner mon avis : {annex.dossier.owner.get_full_name()}, annexe {annex.spec.number}"
    return calendar(f"avis-{annex.pk}", title, circuit.closes_at(annex))


def refuse_dead_link(annex: Annex, link_hash: str) -> None:
    if not annex.link_hash == link_hash == mailed_hash(annex):
        raise Obsolete("la demande a été retirée ou confiée à une autre personne")


def mailed_hash(annex: Annex) -> str:
    """Of the link that a mail would bear: another one where the server's key has changed since."""
    return signing.link_hash(signing.link_secret(annex))


@builder("signatory_copy", label="Copie de l’avis signé", reader="signatory")
def signatory_copy(payload: Payload) -> Letter:
    annex = annex_of(payload)
    sign_off = _sign_off(payload, annex)
    facts = [
        *about_opinion(annex),
        ("Référence", sign_off.reference),
        ("Signé le", f"{to_the_second(sign_off.signed_at)} (heure de Paris), en qualité de {sign_off.signer_quality}"),
    ]
    about = {"annex": annex, "spec": annex.spec, "sign_off": sign_off, "answer": sign_off.content["answer"]}
    return write(payload, "signatory_copy", annex.dossier.application, about=about, facts=facts)


@builder("opinion_filed", label="Avis joint au dossier déposé", reader="signatory", category="news")
def opinion_filed(payload: Payload) -> Letter:
    annex = annex_of(payload)
    sign_off = _sign_off(payload, annex)
    return write(
        payload,
        "opinion_filed",
        annex.dossier.application,
        about={"annex": annex, "spec": annex.spec, "sign_off": sign_off},
        facts=[*about_opinion(annex), ("Référence de l’avis", sign_off.reference)],
    )


@builder("request_superseded", label="Demande d’avis remplacée", reader="signatory")
def request_superseded(payload: Payload) -> Letter:
    """The dossier was replaced by one that does not ask this person any more."""
    annex = annex_of(payload)
    asked = annex.dossier.spec.annex_by_key
    specs = [asked[key] for key in payload.get("keys", [annex.key]) if key in asked]
    return write(
        payload,
        "request_superseded",
        annex.dossier.application,
        about={"annex": annex, "spec": annex.spec, "specs": specs},
        facts=about_opinion(annex, specs),
    )


@builder("request_dropped", label="Demande retirée", reader="signatory")
def request_dropped(payload: Payload) -> Letter:
    annex = annex_of(payload)
    about = {"annex": annex, "spec": annex.spec}
    return write(payload, "request_dropped", annex.dossier.application, about=about, facts=about_opinion(annex))
