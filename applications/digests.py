"""One mail a week instead of many: what happens in an agent's open offers; the opinions that a signatory still owes.

Claimed once per person and week by a unique row, in the transaction of the mail: two planners send one mail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from applications import circuit
from applications.models import Application, Digest
from dossiers import signing
from dossiers.completeness import completeness
from dossiers.models import Annex
from offers.models import Offer
from portal import ical
from portal.accounts.models import User
from portal.notifications import outbox
from portal.notifications.letters import compose
from portal.notifications.models import Mail

WEEK = timedelta(days=7)
SEVERAL = 2  # opinions awaited from one person


def week_of(now: datetime) -> date:
    """The Monday of this Paris week."""
    today = timezone.localdate(now)
    return today - timedelta(days=today.weekday())


def queue_digests(now: datetime | None = None) -> int:
    """Claim and queue this week's digests; returns how many. Safe to run twice, or in two places at once."""
    week = week_of(now or timezone.now())
    agents = ((user.email, "hr_digest", {"user": user.pk}) for user in agents_with_open_offers())
    signatories = ((address, "signatory_digest", {"address": address}) for address in waited_for_often())
    return sum(_claim(week, *item) for item in [*agents, *signatories])


def _claim(week: date, address: str, kind: str, payload: dict[str, Any]) -> bool:
    with transaction.atomic():
        digest, is_new = Digest.objects.get_or_create(kind=kind, recipient=address.lower(), week=week)
        if is_new:
            digest.mail = outbox.enqueue(kind, address, payload)
            digest.save(update_fields=["mail"])
    return is_new


def claim_day(address: str, mail: int) -> bool:
    """Whether this mail is the one reminder of the day for this signatory: the first one to ask is, at each try."""
    day = timezone.localdate()
    claim = Digest(kind="signatory_reminder", recipient=address.lower(), week=day, mail_id=mail)
    Digest.objects.bulk_create([claim], ignore_conflicts=True)
    return Digest.objects.filter(kind="signatory_reminder", mail=mail).exists()


def agents_with_open_offers():
    offers = Offer.objects.open().filter(institution__memberships__user=OuterRef("pk"))
    return User.objects.filter(Exists(offers), is_active=True).order_by("pk")


def awaited() -> Any:
    """The requests that can still be answered, as far as a query tells: `circuit.is_alive` has the last word."""
    return Annex.objects.filter(
        Q(dossier__application__state=Application.State.DRAFT, dossier__application__offer__in=Offer.objects.open())
        | Q(
            late=True,
            dossier__application__state__in=Application.REPLACEABLE,
            dossier__application__offer__signatures_until__gte=timezone.now().replace(microsecond=0),
        ),
        state__in=Annex.WAITING,
    )


def waited_for_often() -> list[str]:
    people = awaited().annotate(address=Lower("signatory_email")).values("address").annotate(requests=Count("pk"))
    return list(people.filter(requests__gte=SEVERAL).order_by("address").values_list("address", flat=True))


def requests_of(address: str) -> list[Annex]:
    """What this person still owes, the most pressing first."""
    annexes = awaited().filter(signatory_email__iexact=address)
    annexes = annexes.select_related("dossier__owner", "dossier__application__offer__institution")
    return sorted((annex for annex in annexes if circuit.is_alive(annex)), key=circuit.closes_at)


@dataclass(frozen=True)
class OfferWeek:
    """What became of an open offer since last week."""

    offer: Offer
    filed_this_week: int
    to_check: int
    begun: int
    complete: int
    late: int
    bounced: int

    @property
    def lines(self) -> list[str]:
        numbers = [
            (self.filed_this_week, "déposé{s} cette semaine", "dossier"),
            (self.to_check, "à vérifier", "dossier"),
            (self.begun - self.complete, "en préparation, incomplet{s}", "dossier"),
            (self.complete, "complet{s}, pas encore déposé{s}", "dossier"),
            (self.late, "attendue{s} depuis plus d’une semaine", "signature"),
            (self.bounced, "refusée{s} par la messagerie", "adresse"),
        ]
        plural = lambda count: "s" if count > 1 else ""  # noqa: E731 (French: 0 and 1 are singular)
        return [
            f"{count} {noun}{plural(count)} {words.replace('{s}', plural(count))}"
            for count, words, noun in numbers
            if count
        ]


