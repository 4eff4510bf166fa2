"""The life cycle of an offer: its table of transitions.

"Published" holds from `published_at` on, judged at each reading: a publication at a set time is a publication whose
time is still to come (`Offer.is_scheduled`), and nothing has to run for it to show itself (docs/adr/0018).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from dossiers.content import moment
from offers.history import recorded
from offers.models import Offer, OfferTransition
from offers.news import tell
from offers.publication import MINIMUM, missing
from portal.workflow import Transition, Workflow

State = Offer.State
SHORTEST_NOTICE = timedelta(days=7)  # a deadline brought forward leaves those who have begun a week to file


def _manages(actor: Any, offer: Offer) -> bool:
    return actor is not None and actor.is_hr_of(offer.institution_id)


def _portal_only(actor: Any, offer: Offer) -> bool:
    return actor is None


def _has_appeared(offer: Offer) -> bool:
    return not offer.is_scheduled


def _not_yet_seen(offer: Offer) -> bool:
    return offer.state == State.DRAFT or offer.is_scheduled


# What prevents a move


def _publication_blockers(offer: Offer, *, reason: str, publish_at: datetime | None = None, **data: Any):
    """What the law and the kind ask for, a deadline still ahead, and a month of it unless a reason is given."""
    begins = publish_at or timezone.now()
    yield from missing(offer)
    if offer.deadline is None:
        return
    if offer.deadline <= timezone.now():
        yield "Date limite de candidature : elle est déjà passée."
    elif offer.deadline <= begins:
        yield f"Date limite de candidature : elle précède la publication ({moment(begins)})."
    elif offer.deadline - begins < MINIMUM and not reason:
        yield (
            "Date limite de candidature : la publication durerait moins d’un mois (CGFP, art. D. 311-2). "
            "Reportez la date limite, ou indiquez le motif d’urgence."
        )


def _schedule_blockers(offer: Offer, *, publish_at: datetime, **data: Any):
    if publish_at <= timezone.now():
        yield "L’heure de publication est déjà passée."
    else:
        yield from _publication_blockers(offer, publish_at=publish_at, **data)


def _extension_blockers(offer: Offer, *, deadline: datetime, **data: Any):
    if offer.deadline is None:
        yield "Cette offre n’a pas de date limite."
    elif deadline <= offer.deadline:
        yield f"La nouvelle date limite doit suivre l’ancienne ({moment(offer.deadline)})."
    elif deadline <= timezone.now():
        yield "La nouvelle date limite est déjà passée."


def _advance_blockers(offer: Offer, *, deadline: datetime, **data: Any):
    """An earlier deadline keeps what was promised: a month of publication, and time to finish a dossier begun."""
    if offer.deadline is not None and deadline >= offer.deadline:
        yield f"La nouvelle date limite doit précéder l’ancienne ({moment(offer.deadline)})."
    earliest = max(timezone.now() + SHORTEST_NOTICE, offer.published_at + MINIMUM)
    if deadline < earliest:
        yield (
            f"La nouvelle date limite ne peut pas précéder le {moment(earliest)} : un mois après la publication "
            "(CGFP, art. D. 311-2), et sept jours au moins pour les dossiers commencés."
        )


def _reopening_blockers(offer: Offer, **data: Any):
    if offer.deadline is not None and offer.deadline <= timezone.now():
        yield "La date limite est passée : reportez-la."


def _expiry_blockers(offer: Offer, **data: Any):
    if offer.deadline is None or timezone.now().replace(microsecond=0) <= offer.deadline:
        yield "La date limite n’est pas passée."


# What a move changes


def _set(**values: Any):
    """The change that gives these columns these values; a function gives the value at the time of the move."""

    def change(offer: Offer, **data: Any) -> None:
        for name, value in values.items():
            setattr(offer, name, value(offer, data) if callable(value) else value)

    return change


def _extend(offer: Offer, *, deadline: datetime, **data: Any) -> None:
    """Who signs after the deadline keeps as many days, and the same hour of the day in Paris."""
    offer.signatures_until = moved_with(offer.signatures_until, offer.deadline, deadline)
    offer.deadline, offer.closed_at = deadline, None


def moved_with(moment: datetime | None, before: datetime | None, after: datetime | None) -> datetime | None:
    """`moment`, moved by as much as the clocks of Paris say between two others; None without all three."""
    if not (moment and before and after):
        return None
    moment, before, after = (timezone.make_naive(timezone.localtime(one)) for one in (moment, before, after))
    return timezone.make_aware(moment + (after - before))


def _now(offer: Offer, data: dict[str, Any]) -> datetime:
    return timezone.now()


def _asked(name: str):
    return lambda offer, data: data[name]


def _print(offer: Offer, entry: OfferTransition, **data: Any) -> None:
    """Once it is published, a worker makes what it has on paper: nobody waits for it."""
    from offers.tasks import print_offer

    transaction.on_commit(lambda: print_offer.delay(offer.pk), robust=True)


class OfferWorkflow(Workflow):
    """Moves whose author and reason stand in the offer's history too."""

    def run(self, obj: Offer, name: str, *, actor: Any = None, reason: str = "", **data: Any) -> Offer:
        done = self.transitions[name].done
        with recorded(actor, f"{done} : {reason.strip()}" if reason.strip() else f"{done}."):
            return super().run(obj, name, actor=actor, reason=reason, **data)


