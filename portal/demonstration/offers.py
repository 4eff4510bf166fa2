"""Institutions, offers and commissions of the demonstration."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from applications.commission.sessions import fill_agenda
from applications.models import Commission, CommissionMember
from offers import alerts, lifecycle
from offers.demo import load_institutions, load_offers
from offers.models import Alert, Favourite, Offer
from portal.accounts.models import Institution, User

COMMISSIONS = (
    ("Commission régionale des assistants – Normandie", "ars-normandie", "commission@example.org"),
    ("Commission de recrutement – parquet de Paris", "tj-paris", "commission-paris@example.org"),
)


def make_institutions() -> dict[str, Institution]:
    return {
        key: Institution.objects.get_or_create(name=values["name"], defaults=values)[0]
        for key, values in load_institutions().items()
    }


def make_offers(institutions: dict[str, Institution], administrator: User) -> dict[str, Offer]:
    """The offers, by slug: published as any other, then dated back."""
    offers = {}
    for values in load_offers(timezone.now()):
        offer = Offer.objects.filter(slug=values["slug"]).first()
        offers[values["slug"]] = offer or _publish(values, institutions, administrator)
    return offers


def _publish(values: dict, institutions: dict[str, Institution], administrator: User) -> Offer:
    institution = institutions[values.pop("institution")]
    published_at, deadline, is_closed, paused = (
        values.pop(name) for name in ("published_at", "deadline", "closed", "paused")
    )
    ahead = deadline and max(deadline, timezone.now() + timedelta(days=1))
    offer = Offer.objects.create(**values, institution=institution, deadline=ahead)
    told = {"actor": administrator, "reason": "Données de démonstration."}
    if published_at > timezone.now():
        lifecycle.WORKFLOW.run(offer, "schedule", publish_at=published_at, **told)
        return offer
    lifecycle.WORKFLOW.run(offer, "publish", **told)
    Offer.objects.filter(pk=offer.pk).update(published_at=published_at, deadline=deadline)
    if is_closed:
        lifecycle.WORKFLOW.run(offer, "expire", reason="Date limite atteinte.")
    if paused:
        lifecycle.WORKFLOW.run(offer, "pause", actor=administrator, reason=paused)
    return Offer.objects.get(pk=offer.pk)


def make_followers(users: dict[str, User], offers: dict[str, Offer]) -> None:
    """Someone who keeps two offers at hand, and an address that follows psychiatry in Normandy."""
    for offer in [offer for offer in offers.values() if offer.is_open()][:2]:
        Favourite.objects.get_or_create(user=users["candidat@example.org"], offer=offer)
    alert, is_new = Alert.objects.get_or_create(email="candidat@example.org", query="q=psychiatrie&region=28")
    if is_new:
        alerts.confirm(alert)


def make_commissions(institutions: dict[str, Institution], users: dict[str, User], offers: dict[str, Offer]) -> None:
    for name, institution, member in COMMISSIONS:
        commission, _ = Commission.objects.get_or_create(name=name, institution=institutions[institution])
        commission.offers.add(*(offer for offer in offers.values() if offer.institution == institutions[institution]))
        CommissionMember.objects.get_or_create(
            commission=commission, user=users[member], defaults={"quality": "Membre"}
        )


def make_sessions(users: dict[str, User]) -> None:
    """A session in three weeks for each commission that has a dossier to examine."""
    at = timezone.localtime().replace(hour=14, minute=0, second=0, microsecond=0) + timedelta(weeks=3)
    for name, _, member in COMMISSIONS:
        commission = Commission.objects.get(name=name)
        if not commission.sessions.exists():
            session = commission.sessions.create(starts_at=at, place="Salle du conseil, et visioconférence")
            fill_agenda(session)
            session.agenda.update(rapporteur=users[member])
