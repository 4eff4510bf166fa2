"""Searches that an address follows: asked for, confirmed by a link, told of new offers, ended in one click."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from offers.filters import FACETS, Criteria
from offers.index import OfferIndex, current
from offers.models import Alert, Offer
from offers.search import Found
from portal.accounts.models import Institution
from portal.notifications import outbox
from portal.notifications.models import Mail

HOUR = time(7)  # in Paris: the news are there when the day begins
LIFE = timedelta(days=365)
CONFIRMATION_LIFE = timedelta(days=7)
# So that nobody floods someone else's mailbox with requests to confirm.
BETWEEN_REQUESTS = timedelta(hours=1)
MOST_REQUESTS_A_DAY = 3  # to one address
MOST_REQUESTS_AN_HOUR = 20  # from one machine: a hospital goes out by one address
MOST_ALERTS = 20
MOST_OFFERS = 30  # in one mail
SETTLING = timedelta(minutes=1)  # what is being published as we read is told the next time
LONGEST_SEARCH = 2000  # characters of its address


class Refused(Exception):
    """What the person who asks for an alert can do about it, in words."""


def criteria(alert: Alert) -> Criteria:
    return Criteria.read_text(alert.query)


def in_words(search: Criteria, institutions: Mapping[int, str] | None = None) -> list[tuple[str, str]]:
    """A search as its labels and values, for those who asked for it.

    institutions: their names, where many searches are said at once; else they are read.
    """
    facts = [("Mots", search.words)] if search.words else []
    facts += [("Près de", search.near_label)] if search.near else []
    for facet in FACETS:
        values = search.chosen.get(facet.name, ())
        labels = dict(facet.labels()) if facet.labels else {}
        if facet.column == "institution_id" and values:
            if institutions is None:
                institutions = dict(Institution.objects.filter(pk__in=values).values_list("pk", "name"))
            labels = {str(pk): name for pk, name in institutions.items()}
        if values:
            facts.append((facet.title, ", ".join(labels.get(value, value) for value in values)))
    return facts or [("Recherche", "toutes les offres")]


def followed(search: Criteria) -> str:
    """What an alert keeps of a search: neither its order, nor the closed offers, nor days counted from today."""
    return search.without_facet("echeance").open_only().query if search else ""


@transaction.atomic
def ask(email: str, search: Criteria, frequency: str, machine: str, now: datetime | None = None) -> None:
    """Ask the owner of an address to confirm an alert. Says nothing of what this address follows already.

    machine: who asks, for the limit on requests. Raises Refused.
    """
    now = now or timezone.now()
    query = followed(search)
    if len(query) > LONGEST_SEARCH:
        raise Refused("Cette recherche a trop de critères pour une alerte : retirez-en quelques-uns.")
    _count(machine)
    email = email.lower()
    written = Mail.objects.filter(kind="alert_confirmation", recipient=email, created_at__gt=now - timedelta(days=1))
    theirs = Alert.objects.filter(email=email)
    if theirs.exclude(query=query).count() >= MOST_ALERTS or written.count() >= MOST_REQUESTS_A_DAY:
        return
    alert, is_new = theirs.select_for_update().get_or_create(
        query=query, defaults={"email": email, "frequency": frequency, "asked_at": now}
    )
    if not is_new:
        if alert.confirmed_at or alert.asked_at > now - BETWEEN_REQUESTS:
            return  # only its owner, by the link, changes a confirmed alert
        alert.frequency, alert.asked_at = frequency, now
        alert.save(update_fields=["frequency", "asked_at"])
    outbox.enqueue("alert_confirmation", email, {"alert": alert.pk})


def _count(machine: str) -> None:
    key = f"alerts:{machine}"
    cache.add(key, 0, 3600)
    if cache.incr(key) > MOST_REQUESTS_AN_HOUR:
        raise Refused("Trop d’alertes viennent d’être demandées depuis votre réseau. Réessayez dans une heure.")


def confirm(alert: Alert, now: datetime | None = None) -> None:
    """From now on; also prolongs for a year. The offers published before are on the page: they are not news."""
    now = now or timezone.now()
    alert.confirmed_at = alert.confirmed_at or now
    alert.checked_at = alert.checked_at or now
    alert.ends_at = now + LIFE
    alert.save(update_fields=["confirmed_at", "checked_at", "ends_at"])


def period_start(frequency: str, now: datetime) -> datetime:
    """The last instant at which news of this frequency were due: seven o'clock in Paris, on Monday for a weekly one."""
    today = timezone.localdate(now)
    if timezone.localtime(now).time() < HOUR:
        today -= timedelta(days=1)
    if frequency == Alert.Frequency.WEEKLY:
        today -= timedelta(days=today.weekday())
    return timezone.make_aware(datetime.combine(today, HOUR))


def tell_news(now: datetime | None = None) -> int:
    """Queue what is due, each offer once for each alert. Returns the number of mails; a second run changes nothing."""
    now = (now or timezone.now()) - SETTLING
    index = current()
    told = 0
    for frequency in Alert.Frequency.values:
        due = Alert.objects.filter(
            frequency=frequency,
            checked_at__lt=period_start(frequency, now),
            confirmed_at__isnull=False,
            ends_at__gt=now,
        )
        for pk in due.values_list("pk", flat=True):
            told += _tell(pk, index, now)
    return told


@transaction.atomic
def _tell(pk: int, index: OfferIndex, now: datetime) -> bool:
    """What is new is queued, and the alert moved on, in one transaction: told once, whoever else tells."""
    alert = Alert.objects.select_for_update(skip_locked=True).filter(pk=pk, checked_at__lt=now).first()
    if alert is None or alert.checked_at >= period_start(alert.frequency, now):
        return False
    new = news(alert, index, now)
    alert.checked_at = now
    alert.save(update_fields=["checked_at"])
    if new:
        outbox.enqueue("alert", alert.email, {"alert": alert.pk, "offers": new})
    return bool(new)


def news(alert: Alert, index: OfferIndex, now: datetime) -> list[int]:
    """The open offers of this search published since the alert was last told, the latest first."""
    published = dict(
        Offer.objects.open(now).filter(published_at__gt=alert.checked_at).values_list("pk", "published_at")
    )
    if not published:
        return []
    found = Found(criteria(alert).sorted_by("recentes"), now, index)
    return [pk for pk in found.ids() if pk in published]


def forget(now: datetime | None = None) -> int:
    """Erase the alerts never confirmed, and those at their end. Returns how many."""
    now = now or timezone.now()
    unconfirmed, _ = Alert.objects.filter(confirmed_at=None, asked_at__lt=now - CONFIRMATION_LIFE).delete()
    ended, _ = Alert.objects.filter(ends_at__lt=now).delete()
    return unconfirmed + ended


def absolute(alert: Alert, name: str = "alerts:manage") -> str:
    return settings.SITE_URL + reverse(name, args=[alert.secret])
