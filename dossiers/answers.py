"""Save what a candidate types."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from dossiers.freezing import lock_open
from dossiers.models import Dossier, SectionAnswers


class ChangedMeanwhile(Exception):
    """The section was saved elsewhere since this form was shown. `stored` is what is there now."""

    def __init__(self, stored: SectionAnswers):
        self.stored = stored


def save_answers(dossier: Dossier, section: str, raw: dict[str, Any], *, shown: int | None = None) -> int:
    """Store the raw answers of a section, right or wrong; returns their new version.

    shown: the version that the form was made from (0: none), so that two tabs do not overwrite one another in silence.
    Raises ChangedMeanwhile, and stores nothing, where that is no longer the present one; DossierFrozen once filed.
    """
    raw = _storable(raw)
    with transaction.atomic():
        lock_open(dossier)
        answers = SectionAnswers.objects.filter(dossier=dossier, section=section).first()
        if answers is None:
            return SectionAnswers.objects.create(dossier=dossier, section=section, raw=raw).version
        if shown is not None and shown != answers.version and raw != answers.raw:
            raise ChangedMeanwhile(answers)
        answers.raw, answers.version = raw, answers.version + 1
        answers.save(update_fields=["raw", "version", "saved_at"])
        return answers.version


def _storable(raw: Any) -> Any:
    """What was typed, without the NUL characters that the database cannot hold."""
    match raw:
        case str():
            return raw.replace("\x00", "")
        case list():
            return [_storable(item) for item in raw]
        case dict():
            return {key: _storable(value) for key, value in raw.items()}
    return raw
