"""Long texts of offers: Markdown in, safe HTML out. HTML typed in is shown as text, never run."""

from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table").disable("image")
# Titles of the text come below the page's own h1 and h2.
_LOWER_BY = 2


def to_html(text: str) -> SafeString:
    return mark_safe(_to_html(text))


@lru_cache(maxsize=512)
def _to_html(text: str) -> str:
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + _LOWER_BY, 6)}"
    return _markdown.renderer.render(tokens, _markdown.options, {})
