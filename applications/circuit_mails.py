"""What the sign-off circuit writes: requests and reminders, codes, questions, who hands over."""

from __future__ import annotations

from typing import Any

from applications import circuit, correspondence, digests, samples, wording
from applications.mails import (
    JUST_ASKED,
    Action,
    about_opinion,
    address,
    annex_of,
    date_of_opinion,
    day_and_time,
    drop_if,
    mailed_hash,
    refuse_dead_link,
    write,
)
from applications.reminders.planner import refuse_superseded
from dossiers import codes, signing
from dossiers.models import Annex
from dossiers.signoffs import changes_since
from portal.notifications.outbox import LATER, NOW, Letter, Obsolete, builder

Payload = dict[str, Any]


# The request


@builder("signatory_request", label="Demande d’avis", reader="signatory", priority=NOW)
def signatory_request(payload: Payload) -> Letter:
    """One message for all that this person is asked in this dossier."""
    first = annex_of(payload)
    if "sample" in payload:
        return request_letter([first], payload)
    asked = Annex.objects.filter(dossier=first.dossier, signatory_email=payload["email"], state__in=Annex.ASKED)
    current = [annex for annex in asked.order_by("key") if annex.link_hash == mailed_hash(annex)]
    drop_if(not (current and circuit.is_alive(current[0])), "la réponse n’est plus attendue", payload)
    return request_letter(current, payload, signing.link_secret(current[0]))


def request_letter(annexes: list[Annex], payload: Payload, secret: str = samples.LINK) -> Letter:
    """The request for these annexes, of one dossier and one signatory. secret: of the link to the first of them."""
    first, several = annexes[0], len(annexes) > 1
    label, page = ("Voir mes demandes", "requests") if several else ("Lire la demande et donner mon avis", "annex")
    notes = dict.fromkeys(annex.note for annex in annexes if annex.note)
    about = {
        "specs": [annex.spec for annex in annexes],
        "notes": list(notes),
        "delegation": first.former_links.filter(why="delegated").last() if first.link_hash else None,
    }
    return _awaited(payload, "signatory_request", first, about, action=(label, address(f"signatory:{page}", secret)))


def preview(annex: Annex) -> Letter:
    """The request as it would leave now; with the other annexes that would travel in the same message."""
    others = circuit.awaited_from(annex).exclude(pk=annex.pk)
    return request_letter(sorted([annex, *others], key=lambda one: one.key), {})


@builder("signatory_reminder", label="Rappel", reader="signatory", category="reminders", priority=LATER)
def signatory_reminder(payload: Payload) -> Letter:
    refuse_superseded(payload)
    annex = annex_of(payload)
    if "sample" not in payload:
        drop_if(correspondence.asked_lately(annex.dossier_id, annex.signatory_email), JUST_ASKED, payload)
        refuse_dead_link(annex, payload["link_hash"])
        drop_if(not (annex.is_waiting and circuit.is_alive(annex)), "la réponse n’est plus attendue", payload)
        if "mail" in payload:
            others = _gathered(annex, payload["mail"])
            if others:
                return digests.letter_about([annex, *others], payload)
    secret = samples.LINK if "sample" in payload else signing.link_secret(annex)
    action = ("Lire la demande et donner mon avis", address("signatory:annex", secret))
    text = wording.reminder_text(annex)
    return _awaited(payload, "signatory_reminder", annex, {}, action=action, text=text)


def _gathered(annex: Annex, mail: int) -> list[Annex]:
    """What else this person owes, for the same reminder: they get one a day. Raises Obsolete where it has left."""
    address = annex.signatory_email
    if not digests.claim_day(address, mail):
        raise Obsolete("un seul rappel par jour : celui d’aujourd’hui le dit déjà")
    same = Annex.objects.filter(state__in=Annex.WAITING, signatory_email__iexact=address).order_by()
    if not same.exclude(pk=annex.pk).exists():  # most people owe one
        return []
    others = (other for other in digests.requests_of(address) if other.pk != annex.pk and signing.has_its_link(other))
    return [other for other in others if not correspondence.asked_lately(other.dossier_id, address)]


