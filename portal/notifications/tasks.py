"""Drain the outbox: claim mails, send them, record what became of each.

Nothing is locked while a mail is written and sent. Killed midway, a mail comes back when its claim is over, behind
the others, with one try less. A double is possible in one case: killed between SMTP's 250 and the record.
"""

from __future__ import annotations

import logging
import random
import time
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused

from celery import shared_task
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import InterfaceError, OperationalError, connections, transaction
from django.utils import timezone

from portal.notifications.bounces import POLICY, read_mailbox, return_address
from portal.notifications.claims import claim, due, give_back
from portal.notifications.models import Mail
from portal.notifications.outbox import Letter, NotYet, Obsolete, build, holds_its_words, tell_bounce, wake_worker

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 19  # with the delays below, about three days
MOMENT = timedelta(seconds=15)
BATCH_SECONDS = 120
OUTCOME = ["state", "subject", "payload", "attempts", "next_attempt_at", "last_error", "sent_at"]


@shared_task
def drain_outbox() -> int:
    """Send what is due, for two minutes at most; several workers share the work. Returns how many were tried."""
    tried = 0
    stop_at = time.monotonic() + BATCH_SECONDS
    connection = get_connection(fail_silently=False)
    try:
        while due().exists() and _opened(connection) and (mails := claim()):
            tried += _deliver_all(mails, connection, stop_at)
            if time.monotonic() > stop_at:
                if due().exists():
                    wake_worker()
                break
    finally:
        connection.close()
    return tried


@shared_task
def read_bounces() -> int:
    """Read the mailbox of returns, where there is one. Returns how many messages were read."""
    return read_mailbox() if settings.BOUNCE_MAILBOX else 0


def _deliver_all(mails: list[Mail], connection, stop_at: float) -> int:
    """Returns how many were tried. The rest goes back: time is over, or the server went away in between."""
    for number, mail in enumerate(mails):
        if number and (time.monotonic() > stop_at or not _opened(connection)):
            give_back(mails[number:])
            return number
        try:
            _deliver(mail, connection)
        except Exception:
            give_back(mails[number + 1 :])
            raise
    return len(mails)


def delay(attempts: int) -> int:
    """Seconds to wait after so many tries, ever longer: half a minute, a minute, two… at most eight hours."""
    return min(30 * 2 ** (attempts - 1), 8 * 3600)


def _opened(connection) -> bool:
    """One connection serves the batch. The server away is no fault of any mail: none of them loses a try."""
    try:
        connection.open()  # a no-op while it is open
    except (SMTPException, OSError) as error:
        logger.warning("The mail server does not answer, mail waits: %s: %s", type(error).__name__, error)
        return False
    return True


def _deliver(mail: Mail, connection) -> None:
    try:
        if mail.attempts > MAX_ATTEMPTS:
            _give_up(mail, "Interrompu à chaque essai")
        else:
            _send(mail, connection)
    except NotYet:
        mail.attempts -= 1
        mail.next_attempt_at = timezone.now() + MOMENT
    except Obsolete as reason:
        mail.state, mail.last_error, mail.payload = Mail.State.DROPPED, f"Sans objet : {reason}", {}
    except SMTPRecipientsRefused as error:
        if all(_nobody_there(*answer) for answer in error.recipients.values()):
            _bounce(mail, error, connection)
        else:
            _postpone(mail, error, connection)
    except Exception as error:
        _postpone(mail, error, connection)
    _record(mail)


def _record(mail: Mail) -> None:
    """A database connection that died while the mail left is replaced: it is sent, and another try would double it."""
    try:
        mail.save(update_fields=OUTCOME)
    except (OperationalError, InterfaceError):
        connections["default"].close()
        mail.save(update_fields=OUTCOME)


def _nobody_there(code: int, answer: bytes) -> bool:
    return code >= 500 and not POLICY.search(answer.decode(errors="replace"))


def _bounce(mail: Mail, error: SMTPRecipientsRefused, connection) -> None:
    """Nobody lives there: recorded together with what the applications do about it, or tried again."""
    logger.warning("Mail %s (%s) bounced: %s", mail.pk, mail.kind, error)
    [(code, answer)] = error.recipients.values()
    mail.state, mail.last_error = Mail.State.BOUNCED, f"Adresse refusée : {code} {answer.decode(errors='replace')}"
    try:
        with transaction.atomic():
            tell_bounce(mail)
            if holds_its_words(mail):
                mail.payload = {}
            mail.save(update_fields=OUTCOME)
    except Exception as failure:
        mail.state = Mail.State.PENDING
        _postpone(mail, failure, connection)


def _send(mail: Mail, connection) -> None:
    letter = build(mail)
    mail.subject = letter.subject[:300]
    _message(mail, letter, connection).send()
    mail.state, mail.sent_at, mail.payload, mail.last_error = Mail.State.SENT, timezone.now(), {}, ""


def _postpone(mail: Mail, error: Exception, connection) -> None:
    if isinstance(error, SMTPException | OSError):
        connection.close()  # whatever state it is in, the next mail starts afresh
    reason = f"{type(error).__name__}: {error}"
    if mail.attempts >= MAX_ATTEMPTS:
        _give_up(mail, reason)
        return
    logger.warning("Mail %s not sent (try %s): %s", mail.pk, mail.attempts, reason)
    mail.last_error = reason
    mail.next_attempt_at = timezone.now() + timedelta(seconds=delay(mail.attempts) * random.uniform(0.8, 1.2))


def _give_up(mail: Mail, reason: str) -> None:
    logger.error("Mail %s (%s) is given up after %s tries: %s", mail.pk, mail.kind, mail.attempts, reason)
    mail.state, mail.last_error = Mail.State.FAILED, reason
    if holds_its_words(mail):
        mail.payload = {}


def _message(mail: Mail, letter: Letter, connection) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        from_email=return_address(mail) or settings.DEFAULT_FROM_EMAIL,
        to=[mail.recipient],
        headers={"From": settings.DEFAULT_FROM_EMAIL, "Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"}
        | letter.headers,
        connection=connection,
    )
    if letter.html:
        message.attach_alternative(letter.html, "text/html")
    for name, content, content_type in letter.attachments:
        message.attach(name, content, content_type)
    return message
