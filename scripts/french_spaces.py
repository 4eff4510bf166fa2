"""Puts the no-break spaces of French typography where a plain space stands: before : ; ? ! » and after «.

`python scripts/french_spaces.py FILE…` rewrites templates (.html, .txt) and the strings of modules (.py).
tests/test_french_texts.py says where they are missing.
"""

import ast
import re
import sys
import tokenize
from pathlib import Path

NO_BREAK = "\u00a0"
UNTOUCHED = re.compile(
    r"(\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<(?:script|style)\b.*?</(?:script|style)>|<!--.*?-->|<[^>]*>)", re.DOTALL
)
BEFORE = re.compile(r"(?<=[\w)»%}’>]) (?=»|[:;?!](?:[\s<{\"']|$))")
AT_START = re.compile(r"^ (?=»|[:;?!](?:\s|$))")
AFTER = re.compile(r"« ")


def spaced(text: str) -> str:
    return AFTER.sub("«" + NO_BREAK, BEFORE.sub(NO_BREAK, text))


def spaced_template(source: str) -> str:
    """Only what stands between tags, and the attributes that are read out."""
    parts = UNTOUCHED.split(source)
    for index, part in enumerate(parts):
        if index % 2 == 0:
            after_a_tag = index > 0 and not parts[index - 1].startswith(("{#", "<!--"))
            parts[index] = spaced(AT_START.sub(NO_BREAK, part) if after_a_tag else part)
    return "".join(parts)


def spaced_module(source: str) -> str:
    lines = source.splitlines(keepends=True)
    docstring_lines = {
        node.body[0].lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    kinds = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(iter(lines).__next__):
        (row, start), (last_row, end) = token.start, token.end
        if token.type in kinds and row == last_row and row not in docstring_lines and not token.string.startswith("r"):
            line = lines[row - 1]
            lines[row - 1] = line[:start] + spaced(line[start:end]) + line[end:]
    return "".join(lines)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        before = path.read_text()
        after = spaced_module(before) if path.suffix == ".py" else spaced_template(before)
        if after != before:
            path.write_text(after)