def _awaited(
    payload: Payload, template: str, annex: Annex, about: dict[str, Any], *, action: Action, text: str = ""
) -> Letter:
    """A letter that asks for an answer, by when."""
    closes_at, application = circuit.closes_at(annex), annex.dossier.application
    known = {
        "annex": annex,
        "spec": annex.spec,
        "closes_at": closes_at,
        "deadline": application.offer.deadline,
        "signatures_until": application.offer.signatures_until,
        "days_left": application.offer.days_left,
    }
    return write(
        payload,
        template,
        application,
        about=known | about,
        action=action,
        text=text,
        facts=[*about_opinion(annex, about.get("specs")), ("À rendre avant le", day_and_time(closes_at))],
        attachments=[date_of_opinion(annex)],
    )


# What follows it


def _to_signatory(payload: Payload, template: str, annex: Annex, about: dict[str, Any], label: str = "") -> Letter:
    """label: of the button that leads to the page of the request; none without it."""
    refuse_dead_link(annex, payload["link_hash"])
    return write(
        payload,
        template,
        annex.dossier.application,
        about={"annex": annex, "spec": annex.spec} | about,
        action=(label, address("signatory:annex", signing.link_secret(annex))) if label else None,
        facts=about_opinion(annex),
    )


def _to_candidate(payload: Payload, template: str, annex: Annex, about: dict[str, Any], label: str) -> Letter:
    application = annex.dossier.application
    name, until = (
        ("Réponse avant le", circuit.closes_at(annex)) if annex.late else ("Date limite", application.offer.deadline)
    )
    facts = [("Annexe", f"{annex.spec.number} – {annex.spec.title}"), ("Offre", application.offer.title)]
    return write(
        payload,
        template,
        application,
        about={"annex": annex, "spec": annex.spec} | about,
        action=(label, address("applications:annex", application.pk, annex.key)),
        facts=facts + ([(name, day_and_time(until))] if until else []),
    )


@builder("signing_code", label="Code pour signer", reader="signatory", priority=NOW)
def signing_code(payload: Payload) -> Letter:
    """The code stands in the text alone: subjects are kept."""
    annex = annex_of(payload)
    code = codes.current(annex)
    if code is None or code.pk != payload["code"]:
        raise Obsolete("le code n’est plus valable, ou un autre a été demandé")
    return _to_signatory(payload, "signing_code", annex, {"code": codes.code_of(code)})


@builder("question_answered", label="Réponse à une question", reader="signatory")
def question_answered(payload: Payload) -> Letter:
    annex = annex_of(payload)
    question = annex.questions.get(pk=payload["question"])
    return _to_signatory(payload, "question_answered", annex, {"question": question}, "Donner mon avis")


@builder("question_asked", label="Question d’un signataire", reader="candidate")
def question_asked(payload: Payload) -> Letter:
    annex = annex_of(payload)
    question = annex.questions.get(pk=payload["question"])
    if question.answered_at:
        raise Obsolete("la réponse est déjà donnée")
    return _to_candidate(payload, "question_asked", annex, {"question": question}, "Répondre")


@builder("annex_bounced", label="Demande non remise", reader="candidate")
def annex_bounced(payload: Payload) -> Letter:
    annex = annex_of(payload)
    if annex.state != Annex.State.BOUNCED:
        raise Obsolete("la demande est repartie")
    return _to_candidate(payload, "annex_bounced", annex, {}, "Corriger l’adresse")


@builder("annex_delegated", label="Demande confiée à une autre personne", reader="candidate")
def annex_delegated(payload: Payload) -> Letter:
    annex = annex_of(payload)
    former = annex.former_links.filter(why="delegated").last()
    return _to_candidate(payload, "annex_delegated", annex, {"former": former}, "Voir l’annexe")


@builder("confirmation_request", label="Confirmation d’un avis", reader="signatory")
def confirmation_request(payload: Payload) -> Letter:
    annex = annex_of(payload)
    changed = changes_since(annex.sign_off)
    if not (changed and circuit.is_alive(annex)):
        raise Obsolete("l’avis vaut pour le dossier tel qu’il est")
    return _to_signatory(payload, "confirmation_request", annex, {"changed": changed}, "Confirmer ou revoir mon avis")
