"""Save what a candidate types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from dossiers.fields import FieldSpec
from dossiers.freezing import lock_open
from dossiers.models import Dossier, SectionAnswers
from dossiers.spec import SectionSpec


class ChangedMeanwhile(Exception):
    """The section was saved elsewhere since this form was shown. `stored` is what is there now."""

    def __init__(self, stored: SectionAnswers):
        self.stored = stored


def save_answers(
    dossier: Dossier, section: str, raw: dict[str, Any], *, shown: int | None = None, writer: str = ""
) -> int:
    """Store the raw answers of a section, right or wrong; returns their version, a new one where they changed.

    shown: the version that the form was made from (0: none), so that two tabs do not overwrite one another in silence.
    writer: the open page that saves as one types ("": a plain form). What that very page saved last is never a
    surprise to it, even where the answer that told it so was lost on the way.
    Raises ChangedMeanwhile, and stores nothing, where another one saved since; DossierFrozen once filed.
    """
    raw = storable(raw)
    with transaction.atomic():
        lock_open(dossier)
        answers = SectionAnswers.objects.filter(dossier=dossier, section=section).first()
        if answers is None:
            return SectionAnswers.objects.create(dossier=dossier, section=section, raw=raw, writer=writer).version
        if raw == answers.raw:
            return answers.version
        if shown not in {None, answers.version} and not (writer and writer == answers.writer):
            raise ChangedMeanwhile(answers)
        answers.raw, answers.version, answers.writer = raw, answers.version + 1, writer
        answers.save(update_fields=["raw", "version", "writer", "saved_at"])
        return answers.version


@dataclass(frozen=True)
class Difference:
    """One question that two versions answer differently; `mine` and `other` are printable entries.

    is_unanswered: by mine, so that nothing that someone typed is lost by keeping it.
    """

    name: str
    is_unanswered: bool
    mine: dict[str, Any]
    other: dict[str, Any]


def differences(section: SectionSpec, mine: Mapping[str, Any], other: Mapping[str, Any]) -> list[Difference]:
    """Where two raw versions of a section differ, in the order of the form."""
    return [
        Difference(
            spec.name,
            not mine.get(spec.name),
            as_typed(spec, mine.get(spec.name)),
            as_typed(spec, other.get(spec.name)),
        )
        for spec in section.fields
        if (mine.get(spec.name) or "") != (other.get(spec.name) or "")
    ]


def as_typed(spec: FieldSpec, raw: Any) -> dict[str, Any]:
    """The printable entry of a raw answer: as it would be printed or, where it is refused, as it was typed."""
    try:
        return spec.entry(spec.clean(raw)) | {"label": spec.label}
    except ValidationError:
        rows = raw if isinstance(raw, list) else [raw]
        typed = [" ; ".join(map(str, row.values())) if isinstance(row, dict) else str(row) for row in rows]
        return {"name": spec.name, "label": spec.label, "type": "text", "display": "\n".join(typed)}


def storable(raw: Any) -> Any:
    """What was typed, without the NUL characters that the database cannot hold."""
    match raw:
        case str():
            return raw.replace("\x00", "")
        case list():
            return [storable(item) for item in raw]
        case dict():
            return {key: storable(value) for key, value in raw.items()}
    return raw
