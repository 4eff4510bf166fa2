"""The next campaign of a programme: a draft made from an offer, its dates moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from dossiers.fields import Date, FieldSpec
from offers.lifecycle import moved_with
from offers.models import Offer

OWN_TO_EACH = {"id", "state", "reference", "slug", "published_at", "closed_at", "deadline"}
OWN_TO_EACH |= {"signatures_until", "created_at", "updated_at"}

_followers: list[Callable[[Offer, Offer], None]] = []


def on_next_campaign(function: Callable[[Offer, Offer], None]) -> Callable[[Offer, Offer], None]:
    """Declare what the floor above takes over: called with the offer and the new draft, in their transaction."""
    _followers.append(function)
    return function


def copy_rows(rows: QuerySet, draft: Offer) -> None:
    """The same rows, of an offer (`offer`), for the draft too."""
    copies = list(rows)
    for row in copies:
        row.pk, row.offer, row._state.adding = None, draft, True
    rows.model.objects.bulk_create(copies)


@transaction.atomic
def next_campaign(offer: Offer, *, reference: str, slug: str, deadline: datetime | None) -> Offer:
    """A draft like this offer. The days that its fields hold move by as much as its deadline does."""
    shift = deadline.date() - offer.deadline.date() if deadline and offer.deadline else timedelta()
    kind = offer.kind_definition
    copied = {
        field.attname: getattr(offer, field.attname)
        for field in Offer._meta.concrete_fields
        if field.name not in OWN_TO_EACH and not field.generated
    }
    copied["details"] = _moved(
        offer.details, (spec for section in kind.offer_sections for spec in section.fields), shift
    )
    copied["parameters"] = _moved(offer.parameters, kind.parameter_section.fields, shift)
    draft = Offer.objects.create(
        **copied,
        reference=reference,
        slug=slug,
        deadline=deadline,
        signatures_until=moved_with(offer.signatures_until, offer.deadline, deadline),
    )
    for follow in _followers:
        follow(offer, draft)
    return draft


def _moved(raw: Mapping[str, Any], fields: Iterable[FieldSpec], shift: timedelta) -> dict[str, Any]:
    moved = dict(raw)
    for spec in fields:
        if isinstance(spec, Date) and (day := _day(spec, raw)):
            moved[spec.name] = (day + shift).isoformat()
    return moved


def _day(spec: Date, raw: Mapping[str, Any]) -> date | None:
    """The day, or None for one that was typed wrong: it stays as it is, and is told when publishing."""
    try:
        return spec.clean(raw.get(spec.name))
    except ValidationError:
        return None
