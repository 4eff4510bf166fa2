"""What has changed, answer by answer, since a signatory read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dossiers.fingerprints import fingerprint

NOTHING = "(sans réponse)"


def answers_shown(sections: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the candidate had answered, by section and field: a label that is worded otherwise later changes nothing."""
    return {section["key"]: {entry["name"]: entry["display"] for entry in section["entries"]} for section in sections}


def digest(sections: Iterable[Mapping[str, Any]]) -> str:
    """Fingerprint of these answers: equal as long as a signature still covers them."""
    return fingerprint(answers_shown(sections))


def changes(then: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The answers that differ between two readings: section, label, before, after; in the order of the form."""
    before = {section["key"]: {entry["name"]: entry for entry in section["entries"]} for section in then}
    found = []
    for section in now:
        former = before.get(section["key"], {})
        for entry in section["entries"]:
            earlier = former.pop(entry["name"], None)
            if earlier is None or earlier["display"] != entry["display"]:
                found.append(_change(section, entry, earlier, entry))
        found += [_change(section, entry, entry, None) for entry in former.values()]
    return found


def _change(section, entry, earlier, present) -> dict[str, str]:
    return {
        "section": section["title"],
        "label": entry["label"],
        "before": _text(earlier),
        "after": _text(present),
    }


def _text(entry: Mapping[str, Any] | None) -> str:
    return (entry and entry["display"]) or NOTHING
