"""The corpus of hostile and odd files: each is refused with a reason in French, or made harmless, within its limits."""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Stream
from PIL import Image
from weasyprint import HTML

from dossiers.pdf.safe import TOO_HEAVY, TOO_LONG, UNREADABLE, Limits, documents, make_harmless
from dossiers.pdf.safe.formats import Refused
from dossiers.uploads import safe_name
from tests.dossiers import corpus

LIMITS = Limits(cpu=3, memory=512 * 1024**2)  # less than in production: the bombs go off the sooner


def safe_pdf(folder: Path, content: bytes, limits: Limits = LIMITS) -> bytes:
    path = folder / "source"
    path.write_bytes(content)
    with make_harmless(path, limits) as safe:
        assert safe.usage["memory"] <= limits.memory
        assert safe.usage["cpu"] <= limits.cpu + 1
        assert 1 <= safe.pages <= documents.MAX_PAGES
        assert acts(safe.path) == set()
        return safe.path.read_bytes()


def refusal(folder: Path, content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(Refused) as refused:
        safe_pdf(folder, content, limits)
    return str(refused.value)


def acts(path: Path) -> set[str]:
    """Every key and every action of the file that could act, lead elsewhere, or tell who wrote it."""
    found = set()
    with pikepdf.open(path) as pdf:
        found |= {"/Info", "/Encrypt"} & set(pdf.trailer.keys())
        for item in pdf.objects:
            found |= suspect(item)
    return found


def suspect(item: pikepdf.Object) -> set[str]:
    if isinstance(item, Array):
        return {key for value in item if not value_is_indirect(value) for key in suspect(value)}
    if not isinstance(item, Dictionary | Stream):
        return set()
    found = documents.FORBIDDEN & set(item.keys())
    if "/P" not in item and str(item.get("/S", "")) in documents.ACTIONS:
        found.add(str(item.S))
    if isinstance(item, Stream):
        found |= {"/F"} & set(item.keys())
    for _, value in item.items():
        if not value_is_indirect(value):
            found |= suspect(value)
    return found


def value_is_indirect(value) -> bool:
    return getattr(value, "is_indirect", False)


def test_the_corpus_is_as_large_as_it_says():
    assert len(corpus.names()) >= 100


@pytest.mark.parametrize("name", corpus.names())
def test_each_is_refused_with_its_reason_or_made_harmless(tmp_path, name):
    content, expected = corpus.build(name)
    try:
        safe = safe_pdf(tmp_path, content)
    except Refused as refused:
        reason = str(refused)
        assert reason[0].isupper()
        assert reason.endswith(".")
        assert expected != corpus.SAFE, reason
        assert expected in reason
    else:
        assert expected in {corpus.SAFE, corpus.EITHER}
        assert safe.startswith(b"%PDF-")
        assert not [left for left in LEFT_BEHIND if left in safe]


LEFT_BEHIND = (b"Auteur secret", b"Appareil secret", b"<script>", b"MZ\x90", b"PK\x03\x04", b"root:")


@pytest.mark.parametrize("name", corpus.names())
def test_no_name_is_a_path_or_a_trap(name):
    kept = safe_name(name)
    assert 1 <= len(kept) <= 150
    assert not set(kept) & set("/\\\r\n\0\N{RIGHT-TO-LEFT OVERRIDE}")


# Its limits hold


def test_memory_is_limited(tmp_path):
    """A picture within our limit of pixels, but not within the child's memory."""
    picture = corpus.picture("PNG", (6000, 6000))
    assert safe_pdf(tmp_path, picture)
    assert refusal(tmp_path, picture, Limits(memory=160 * 1024**2)) == TOO_HEAVY


def test_the_processor_is_limited(tmp_path):
    assert refusal(tmp_path, corpus.docx(corpus.PATH * 20_000), Limits(cpu=1)) == TOO_LONG


def test_patience_is_limited(tmp_path):
    assert refusal(tmp_path, corpus.docx(corpus.PATH * 20_000), Limits(wall=1)) == TOO_LONG


def test_the_size_of_what_comes_out_is_limited(tmp_path):
    assert refusal(tmp_path, corpus.picture("JPEG", (2000, 2000)), Limits(file=4096)) in {TOO_HEAVY, UNREADABLE}


def test_the_child_knows_no_secret(tmp_path, monkeypatch):
    """Its environment is made for it; what the worker holds stays with the worker."""
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    monkeypatch.setenv("SECRET_KEY", "secret")
    asked = []
    monkeypatch.setattr("subprocess.run", lambda *args, env, **options: asked.append(env) or Ended())
    assert refusal(tmp_path, corpus.small_pdf()) == UNREADABLE
    assert set(asked[0]) == {"PATH", "LANG", "HOME", "TMPDIR"}


class Ended:
    returncode, stderr = 1, b""


# What is seen stays


def text_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def pixels(content: bytes, scale: float = 0.5) -> Image.Image:
    return pypdfium2.PdfDocument(content)[0].render(scale=scale).to_pil().convert("RGB")


def form(ticked: str) -> bytes:
    fields = f"<input name=a value='Élise Œuvrard'><input type=checkbox name=b {ticked}>"
    page = "<style>input { appearance: auto } @page { size: 10cm 5cm; margin: 0 }</style>"
    return HTML(string=f"{page}<form>{fields}</form>").write_pdf(pdf_forms=True)


def ink(content: bytes) -> int:
    """How many dark pixels the first page has, its form as a reader draws it."""
    document = pypdfium2.PdfDocument(content)
    document.init_forms()
    pixels = document[0].render(scale=4).to_pil().convert("L").histogram()
    document.close()
    return sum(pixels[:128])


def test_what_was_typed_and_ticked_in_a_form_stays(tmp_path):
    ticked, empty = form("checked"), form("")
    safe = safe_pdf(tmp_path, ticked)
    assert "Élise Œuvrard" in text_of(safe)
    tick = ink(ticked) - ink(empty)
    assert tick > 20
    assert abs(ink(safe) - ink(safe_pdf(tmp_path, empty)) - tick) < tick / 5


def test_a_field_without_a_drawing_is_drawn(tmp_path):
    assert "texte saisi" in text_of(safe_pdf(tmp_path, corpus.build("script dans un champ.pdf")[0]))


def test_a_photo_stands_upright(tmp_path):
    """Taken lying on its side, 60 × 40: shown 40 × 60."""
    page = pypdfium2.PdfDocument(safe_pdf(tmp_path, corpus.photo()))[0]
    assert page.get_height() > page.get_width()


def test_a_photo_of_a_phone_keeps_its_colours(tmp_path):
    """The upper left quarter of the HEIC photo is red, the rest is light blue."""
    seen = pixels(safe_pdf(tmp_path, corpus.HEIC.read_bytes()))
    red, green, blue = seen.getpixel((seen.width // 3, seen.height // 3))
    assert red > 150
    assert max(green, blue) < 90
    assert min(seen.getpixel((seen.width * 2 // 3, seen.height * 2 // 3))) > 150


def test_what_shows_through_is_white_and_sixteen_bits_are_seen(tmp_path):
    middle = [
        pixels(safe_pdf(tmp_path, content)).getpixel((200, 140))
        for content in (corpus.picture("PNG", mode="RGBA"), corpus.picture("PNG", mode="I;16", color=32_768))
    ]
    assert middle[0] == (255, 255, 255)
    assert 120 < middle[1][0] < 136


def test_a_word_document_keeps_its_text_titles_lists_and_tables(tmp_path):
    body = (
        '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Parcours</w:t></w:r></w:p>'
        "<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>Praticien hospitalier</w:t></w:r></w:p>"
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>2024</w:t></w:r></w:p></w:tc>"
        "<w:tc><w:p><w:r><w:t>Élève à l’École</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    read = text_of(safe_pdf(tmp_path, corpus.docx(body)))
    assert [word in read for word in ("Parcours", "Praticien hospitalier", "2024", "Élève à l’École")] == [True] * 4


def test_a_libreoffice_document_keeps_its_text_titles_lists_tables_and_pictures(tmp_path):
    body = (
        '<text:h text:outline-level="1">Parcours</text:h>'
        '<text:p>Praticien <text:span text:style-name="T1">hospitalier</text:span><text:line-break/>à Rouen</text:p>'
        "<text:list><text:list-item><text:p>Premier</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>2024</text:p></table:table-cell></table:table-row>"
        "</table:table><text:p><draw:frame>"
        '<draw:image xlink:href="Pictures/a.png"/></draw:frame></text:p>'
    )
    safe = safe_pdf(tmp_path, corpus.odt(body, extra={"Pictures/a.png": corpus.picture("PNG")}))
    read = text_of(safe)
    assert [word in read for word in ("Parcours", "hospitalier", "à Rouen", "Premier", "2024")] == [True] * 5
    with pikepdf.open(io.BytesIO(safe)) as pdf:
        assert any(isinstance(item, Stream) and item.get("/Subtype") == "/Image" for item in pdf.objects)


def test_tags_for_readers_aloud_stay(tmp_path):
    tagged = HTML(string="<html lang=fr><p>Bonjour <a href='https://example.org'>lien</a>").write_pdf(
        pdf_variant="pdf/ua-1"
    )
    with pikepdf.open(io.BytesIO(safe_pdf(tmp_path, tagged))) as pdf:
        assert "/StructTreeRoot" in pdf.Root
        assert str(pdf.Root.Lang) == "fr"


def test_the_same_file_gives_the_same_copy(tmp_path):
    assert safe_pdf(tmp_path, corpus.small_pdf()) == safe_pdf(tmp_path, corpus.small_pdf())
    assert safe_pdf(tmp_path, corpus.photo()) == safe_pdf(tmp_path, corpus.photo())
