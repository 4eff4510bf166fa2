"""Everything that a candidate gave for one application, as one ZIP file: what they may take with them at any time."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from django.core.files import File
from django.template.loader import render_to_string

from applications import filing
from applications.models import Application
from dossiers.content import dossier_content
from dossiers.models import Document, Piece
from dossiers.uploads import safe_name

IN_MEMORY = 5 * 1024 * 1024  # bytes; a larger archive is made on disk
CHUNK = 1024 * 1024


def archive(application: Application) -> BinaryIO:
    """Answers (to read, and as JSON), pieces as they were sent, and the documents made from them where filed.

    Signed opinions are in the answers: they may be communicated to the candidate (CRPA L114-7).
    """
    frozen = getattr(application.dossier, "frozen", None)
    content = frozen.content if frozen else dossier_content(application.dossier, filing.document_context(application))
    pieces = {str(piece.pk): piece for piece in application.dossier.pieces.all()}
    paths = dict(_paths(content["pieces"], pieces))
    page = {"application": application, "content": content, "paths": paths}
    out = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (the response closes it)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("dossier.html", render_to_string("applications/archive.html", page))
        zipped.writestr("dossier.json", json.dumps(content, ensure_ascii=False, indent=2))
        for key, path in paths.items():
            _add(zipped, path, pieces[key].file)
        for document in Document.objects.filter(frozen=frozen) if frozen else ():
            _add(zipped, f"documents/{document.kind}.pdf", document.file)
    out.seek(0)
    return out


def _paths(shown: list[dict[str, Any]], pieces: dict[str, Piece]) -> Iterator[tuple[str, str]]:
    """Where each file is in the archive: by piece, numbered, under its own name."""
    for piece in shown:
        for number, file in enumerate(piece["files"], start=1):
            if file["id"] in pieces and not pieces[file["id"]].safe_copy.is_refused:
                name = PurePosixPath(safe_name(file["name"])).name or "fichier"
                yield file["id"], f"pieces/{piece['key']}/{number:02d}-{name}"


def _add(zipped: zipfile.ZipFile, path: str, file: File) -> None:
    """Files are compressed already: they are stored as they are, a chunk at a time."""
    entry = zipfile.ZipInfo(path)
    with file.open("rb") as source, zipped.open(entry, "w", force_zip64=True) as target:
        for chunk in source.chunks(CHUNK):
            target.write(chunk)
