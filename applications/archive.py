"""Everything that a candidate gave for one application, as one ZIP file: what they may take with them at any time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from django.core.files import File
from django.template.loader import render_to_string

from applications import documents, filing
from applications.models import Application
from dossiers import paper
from dossiers.content import dossier_content
from dossiers.models import Piece
from dossiers.uploads import safe_name


def entries(application: Application) -> Iterator[tuple[str, bytes | File]]:
    """Answers (to read, and as JSON), files as they were sent, and the documents made from them where filed.

    Signed opinions are in the answers: they may be communicated to the candidate (CRPA L114-7).
    """
    frozen = getattr(application.dossier, "frozen", None)
    content = frozen.content if frozen else dossier_content(application.dossier, filing.document_context(application))
    pieces = {str(piece.pk): piece for piece in application.dossier.pieces.all()}
    scans = [(annex, _scans(annex["key"], pieces)) for annex in content["annexes"]]
    paths = dict(_paths(content["pieces"], pieces)) | {key: path for _, found in scans for key, path in found}
    page = {"application": application, "content": content, "paths": paths, "annexes": scans}
    yield "dossier.html", render_to_string("applications/archive.html", page).encode()
    yield "dossier.json", json.dumps(content, ensure_ascii=False, indent=2).encode()
    for key, path in paths.items():
        yield path, pieces[key].file
    for document in documents.latest(application).values() if frozen else ():
        yield f"documents/{document.kind}.pdf", document.file


def _paths(shown: list[dict[str, Any]], pieces: dict[str, Piece]) -> Iterator[tuple[str, str]]:
    """Where each file is in the archive: by piece, numbered, under its own name."""
    for piece in shown:
        for number, file in enumerate(piece["files"], start=1):
            if file["id"] in pieces and not pieces[file["id"]].safe_copy.is_refused:
                yield file["id"], f"pieces/{piece['key']}/{number:02d}-{_name(file['name'])}"


def _scans(key: str, pieces: dict[str, Piece]) -> list[tuple[str, str]]:
    """The sheets signed by hand of one annex, those that came after the filing too."""
    found = [piece for piece in pieces.values() if piece.key == paper.scan_key(key) and not piece.safe_copy.is_refused]
    return [
        (str(piece.pk), f"annexes/{key}/{number:02d}-{_name(piece.name)}")
        for number, piece in enumerate(sorted(found, key=lambda piece: piece.uploaded_at), start=1)
    ]


def _name(name: str) -> str:
    return PurePosixPath(safe_name(name)).name or "fichier"
