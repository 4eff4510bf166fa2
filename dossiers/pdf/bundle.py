"""One volume to read a whole dossier: bordereau, dossier, then each piece in the commission's order.

The pages are copied, not redrawn; the originals are kept apart, untouched. The volume is PDF/A-3a and PDF/UA-1 as the
dossier is, and says so, when all that it holds is known to conform; otherwise it makes no claim (docs/adr/0037).
"""

from __future__ import annotations

import io
import logging
import os
import resource
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import pikepdf
from django.template.loader import render_to_string
from pikepdf import Array, Dictionary, Matrix, Name, OutlineItem, Rectangle

from dossiers.pdf import printable
from dossiers.pdf.archivable import is_archivable, shows_every_character
from dossiers.pdf.limits import address_space
from dossiers.pdf.render import Proof, write_pdf
from dossiers.pdf.safe.documents import MAX_PAGES
from dossiers.pdf.stamp import stamp

log = logging.getLogger(__name__)

TRIAL_SECONDS = 20
TRIAL_MEMORY = 1024**3
SMALLEST_SIDE = 298  # points, the width of an A6: a smaller page would not hold its stamp
SIGNED = ("label", "signed_by", "signed_at_display", "sha256")


@dataclass
class Enclosure:
    """A file of the dossier. path: its safe copy, here; None where there is none. left_out: why, in French.

    is_archivable: it is known to conform to what the volume may claim.
    """

    label: str
    file: Mapping[str, Any]
    path: Path | None
    left_out: str = ""
    pages: int = 0
    first_page: int = 0
    is_archivable: bool = False

    @property
    def told(self) -> str:
        return printable.clean(f"{self.label} – {self.file['name']}")


@dataclass
class Supplement:
    """An opinion that came after the filing, printed as the dossier is. sha256: of what was signed."""

    label: str
    pdf: BinaryIO
    signed_by: str
    signed_at_display: str
    sha256: str
    first_page: int = 0


def make_bundle(
    content: Mapping[str, Any],
    dossier: BinaryIO,
    enclosures: list[Enclosure],
    *,
    proof: Proof | None = None,
    supplements: Sequence[Supplement] = (),
) -> BinaryIO:
    """The volume, from the frozen content, its dossier as it was printed, and its pieces. Closed, its file is gone."""
    _judge(enclosures)
    joined = [enclosure for enclosure in enclosures if not enclosure.left_out]
    with pikepdf.open(dossier) as volume:
        _forget_seal(volume)
        dossier_pages = len(volume.pages)
        for supplement in supplements:
            supplement.first_page = len(volume.pages)  # the bordereau comes before
            with pikepdf.open(supplement.pdf) as pdf:
                _join(volume, pdf, len(volume.pages))
        bordereau = _bordereau(content, supplements, enclosures, dossier_pages, len(volume.pages), proof)
        with pikepdf.open(bordereau) as pdf:
            opening = len(pdf.pages)
            _join(volume, pdf, 0)
        for enclosure in joined:
            with pikepdf.open(enclosure.path) as pdf:
                _append(volume, pdf, enclosure.told)
        _add_bookmarks(volume, opening, supplements, joined)
        stamp(volume, content["context"]["number"])
        title = f"Dossier n° {content['context']['number']} – volume complet"
        conforms = all(enclosure.is_archivable for enclosure in joined) and shows_every_character(volume)
        _say_what_it_is(volume, title, conforms=conforms)
        out = TemporaryFile(prefix="volume-")  # noqa: SIM115 (for the caller to close)
        volume.save(out, fix_metadata_version=False)
    return out


# What may come in


def _judge(enclosures: list[Enclosure]) -> None:
    """Count the pages of each piece, and leave out those that cannot be read."""
    for enclosure in enclosures:
        if enclosure.path is None:
            enclosure.left_out = enclosure.left_out or "fichier absent du stockage"
    waiting = [enclosure for enclosure in enclosures if not enclosure.left_out]
    while waiting:  # a child that dies takes along the piece it was at, and no other
        answers = list(_try_out(waiting))
        for enclosure, (pages, archivable) in zip(waiting, answers, strict=False):
            enclosure.pages, enclosure.is_archivable = pages, archivable
            enclosure.left_out = "" if pages else "fichier illisible"
        waiting = waiting[len(answers) :]
        if waiting:
            waiting.pop(0).left_out = "fichier illisible"
    for enclosure in enclosures:
        if enclosure.left_out:
            log.warning("Left out of the volume: %s (%s)", enclosure.file["sha256"], enclosure.left_out)


