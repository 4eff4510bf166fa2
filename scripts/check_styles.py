"""What is wrong in the stylesheets: what a browser would skip without a word, and classes that nothing has.

A merge that loses a brace leaves a file that every browser reads, less the rules that follow.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import django
import tinycss2
from tinycss2.ast import AtRule, Declaration, Node, ParseError, QualifiedRule

BASE = Path(__file__).resolve().parent.parent
SHEETS = (*sorted(BASE.glob("static/css/*.css")), *sorted(BASE.glob("dossiers/pdf/*.css")))
ROOMS = ("applications", "dossiers", "offers", "portal", "templates", "static/js")
ADMIN = Path(django.__file__).parent / "contrib/admin"  # its pages have classes of their own
TEXTS = {".py", ".html", ".js", ".txt"}
HOLD_RULES = {"media", "supports"}
CLASS = re.compile(r"\.(-?[_a-zA-Z][\w-]*)")
WORD = re.compile(r"[\w-]+")
BEGINNING = re.compile(r"\b(\w[\w-]*-)(?=\{)")


def mistakes(css: str) -> Iterator[str]:
    """Each with its line. A rule inside a rule is taken for what follows a brace that was lost."""
    if tinycss2.serialize(tinycss2.parse_component_value_list(css)) != css:
        yield "fin : une accolade, une parenthèse ou un guillemet n’est pas fermé"
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        yield from _of_rule(rule)


def _of_rule(rule: Node) -> Iterator[str]:
    if isinstance(rule, AtRule) and rule.lower_at_keyword in HOLD_RULES and rule.content is not None:
        for inner in tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True):
            yield from _of_rule(inner)
    elif isinstance(rule, QualifiedRule | AtRule):
        if any(isinstance(part, ParseError) or part == ";" for part in rule.prelude):
            yield f"ligne {rule.source_line} : une accolade manque devant les déclarations"
        for part in tinycss2.parse_blocks_contents(rule.content or [], skip_comments=True, skip_whitespace=True):
            if isinstance(part, QualifiedRule):
                yield f"ligne {part.source_line} : une règle dans une règle"
            elif isinstance(part, Declaration) and not tinycss2.serialize(part.value).strip():
                yield f"ligne {part.source_line} : « {part.name} » est sans valeur"
            elif isinstance(part, ParseError | AtRule):
                yield from _of_rule(part)
    elif isinstance(rule, ParseError):
        yield f"ligne {rule.source_line} : {rule.message}"


def classes(css: str) -> set[str]:
    """Those that its selectors name."""
    found: set[str] = set()
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        found |= _classes_of(rule)
    return found


def _classes_of(rule: Node) -> set[str]:
    if isinstance(rule, AtRule) and rule.lower_at_keyword in HOLD_RULES:
        inner = tinycss2.parse_rule_list(rule.content or [], skip_comments=True, skip_whitespace=True)
        return set().union(*map(_classes_of, inner))
    return set(CLASS.findall(tinycss2.serialize(rule.prelude))) if isinstance(rule, QualifiedRule) else set()


def unused(css: str, texts: Iterable[str]) -> list[str]:
    """The classes that no text says, in full or by their beginning ("portal-state--{{ state }}")."""
    words, beginnings = set(), set()
    for text in texts:
        words.update(WORD.findall(text))
        beginnings.update(BEGINNING.findall(text))
    return sorted(name for name in classes(css) - words if not name.startswith(tuple(beginnings)))


def texts() -> list[str]:
    folders = [*(BASE / room for room in ROOMS), ADMIN]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in TEXTS]
    return [path.read_text() for path in files if "locale" not in path.parts]


def main() -> str:
    """What is told, and ends with an error; empty where all is well."""
    said = texts()
    problems = []
    for sheet in SHEETS:
        css = sheet.read_text()
        problems += [f"{sheet.relative_to(BASE)}, {problem}" for problem in mistakes(css)]
        problems += [f"{sheet.relative_to(BASE)} : rien n’a la classe « {name} »" for name in unused(css, said)]
    return "\n".join(problems)


if __name__ == "__main__":
    sys.exit(main() or None)
