"""What French wants of a word that code puts in a sentence."""

from __future__ import annotations

import re
import unicodedata

VOWELS = frozenset("aeiouœæ")
FIRST_OF_A_MONTH = re.compile(r"\b1(?=\s(?:janv|févr|mars|avr|mai|juin|juil|août|sept|oct|nov|déc))")


def of(name: str) -> str:
    """« de Camille », « d’Anne-Lise ». An h is left alone: nothing tells a mute one (Hélène) from the other (Hans)."""
    initial = unicodedata.normalize("NFD", name.strip()[:1].lower())[:1]
    return f"d’{name}" if initial in VOWELS else f"de {name}"


def file_size(count: int) -> str:
    """« 950 octets », « 15 Ko », « 1,2 Mo »: decimal units, and a decimal only where it says something."""
    if count < 1000:
        return f"{count}\u00a0octet{'s' if count > 1 else ''}"
    size, unit = count / 1000, "Ko"
    for larger in ("Mo", "Go"):
        if round(size, 1) < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.1f}".removesuffix(".0").replace(".", ",") + f"\u00a0{unit}"


def first(date: str) -> str:
    """A written date whose first of the month is « 1er », as it alone is said."""
    return FIRST_OF_A_MONTH.sub("1er", date)
