"""What comes in: taken or refused at once by what it is, then checked and made safe by the worker."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import Storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q

from dossiers import clearing
from dossiers.freezing import lock_open
from dossiers.models import Dossier, Piece, SafeCopy
from dossiers.pdf.safe import formats
from portal.french import file_size

ACCEPT = ".pdf,.jpg,.jpeg,.png,.heic,.heif,.docx,.odt,application/pdf,image/jpeg,image/png,image/heic,image/heif"
FORMATS = formats.TAKEN


def check(upload: UploadedFile) -> str:
    """The content type of an upload that may come in; ValidationError, with the way to fix it, otherwise.

    Cheap whatever the file holds: what takes time or memory is the worker's (`dossiers.clearing`).
    """
    if upload.size > settings.UPLOAD_MAX_BYTES:
        raise ValidationError(
            f"Ce fichier pèse {file_size(upload.size)} ; la limite est de "
            f"{file_size(settings.UPLOAD_MAX_BYTES)}. Réduisez-le ou envoyez-le en plusieurs fois."
        )
    try:
        return formats.content_type(upload)
    except formats.Refused as refusal:
        raise ValidationError(str(refusal)) from refusal
    finally:
        upload.seek(0)


def safe_name(name: str) -> str:
    """A name to show and to offer for download: no path, no control character, at most 150 characters."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069<>:\"|?*]", "", name).strip(". ")
    stem, dot, suffix = name.rpartition(".")
    return f"{stem[:140]}{dot}{suffix[:9]}" if dot else name[:150] or "fichier"


def add_piece(dossier: Dossier, key: str, upload: UploadedFile, *, replaces: Piece | None = None) -> Piece:
    """Take one file of this piece; one that takes a single file is replaced. Refused on a filed dossier."""
    spec = dossier.spec.piece_by_key[key]
    return add_file(dossier, key, upload, replaces=replaces, limit=spec.max_files if spec.multiple else 1)


def add_file(
    dossier: Dossier,
    key: str,
    upload: UploadedFile,
    *,
    replaces: Piece | None = None,
    limit: int = 1,
    paper_of: str = "",
) -> Piece:
    """Check and store one file under any key; its safe copy follows (`Piece.safe_copy`, `dossiers.clearing`).

    The same file sent again, as after a lost connection, is taken once. limit: how many files the key may have; where
    it is 1, a new file replaces the former. ValidationError for a file that cannot be taken, DossierFrozen once filed
    (but for the scan of an annex that is still awaited, `paper_of`).
    """
    content_type = check(upload)
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    piece = Piece(
        dossier=dossier,
        key=key,
        name=safe_name(upload.name or "fichier"),
        content_type=content_type,
        size=upload.size,
        sha256=digest.hexdigest(),
    )
    if same := _already_there(piece):
        return same
    piece.file.save("", upload, save=False)  # the file first: a row never points to a missing file
    try:
        with transaction.atomic():
            filed = lock_open(dossier, paper_of=paper_of).is_frozen
            same = _already_there(piece)
            if not same:
                _make_room(piece, replaces, limit, keeps_all=filed)
                piece.save()
                clearing.expect(piece)
    except BaseException:
        piece.file.delete(save=False)
        raise
    if same:
        piece.file.delete(save=False)
    return same or piece


def _already_there(piece: Piece) -> Piece | None:
    """The same bytes under the same name; a refused file is judged again when it comes back."""
    same = piece.dossier.pieces.filter(key=piece.key, sha256=piece.sha256, name=piece.name)
    return same.exclude(safe_copy__verdict=SafeCopy.Verdict.REFUSED).first()


def _make_room(piece: Piece, replaces: Piece | None, limit: int, *, keeps_all: bool) -> None:
    """keeps_all: nothing of a filed dossier goes away."""
    present = list(piece.dossier.pieces.filter(key=piece.key))
    gone = present if limit == 1 else [other for other in present if _gives_way(other, piece, replaces)]
    former = [] if keeps_all else gone
    if len(present) - len(former) >= limit:
        raise ValidationError(f"Cette pièce a déjà {limit} fichiers. Retirez-en un d’abord.")
    for other in former:
        remove_piece(other)


def _gives_way(other: Piece, piece: Piece, replaces: Piece | None) -> bool:
    """The one that was named, and a refused file that comes again, mended, under its name."""
    if replaces and other.pk == replaces.pk:
        return True
    return other.safe_copy.is_refused and other.name == piece.name and other.signed_annex() is None


def remove_piece(piece: Piece) -> None:
    """Forget a file and its safe copy; their bytes go once the removal is certain.

    ValidationError for the scan of a signed annex: its opinion stands on it.
    """
    with transaction.atomic():
        lock_open(piece.dossier)
        copy = SafeCopy.objects.filter(pk=piece.pk).first()
        if copy is None:  # removed already, by a double click
            return
        if annex := piece.signed_annex():
            raise ValidationError(
                f"« {piece.name} » est le scan sur lequel l’annexe {annex.spec.number} est signée : il reste. "
                "S’il n’est pas le bon, ouvrez cette annexe et déposez-y le scan qui le remplace."
            )
        storage = piece.file.storage
        names = [piece.file.name, *copy.stored]
        piece.delete()
        transaction.on_commit(lambda: forget_bytes(storage, names), robust=True)


def forget_bytes(storage: Storage, names: Iterable[str]) -> None:
    """But for those that another dossier of the same person holds too (`dossiers.carrying`)."""
    for name in names:
        copied = Q(file=name) | Q(thumbnail=name)
        if not Piece.objects.filter(file=name).exists() and not SafeCopy.objects.filter(copied).exists():
            storage.delete(name)


def add_pieces(
    dossier: Dossier, key: str, uploads: Iterable[UploadedFile], *, replaces: Piece | None = None
) -> tuple[list[Piece], dict[str, str]]:
    """Take several files of one piece: those that are taken, and the reason for each that is not, by its name."""
    taken, refused = [], {}
    for upload in uploads:
        try:
            taken.append(add_piece(dossier, key, upload, replaces=replaces))
        except ValidationError as error:
            refused[safe_name(upload.name or "fichier")] = " ".join(error.messages)
    return taken, refused
