"""A photo as a page: upright, without the place, the date and the device that it remembers."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import BinaryIO

import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image, ImageOps

from dossiers.pdf.safe.formats import HEIC, JPEG, PNG, Refused

MAX_PIXELS = 60_000_000
LONGEST = 3508  # pixels: A4 at 300 dots an inch; a bigger picture is made smaller
A4 = (595.28, 841.89)
MARGIN = 36  # points
DECODERS = {JPEG: "JPEG", PNG: "PNG", HEIC: "HEIF"}
INCOMPLETE = "Cette image est abîmée ou incomplète. Prenez la photo de nouveau ou envoyez une autre copie."

Image.MAX_IMAGE_PIXELS = None  # `read` has its own limit, told in French


def read(file: BinaryIO | Path, content_type: str) -> Image.Image:
    """The picture, upright, in colours on white; its pixels are counted before they are decoded."""
    if content_type == HEIC:
        import pi_heif

        pi_heif.register_heif_opener()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd EXIF blocks, which are not kept
            with Image.open(file, formats=[DECODERS[content_type]]) as source:
                if source.width * source.height > MAX_PIXELS:
                    raise Refused(
                        f"Cette image a trop de pixels ({source.width} × {source.height}). Réduisez sa résolution."
                    )
                source.draft("RGB", (LONGEST, LONGEST))
                return _upright(source)
    except (Refused, MemoryError):
        raise
    except Exception as error:
        raise Refused(INCOMPLETE) from error


def _upright(source: Image.Image) -> Image.Image:
    orientation = source.getexif().get(0x0112, 1)
    picture = source
    if picture.mode.startswith("I"):  # 16 bits a point
        picture = picture.point(lambda value: value / 256).convert("L")
    elif picture.mode in {"P", "PA", "LA", "La"} or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    picture.thumbnail((LONGEST, LONGEST))
    if "A" in picture.getbands():
        opaque = Image.new("RGB", picture.size, "white")
        opaque.paste(picture, mask=picture.getchannel("A"))
        picture = opaque
    picture = picture.convert("RGB")
    picture.getexif()[0x0112] = orientation
    return ImageOps.exif_transpose(picture)


def jpeg(picture: Image.Image) -> bytes:
    """Its pixels alone: EXIF, comments and colour profiles stay behind."""
    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=85)
    return out.getvalue()


def write_pdf(source: Path, content_type: str, target: Path) -> None:
    """One A4 page, in the direction of the picture."""
    picture = read(source, content_type)
    sheet = A4 if picture.height >= picture.width else A4[::-1]
    scale = min((sheet[0] - 2 * MARGIN) / picture.width, (sheet[1] - 2 * MARGIN) / picture.height)
    width, height = picture.width * scale, picture.height * scale
    left, bottom = (sheet[0] - width) / 2, (sheet[1] - height) / 2
    with pikepdf.new() as pdf:
        image = pdf.make_stream(
            jpeg(picture),
            Type=Name.XObject,
            Subtype=Name.Image,
            Width=picture.width,
            Height=picture.height,
            ColorSpace=Name.DeviceRGB,
            BitsPerComponent=8,
            Filter=Name.DCTDecode,
        )
        page = Dictionary(
            Type=Name.Page,
            MediaBox=Array([0, 0, *sheet]),
            Resources=Dictionary(XObject=Dictionary(Seen=image)),
            Contents=pdf.make_stream(f"q {width:.2f} 0 0 {height:.2f} {left:.2f} {bottom:.2f} cm /Seen Do Q".encode()),
        )
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
        pdf.save(target, deterministic_id=True)
