"""An agent's first page: their campaigns under way, and what each one asks of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, Q
from django.utils import timezone

from applications import late
from applications.models import Application, Session
from dossiers.models import Annex
from offers.models import Offer
from portal.accounts.models import User

LATE_AFTER = timedelta(days=7)  # since a signatory was asked
SHOWN = 30  # campaigns


@dataclass(frozen=True)
class Campaign:
    """An offer and its figures; `admissible`: dossiers that wait for the commission's decision."""

    offer: Offer
    begun: int = 0
    late: int = 0
    refused: int = 0
    to_check: int = 0
    admissible: int = 0

    @property
    def closes_soon(self) -> bool:
        return self.offer.is_open() and self.offer.days_left is not None and self.offer.days_left <= LATE_AFTER.days


@dataclass(frozen=True)
class Desk:
    campaigns: list[Campaign]
    sessions: list[Session]
    others: int  # campaigns under way that are not shown

    def _total(self, name: str) -> int:
        return sum(getattr(campaign, name) for campaign in self.campaigns)

    @property
    def to_check(self) -> int:
        return self._total("to_check")

    @property
    def late(self) -> int:
        return self._total("late")

    @property
    def refused(self) -> int:
        return self._total("refused")

    @property
    def closing(self) -> int:
        return sum(campaign.closes_soon for campaign in self.campaigns)


def desk_of(user: User) -> Desk:
    """With three queries, however many campaigns: those that recruit or prepare to, those whose dossiers still wait."""
    state = Application.State
    counts = {
        name: Count("applications", filter=Q(applications__state=value))
        for name, value in {"begun": state.DRAFT, "to_check": state.FILED, "admissible": state.ADMISSIBLE}.items()
    }
    in_time = Q(deadline__isnull=True) | Q(deadline__gte=timezone.now().replace(microsecond=0))
    recruits = Q(state=Offer.State.DRAFT) | Q(in_time, state__in=[Offer.State.PUBLISHED, Offer.State.PAUSED])
    under_way = (
        Offer.objects.managed_by(user)
        .annotate(**counts)
        .filter(recruits | Q(to_check__gt=0) | Q(admissible__gt=0))
        .defer("body", "details", "parameters", "search")
        .order_by(F("deadline").asc(nulls_last=True), "title", "pk")
    )
    offers = list(under_way)
    asked = _asked(offers[:SHOWN])
    campaigns = [
        Campaign(offer, offer.begun, *asked.get(offer.pk, (0, 0)), offer.to_check, offer.admissible)
        for offer in offers[:SHOWN]
    ]
    coming = Session.objects.managed_by(user).filter(starts_at__gte=timezone.now())
    sessions = list(coming.select_related("commission").order_by("starts_at", "pk")[:3])
    return Desk(campaigns, sessions, len(offers) - len(campaigns))


def _asked(offers: list[Offer]) -> dict[int, tuple[int, int]]:
    """By offer: the signatures awaited for more than a week, and the signatories whose address was refused."""
    asked = Annex.objects.filter(
        dossier__application__offer__in=offers, dossier__application__state=Application.State.DRAFT
    )
    is_late = Q(state__in=Annex.WAITING, sent_at__lt=timezone.now() - LATE_AFTER)
    rows = (
        asked.filter(state__in={*Annex.WAITING, Annex.State.BOUNCED})
        .annotate(is_refused=late.address_refused())
        .values("dossier__application__offer")
        .annotate(late=Count("pk", filter=is_late), refused=Count("pk", filter=Q(is_refused=True)))
    )
    return {row["dossier__application__offer"]: (row["late"], row["refused"]) for row in rows.order_by()}
