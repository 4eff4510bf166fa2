"""Queue a mail in the transaction of its event; the worker writes and sends it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from portal.notifications.models import Mail

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Letter:
    """What a builder gives: a mail ready to leave. `html` is optional; attachments are (name, bytes, type)."""

    subject: str
    text: str
    html: str = ""
    attachments: list[tuple[str, bytes, str]] = field(default_factory=list)


class Obsolete(Exception):
    """Raised by a builder when the mail no longer makes sense (a revoked link): it is dropped, not retried."""


_builders: dict[str, Callable[[dict[str, Any]], Letter]] = {}


def builder(kind: str):
    """Declare the function that writes the mails of this kind from their payload."""

    def declare(function: Callable[[dict[str, Any]], Letter]):
        _builders[kind] = function
        return function

    return declare


@builder("rendered")
def _rendered(payload: dict[str, Any]) -> Letter:
    return Letter(payload["subject"], payload["text"])


def build(mail: Mail) -> Letter:
    return _builders.get(mail.kind, _rendered)(mail.payload)


def enqueue(kind: str, recipient: str, payload: dict[str, Any], *, dedup_key: str | None = None) -> Mail | None:
    """Queue one mail. Returns None where `dedup_key` was queued before."""
    if kind not in _builders:
        raise LookupError(f"No builder for mails of kind {kind!r}.")
    return _queue(kind, recipient, payload, dedup_key)


def enqueue_rendered(*, kind: str, recipient: str, subject: str, text: str) -> Mail:
    """Queue a mail whose words are known already (allauth's)."""
    return _queue(kind, recipient, {"subject": subject, "text": text}, None)


def _queue(kind: str, recipient: str, payload: dict[str, Any], dedup_key: str | None) -> Mail | None:
    mail = Mail(kind=kind, recipient=recipient, payload=payload, dedup_key=dedup_key)
    if dedup_key is None:
        mail.save()
    else:
        # ON CONFLICT DO NOTHING reports no key: whether this very row went in is asked by its own uid.
        Mail.objects.bulk_create([mail], ignore_conflicts=True)
        mail = Mail.objects.filter(uid=mail.uid).first()
    transaction.on_commit(_wake_worker, robust=True)
    return mail


def _wake_worker() -> None:
    from portal.notifications.tasks import drain_outbox

    try:
        drain_outbox.delay()
    except Exception:  # the broker is away: beat drains the outbox when it is back
        logger.warning("The broker did not take the wake-up; the next sweep will send the mail.", exc_info=True)
