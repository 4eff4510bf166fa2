"""The texts that people read: French typography, accents, and no English left over. The Imprimerie nationale's rules,
as far as a program can see them."""

import ast
import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

BASE = settings.BASE_DIR
ROOMS = ("applications", "dossiers", "offers", "portal")
NOT_FOR_READING = ("migrations", "settings")

TAG_OR_COMMENT = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|\{%.*?%\}", re.DOTALL)
CODE = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->", re.DOTALL)
READ_ATTRIBUTE = re.compile(r"""\b(?:title|alt|aria-label|placeholder)=("[^"]*"|'[^']*')""")
MARKUP = re.compile(r"<[^>]*>")

ELISION = re.compile(r"\b(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quelqu|aujourd)'(?=[aàâeéèêhiîoôuùyœ])", re.IGNORECASE)
PLAIN_SPACE = re.compile(r"(?<=[\w)»%])[ ](?=»|[:;?!](?:\s|$))|«[ ]")
NO_SPACE = re.compile(r"(?<=[a-zà-ÿ])[?!;](?=\s|$)")
DOTS = re.compile(r"\w\.\.\.(?!\.)")
LOST_ACCENT = re.compile(
    r"\b(a ete|acces|annee|apres|creee?r?|deja|delai|depot|deposee?r?|donnees|ecran|etape|etre|francais|hopital"
    r"|hopitaux|medecins?|meme|necessaire|numero|periode|pieces?|prenom|qualite|reference|reponse|resume|reussi|sante|securite"
    r"|telecharger|telephone|verifiee?r?|verifiez)\b",
    re.IGNORECASE,
)
ENGLISH = re.compile(
    r"\b(submit|cancel|save|delete|edit|search|log ?in|log ?out|sign (?:in|up|out)|password|username|please|required"
    r"|welcome|next page|previous|the|your|this field|click here|dashboard|settings)\b",
    re.IGNORECASE,
)
FRENCH = re.compile(r"[à-ÿœ’«»]", re.IGNORECASE)
RULES = {
    "straight apostrophe (’ wanted)": ELISION,
    "plain space before : ; ? ! » or after « (no-break wanted)": PLAIN_SPACE,
    "no space before ; ? !": NO_SPACE,
    "three dots (… wanted)": DOTS,
    "lost accent": LOST_ACCENT,
}


def templates() -> list[Path]:
    return sorted(path for path in (BASE / "templates").rglob("*") if path.suffix in {".html", ".txt"})


def modules() -> list[Path]:
    files = (path for room in ROOMS for path in (BASE / room).rglob("*.py"))
    return sorted(path for path in files if not set(NOT_FOR_READING) & set(path.parts))


def texts_of_template(path: Path) -> Iterator[tuple[int, str]]:
    """Line by line what is left when tags, variables and code are taken away."""
    source = path.read_text()
    blank = lambda match: "\n" * match[0].count("\n")  # noqa: E731 (keeps the line numbers)
    source = CODE.sub(blank, TAG_OR_COMMENT.sub(blank, source))
    source = re.sub(r"\{\{.*?\}\}", "0", source)
    attributes = [(source.count("\n", 0, found.start()) + 1, found[1]) for found in READ_ATTRIBUTE.finditer(source)]
    source = MARKUP.sub(lambda match: "\n" * match[0].count("\n"), source)
    for number, line in [*enumerate(source.splitlines(), start=1), *attributes]:
        yield number, html.unescape(line).strip()


def texts_of_module(path: Path) -> Iterator[tuple[int, str]]:
    """The strings that are neither docstrings, names, keys nor English (what developers read)."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in docstrings:
            continue
        if " " in node.value and (FRENCH.search(node.value) or LOST_ACCENT.search(node.value)):
            yield node.lineno, node.value


def complaints(path: Path, texts: Iterator[tuple[int, str]], rules: dict[str, re.Pattern[str]]) -> list[str]:
    return [
        f"{path.relative_to(BASE)}:{number}: {rule}: …{text[max(0, found.start() - 20) : found.end() + 20]}…"
        for number, text in texts
        for rule, pattern in rules.items()
        for found in pattern.finditer(text)
    ]


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(BASE / "templates")))
def test_templates(path):
    found = complaints(path, texts_of_template(path), RULES | {"English": ENGLISH})
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(BASE)))
def test_strings_of_the_code(path):
    found = complaints(path, texts_of_module(path), RULES)
    assert not found, "\n".join(found)


def test_no_hour_breaks_at_the_end_of_a_line():
    breaking = [str(path) for path in templates() + modules() if re.search(r"G[ ]\\h|\\h[ ]i", path.read_text())]
    assert not breaking, "a no-break space is wanted on both sides of the h of a time"
