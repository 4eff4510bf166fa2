"""Word and LibreOffice documents as PDF: their text, titles, lists, tables and pictures, on our own pages.

Nothing of the document runs and nothing is fetched: macros, links and what is outside the file stay where they are.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from zipfile import ZipFile

from weasyprint import HTML
from weasyprint.document import Document
from weasyprint.urls import URLFetcher

from dossiers.pdf.characters import plain, print_every_character
from dossiers.pdf.safe import pictures
from dossiers.pdf.safe.formats import AS_PDF, DOCX, JPEG, PNG, Refused

STYLE = """
@page { size: A4; margin: 2cm }
body { font: 11pt/1.4 "Liberation Sans", "DejaVu Sans", sans-serif; overflow-wrap: anywhere }
h1 { font-size: 16pt } h2 { font-size: 14pt } h3, h4, h5, h6 { font-size: 12pt }
p { margin: 0 0 6pt } img { max-width: 100%; max-height: 24cm }
table { border-collapse: collapse; width: 100%; margin: 6pt 0 }
td, th { border: .5pt solid #888; padding: 3pt 5pt; vertical-align: top; text-align: left }
"""


def write_pdf(source: Path, content_type: str, target: Path) -> None:
    body = plain(_from_docx(source) if content_type == DOCX else _from_odt(source), "<br>")
    if not body.strip():
        raise Refused(f"Ce document ne contient aucun texte. {AS_PDF}")
    html = f"<!doctype html><html lang='fr'><head><title>Document</title><style>{STYLE}</style></head><body>{body}"
    target.write_bytes(print_every_character(html, _written))


def _written(html: str) -> tuple[bytes, Document]:
    document = HTML(string=html, url_fetcher=URLFetcher(allowed_protocols={"data"}, allow_redirects=False)).render()
    return document.write_pdf(), document


def picture_address(content: bytes) -> str:
    """A picture of the document as `data:`, made safe as any other; empty for a kind that is not taken."""
    for magic, kind in ((b"\xff\xd8\xff", JPEG), (b"\x89PNG", PNG)):
        if content.startswith(magic):
            picture = pictures.read(io.BytesIO(content), kind)
            return "data:image/jpeg;base64," + base64.b64encode(pictures.jpeg(picture)).decode()
    return ""


def _from_docx(source: Path) -> str:
    import mammoth

    def image(element) -> dict[str, str]:
        with element.open() as file:
            return {"src": picture_address(file.read())}

    with source.open("rb") as file:
        return mammoth.convert_to_html(file, convert_image=mammoth.images.img_element(image)).value


def _from_odt(source: Path) -> str:
    from dossiers.pdf.safe.opendocument import to_html

    with ZipFile(source) as archive:
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise Refused("Ce document demande un mot de passe. Enregistrez-le sans mot de passe, en PDF.")
        return to_html(archive, picture_address)
