"""What an offer must say before anyone sees it, and what it had better say: sentences that name the field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from dossiers.content import moment
from offers.models import Offer

MINIMUM = timedelta(days=30)  # CGFP D311-2: one month, save urgency
DUE = "Ce champ est à compléter."
# What every page and every receipt is made of (CRPA R112-11-1: the service in charge, and how to reach it).
ALWAYS = ("title", "summary", "service_name", "service_address", "service_email", "service_phone")
YEAR = re.compile(r"\b20\d\d\b")
BETTER = {
    "body": "sans lui, la page ne présente que les rubriques du type d’offre",
    "region": "sans elle, l’offre n’est pas trouvée par région",
    "specialty": "sans elle, l’offre est moins bien trouvée",
    "legal_mentions": "l’accusé de réception ne dirait rien de la procédure",
}


def missing(offer: Offer) -> Iterator[str]:
    """What prevents publication: what the law, the kind and the receipt ask for."""
    kind = offer.kind_definition
    deadline = ("deadline",) if kind.has_deadline else ()
    for name in dict.fromkeys((*ALWAYS, *kind.mandatory_mentions, *deadline)):
        if _is_column(name) and _is_empty(offer, name):
            yield f"{_label(name)} : {DUE}{_why(offer, name)}"
    for section in (*kind.offer_sections, kind.parameter_section):
        stored = offer.parameters if section is kind.parameter_section else offer.details
        raw = kind.default_parameters | stored if section is kind.parameter_section else stored
        for problem in section.clean(raw).problems:
            if problem.blocking:
                yield f"{problem.label or section.title} : {problem.message}{_why(offer, problem.field)}"


def doubtful(offer: Offer) -> Iterator[str]:
    """What does not prevent publication, but is worth a look before."""
    kind = offer.kind_definition
    for name, why in BETTER.items():
        said_by_kind = name == "legal_mentions" and kind.legal_mentions  # what the receipt then bears
        if _is_empty(offer, name) and not said_by_kind:
            yield f"{_label(name)} : ce champ est vide ; {why}."
    yield from _years_gone_by(offer)
    for section in (*kind.offer_sections, kind.parameter_section):
        stored = offer.parameters if section is kind.parameter_section else offer.details
        for problem in section.clean({**kind.default_parameters, **stored}).problems:
            if not problem.blocking:
                yield f"{problem.label or section.title} : {problem.message}"


def _years_gone_by(offer: Offer) -> Iterator[str]:
    """What a campaign taken up again still says of the one before."""
    if offer.deadline is None:
        return
    for name in ("title", "summary"):
        years = {int(year) for year in YEAR.findall(getattr(offer, name))}
        for year in sorted(year for year in years if year < timezone.localdate(offer.deadline).year):
            yield f"{_label(name)} : l’année {year} y est écrite, la date limite est le {moment(offer.deadline)}."


def _why(offer: Offer, name: str) -> str:
    number = offer.kind_definition.mandatory_mentions.get(name)
    return f" Mention obligatoire d’un avis de vacance (décret n° 2018-1351, art. 3, {number})." if number else ""


def _is_column(name: str) -> bool:
    return any(field.name == name for field in Offer._meta.concrete_fields)


def _is_empty(offer: Offer, name: str) -> bool:
    return getattr(offer, Offer._meta.get_field(name).attname) in (None, "")


def _label(name: str) -> str:
    label = str(Offer._meta.get_field(name).verbose_name)
    return label[:1].upper() + label[1:]
