"""What is seen of a PDF, and nothing that acts: no script, action, link, attachment, form or metadata."""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from dossiers.pdf.safe.formats import Refused

MAX_PAGES = 300
MAX_SIDE = 14_400  # points (5 m): the format's own limit
MAX_STREAM = 256 * 1024**2  # bytes, once unfolded
MAX_UNFOLDED = 3 * 1024**3  # all streams together
MAX_PIXELS = 150_000_000  # of an image within
TAIL = 4096  # where a complete file says that it ends

# What a page and the catalogue keep. All the rest goes, known or not.
PAGE_KEYS = {"/Type", "/Parent", "/MediaBox", "/CropBox", "/Rotate", "/Resources", "/Contents", "/Group"}
PAGE_KEYS |= {"/StructParents", "/Tabs"}
CATALOGUE_KEYS = {"/Type", "/Pages", "/Lang", "/MarkInfo", "/StructTreeRoot", "/OCProperties"}
# What acts, leads elsewhere, carries files or remembers its author, wherever it stands.
FORBIDDEN = {"/AA", "/OpenAction", "/JS", "/JavaScript", "/EmbeddedFiles", "/EF", "/AF", "/RF", "/URI", "/XFA"}
FORBIDDEN |= {"/AcroForm", "/Annots", "/Names", "/Dests", "/Collection", "/Metadata", "/PieceInfo", "/Ref", "/OPI"}
FORBIDDEN |= {"/RichMediaContent", "/RichMediaSettings", "/Thumb", "/Threads", "/Movie", "/Launch"}
ACTIONS = {"/JavaScript", "/Launch", "/GoTo", "/GoToR", "/GoToE", "/URI", "/SubmitForm", "/ImportData", "/ResetForm"}
ACTIONS |= {"/Rendition", "/Movie", "/Sound", "/Hide", "/Named", "/SetOCGState", "/Trans", "/Thread", "/GoTo3DView"}
ACTIONS |= {"/RichMediaExecute"}
STREAM_KEYS = ("/F", "/FFilter", "/FDecodeParms")  # of a stream that is kept in another file
STREAM_KEYS += ("/Interpolate", "/Alternates")  # of a picture that readers may show in several ways: PDF/A has one

AGAIN = "Enregistrez-en une copie depuis votre logiciel (Imprimer, puis « Enregistrer au format PDF »)."
BROKEN = f"Ce PDF est abîmé et ne s’ouvre pas. {AGAIN}"
INCOMPLETE = "Ce PDF est incomplet : l’envoi ou le téléchargement a dû s’interrompre. Envoyez de nouveau l’original."
UNFOLDS = f"Ce PDF prend trop de place une fois ouvert. {AGAIN}"


def make_harmless(source: Path, target: Path, *, ours: bool = False) -> int:
    """Write at `target` what is seen of the PDF at `source`; how many pages it has.

    ours: we have just written it from another format.
    """
    if not ours:
        _refuse_unfinished(source)
    try:
        with pikepdf.open(source) as pdf:
            if pdf.is_encrypted:
                raise Refused(f"Ce PDF est protégé. {AGAIN}")
            pages = _count_pages(pdf)
            _refuse_bombs(pdf)
            is_drawn_over = any(_is_seen(note) for page in pdf.pages for note in page.obj.get("/Annots", ()))
        if is_drawn_over:
            source = _flatten(source, target.with_suffix(".flat"))
        with pikepdf.open(source, allow_overwriting_input=True) as pdf:
            _keep_what_is_seen(pdf)
            pdf.save(target, deterministic_id=True, fix_metadata_version=False, encryption=False)
    except pikepdf.PasswordError as error:
        raise Refused("Ce PDF demande un mot de passe. Envoyez une copie sans mot de passe.") from error
    except pikepdf.PdfError as error:
        raise Refused(BROKEN) from error
    return pages


def _refuse_unfinished(source: Path) -> None:
    with source.open("rb") as file:
        file.seek(max(0, source.stat().st_size - TAIL))
        if b"%%EOF" not in file.read():
            raise Refused(INCOMPLETE)


def _count_pages(pdf: pikepdf.Pdf) -> int:
    pages = len(pdf.pages)
    if not 1 <= pages <= MAX_PAGES:
        raise Refused(
            f"Ce PDF a {pages} pages ; il en faut entre 1 et {MAX_PAGES}. Gardez celles qui sont demandées, "
            "ou envoyez-les en plusieurs fichiers."
            if pages
            else "Ce PDF n’a aucune page. Choisissez-en un autre."
        )
    if "/NeedsRendering" in pdf.Root and pdf.Root.NeedsRendering:
        raise Refused(f"Ce formulaire ne s’affiche que dans Adobe Acrobat. {AGAIN}")
    return pages


# Bombs


def _refuse_bombs(pdf: pikepdf.Pdf) -> None:
    """Nothing that unfolds beyond measure: the reader of the file has no limits of ours."""
    unfolded = 0
    for item in pdf.objects:
        if isinstance(item, Stream):
            unfolded += _unfolded_size(item)
            if unfolded > MAX_UNFOLDED:
                raise Refused(UNFOLDS)
            if item.get("/Subtype") == Name.Image:
                _refuse_huge_image(item)


