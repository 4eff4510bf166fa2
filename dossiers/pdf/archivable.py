"""Which enclosures are known to keep their volume within PDF/A-3a and PDF/UA-1: nothing is claimed on a guess.

Known: what we have made ourselves (a photograph, a Word or LibreOffice document), and scans, whose pages are pictures
alone. A text in fonts of others may break either standard in ways that only a full validation tells.
"""

from __future__ import annotations

import pikepdf
from pikepdf import Array, Name, Stream

from dossiers.pdf.safe.formats import DOCX, ODT

WRITTEN_HERE = {DOCX, ODT}
RESOURCES = {"/XObject", "/ProcSet"}
PAINTING = {"q", "Q", "cm", "Do", "re", "W", "W*", "n", "w", "f", "g", "G", "rg", "RG"}
LONGEST_DRAWING = 4096  # bytes: to show pictures takes a few lines
FILTERS = {"/DCTDecode", "/FlateDecode", "/CCITTFaxDecode", "/JBIG2Decode", "/RunLengthDecode"}
PLAIN_COLOURS = {"/DeviceRGB", "/DeviceGray"}
PROFILE_CLASSES = {b"prtr", b"mntr", b"scnr", b"spac"}
PROFILE_COLOURS = {1: b"GRAY", 3: b"RGB "}


def is_archivable(pdf: pikepdf.Pdf, content_type: str) -> bool:
    """Whether the safe copy of a file that was of this type is known to conform."""
    if content_type in WRITTEN_HERE:
        return shows_every_character(pdf)
    return "/OCProperties" not in pdf.Root and all(is_scan(page) for page in pdf.pages)  # no layers


def shows_every_character(pdf: pikepdf.Pdf) -> bool:
    """Of a document that WeasyPrint wrote: for an empty box, it gives the font a table in the place of the identity."""
    fonts = (font for page in pdf.pages for _, font in page.resources.get("/Font", {}).items())
    return all(font.get("/Encoding") == Name("/Identity-H") for font in fonts)


def is_scan(page: pikepdf.Page) -> bool:
    """Pictures of plain colours, and nothing else."""
    if set(page.resources.keys()) - RESOURCES or "/Group" in page.obj:
        return False
    if not all(_is_plain_image(item) for _, item in page.resources.get("/XObject", {}).items()):
        return False
    contents = page.obj.get("/Contents", Array())
    streams = list(contents) if isinstance(contents, Array) else [contents]
    if sum(len(stream.read_bytes()) for stream in streams) > LONGEST_DRAWING:
        return False
    return all(str(line.operator) in PAINTING for line in pikepdf.parse_content_stream(page))


def _is_plain_image(image: pikepdf.Object) -> bool:
    if not isinstance(image, Stream) or image.get("/Subtype") != Name.Image:
        return False
    filters = image.get("/Filter", Array())
    if not {str(name) for name in (filters if isinstance(filters, Array) else [filters])} <= FILTERS:
        return False
    if not all(_is_plain_image(mask) for mask in (image.get("/SMask"), image.get("/Mask")) if isinstance(mask, Stream)):
        return False
    return bool(image.get("/ImageMask", False)) or _is_plain(image.get("/ColorSpace"))


def _is_plain(colours: pikepdf.Object | None) -> bool:
    if not isinstance(colours, Array):
        return str(colours) in PLAIN_COLOURS
    space = str(colours[0])
    if space == "/Indexed":
        return _is_plain(colours[1])
    return space == "/ICCBased" and _is_sound_profile(colours[1])


def _is_sound_profile(profile: Stream) -> bool:
    """As PDF/A asks of a colour profile: its version, its class, and the colours that it says."""
    header = profile.read_bytes()[:24]
    colours = PROFILE_COLOURS.get(int(profile.get("/N", 0)))
    return len(header) == 24 and header[8] <= 4 and header[12:16] in PROFILE_CLASSES and header[16:20] == colours
