"""Frozen content made ready for paper: harmless to lay out, and told in the words of the form.

Nothing here reads a spec or a model: a dossier filed years ago prints from what was frozen then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from dossiers.pdf.characters import plain

# Beyond what any field accepts: they only keep content that escaped the form's limits from blocking a worker.
MAX_TEXT_LENGTH = 40_000
MAX_ROWS = 200
MAX_CELL_LENGTH = 4_000
# A line costs the layout as much as a hundred words: those beyond are told on one.
MAX_LINES = 200  # of a free text: four pages of it
MAX_LINES_OF_A_FIELD = 40
LONGEST_LINE = 1_000  # a longer answer is framed, and flows over pages;
MOST_LINES = 20  # so does one of more lines: beside its prompt it would not break
# A word that no line can hold costs the layout the square of its length: it is made of pieces that any column holds.
LONGEST_WORD = 64  # a SHA-256 is printed as it is
WORD_PIECE = 20
EMPTY_LINES = re.compile(r"\n\s*\n\s*\n")
LONG_WORD = re.compile(rf"[^ \n\t]{{{LONGEST_WORD + 1},}}")  # no-break spaces hold a word together
ZERO_WIDTH_SPACE = "\N{ZERO WIDTH SPACE}"

# The spaces of French typography that must not end a line, where a form or a keyboard gave plain ones.
# Nor may a number be cut from its other digits or its unit (« 5 h 19 », « 2 février », « 1,2 Mo »), an article from its
# letter, a name from its title.
MONTHS = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
UNBREAKABLE_SPACE = re.compile(
    r" (?=[;!?%»€]|:(?:\s|$))|(?<=«) |(?<=n°) "
    rf"|(?<=\d) (?=(?:h|min|s|[KMG]i?o|octets?|{MONTHS})\b|\d{{2,3}}\b)|(?<=[\d\s]h) (?=\d)|(?<=\bmin) (?=\d)"
    r"|(?<=\b[LRDA]\.) (?=\d)|(?<=\b(?:D|P)r) (?=[A-ZÀ-Þ])"
)

# « Page 3 et 4 : Formation »: the paper form's own contents, replaced by a table with the real pages.
PAGE_REFERENCE = re.compile(r"pages?\s+\d", flags=re.IGNORECASE)
E_MAIL = re.compile(r"([\w.+-]+@[\w.-]+\w)")
SHORT_OPTION = 26  # longer options are stacked, one under the other
CLOSING_ENTRIES = 4
COMPACT_TEXT = 600  # characters of an answer that is not cut by a page; a longer one flows
COMPACT_LINES = 8
LISTED_OPTIONS = 8  # a longer list of choices prints the answer alone
BLANK_ROWS = 7  # as many as the official table of internships
CONTEXT_KEYS = (
    "offer_title",
    "session_label",
    "start_label",
    "institution",
    "service",
    "submission_address",
    "deadline_display",
    "candidate_name",
    "candidate_email",
    "number",
    "filed_at_display",
    "privacy_contact",
)
OPINIONS = (
    ("favorable", "Avis favorable"),
    ("reserved", "Avis favorable avec réserves"),
    ("unfavorable", "Avis défavorable"),
)


def clean(value: Any) -> Any:
    """The same JSON value, each text of it bounded and breakable. What is cut says so."""
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, Mapping):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def _clean_text(text: str) -> str:
    text = plain(text).strip()
    text = _join_lines(_cut(EMPTY_LINES.sub("\n\n", text), MAX_TEXT_LENGTH), MAX_LINES)
    text = UNBREAKABLE_SPACE.sub("\N{NO-BREAK SPACE}", text)
    return LONG_WORD.sub(lambda match: _breakable(match[0]), text)


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]}\n\n[Texte coupé à l’impression : {len(text) - longest} caractères de plus.]"


def _join_lines(text: str, most: int) -> str:
    """No word is lost: the lines beyond follow one another, without the empty ones, and the text says so."""
    lines = text.split("\n")
    if len(lines) <= most:
        return text
    told = f"[Texte resserré à l’impression : à partir de la ligne {most}, chaque nouvelle ligne suit le signe « / ».]"
    return "\n".join([*lines[: most - 1], _on_one_line("\n".join(lines[most - 1 :])), "", told])


def _on_one_line(text: str) -> str:
    return " / ".join(line.strip() for line in text.split("\n") if line.strip())


def _breakable(word: str) -> str:
    return ZERO_WIDTH_SPACE.join(word[start : start + WORD_PIECE] for start in range(0, len(word), WORD_PIECE))


def prepare(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the template of a dossier needs, from its frozen content."""
    content = clean(content)
    context = dict.fromkeys(CONTEXT_KEYS, "") | {"contacts": []} | content["context"]
    filled = bool(context["candidate_name"])
    sections = [_section(section, filled) for section in content["sections"]]
    on_cover = [section for section in sections if section["on_cover"]]
    on_pages = [section for section in sections if not section["on_cover"]]
    for number, section in enumerate(on_pages, start=1):
        section["number"] = number
        texts = sum(entry["shape"] == "long" for entry in section["entries"])
        wants_a_page = texts + bool(section["closing"]) > 1
        section["opens_page"] = number == 1 or (wants_a_page and content.get("parts_on_own_pages", True))
        section["kept"] = wants_a_page  # where it opens none, it is not cut either, if a page holds it
    told = [text for section in on_cover for text in (section["intro"], *(e["label"] for e in section["entries"]))]
    if any(context["privacy_contact"] in text for text in told):
        context["privacy_contact"] = ""
    context["contacts"] = [_with_addresses(contact) for contact in context["contacts"]]
    checklist = [item for item in content.get("document_checklist") or () if not PAGE_REFERENCE.match(item)]
    pieces = [piece | {"files": piece.get("files") or []} for piece in content.get("pieces") or ()]
    annexes = [_annex(annex) for annex in content.get("annexes") or ()]
    return {
        "title": _title(content.get("document_title", ""), context["offer_title"]),
        "intro": content.get("document_intro", ""),
        "checklist": checklist,
        "checklist_ends_with_contents": bool(checklist) and checklist[-1].endswith(":"),
        "context": context,
        "start": _start(context["start_label"]),
        "followed_by": _followed_by(context["institution"]),
        "cover_sections": on_cover,
        "sections": on_pages,
        "annexes": annexes,
        "has_signatures": any(annex["signed"] for annex in annexes),
        "pieces": pieces,
        "has_files": any(piece["files"] for piece in pieces),
    }


