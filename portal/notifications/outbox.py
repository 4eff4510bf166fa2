"""Queue a mail in the transaction of its event; the worker writes and sends it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from portal.notifications.models import Mail

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Letter:
    """What a builder gives: a mail ready to leave. `html` is optional; attachments are (name, bytes, type).

    unsubscribe: the absolute address that a mail program posts to so that no such mail comes again (RFC 8058).
    """

    subject: str
    text: str
    html: str = ""
    attachments: list[tuple[str, bytes, str]] = field(default_factory=list)
    unsubscribe: str = ""

    @property
    def headers(self) -> dict[str, str]:
        if not self.unsubscribe:
            return {}
        return {"List-Unsubscribe": f"<{self.unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


class NotYet(Exception):
    """Raised by a builder when what it needs is in the making: the mail waits a moment, and no try is counted."""


class Obsolete(Exception):
    """Raised by a builder when the mail no longer makes sense (a revoked link): it is dropped, not retried."""


Builder = Callable[[dict[str, Any]], Letter]


@dataclass(frozen=True)
class Kind:
    """One nature of mail.

    label: how a dossier's thread calls it. reader: "candidate", "signatory", "service" or "member": who it is for.
    category: what its reader may refuse to get; "" for what the law or the circuit requires.
    """

    write: Builder
    label: str = ""
    reader: str = ""
    category: str = ""


kinds: dict[str, Kind] = {}


def builder(kind: str, *, label: str = "", reader: str = "", category: str = ""):
    """Declare the function that writes the mails of this kind from their payload."""

    def declare(function: Builder):
        kinds[kind] = Kind(function, label, reader, category)
        return function

    return declare


@builder("rendered")
def _rendered(payload: dict[str, Any]) -> Letter:
    return Letter(payload["subject"], payload["text"])


def build(mail: Mail) -> Letter:
    return kinds.get(mail.kind, kinds["rendered"]).write(mail.payload)


def holds_its_words(mail: Mail) -> bool:
    """Its payload is the text itself, with its code or link, rather than what to write it from."""
    return mail.kind not in kinds


def enqueue(kind: str, recipient: str, payload: dict[str, Any], *, thread: UUID | None = None) -> Mail:
    """Queue one mail. `thread`: the primary key of the dossier that it is about."""
    if kind not in kinds:
        raise LookupError(f"No builder for mails of kind {kind!r}.")
    return _queue(kind, recipient, payload, thread)


def enqueue_rendered(*, kind: str, recipient: str, subject: str, text: str) -> Mail:
    """Queue a mail whose words are known already (allauth's)."""
    return _queue(kind, recipient, {"subject": subject, "text": text})


def enqueue_all(kind: str, letters: Iterable[tuple[str, dict[str, Any], UUID | None]]) -> None:
    """Queue many mails of one kind with one query. Each is (recipient, payload, thread)."""
    if kind not in kinds:
        raise LookupError(f"No builder for mails of kind {kind!r}.")
    mails = [Mail(kind=kind, recipient=to, payload=payload, thread=thread) for to, payload, thread in letters]
    if Mail.objects.bulk_create(mails, batch_size=1000):
        _wake_after_commit()


def _queue(kind: str, recipient: str, payload: dict[str, Any], thread: UUID | None = None) -> Mail:
    mail = Mail.objects.create(kind=kind, recipient=recipient, payload=payload, thread=thread)
    _wake_after_commit()
    return mail


def _wake_after_commit() -> None:
    if all(hook is not wake_worker for _, hook, *_ in connection.run_on_commit):  # once per transaction
        transaction.on_commit(wake_worker, robust=True)


def wake_worker() -> None:
    from portal.notifications.tasks import drain_outbox

    try:
        drain_outbox.delay()
    except Exception:  # the broker is away: beat drains the outbox when it is back
        logger.warning("The broker did not take the wake-up; the next sweep will send the mail.", exc_info=True)
