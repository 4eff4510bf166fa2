"""Queue a mail in the transaction of its event; the worker writes and sends it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from portal.notifications import preferences
from portal.notifications.models import Mail, Priority

logger = logging.getLogger(__name__)
NOW, NORMAL, LATER = Priority.NOW, Priority.NORMAL, Priority.LATER
ALWAYS_QUIET = datetime(9999, 1, 1, tzinfo=UTC)  # without a deadline, a mail never disturbs


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
    category: what its reader may refuse to get; "" for what the law or the circuit requires. priority: before what it
    leaves.
    """

    write: Builder
    label: str = ""
    reader: str = ""
    category: str = ""
    priority: Priority = NORMAL


kinds: dict[str, Kind] = {}
_bounce_hooks: list[Callable[[Mail], None]] = []


def builder(kind: str, *, label: str = "", reader: str = "", category: str = "", priority: Priority = NORMAL):
    """Declare the function that writes the mails of this kind from their payload."""

    def declare(function: Builder):
        kinds[kind] = Kind(function, label, reader, category, priority)
        return function

    return declare


def on_bounce(function: Callable[[Mail], None]):
    """Declare what to do when an address is refused for good: called in the transaction that records it.

    It gets the mail with its kind, payload (identifiers), thread, recipient and last_error. Where it raises, nothing
    is recorded and the mail is tried again later.
    """
    _bounce_hooks.append(function)
    return function


def tell_bounce(mail: Mail) -> None:
    for hook in _bounce_hooks:
        hook(mail)


def build(mail: Mail) -> Letter:
    """The letter, unless its reader no longer wants this category; what may be refused says how."""
    kind = kinds.get(mail.kind, kinds["rendered"])
    if not kind.category or "sample" in mail.payload:
        return kind.write(mail.payload)
    if preferences.refuses(mail.recipient, kind.category):
        raise Obsolete("la personne ne veut plus de ces messages")
    page = preferences.page_of(mail.recipient, kind.category)
    letter = kind.write(mail.payload | {"unsubscribe": page, "mail": mail.pk})
    return letter if letter.unsubscribe else replace(letter, unsubscribe=page)


def holds_its_words(mail: Mail) -> bool:
    """Its payload is the text itself, with its code or link, rather than what to write it from."""
    return mail.kind not in kinds


def enqueue(
    kind: str,
    recipient: str,
    payload: dict[str, Any],
    *,
    thread: UUID | None = None,
    quiet_until: datetime | None = None,
) -> Mail:
    """Queue one mail. `thread`: the primary key of the dossier that it is about; `quiet_until`: see Mail."""
    return _queue(
        Mail(
            kind=kind,
            recipient=recipient,
            payload=payload,
            thread=thread,
            priority=priority_of(kind),
            quiet_until=quiet_until,
        )
    )


def priority_of(kind: str) -> Priority:
    """Raises LookupError for a kind that nobody writes."""
    if kind not in kinds:
        raise LookupError(f"No builder for mails of kind {kind!r}.")
    return kinds[kind].priority


def enqueue_rendered(*, kind: str, recipient: str, subject: str, text: str) -> Mail:
    """Queue a mail whose words are known already (allauth's: somebody waits for the code or the link in it)."""
    return _queue(Mail(kind=kind, recipient=recipient, payload={"subject": subject, "text": text}, priority=NOW))


def enqueue_all(
    kind: str, letters: Iterable[tuple[str, dict[str, Any], UUID | None]], *, quiet_until: datetime | None = None
) -> None:
    """Queue many mails of one kind with one query. Each is (recipient, payload, thread); `quiet_until`: see Mail."""
    own = {"kind": kind, "priority": priority_of(kind), "quiet_until": quiet_until}
    mails = [Mail(recipient=to, payload=payload, thread=thread, **own) for to, payload, thread in letters]
    if Mail.objects.bulk_create(mails, batch_size=1000):
        wake_after_commit()


def _queue(mail: Mail) -> Mail:
    mail.save(force_insert=True)
    wake_after_commit()
    return mail


def insert_from(source: str) -> str:
    """The SQL that queues a mail for each row of a table expression: kind, recipient, payload, thread, priority and
    quiet_until. The statement is the caller's (with the instant as its parameter `now`), so that a mail stands or
    falls with what else it writes.
    """
    return f"""
        INSERT INTO notifications_mail (uid, kind, recipient, payload, thread, priority, quiet_until, state, subject,
            attempts, next_attempt_at, last_error, created_at)
        SELECT gen_random_uuid(), kind, recipient, payload, thread, priority, quiet_until, '{Mail.State.PENDING}', '',
            0, %(now)s, '', %(now)s
        FROM {source}
    """


def wake_after_commit() -> None:
    """Wake a worker when the transaction is certain; once, however many mails it queued."""
    if all(hook is not wake_worker for _, hook, *_ in connection.run_on_commit):
        transaction.on_commit(wake_worker, robust=True)


def wake_worker() -> None:
    from portal.notifications.tasks import drain_outbox

    try:
        drain_outbox.delay()
    except Exception:  # the broker is away: beat drains the outbox when it is back
        logger.warning("The broker did not take the wake-up; the next sweep will send the mail.", exc_info=True)
