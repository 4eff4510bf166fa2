"""From frozen content to PDF: pure functions, the same bytes for the same content.

The file is PDF/UA-1 and PDF/A-3a at once. WeasyPrint writes one standard's mark in the metadata; the other is added.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import lxml.html
import pikepdf
import segno
from cssselect2 import ElementWrapper
from django.template.loader import render_to_string
from django.utils.html import escape
from weasyprint import CSS, HTML
from weasyprint.css import ColorProfile
from weasyprint.document import Document
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from dossiers.pdf import printable
from dossiers.pdf.archivable import shows_every_character
from dossiers.pdf.characters import print_every_character
from dossiers.pdf.limits import bounded

log = logging.getLogger(__name__)

COLOURS = "--srgb"
COLLECTED_EVERY = (500_000, 50, 50)  # objects: more than a document makes; it is collected when it is done
_SRGB = files("weasyprint.pdf") / "sRGB2014.icc"
ELEMENTS = Path(__file__).with_name("elements.css")
STYLESHEET = Path(__file__).with_name("print.css")
PDF_UA_MARK = (
    b'<rdf:Description xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" rdf:about="" pdfuaid:part="1" />'
    # PDF/A refuses a metadata property that no schema describes.
    b'<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
    b' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
    b' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">'
    b'<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
    b"<pdfaSchema:schema>PDF/UA Universal Accessibility Schema</pdfaSchema:schema>"
    b"<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>"
    b"<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"
    b'<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">'
    b"<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>"
    b"<pdfaProperty:category>internal</pdfaProperty:category>"
    b"<pdfaProperty:description>Part of ISO 14289</pdfaProperty:description>"
    b"</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
)
WATERMARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" viewBox="0 0 210 297">'
    '<text x="105" y="160" font-family="Liberation Sans, DejaVu Sans, sans-serif" font-size="34" font-weight="bold"'
    ' letter-spacing="3" fill="#edeff4" text-anchor="middle" transform="rotate(-52 105 150)">{text}</text></svg>'
)


@dataclass(frozen=True)
class _PrintShop:
    """Fonts, colours and style sheets, loaded once. Pango's font maps serve one thread of one process."""

    process: int
    fonts: FontConfiguration
    elements: CSS
    css: CSS
    srgb: bytes


@dataclass(frozen=True)
class Proof:
    """What is printed so that anyone can verify the document: a reference that says nothing, and a page's address."""

    reference: str
    address: str

    @property
    def code(self) -> str:
        """The address as a QR code, in `data:`."""
        return segno.make(self.address, error="m").svg_data_uri(
            scale=1.5, border=0, dark="#16181f", xmldecl=False, svgns=True
        )

    @property
    def page(self) -> str:
        return self.address.partition("?")[0].partition("://")[2]

    @property
    def spaced_reference(self) -> str:
        return "-".join(self.reference[start : start + 4] for start in range(0, len(self.reference), 4))


_local = threading.local()


def _print_shop() -> _PrintShop:
    """This thread's own, made on first use: after the fork in a worker, never inherited from its parent."""
    shop = getattr(_local, "shop", None)
    if shop is None or shop.process != os.getpid():
        fonts = FontConfiguration()
        elements, css = (CSS(file, font_config=fonts, url_fetcher=_fetcher()) for file in (ELEMENTS, STYLESHEET))
        shop = _local.shop = _PrintShop(os.getpid(), fonts, elements, css, _SRGB.read_bytes())
    return shop


def warm_up() -> None:
    """For a worker's child, once, after the fork: fonts and style sheet are there before the first document needs them.

    What a process has loaded never dies: out of the collector's sight, it takes no time from the documents.
    """
    _print_shop()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_EVERY)


def tidy_up() -> None:
    """Between two documents, once nobody waits for the one that is done.

    Its boxes and pages hold each other: freed all at once, they leave no holes in the memory.
    """
    gc.collect(1)


def _colours(srgb: bytes) -> dict[str, ColorProfile]:
    """WeasyPrint's own profile, whose file it would leave open. A new one each time: once read, it saves otherwise."""
    return {COLOURS: ColorProfile(BytesIO(srgb), _SRGB.name, "relative-colorimetric", ("r", "g", "b"))}


def _fetcher() -> URLFetcher:
    """Nothing is fetched, from the network or from the disk: pictures are written in the template as `data:`."""
    return URLFetcher(allowed_protocols={"data"}, allow_redirects=False)


