"""An offer on paper: what its page says."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string

from dossiers.content import moment
from dossiers.pdf.printable import clean
from offers.models import Offer
from offers.printed import Sheet
from offers.published import absolute
from offers.text import to_html


def offer_sheet(offer: Offer) -> Sheet:
    content = clean(sheet_content(offer))
    return Sheet("offres", content, lambda render: render.write_pdf(_html(content)))


def sheet_content(offer: Offer) -> dict[str, Any]:
    kind = offer.kind_definition
    facts = [
        ("Date limite :", moment(offer.deadline) or "aucune, candidatures à tout moment"),
        ("Signatures jusqu’au :", moment(offer.signatures_until)),
        ("Organisme :", offer.institution.name),
        ("Spécialité :", offer.specialty),
        ("Lieu :", offer.location),
        ("Département :", offer.department_name),
        ("Région :", offer.region_name),
        ("Contrat :", offer.contract),
        ("Temps plein :", {True: "Oui", False: "Non"}.get(offer.full_time, "")),
        ("Télétravail :", offer.get_telework_display() if offer.telework else ""),
        ("Référence :", offer.reference),
    ]
    service = [offer.service_name, offer.service_address, offer.service_email, offer.service_phone]
    return {
        "kind": kind.label,
        "title": offer.title,
        "summary": offer.summary,
        "body": offer.body,
        "institution": offer.institution.name,
        "facts": [[label, value] for label, value in facts if value],
        "sections": offer.presentation,
        "conditions": list(kind.eligibility(offer.parameters)),
        "needs": [piece.label for piece in kind.dossier_spec(offer.parameters).pieces],
        "service": "\n".join(filter(None, service)),
        "address": absolute(offer.get_absolute_url()),
    }


def _html(content: dict[str, Any]) -> str:
    return render_to_string("documents/offer.html", content | {"body": to_html(content["body"])})
