"""Who is late in a campaign: every open draft, what is missing and since when, whom it waits for; chasing them by hand.

Until a dossier is filed, HR sees how far it is and who is late, never what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.utils import timezone

from applications.correspondence import CHASES
from applications.digests import awaited
from applications.models import Application
from dossiers.completeness import AnnexState, Completeness, completeness
from dossiers.models import Annex, SectionAnswers
from offers.models import Offer
from portal.calendar import quiet_until
from portal.notifications import outbox
from portal.notifications.models import Category, Mail, Refusal
from portal.workflow import TransitionRefused

CHASE_AFTER = timedelta(hours=48)  # since anything last asked this person
ASLEEP_AFTER = timedelta(days=14)
OWN_CHASES = frozenset({"candidate_reminder"})
FILTERS = {
    "": "Tous les dossiers en préparation",
    "signature": "Signature attendue",
    "declinee": "Demande déclinée",
    "adresse": "Adresse refusée",
    "dormant": "Rien d’enregistré depuis deux semaines",
}


@dataclass(frozen=True)
class Asked:
    """A signatory whose answer is missing. `chased_at`: when something last asked them; None: never asked yet."""

    step: AnnexState
    chased_at: datetime | None
    is_refused: bool

    @property
    def annex(self) -> Annex:
        return self.step.annex

    @property
    def state(self) -> str:
        return "Adresse refusée" if self.is_refused else self.step.state_label


@dataclass(frozen=True)
class Line:
    application: Application
    state: Completeness
    active_at: datetime
    chased_at: datetime | None
    asked: list[Asked]


def drafts(offer: Offer, chosen: str = "", words: str = ""):
    """The open drafts of this offer: those of a filter (`FILTERS`), those where somebody is called so."""
    found = Application.objects.filter(offer=offer, state=Application.State.DRAFT)
    annexes = Annex.objects.filter(dossier=OuterRef("dossier"))
    if chosen == "signature":
        found = found.filter(Exists(annexes.filter(state__in=Annex.WAITING)))
    elif chosen == "declinee":
        found = found.filter(Exists(annexes.filter(state=Annex.State.DECLINED)))
    elif chosen == "adresse":
        found = found.filter(Exists(annexes.filter(address_refused())))
    elif chosen == "dormant":
        since = timezone.now() - ASLEEP_AFTER
        saved = SectionAnswers.objects.filter(dossier=OuterRef("dossier"), saved_at__gte=since)
        found = found.filter(~Exists(saved), created_at__lt=since)
    if words:
        people = annexes.filter(Q(signatory_name__icontains=words) | Q(signatory_email__icontains=words))
        own = Q(candidate__last_name__icontains=words) | Q(candidate__first_name__icontains=words)
        found = found.filter(own | Q(candidate__email__icontains=words) | Exists(people))
    return (
        found.select_related("candidate", "dossier")
        .prefetch_related("dossier__answers", "dossier__pieces", "dossier__annexes")
        .order_by("candidate__last_name", "candidate__first_name", "pk")
    )


def address_refused() -> Q:
    """The annexes whose signatory no mail reaches: the request itself came back, or a reminder since."""
    return Q(state=Annex.State.BOUNCED) | (Q(state__in=Annex.WAITING) & Exists(undelivered()))


def undelivered():
    """Mails to this annex's signatory that their server refused, since the present request left."""
    return Mail.objects.filter(
        thread=OuterRef("dossier_id"),
        recipient=OuterRef("signatory_email"),
        created_at__gte=OuterRef("sent_at"),
        state__in=Mail.UNDELIVERED,
    )


def lines(applications: Iterable[Application]) -> list[Line]:
    """One line for each draft, with one query for the mails of all."""
    applications = list(applications)
    mails = Mail.objects.filter(
        thread__in=[application.dossier_id for application in applications], kind__in=CHASES | OWN_CHASES
    ).exclude(state=Mail.State.DROPPED)
    latest: dict[tuple, Mail] = {}
    for mail in mails.only("thread", "recipient", "kind", "state", "created_at").order_by("created_at", "pk"):
        latest[mail.thread, mail.recipient.lower()] = mail
    return [_line(application, latest) for application in applications]


