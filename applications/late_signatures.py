"""Opinions that come after their dossier was filed, where the offer lets them (docs/adr/0026).

What was filed does not change by them: each is a sealed record of its own, read beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from applications import circuit, papers
from applications.models import Application
from dossiers.models import Annex, SafeCopy, SignOff
from offers.models import Offer
from portal.french import of

# Not answered; or answered on paper, with a scan that nobody can read.
AWAITED = Q(late=True) & (Q(state__in=Annex.ASKED) | Q(scan__safe_copy__verdict=SafeCopy.Verdict.REFUSED))


def late_annexes(application: Application) -> list[Annex]:
    """Those that were awaited when the dossier was filed, as they stand now; one query where the offer lets them."""
    if application.offer.signatures_until is None:
        return []
    late = application.dossier.annexes.filter(late=True).select_related("sign_off", "scan__safe_copy")
    annexes = list(late.order_by("key"))
    for annex in annexes:
        annex.dossier = application.dossier  # its spec and its offer are known
        annex.dossier.application = application
        annex.is_awaited = annex.is_asked and circuit.is_alive(annex)
        annex.may_come_on_paper = papers.takes_paper(annex)
    return annexes


def awaiting() -> QuerySet[Application]:
    """The filed dossiers that still wait for an opinion in time."""
    asked = Annex.objects.filter(AWAITED, dossier=OuterRef("dossier"))
    return Application.objects.filter(
        Exists(asked),
        state__in=Application.REPLACEABLE,
        offer__signatures_until__gte=timezone.now().replace(microsecond=0),
    )


def received(application: Application) -> list[SignOff]:
    """The opinions that came after the filing, once no other is awaited: what the volume is made again with."""
    return [] if awaiting().filter(pk=application.pk).exists() else received_so_far(application)


def received_so_far(application: Application) -> list[SignOff]:
    """The same, whether or not others are awaited."""
    signed = application.dossier.annexes.filter(late=True, state=Annex.State.SIGNED).values("sign_off")
    return list(SignOff.objects.filter(pk__in=signed).select_related("annex__dossier").order_by("annex__key"))


def without_their_volume() -> QuerySet[Application]:
    """The dossiers whose volume lacks opinions that came after their filing, though no other is awaited."""
    signed = Annex.objects.filter(dossier=OuterRef("dossier"), late=True, state=Annex.State.SIGNED)
    mine = Q(dossier__annexes__late=True, dossier__annexes__state=Annex.State.SIGNED)
    unchecked = SafeCopy.objects.filter(piece__dossier=OuterRef("dossier"), verdict=SafeCopy.Verdict.WAITING)
    counted = Application.objects.filter(Exists(signed)).annotate(  # few: the rest is not counted
        opinions=Count("dossier__annexes", filter=mine, distinct=True), made=Max("dossier__frozen__documents__edition")
    )
    return counted.filter(~Exists(unchecked), opinions__gt=F("made")).exclude(pk__in=awaiting())


def blockers(application: Application, **data: Any) -> Iterator[str]:
    """Why a dossier cannot be admitted yet: an opinion may still come. Called with offer and application locked."""
    until = Offer.objects.values_list("signatures_until", flat=True).get(pk=application.offer_id)
    if until is None or timezone.now().replace(microsecond=0) > until:
        return
    for annex in application.dossier.annexes.filter(AWAITED).select_related("dossier").order_by("key"):
        yield (
            f"L’annexe {annex.spec.number} est encore attendue {of(annex.signatory_name)}, "
            f"jusqu’au {date_format(timezone.localtime(until), r'j F Y à H:i:s')} (heure de Paris)."
        )
