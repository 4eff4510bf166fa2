"""Drain the outbox: claim a mail, send it, record what became of it.

Nothing is locked while a mail is written and sent. Killed midway, the mail comes back when its claim is over, behind
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
from django.db import transaction
from django.utils import timezone

from portal.notifications.models import Mail
from portal.notifications.outbox import NotYet, Obsolete, build, holds_its_words, wake_worker

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 19  # with the delays below, about three days
CLAIM = timedelta(minutes=10)  # longer than a task may last (CELERY_TASK_TIME_LIMIT): a claim has one worker
MOMENT = timedelta(seconds=15)
BATCH_SECONDS = 120


@shared_task
def drain_outbox() -> int:
    """Send what is due, for two minutes at most; several workers share the work. Returns how many were tried."""
    tried = 0
    stop_at = time.monotonic() + BATCH_SECONDS
    connection = get_connection(fail_silently=False)
    try:
        while _due().exists() and _opened(connection) and (mail := _claim()):
            _deliver(mail, connection)
            tried += 1
            if time.monotonic() > stop_at:
                if _due().exists():
                    wake_worker()
                break
    finally:
        connection.close()
    return tried


def delay(attempts: int) -> int:
    """Seconds to wait after so many tries, ever longer: half a minute, a minute, two… at most eight hours."""
    return min(30 * 2 ** (attempts - 1), 8 * 3600)


def _due():
    due = Mail.objects.filter(state=Mail.State.PENDING, next_attempt_at__lte=timezone.now())
    return due.order_by("next_attempt_at", "id")


def _opened(connection) -> bool:
    """One connection serves the batch. The server away is no fault of any mail: none of them loses a try."""
    try:
        connection.open()  # a no-op while it is open
    except (SMTPException, OSError) as error:
        logger.warning("The mail server does not answer, mail waits: %s: %s", type(error).__name__, error)
        return False
    return True


def _claim() -> Mail | None:
    """The next mail, for this worker alone. The try is counted before it is made: a mail that kills is given up too."""
    with transaction.atomic():
        mail = _due().select_for_update(skip_locked=True).first()
        if mail:
            mail.attempts += 1
            mail.next_attempt_at = timezone.now() + CLAIM
            mail.save(update_fields=["attempts", "next_attempt_at"])
    return mail


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
        if all(code >= 500 for code, _ in error.recipients.values()):
            _give_up(mail, f"Adresse refusée : {error}")
        else:
            _postpone(mail, error, connection)
    except Exception as error:
        _postpone(mail, error, connection)
    mail.save()


def _send(mail: Mail, connection) -> None:
    letter = build(mail)
    mail.subject = letter.subject[:300]
    _message(mail, letter, connection).send()
    mail.state, mail.sent_at, mail.payload, mail.last_error = Mail.State.SENT, timezone.now(), {}, ""


def _postpone(mail: Mail, error: Exception, connection) -> None:
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


def _message(mail: Mail, letter, connection) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.recipient],
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"} | letter.headers,
        connection=connection,
    )
    if letter.html:
        message.attach_alternative(letter.html, "text/html")
    for name, content, content_type in letter.attachments:
        message.attach(name, content, content_type)
    return message
