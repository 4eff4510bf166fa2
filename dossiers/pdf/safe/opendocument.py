"""The text of an OpenDocument file as HTML: titles, paragraphs, bold and italic, lists, tables, pictures."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from zipfile import ZipFile

from lxml import etree

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
FORMAT = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
LINK = "{http://www.w3.org/1999/xlink}href"

BLOCKS = {
    TEXT + "p": "p",
    TEXT + "list": "ul",
    TEXT + "list-item": "li",
    TABLE + "table": "table",
    TABLE + "table-row": "tr",
    TABLE + "table-cell": "td",
}
UNSEEN = {TEXT + "tracked-changes", TEXT + "sequence-decls"}
UNSEEN |= {OFFICE + "annotation", OFFICE + "forms", OFFICE + "scripts"}
MAX_SPACES = 200
MAX_DEPTH = 100


def to_html(archive: ZipFile, picture_address: Callable[[bytes], str]) -> str:
    """The body of content.xml. picture_address: an address to show a picture from, empty for none."""
    # No entity is resolved and nothing is fetched; a document with a DTD of its own loses what it stands for.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = etree.fromstring(archive.read("content.xml"), parser)
    body = root.find(f"{OFFICE}body/{OFFICE}text")
    if body is None:
        return ""
    return _Reader(archive, _styles(root), picture_address).content(body)


def _styles(root: etree._Element) -> dict[str, list[str]]:
    """The tags that each automatic style stands for."""
    tags = {}
    for style in root.iterfind(f"{OFFICE}automatic-styles/{STYLE}style"):
        properties = style.find(STYLE + "text-properties")
        if properties is not None:
            bold = properties.get(FORMAT + "font-weight") == "bold"
            italic = properties.get(FORMAT + "font-style") == "italic"
            tags[style.get(STYLE + "name")] = ["b"] * bold + ["i"] * italic
    return tags


class _Reader:
    def __init__(self, archive: ZipFile, styles: dict[str, list[str]], picture_address: Callable[[bytes], str]):
        self.archive = archive
        self.styles = styles
        self.picture_address = picture_address

    def content(self, element: etree._Element, depth: int = 0) -> str:
        if depth > MAX_DEPTH:
            raise RecursionError
        parts = [escape(element.text or "")]
        for child in element:
            if isinstance(child.tag, str) and child.tag not in UNSEEN:
                parts.append(self.element(child, depth + 1))
            parts.append(escape(child.tail or ""))
        return "".join(parts)

    def element(self, element: etree._Element, depth: int) -> str:
        tag = element.tag
        if tag == TEXT + "s":
            return "\N{NO-BREAK SPACE}" * min(int(element.get(TEXT + "c", "1")), MAX_SPACES)
        if tag == TEXT + "tab":
            return "\N{EM SPACE}"
        if tag == TEXT + "line-break":
            return "<br>"
        if tag == DRAW + "image":
            return self._picture(element.get(LINK, ""))
        inner = self.content(element, depth)
        if tag == TEXT + "h":
            level = min(max(int(element.get(TEXT + "outline-level", "1")), 1), 6)
            return f"<h{level}>{inner}</h{level}>"
        for wrapped in self.styles.get(element.get(TEXT + "style-name", ""), ()):
            inner = f"<{wrapped}>{inner}</{wrapped}>"
        block = BLOCKS.get(tag)
        return f"<{block}>{inner or '<br>'}</{block}>" if block else inner

    def _picture(self, name: str) -> str:
        if name not in self.archive.namelist():  # outside the file, or nowhere
            return ""
        address = self.picture_address(self.archive.read(name))
        return f'<img src="{address}" alt="">' if address else ""
