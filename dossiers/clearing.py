"""From the file that came to the safe copy that others read: antivirus, then a safe PDF, or a refusal with its reason.

A worker does it, once: `clear` may be called again at any time. Antivirus or storage away: the piece waits, and the
sweep of beat comes back to it.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import file_digest
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO
from uuid import UUID

from django.core.files import File
from django.db import models, transaction
from django.utils import timezone

from dossiers import antivirus
from dossiers.models import Dossier, Piece, SafeCopy
from dossiers.pdf.safe import SafePdf, make_harmless
from dossiers.pdf.safe.formats import Refused

log = logging.getLogger(__name__)

Verdict = SafeCopy.Verdict
CLAIM = timedelta(minutes=6)  # longer than a task may live: whoever claimed it is dead
MAX_ATTEMPTS = 4
NEVER_ENDS = (
    "Ce fichier n’a pas pu être vérifié, après plusieurs essais. Imprimez-le vers un nouveau PDF (Imprimer, puis "
    "« Enregistrer au format PDF ») et envoyez cette copie."
)

_followers: list[Callable[[Piece, bool], None]] = []


def when_decided(function: Callable[[Piece, bool], None]):
    """Declare what follows a verdict: called with the piece and whether it was filed, in the same transaction."""
    _followers.append(function)
    return function


@contextmanager
def make_safe(file: BinaryIO) -> Iterator[SafePdf]:
    """The safe PDF of any file (`path`, `thumbnail`, `pages`, `size`, `sha256`), gone when the context ends.

    For workers: it takes seconds. `dossiers.pdf.safe.formats.Refused` where the file cannot be taken, its message in
    French; `dossiers.antivirus.Away` while the antivirus does not answer.
    """
    with NamedTemporaryFile(prefix="received-") as local:
        shutil.copyfileobj(file, local)
        local.flush()
        antivirus.scan(Path(local.name))
        with make_harmless(Path(local.name)) as safe:
            yield safe


def expect(piece: Piece) -> None:
    """A piece just came: its copy is due, and a worker is told once the transaction is certain."""
    piece.safe_copy = SafeCopy.objects.create(piece=piece)
    transaction.on_commit(lambda: _start(piece.pk), robust=True)


def _start(piece_pk: UUID) -> None:
    from dossiers.tasks import clear_piece

    clear_piece.delay(str(piece_pk))  # the broker away: beat's sweep finds what waits


def due() -> models.QuerySet[SafeCopy]:
    """The copies that wait and that no living worker is at, the oldest first."""
    free = models.Q(claimed_at=None) | models.Q(claimed_at__lt=timezone.now() - CLAIM)
    return SafeCopy.objects.filter(free, verdict=Verdict.WAITING).order_by("piece__uploaded_at", "pk")


def clear(piece_pk: UUID | str) -> None:
    """Decide on one piece, unless that is done or another worker is at it.

    A try that ends in order counts for nothing; a file that kills its worker again and again is refused.
    """
    claimed = due().filter(pk=piece_pk).update(claimed_at=timezone.now(), attempts=models.F("attempts") + 1)
    copy = SafeCopy.objects.select_related("piece").filter(pk=piece_pk).first() if claimed else None
    if copy is None:
        return
    try:
        if copy.attempts > MAX_ATTEMPTS:
            raise Refused(NEVER_ENDS)
        with copy.piece.file.open("rb") as original:
            if file_digest(original, "sha256").hexdigest() != copy.piece.sha256:
                raise OSError(f"The storage gave other bytes than those of {piece_pk}.")
            original.seek(0)
            with make_safe(original) as safe:
                accept(copy, safe)
    except Refused as refusal:
        refuse(copy, str(refusal))
    except Exception:
        SafeCopy.objects.filter(pk=piece_pk, verdict=Verdict.WAITING).update(
            claimed_at=None, attempts=models.F("attempts") - 1
        )
        raise


def accept(copy: SafeCopy, safe: SafePdf) -> bool:
    """The piece may be read by others, as this PDF. False where it was removed or decided meanwhile."""
    storage = copy.piece.file.storage
    for field, path in ((copy.file, safe.path), (copy.thumbnail, safe.thumbnail)):
        with path.open("rb") as file:
            field.save("", File(file), save=False)
    names, decided = copy.stored, False
    try:
        decided = _decide(
            copy,
            verdict=Verdict.READY,
            file=copy.file.name,
            thumbnail=copy.thumbnail.name,
            size=safe.size,
            sha256=safe.sha256,
            pages=safe.pages,
        )
    finally:
        if not decided:
            for name in names:
                storage.delete(name)
    return decided


def refuse(copy: SafeCopy, reason: str) -> bool:
    """The file cannot be taken, for this reason. False where it was removed or decided meanwhile."""
    return _decide(copy, verdict=Verdict.REFUSED, reason=reason)


def _decide(copy: SafeCopy, **values) -> bool:
    """Write the verdict with the dossier locked: a filing sees the piece before or after, and the refusal sees it."""
    with transaction.atomic():
        dossier = Dossier.objects.select_for_update(of=("self",)).get(pk=copy.piece.dossier_id)
        waiting = SafeCopy.objects.filter(pk=copy.pk, verdict=Verdict.WAITING)
        if not waiting.update(**values, decided_at=timezone.now()):
            return False
        piece = Piece.objects.get(pk=copy.pk)
        if piece.safe_copy.is_refused:
            log.warning("Refused: file %s, %s", copy.pk, piece.safe_copy.reason)
        for follow in _followers:
            follow(piece, dossier.is_frozen)
        return True