def _with_addresses(text: str) -> list[dict[str, Any]]:
    """A line in parts: an e-mail address is never cut at its hyphens."""
    return [{"text": part, "is_address": "@" in part} for part in E_MAIL.split(text) if part]


def _title(document_title: str, offer_title: str) -> str:
    """The title under the words "Dossier de candidature", which every cover bears already."""
    title = re.sub(r"^\s*dossier de candidature\b[\s:–—-]*", "", document_title, flags=re.IGNORECASE).strip()
    return title or offer_title


def _start(label: str) -> str:
    """« prise de fonction en novembre 2025 ou mai 2026 », where the offer gives the months alone."""
    if not label or label.casefold().startswith("prise"):
        return label
    return f"prise de fonction en {label}" if label[0].isalpha() else f"prise de fonction\N{NO-BREAK SPACE}: {label}"


def _followed_by(institution: str) -> str:
    """« Dossier suivi à l’ARS Normandie par », where French elides; the name follows on its own line elsewhere."""
    if re.match(r"[AEIOUÉÈ]", institution, flags=re.IGNORECASE):
        return f"Dossier suivi à l’{institution} par"
    return f"Dossier suivi par : {institution}" if institution else "Dossier suivi par"


def _section(section: Mapping[str, Any], filled: bool) -> dict[str, Any]:
    heading = section.get("heading") or section["title"]
    entries = _entries(section["entries"], heading, filled)
    if section.get("on_cover"):  # a postal address is a long answer, but the cover has no room for a frame
        entries = [entry | {"shape": "line"} if _fits_a_line(entry) else entry for entry in entries]
    _share_room(entries)
    entries, closing = _part_from_closing(entries)
    return {
        "heading": heading,
        "intro": section.get("intro", ""),
        "intro_after": section.get("intro_after", ""),
        "on_cover": bool(section.get("on_cover")),
        "entries": entries,
        "closing": closing,
        # A consent says « ci-dessous »: its notice follows the box.
        "intro_follows": bool(entries) and all(entry["shape"] == "checkbox" for entry in entries),
    }


