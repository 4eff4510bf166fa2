"""Drain the outbox."""

from __future__ import annotations

import logging
import random
from datetime import timedelta
from smtplib import SMTPRecipientsRefused

from celery import shared_task
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.utils import timezone

from portal.notifications.models import Mail
from portal.notifications.outbox import Obsolete, build

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 12  # with the delays below, about three days


@shared_task
def drain_outbox(limit: int = 200) -> int:
    """Send what is due, one row locked at a time; several workers share the work. Returns how many were tried."""
    tried = 0
    connection = get_connection(fail_silently=False)
    try:
        while tried < limit and _send_next(connection):
            tried += 1
    finally:
        connection.close()
    if tried == limit:
        drain_outbox.delay()
    return tried


def _send_next(connection) -> bool:
    with transaction.atomic():
        mail = (
            Mail.objects.select_for_update(skip_locked=True)
            .filter(state=Mail.State.PENDING, next_attempt_at__lte=timezone.now())
            .order_by("next_attempt_at", "id")
            .first()
        )
        if mail is None:
            return False
        _attempt(mail, connection)
        mail.save()
    return True


def _attempt(mail: Mail, connection) -> None:
    mail.attempts += 1
    try:
        with transaction.atomic():
            letter = build(mail)
        mail.subject = letter.subject[:300]
        connection.open()  # one connection for the batch; a no-op while it is open
        _message(mail, letter, connection).send()
    except Obsolete as reason:
        mail.state, mail.last_error, mail.payload = Mail.State.FAILED, f"Sans objet : {reason}", {}
    except SMTPRecipientsRefused as error:
        if all(code >= 500 for code, _ in error.recipients.values()):
            mail.state, mail.last_error = Mail.State.FAILED, f"Adresse refusée : {error}"
        else:
            _postpone(mail, error, connection)
    except Exception as error:
        _postpone(mail, error, connection)
    else:
        mail.state, mail.sent_at, mail.payload, mail.last_error = Mail.State.SENT, timezone.now(), {}, ""


def _postpone(mail: Mail, error: Exception, connection) -> None:
    """Try later, ever more rarely: half a minute, a minute, two… at most eight hours, with jitter."""
    connection.close()  # whatever state it is in, the next mail starts afresh
    logger.warning("Mail %s not sent (try %s): %s", mail.pk, mail.attempts, error)
    mail.last_error = f"{type(error).__name__}: {error}"
    if mail.attempts >= MAX_ATTEMPTS:
        mail.state = Mail.State.FAILED
        return
    seconds = min(30 * 2 ** (mail.attempts - 1), 8 * 3600)
    mail.next_attempt_at = timezone.now() + timedelta(seconds=seconds * random.uniform(0.8, 1.2))


def _message(mail: Mail, letter, connection) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.recipient],
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    if letter.html:
        message.attach_alternative(letter.html, "text/html")
    for name, content, content_type in letter.attachments:
        message.attach(name, content, content_type)
    return message
