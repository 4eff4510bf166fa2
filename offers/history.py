"""Every change of an offer, kept by the database itself (pghistory's triggers) and told in French.

A trigger writes the row as it was before each update, whoever makes it and however: bulk updates and hands in the
database count. `recorded` adds who and why; a change without them was made by other means, and is shown all the same.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import pghistory
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.utils import timezone
from django.utils.formats import date_format

from dossiers.fields import FieldSpec
from offers.models import Offer
from portal.accounts.models import Institution

UNKNOWN = "Hors du portail"
EMPTY = "(vide)"
LONG = 200  # characters: beyond, only the lines that differ are shown
BESIDE_THE_POINT = {"id", "created_at", "updated_at"}


@dataclass(frozen=True)
class Difference:
    label: str
    before: str
    after: str


@dataclass
class Change:
    """What one person changed at one instant, and why."""

    at: datetime
    who: str
    why: str
    differences: list[Difference] = field(default_factory=list)


@contextmanager
def recorded(actor: Any, why: str) -> Iterator[None]:
    """The changes of offers made within are this person's (None: the portal's), for this reason."""
    with pghistory.context(who=str(actor or "Le portail"), user=getattr(actor, "pk", None), why=why):
        yield
    if connection.in_atomic_block:  # what follows in the same transaction is not theirs
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('pghistory.context_id', '', true)")


def changes(offer: Offer) -> list[Change]:
    """The history of an offer, the latest first. Three queries."""
    events = list(offer.events.select_related("pgh_context").order_by("pgh_id"))
    snapshots = [event for event in events if event.pgh_label == "changed"]
    after = dict(zip((event.pgh_id for event in snapshots), [*snapshots[1:], offer], strict=False))
    keys = {event.institution_id for event in snapshots} | {offer.institution_id}
    names = dict(Institution.objects.filter(pk__in=keys).values_list("pk", "name"))
    told = []
    for event in events:
        context = event.pgh_context.metadata if event.pgh_context else {}
        change = Change(event.pgh_created_at, context.get("who", UNKNOWN), context.get("why", ""))
        if event.pgh_label == "changed":
            change.differences = list(differences(offer, event, after[event.pgh_id], names))
        else:
            change.why = change.why or "Création."
        if change.differences or event.pgh_label != "changed":
            told.append(change)
    return told[::-1]


class Deleted(NamedTuple):
    """A draft that is no more, as it last was."""

    at: datetime
    who: str
    reference: str
    title: str
    institution: str


def deleted(institutions: Iterable[int] | None) -> list[Deleted]:
    """The drafts of these institutions (None: of all) that were deleted, the latest first. Two queries."""
    events = Offer.pgh_event_model.objects.filter(pgh_label="deleted").select_related("pgh_context", "institution")
    if institutions is not None:
        events = events.filter(institution__in=institutions)
    return [
        Deleted(
            event.pgh_created_at,
            event.pgh_context.metadata.get("who", UNKNOWN) if event.pgh_context else UNKNOWN,
            event.reference,
            event.title,
            event.institution.name,
        )
        for event in events.order_by("-pgh_id").defer("body", "details", "parameters")
    ]


def differences(offer: Offer, before: Any, after: Any, institutions: Mapping[int, str]) -> Iterator[Difference]:
    """What differs between two states of an offer, field by field, those of its kind included."""
    for column in Offer._meta.concrete_fields:
        if column.generated or column.name in BESIDE_THE_POINT or isinstance(column, models.JSONField):
            continue
        old, new = getattr(before, column.attname), getattr(after, column.attname)
        if old != new:
            label = str(column.verbose_name)
            yield _told(
                label[:1].upper() + label[1:], _column(column, old, institutions), _column(column, new, institutions)
            )
    kind = offer.kind_definition
    own = [spec for section in kind.offer_sections for spec in section.fields]
    for name, specs in (("details", own), ("parameters", kind.parameter_section.fields)):
        old, new = getattr(before, name), getattr(after, name)
        for spec in specs:
            if old.get(spec.name) != new.get(spec.name):
                said = _answer(spec, old.get(spec.name)), _answer(spec, new.get(spec.name))
                if said[0] != said[1]:
                    yield _told(spec.label, *said)


def _column(column: models.Field, value: Any, institutions: Mapping[int, str]) -> str:
    if value in (None, ""):
        return ""
    if isinstance(column, models.ForeignKey):
        return institutions.get(value, str(value))
    if isinstance(column, models.BooleanField):
        return "Oui" if value else "Non"
    if isinstance(column, models.DateTimeField):
        return date_format(timezone.localtime(value), "j F Y à H:i:s")
    return str(dict(column.flatchoices).get(value, value))


def _answer(spec: FieldSpec, raw: Any) -> str:
    try:
        return spec.display(spec.clean(raw))
    except ValidationError:  # stored as it was typed, right or wrong
        return str(raw or "")


def _told(label: str, before: str, after: str) -> Difference:
    if max(len(before), len(after)) > LONG:
        before, after = _lines_that_differ(before, after)
    return Difference(label, before or EMPTY, after or EMPTY)


def _lines_that_differ(before: str, after: str) -> tuple[str, str]:
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    gone, come = ("\n".join(line[2:] for line in lines if line.startswith(sign)).strip() for sign in ("- ", "+ "))
    return gone, come
