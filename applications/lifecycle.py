"""The life cycle of an application: its table of transitions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from applications import decisions, filing, late_signatures, reopening
from applications.models import Application, ApplicationTransition
from portal.workflow import Transition, Workflow

State = Application.State
DECISIONS = frozenset({"accept", "reject"})


def _is_candidate(actor: Any, application: Application) -> bool:
    return actor is not None and actor.pk == application.candidate_id


def _manages(actor: Any, application: Application) -> bool:
    return actor is not None and actor.is_hr_of(application.offer.institution_id)


def _lock_first(application_pk) -> None:
    """Offer before application: a deadline cannot move while a dossier is being filed.

    The filed dossier before the draft that would replace it: an opinion signed on the one goes to the other.
    """
    with connection.cursor() as cursor:  # shared: dossiers filed at the same time do not wait for one another
        cursor.execute(
            "SELECT 1 FROM offers_offer JOIN applications_application ON offers_offer.id = offer_id"
            " WHERE applications_application.id = %s FOR SHARE OF offers_offer",
            [application_pk],
        )
    list(Application.objects.select_for_update(of=("self",)).filter(replaced_by=application_pk).values_list("pk"))


def _seal_and_supersede(application: Application, entry: ApplicationTransition, **data: Any) -> None:
    """Filed, the dossier takes the place of the one that it replaces, in the same transaction."""
    filing.seal(application, entry, **data)
    former = application.replaces
    if former and former.state != State.WITHDRAWN:
        WORKFLOW.run(former, "supersede", reason=f"Dossier {application.number}, déposé pour le remplacer.")


WORKFLOW = Workflow(
    Application,
    ApplicationTransition,
    [
        Transition(
            name="file",
            label="Déposer le dossier",
            done="Dossier déposé",
            sources=frozenset({State.DRAFT}),
            target=State.FILED,
            allowed=_is_candidate,
            blockers=filing.blockers,
            change=filing.stamp,
            effect=lambda application, entry, **data: _seal_and_supersede(application, entry, **data),
        ),
        Transition(
            name="supersede",
            label="Remplacer par un nouveau dépôt",
            done="Remplacée par un nouveau dépôt",
            sources=Application.REPLACEABLE,
            target=State.SUPERSEDED,
            allowed=lambda actor, application: actor is None,  # the portal alone, when the new dossier is filed
            effect=reopening.hand_on_requests,
        ),
        Transition(
            name="withdraw",
            label="Retirer la candidature",
            done="Candidature retirée",
            sources=frozenset({State.DRAFT, State.FILED, State.ADMISSIBLE, State.INADMISSIBLE}),
            target=State.WITHDRAWN,
            allowed=_is_candidate,
            effect=filing.tell_withdrawal,
        ),
        Transition(
            name="admit",
            label="Déclarer recevable",
            done="Dossier déclaré recevable",
            sources=frozenset({State.FILED, State.INADMISSIBLE}),
            target=State.ADMISSIBLE,
            allowed=_manages,
            blockers=late_signatures.blockers,
            effect=filing.tell_candidate("admissible"),
        ),
        Transition(
            name="refuse",
            label="Déclarer irrecevable",
            done="Dossier déclaré irrecevable",
            sources=frozenset({State.FILED}),
            target=State.INADMISSIBLE,
            allowed=_manages,
            reason_required=True,
            effect=filing.tell_candidate("inadmissible"),
        ),
        Transition(
            name="accept",
            label="Retenir",
            done="Candidature retenue",
            sources=frozenset({State.ADMISSIBLE}),
            target=State.ACCEPTED,
            allowed=_manages,
            reason_required=True,
            effect=decisions.record,
        ),
        Transition(
            name="reject",
            label="Ne pas retenir",
            done="Candidature non retenue",
            sources=frozenset({State.ADMISSIBLE}),
            target=State.REJECTED,
            allowed=_manages,
            reason_required=True,
            effect=decisions.record,
        ),
    ],
    lock_first=_lock_first,
)


def file_application(application: Application, *, actor: Any, received_at: datetime) -> Application:
    """File the dossier. `received_at`: when the request reached the server; it is what the deadline is held against.

    Raises TransitionRefused with what is missing.
    """
    return WORKFLOW.run(application, "file", actor=actor, received_at=received_at)
