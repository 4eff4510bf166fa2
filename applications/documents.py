"""The PDFs of a filed application: rendered once, by a worker, from what was frozen; stored privately."""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO

from django.core.files import File
from django.db import transaction

from applications.models import Application
from applications.verification import page_address
from dossiers.models import Document, FrozenDossier, new_reference

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
    else:
        file = io.BytesIO(render_dossier(document.frozen.content, proof=proof))
    seal(file)
    return file
