"""The mailbox of the demonstration: every mail that its SMTP server received, for whoever tries the portal."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

LATEST = 100


@require_GET
def mailbox(request: HttpRequest) -> HttpResponse:
    folder = Path(settings.DEMO_MAIL_DIR or "/nonexistent")
    wanted = request.GET.get("pour", "").strip().lower()
    files = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime, reverse=True)
    mails = [_read(path) for path in files[: 5 * LATEST]]
    shown = [mail for mail in mails if not wanted or wanted in mail["to"].lower()][:LATEST]
    return render(request, "pages/demo_mail.html", {"mails": shown, "wanted": wanted})


def _moment(message: EmailMessage) -> datetime | None:
    """When it was sent. Django writes UTC without saying so ("-0000"), which is read as a naive time."""
    moment = message["date"].datetime if message["date"] else None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _read(path: Path) -> dict:
    message: EmailMessage = email.message_from_bytes(path.read_bytes(), policy=default)
    text = message.get_body(("plain",))
    body = text.get_content() if text else ""
    return {
        "id": path.stem,
        "to": message["to"] or "",
        "subject": message["subject"] or "",
        "date": _moment(message),
        "body": body,
        "attachments": [part.get_filename() for part in message.iter_attachments()],
    }
