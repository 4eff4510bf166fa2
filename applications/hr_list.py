"""The list of dossiers as an agent works through it: what each one lacks, who is late."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from applications import late
from applications.desk import LATE_AFTER
from applications.models import Application
from dossiers.completeness import Completeness
from dossiers.models import Annex, Piece, SafeCopy


class Blocking(admin.SimpleListFilter):
    """What holds a dossier up, whoever holds it."""

    title, parameter_name = "ce qui bloque", "bloque"

    def lookups(self, request, model_admin):
        return [
            ("retard", "Signature attendue depuis plus d’une semaine"),
            ("declinee", "Demande déclinée"),
            ("adresse", "Adresse refusée"),
            ("fichier", "Fichier refusé"),
        ]

    def queryset(self, request, queryset):
        awaited = Q(dossier__application__state=Application.State.DRAFT) | Q(late=True)
        annexes = Annex.objects.filter(awaited, dossier=OuterRef("dossier"))
        waiting = annexes.filter(state__in=Annex.WAITING)
        refused = Piece.objects.filter(dossier=OuterRef("dossier"), safe_copy__verdict=SafeCopy.Verdict.REFUSED)
        found = {
            "retard": waiting.filter(sent_at__lt=timezone.now() - LATE_AFTER),
            "declinee": annexes.filter(state=Annex.State.DECLINED),
            "adresse": annexes.filter(late.address_refused()),
            "fichier": refused,
        }.get(self.value())
        if found is None:
            return queryset
        return queryset.filter(Exists(found), state__in={Application.State.DRAFT, *Application.REPLACEABLE})


def hindrances(application: Application, state: Completeness | None) -> Iterator[str]:
    """In a few words each, from what the list has loaded. state: of a draft; a filed dossier awaits opinions alone."""
    if state:
        for missing, name in ((state.missing_sections, "partie"), (state.missing_pieces, "pièce")):
            if missing:
                yield f"{len(missing)} {name}{'s' * (len(missing) > 1)} à compléter"
        if nobody := sum(not step.is_named for step in state.missing_annexes):
            yield f"{nobody} annexe{'s' * (nobody > 1)} sans signataire"
    refused = sum(piece.safe_copy.is_refused for piece in application.dossier.pieces.all())
    if refused and not application.is_draft:  # a draft's are among the pieces to complete
        yield f"{refused} fichier{'s' * (refused > 1)} refusé{'s' * (refused > 1)}"
    if not application.is_draft and application.state not in Application.REPLACEABLE:
        return
    for annex in application.dossier.annexes.all():
        if annex.is_waiting and (application.is_draft or annex.late):
            since = (timezone.now() - annex.sent_at).days if annex.sent_at else 0
            told = f", depuis {since} jours" if since > LATE_AFTER.days else ""
            yield f"{annex.signatory_name} n’a pas signé{told}"
        elif annex.state == Annex.State.DECLINED:
            yield f"{annex.signatory_name} a décliné"
        elif annex.state == Annex.State.BOUNCED:
            yield f"{annex.signatory_name} : adresse refusée"
        elif annex.state == Annex.State.EXPIRED:
            yield f"{annex.signatory_name} : lien expiré"
