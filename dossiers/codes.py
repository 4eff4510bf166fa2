"""One-time codes: whoever signs reads their mail at the very moment of signing.

As with links, a code is derived from the server's key and a nonce: the database never holds it.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from dossiers.models import Annex, SigningCode

LIFE = timedelta(minutes=15)
ATTEMPTS = 5
AGAIN_AFTER = timedelta(seconds=60)
CODES_A_DAY = 12
DIGITS = 6


class CodeRefused(Exception):
    """A French sentence for the person who typed it, or asked for another one."""


def code_of(code: SigningCode) -> str:
    digest = salted_hmac("dossiers.codes", f"{code.annex_id}:{code.nonce}", algorithm="sha256").digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}}"


def current(annex: Annex) -> SigningCode | None:
    """The code that may be typed now; an earlier one is worth nothing."""
    latest = annex.codes.first()
    return latest if latest and latest.sent_at + LIFE > timezone.now() else None


def ask(annex: Annex) -> SigningCode:
    """A new code. Within the transaction that queues its mail, and with the dossier locked."""
    now = timezone.now()
    if (latest := annex.codes.first()) and now - latest.sent_at < AGAIN_AFTER:
        raise CodeRefused("Un code vient de partir. Attendez une minute avant d’en demander un autre.")
    if annex.codes.filter(sent_at__gt=now - timedelta(days=1)).count() >= CODES_A_DAY:
        raise CodeRefused("Beaucoup de codes ont été demandés aujourd’hui. Réessayez demain.")
    return SigningCode.objects.create(annex=annex, nonce=secrets.token_urlsafe(32))


def check(annex: Annex, given: str) -> SigningCode:
    """The code that was typed, if it is the right one. Each try is counted before it is judged."""
    code = current(annex)
    if code is None:
        raise CodeRefused("Ce code n’est plus valable : demandez-en un autre.")
    counted = SigningCode.objects.filter(pk=code.pk, attempts__lt=ATTEMPTS).update(attempts=F("attempts") + 1)
    if not counted:
        raise CodeRefused("Trop d’essais : demandez un autre code.")
    typed = "".join(character for character in given if character.isdigit())
    if not constant_time_compare(typed, code_of(code)):
        left = ATTEMPTS - code.attempts - 1
        raise CodeRefused(
            f"Ce code n’est pas le bon. Encore {left} essai{'s' if left > 1 else ''}."
            if left > 0
            else "Ce code n’est pas le bon. Demandez-en un autre."
        )
    return code
