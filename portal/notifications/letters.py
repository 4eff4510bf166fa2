"""Write a mail from a template: plain text, and the same words as HTML with the one thing to do as a button."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from portal.notifications.outbox import Letter

CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{3,15}")
LINK = re.compile(r"https?://\S+")
LABELLED_LINK = re.compile(r"([^\n]+?)\s:\n(https?://\S+)")


@dataclass(frozen=True)
class Words:
    """A subject and an introduction that replace those of the template. Empty: the template's own."""

    subject: str = ""
    intro: str = ""


def compose(
    template: str,
    context: dict[str, Any],
    *,
    action: tuple[str, str] | None = None,
    facts: Sequence[tuple[str, str]] = (),
    help_text: str = "",
    attachments: list[tuple[str, bytes, str]] | None = None,
    words: Words = Words(),
    unsubscribe: str = "",
) -> Letter:
    """The letter of `templates/mails/<template>.txt`, which extends `_letter.txt`: its first line is the subject.

    action: label and absolute address of the one thing to do. facts: whom and what it is about, by when: label, value.
    help_text: whom to ask. unsubscribe: where to ask for no more of these.
    """
    known = {
        "action": f"{action[0]} :\n{action[1]}" if action else "",
        "facts": "\n".join(f"{label} : {value}" for label, value in facts),
        "help": help_text,
        "unsubscribe": f"Ne plus recevoir ces messages :\n{unsubscribe}" if unsubscribe else "",
    }
    texts = known | _site() | {"words": words}
    source = render_to_string(f"mails/{template}.txt", context | texts).strip()
    subject, _, body = re.sub(r"\n\s*\n\s*", "\n\n", source).partition("\n")
    parts = {"action": action, "facts": facts, "help": help_text, "unsubscribe": unsubscribe}
    special = {text: {"kind": kind, "content": parts[kind]} for kind, text in known.items() if text}
    return _letter(" ".join(subject.split()), body.strip(), special, attachments or [], unsubscribe)


def dress(subject: str, text: str) -> Letter:
    """A letter of words known already: a code stands out, an address on its line can be followed."""
    return _letter(subject, re.sub(r"\n\s*\n\s*", "\n\n", text).strip(), {}, [], "")


def _letter(subject: str, text: str, special: dict[str, dict], attachments: list, unsubscribe: str) -> Letter:
    """special: the blocks of the text that are not paragraphs, and what to show for them."""
    blocks = [special.get(block.strip()) or _block(block.strip()) for block in text.split("\n\n") if block.strip()]
    *blocks, signature = blocks if blocks[-1]["kind"] != "unsubscribe" else [*blocks[:-2], blocks[-1], blocks[-2]]
    preview = next((block["content"] for block in blocks[1:] if block["kind"] == "text"), "")
    context = {"blocks": blocks, "signature": signature["content"], "subject": subject, "preview": preview}
    html = render_to_string("mails/letter.html", context | _site())
    return Letter(subject, text + "\n", html, attachments, unsubscribe)


def _site() -> dict[str, str]:
    return {"site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}


def _block(text: str) -> dict[str, Any]:
    """A list (its lines begin with a dash, the first may introduce it), a code, an address, labelled or not, a text.

    What somebody typed is among the texts: an address that is not the portal's own never becomes a button.
    """
    head, *lines = text.split("\n")
    if head.startswith("– "):
        head, lines = "", [head, *lines]
    if lines and all(line.startswith("– ") for line in lines):
        return {"kind": "list", "head": head, "content": [line[2:] for line in lines]}
    labelled = LABELLED_LINK.fullmatch(text)
    if labelled and _is_ours(labelled[2]):
        return {"kind": "button", "content": labelled.groups()}
    if CODE.fullmatch(text):
        return {"kind": "code", "content": text}
    if LINK.fullmatch(text) and _is_ours(text):
        return {"kind": "link", "content": text}
    return {"kind": "text", "content": text}


def _is_ours(address: str) -> bool:
    return address.startswith(f"{settings.SITE_URL}/")
