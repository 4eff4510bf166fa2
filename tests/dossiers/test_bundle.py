"""The whole volume: what it holds, in which order, what it says of each file, and that no file breaks it."""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops

from dossiers.pdf.bundle import Enclosure, make_bundle
from dossiers.pdf.render import render_dossier
from dossiers.pdf.seal import seal
from tests.dossiers.sample_content import full_content
from tests.dossiers.test_pdf import page_texts, squeezed


@pytest.fixture(scope="module")
def content():
    return full_content()


@pytest.fixture(scope="module")
def dossier(content) -> bytes:
    file = io.BytesIO(render_dossier(content))
    seal(file)
    return file.getvalue()


@pytest.fixture
def enclose(tmp_path):
    """A function: a piece of the dossier with these bytes."""

    def make(name: str, data: bytes, content_type: str = "application/pdf") -> Enclosure:
        path = tmp_path / name
        path.write_bytes(data)
        file = {
            "name": name,
            "content_type": content_type,
            "sha256": hashlib.sha256(data).hexdigest(),
            "size_display": "5,0 Mio",
            "uploaded_at_display": "2 janvier 2026 à 8 h 30",
        }
        return Enclosure(f"Pièce {name}", file, path)

    return make


def bundle(content, dossier: bytes, *enclosures: Enclosure) -> bytes:
    with make_bundle(content, io.BytesIO(dossier), list(enclosures)) as volume:
        volume.seek(0)
        return volume.read()


def paper(*texts: str, rotate: int = 0) -> bytes:
    """A PDF with these words, one page each."""
    with pikepdf.new() as pdf:
        font = pdf.make_indirect(
            pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        )
        for text in texts:
            page = pdf.add_blank_page(page_size=(595, 842))
            page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
            page.Contents = pdf.make_stream(f"BT /F1 20 Tf 80 700 Td ({text}) Tj ET".encode())
            page.Rotate = rotate
        return saved(pdf)


def saved(pdf: pikepdf.Pdf) -> bytes:
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


def scan() -> bytes:
    """A page that is a picture, as the safe copy of a photograph is."""
    out = io.BytesIO()
    Image.new("RGB", (400, 300), "#c03020").save(out, "PDF")
    return out.getvalue()


def test_bordereau_dossier_and_pieces_in_order_each_page_stamped(content, dossier, enclose):
    pieces = [
        enclose("lettre.pdf", paper("Lettre page un", "Lettre page deux")),
        enclose("diplome.jpg", scan(), "image/jpeg"),
        enclose("cv.pdf", paper("Mon parcours")),
    ]
    printed = page_texts(dossier)
    pages = page_texts(bundle(content, dossier, *pieces))
    assert len(pages) == 1 + len(printed) + 4
    for number, page in enumerate(pages, start=1):
        assert f"Dossier n° {content['context']['number']} – page {number} / {len(pages)}" in page
    assert all(printed[position] in pages[position + 1] for position in range(len(printed)))
    assert ["Lettre page un" in pages[-4], "Lettre page deux" in pages[-3], "Mon parcours" in pages[-1]] == [True] * 3
    bordereau = squeezed(pages[0])
    for piece in pieces:
        for told in (
            piece.label,
            *(piece.file[key] for key in ("name", "sha256", "size_display", "uploaded_at_display")),
        ):
            assert squeezed(told) in bordereau, told


def test_bookmarks_lead_to_each_part(content, dossier, enclose):
    volume = bundle(content, dossier, enclose("a.pdf", paper("Un", "Deux")), enclose("b.png", scan(), "image/png"))
    with pikepdf.open(io.BytesIO(volume)) as pdf, pdf.open_outline() as outline:
        titles = [item.title for item in outline.root]
        pages = [pdf.pages.index(pikepdf.Page(item.destination[0])) for item in outline.root]
        total = len(pdf.pages)
        assert outline.root[1].children  # the dossier's own
        assert "volume complet" in str(pdf.docinfo["/Title"])
    assert titles == ["Bordereau", "Dossier", "Pièce a.pdf – a.pdf", "Pièce b.png – b.png"]
    assert pages == [0, 1, total - 3, total - 1]


def test_a_page_that_is_turned_is_upright(content, dossier, enclose):
    volume = bundle(content, dossier, enclose("tourne.pdf", paper("Texte couché", rotate=90)))
    document = pypdfium2.PdfDocument(volume)
    try:
        page = document[len(document) - 1]
        assert page.get_size() == (842, 595)
        assert page.get_rotation() == 0
    finally:
        document.close()


SHEETS = {
    "cropped": {"CropBox": [150, 150, 450, 600]},
    "cropped and turned over": {"CropBox": [150, 150, 450, 600], "Rotate": 180},
    "cropped beyond its sheet": {"CropBox": [-50, 100, 900, 700]},
    "that begins elsewhere": {"MediaBox": [100, 100, 695, 942]},
    "that begins elsewhere, turned": {"MediaBox": [100, 100, 695, 942], "Rotate": 90},
    "that begins below zero, turned back": {"MediaBox": [-300, -400, 295, 442], "Rotate": 270},
    "given by its other corners": {"MediaBox": [595, 842, 0, 0]},
    "to be trimmed": {"TrimBox": [200, 200, 400, 400]},
}


