"""What each address wishes to get: reminders, news, digests. What the law or the circuit requires always leaves.

The link of a mail is its own proof (signed, without an account, without an end): it can refuse mails, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from portal.notifications.models import Category, Refusal

SALT = "portal.notifications.preferences"


def page_of(address: str, category: str) -> str:
    """The absolute address where this person refuses this category, or chooses among all."""
    token = signing.dumps([address.lower(), category], salt=SALT)
    return settings.SITE_URL + reverse("mail_preferences", args=[token])


def read(token: str) -> tuple[str, str] | None:
    """Whose page it is, and the category of the mail that led there; None for a token that is not ours."""
    try:
        address, category = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return (address, category) if category in Category.values else None


def refuses(address: str, category: str) -> bool:
    return Refusal.objects.filter(address=address.lower(), category=category).exists()


def refused(address: str) -> set[str]:
    return set(Refusal.objects.filter(address=address.lower()).values_list("category", flat=True))


def refuse(address: str, category: str) -> None:
    """Once or many times, as mail programs do."""
    Refusal.objects.get_or_create(address=address.lower(), category=category)


def choose(address: str, wanted: Iterable[str]) -> None:
    """From now on these categories, and no other."""
    wanted = set(wanted)
    with transaction.atomic():
        Refusal.objects.filter(address=address.lower(), category__in=wanted).delete()
        for category in set(Category.values) - wanted:
            refuse(address, category)
