"""One volume to read a whole dossier: bordereau, dossier, then each piece in the commission's order.

The pages are copied, not redrawn; the originals are kept apart, untouched. A volume holds what others made: it makes no
claim to PDF/A or PDF/UA, unlike the dossier that it contains.
"""

from __future__ import annotations

import io
import logging
import os
import resource
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO

import pikepdf
from django.template.loader import render_to_string
from pikepdf import Array, Dictionary, Name, OutlineItem
from PIL import Image, ImageOps

from dossiers.pdf import printable
from dossiers.pdf.limits import address_space
from dossiers.pdf.render import Proof, write_pdf
from dossiers.pdf.safe.documents import MAX_PAGES

log = logging.getLogger(__name__)

A4 = (595.28, 841.89)
MARGIN = 36  # around a picture, in points
PICTURE = (2480, 3508)  # A4 at 300 dots an inch: a bigger one is made smaller
TRIAL_SECONDS = 20
TRIAL_MEMORY = 1024**3
STAMP_SIZE = 7


@dataclass
class Enclosure:
    """A file of the dossier. path: its safe copy, here; None where there is none. copy_sha256: what it must be.

    left_out: why it is not in the volume, in French.
    """

    label: str
    file: Mapping[str, Any]
    path: Path | None
    copy_sha256: str = ""
    pages: int = 0
    first_page: int = 0
    left_out: str = ""

    @property
    def told(self) -> str:
        return printable.clean(f"{self.label} – {self.file['name']}")

    @property
    def is_pdf(self) -> bool:
        return bool(self.copy_sha256) or self.file["content_type"] == "application/pdf"


def make_bundle(
    content: Mapping[str, Any], dossier: BinaryIO, enclosures: list[Enclosure], *, proof: Proof | None = None
) -> io.BytesIO:
    """The volume, from the frozen content, its dossier as it was printed, and its pieces."""
    _judge(enclosures)
    with pikepdf.open(dossier) as volume:
        _forget_seal(volume)
        bordereau = _bordereau(content, enclosures, len(volume.pages), proof)
        with pikepdf.open(bordereau) as first:
            opening = len(first.pages)
            for position, page in enumerate(first.pages):
                volume.pages.insert(position, _sheet(volume, page, "Bordereau"))
            _add_pieces(volume, enclosures)
        _add_bookmarks(volume, content, opening, enclosures)
        _stamp(volume, content["context"]["number"])
        out = io.BytesIO()
        volume.save(out)
    return out


# What may come in


