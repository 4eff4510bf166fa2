"""Save what a candidate types."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from dossiers.freezing import lock_open
from dossiers.models import Dossier, SectionAnswers


def save_answers(dossier: Dossier, section: str, raw: dict[str, Any]) -> None:
    """Store the raw answers of a section, right or wrong. Raises DossierFrozen on a filed dossier."""
    raw = _storable(raw)
    with transaction.atomic():
        lock_open(dossier)
        answers, created = SectionAnswers.objects.get_or_create(dossier=dossier, section=section, defaults={"raw": raw})
        if not created:
            answers.raw, answers.version = raw, F("version") + 1
            answers.save(update_fields=["raw", "version", "saved_at"])


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