def _line(application: Application, latest: dict[tuple, Mail]) -> Line:
    state = completeness(application.dossier)
    saved = [row.saved_at for row in application.dossier.answers.all()]
    last = lambda address: latest.get((application.dossier_id, address.lower()))  # noqa: E731
    asked = []
    for step in state.missing_annexes:
        mail = last(step.annex.signatory_email) if step.annex else None
        is_refused = bool(mail and step.annex.is_waiting and mail.state in Mail.UNDELIVERED)
        asked.append(Asked(step, mail.created_at if mail else None, is_refused))
    own = last(application.candidate.email)
    return Line(application, state, max([application.created_at, *saved]), own.created_at if own else None, asked)


def all_lines(offer: Offer, chosen: str, words: str, batch: int = 200) -> Iterator[Line]:
    """Every line, read in batches."""
    buffer: list[Application] = []
    for application in drafts(offer, chosen, words).iterator(chunk_size=batch):
        buffer.append(application)
        if len(buffer) == batch:
            yield from lines(buffer)
            buffer = []
    yield from lines(buffer)


# Chasing by hand


class Due(NamedTuple):
    """Whom a chase would write to; how many are left in peace (written to lately, refusal, dead address)."""

    candidates: list[tuple]
    signatories: list[tuple]
    spared: int

    @property
    def count(self) -> int:
        return len(self.candidates) + len(self.signatories)


def due(offer: Offer, now: datetime | None = None) -> Due:
    """Three queries and two counts, whatever the number of drafts."""
    since = (now or timezone.now()) - CHASE_AFTER
    recent = Mail.objects.filter(created_at__gt=since).exclude(state=Mail.State.DROPPED)
    refusals = Refusal.objects.filter(category=Category.REMINDERS)

    own = Application.objects.filter(offer=offer, state=Application.State.DRAFT)
    candidates = own.annotate(address=Lower("candidate__email")).filter(
        ~Exists(recent.filter(thread=OuterRef("dossier_id"), kind__in=OWN_CHASES)),
        ~Exists(refusals.filter(address=OuterRef("address"))),
        created_at__lte=since,
    )
    waiting = awaited().filter(dossier__application__offer=offer)
    chased = recent.filter(thread=OuterRef("dossier_id"), kind__in=CHASES, recipient=OuterRef("signatory_email"))
    signatories = waiting.annotate(address=Lower("signatory_email")).filter(
        ~Exists(chased),
        ~Exists(undelivered()),
        ~Exists(refusals.filter(address=OuterRef("address"))),
        renewed_at__lte=since,
    )
    found = Due(
        list(candidates.order_by("pk").values_list("candidate__email", "pk", "dossier_id")),
        list(signatories.order_by("pk").values_list("signatory_email", "pk", "link_hash", "dossier_id")),
        0,
    )
    return found._replace(spared=own.count() + waiting.count() - found.count)


def loud_from(offer: Offer) -> datetime:
    """Before this instant, a chase keeps the quiet hours, as what the planner sends (portal.calendar)."""
    return quiet_until(offer.deadline) if offer.deadline else outbox.ALWAYS_QUIET


def chase(offer: Offer) -> Due:
    """Write to everybody who is due; whoever presses twice, or at the same time, writes once.

    In a quiet hour the mails are queued for the next one that is not.

    Raises TransitionRefused where the offer is no longer open.
    """
    with transaction.atomic():
        offer = Offer.objects.select_for_update().get(pk=offer.pk)
        if not offer.is_open():
            raise TransitionRefused("Cette offre n’est plus ouverte : il n’y a plus personne à relancer.")
        found = due(offer)
        until = loud_from(offer)
        outbox.enqueue_all(
            "candidate_reminder",
            [(address, {"application": str(pk)}, dossier) for address, pk, dossier in found.candidates],
            quiet_until=until,
        )
        outbox.enqueue_all(
            "signatory_reminder",
            [
                (address, {"annex": str(pk), "link_hash": link_hash}, dossier)
                for address, pk, link_hash, dossier in found.signatories
            ],
            quiet_until=until,
        )
    return found