def _part_from_closing(entries: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The date and the signature under a text are printed in one piece, with the end of that text."""
    shapes = [entry["shape"] for entry in entries]
    if "long" not in shapes:
        return entries, []
    end = len(shapes) - shapes[::-1].index("long")
    short = end < len(shapes) <= end + CLOSING_ENTRIES and "table" not in shapes[end:]
    return (entries[:end], entries[end:]) if short else (entries, [])


def _fits_a_line(entry: Mapping[str, Any]) -> bool:
    return entry["shape"] == "long" and _is_short(entry["display"])


def _is_short(display: str) -> bool:
    return len(display) <= LONGEST_LINE and display.count("\n") < MOST_LINES


def _entries(entries: list[Mapping[str, Any]], heading: str, filled: bool) -> list[dict[str, Any]]:
    """filled: someone has answered. Then what was left empty is told, not left to write in, and what the other answers
    make pointless is left out; a blank form asks everything.
    """
    asked = [entry for entry in entries if not filled or entry.get("applies", True)]
    return [printed | {"unanswered": filled and _is_empty(printed)} for printed in (_entry(e, heading) for e in asked)]


def _is_empty(printed: Mapping[str, Any]) -> bool:
    match printed["shape"]:
        case "line" | "long":
            return not printed["display"]
        case "table":
            return printed["is_blank"]
        case _:
            return False


def _entry(entry: Mapping[str, Any], heading: str) -> dict[str, Any]:
    """An answer with the shape it is printed in: line, long, options, checkbox or table."""
    display = entry.get("display", "")
    printed = {
        "name": entry["name"],
        "type": entry["type"],
        "heading": entry.get("heading", ""),
        "hint": entry.get("hint", ""),
        "unit": entry.get("unit", ""),
        "label": entry["label"].rstrip(" \N{NO-BREAK SPACE}:"),
        "display": display if entry["type"] == "long" else _join_lines(display, MAX_LINES_OF_A_FIELD),
        "shape": {"long": "long", "checkbox": "checkbox", "table": "table"}.get(entry["type"], "line"),
        "options": [],
        "checked": bool(entry.get("checked")),
        "columns": [],
        "rows": [],
        "cut_rows": 0,
    }
    if printed["shape"] == "line" and not _is_short(printed["display"]):
        printed["shape"] = "long"
    printed["compact"] = len(printed["display"]) <= COMPACT_TEXT and printed["display"].count("\n") < COMPACT_LINES
    if printed["shape"] == "checkbox":
        printed["label"] = entry["label"]
    printed["prompt"] = printed["label"] if printed["label"].endswith("?") else f"{printed['label']}\N{NO-BREAK SPACE}:"
    printed["says_heading"] = printed["label"].casefold() == (printed["heading"] or heading).casefold()
    options = entry.get("options") or []
    if entry["type"] == "choices" or 0 < len(options) <= LISTED_OPTIONS:
        printed |= {"shape": "options", "options": options}
        printed["stacked"] = any(len(option["label"]) > SHORT_OPTION for option in options)
    if printed["shape"] == "table":
        rows = [[_cut(_on_one_line(cell), MAX_CELL_LENGTH) for cell in row] for row in entry.get("rows") or ()]
        blank = [[""] * len(entry["columns"])] * BLANK_ROWS
        printed |= {
            "columns": _columns(entry["columns"], rows[:MAX_ROWS]),
            "rows": rows[:MAX_ROWS] or blank,
            "is_blank": not rows,
            "cut_rows": max(len(rows) - MAX_ROWS, 0),
        }
    return printed


def _header_length(label: str) -> int:
    """A short header stays on one line, a long one takes two."""
    return len(label) if len(label) <= 20 else len(label) * 2 // 3


def _columns(labels: list[str], rows: list[list[str]]) -> list[dict[str, Any]]:
    """The columns with a width each, by what they hold: a layout that measures every cell is slow and breakable."""
    lengths = [
        max([_header_length(label), *(len(row[position]) for row in rows)]) for position, label in enumerate(labels)
    ]
    shares = [min(max(length, 14), 40) for length in lengths]
    return [
        {"label": label, "percent": 100 * share // sum(shares)} for label, share in zip(labels, shares, strict=True)
    ]


def _share_room(entries: list[dict[str, Any]]) -> None:
    """On a form to fill in by hand, a question alone on its page has more room than one among many."""
    shapes = [entry["shape"] for entry in entries]
    texts = shapes.count("long")
    room = "small"
    if "table" not in shapes and len(entries) <= 8:
        room = {1: "ample", 2: "fair"}.get(texts, "small")
    for entry in entries:
        entry["room"] = room


def _annex(annex: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {
        "role": "",
        "instructions": "",
        "statement": "",
        "text_label": "Avis",
        "opinion": "",
        "text": "",
        "signed": False,
        "awaited": False,
        "signed_at_display": "",
        "signed_by": "",
        "signed_quality": "",
        "verified_by": "",
        "changes": [],
        "manner": "",
        "reference": "",
        "sha256": "",
    }
    signatory = {"name": "", "function": "", "institution": "", "email": ""} | (annex.get("signatory") or {})
    entries = _entries(annex.get("entries") or [], "", bool(annex.get("signed")))
    quality = list(takewhile(lambda entry: entry["type"] == "text", entries))
    entries = entries[len(quality) :]
    texts = [entry for entry in entries if entry["shape"] == "long"]
    room = {0: "fair", 1: "small"}.get(len(texts), "tiny")
    texts = [entry | {"room": room} for entry in texts]
    answers = {
        "signatory": signatory,
        "signatory_function": signatory["function"] or annex.get("role", ""),
        "opinions": [{"label": label, "checked": annex.get("opinion") == key} for key, label in OPINIONS],
        "recalled": [_entry(entry, "") for entry in annex.get("recalled") or ()],
        "quality": quality,
        "facts": [entry for entry in entries if entry["shape"] != "long"],
        "texts": texts,
        "room": room,
    }
    return defaults | annex | answers
