"""A decision on an application: its words are settled when it is taken, its letter is then made from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone

from applications import filing
from applications.models import Application, ApplicationTransition, Decision
from dossiers.content import moment

# The time limit runs only if the letter tells it (code de justice administrative, R. 421-1 and R. 421-5).
APPEAL = (
    "Cette décision peut être contestée dans les deux mois qui suivent sa notification : par un recours gracieux "
    "adressé à son auteur, ou par un recours devant le tribunal administratif compétent, que l’on peut saisir sur "
    "www.telerecours.fr (articles R. 421-1 et R. 421-5 du code de justice administrative)."
)


def record(application: Application, entry: ApplicationTransition, **data: Any) -> None:
    """The effect of a decision: settle its words, tell the candidate, have its letter made.

    data: `author_name` and `author_quality`, who decides (CRPA L212-1; the agent and the service by default), `appeal`,
    how it can be contested.
    """
    Decision.objects.create(application=application, content=_content(application, entry, **data))
    filing.tell_candidate("decision")(application, entry)
    transaction.on_commit(lambda: filing.render_soon(str(application.pk)), robust=True)


def cautions(application: Application) -> Iterator[str]:
    """What an agent had better know before deciding: a decision, once sent, is not taken back."""
    items = list(application.agenda_items.select_related("session", "rapporteur").order_by("session__starts_at"))
    for item in items:
        if item.session.starts_at > timezone.now():
            when = moment(item.session.starts_at)
            yield f"Ce dossier est inscrit à la séance du {when}, qui n’a pas encore eu lieu."
    for member in dict.fromkeys(item.rapporteur for item in items if item.rapporteur_stands_aside):
        yield f"Le rapporteur, {member}, s’est déporté."
    examined = items or application.offer.commissions.exists()
    if examined and not application.reviews.filter(withdrawn_at=None).exists():
        yield "Aucun avis de membre de la commission n’est enregistré."


def default_author(application: Application, actor: Any) -> dict[str, str]:
    """Who decides, unless the agent says otherwise: themselves, for the service in charge."""
    offer = application.offer
    return {"author_name": str(actor), "author_quality": offer.service_name or offer.institution.name}


def _content(
    application: Application,
    entry: ApplicationTransition,
    *,
    author_name: str = "",
    author_quality: str = "",
    appeal: str | None = None,
    **_: Any,
) -> dict[str, Any]:
    offer, default = application.offer, default_author(application, entry.actor)
    return {
        "number": application.number,
        "candidate_name": application.candidate.get_full_name(),
        "offer_title": offer.title,
        "institution": offer.institution.name,
        "service_name": offer.service_name,
        "service_address": offer.service_address,
        "service_email": offer.service_email,
        "service_phone": offer.service_phone,
        "filed_at_display": filing.to_the_second(application.filed_at),
        "accepted": entry.target == Application.State.ACCEPTED,
        "reason": entry.reason,
        "commission": _opinion_of_the_commission(application),
        "author_name": author_name or default["author_name"],
        "author_quality": author_quality or default["author_quality"],
        "decided_at_display": moment(entry.at),
        "appeal": APPEAL if appeal is None else appeal,
    }


def _opinion_of_the_commission(application: Application) -> str:
    """« la commission …, séance du …, avis favorable », of the last session that gave one."""
    item = (
        application.agenda_items.exclude(opinion="")
        .select_related("session__commission")
        .order_by("-session__starts_at")
        .first()
    )
    return f"{item.session} (avis : {item.get_opinion_display().lower()})" if item else ""
