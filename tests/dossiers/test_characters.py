"""Whatever characters are typed or pasted, the print says each of them: as a sign, or in words."""

from __future__ import annotations

import io
import re

import pikepdf
import pytest
from django.utils.html import escape
from weasyprint import HTML

from dossiers.pdf.archivable import is_archivable, shows_every_character
from dossiers.pdf.characters import MOST_TOLD, WORD_SIGNS, plain
from dossiers.pdf.render import write_pdf
from dossiers.pdf.safe.formats import DOCX
from tests.dossiers.test_pdf import page_texts

PAGE = "<!doctype html><html lang='fr'><head><title>Essai</title></head><body><p>{}</p></body></html>"


def printed(text: str) -> str:
    pdf = write_pdf(PAGE.format(escape(text)))
    assert claims_and_shows(pdf) == (True, True)
    return " ".join(re.sub(r"page \d+ / \d+", "", page).strip() for page in page_texts(pdf))


def claims_and_shows(pdf: bytes) -> tuple[bool, bool]:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return "/Metadata" in document.Root, shows_every_character(document)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("avant\u2028après\u2029fin", "avant\naprès\nfin"),
        ("Word\x0bcoupe\x85ici\r\net là\rencore", "Word\ncoupe\nici\net là\nencore"),
        ("\uf0b7 puce \uf0a7 carré \uf0e0 flèche \uf0fc fait", "• puce ▪ carré → flèche ✓ fait"),
        ("a\ufdd0b\ufffec\U0001fffed\ufff9e\ufffaf\ufffbg\u202eh\x00i\ud800j", "abcdefghij"),
        ("Élève 🦷 漢字 \uf061 مرحبا e\u0301 \u200d \ufffc", "Élève 🦷 漢字 \uf061 مرحبا e\u0301 \u200d \ufffc"),
    ],
)
def test_what_other_programs_write_is_made_plain(typed, kept):
    assert plain(typed) == kept


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("Bravo 🦷 !", "Bravo [symbole U+1F9B7] !"),
        ("👍🏽", "[symboles U+1F44D U+1F3FD]"),
        ("👨\u200d👩\u200d👧", "[symboles U+1F468 U+1F469 U+1F467]"),
        ("❤\ufe0f\u200d🔥", "❤[symbole U+1F525]"),
        ("漢字, <한>", "[caractères U+6F22 U+5B57], <[caractère U+D55C]>"),
        ("a\ue000b\u0378c", "a[caractère U+E000]b[caractère U+0378]c"),
    ],
)
def test_a_character_that_no_font_has_is_told_in_words(typed, told):
    assert printed(typed) == told


def test_too_many_to_be_told_are_squares():
    text = printed("漢 " * (MOST_TOLD + 500))
    assert text.count("[caractère U+6F22]") == MOST_TOLD
    assert text.count("□") == 500


@pytest.mark.parametrize("text", ["Nguyễn Thị Hồng", "Анна", "საქართველო", "αβγ ∑ ≤ → ✓ ☑ ☺", "Ⅳ ½ CO₂ 10⁻³"])
def test_a_character_that_a_font_has_stays(text):
    assert printed(text) == text


@pytest.mark.parametrize("text", ["مرحبا بكم في نورماندي", "שלום עולם", "e" + "\u0301" * 5, "☺\ufe0f ☺\ufe0e"])
def test_writings_that_are_drawn_otherwise_stay_too(text):
    assert "U+" not in printed(text)


def test_every_sign_of_word_has_its_like_in_our_fonts():
    assert "U+" not in printed(" ".join(WORD_SIGNS.values()))


def test_ordinary_text_is_laid_out_once(monkeypatch):
    pages = []
    render = HTML.render
    monkeypatch.setattr(HTML, "render", lambda *args, **options: pages.append(1) or render(*args, **options))
    printed("Élève à l’École, « urgences » – 12 h 30")
    assert len(pages) == 1


def test_what_slips_through_claims_nothing():
    """A style sheet that writes a character by its number: it is not in the page, to be told in words."""
    slipped = PAGE.format("Essai").replace("</head>", '<style>p::after { content: "\\6f22" }</style></head>')
    assert claims_and_shows(write_pdf(slipped)) == (False, False)


@pytest.mark.parametrize(("text", "known"), [("Parcours", True), ("Parcours 漢", False)])
def test_a_converted_document_with_an_empty_box_is_not_known_to_conform(text, known):
    """As those that were converted before such characters were told in words."""
    with pikepdf.open(io.BytesIO(HTML(string=PAGE.format(text)).write_pdf())) as pdf:
        assert is_archivable(pdf, DOCX) is known
