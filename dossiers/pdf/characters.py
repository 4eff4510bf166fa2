"""Every character that somebody typed or pasted: printed, or told in words where no font has a sign for it.

PDF/A and PDF/UA both refuse the empty box that stands for such a character, and nobody can read it. What was typed
stays as it is: only the print changes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weasyprint.document import Document  # heavy: loaded by who prints

LINE_BREAKS = "\r\x0b\x0c\x85\u2028\u2029"  # of other programs: Word's own is a vertical tabulation
# The bullets, arrows and boxes of Word: private characters, which mean something in its own fonts alone.
WORD_SIGNS = {
    "\uf02d": "–",
    "\uf04a": "☺",
    "\uf04c": "☹",
    "\uf06c": "●",
    "\uf06e": "■",
    "\uf06f": "□",
    "\uf071": "❑",
    "\uf075": "◆",
    "\uf076": "❖",
    "\uf0a7": "▪",
    "\uf0a8": "□",
    "\uf0ae": "→",
    "\uf0b7": "•",
    "\uf0d8": "➢",
    "\uf0df": "←",
    "\uf0e0": "→",
    "\uf0e8": "➔",
    "\uf0f0": "⇨",
    "\uf0fc": "✓",
    "\uf0fd": "☒",
    "\uf0fe": "☑",
}
# Control characters, lone surrogates, non-characters, marks that reverse the reading order or annotate: none prints.
UNPRINTABLE = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb"
UNPRINTABLE += "\ufffe\uffff"
BEYOND = "\U00010000-\U0010ffff"  # looked at one by one: their 32 non-characters would slow the search twenty times
ODD = re.compile(f"[{LINE_BREAKS}{''.join(WORD_SIGNS)}{UNPRINTABLE}{BEYOND}]")

JOINERS = "\u200d\ufe0e\ufe0f"  # they tie emojis together, or choose between two drawings of one

MOST_TOLD = 2_000  # of a document; more would take the layout too long, and say nothing more: each is an empty square
SQUARE = "\N{WHITE SQUARE}"


def plain(text: str, new_line: str = "\n") -> str:
    """Without what never prints; the line breaks and the signs of other programs made everybody's."""

    def made_plain(odd: re.Match[str]) -> str:
        character = odd[0]
        if character in LINE_BREAKS:
            return new_line
        if ord(character) > 0xFFFF and ord(character) & 0xFFFE != 0xFFFE:
            return character
        return WORD_SIGNS.get(character, "")

    return ODD.sub(made_plain, text.replace("\r\n", "\n"))


def print_every_character(html: str, write: Callable[[str], tuple[bytes, Document]]) -> bytes:
    """The PDF that `write` makes of this page; made again, in the rare case that a character is in no font.

    Only the layout knows which font it found for each: whatever is installed serves.
    """
    pdf, document = write(html)
    lacking = {chr(code) for font in document.fonts.values() for code in font.missing if code > 0x7F}
    return write(_told(html, lacking))[0] if lacking else pdf


def _told(html: str, lacking: Iterable[str]) -> str:
    characters = re.escape("".join(sorted(lacking)))
    told = 0

    def in_words(run: re.Match[str]) -> str:
        nonlocal told
        lacked = [character for character in run[0] if character not in JOINERS]
        told += len(lacked)
        return _in_words(lacked) if told <= MOST_TOLD else SQUARE * len(lacked)

    return re.sub(f"[{characters}][{characters}{JOINERS}]*", in_words, html)


def _in_words(characters: list[str]) -> str:
    """« [symbole U+1F9B7] », « [caractères U+6F22 U+5B57] »: what it is, and which for who looks it up."""
    is_drawing = all(unicodedata.category(character) in {"So", "Sk"} for character in characters)
    word = "symbole" if is_drawing else "caractère"
    codes = " ".join(f"U+{ord(character):04X}" for character in characters)
    return f"[{word}{'s' if len(characters) > 1 else ''} {codes}]"
