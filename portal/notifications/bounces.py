"""Non-delivery reports that come back by mail (RFC 3464, and what other servers write): the mail they tell of bounced.

A report is trusted as far as it names a mail by what only its receiver could read: the random part of its Message-ID,
in the returned headers or in the address that it was sent back to (VERP).
"""

from __future__ import annotations

import logging
import re
from email import message_from_bytes, policy
from email.message import Message
from imaplib import IMAP4, IMAP4_PORT, IMAP4_SSL, IMAP4_SSL_PORT
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from flufl.bounce import all_failures

from portal.notifications.models import Mail
from portal.notifications.outbox import tell_bounce

logger = logging.getLogger(__name__)
NAME = re.compile(r"(?<![0-9])([0-9]{1,18})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")  # Mail.name
POLICY = re.compile(r"5\.7\.\d")  # RFC 3463: refused for what we are or say, not because nobody lives there
AT_ONCE = 200
RETURNED = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers")


def return_address(mail: Mail) -> str:
    """The envelope's sender, which names the mail (VERP); "" where the portal has no address for returns."""
    local, _, domain = settings.BOUNCE_ADDRESS.partition("@")
    return f"{local}+{mail.name}@{domain}" if domain else ""


def read(raw: bytes) -> Mail | None:
    """Note what one message says; returns the mail that it made bounce. Safe to read twice.

    A delay is no failure; neither is a message that no server wrote, or about a mail that is not ours.
    """
    message = message_from_bytes(raw, policy=policy.compat32)
    mail = _told_of(message)
    if mail is None or mail.recipient.lower().encode() not in _failed(message):
        return None
    reason = _diagnosis(message)
    with transaction.atomic():
        mail = Mail.objects.select_for_update().get(pk=mail.pk)
        if mail.state != Mail.State.SENT:
            return None
        mail.state = Mail.State.FAILED if POLICY.search(reason) else Mail.State.BOUNCED
        mail.last_error = f"Retour de la messagerie : {reason or 'non distribué'}"
        mail.save(update_fields=["state", "last_error"])
        if mail.state == Mail.State.BOUNCED:
            tell_bounce(mail)
    logger.warning("Mail %s (%s) came back: %s", mail.pk, mail.kind, reason)
    return mail


def read_mailbox() -> int:
    """Read what has come to the mailbox of returns (BOUNCE_MAILBOX) since the last time; returns how many messages.

    Each is marked as seen once it is read: a message on which the reading stops comes again.
    """
    box = urlsplit(settings.BOUNCE_MAILBOX)
    server_class = IMAP4_SSL if box.scheme == "imaps" else IMAP4
    with server_class(
        box.hostname,
        box.port or (IMAP4_SSL_PORT if box.scheme == "imaps" else IMAP4_PORT),
        timeout=settings.EMAIL_TIMEOUT,
    ) as server:
        server.login(unquote(box.username or ""), unquote(box.password or ""))
        server.select(unquote(box.path.strip("/")) or "INBOX")
        _, [numbers] = server.search(None, "UNSEEN")
        found = numbers.split()[:AT_ONCE]
        for number in found:
            _, [(_, raw), *_] = server.fetch(number, "(BODY.PEEK[])")
            read(raw)
            server.store(number, "+FLAGS", r"(\Seen)")
    return len(found)


def _failed(message: Message) -> set[bytes]:
    """The addresses that a server gave up on, in lower case; none where what it wrote cannot be read."""
    try:
        _, failed = all_failures(message)
    except Exception:  # strangers write these: a detector that stumbles says nothing
        logger.warning("A report could not be read.", exc_info=True)
        return set()
    return {address.lower() for address in failed}


def _told_of(message: Message) -> Mail | None:
    for text in _where_it_is_named(message):
        for pk, uid in NAME.findall(text.lower()):
            if found := Mail.objects.filter(pk=int(pk), uid=UUID(uid)).first():
                return found
    return None


def _where_it_is_named(message: Message):
    """The address of the return, then the headers that were returned, as a part or in the text."""
    yield from message.get_all("To", []) + message.get_all("Delivered-To", []) + message.get_all("X-Original-To", [])
    yield from message.get_all("References", []) + message.get_all("In-Reply-To", [])
    for part in message.walk():
        if part.get_content_type() in RETURNED and part.is_multipart():
            yield from (str(value) for inner in part.get_payload() for value in inner.get_all("Message-ID", []))
        elif part.get_content_maintype() == "text" or part.get_content_type() in RETURNED:
            yield (part.get_payload(decode=True) or b"").decode(errors="replace")


def _diagnosis(message: Message) -> str:
    """What the server said, of the first recipient that failed; "" where no part says it."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            for block in part.get_payload():
                if str(block.get("Action", "")).strip().lower() == "failed":
                    said = str(block.get("Diagnostic-Code", "")).partition(";")[2] or str(block.get("Status", ""))
                    return " ".join(said.split())[:500]
    return ""
