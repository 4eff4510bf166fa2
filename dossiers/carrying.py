"""What one dossier takes over from another of the same person: all of it (a filed one reopened), or chosen answers."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from dossiers import clearing, paper, signing
from dossiers.answers import as_typed, save_answers
from dossiers.fields import Checkbox, FieldSpec
from dossiers.freezing import lock_open
from dossiers.models import Annex, Dossier, Piece, SectionAnswers
from dossiers.spec import SectionSpec
from portal.workflow import TransitionRefused

# Given for one dossier, on one day.
NEVER_TAKEN = frozenset({"signature", "signed_on"})


def reopen_content(former: Dossier, dossier: Dossier) -> None:
    """Copy everything that `dossier` asks for too, signed opinions included; `former` is left as it is.

    A piece shares its stored bytes with the one that it copies: they never change, and outlive either row.
    A signed opinion keeps its reference, its words and its fingerprint; what it was given on may have changed since,
    and is then told as for any other.
    """
    spec = dossier.spec
    SectionAnswers.objects.bulk_create(
        _twin(row, dossier=dossier, version=1, writer="")
        for row in former.answers.all()
        if row.section in spec.section_by_key
    )
    scans = {paper.scan_key(key) for key in spec.annex_by_key}
    carried = {
        piece.pk: _carry_piece(piece, dossier)
        for piece in former.pieces.all()
        if piece.key in spec.piece_by_key or piece.key in scans
    }
    for annex in former.annexes.select_related("sign_off"):
        if annex.key in spec.annex_by_key:
            _carry_annex(annex, dossier, scan=carried.get(annex.scan_id))


def _carry_piece(piece: Piece, dossier: Dossier) -> Piece:
    twin = _twin(piece, dossier=dossier)
    twin.save()
    Piece.objects.filter(pk=twin.pk).update(uploaded_at=piece.uploaded_at)
    if piece.safe_copy.is_waiting:
        clearing.expect(twin)
    else:
        _twin(piece.safe_copy, piece=twin).save(force_insert=True)
    return twin


def _carry_annex(annex: Annex, dossier: Dossier, scan: Piece | None) -> None:
    """Without an opinion, its names alone: it is asked again when the candidate wishes, by another link."""
    names = {name: getattr(annex, name) for name in signing.SIGNATORY_FIELDS}
    twin, _ = Annex.objects.get_or_create(dossier=dossier, key=annex.key, defaults=names)
    if annex.sign_off:
        signing.WORKFLOW.run(twin, "carry", opinion=annex, scan=scan)


def carry_opinion(annex: Annex, dossier: Dossier) -> None:
    """The opinion that was signed since `dossier` took over the others, as those. In a transaction.

    Not where it is not asked for any more, where the candidate has asked somebody else, or has it signed already.
    """
    if annex.key in dossier.spec.annex_by_key:
        with suppress(TransitionRefused), transaction.atomic():
            dossier = lock_open(dossier)
            _carry_annex(annex, dossier, scan=_carry_piece(annex.scan, dossier) if annex.scan else None)


def _twin(row: models.Model, **changes: Any) -> Any:
    """An unsaved copy of a row, under a key of its own."""
    fields = [field for field in row._meta.concrete_fields if not field.primary_key]
    return type(row)(**{field.name: getattr(row, field.name) for field in fields} | changes)


@dataclass(frozen=True)
class Offered:
    """An answer of an earlier dossier that answers a question still open here. `entry` is printable."""

    section: SectionSpec
    field: FieldSpec
    raw: Any
    entry: dict[str, Any]


def answers_to_take(dossier: Dossier, source: Dossier) -> list[Offered]:
    """What `source` answers and `dossier` asks under the same name, and does not answer yet.

    Left out: consents and declarations, signatures, and what the question refuses here (another list of choices).
    """
    known = {name: value for row in source.answers.all() for name, value in row.raw.items()}
    typed = {row.section: row.raw for row in dossier.answers.all()}
    offered = []
    for section in dossier.spec.sections:
        for field in section.fields:
            raw = known.get(field.name)
            if raw and not typed.get(section.key, {}).get(field.name) and _fits(field, raw):
                offered.append(Offered(section, field, raw, as_typed(field, raw)))
    return offered


def _fits(field: FieldSpec, raw: Any) -> bool:
    if isinstance(field, Checkbox) or field.name in NEVER_TAKEN:
        return False
    try:
        return not field.is_empty(field.clean(raw))
    except ValidationError:
        return False


def take_answers(dossier: Dossier, source: Dossier, names: Iterable[str]) -> int:
    """Write the chosen answers of `source`; returns how many. What was typed here meanwhile stays."""
    names = set(names)
    with transaction.atomic():
        lock_open(dossier)
        chosen = [offered for offered in answers_to_take(dossier, source) if offered.field.name in names]
        for section in dict.fromkeys(offered.section.key for offered in chosen):
            stored = dossier.answers.filter(section=section).first()
            taken = {offered.field.name: offered.raw for offered in chosen if offered.section.key == section}
            save_answers(dossier, section, (stored.raw if stored else {}) | taken)
    return len(chosen)
