"""Erasing a dossier, filed or not, with its files: the one place where what was filed goes (docs/adr/0041)."""

from __future__ import annotations

import pgtrigger
from django.core.files.storage import default_storage
from django.db import transaction

from dossiers.models import Annex, Document, Dossier, FrozenDossier, Piece, SignOff
from dossiers.uploads import forget_bytes

# The guards of what was filed or signed, lifted here by their names.
GUARDS = (
    "dossiers.Dossier:filed_stays_filed",
    "dossiers.SectionAnswers:frozen_answers",
    "dossiers.Piece:frozen_pieces",
    "dossiers.Annex:frozen_annexes",
    "dossiers.SignOff:sign_off_is_final",
    "dossiers.FrozenDossier:filed_is_final",
    "dossiers.Document:document_is_final",
)


@transaction.atomic
def erase_dossier(dossier: Dossier) -> None:
    """Every row of it, then its stored bytes once that is certain: those that a killed worker leaves are orphans.

    Called with its row locked. IntegrityError where another dossier stands on one of its opinions.
    """
    pieces = list(Piece.objects.filter(dossier=dossier))
    given = [name for piece in pieces for name in (piece.file.name, *piece.safe_copy.stored)]
    printed = list(Document.objects.filter(frozen__dossier=dossier).values_list("file", flat=True))
    with pgtrigger.ignore(*GUARDS):
        Annex.objects.filter(dossier=dossier).update(sign_off=None, scan=None)
        SignOff.objects.filter(annex__dossier=dossier).delete()
        Document.objects.filter(frozen__dossier=dossier).delete()
        FrozenDossier.objects.filter(dossier=dossier).delete()
        dossier.delete()
    transaction.on_commit(lambda: forget_bytes(default_storage, given), robust=True)
    transaction.on_commit(lambda: [default_storage.delete(name) for name in printed], robust=True)
