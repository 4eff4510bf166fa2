"""How a member goes through many dossiers: which ones, in which order, and from one to the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from applications.models import Application, Review
from offers.models import Offer

ORDERS = {
    "": ("Par offre", ("offer__title", "filed_at", "pk")),
    "depot": ("Par date de dépôt", ("filed_at", "pk")),
    "nom": ("Par nom", ("candidate__last_name", "candidate__first_name", "pk")),
}
OPINIONS = {"": "Tous", "a-rendre": "Avis à rendre", "rendus": "Avis rendus"}


@dataclass(frozen=True)
class Reading:
    """What a member asked to see, as the address says it. What it does not understand is as if it were not there."""

    user: Any
    words: str = ""
    offer: str = ""
    opinion: str = ""
    order: str = ""

    @classmethod
    def of(cls, user: Any, asked: QueryDict) -> Reading:
        offer, opinion, order = (asked.get(name, "") for name in ("offre", "avis", "tri"))
        return cls(
            user=user,
            words=asked.get("q", "").replace("\x00", "").strip()[:100],
            offer=offer if offer.isascii() and offer.isdecimal() and len(offer) < 10 else "",
            opinion=opinion if opinion in OPINIONS else "",
            order=order if order in ORDERS else "",
        )

    @property
    def query(self) -> str:
        """The address again, without what is as usual."""
        given = {"q": self.words, "offre": self.offer, "avis": self.opinion, "tri": self.order}
        return urlencode({name: value for name, value in given.items() if value})

    @property
    def is_filtered(self) -> bool:
        return bool(self.words or self.offer or self.opinion)

    def all(self) -> QuerySet[Application]:
        """Whatever their opinion: each says whether it awaits one (`is_due`)."""
        mine = Review.objects.filter(application=OuterRef("pk"), member=self.user, withdrawn_at=None)
        found = Application.objects.readable_by_member(self.user).annotate(has_mine=Exists(mine))
        found = found.annotate(is_due=Q(has_mine=False, state=Application.State.ADMISSIBLE))
        if self.offer:
            found = found.filter(offer=self.offer)
        for word in self.words.split():
            named = Q(candidate__last_name__icontains=word) | Q(candidate__first_name__icontains=word)
            found = found.filter(named | Q(number__icontains=word))
        return found.order_by(*ORDERS[self.order][1])

    def listed(self) -> QuerySet[Application]:
        chosen = {"a-rendre": Q(is_due=True), "rendus": Q(has_mine=True)}.get(self.opinion, Q())
        return self.all().filter(chosen)

    def offers(self) -> QuerySet[Offer]:
        """Those to choose from."""
        read = Application.objects.readable_by_member(self.user).order_by().values("offer")
        return Offer.objects.filter(pk__in=read).only("pk", "title").order_by("title", "pk")

    def sought(self) -> QuerySet[Offer]:
        """The offers of their commissions where they are candidates: none of those dossiers is shown to them."""
        mine = Application.objects.sought_by(self.user)
        offers = Offer.objects.filter(pk__in=mine, commissions__seats__user=self.user).only("pk", "title")
        return offers.order_by("title", "pk").distinct()

    def place(self, pk: UUID) -> Place:
        """Where this dossier is among those of the list, in one query."""
        rows = self.all().values_list("pk", "is_due", *ORDERS[self.order][1][:-1])
        return Place.of(pk, [(key, is_due) for key, is_due, *_ in rows])


@dataclass(frozen=True)
class Place:
    """position: from 1; 0 for one that is not in the list. next_due: the next one that awaits an opinion, around."""

    position: int = 0
    total: int = 0
    previous: UUID | None = None
    following: UUID | None = None
    next_due: UUID | None = None
    due: int = 0

    @classmethod
    def of(cls, pk: UUID, rows: Iterable[tuple[UUID, bool]]) -> Place:
        rows = list(rows)
        keys = [key for key, _ in rows]
        due = [key for key, is_due in rows if is_due and key != pk]
        if pk not in keys:
            return cls(total=len(rows), next_due=next(iter(due), None), due=len(due))
        here = keys.index(pk)
        after = [key for key, is_due in rows[here + 1 :] if is_due]
        return cls(
            position=here + 1,
            total=len(rows),
            previous=keys[here - 1] if here else None,
            following=keys[here + 1] if here + 1 < len(keys) else None,
            next_due=next(iter(after or due), None),
            due=len(due),
        )
