"""Write a mail from a template: plain text, and the same words as HTML with the one thing to do as a button."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from portal.notifications.outbox import Letter


def compose(
    template: str,
    context: dict[str, Any],
    *,
    action: tuple[str, str] | None = None,
    attachments: list[tuple[str, bytes, str]] | None = None,
) -> Letter:
    """The letter of `templates/mails/<template>.txt`: its first line is the subject, the rest the text.

    action: label and absolute address of the one thing to do; the template places it with `{{ action }}`.
    """
    action_text = f"{action[0]} :\n{action[1]}" if action else ""
    context = context | {"action": action_text, "site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
    subject, _, body = render_to_string(f"mails/{template}.txt", context).strip().partition("\n")
    text = body.strip()
    blocks = [
        {"action": action} if action and block.strip() == action_text else {"text": block.strip()}
        for block in text.split("\n\n")
        if block.strip()
    ]
    html = render_to_string("mails/letter.html", {"blocks": blocks, "subject": subject} | context)
    return Letter(" ".join(subject.split()), text + "\n", html, attachments or [])