def _try_out(enclosures: list[Enclosure]) -> Iterator[tuple[int, bool]]:
    """The number of pages of each (0: unreadable), and whether it is known to conform.

    Found by a child process with bounded time and memory, which does all of the volume's work but copying bytes.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_CPU, (TRIAL_SECONDS, TRIAL_SECONDS))
            resource.setrlimit(resource.RLIMIT_AS, (address_space() + TRIAL_MEMORY, resource.RLIM_INFINITY))
            for enclosure in enclosures:
                pages, archivable = _examined(enclosure)
                os.write(writing, pages.to_bytes(2, "big") + bytes([archivable]))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        while len(answer := answers.read(3)) == 3:
            yield int.from_bytes(answer[:2], "big"), bool(answer[2])
    os.waitpid(child, 0)


def _examined(enclosure: Enclosure) -> tuple[int, bool]:
    try:
        with pikepdf.open(enclosure.path) as pdf:
            pages = len(pdf.pages)
            if pages > MAX_PAGES:
                return 0, False
            for page in pdf.pages:
                _seen(page)
            return pages, is_archivable(pdf, enclosure.file["content_type"])
    except Exception:
        return 0, False


# Pages


def _join(volume: pikepdf.Pdf, ours: pikepdf.Pdf, start: int) -> None:
    """The pages of a document of ours, with their tags: before the others (0), or after them."""
    root = volume.Root.StructTreeRoot
    document, numbers = root.K[0], root.ParentTree.Nums
    shift = int(numbers[-2]) + 1
    for position, page in enumerate(ours.pages, start=start):
        volume.pages.insert(position, page)
        volume.pages[position].obj.StructParents = shift + int(page.obj.StructParents)
    tags = volume.copy_foreign(ours.Root.StructTreeRoot)
    elements = list(tags.K[0].K)
    for element in elements:
        element.P = document
    document.K = Array([*document.K, *elements] if start else [*elements, *document.K])
    theirs = list(tags.ParentTree.Nums)
    for number, parents in zip(theirs[::2], theirs[1::2], strict=True):
        numbers.extend([shift + int(number), parents])


def _append(volume: pikepdf.Pdf, pdf: pikepdf.Pdf, told: str) -> None:
    """What is seen of each page, upright, on a page of ours: no script, no link, no tag of another document."""
    for number, page in enumerate(pdf.pages, start=1):
        role = "P" if "/Font" in page.resources else "Figure"
        seen = volume.copy_foreign(_seen(page))
        volume.pages.append(_tagged_page(volume, seen, role, f"{told}, page {number}"))
    if "/OCProperties" in pdf.Root:
        _join_layers(volume, pdf)


def _join_layers(volume: pikepdf.Pdf, pdf: pikepdf.Pdf) -> None:
    """What a file hides stays hidden: its layers, with those that are off."""
    theirs = volume.copy_foreign(pdf.make_indirect(pdf.Root.OCProperties))
    layers, setting = list(theirs.get("/OCGs", [])), theirs.get("/D", Dictionary())
    hidden = list(setting.get("/OFF", []))
    if setting.get("/BaseState") == Name.OFF:
        shown = {layer.objgen for layer in setting.get("/ON", [])}
        hidden = [layer for layer in layers if layer.objgen not in shown]
    if "/OCProperties" not in volume.Root:
        setting = Dictionary(Name=pikepdf.String("Calques"), OFF=Array())
        volume.Root.OCProperties = Dictionary(OCGs=Array(), D=setting)
    volume.Root.OCProperties.OCGs.extend(layers)
    volume.Root.OCProperties.D.OFF.extend(hidden)


def _seen(page: pikepdf.Page) -> pikepdf.Object:
    """What a reader shows of it, as a form: the crop box, which may begin anywhere, within the sheet."""
    sheet, crop = Rectangle(page.mediabox), Rectangle(page.cropbox)
    page.trimbox = (crop & sheet if crop & sheet else sheet).as_array()
    return page.as_form_xobject()


def _sheet(seen: pikepdf.Object) -> Rectangle:
    """A sheet with its corner at the origin that holds this form, turned as it is; and the stamp, if it is tiny."""
    upright = Matrix(seen.Matrix) if "/Matrix" in seen else Matrix()
    shown = upright.transform(Rectangle(seen.BBox))
    return Rectangle(0, 0, max(shown.width, SMALLEST_SIDE), max(shown.height, SMALLEST_SIDE))


def _tagged_page(volume: pikepdf.Pdf, seen: pikepdf.Object, role: str, told: str) -> pikepdf.Page:
    """A page that shows `seen`, under a tag of its own: readers aloud skip what no tag names."""
    root = volume.Root.StructTreeRoot
    document, numbers = root.K[0], root.ParentTree.Nums
    sheet = _sheet(seen)
    page = volume.make_indirect(
        Dictionary(
            Type=Name.Page,
            MediaBox=sheet.as_array(),
            Resources=Dictionary(XObject=Dictionary(Seen=seen)),
            StructParents=int(numbers[-2]) + 1,
            Tabs=Name.S,
        )
    )
    drawing = pikepdf.Page(page).calc_form_xobject_placement(seen, Name.Seen, sheet)
    page.Contents = volume.make_stream(b"/%s <</MCID 0>> BDC %s EMC" % (role.encode(), drawing.strip()))
    element = volume.make_indirect(
        Dictionary(Type=Name.StructElem, S=Name(f"/{role}"), P=document, Pg=page, K=0, T=pikepdf.String(told))
    )
    if role == "Figure":
        element.Alt = pikepdf.String(told)
    document.K.append(element)
    numbers.extend([page.StructParents, Array([element])])
    return pikepdf.Page(page)


def _forget_seal(volume: pikepdf.Pdf) -> None:
    """The dossier's seal is its own: the volume has another."""
    for key in ("/AcroForm", "/Perms", "/DSS"):
        if key in volume.Root:
            del volume.Root[key]
    for page in volume.pages:
        if "/Annots" in page.obj:
            kept = [item for item in page.obj.Annots if item.get("/Subtype") != Name.Widget]
            page.obj.Annots = Array(kept)


