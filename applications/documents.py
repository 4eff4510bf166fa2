"""The PDFs of a filed application: rendered once, by a worker, from what was frozen; stored privately."""

from __future__ import annotations

import hashlib

from django.core.files.base import ContentFile
from django.db import transaction

from applications.models import Application
from dossiers.models import Document, FrozenDossier

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
        pdf = _render(application, frozen, kind)
        document = Document(frozen=frozen, kind=kind, size=len(pdf), sha256=hashlib.sha256(pdf).hexdigest())
        document.file.save("", ContentFile(pdf), save=False)
        try:
            document.save()
        except BaseException:
            document.file.delete(save=False)
            raise
    return document


def _existing(frozen: FrozenDossier, kind: Kind) -> Document | None:
    return frozen.documents.filter(kind=kind).first()


def _render(application: Application, frozen: FrozenDossier, kind: Kind) -> bytes:
    from dossiers.pdf.render import render_dossier, render_receipt  # heavy, and of use to the workers alone

    if kind == Kind.RECEIPT:
        return render_receipt(application.receipt.content)
    return render_dossier(frozen.content)