def render_dossier(content: Mapping[str, Any], *, watermark: str = "", proof: Proof | None = None) -> bytes:
    """The dossier as a PDF, from its frozen content alone. Empty answers print as lines and boxes to fill in."""
    variables = printable.prepare(content) | {"watermark": printable.clean(watermark), "proof": proof}
    template = content.get("document_template") or "documents/dossier.html"
    return write_pdf(render_to_string(template, variables), watermark=variables["watermark"])


def render_letter(template: str, *, proof: Proof | None = None, **content: Mapping[str, Any]) -> bytes:
    """A document of its own template: receipt, decision, minutes; from words that were settled beforehand."""
    variables = {name: printable.clean(value) for name, value in content.items()} | {"proof": proof}
    return write_pdf(render_to_string(template, variables))


def render_annex(content: Mapping[str, Any], address: str) -> bytes:
    """The only annex of this content, to sign on paper. address: what its QR code says."""
    variables = printable.prepare(content) | {"code": Proof("", address).code}
    return write_pdf(render_to_string("documents/annex.html", variables))


def render_late_opinion(content: Mapping[str, Any]) -> bytes:
    """The only annex of this content, signed after its dossier was filed."""
    return write_pdf(render_to_string("documents/late_opinion.html", printable.prepare(content)))


def render_receipt(receipt: Mapping[str, Any], *, proof: Proof | None = None) -> bytes:
    """The receipt that CRPA R112-11-1 asks for. `pieces` and `annexes` are lists of lines."""
    return render_letter("documents/receipt.html", receipt=receipt, proof=proof)


class _Page(HTML):
    """A page of ours: its markup is well formed, and read in a tenth of the time that any markup takes.

    Nor has it any element that elements.css does not know.
    """

    def __init__(self, html: str):
        tree = lxml.html.tostring(lxml.html.document_fromstring(html), method="xml", encoding="unicode")
        self.base_url, self.media_type, self.url_fetcher = None, "print", _fetcher()
        self.wrapper_element = ElementWrapper.from_html_root(ElementTree.fromstring(tree), content_language=None)
        self.etree_element = self.wrapper_element.etree_element

    def _ua_stylesheets(self, forms: bool = False) -> list[CSS]:
        return [_print_shop().elements]


@bounded()
def write_pdf(html: str, *, watermark: str = "") -> bytes:
    """The PDF of a page of ours. Raises TooMuch when it would take more time or memory than any dossier does."""
    return _compressed(print_every_character(html, partial(_written, watermark=watermark)))


def _written(html: str, watermark: str) -> tuple[bytes, Document]:
    shop = _print_shop()
    stylesheets = [shop.css]
    if watermark:
        picture = quote(WATERMARK.format(text=escape(watermark.upper())))
        rule = f'@page {{ background: url("data:image/svg+xml,{picture}") center / 210mm 297mm no-repeat }}'
        stylesheets.append(CSS(string=rule, url_fetcher=_fetcher()))
    options = {"pdf_variant": "pdf/a-3a", "pdf_tags": True, "output_intent": COLOURS}
    document = _Page(html).render(
        font_config=shop.fonts, color_profiles=_colours(shop.srgb), stylesheets=stylesheets, **options
    )
    _claim_pdf_ua(document)
    return document.write_pdf(uncompressed_pdf=True, pdf_identifier=False, **options), document


def _compressed(pdf: bytes) -> bytes:
    """The same document, small and identified by its content. WeasyPrint would write it twice for that.

    With a character that is in no font, it would not be what its metadata says: it has none, as a volume that is not.
    """
    out = BytesIO()
    with pikepdf.open(BytesIO(pdf)) as document:
        if not shows_every_character(document):
            log.error("A document was printed with a character that is in no font: it makes no claim")
            del document.Root.Metadata
        generated = pikepdf.ObjectStreamMode.generate
        document.save(out, object_stream_mode=generated, deterministic_id=True, fix_metadata_version=False)
    return out.getvalue()


def _claim_pdf_ua(document: Document) -> None:
    metadata = document.metadata
    metadata.generate_rdf_metadata = partial(_with_pdf_ua_mark, metadata.generate_rdf_metadata)


def _with_pdf_ua_mark(generate, *args) -> bytes:
    return generate(*args).replace(b"</rdf:RDF>", PDF_UA_MARK + b"</rdf:RDF>")