def weeks_of(user: User, now: datetime | None = None) -> Iterator[OfferWeek]:
    """The open offers of this agent's institutions that have something to tell."""
    now = now or timezone.now()
    state, filed = Application.State, Q(applications__filed_at__gt=now - WEEK)
    offers = (
        Offer.objects.open(now)
        .managed_by(user)
        .annotate(
            filed_this_week=Count("applications", filter=filed),
            to_check=Count("applications", filter=Q(applications__state=state.FILED)),
            begun=Count("applications", filter=Q(applications__state=state.DRAFT)),
        )
    )
    for offer in offers.order_by("deadline", "pk"):
        drafts = Application.objects.filter(offer=offer, state=state.DRAFT)
        waiting = Annex.objects.filter(dossier__application__in=drafts, state__in=Annex.WAITING)
        undelivered = Mail.objects.filter(
            thread=OuterRef("dossier"), recipient=OuterRef("signatory_email"), state__in=Mail.UNDELIVERED
        )
        week = OfferWeek(
            offer,
            offer.filed_this_week,
            offer.to_check,
            offer.begun,
            _complete(drafts),
            waiting.filter(sent_at__lt=now - WEEK).count(),
            waiting.filter(Exists(undelivered)).count(),
        )
        if week.lines:
            yield week


def _complete(drafts) -> int:
    rows = drafts.select_related("dossier").prefetch_related("dossier__answers", "dossier__pieces", "dossier__annexes")
    return sum(completeness(row.dossier).is_complete for row in rows.order_by("pk").iterator(chunk_size=200))


# The letters


@outbox.builder(
    "hr_digest", label="Récapitulatif de la semaine", reader="service", category="digest", priority=outbox.LATER
)
def hr_digest(payload: dict[str, Any]) -> outbox.Letter:
    user = User.objects.get(pk=payload["user"])
    weeks = list(weeks_of(user))
    if not (weeks and user.is_active):
        raise outbox.Obsolete("rien à dire cette semaine")
    return compose(
        "hr_digest",
        {"user": user, "weeks": weeks, "to_check": sum(week.to_check for week in weeks)},
        action=("Ouvrir les candidatures", settings.SITE_URL + reverse("admin:applications_application_changelist")),
        help_text=f"Une difficulté avec le portail ? {settings.SUPPORT_EMAIL}",
        unsubscribe=payload.get("unsubscribe", ""),
    )


@outbox.builder("signatory_digest", label="Avis attendus", reader="signatory", category="digest", priority=outbox.LATER)
def signatory_digest(payload: dict[str, Any]) -> outbox.Letter:
    annexes = [annex for annex in requests_of(payload["address"]) if signing.has_its_link(annex)]
    if len(annexes) < SEVERAL:
        raise outbox.Obsolete("un seul avis est encore attendu, ou aucun")
    return letter_about(annexes, payload)


def letter_about(annexes: list[Annex], payload: dict[str, Any]) -> outbox.Letter:
    """One letter for all that this person still owes, whoever the candidates are, with each date for their calendar."""
    requests = [
        {"annex": annex, "closes_at": circuit.closes_at(annex), "link": _link(signing.link_secret(annex))}
        for annex in annexes
    ]
    offer = annexes[0].dossier.application.offer
    return compose(
        "signatory_digest",
        {"requests": requests, "name": annexes[0].signatory_name},
        help_text=f"Une question ? {offer.service_name} : {offer.service_email}, {offer.service_phone}.",
        attachments=[_date(number, annex) for number, annex in enumerate(annexes, start=1)],
        unsubscribe=payload.get("unsubscribe", ""),
    )


def _date(number: int, annex: Annex) -> tuple[str, bytes, str]:
    title = f"Donner mon avis : {annex.dossier.owner.get_full_name()}, annexe {annex.spec.number}"
    return ical.attachment(f"date-limite-{number}.ics", ical.Event(f"avis-{annex.pk}", title, circuit.closes_at(annex)))


def _link(secret: str) -> str:
    return settings.SITE_URL + reverse("signatory:annex", args=[secret])
