"""The life cycle of an offer: its table of transitions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from offers.models import Offer, OfferTransition
from portal.workflow import Transition, Workflow

State = Offer.State
MINIMUM_PUBLICATION = timedelta(days=30)  # CGFP D311-2: one month, save urgency


def _manages(actor: Any, offer: Offer) -> bool:
    return actor is not None and actor.is_hr_of(offer.institution_id)


def _portal_only(actor: Any, offer: Offer) -> bool:
    return actor is None


def _publication_blockers(offer: Offer, *, reason: str, **data: Any):
    """What the kind asks for, a deadline still ahead, and a month of publication unless a reason is given."""
    kind = offer.kind_definition
    for section in (*kind.offer_sections, kind.parameter_section):
        stored = offer.parameters if section is kind.parameter_section else offer.details
        raw = kind.default_parameters | stored if section is kind.parameter_section else stored
        for problem in section.clean(raw).problems:
            if problem.blocking:
                yield f"{problem.label or section.title} : {problem.message}"
    if offer.deadline is None:
        if kind.has_deadline:
            yield "Date limite de candidature : ce type d’offre en demande une."
    elif offer.deadline <= timezone.now():
        yield "Date limite de candidature : elle est déjà passée."
    elif offer.deadline - timezone.now() < MINIMUM_PUBLICATION and not reason:
        yield (
            "La publication durerait moins d’un mois (CGFP, art. D. 311-2). "
            "Reportez la date limite, ou indiquez le motif d’urgence."
        )


def _extension_blockers(offer: Offer, *, deadline: datetime, **data: Any):
    if offer.deadline is None:
        yield "Cette offre n’a pas de date limite."
    elif deadline <= offer.deadline:
        yield f"La nouvelle date limite doit suivre l’ancienne ({date_format(timezone.localtime(offer.deadline))})."
    elif deadline <= timezone.now():
        yield "La nouvelle date limite est déjà passée."


def _reopening_blockers(offer: Offer, **data: Any):
    if offer.deadline is not None and offer.deadline <= timezone.now():
        yield "La date limite est passée : reportez-la."


WORKFLOW = Workflow(
    Offer,
    OfferTransition,
    [
        Transition(
            name="publish",
            label="Publier",
            done="Offre publiée",
            sources=frozenset({State.DRAFT}),
            target=State.PUBLISHED,
            allowed=_manages,
            blockers=_publication_blockers,
            change=lambda offer, **data: setattr(offer, "published_at", timezone.now()),
        ),
        Transition(
            name="extend",
            label="Reporter la date limite",
            done="Date limite reportée",
            sources=frozenset({State.PUBLISHED, State.CLOSED}),
            target=State.PUBLISHED,
            allowed=_manages,
            reason_required=True,
            blockers=_extension_blockers,
            change=lambda offer, *, deadline, **data: (
                setattr(offer, "deadline", deadline),
                setattr(offer, "closed_at", None),
            ),
        ),
        Transition(
            name="reopen",
            label="Rouvrir",
            done="Offre rouverte",
            sources=frozenset({State.CLOSED}),
            target=State.PUBLISHED,
            allowed=_manages,
            reason_required=True,
            blockers=_reopening_blockers,
            change=lambda offer, **data: setattr(offer, "closed_at", None),
        ),
        Transition(
            name="close",
            label="Clore",
            done="Offre close",
            sources=frozenset({State.PUBLISHED}),
            target=State.CLOSED,
            allowed=_manages,
            reason_required=True,
            change=lambda offer, **data: setattr(offer, "closed_at", timezone.now()),
        ),
        Transition(
            name="expire",
            label="Clore à la date limite",
            done="Offre close à la date limite",
            sources=frozenset({State.PUBLISHED}),
            target=State.CLOSED,
            allowed=_portal_only,
            blockers=lambda offer, **data: ["La date limite n’est pas passée."] if offer.is_open() else [],
            # The deadline's own second is the last one of the offer.
            change=lambda offer, **data: setattr(offer, "closed_at", offer.deadline + timedelta(seconds=1)),
        ),
    ],
)