def _say_what_it_is(volume: pikepdf.Pdf, title: str, *, conforms: bool) -> None:
    """The dossier's metadata holds the marks of both standards: kept, or gone with it."""
    volume.docinfo[Name.Title] = title
    if conforms:
        with volume.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
            metadata["dc:title"] = title
    else:
        del volume.Root.Metadata


# The bordereau


def _bordereau(
    content: Mapping[str, Any],
    supplements: Sequence[Supplement],
    enclosures: list[Enclosure],
    dossier_pages: int,
    our_pages: int,
    proof: Proof | None,
) -> io.BytesIO:
    """The inventory, with the page where each piece begins: printed again in the rare case of more than one page.

    our_pages: of the dossier and of the opinions that came later.
    """
    opening = 1
    while True:
        position = opening + our_pages + 1
        for enclosure in enclosures:
            enclosure.first_page = position
            position += enclosure.pages if not enclosure.left_out else 0
        variables = {
            "context": printable.clean(content["context"]),
            "dossier_page": opening + 1,
            "dossier_pages": dossier_pages,
            "supplements": [
                printable.clean({key: getattr(late, key) for key in SIGNED})
                | {"first_page": opening + late.first_page + 1}
                for late in supplements
            ],
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


def _add_bookmarks(
    volume: pikepdf.Pdf, opening: int, supplements: Sequence[Supplement], joined: list[Enclosure]
) -> None:
    with volume.open_outline() as outline:
        dossier = OutlineItem("Dossier", opening)
        dossier.children.extend(outline.root)
        dossier.is_closed = True
        outline.root[:] = [OutlineItem("Bordereau", 0), dossier]
        outline.root.extend(OutlineItem(late.label, opening + late.first_page) for late in supplements)
        outline.root.extend(OutlineItem(enclosure.told, enclosure.first_page - 1) for enclosure in joined)
