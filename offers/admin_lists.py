"""The list of offers in the admin: its filters, its search."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin
from django.db.models import Q
from django.utils import timezone

from offers.data import regions
from offers.filters import printable
from offers.kinds import all_kinds
from offers.models import Offer

SCHEDULED = "scheduled"


class StateFilter(admin.SimpleListFilter):
    """By state; what waits for its time apart from what is published. Archives are shown when asked for."""

    title = "état"
    parameter_name = "etat"

    def lookups(self, request, model_admin):
        return [*Offer.State.choices[:1], (SCHEDULED, "Programmée"), *Offer.State.choices[1:]]

    def choices(self, changelist):
        first, *others = super().choices(changelist)
        return [first | {"display": "Toutes, sauf les archives"}, *others]

    def queryset(self, request, queryset):
        match self.value():
            case None:
                return queryset.exclude(state=Offer.State.ARCHIVED)
            case "scheduled":
                return queryset.awaited()
            case Offer.State.PUBLISHED:
                return queryset.filter(state=Offer.State.PUBLISHED, published_at__lte=timezone.now())
            case state:
                return queryset.filter(state=state)


class KindFilter(admin.SimpleListFilter):
    title = "type"
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        return [(kind.slug, kind.short_label) for kind in all_kinds()]

    def queryset(self, request, queryset):
        return queryset.filter(kind=self.value()) if self.value() else queryset


class RegionFilter(admin.SimpleListFilter):
    """The regions that one's offers have, and no others."""

    title = "région"
    parameter_name = "region"

    def lookups(self, request, model_admin):
        present = set(Offer.objects.managed_by(request.user).order_by().values_list("region", flat=True).distinct())
        return [(region.code, region.name) for region in regions() if region.code in present]

    def queryset(self, request, queryset):
        return queryset.filter(region=self.value()) if self.value() else queryset


class DeadlineFilter(admin.SimpleListFilter):
    title = "date limite"
    parameter_name = "echeance"
    days = {"7": 7, "30": 30}

    def lookups(self, request, model_admin):
        return [("passee", "Passée"), ("7", "Dans les 7 jours"), ("30", "Dans les 30 jours"), ("sans", "Sans")]

    def queryset(self, request, queryset):
        now, value = timezone.now(), self.value()
        if value == "sans":
            return queryset.filter(deadline__isnull=True)
        if value == "passee":
            return queryset.filter(deadline__lt=now)
        if value in self.days:
            return queryset.filter(deadline__gte=now, deadline__lte=now + timedelta(days=self.days[value]))
        return queryset


def searched(offers, words: str):
    """The offers that say these words, accents and endings aside; or whose reference has them."""
    words = " ".join(printable(words[:200]).split())
    if not words:
        return offers
    said = Offer.objects.search(words).values("pk")
    return offers.filter(Q(pk__in=said) | Q(reference__icontains=words) | Q(title__icontains=words))