WORKFLOW = OfferWorkflow(
    Offer,
    OfferTransition,
    [
        Transition(
            name="publish",
            label="Publier",
            done="Offre publiée",
            sources=frozenset({State.DRAFT, State.PUBLISHED}),
            when=_not_yet_seen,
            target=State.PUBLISHED,
            allowed=_manages,
            blockers=_publication_blockers,
            change=_set(published_at=_now),
            effect=_print,
        ),
        Transition(
            name="schedule",
            label="Programmer la publication",
            done="Publication programmée",
            sources=frozenset({State.DRAFT, State.PUBLISHED}),
            when=_not_yet_seen,
            target=State.PUBLISHED,
            allowed=_manages,
            blockers=_schedule_blockers,
            change=_set(published_at=_asked("publish_at")),
        ),
        Transition(
            name="unschedule",
            label="Annuler la programmation",
            done="Programmation annulée",
            sources=frozenset({State.PUBLISHED}),
            when=_not_yet_seen,
            target=State.DRAFT,
            allowed=_manages,
            change=_set(published_at=None),
        ),
        Transition(
            name="extend",
            label="Reporter la date limite",
            done="Date limite reportée",
            sources=frozenset({State.PUBLISHED, State.PAUSED, State.CLOSED}),
            target=State.PUBLISHED,
            allowed=_manages,
            reason_required=True,
            blockers=_extension_blockers,
            change=_extend,
            effect=tell,
        ),
        Transition(
            name="advance",
            label="Avancer la date limite",
            done="Date limite avancée",
            sources=frozenset({State.PUBLISHED}),
            when=_has_appeared,
            target=State.PUBLISHED,
            allowed=_manages,
            reason_required=True,
            blockers=_advance_blockers,
            change=_set(deadline=_asked("deadline")),
            effect=tell,
        ),
        Transition(
            name="pause",
            label="Suspendre",
            done="Offre suspendue",
            sources=frozenset({State.PUBLISHED}),
            when=_has_appeared,
            target=State.PAUSED,
            allowed=_manages,
            reason_required=True,
            change=_set(closed_at=_now),
            effect=tell,
        ),
        Transition(
            name="resume",
            label="Reprendre les candidatures",
            done="Candidatures reprises",
            sources=frozenset({State.PAUSED}),
            target=State.PUBLISHED,
            allowed=_manages,
            blockers=_reopening_blockers,
            change=_set(closed_at=None),
            effect=tell,
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
            change=_set(closed_at=None),
            effect=tell,
        ),
        Transition(
            name="close",
            label="Clore",
            done="Offre close",
            sources=frozenset({State.PUBLISHED, State.PAUSED}),
            when=_has_appeared,
            target=State.CLOSED,
            allowed=_manages,
            reason_required=True,
            change=_set(closed_at=lambda offer, data: offer.closed_at or timezone.now()),
            effect=tell,
        ),
        Transition(
            name="expire",
            label="Clore à la date limite",
            done="Offre close à la date limite",
            sources=frozenset({State.PUBLISHED, State.PAUSED}),
            target=State.CLOSED,
            allowed=_portal_only,
            blockers=_expiry_blockers,
            # The deadline's own second is the last one of the offer.
            change=_set(closed_at=lambda offer, data: offer.closed_at or offer.deadline + timedelta(seconds=1)),
        ),
        Transition(
            name="archive",
            label="Archiver",
            done="Offre archivée",
            sources=frozenset({State.CLOSED}),
            target=State.ARCHIVED,
            allowed=_manages,
        ),
        Transition(
            name="unarchive",
            label="Sortir des archives",
            done="Offre sortie des archives",
            sources=frozenset({State.ARCHIVED}),
            target=State.CLOSED,
            allowed=_manages,
        ),
    ],
)
