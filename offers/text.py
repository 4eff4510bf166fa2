"""Long texts of offers: Markdown in, safe HTML out. HTML typed in is shown as text, never run. And labels compared."""

import re
import unicodedata
from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_WITHOUT = ["image", "code"]  # a line that begins with spaces is no program
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table").disable(_WITHOUT)
_by_line = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).disable(_WITHOUT)


def to_html(text: str) -> SafeString:
    """A whole text. The page has its own h1: the highest title is an h2, drawn smaller."""
    return mark_safe(_to_html(text, highest=2))


def field_html(text: str) -> SafeString:
    """The long text of a field, below the h2 of its section; a line as it was typed stays a line."""
    return mark_safe(_to_html(text, highest=3, by_line=True))


@lru_cache(maxsize=1024)
def _to_html(text: str, highest: int, *, by_line: bool = False) -> str:
    markdown = _by_line if by_line else _markdown
    tokens = markdown.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            level = min(int(token.tag[1]) + highest - 1, 6) if by_line else max(int(token.tag[1]), highest)
            token.tag = f"h{level}"
            if token.nesting > 0:  # an end tag bears no attribute
                token.attrSet("class", f"fr-h{min(level + 2, 6)}")
    return markdown.renderer.render(tokens, markdown.options, {})


def plain(text: str) -> str:
    """What two spellings of one label have in common: words without case, accents, brackets or punctuation."""
    text = re.sub(r"\([^)]*\)", " ", text).casefold().replace("’", " ")
    return " ".join(re.findall(r"[a-z0-9+]+", unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()))
