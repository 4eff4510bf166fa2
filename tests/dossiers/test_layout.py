"""The pages as pictures, beside those that were looked at: whoever changes the layout sees it, and says it was meant.

Tolerant: another version of a font moves hairs, not boxes. To renew the references after looking at the new pages:
`RENEW_PAGES=1 make test ARGS=tests/dossiers/test_layout.py`, then commit `tests/dossiers/pages/`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image, ImageChops

from dossiers.content import blank_content
from dossiers.pdf.render import Proof, render_annex, render_dossier, render_letter, render_receipt
from offers.kinds import get_kind
from tests.dossiers.sample_content import decision, full_content, minutes, receipt

REFERENCES = Path(__file__).with_name("pages")
SCALE = 0.5  # 298 × 421 points of grey a page: a word is a smudge, a box is a box
COLUMNS = 6
CELL = 14  # pixels compared as one: a line of text and its spacing
TOLERATED = 26  # levels of grey, of 255, by which a cell may differ
STEP = 17  # between two greys that a reference keeps, sixteen in all
PROOF = Proof("0123ABCD4567EFGH", "https://portail.example.org/verifier/?reference=0123ABCD4567EFGH")


def blank(slug: str) -> bytes:
    context = full_content()["context"] | {"candidate_name": "", "number": "", "filed_at_display": ""}
    return render_dossier(blank_content(slug, get_kind(slug).dossier_spec({}), context))


def sheet(slug: str, number: int) -> bytes:
    """An annex alone, to sign by hand."""
    content = blank_content(slug, get_kind(slug).dossier_spec({}), full_content()["context"])
    return render_annex(content | {"annexes": content["annexes"][number - 1 : number]}, PROOF.address)


DOCUMENTS = {
    "dossier": lambda: render_dossier(full_content(), proof=PROOF),
    "temps-partage-vierge": lambda: blank("assistant-temps-partage"),
    "regional-vierge": lambda: blank("assistant-specialiste-regional"),
    "specialise-vierge": lambda: blank("assistant-specialise"),
    "coordonnateur-vierge": lambda: blank("medecin-coordonnateur"),
    "mission-vierge": lambda: blank("mission-cooperation"),
    "annexe-a-signer": lambda: sheet("assistant-temps-partage", 2),
    "annexe-de-deux-pages": lambda: sheet("assistant-temps-partage", 1),
    "accuse": lambda: render_receipt(receipt(), proof=PROOF),
    "decision": lambda: render_letter("documents/decision.html", decision=decision(), proof=PROOF),
    "proces-verbal": lambda: render_letter("documents/minutes.html", minutes=minutes(3), proof=PROOF),
}


def pictures(pdf: bytes) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=SCALE, grayscale=True).to_pil().convert("L") for page in document]
    finally:
        document.close()


def contact_sheet(pages: list[Image.Image]) -> Image.Image:
    width, height = pages[0].size
    sheet = Image.new("L", (width * min(COLUMNS, len(pages)), height * -(-len(pages) // COLUMNS)), 255)
    for number, page in enumerate(pages):
        sheet.paste(page, (number % COLUMNS * width, number // COLUMNS * height))
    return sheet


def changed_pages(reference: Image.Image, pages: list[Image.Image]) -> list[int]:
    """The numbers of the pages of which some cell has another grey than in the reference."""
    width, height = pages[0].size
    changed = []
    for number, page in enumerate(pages):
        left, top = number % COLUMNS * width, number // COLUMNS * height
        before = reference.crop((left, top, left + width, top + height))
        cells = (width // CELL, height // CELL)
        difference = ImageChops.difference(*(picture.resize(cells, Image.Resampling.BOX) for picture in (before, page)))
        if difference.getextrema()[1] > TOLERATED:
            changed.append(number + 1)
    return changed


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_pages_look_as_they_did(name, tmp_path):
    pages = pictures(DOCUMENTS[name]())
    sheet, path = contact_sheet(pages), REFERENCES / f"{name}.png"
    if os.environ.get("RENEW_PAGES"):
        path.parent.mkdir(exist_ok=True)
        sheet.point(lambda grey: round(grey / STEP) * STEP).quantize(256 // STEP + 1).save(path, optimize=True)
    with Image.open(path) as stored:
        reference = stored.convert("L")
    now = tmp_path / path.name
    sheet.save(now)
    told = f"Compare {path} with {now}. Meant? RENEW_PAGES=1 make test ARGS=tests/dossiers/test_layout.py"
    assert sheet.size == reference.size, f"{name} has another number of pages ({len(pages)} now). {told}"
    changed = changed_pages(reference, pages)
    assert not changed, f"{name}: pages {changed} look different. {told}"


def test_a_change_of_layout_is_seen():
    """The comparison compares: a box moved by four millimetres is told, a hair is not."""
    pages = pictures(DOCUMENTS["accuse"]())
    moved = [ImageChops.offset(page, 0, 6) for page in pages]
    assert changed_pages(contact_sheet(pages), moved) == [1]
    noisy = [page.point(lambda grey: max(grey - 4, 0)) for page in pages]
    assert changed_pages(contact_sheet(pages), noisy) == []
