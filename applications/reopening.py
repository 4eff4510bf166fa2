"""Reopen a filed dossier before the deadline: a new draft beside it, that takes its place once it is filed in turn.

Until then the filed one stands, untouched: whoever gives up halfway has lost nothing (promise 5). The opinions that it
still waits for may be signed on it all the while: they go to the draft as well (docs/adr/0039).
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from applications.models import Application, ApplicationTransition
from dossiers import signing
from dossiers.carrying import carry_opinion, reopen_content
from dossiers.models import Annex, Dossier
from portal.notifications import outbox
from portal.workflow import TransitionRefused


def can_reopen(application: Application) -> bool:
    return application.state in Application.REPLACEABLE and application.offer.is_open()


def reopen(application: Application) -> Application:
    """The draft that would replace this filed application: the one in hand, or a new one with all that it held."""
    with transaction.atomic():  # locked: a double click makes one draft, and no opinion is signed meanwhile
        Application.objects.select_for_update(of=("self",)).get(pk=application.pk)
        application.refresh_from_db()
        if application.state not in Application.REPLACEABLE:
            state = application.get_state_display().lower()
            raise TransitionRefused(f"Ce dossier ne peut plus être rouvert : {state}.")
        current = application.replaced_by.exclude(state=Application.State.WITHDRAWN).first()
        if current:
            return current
        if not application.offer.is_open():
            raise TransitionRefused("Cette offre n’accepte plus de dépôt : votre dossier déposé ne change plus.")
        offer = application.offer
        dossier = Dossier.objects.create(owner=application.candidate, kind=offer.kind, parameters=offer.parameters)
        reopen_content(application.dossier, dossier)
        return Application.objects.create(
            offer=offer, candidate=application.candidate, dossier=dossier, replaces=application
        )


def refusal(draft: Application) -> ApplicationTransition | None:
    """Why the filed dossier that this draft corrects is inadmissible; None where it is not."""
    filed = draft.replaces
    if filed is None or filed.state != Application.State.INADMISSIBLE:
        return None
    return filed.transitions.filter(target=filed.state).order_by("pk").last()


# The opinions that the filed dossier still waits for


def draft_beside(annex: Annex) -> Application | None:
    """The draft that would replace the filed dossier of this annex."""
    if not annex.late:
        return None
    drafts = annex.dossier.application.replaced_by.filter(state=Application.State.DRAFT)
    return drafts.select_related("dossier").first()


def carry_to_draft(annex: Annex) -> None:
    """An opinion signed on a filed dossier goes to the draft too. Called with the filed application locked."""
    draft = draft_beside(annex)
    if draft:
        carry_opinion(annex, draft.dossier)


def state_in_draft(annex: Annex) -> str:
    """What the draft beside made of an opinion signed since: "carried" or "refused"; "" without any draft."""
    draft = draft_beside(annex)
    if draft is None:
        return ""
    carried = draft.dossier.annexes.filter(key=annex.key, sign_off__carried_from__annex=annex)
    return "carried" if carried.exists() else "refused"


def same_requests(annex: Annex) -> QuerySet[Annex]:
    """The same opinion of the same person, asked or given in another dossier that stands for the same candidacy."""
    application = annex.dossier.application
    there = Annex.objects.filter(
        dossier__application__offer=application.offer_id,
        dossier__application__candidate=application.candidate_id,
        key=annex.key,
        signatory_email__iexact=annex.signatory_email,
        state__in=Annex.ASKED | {Annex.State.SIGNED},
    )
    there = there.exclude(pk=annex.pk).exclude(dossier__application__state__in=Application.OVER)
    return there.order_by("dossier__application__created_at")


def successor(annex: Annex) -> Application | None:
    """The application that has replaced the one of this annex."""
    return annex.dossier.application.replaced_by.filter(filed_at__isnull=False).first()


def request_now(annex: Annex) -> Annex | None:
    """Where the link leads once its dossier is replaced or withdrawn: to the same request, in the one that stands."""
    if annex.dossier.application.state not in Application.OVER:
        return None
    linked = (same for same in same_requests(annex).exclude(link_hash="") if signing.has_its_link(same))
    return next(linked, None)


def stands_elsewhere(annex: Annex) -> bool:
    """Whether nothing is lost where this dossier is withdrawn: the other one has, or still awaits, the same."""
    same = same_requests(annex)
    return (same.filter(state=Annex.State.SIGNED) if annex.state == Annex.State.SIGNED else same).exists()


def hand_on_requests(former: Application, entry: ApplicationTransition, **data: Any) -> None:
    """Who had still to sign on the dossier that is replaced goes on in the new one; who is not asked there is told.

    One message each, and none to who is asked there too: their former link leads to the new request.
    """
    told: dict[str, list[Annex]] = {}
    for annex in former.dossier.annexes.filter(state__in=Annex.ASKED).order_by("key"):
        same = same_requests(annex).first()
        if same and annex.draft and not same.draft and same.is_asked:  # what they have typed
            Annex.objects.filter(pk=same.pk).update(draft=annex.draft, drafted_at=annex.drafted_at)
        elif not same and annex.is_waiting:
            told.setdefault(annex.signatory_email.lower(), []).append(annex)
    for annexes in told.values():
        first = annexes[0]
        payload = {"annex": str(first.pk), "keys": [annex.key for annex in annexes]}
        outbox.enqueue("request_superseded", first.signatory_email, payload, thread=former.dossier_id)
