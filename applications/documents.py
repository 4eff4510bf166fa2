"""The PDFs of a filed application: rendered once, by a worker, from what was frozen; stored privately."""

from __future__ import annotations

import hashlib
import io
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO

from django.core.files import File
from django.db import transaction

from applications.models import Application
from applications.verification import page_address
from dossiers.models import Document, FrozenDossier, Piece, SafeCopy, new_reference

if TYPE_CHECKING:
    from dossiers.pdf.bundle import Enclosure
    from dossiers.pdf.render import Proof

Kind = Document.Kind


def obtain(application: Application, kind: Kind) -> Document | None:
    """The document of this kind; renders and stores it if that was not done yet. None while another worker does.

    The lock holds nothing but the frozen dossier, which nobody writes: rendering may take its time.
    """
    frozen = FrozenDossier.objects.get(dossier_id=application.dossier_id)
    if existing := _existing(frozen, kind):
        return existing
    with transaction.atomic():
        mine = FrozenDossier.objects.select_for_update(skip_locked=True, no_key=True).only("pk").filter(pk=frozen.pk)
        if not mine.first():
            return None
        if existing := _existing(frozen, kind):  # another worker has just done it
            return existing
        document = Document(frozen=frozen, kind=kind, reference=new_reference())
        file = _make(application, document)
        document.size, document.sha256 = file.seek(0, io.SEEK_END), _fingerprint(file)
        document.file.save("", File(file), save=False)
        try:
            document.save()
        except BaseException:
            document.file.delete(save=False)
            raise
    return document


def _existing(frozen: FrozenDossier, kind: Kind) -> Document | None:
    return frozen.documents.filter(kind=kind).first()


def _fingerprint(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest


def _make(application: Application, document: Document) -> BinaryIO:
    """Rendered, with the way to verify it, then sealed."""
    from dossiers.pdf.render import Proof, render_dossier, render_receipt  # heavy, and of use to the workers alone
    from dossiers.pdf.seal import seal

    proof = Proof(document.reference, page_address(document.reference))
    if document.kind == Kind.RECEIPT:
        file = io.BytesIO(render_receipt(application.receipt.content, proof=proof))
    elif document.kind == Kind.BUNDLE:
        file = _bundle(application, document.frozen, proof)
    else:
        file = io.BytesIO(render_dossier(document.frozen.content, proof=proof))
    seal(file)
    return file


def _bundle(application: Application, frozen: FrozenDossier, proof: Proof) -> BinaryIO:
    """The dossier as it was printed, with the pieces that were frozen, in the commission's order."""
    from dossiers.pdf.bundle import make_bundle

    dossier = obtain(application, Kind.DOSSIER)
    stored = {str(piece.pk): piece for piece in application.dossier.pieces.all()}
    with TemporaryDirectory(prefix="volume-") as folder:
        enclosures = [
            _enclosure(listed["label"], file, stored.get(file["id"]), Path(folder))
            for listed in frozen.content["pieces"]
            for file in listed["files"]
        ]
        with dossier.file.open("rb") as printed:
            return make_bundle(frozen.content, io.BytesIO(printed.read()), enclosures, proof=proof)


def _enclosure(label: str, file: dict[str, Any], piece: Piece | None, folder: Path) -> Enclosure:
    """The safe copy of a piece, brought here."""
    from dossiers.pdf.bundle import Enclosure

    if piece is None or piece.safe_copy.is_refused:
        return Enclosure(label, file, None, left_out=(piece and "fichier refusé à la vérification") or "")
    copy = piece.safe_copy
    if not copy.file.storage.exists(copy.file.name):
        return Enclosure(label, file, None)
    path = folder / str(piece.pk)
    with copy.file.open("rb") as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    return Enclosure(label, file, path, copy_sha256=copy.sha256)


def waits_for_pieces(application: Application) -> bool:
    """Whether the volume cannot be made yet: a piece is still being checked. The last verdict starts it."""
    return SafeCopy.objects.filter(piece__dossier=application.dossier_id, verdict=SafeCopy.Verdict.WAITING).exists()
