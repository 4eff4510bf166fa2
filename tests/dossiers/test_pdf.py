"""The printed dossier: every answer on it, in order, the same bytes each time, and nothing of the outside in it."""

from __future__ import annotations

import http.server
import io
import os
import random
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from django.conf import settings
from django.template.loader import render_to_string

from dossiers.content import blank_content as kind_content
from dossiers.pdf import limits, printable
from dossiers.pdf.codes import read_codes
from dossiers.pdf.limits import bounded
from dossiers.pdf.render import ELEMENTS, render_annex, render_dossier, render_letter, render_receipt, write_pdf
from offers.kinds import all_kinds, get_kind
from offers.text import to_html
from tests.dossiers.sample_content import (
    blank_content,
    blank_of,
    file,
    full_content,
    long,
    longest_of,
    minutes,
    receipt,
    very_full_of,
)


def page_texts(pdf: bytes) -> list[str]:
    """The text of each page, spaces and breakable points made plain."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()
    return [flat(text) for text in pages]


def seen_texts(pdf: bytes) -> list[str]:
    """The text of each page without what runs off the sheet."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()


def flat(text: str) -> str:
    text = re.sub("[\N{ZERO WIDTH SPACE}\N{SOFT HYPHEN}\ufffe]", "", text)
    return re.sub(r"\s+", " ", text.replace("\N{NO-BREAK SPACE}", " ")).strip()


def squeezed(text: str) -> str:
    return flat(text).replace(" ", "")