@pytest.mark.parametrize("boxes", SHEETS.values(), ids=SHEETS.keys())
def test_a_page_is_seen_whole_wherever_its_sheet_begins(content, dossier, enclose, boxes):
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(595, 842))
        page.contents_add(b"1 0 0 rg 150 250 99 77 re f 0 0 1 rg 250 310 55 99 re f 0 0 0 RG 9 w -90 -90 450 590 re S")
        for key, value in boxes.items():
            page.obj[f"/{key}"] = pikepdf.Array(value) if isinstance(value, list) else value
        source = saved(pdf)
    piece = enclose("diplôme.pdf", source)
    volume = bundle(content, dossier, piece)
    there, here = (pypdfium2.PdfDocument(data) for data in (source, volume))
    before, after = there[0].render().to_pil(), here[piece.first_page - 1].render().to_pil()
    there.close()
    here.close()
    foot = (0, 0, before.width, before.height - 20)  # the stamp comes below
    assert before.size == after.size
    assert ImageChops.difference(before.crop(foot), after.crop(foot)).getbbox() is None


@pytest.mark.parametrize("base", ["/ON", "/OFF"])
def test_what_a_file_hides_stays_hidden(content, dossier, enclose, base):
    with pikepdf.new() as pdf:
        layers = [pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name=name)) for name in ("vu", "caché")]
        setting = pikepdf.Dictionary(BaseState=pikepdf.Name(base), ON=layers[:1], OFF=layers[1:])
        pdf.Root.OCProperties = pdf.make_indirect(pikepdf.Dictionary(OCGs=layers, D=setting))
        page = pdf.add_blank_page(page_size=(595, 842))
        page.Resources = pikepdf.Dictionary(Properties=pikepdf.Dictionary(Vu=layers[0], Cache=layers[1]))
        page.contents_add(
            b"/OC /Vu BDC 0 0 1 rg 50 600 99 99 re f EMC /OC /Cache BDC 1 0 0 rg 100 100 300 300 re f EMC"
        )
        pieces = [enclose(name, saved(pdf)) for name in ("plan.pdf", "autre.pdf")]
    volume = pypdfium2.PdfDocument(bundle(content, dossier, *pieces))
    for piece in pieces:
        colours = {colour for _, colour in volume[piece.first_page - 1].render().to_pil().getcolors(10_000)}
        assert (0, 0, 255) in colours
        assert (255, 0, 0) not in colours
    volume.close()


def test_a_tiny_page_has_room_for_its_stamp(content, dossier, enclose):
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(60, 60)).contents_add(b"1 0 0 rg 0 0 60 60 re f")
        piece = enclose("timbre.pdf", saved(pdf))
    volume = pypdfium2.PdfDocument(bundle(content, dossier, piece))
    page = volume[piece.first_page - 1]
    words = page.get_textpage().get_text_bounded()
    red = page.render().to_pil().resize((3, 3)).getpixel((1, 1))
    volume.close()
    assert words.strip().endswith(f"page {piece.first_page} / {piece.first_page}")
    assert red[0] != red[1] != 0  # seen, in the middle, as small as it is


def test_a_scan_is_a_figure_with_a_text_alternative(content, dossier, enclose):
    volume = bundle(
        content, dossier, enclose("photo.jpg", scan(), "image/jpeg"), enclose("lettre.pdf", paper("Du texte"))
    )
    with pikepdf.open(io.BytesIO(volume)) as pdf:
        figures = [item for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and item.get("/S") == "/Figure"]
        told = {str(figure.get("/Alt", "")) for figure in figures}
    assert "Pièce photo.jpg – photo.jpg, page 1" in told
    assert not any("lettre" in words for words in told)


def test_the_bordereau_is_read_first_and_as_a_table(content, dossier, enclose):
    with pikepdf.open(io.BytesIO(bundle(content, dossier, enclose("a.pdf", paper("Un"))))) as pdf:
        document = pdf.Root.StructTreeRoot.K[0]
        pages = [pdf.pages.index(pikepdf.Page(found)) for element in document.K if (found := page_of(element))]
        assert pages == sorted(pages)
        assert {"/Table", "/TH"} <= set(tags_of(document.K, pdf.pages[0].obj))
        assert "/Figure" not in tags_of(document.K, pdf.pages[0].obj)


def page_of(element: pikepdf.Object) -> pikepdf.Object | None:
    """The page of an element, or of the first that it holds."""
    if not isinstance(element, pikepdf.Dictionary):
        return None
    if "/Pg" in element:
        return element.Pg
    children = element.get("/K", [])
    return next(filter(None, map(page_of, children if isinstance(children, pikepdf.Array) else [children])), None)


