"""Begin an application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction

from applications.models import Application
from dossiers.answers import save_answers
from dossiers.models import Dossier
from dossiers.spec import Problem, SectionSpec
from offers.models import Offer
from portal.accounts.models import User
from portal.workflow import TransitionRefused


@dataclass(frozen=True)
class Screened:
    """What the answers given before the work say: unanswered or mistyped, who cannot apply, who should check."""

    errors: list[Problem] = field(default_factory=list)
    obstacles: list[Problem] = field(default_factory=list)
    doubts: list[Problem] = field(default_factory=list)


def screen(questions: SectionSpec | None, raw: Mapping[str, Any]) -> Screened:
    """Judge these answers (of a kind's `screening`). Nothing is stored."""
    if questions is None:
        return Screened()
    plain = replace(questions, rule=None).clean(raw)
    told = questions.rule(plain.values) if questions.rule else []
    return Screened(
        errors=[problem for problem in plain.problems if problem.blocking],
        obstacles=[problem for problem in told if problem.blocking],
        doubts=[problem for problem in told if not problem.blocking],
    )


def start(offer: Offer, candidate: User, answers: Mapping[str, Any] | None = None) -> Application:
    """The candidate's application to this offer: the one in hand, or a new draft while the offer is open.

    answers: raw answers given before the work began. Those to questions that the dossier asks too go into it; the
    others are forgotten.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=candidate.pk)  # a double click makes one application
        current = offer.applications.of_candidate(candidate).in_hand().first()
        if current:
            return current
        if not offer.is_open():
            raise TransitionRefused("Cette offre n’accepte plus de candidature.")
        dossier = Dossier.objects.create(owner=candidate, kind=offer.kind, parameters=offer.parameters)
        for section in dossier.spec.sections:
            known = {name: value for name, value in (answers or {}).items() if name in section.by_name and value}
            if known:
                save_answers(dossier, section.key, known)
        return Application.objects.create(offer=offer, candidate=candidate, dossier=dossier)