def structure(pdf: bytes) -> list[tuple[str, str]]:
    """The tags of the document, in reading order, each with its alternative text."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        found: list[tuple[str, str]] = []

        def walk(node) -> None:
            if isinstance(node, pikepdf.Dictionary) and "/S" in node:
                found.append((str(node["/S"])[1:], str(node.get("/Alt", ""))))
            kids = node.get("/K", []) if isinstance(node, pikepdf.Dictionary) else []
            for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
                if isinstance(kid, pikepdf.Dictionary):
                    walk(kid)

        walk(document.Root.StructTreeRoot.K[0])
        return found


@pytest.fixture(scope="module")
def content():
    return full_content()


@pytest.fixture(scope="module")
def pdf(content) -> bytes:
    return render_dossier(content)


@pytest.fixture(scope="module")
def pages(pdf) -> list[str]:
    return page_texts(pdf)


def test_every_answer_is_printed(content, pages):
    printed = squeezed(" ".join(pages))
    for section in [*content["sections"], *content["annexes"]]:
        for entry in section["entries"]:
            if entry["name"] not in {"projet", "besoins", "stages"}:  # their label is the section's own heading
                assert squeezed(entry["label"].rstrip(" :")).casefold() in printed.casefold(), entry["name"]
            if entry["type"] not in {"checkbox", "table"}:
                for paragraph in entry["display"].split("\n"):
                    assert squeezed(paragraph) in printed, entry["name"]
            for cell in (cell for row in entry.get("rows", ()) for cell in row):
                assert squeezed(cell) in printed
            for option in entry.get("options", ()):
                assert squeezed(option["label"]) in printed


def test_annexes_bear_their_sign_off(content, pages):
    for annex in content["annexes"]:
        page = next(page for page in pages if f"ANNEXE {annex['number']} " in page)
        for part in ("title", "statement", "text_label", "signed_by", "signed_at_display", "reference", "sha256"):
            assert squeezed(annex[part]) in squeezed(page), (annex["number"], part)


def test_pieces_are_listed_with_their_fingerprints(content, pages):
    last = squeezed(pages[-1])
    for piece in content["pieces"]:
        for stored in piece["files"]:
            for part in ("name", "size_display", "sha256", "uploaded_at_display"):
                assert squeezed(stored[part]) in last


def test_pages_follow_the_official_order(content, pages):
    headings = [section["heading"] or section["title"] for section in content["sections"]]
    headings += [f"ANNEXE {annex['number']} {annex['title']}" for annex in content["annexes"]]
    text = " ".join(pages[:1] + pages[2:])  # the second page lists them all
    positions = [text.casefold().find(flat(heading).casefold()) for heading in headings]
    assert -1 not in positions
    assert positions == sorted(positions)


def test_contents_give_the_real_pages(content, pages):
    listed = re.findall(r"Annexe (\d) – [^.]*?[. ]+(\d+)", pages[1])
    assert len(listed) == len(content["annexes"])
    for number, page in listed:
        assert f"ANNEXE {number} " in pages[int(page) - 1]
    assert "Page 3 et 4" not in pages[1]


def test_running_header_and_footer(content, pages):
    for number, page in enumerate(pages, start=1):
        assert f"page {number} / {len(pages)}" in page
        assert "Dossier n° 2026-000123" in page
    assert all("EXEMPLE Camille" in page and "Session 2026" in page for page in pages)


def test_no_heading_ends_a_page():
    """With answers of many lengths, a heading always has some of its text under it."""
    content = full_content()
    words = "Une phrase ordinaire du candidat sur son parcours. "
    content["sections"][2]["entries"] = [
        long(f"q{number}", f"Question numéro {number} ?", f"Début {number}. " + words * (7 + 5 * number % 23))
        for number in range(30)
    ]
    for page in page_texts(render_dossier(content)):
        for number in re.findall(r"Question numéro (\d+) \?", page):
            assert f"Début {number}." in page


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.slug)
def test_who_filed_is_told_below_the_end_of_the_last_part(kind):
    pages = page_texts(render_dossier(very_full_of(kind)))
    (page,) = (page for page in pages if "a déposé ce dossier par voie électronique" in page)
    assert "Une réponse" in page or "certifie l’exactitude" in page


def test_only_the_forms_of_normandie_give_a_page_to_a_part_however_short():
    def pages_of(slug: str, *headings: str) -> list[int]:
        content = very_full_of(get_kind(slug))
        for section in content["sections"]:
            texts = [entry for entry in section["entries"] if entry["type"] in {"text", "long", "checkbox"}]
            section["entries"] = [text | {"display": "Brève."} for text in texts]
        pages = page_texts(render_dossier(content))
        return [max(number for number, page in enumerate(pages) if heading in page) for heading in headings]

    past, future = pages_of("mission-cooperation", "gestion de projet", "Ce que vous souhaitez apporter")
    assert past == future
    project, life = pages_of("assistant-temps-partage", "PROJET POUR LA FONCTION", "PROJET DE VIE PROFESSIONNELLE")
    assert life == project + 1


def test_the_contents_stand_below_the_cover_where_they_hold():
    pages = page_texts(render_dossier(blank_of(get_kind("assistant-specialise"))))
    assert "Composition du dossier" in pages[0]
    pages = page_texts(render_dossier(blank_of(get_kind("assistant-temps-partage"))))
    assert "Composition du dossier" not in pages[0]
    assert pages[1].count("Annexe") >= 5


def test_sign_off_is_never_cut_nor_alone():
    for length in range(20, 60, 4):
        content = full_content()
        content["annexes"] = content["annexes"][:1]
        content["sections"] = content["sections"][:3]
        content["annexes"][0]["text"] = "\n\n".join(f"Motif numéro {number} de l’avis." for number in range(length))
        pages = page_texts(render_dossier(content))
        page = next(page for page in pages if "Signé par voie électronique" in page)
        assert content["annexes"][0]["sha256"] in page
        assert "Plateau-Imaginaire" in page  # what is signed comes with the signature


ANNEXES = [(kind, annex.number) for kind in all_kinds() for annex in kind.dossier_spec({}).annexes]


def test_a_sheet_to_sign_has_its_code_on_every_page(content):
    address = "https://portail.example.org/annexe/0123456789"
    spec = get_kind("assistant-temps-partage").dossier_spec({})
    content = kind_content("assistant-temps-partage", spec, content["context"])
    sheet = pikepdf.open(io.BytesIO(render_annex(content | {"annexes": content["annexes"][:1]}, address)))
    assert len(sheet.pages) > 1
    for page in sheet.pages:
        alone = pikepdf.new()
        alone.pages.append(page)
        file = io.BytesIO()
        alone.save(file)
        assert read_codes(file) == [address]


@pytest.mark.parametrize(("kind", "number"), ANNEXES, ids=[f"{kind.slug}-{number}" for kind, number in ANNEXES])
def test_a_sheet_to_sign_has_its_annex_beside_its_code_and_its_signature_with_a_question(kind, number):
    content = kind_content(kind.slug, kind.dossier_spec({}), full_content()["context"])
    annexes = [annex for annex in content["annexes"] if annex["number"] == number]
    pages = page_texts(
        render_annex(content | {"annexes": annexes}, "https://portail.example.org/aide/#annexe-papier=0")
    )
    assert f"ANNEXE {number}" in pages[0]
    assert "ce code retrouve l’annexe" in pages[0]
    assert "Signature :" in pages[-1]
    questions = sum(entry["type"] == "long" for entry in annexes[0]["entries"])
    assert len(pages) == 1 or (questions > 4 and len(pages) == 2)
    assert len(pages) == 1 or annexes[0]["entries"][-1]["label"] in pages[-1]
    printed = squeezed(" ".join(pages))
    for entry in annexes[0]["entries"]:  # no box without its question, even one that repeats the title
        question = squeezed(entry["label"])
        assert (question if question.endswith("?") else f"{question}:") in printed


@pytest.mark.parametrize(
    "words",
    ["5 h 19", "18 h 42 min 07 s", "2 février", "1,2 Mo", "7 400 patients", "06 00 00 00 00", "L. 112-11", "Dr Modèle"],
)
def test_what_belongs_together_stays_on_one_line(words):
    unbroken = re.sub(" (?!patients)", "\N{NO-BREAK SPACE}", words)
    assert printable.clean(f"Voir {words} ici") == f"Voir {unbroken} ici"


def test_words_held_together_without_end_still_break():
    printed = printable.clean("12 " * 2000)
    assert max(len(part) for part in re.split("[ \N{ZERO WIDTH SPACE}]", printed)) <= printable.LONGEST_WORD


def test_a_fingerprint_is_printed_as_it_is():
    assert printable.clean("0f" * 32) == "0f" * 32


def test_the_titles_of_the_official_form_come_before_their_questions():
    form = kind_content(
        "assistant-temps-partage",
        get_kind("assistant-temps-partage").dossier_spec({}),
        full_content()["context"] | {"candidate_name": ""},
    )
    text = " ".join(page_texts(render_dossier(form))[2:])
    titles = [
        "FORMATION",
        "STAGES HOSPITALIERS RÉALISÉS DURANT L’INTERNAT Semestre",
        "DIPLÔMES 1. D.E.S.",
        "5. THÈSE",
        "FORMATIONS ENVISAGÉES DANS LE CADRE DU POST INTERNAT",
        "PROJET POUR LA FONCTION",
        "Temps passé dans la structure ambulatoire : %",
        "PROJET DE VIE PROFESSIONNELLE",
        "DESCRIPTION DE LA STRUCTURE AMBULATOIRE",
        "ANALYSE DES BESOINS DES CONSULTATIONS AVANCÉES",
        "ANNEXE 1 Avis du coordonnateur local de la spécialité",
        "ANNEXE 2 Avis du chef de service de la structure ambulatoire",
        "ANNEXE 3 Avis du chef de service de l’établissement hospitalier",
        "ANNEXE 4 Avis du directeur de la structure ambulatoire",
        "ANNEXE 5 Avis du directeur de l’établissement hospitalier",
    ]
    positions = [text.find(title) for title in titles]
    assert -1 not in positions, titles[positions.index(-1)]
    assert positions == sorted(positions)


def test_document_is_tagged_titled_and_in_french(pdf):
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert str(document.Root.Lang) == "fr"
        assert "EXEMPLE Camille" in str(document.docinfo["/Title"])
        assert bool(document.Root.ViewerPreferences.DisplayDocTitle)
        metadata = document.Root.Metadata.read_bytes()
    assert b'pdfuaid:part="1"' in metadata
    assert re.search(rb'pdfaid:part="3"', metadata)
    assert re.search(rb'pdfaid:conformance="A"', metadata)
    tags = structure(pdf)
    assert sum(tag == "H1" for tag, _ in tags) == 1
    assert sum(tag == "TH" for tag, _ in tags) >= 4 + 4 + 3
    alternatives = [alternative for tag, alternative in tags if tag == "Figure"]
    assert {"Case cochée :", "Case non cochée :"} == set(alternatives)


def test_ticked_boxes_are_told(content, pdf):
    ticked = sum(alternative == "Case cochée :" for _, alternative in structure(pdf))
    boxes = [entry for section in content["sections"] for entry in section["entries"]]
    expected = sum(bool(entry.get("checked")) for entry in boxes)
    expected += sum(option["checked"] for entry in boxes for option in entry.get("options", ()))
    assert ticked == expected + sum(annex["opinion"] != "" for annex in content["annexes"])


def test_same_content_same_bytes(content, pdf):
    assert render_dossier(blank_content()) != pdf
    assert render_dossier(content) == pdf  # what was printed before leaves no trace


FORKED = """
import os, sys, django
django.setup()
from dossiers.pdf.render import render_dossier
from tests.dossiers.sample_content import blank_content, full_content
render_dossier(blank_content())
child = os.fork()
if child:
    os.waitpid(child, 0)
