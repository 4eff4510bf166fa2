"""Everything that a candidate gave for one application, as one ZIP file: what they may take with them at any time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.core.files import File
from django.template.loader import render_to_string

from applications import documents, filing
from applications.models import Application
from dossiers import paper
from dossiers.content import dossier_content
from dossiers.models import Piece, Question
from dossiers.uploads import safe_name


@dataclass(frozen=True)
class Given:
    """A file as it was sent. path: where it is in the archive; none for one that was refused, told with why."""

    piece: Piece
    path: str


def entries(application: Application) -> Iterator[tuple[str, bytes | File]]:
    """Answers (to read, and as JSON), files as they were sent, and the documents made from them where filed.

    Signed opinions are there, those that came after the filing too: they may be communicated to the candidate (CRPA
    L114-7). What was typed is there as it was typed, asked for still or no longer.
    """
    dossier = application.dossier
    frozen = getattr(dossier, "frozen", None)
    content = frozen.content if frozen else dossier_content(dossier, filing.document_context(application))
    late = {annex["key"]: annex for annex in documents.late_opinions(application)} if frozen else {}
    by_key: dict[str, list[Piece]] = {}
    for piece in dossier.pieces.order_by("uploaded_at", "pk"):
        by_key.setdefault(piece.key, []).append(piece)
    pieces = [
        (piece["label"], _given(by_key.pop(piece["key"], ()), f"pieces/{piece['key']}")) for piece in content["pieces"]
    ]
    annexes = [
        (
            annex,
            late.get(annex["key"]),
            _given(by_key.pop(paper.scan_key(annex["key"]), ()), f"annexes/{annex['key']}"),
            Question.objects.filter(annex__dossier=dossier, annex__key=annex["key"]).order_by("pk"),
        )
        for annex in content["annexes"]
    ]
    loose = _given(by_key.pop(paper.LOOSE, ()), "annexes/sans-annexe")
    others = _given((piece for rest in by_key.values() for piece in rest), "pieces/autres")  # no longer asked for
    page = {"application": application, "content": content, "pieces": pieces, "annexes": annexes}
    page |= {"loose": loose, "others": others}
    yield "dossier.html", render_to_string("applications/archive.html", page).encode()
    yield "dossier.json", _json(content)
    yield "reponses-saisies.json", _json({row.section: row.raw for row in dossier.answers.all()})
    if late:
        yield "avis-apres-le-depot.json", _json(list(late.values()))
    for files in [*(given for _, given in pieces), *(given for *_, given, _ in annexes), loose, others]:
        yield from ((file.path, file.piece.file) for file in files if file.path)
    for document in documents.latest(application).values() if frozen else ():
        yield f"documents/{document.kind}.pdf", document.file


def _given(pieces: Iterable[Piece], folder: str) -> list[Given]:
    """Numbered, under their own names."""
    return [
        Given(piece, "" if piece.safe_copy.is_refused else f"{folder}/{number:02d}-{_name(piece.name)}")
        for number, piece in enumerate(pieces, start=1)
    ]


def _name(name: str) -> str:
    return PurePosixPath(safe_name(name)).name or "fichier"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode()
