"""Annexes on paper: the code printed on them, by which a scan finds its annex again."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.core.files.uploadedfile import UploadedFile

from dossiers.models import Annex, Dossier, Piece
from dossiers.uploads import add_file

LOOSE = "annexes-papier"  # scans that no annex has yet
MOST_LOOSE = 20
MOST_SCANS = 10  # of one annex: a new sheet does not erase the former
CODE = re.compile(r"annexe-papier=([0-9a-f]{32})")


def scan_key(annex_key: str) -> str:
    """Under which a scan of this annex is kept among the pieces."""
    return f"annexe-{annex_key}"


def printed_code(annex: Annex) -> str:
    """What the QR code says, at the end of an address: a phone that reads it opens the help about paper."""
    return f"annexe-papier={annex.pk.hex}"


def add_scan(dossier: Dossier, upload: UploadedFile, annex_key: str = "") -> Piece:
    """Take the scan of one annex, or of one that its code will tell. Checked and made safe like any piece."""
    if annex_key:
        return add_file(dossier, scan_key(annex_key), upload, limit=MOST_SCANS, paper_of=annex_key)
    return add_file(dossier, LOOSE, upload, limit=MOST_LOOSE)


def annex_of_codes(dossier_pk, codes: Iterable[str]) -> Annex | None:
    """The annex of this dossier that these codes name, if they name one and one only."""
    keys = {found[1] for code in codes if (found := CODE.search(code))}
    annexes = list(Annex.objects.filter(pk__in=keys, dossier=dossier_pk)) if keys else []
    return annexes[0] if len(annexes) == 1 else None
