"""What the portal writes to those who follow a search. Written by the worker, from present data."""

from __future__ import annotations

from typing import Any

from dossiers.content import moment
from offers import alerts
from offers.models import Alert, Offer
from offers.published import absolute
from portal.notifications.letters import compose
from portal.notifications.outbox import LATER, NOW, Letter, Obsolete, builder


def _alert(payload: dict[str, Any]) -> Alert:
    alert = Alert.objects.filter(pk=payload["alert"]).first()
    if alert is None:
        raise Obsolete("Cette alerte n’existe plus.")
    return alert


@builder("alert_confirmation", label="Confirmation d’une alerte", priority=NOW)
def confirmation(payload: dict[str, Any]) -> Letter:
    alert = _alert(payload)
    if alert.confirmed_at:
        raise Obsolete("Cette alerte est déjà confirmée.")
    action = ("Confirmer cette alerte", alerts.absolute(alert))
    facts = [*alerts.in_words(alerts.criteria(alert)), ("Fréquence", alert.get_frequency_display())]
    days = alerts.CONFIRMATION_LIFE.days
    return compose("alert_confirmation", {"days": days}, action=action, facts=facts)


@builder("alert", label="Nouvelles offres d’une alerte", priority=LATER)
def news(payload: dict[str, Any]) -> Letter:
    alert = _alert(payload)
    offers = {offer.pk: offer for offer in Offer.objects.open().filter(pk__in=payload["offers"])}
    listed = [offers[pk] for pk in payload["offers"] if pk in offers]
    if not listed:
        raise Obsolete("Ces offres ne sont plus ouvertes.")
    search = alerts.criteria(alert)
    address = absolute(f"/offres/?{search.sorted_by('recentes').query or 'tri=recentes'}")
    shown = listed[: alerts.MOST_OFFERS]
    context = {
        "count": len(listed),
        "others": len(listed) - len(shown),
        "offers": [
            {"title": offer.title, "deadline": _deadline(offer), "address": absolute(offer.get_absolute_url())}
            for offer in shown
        ],
        "manage": alerts.absolute(alert),
    }
    return compose(
        "alert",
        context,
        action=("Voir ces offres", address),
        facts=alerts.in_words(search),
        unsubscribe=alerts.absolute(alert, "alerts:end"),
    )


def _deadline(offer: Offer) -> str:
    if offer.deadline is None:
        return "sans date limite"
    return f"jusqu’au {moment(offer.deadline)}"
