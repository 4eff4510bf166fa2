"""Opinions that come after their dossier was filed, where the offer lets them (docs/adr/0026).

What was filed does not change by them: each is a sealed record of its own, read beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from applications import circuit
from applications.models import Application
from dossiers.models import Annex
from offers.models import Offer


def late_annexes(application: Application) -> list[Annex]:
    """Those that were awaited when the dossier was filed, as they stand now; one query where the offer lets them."""
    if application.offer.signatures_until is None:
        return []
    annexes = list(application.dossier.annexes.filter(late=True).select_related("sign_off").order_by("key"))
    for annex in annexes:
        annex.dossier = application.dossier  # its spec and its offer are known
        annex.dossier.application = application
        annex.is_awaited = annex.is_asked and circuit.is_alive(annex)
    return annexes


def awaiting() -> QuerySet[Application]:
    """The filed dossiers that still wait for an opinion in time."""
    asked = Annex.objects.filter(dossier=OuterRef("dossier"), late=True, state__in=Annex.ASKED)
    return Application.objects.filter(
        Exists(asked),
        state__in=Application.REPLACEABLE,
        offer__signatures_until__gte=timezone.now().replace(microsecond=0),
    )


def blockers(application: Application, **data: Any) -> Iterator[str]:
    """Why a dossier cannot be admitted yet: an opinion may still come. Called with offer and application locked."""
    until = Offer.objects.values_list("signatures_until", flat=True).get(pk=application.offer_id)
    if until is None or timezone.now().replace(microsecond=0) > until:
        return
    awaited = application.dossier.annexes.filter(late=True, state__in=Annex.ASKED).order_by("key")
    for annex in awaited.select_related("dossier"):
        yield (
            f"L’annexe {annex.spec.number} est encore attendue de {annex.signatory_name}, "
            f"jusqu’au {date_format(timezone.localtime(until), r'j F Y à H:i:s')} (heure de Paris)."
        )
