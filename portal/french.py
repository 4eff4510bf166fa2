"""What French wants of a word that code puts in a sentence."""

from __future__ import annotations

import unicodedata

VOWELS = frozenset("aeiouœæ")


def of(name: str) -> str:
    """« de Camille », « d’Anne-Lise ». An h is left alone: nothing tells a mute one (Hélène) from the other (Hans)."""
    initial = unicodedata.normalize("NFD", name.strip()[:1].lower())[:1]
    return f"d’{name}" if initial in VOWELS else f"de {name}"
