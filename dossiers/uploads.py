"""What may come in: judged by content, never by name or by what the browser says."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import warnings
from typing import BinaryIO

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from PIL import Image

from dossiers.freezing import lock_open
from dossiers.models import Dossier, Piece
from dossiers.pdf.inspection import refuse_unusable_pdf

MAX_PIXELS = 60_000_000
IMAGES = {"JPEG": "image/jpeg", "PNG": "image/png"}
ACCEPT = ".pdf,.jpg,.jpeg,.png"
FORMATS = "PDF, JPEG ou PNG"


def check(upload: UploadedFile) -> str:
    """The content type of an upload that may come in; ValidationError, with the way to fix it, otherwise."""
    if upload.size == 0:
        raise ValidationError("Ce fichier est vide. Choisissez-en un autre.")
    if upload.size > settings.UPLOAD_MAX_BYTES:
        raise ValidationError(
            f"Ce fichier pèse {filesizeformat(upload.size)} ; la limite est de "
            f"{filesizeformat(settings.UPLOAD_MAX_BYTES)}. Réduisez-le ou envoyez-le en plusieurs fois."
        )
    head = upload.read(1024)
    upload.seek(0)
    if b"%PDF-" in head:
        refuse_unusable_pdf(upload)
        content_type = "application/pdf"
    else:
        content_type = _image_type(upload)
    upload.seek(0)
    return content_type


def _image_type(upload: BinaryIO) -> str:
    refusal = ValidationError(f"Ce fichier n’est pas lisible. Les formats acceptés sont : {FORMATS}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow warns of decompression bombs before it raises
            with Image.open(upload, formats=list(IMAGES)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValidationError("Cette image a trop de pixels. Réduisez sa résolution.")
                content_type = IMAGES[image.format]
                image.verify()
    except ValidationError:
        raise
    except Exception as error:
        raise refusal from error
    return content_type


def safe_name(name: str) -> str:
    """A name to show and to offer for download: no path, no control character, at most 150 characters."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069<>:\"|?*]", "", name).strip(". ")
    stem, dot, suffix = name.rpartition(".")
    return f"{stem[:140]}{dot}{suffix[:9]}" if dot else name[:150] or "fichier"


def add_piece(dossier: Dossier, key: str, upload: UploadedFile) -> Piece:
    """Check and store one file; a piece that takes a single file is replaced. Refused on a filed dossier."""
    content_type = check(upload)
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    spec = dossier.spec.piece_by_key[key]
    piece = Piece(
        dossier=dossier,
        key=key,
        name=safe_name(upload.name or "fichier"),
        content_type=content_type,
        size=upload.size,
        sha256=digest.hexdigest(),
    )
    piece.file.save("", upload, save=False)  # the file first: a row never points to a missing file
    try:
        with transaction.atomic():
            lock_open(dossier)
            if not spec.multiple:
                for former in dossier.pieces.filter(key=key):
                    remove_piece(former)
            elif dossier.pieces.filter(key=key).count() >= spec.max_files:
                raise ValidationError(f"Cette pièce a déjà {spec.max_files} fichiers. Retirez-en un d’abord.")
            piece.save()
    except Exception:
        piece.file.delete(save=False)
        raise
    return piece


def remove_piece(piece: Piece) -> None:
    """Forget a file; its bytes go once the removal is certain."""
    with transaction.atomic():
        lock_open(piece.dossier)
        storage, name = piece.file.storage, piece.file.name
        piece.delete()
        transaction.on_commit(lambda: storage.delete(name), robust=True)
