"""What a file is, from its content: cheap and bounded, so that a request can ask it."""

from __future__ import annotations

import zipfile
from typing import BinaryIO

PDF = "application/pdf"
JPEG = "image/jpeg"
PNG = "image/png"
HEIC = "image/heic"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODT = "application/vnd.oasis.opendocument.text"
TAKEN = "PDF, JPEG, PNG, HEIC, Word (DOCX) ou LibreOffice (ODT)"

HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
HEAD = 1024  # where readers look for the beginning of a PDF
OFFICE_MAX_DIRECTORY = 1024**2
OFFICE_MAX_BYTES = 200 * 1024**2

AS_PDF = "Ouvrez-le et enregistrez-le au format PDF, puis envoyez ce PDF."
AS_JPEG = "Enregistrez-la en JPEG ou en PNG, puis envoyez cette copie."
NOT_TAKEN = {
    b"GIF8": f"Les images GIF ne sont pas acceptées. {AS_JPEG}",
    b"RIFF": f"Ce format d’image n’est pas accepté. {AS_JPEG}",
    b"II*\0": f"Les images TIFF ne sont pas acceptées. {AS_JPEG}",
    b"MM\0*": f"Les images TIFF ne sont pas acceptées. {AS_JPEG}",
    b"BM": f"Les images BMP ne sont pas acceptées. {AS_JPEG}",
    b"<svg": f"Les dessins SVG ne sont pas acceptés. {AS_JPEG}",
    b"{\\rtf": f"Les documents RTF ne sont pas acceptés. {AS_PDF}",
    b"MZ": "Ce fichier est un programme. Choisissez un document.",
    b"\x7fELF": "Ce fichier est un programme. Choisissez un document.",
    b"#!": "Ce fichier est un programme. Choisissez un document.",
    b"Rar!": "Ce fichier est une archive. Sortez-en les documents et envoyez-les un par un.",
    b"7z\xbc\xaf": "Ce fichier est une archive. Sortez-en les documents et envoyez-les un par un.",
    b"\x1f\x8b": "Ce fichier est une archive. Sortez-en les documents et envoyez-les un par un.",
}


class Refused(Exception):
    """A file that cannot be taken; the message, in French, says why and what to do."""


def content_type(file: BinaryIO) -> str:
    """The type of a file that may come in, whatever its name; Refused otherwise. `file` is seekable."""
    file.seek(0)
    head = file.read(HEAD)
    if not head:
        raise Refused("Ce fichier est vide. Choisissez-en un autre.")
    if b"%PDF-" in head:
        return PDF
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS:
        return HEIC
    if head.startswith(b"PK\x03\x04"):
        return _office_type(file)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise _old_office(file)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, reason in NOT_TAKEN.items():
        if start.startswith(magic):
            raise Refused(reason)
    if head[4:8] == b"ftyp":
        raise Refused(f"Ce fichier est une vidéo ou une image d’un format qui n’est pas accepté. {AS_JPEG}")
    raise Refused(f"Ce fichier n’est pas lisible. Les formats acceptés sont : {TAKEN}.")


def _office_type(file: BinaryIO) -> str:
    """DOCX or ODT, from the inventory of the archive: its size is known before it is read."""
    broken = Refused(f"Ce document est abîmé ou incomplet. {AS_PDF}")
    try:
        end = zipfile._EndRecData(file)  # where and how large the inventory is
        if not end or end[zipfile._ECD_SIZE] > OFFICE_MAX_DIRECTORY:
            raise broken
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            if sum(member.file_size for member in members) > OFFICE_MAX_BYTES:
                raise Refused(f"Ce document prend trop de place une fois ouvert. {AS_PDF}")
            if any(member.flag_bits & 1 for member in members):
                raise Refused("Cette archive demande un mot de passe. Envoyez chaque document, sans mot de passe.")
            if "[Content_Types].xml" in names and "word/document.xml" in names:
                return DOCX
            if "mimetype" in names and "content.xml" in names:
                with archive.open("mimetype") as mimetype:
                    declared = mimetype.read(100).decode("ascii", "replace").strip()
                if declared == ODT:
                    return ODT
            if "[Content_Types].xml" in names or "mimetype" in names:
                raise Refused(f"Les tableurs et les présentations ne sont pas acceptés. {AS_PDF}")
    except Refused:
        raise
    except Exception as error:
        raise broken from error
    raise Refused("Ce fichier est une archive. Sortez-en les documents et envoyez-les un par un.")


def _old_office(file: BinaryIO) -> Refused:
    file.seek(0)
    if "EncryptedPackage".encode("utf-16-le") in file.read(64 * 1024):
        return Refused("Ce document Word est protégé par un mot de passe. Enregistrez-le sans mot de passe, en PDF.")
    return Refused(f"Ce document vient d’une ancienne version de Word. {AS_PDF}")