sys.stdout.buffer.write(render_dossier(full_content()))
sys.stdout.buffer.flush()
os._exit(0)
"""


MARKDOWN = """
# Un

## Deux

### Trois

#### Quatre

##### Cinq

###### Six

Un *mot*, un **autre**, un `code`, un [lien](https://example.org/) et\\
une ligne.

- un
  - deux
    - trois
      1. quatre
         - cinq

1. un
   1. deux

> cité

```
bloc
```

---

| a | b |
|---|--:|
| 1 | 2 |
"""


@pytest.mark.parametrize("name", ["dossier", "offer", "letter"])
def test_our_few_default_styles_print_as_the_whole_sheet_of_weasyprint(name, content, monkeypatch):
    html = {
        "dossier": lambda: render_to_string("documents/dossier.html", printable.prepare(content) | {"proof": None}),
        "offer": lambda: render_to_string(
            "documents/offer.html", {"title": "Offre", "body": to_html(MARKDOWN), "conditions": ["une"]}
        ),
        "letter": lambda: render_to_string("documents/receipt.html", {"receipt": receipt(), "proof": None}),
    }[name]()
    ours = write_pdf(html)
    monkeypatch.delattr("dossiers.pdf.render._Page._ua_stylesheets")
    assert write_pdf(html) == ours


def test_a_line_of_code_does_not_leave_the_sheet():
    body = to_html(f"```\n{'mot ' * 60}fin\n```")
    pdf = write_pdf(render_to_string("documents/offer.html", {"title": "Offre", "body": body}))
    assert "mot fin" in flat(" ".join(seen_texts(pdf)))


def test_every_element_of_the_documents_has_its_default_style():
    inline = {"a", "br", "code", "em", "img", "span", "strong"}
    known = set(re.findall(r"[a-z]+[1-6]?", re.sub(r"/\*.*?\*/|\{.*?\}", " ", ELEMENTS.read_text(), flags=re.DOTALL)))
    templates = Path(settings.BASE_DIR, "templates/documents").glob("*.html")
    used = {tag for template in templates for tag in re.findall(r"<([a-z]+[1-6]?)\b", template.read_text())}
    assert used | set(re.findall(r"<([a-z]+[1-6]?)\b", to_html(MARKDOWN))) <= known | inline


def test_forked_processes_print_the_same(pdf):
    """A parent that has printed, then its child, then the parent again: as Celery's prefork workers live and die."""
    printed = subprocess.run(
        [sys.executable, "-c", FORKED],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONHASHSEED": "7"},
    )
    assert printed.stdout == pdf + pdf


@pytest.fixture
def local_server():
    requests: list[str] = []

    class Recorder(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    server.server_close()


def hostile_text(address: str) -> str:
    return (
        f'<img src="{address}/picture.png"><link rel="stylesheet" href="{address}/style.css">'
        f'<link rel="attachment" href="file:///etc/passwd"><style>@import url({address}/import.css)</style>'
        f'<object data="file:///etc/passwd"></object><script>alert(1)</script></div></section>"\'{{{{ settings }}}}'
    )


def test_hostile_text_stays_text(local_server):
    address, requests = local_server
    attack = hostile_text(address)
    content = full_content()
    content["context"] |= {"candidate_name": attack, "offer_title": attack, "institution": attack}
    for section in content["sections"]:
        for entry in section["entries"]:
            entry["display"] = attack
    content["sections"][2]["entries"][0]["rows"] = [[attack] * 4]
    content["annexes"][0] |= {"text": attack, "signed_by": attack}
    content["pieces"][0]["files"] = [file(attack, "1 Ko")]
    pdf = render_dossier(content)
    printed = squeezed(" ".join(page_texts(pdf)))
    assert squeezed("<script>alert(1)</script>") in printed
    assert squeezed("{{ settings }}") in printed
    assert requests == []
    assert_nothing_attached(pdf)


def test_nothing_is_fetched_even_from_markup(local_server):
    """Should markup ever slip through, the fetcher refuses the network and the disk."""
    address, requests = local_server
    pdf = write_pdf(f"<!doctype html><html lang=fr><title>t</title><body><p>x</p>{hostile_text(address)}")
    assert requests == []
    assert_nothing_attached(pdf)
    assert "root:" not in " ".join(page_texts(pdf))


def assert_nothing_attached(pdf: bytes) -> None:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert len(document.attachments) == 0
        assert b"root:x:" not in b"".join(
            item.read_bytes() for item in document.objects if isinstance(item, pikepdf.Stream) and "/Type" not in item
        )


@pytest.mark.parametrize("place", ["long", "line", "table"])
def test_very_long_words_are_bounded(place):
    word = "a" * 100_000
    content = full_content()
    content["sections"] = content["sections"][:4]
    content["annexes"] = []
    if place == "table":
        content["sections"][2]["entries"][0]["rows"] = [[word, "b" * 500, "", ""]]
    else:
        content["sections"][3]["entries"][2 if place == "long" else 0]["display"] = word
    start = time.process_time()
    text = " ".join(page_texts(render_dossier(content)))
    assert time.process_time() - start < 12
    assert "Texte coupé à l’impression" in text
    assert squeezed(text).count("a") > (printable.MAX_CELL_LENGTH if place == "table" else printable.MAX_TEXT_LENGTH)


def test_an_answer_of_more_lines_than_a_page_holds_is_printed_to_its_end():
    content = full_content()
    answer = next(entry for section in content["sections"] for entry in section["entries"] if entry["type"] == "text")
    answer["display"] = "\n".join(f"l. {number}" for number in range(1, 121))
    seen = " ".join(seen_texts(render_dossier(content)))
    assert re.findall(r"l\.\s+(\d+)", seen) == [str(number) for number in range(1, 121)]


@pytest.mark.parametrize("seed", range(30))
def test_a_text_of_any_lines_keeps_its_words_on_few_lines_and_says_so(seed):
    chance = random.Random(seed)
    ends = ["\n", "\r\n", "\r", "\n\n", "\n \n", "\u2028", "\u2029"]
    words = [f"mot{number}" for number in range(chance.randrange(3 * printable.MAX_LINES))]
    printed = printable.clean("".join(word + chance.choice(ends) for word in words))
    lines = printed.splitlines()
    assert re.findall(r"mot\d+", printed) == words
    assert len(lines) <= printable.MAX_LINES + 2
    assert printed.count("Texte resserré à l’impression") == (len(lines) > printable.MAX_LINES) == (" / " in printed)


@pytest.mark.parametrize("slug", ["assistant-temps-partage", "assistant-specialiste-regional"])
def test_the_worst_that_the_forms_accept_prints_far_within_the_limits(slug):
    start = time.process_time()
    with bounded(memory=limits.MEMORY // 2):
        pages = page_texts(render_dossier(longest_of(get_kind(slug), "x\n")))
    assert time.process_time() - start < limits.SECONDS / 2
    assert "Texte resserré à l’impression" in " ".join(pages)


def test_a_long_list_of_options_is_printed_to_its_end():
    content = full_content()
    answer = next(entry for section in content["sections"] for entry in section["entries"] if entry.get("options"))
    options = [
        {"label": f"Option numéro {number}, et de quoi la faire longue", "checked": True} for number in range(90)
    ]
    answer |= {"type": "choices", "options": options}
    assert " ".join(seen_texts(render_dossier(content))).count("Option numéro") == 90


def test_every_member_present_is_seen_in_the_minutes():
    told = minutes(2) | {"present": [f"Membre {number}, représentant de la structure {number}" for number in range(90)]}
    assert " ".join(seen_texts(render_letter("documents/minutes.html", minutes=told))).count("représentant de la") == 90


def test_too_many_rows_are_cut_and_said():
    content = full_content()
    content["sections"][2]["entries"][0]["rows"] = [["CHU", f"Service {n}", "Dr", "Oui"] for n in range(500)]
    text = " ".join(page_texts(render_dossier(content)))
    assert f"Service {printable.MAX_ROWS - 1}" in text
    assert "Service 499" not in text
    assert f"{500 - printable.MAX_ROWS} lignes de plus" in text


def test_unprintable_characters_are_dropped():
    assert printable.clean({"a": ["x\x00\x1b\ud800\u202ey", 3, None, True]}) == {"a": ["xy", 3, None, True]}


def test_blank_form_prints():
    pdf = render_dossier(blank_content())
    pages = page_texts(pdf)
    text = " ".join(pages)
    assert "EXEMPLE" not in text
    assert "Signature :" in text
    assert "Signé par voie électronique" not in text
    assert text.count("ANNEXE ") == 5
    assert all(alternative == "Case non cochée :" for tag, alternative in structure(pdf) if tag == "Figure")
    assert all(label in pages[-1] for label in ("Lettre de motivation", "CV détaillé"))


def test_draft_is_watermarked_on_every_page(content, pages):
    drafted = page_texts(render_dossier(content, watermark="brouillon"))
    assert len(drafted) == len(pages)
    assert all("BROUILLON" in page for page in drafted)
    assert "ce document ne vaut pas dépôt" in drafted[0]
    assert not any("BROUILLON" in page for page in pages)


def test_receipt_holds_on_one_page():
    words = receipt()
    pages = page_texts(render_receipt(words))
    assert len(pages) == 1
    for key, value in words.items():
        for part in value if isinstance(value, list) else value.split("\n"):
            assert squeezed(part) in squeezed(pages[0]), key


def test_receipt_prints_without_pieces_or_annexes():
    (page,) = page_texts(render_receipt(receipt() | {"pieces": [], "annexes": []}))
    assert "Pièces reçues" not in page
    assert "Avis reçus" not in page
