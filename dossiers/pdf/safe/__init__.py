"""A safe PDF from any file that may come in: the work is done by a child process with bounded resources.

The child (`child.py`) knows neither Django nor the portal's secrets: it gets a path, an empty environment and limits.
A file that is too much for it costs the child, never the worker.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from dossiers.pdf.safe.formats import Refused

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[3]
KILLED = -signal.SIGKILL
OUT_OF_TIME = -signal.SIGXCPU

TOO_LONG = (
    "Ce fichier est trop long à ouvrir. Imprimez-le vers un nouveau PDF (Imprimer, puis « Enregistrer au format PDF ») "
    "ou numérisez-le, puis envoyez ce nouveau fichier."
)
TOO_HEAVY = (
    "Ce fichier prend trop de place une fois ouvert. Imprimez-le vers un nouveau PDF (Imprimer, puis « Enregistrer au "
    "format PDF ») ou envoyez-le en plusieurs parties."
)
UNREADABLE = (
    "Ce fichier est abîmé et ne s’ouvre pas. Enregistrez-le de nouveau depuis son logiciel d’origine, au format PDF, "
    "puis envoyez cette copie."
)


@dataclass(frozen=True)
class Limits:
    """What a child may use: bytes of memory and of each file, seconds of processor and of patience."""

    memory: int = 1024**3
    cpu: int = 30
    wall: int = 90
    file: int = 64 * 1024**2


@dataclass(frozen=True)
class SafePdf:
    """What came out. path, thumbnail: files in a folder that goes when the context ends. usage: what it took."""

    path: Path
    thumbnail: Path
    pages: int
    size: int
    sha256: str
    usage: dict[str, float]


@contextmanager
def make_harmless(source: Path, limits: Limits = Limits()) -> Iterator[SafePdf]:
    """The safe PDF of the file at `source`; Refused, with the way to fix it in French, where there is none."""
    with TemporaryDirectory(prefix="piece-") as folder:
        result = _run(source.resolve(), Path(folder).resolve(), limits)
        if reason := result.get("refused"):
            raise Refused(reason)
        path = Path(folder) / "safe.pdf"
        with path.open("rb") as file:
            if file.read(5) != b"%PDF-":
                raise Refused(UNREADABLE)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        thumbnail = Path(folder) / "thumbnail.jpg"
        yield SafePdf(path, thumbnail, result["pages"], path.stat().st_size, digest, result["usage"])


def _run(source: Path, folder: Path, limits: Limits) -> dict:
    """The child's answer, or what its end says."""
    command = [sys.executable, "-sE", "-m", "dossiers.pdf.safe.child", source, folder, json.dumps(asdict(limits))]
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder)}
    try:
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=limits.wall,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"refused": TOO_LONG}
    if ended.returncode in {OUT_OF_TIME, KILLED}:
        return {"refused": TOO_LONG}
    answer = folder / "answer.json"
    if ended.returncode or not answer.exists():
        log.error("A file broke its child (%s): %s", ended.returncode, ended.stderr[-2000:].decode(errors="replace"))
        return {"refused": UNREADABLE}
    result = json.loads(answer.read_text())
    _tell_once(tuple(name for name, obtained in result["confined"].items() if not obtained))
    return result


@cache
def _tell_once(lacking: tuple[str, ...]) -> None:
    if lacking:
        log.warning("This kernel does not let the child that opens files be confined: %s.", ", ".join(lacking))
