"""A dossier in preparation follows what its offer asks for; a filed one never does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import transaction

from dossiers.freezing import DossierFrozen, lock_open
from dossiers.models import Annex, Dossier, RequirementChange
from dossiers.spec import DossierSpec, get_spec


def resettle(
    dossier: Dossier,
    parameters: Mapping[str, Any],
    *,
    more: Iterable[str] = (),
    drop: Callable[[Annex], None] = lambda annex: None,
) -> RequirementChange | None:
    """Settle the dossier under these parameters; what changed for its candidate, or None where nothing is to be told.

    more: sentences of what the engine does not see (bounds, dates). drop: called with each annex that is waiting for
    a signatory and is no longer asked for, under the former parameters still.
    Answers, pieces and signed opinions stay, even those that are no longer asked for: they come back if it changes
    again. A filed dossier is left alone.
    """
    with transaction.atomic():
        try:
            row = lock_open(dossier)
        except DossierFrozen:
            return None
        if row.parameters == dict(parameters):
            return None
        former, present = row.spec, get_spec(row.kind, parameters)
        for annex in row.annexes.filter(state__in=Annex.WAITING).exclude(key__in=present.annex_by_key):
            drop(annex)
        row.parameters = dict(parameters)
        row.save(update_fields=["parameters"])
        sentences = [*differences(former, present), *more]
        return RequirementChange.objects.create(dossier=row, sentences=sentences) if sentences else None


def differences(former: DossierSpec, present: DossierSpec) -> list[str]:
    """What a candidate must know between two specs: pieces, annexes and questions that come or go."""
    parts = (
        ("Pièce", {piece.key: piece.label for piece in former.pieces}, {p.key: p.label for p in present.pieces}),
        ("Annexe à faire signer", _annexes(former), _annexes(present)),
        ("Question", _questions(former), _questions(present)),
    )
    told = []
    for what, before, now in parts:
        told += [f"{what} demandée en plus : {label}." for key, label in now.items() if key not in before]
        told += [f"{what} qui n’est plus demandée : {label}." for key, label in before.items() if key not in now]
    return told


def _annexes(spec: DossierSpec) -> dict[str, str]:
    return {annex.key: f"{annex.number}, {annex.title}" for annex in spec.annexes}


def _questions(spec: DossierSpec) -> dict[tuple[str, str], str]:
    return {(section.key, field.name): field.label for section in spec.sections for field in section.fields}
