"""Long texts of offers: Markdown in, safe HTML out. HTML typed in is shown as text, never run."""

from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table").disable("image")
# The page has its own h1: the highest title of a text is an h2, drawn smaller.
_HIGHEST = 2


def to_html(text: str) -> SafeString:
    return mark_safe(_to_html(text))


@lru_cache(maxsize=512)
def _to_html(text: str) -> str:
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            level = max(int(token.tag[1]), _HIGHEST)
            token.tag = f"h{level}"
            if token.nesting > 0:  # an end tag bears no attribute
                token.attrSet("class", f"fr-h{min(level + 2, 6)}")
    return _markdown.renderer.render(tokens, _markdown.options, {})
