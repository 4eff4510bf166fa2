"""The number and the page at the foot of each page of a volume, whatever was drawn under them.

The letters come from a sheet printed as all our documents are: embedded, they keep the volume within PDF/A.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import pikepdf
from django.utils.html import escape
from pikepdf import Name

from dossiers.pdf.render import write_pdf

SIZE = 7  # points
HEIGHT = 9  # of the white strip under the words
LETTERS = string.digits + string.ascii_letters + string.punctuation + "°– "
SHEET = "<!doctype html><html lang='fr'><title>Tampon</title><style>html {{ string-set: none }}</style><p>{letters}</p>"
CODE = re.compile(rb"<([0-9a-f]{4})>\s*<([0-9a-f]{4})>")  # a line of the table from glyphs to characters


@dataclass(frozen=True)
class _Sheet:
    """pdf: where the font is. codes: its two bytes in hexadecimal for each letter."""

    pdf: bytes
    codes: dict[str, str]


@cache
def _sheet() -> _Sheet:
    """Once in each process."""
    pdf = write_pdf(SHEET.format(letters=escape(LETTERS)))
    with pikepdf.open(BytesIO(pdf)) as sheet:
        table = _font(sheet).ToUnicode.read_bytes()
    codes = {chr(int(character, 16)): glyph.decode() for glyph, character in CODE.findall(table)}
    return _Sheet(pdf, codes)


def _font(sheet: pikepdf.Pdf) -> pikepdf.Object:
    (font,) = (font for _, font in sheet.pages[0].resources.Font.items())
    return font


def stamp(volume: pikepdf.Pdf, number: str) -> None:
    sheet = _sheet()
    with pikepdf.open(BytesIO(sheet.pdf)) as source:
        font = volume.copy_foreign(_font(source))
    total = len(volume.pages)
    for position, page in enumerate(volume.pages, start=1):
        name = page.add_resource(font, Name.Font, Name.Tampon)
        text = f"Dossier n° {number} – page {position} / {total}"
        page.contents_add(b"q", prepend=True)
        page.contents_add(b"Q " + _drawing(text, sheet.codes, name, page))


def _drawing(text: str, codes: dict[str, str], font: Name, page: pikepdf.Page) -> bytes:
    left, bottom, *_ = (float(value) for value in page.mediabox)
    width = len(text) * SIZE * 0.55
    encoded = "".join(codes.get(letter, codes["?"]) for letter in text)
    return (
        f"/Artifact BMC q 1 0 0 1 {left} {bottom} cm 1 g 34 5 {width:.1f} {HEIGHT} re f 0.13 0.19 0.37 rg "
        f"BT {font} {SIZE} Tf 36 7 Td <{encoded}> Tj ET Q EMC"
    ).encode()
