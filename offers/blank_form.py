"""The blank form of an offer, for people who want paper."""

from __future__ import annotations

from typing import Any

from dossiers.content import blank_content, moment
from offers.models import Offer
from offers.printed import Sheet


def printed_context(offer: Offer) -> dict[str, Any]:
    """What every document of an offer says of it."""
    return offer.kind_definition.document_context(offer.details, offer.parameters) | {
        "offer_title": offer.title,
        "institution": offer.institution.name,
        "service": offer.service_name,
        "deadline_display": moment(offer.deadline),
    }


def blank_form(offer: Offer) -> Sheet:
    spec = offer.kind_definition.dossier_spec(offer.parameters)
    content = blank_content(offer.kind, spec, printed_context(offer))
    return Sheet("formulaires", content, lambda render: render.render_dossier(content))