def tags_of(elements: pikepdf.Object, page: pikepdf.Object) -> list[str]:
    """The tags, all levels, of the elements that are on this page."""
    found = []
    for element in elements if isinstance(elements, pikepdf.Array) else [elements]:
        if isinstance(element, pikepdf.Dictionary) and "/S" in element:
            found += [str(element.S)] if page_of(element) == page else []
            found += tags_of(element.get("/K", pikepdf.Array()), page)
    return found


def bomb() -> bytes:
    """A page whose drawing swells to three gigabytes."""
    swollen = zlib.compress(zlib.compress(b"\0" * 300_000_000, 9), 9)
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page()
        stream = pdf.make_stream(b"")
        stream.write(swollen, filter=[pikepdf.Name.FlateDecode, pikepdf.Name.FlateDecode], decode_parms=None)
        page.Contents = stream
        return saved(pdf)


def crowd() -> bytes:
    with pikepdf.new() as pdf:
        for _ in range(400):
            pdf.add_blank_page()
        return saved(pdf)


def with_script() -> bytes:
    with pikepdf.open(io.BytesIO(paper("Visible"))) as pdf:
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))
        page = pdf.pages[0]
        launch = pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("calc.exe"))
        page.AA = pikepdf.Dictionary(O=launch)
        page.Annots = pikepdf.Array(
            [pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 99, 99], A=launch)]
        )
        return saved(pdf)


BAD = {
    "no pdf": b"%PDF-1.7 rien",
    "truncated": paper("Texte")[:60],
    "no page": saved(pikepdf.new()),
    "crowd": crowd(),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_left_out_and_listed_as_such(content, dossier, enclose, name):
    good = enclose("bon.pdf", paper("Bon contenu"))
    bad = enclose("mauvais.pdf", BAD[name])
    pages = page_texts(bundle(content, dossier, bad, good))
    assert "Bon contenu" in pages[-1]
    assert squeezed("Non joint au volume : fichier illisible.") in squeezed(pages[0])
    assert bad.file["sha256"] in squeezed(pages[0])
    assert len(pages) == 1 + len(page_texts(dossier)) + 1


def test_a_bomb_stays_small(content, dossier, enclose):
    """What swells when it is drawn is copied as it is."""
    volume = bundle(content, dossier, enclose("bombe.pdf", bomb()), enclose("bon.pdf", paper("Bon contenu")))
    assert "Bon contenu" in page_texts_of_last(volume)
    assert len(volume) < 3_000_000


def page_texts_of_last(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return document[len(document) - 1].get_textpage().get_text_bounded()
    finally:
        document.close()


def test_a_file_that_kills_its_reader_takes_no_other_along(content, dossier, enclose, monkeypatch):
    """The child process dies at the second file: the first and the third are there."""
    import os

    from dossiers.pdf import bundle as module

    honest = module._examined
    monkeypatch.setattr(
        module, "_examined", lambda piece: os._exit(9) if piece.file["name"] == "tueur.pdf" else honest(piece)
    )
    pieces = [enclose(name, paper(f"Contenu de {name}")) for name in ("un.pdf", "tueur.pdf", "trois.pdf")]
    pages = page_texts(bundle(content, dossier, *pieces))
    assert [piece.left_out for piece in pieces] == ["", "fichier illisible", ""]
    assert "Contenu de un.pdf" in pages[-2]
    assert "Contenu de trois.pdf" in pages[-1]


def test_a_file_that_changed_or_went_missing_is_left_out(content, dossier, enclose):
    changed, lost = enclose("change.pdf", paper("Autre contenu")), enclose("perdu.pdf", paper("Perdu"))
    changed.left_out, lost.path = "fichier différent de celui qui a été vérifié", None
    first = squeezed(page_texts(bundle(content, dossier, changed, lost))[0])
    assert squeezed("Non joint au volume : fichier différent de celui qui a été vérifié.") in first
    assert squeezed("Non joint au volume : fichier absent du stockage.") in first


def test_scripts_and_links_of_a_file_are_not_copied(content, dossier, enclose):
    volume = bundle(content, dossier, enclose("piege.pdf", with_script()))
    assert "Visible" in page_texts_of_last(volume)
    with pikepdf.open(io.BytesIO(volume)) as pdf:
        actions = [item.get("/S") for item in pdf.objects if isinstance(item, pikepdf.Dictionary)]
    assert not {"/JavaScript", "/Launch"} & {str(action) for action in actions}


def test_originals_are_untouched(content, dossier, enclose):
    data = paper("Original")
    piece = enclose("original.pdf", data)
    bundle(content, dossier, piece)
    assert Path(piece.path).read_bytes() == data


def test_the_same_pieces_give_the_same_volume(content, dossier, enclose):
    """But for the identifier that every file has of its own."""
    pieces = [enclose("a.pdf", paper("Un")), enclose("b.jpg", scan(), "image/jpeg")]
    one, other = (re.sub(rb"/ID \[.*?\]", b"", bundle(content, dossier, *pieces)) for _ in range(2))
    assert one == other
