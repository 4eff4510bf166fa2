"""The PDFs of a filed application: rendered once, by a worker, from what was frozen; stored privately."""

from __future__ import annotations

import hashlib

from django.core.files.base import ContentFile
from django.db import transaction

from applications.models import Application
from dossiers.models import Document, FrozenDossier

Kind = Document.Kind


def obtain(application: Application, kind: Kind) -> Document:
    """The document of this kind; renders and stores it if that was not done yet.

    Two workers at once: the second waits for the first's lock and finds the work done.
    """
    with transaction.atomic():
        frozen = FrozenDossier.objects.select_for_update().get(dossier_id=application.dossier_id)
        if existing := frozen.documents.filter(kind=kind).first():
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


def _render(application: Application, frozen: FrozenDossier, kind: Kind) -> bytes:
    from dossiers.pdf.render import render_dossier, render_receipt  # heavy, and of use to the workers alone

    if kind == Kind.RECEIPT:
        return render_receipt(application.receipt.content)
    return render_dossier(frozen.content)
