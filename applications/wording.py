"""The subject and the introduction of a mail, in the words of the offer's service.

The variables are a closed list, put in once, as text: nothing that HR writes is ever run. What the law, the circuit or
the person needs (dates, reasons, the receipt's mentions, the link) stands outside of these words and always leaves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format

from applications.models import MailText
from dossiers.content import moment
from dossiers.models import Annex
from offers.campaigns import copy_rows, on_next_campaign
from offers.models import Offer
from portal.notifications.letters import Words

BRACES = re.compile(r"\{\{|\}\}")
VARIABLE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
OFFER = {
    "offre": "intitulé de l’offre",
    "institution": "institution qui publie l’offre",
    "service": "service chargé du dossier",
    "date_limite": "date limite de l’offre",
}
EVERYWHERE = {"candidat": "prénom et nom de la personne candidate"} | OFFER
LINK = {"lien": "adresse du bouton"}
NUMBER = {"numero": "numéro du dossier"}
ANNEX = {"annexe": "numéro et titre de l’annexe", "signataire": "nom du signataire"}
ERASED = {"effacement": "jour où le brouillon sera effacé"}
COUNT = {"nombre": "nombre de dossiers"}
SESSION = {
    "membre": "prénom et nom du membre",
    "commission": "nom de la commission",
    "seance": "date et heure de la séance",
    "lieu": "lieu de la séance",
}
REPLY = {"reponse_avant": "date à laquelle la réponse est attendue"}


@dataclass(frozen=True)
class Text:
    """One mail whose words HR may change. builder: the kind of mail that the outbox knows; outcome: in which case."""

    template: str
    label: str
    builder: str
    variables: dict[str, str]
    outcome: str = ""
    needs_annex: bool = False


TEXTS = {
    text.template: text
    for text in [
        Text("candidate_reminder", "Rappel à la personne candidate", "candidate_reminder", EVERYWHERE | LINK),
        Text("receipt", "Accusé de réception", "receipt", EVERYWHERE | LINK | NUMBER),
        Text("admissible", "Dossier recevable", "admissible", EVERYWHERE | LINK | NUMBER),
        Text("inadmissible", "Dossier irrecevable", "inadmissible", EVERYWHERE | LINK | NUMBER),
        Text("accepted", "Candidature retenue", "decision", EVERYWHERE | LINK | NUMBER, outcome="accepted"),
        Text("rejected", "Candidature non retenue", "decision", EVERYWHERE | LINK | NUMBER, outcome="rejected"),
        Text("annex_signed", "Annexe signée", "annex_signed", EVERYWHERE | LINK | ANNEX, needs_annex=True),
        Text("annex_declined", "Annexe déclinée", "annex_declined", EVERYWHERE | LINK | ANNEX, needs_annex=True),
        Text(
            "signatory_request",
            "Demande d’avis au signataire",
            "signatory_request",
            EVERYWHERE | LINK | ANNEX | REPLY,
            needs_annex=True,
        ),
        Text(
            "signatory_reminder",
            "Rappel au signataire : demande pas encore ouverte",
            "signatory_reminder",
            EVERYWHERE | LINK | ANNEX | REPLY,
            needs_annex=True,
        ),
        Text(
            "signatory_reminder_opened",
            "Rappel au signataire : avis pas encore signé",
            "signatory_reminder",
            EVERYWHERE | LINK | ANNEX | REPLY,
            outcome="opened",
            needs_annex=True,
        ),
        Text("signatory_copy", "Copie de l’avis signé", "signatory_copy", EVERYWHERE | ANNEX, needs_annex=True),
        Text("opinion_filed", "Avis joint au dossier déposé", "opinion_filed", EVERYWHERE | ANNEX, needs_annex=True),
        Text("request_dropped", "Demande d’avis retirée", "request_dropped", EVERYWHERE | ANNEX, needs_annex=True),
        Text("draft_to_be_erased", "Effacement annoncé", "draft_to_be_erased", EVERYWHERE | LINK | ERASED),
        Text("to_check_reminder", "Rappel au service : dossiers à vérifier", "to_check_reminder", OFFER | LINK | COUNT),
        Text(
            "rapporteur_reminder", "Rappel au rapporteur", "rapporteur_reminder", EVERYWHERE | LINK | NUMBER | SESSION
        ),
        Text("session_reminder", "Rappel d’une séance", "session_reminder", OFFER | LINK | COUNT | SESSION),
    ]
}


def texts_of(offer: Offer) -> list[Text]:
    """Those that this offer sends: without annexes, nobody is asked for an opinion."""
    has_annexes = bool(offer.kind_definition.dossier_spec(offer.parameters).annexes)
    return [text for text in TEXTS.values() if has_annexes or not text.needs_annex]


def reminder_text(annex: Annex) -> str:
    """Which of the two texts of a signatory's reminder: they have opened the request, or not yet."""
    opened = annex.state in {Annex.State.OPENED, Annex.State.IN_PROGRESS}
    return "signatory_reminder_opened" if opened else "signatory_reminder"


@on_next_campaign
def take_over_texts(offer: Offer, draft: Offer) -> None:
    """The next campaign writes as this one did: its variables say the new dates."""
    copy_rows(offer.mail_texts.all(), draft)


def check(text: str, variables: dict[str, str]) -> None:
    """Raises ValidationError, in words for who typed it, at the first variable that this mail does not have."""
    for found in VARIABLE.finditer(text):
        if found[1] not in variables:
            known = ", ".join(f"{{{{{name}}}}}" for name in variables)
            raise ValidationError(
                f"La variable « {found[0]} » n’existe pas dans ce message. Variables possibles : {known}."
            )
    if BRACES.search(VARIABLE.sub("", text)):
        raise ValidationError("Une accolade double n’est pas fermée : une variable s’écrit {{candidat}}.")


def fill(text: str, values: dict[str, str]) -> str:
    """Each variable replaced once: what a value contains is never read as a variable."""
    return VARIABLE.sub(lambda found: values.get(found[1], ""), text)


def words(template: str, about: dict[str, Any], typed: dict[str, str] | None = None) -> Words:
    """The words of this mail for its offer. typed: those of a preview, instead of those that are kept."""
    if template not in TEXTS or about["offer"] is None:
        return Words()
    if typed is None:
        typed = MailText.objects.filter(offer=about["offer"], template=template).values("subject", "intro").first()
    if not typed:
        return Words()
    values = _values(about)
    return Words(" ".join(fill(typed["subject"], values).split()), fill(typed["intro"], values).strip())


def _values(about: dict[str, Any]) -> dict[str, str]:
    offer = about["offer"]
    annex, session, erased_on = about.get("annex"), about.get("session"), about.get("erased_on")
    values = {
        "offre": offer.title,
        "institution": offer.institution.name,
        "service": offer.service_name,
        "date_limite": moment(offer.deadline) if offer.deadline else "sans date limite",
        "lien": about["action"][1] if about.get("action") else "",
        "numero": about.get("number", ""),
        "nombre": str(about.get("count", "")),
    }
    if about.get("candidate"):
        values["candidat"] = about["candidate"].get_full_name()
    if annex:
        values |= {"annexe": f"{about['spec'].number} – {about['spec'].title}", "signataire": annex.signatory_name}
    if about.get("closes_at"):
        values["reponse_avant"] = moment(about["closes_at"])
    if erased_on:
        values["effacement"] = date_format(timezone.localtime(erased_on), "j F Y")
    if session:
        values |= {
            "membre": about["member"].get_full_name(),
            "commission": session.commission.name,
            "seance": moment(session.starts_at),
            "lieu": session.place,
        }
    return values