def _judge(enclosures: list[Enclosure]) -> None:
    """Count the pages of each piece, and leave out those that are not what was filed or that cannot be read."""
    for enclosure in enclosures:
        if enclosure.path is None:
            enclosure.left_out = enclosure.left_out or "fichier absent du stockage"
        elif _sha256(enclosure.path) != (enclosure.copy_sha256 or enclosure.file["sha256"]):
            enclosure.left_out = "fichier différent de celui qui a été déposé"
    waiting = [enclosure for enclosure in enclosures if not enclosure.left_out]
    while waiting:  # a child that dies takes along the piece it was at, and no other
        answers = list(_try_out(waiting))
        for enclosure, pages in zip(waiting, answers, strict=False):
            enclosure.pages = pages
            enclosure.left_out = "" if pages else "fichier illisible"
        waiting = waiting[len(answers) :]
        if waiting:
            waiting.pop(0).left_out = "fichier illisible"
    for enclosure in enclosures:
        if enclosure.left_out:
            log.warning("Left out of the volume: %s (%s)", enclosure.file["sha256"], enclosure.left_out)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _try_out(enclosures: list[Enclosure]) -> Iterator[int]:
    """The number of pages of each (0: unreadable), found by a child process with bounded time and memory."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_CPU, (TRIAL_SECONDS, TRIAL_SECONDS))
            resource.setrlimit(resource.RLIMIT_AS, (address_space() + TRIAL_MEMORY, resource.RLIM_INFINITY))
            for enclosure in enclosures:
                os.write(writing, _readable_pages(enclosure).to_bytes(2, "big"))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        while len(answer := answers.read(2)) == 2:
            yield int.from_bytes(answer, "big")
    os.waitpid(child, 0)


def _readable_pages(enclosure: Enclosure) -> int:
    """How many pages it has once copied: the very work that the volume needs, done apart first."""
    try:
        with pikepdf.new() as trial:
            _append(trial, enclosure)
            return len(trial.pages)
    except Exception:
        return 0


# Pages


def _append(volume: pikepdf.Pdf, enclosure: Enclosure) -> None:
    if not enclosure.is_pdf:
        _append_picture(volume, enclosure)
        return
    with pikepdf.open(enclosure.path) as pdf:
        if not 1 <= len(pdf.pages) <= MAX_PAGES:
            raise ValueError(f"{len(pdf.pages)} pages")
        if "/AcroForm" in pdf.Root:  # what was typed and ticked becomes part of the page
            pdf.generate_appearance_streams()
            pdf.flatten_annotations()
        for number, page in enumerate(pdf.pages, start=1):
            told = f"{enclosure.told}, page {number}"
            volume.pages.append(_sheet(volume, page, told))


def _sheet(volume: pikepdf.Pdf, page: pikepdf.Page, told: str) -> pikepdf.Page:
    """What is seen of a page, upright, on a page of ours: no script, no link, no tag of another document."""
    has_text = "/Font" in page.resources
    box = [float(value) for value in page.trimbox]
    width, height = box[2] - box[0], box[3] - box[1]
    if int(page.obj.get("/Rotate", 0)) % 180:
        width, height = height, width
    seen = volume.copy_foreign(page.as_form_xobject())
    return _tagged_page(volume, seen, (width, height), "q /Seen Do Q", "P" if has_text else "Figure", told)


def _append_picture(volume: pikepdf.Pdf, enclosure: Enclosure) -> None:
    """A picture on a page of its own, upright, with its name for those who cannot see it."""
    with Image.open(enclosure.path, formats=["JPEG", "PNG"]) as source:
        source.draft("RGB", PICTURE)
        picture = ImageOps.exif_transpose(source)
        picture.thumbnail(PICTURE)
        if "A" in picture.getbands() or picture.mode == "P":
            rgba = picture.convert("RGBA")
            picture = Image.new("RGB", rgba.size, "white")
            picture.paste(rgba, mask=rgba.getchannel("A"))
        data = io.BytesIO()
        picture.convert("RGB").save(data, "JPEG", quality=85)
    image = volume.make_stream(
        data.getvalue(),
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=picture.width,
        Height=picture.height,
        ColorSpace=Name.DeviceRGB,
        BitsPerComponent=8,
        Filter=Name.DCTDecode,
    )
    sheet = A4 if picture.height >= picture.width else A4[::-1]
    scale = min((sheet[0] - 2 * MARGIN) / picture.width, (sheet[1] - 2 * MARGIN) / picture.height)
    width, height = picture.width * scale, picture.height * scale
    left, bottom = (sheet[0] - width) / 2, (sheet[1] - height) / 2
    drawing = f"q {width:.2f} 0 0 {height:.2f} {left:.2f} {bottom:.2f} cm /Seen Do Q"
    volume.pages.append(_tagged_page(volume, image, sheet, drawing, "Figure", enclosure.told))


def _tagged_page(
    volume: pikepdf.Pdf, seen: pikepdf.Object, size: tuple[float, float], drawing: str, role: str, told: str
) -> pikepdf.Page:
    """A page that shows `seen`, under a tag of its own: readers aloud skip what no tag names."""
    page = volume.make_indirect(
        Dictionary(
            Type=Name.Page,
            MediaBox=Array([0, 0, *size]),
            Resources=Dictionary(XObject=Dictionary(Seen=seen)),
            Contents=volume.make_stream(f"/{role} <</MCID 0>> BDC {drawing} EMC".encode()),
        )
    )
    if "/StructTreeRoot" in volume.Root:
        root = volume.Root.StructTreeRoot
        document = root.K[0] if isinstance(root.K, Array) else root.K
        element = volume.make_indirect(
            Dictionary(Type=Name.StructElem, S=Name(f"/{role}"), P=document, Pg=page, K=0, T=pikepdf.String(told))
        )
        if role == "Figure":
            element.Alt = pikepdf.String(told)
        document.K.append(element)
        numbers = root.ParentTree.Nums
        page.StructParents = int(numbers[-2]) + 1
        numbers.extend([page.StructParents, Array([element])])
    return pikepdf.Page(page)


def _add_pieces(volume: pikepdf.Pdf, enclosures: list[Enclosure]) -> None:
    for enclosure in enclosures:
        if not enclosure.left_out:
            _append(volume, enclosure)


def _forget_seal(volume: pikepdf.Pdf) -> None:
    """The seal and the standards' marks are the dossier's own: the volume has its seal, and no mark."""
    for key in ("/AcroForm", "/Perms", "/Metadata", "/DSS"):
        if key in volume.Root:
            del volume.Root[key]
    for page in volume.pages:
        if "/Annots" in page.obj:
            kept = [item for item in page.obj.Annots if item.get("/Subtype") != Name.Widget]
            page.obj.Annots = Array(kept)


# The bordereau


def _bordereau(
    content: Mapping[str, Any], enclosures: list[Enclosure], dossier_pages: int, proof: Proof | None
) -> io.BytesIO:
    """The inventory, with the page where each piece begins: printed again in the rare case of more than one page."""
    opening = 1
    while True:
        position = opening + dossier_pages + 1
        for enclosure in enclosures:
            enclosure.first_page = position
            position += enclosure.pages if not enclosure.left_out else 0
        variables = {
            "context": printable.clean(content["context"]),
            "dossier_page": opening + 1,
            "dossier_pages": dossier_pages,
            "pieces": [_row(enclosure) for enclosure in enclosures],
            "total_pages": position - 1,
            "proof": proof,
        }
        file = io.BytesIO(write_pdf(render_to_string("documents/bordereau.html", variables)))
        with pikepdf.open(file) as pdf:
            pages = len(pdf.pages)
        if pages == opening:
            return file
        opening = pages


def _row(enclosure: Enclosure) -> dict[str, Any]:
    row = printable.clean({"label": enclosure.label} | dict(enclosure.file))
    return row | {"first_page": enclosure.first_page, "pages": enclosure.pages, "left_out": enclosure.left_out}


def _add_bookmarks(volume: pikepdf.Pdf, content: Mapping[str, Any], opening: int, enclosures: list[Enclosure]) -> None:
    with volume.open_outline() as outline:
        dossier = OutlineItem("Dossier", opening)
        dossier.children.extend(outline.root)
        dossier.is_closed = True
        outline.root[:] = [OutlineItem("Bordereau", 0), dossier]
        for enclosure in enclosures:
            if not enclosure.left_out:
                outline.root.append(OutlineItem(enclosure.told, enclosure.first_page - 1))
    volume.docinfo[Name.Title] = f"Dossier n° {content['context']['number']} – volume complet"


# The stamp


def _stamp(volume: pikepdf.Pdf, number: str) -> None:
    """Number and page at the foot of each page, whatever was drawn under it."""
    font = volume.make_indirect(
        Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
    )
    total = len(volume.pages)
    for position, page in enumerate(volume.pages, start=1):
        name = page.add_resource(font, Name.Font, Name.Tampon)
        text = f"Dossier {number} - page {position} / {total}"
        drawing = _stamp_drawing(text, name, page)
        page.contents_add(b"q", prepend=True)
        page.contents_add(b"Q " + drawing)


def _stamp_drawing(text: str, font: Name, page: pikepdf.Page) -> bytes:
    left, bottom, *_ = (float(value) for value in page.mediabox)
    width = len(text) * STAMP_SIZE * 0.55
    encoded = text.encode("cp1252", "replace").hex()
    return (
        f"/Artifact BMC q 1 0 0 1 {left} {bottom} cm 1 g 34 5 {width:.1f} 9 re f 0.13 0.19 0.37 rg "
        f"BT {font} {STAMP_SIZE} Tf 36 7 Td <{encoded}> Tj ET Q EMC"
    ).encode()