def _unfolded_size(stream: Stream) -> int:
    filters = stream.get("/Filter", Array())
    names = [str(name) for name in (filters if isinstance(filters, Array) else [filters])]
    data, size = stream.read_raw_bytes(), 0
    while names and names[0] in {"/FlateDecode", "/Fl"}:
        data, size = _inflate(data, keep=len(names) > 1), 0
        names.pop(0)
        if isinstance(data, int):
            return data
    if names and names[0] in {"/LZWDecode", "/LZW", "/RunLengthDecode", "/RL"}:
        size = len(stream.read_bytes())
        if size > MAX_STREAM:
            raise Refused(UNFOLDS)
    return size or len(data)


def _inflate(data: bytes, *, keep: bool) -> bytes | int:
    """What `data` unfolds to, or its length alone; never more than MAX_STREAM of it, a megabyte at a time."""
    decoder, size, parts = zlib.decompressobj(), 0, []
    while data:
        try:
            part = decoder.decompress(data, 1024**2)
        except zlib.error:
            break  # a damaged stream: readers show what comes before
        size += len(part)
        if size > MAX_STREAM:
            raise Refused(UNFOLDS)
        if keep:
            parts.append(part)
        data = decoder.unconsumed_tail
    return b"".join(parts) if keep else size


def _refuse_huge_image(image: Stream) -> None:
    try:
        pixels = int(image.get("/Width", 0)) * int(image.get("/Height", 0))
    except (TypeError, ValueError) as error:
        raise Refused(BROKEN) from error
    if pixels > MAX_PIXELS:
        raise Refused(f"Ce PDF contient une image de {pixels // 10**6} millions de pixels. Réduisez sa résolution.")


# What is seen


def _is_seen(annotation: pikepdf.Object) -> bool:
    return isinstance(annotation, Dictionary) and annotation.get("/Subtype") not in (Name.Link, Name.Popup)


def _flatten(source: Path, target: Path) -> Path:
    """What was typed, ticked, stamped and drawn over the pages becomes part of them, as PDFium shows it.

    qpdf would draw the fields too, but in one alphabet: it lost « É ». This PDFium runs no script.
    """
    import pypdfium2

    document = pypdfium2.PdfDocument(source)
    document.init_forms()  # draws the fields that have no drawing of their own yet
    for page in document:
        pypdfium2.raw.FPDFPage_Flatten(page, pypdfium2.raw.FLAT_NORMALDISPLAY)
    document.save(target)
    return target


def _keep_what_is_seen(pdf: pikepdf.Pdf) -> None:
    for key in set(pdf.Root.keys()) - CATALOGUE_KEYS:
        del pdf.Root[key]
    for key in ("/Info", "/DocChecksum"):
        if key in pdf.trailer:
            del pdf.trailer[key]
    for page in pdf.pages:
        for key in set(page.obj.keys()) - PAGE_KEYS:
            del page.obj[key]
        _check_sheet(page)
    for item in pdf.objects:
        _scrub(item)


def _check_sheet(page: pikepdf.Page) -> None:
    """The page has a size that can be shown; a cropping that cannot be is dropped."""
    if "/CropBox" in page.obj and not _side(page.obj.CropBox):
        del page.obj["/CropBox"]
    if not (side := _side(page.obj.get("/MediaBox", page.mediabox))):
        raise Refused(BROKEN)
    if side > MAX_SIDE:
        raise Refused(f"Une page de ce PDF est démesurée ({side * 0.0254 / 72:.0f} mètres). {AGAIN}")


def _side(box: pikepdf.Object) -> float:
    """The longer side of a box, in points; 0 where it makes no sense."""
    try:
        left, bottom, right, top = (float(value) for value in box)
    except (TypeError, ValueError):
        return 0
    width, height = abs(right - left), abs(top - bottom)
    return max(width, height) if min(width, height) >= 1 and math.isfinite(width + height) else 0


def _scrub(item: pikepdf.Object, depth: int = 0) -> None:
    """Take what acts out of an object and of what it holds directly; what it refers to comes in its turn."""
    if depth > 50:
        raise Refused(BROKEN)
    if isinstance(item, Array):
        inner = list(item)
    elif isinstance(item, Dictionary | Stream):
        if str(item.get("/S", "")) in ACTIONS and "/P" not in item:  # a tag may be named as an action
            doomed = set(item.keys()) if isinstance(item, Dictionary) else set()
        else:
            doomed = FORBIDDEN & set(item.keys())
        if item.get("/Type") == Name.OBJR:
            doomed |= {"/Obj"} & set(item.keys())
        if isinstance(item, Stream):
            doomed |= set(STREAM_KEYS) & set(item.keys())
        for key in doomed:
            del item[key]
        inner = [value for _, value in item.items()]
    else:
        return
    for value in inner:
        if isinstance(value, Array | Dictionary) and not value.is_indirect:
            _scrub(value, depth + 1)
