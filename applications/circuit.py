"""The sign-off circuit as candidates use it: the engine's moves, and the mails that go with them.

What signatories do stands in `applications.answering`.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Q, QuerySet, prefetch_related_objects
from django.utils import timezone

from applications import correspondence
from applications.models import Application, Digest
from dossiers import signing
from dossiers.freezing import lock_open
from dossiers.models import Annex, AnnexTransition, Question
from dossiers.signoffs import changes_since
from portal.notifications import outbox
from portal.notifications.models import Mail
from portal.workflow import TransitionRefused

ROLLING_LINK_LIFE = timedelta(days=90)  # an offer without a deadline still has links that expire
CONFIRM_AGAIN_AFTER = timedelta(hours=1)
SETTLED_AFTER = timedelta(minutes=30)  # without a change, before signatories are asked to confirm
REQUESTS_A_DAY = 3  # and annex: enough for a wrong address and two changes of mind
REQUESTS_OF_ONE_PERSON_A_DAY = 80  # eight dossiers of eight annexes, and some corrections; withdrawn ones count
SIGNATORY_FIELDS = signing.SIGNATORY_FIELDS
# On the filed dossier, while this one was already prepared: on other answers, whenever those were typed.
SIGNED_BESIDE = Q(sign_off__carried_from__isnull=False, sign_off__signed_at__gt=F("dossier__created_at"))


def closes_at(annex: Annex) -> datetime:
    """The signatory's date: the offer's as it stands now, so that an extension counts at once."""
    offer = annex.dossier.application.offer
    return offer.signatures_until or accepts_until(annex)


def accepts_until(annex: Annex) -> datetime:
    """When the link stops working. Until its dossier is filed, that is the deadline: past it nothing can be filed."""
    offer = annex.dossier.application.offer
    until = offer.signatures_until if annex.late else None
    return until or offer.deadline or (annex.renewed_at or timezone.now()) + ROLLING_LINK_LIFE


def is_in_hand(annex: Annex) -> bool:
    """Whether its application takes answers: in preparation; or filed without this one, and not yet admitted."""
    application = annex.dossier.application
    return application.is_draft or (annex.late and application.state in Application.REPLACEABLE)


def is_alive(annex: Annex) -> bool:
    """Whether an answer is still awaited: the application in hand, its offer not suspended, the link not expired."""
    offer = annex.dossier.application.offer
    is_offered = annex.late or offer.state == offer.State.PUBLISHED
    return is_in_hand(annex) and is_offered and not is_too_late(annex)


def is_too_late(annex: Annex) -> bool:
    return timezone.now().replace(microsecond=0) > accepts_until(annex)


# Asking


def name_signatory(application: Application, key: str, signatory: dict[str, str]) -> Annex:
    """Write down who is asked for this annex, and the candidate's own line; only while no request is out."""
    with transaction.atomic():
        lock_open(application.dossier)
        annex, _ = Annex.objects.select_for_update().get_or_create(dossier=application.dossier, key=key)
        if annex.is_waiting and annex.signatory_email == signatory.get("signatory_email"):
            return annex  # a double click on "send"
        if annex.state != Annex.State.TO_SEND:
            raise TransitionRefused("Cette annexe est déjà envoyée. Changez d’abord de signataire.")
        fields = (*SIGNATORY_FIELDS, "note")
        for name in fields:
            setattr(annex, name, signatory.get(name, ""))
        annex.save(update_fields=fields)
    return annex


def invite(annex: Annex, *, actor: Any) -> Annex:
    return _send(annex, "invite", actor)


def invite_all(application: Application, *, actor: Any) -> list[Annex]:
    """Send every request whose signatory is named: one message each, even to who signs several annexes."""
    named = application.dossier.annexes.filter(state=Annex.State.TO_SEND).exclude(signatory_email="").order_by("key")
    with transaction.atomic():
        return [invite(annex, actor=actor) for annex in named]


def resend(annex: Annex, *, actor: Any) -> Annex:
    return _send(annex, "resend", actor)


@transaction.atomic
def _send(annex: Annex, move: str, actor: Any) -> Annex:
    hold(annex)
    offer = annex.dossier.application.offer
    if annex.late and not is_alive(annex):
        raise TransitionRefused("Cet avis n’est plus attendu.")
    if not annex.late and not offer.is_open() and not (offer.deadline and timezone.now() > offer.deadline):
        raise TransitionRefused("Cette offre n’accepte plus de dépôt : un avis ne peut plus être demandé.")
    undelivered = annex.state == Annex.State.BOUNCED
    if move == "resend" and not undelivered and timezone.now() < correspondence.nudge_from(annex):
        raise TransitionRefused("Cette demande est partie il y a moins de douze heures. Laissez le temps de répondre.")
    annex = signing.WORKFLOW.run(annex, move, actor=actor, until=accepts_until(annex) if annex.late else offer.deadline)
    refuse_a_flood(annex)
    request_mail(annex)
    return annex


def refuse_a_flood(annex: Annex) -> None:
    """The portal writes in its own name to whoever a candidate names: a day's requests are counted, here and in all."""
    sent = AnnexTransition.objects.filter(
        subject__dossier__owner=annex.dossier.owner_id,
        name__in=["invite", "resend", "delegate"],
        at__gt=timezone.now() - timedelta(days=1),
    )
    count = sent.aggregate(here=Count("pk", filter=Q(subject__dossier=annex.dossier_id)), all=Count("pk"))
    limit = REQUESTS_A_DAY * len(annex.dossier.spec.annexes)
    if count["here"] > limit or count["all"] > REQUESTS_OF_ONE_PERSON_A_DAY:
        raise TransitionRefused("Beaucoup de demandes sont parties aujourd’hui : la prochaine pourra partir demain.")


def request_mail(annex: Annex) -> None:
    """Queue the request, unless a message that has not left yet will say it: one message lists all the annexes."""
    waiting = Mail.objects.filter(
        kind="signatory_request",
        recipient=annex.signatory_email,
        thread=annex.dossier_id,
        state=Mail.State.PENDING,
        attempts=0,
    )
    if not waiting.select_for_update(skip_locked=True).first():  # locked: no worker takes it before we are done
        tell_signatory(annex, "signatory_request", email=annex.signatory_email)


def awaited_from(annex: Annex) -> QuerySet[Annex]:
    """The annexes of this dossier, this one included, that the same address is asked for."""
    same = Annex.objects.filter(dossier=annex.dossier_id, signatory_email__iexact=annex.signatory_email)
    return same.filter(Q(state__in=Annex.ASKED) | Q(pk=annex.pk)).order_by("key")


def replace(annex: Annex, *, actor: Any) -> Annex:
    """Revoke the request, so that another person can be asked. The first one is told, if they were still waiting."""
    return _take_back(annex, "replace", actor)


def revoke(annex: Annex, *, actor: Any) -> Annex:
    """Take the request back, without naming anybody else: the link stops working, the signatory is told."""
    return _take_back(annex, "revoke", actor)


def _take_back(annex: Annex, move: str, actor: Any) -> Annex:
    with transaction.atomic():
        hold(annex)
        annex.refresh_from_db()  # handed over since the page was shown: who holds the link now is told
        former, waiting = annex.signatory_email, annex.is_waiting
        annex = signing.WORKFLOW.run(annex, move, actor=actor)
        if waiting:
            payload = {"annex": str(annex.pk)}
            outbox.enqueue("request_dropped", former, payload, thread=annex.dossier_id)
    return annex


def ask_confirmation(annex: Annex, *, actor: Any = None) -> Annex:
    """Ask who signed to confirm, or to sign anew, what changed since. actor: None for the portal itself."""
    if not changes_since(annex.sign_off):
        raise TransitionRefused("Rien de ce que cette personne a lu n’a changé.")
    if annex.confirmation_asked_at and timezone.now() - annex.confirmation_asked_at < CONFIRM_AGAIN_AFTER:
        raise TransitionRefused("La confirmation vient d’être demandée. Laissez le temps de répondre.")
    if not annex.link_hash:
        raise TransitionRefused("Cet avis est sur papier : faites signer et déposez une nouvelle feuille.")
    with transaction.atomic():
        hold(annex)
        annex = signing.WORKFLOW.run(annex, "ask_confirmation", actor=actor, until=accepts_until(annex))
        tell_signatory(annex, "confirmation_request")
    return annex


def ask_confirmations(now: datetime | None = None) -> int:
    """Ask by itself, once the candidate has left the answers alone for a while. Returns how many were asked."""
    now = now or timezone.now()
    signed = (
        Annex.objects.filter(
            state=Annex.State.SIGNED,
            confirmation_asked_at=None,
            dossier__frozen_at=None,
            dossier__application__state=Application.State.DRAFT,
        )
        .exclude(link_hash="")
        .annotate(changed_at=Max("dossier__answers__saved_at"))
        .filter(Q(changed_at__gt=F("sign_off__signed_at")) | SIGNED_BESIDE, changed_at__lt=now - SETTLED_AFTER)
        .select_related("sign_off", "dossier__owner", "dossier__application__offer")
    )
    asked = 0
    for annex in signed.iterator(chunk_size=200):
        if is_alive(annex) and changes_since(annex.sign_off):
            try:
                ask_confirmation(annex)
                asked += 1
            except TransitionRefused:  # changed back, or filed, this very moment
                continue
    return asked


def with_questions(annexes: list[Annex]) -> list[Annex]:
    """For the candidate: the question that each person asked is waiting to have answered; one query for all of them."""
    prefetch_related_objects(annexes, "questions")
    for annex in annexes:
        asked = annex.questions.all() if annex.is_asked else []
        waiting = [each for each in asked if not each.answered_at and each.email == annex.signatory_email]
        annex.open_question = next(iter(waiting), None)
    return annexes


def answer_question(question: Question, answer: str) -> Question:
    """The candidate answers what a signatory asked: mailed, with the link, if the request still stands."""
    with transaction.atomic():
        question = Question.objects.select_for_update(of=("self",)).select_related("annex").get(pk=question.pk)
        if question.answered_at:
            raise TransitionRefused("Vous avez déjà répondu à cette question.")
        question.answer, question.answered_at = answer, timezone.now()
        question.save(update_fields=["answer", "answered_at"])
        annex = question.annex
        if annex.is_asked and annex.signatory_email == question.email:
            tell_signatory(annex, "question_answered", question=question.pk)
    return question


# What happens by itself


@outbox.on_bounce
def note_bounce(mail: Mail) -> None:
    """A request that could not be delivered: its annexes say so, and the candidate is told what to do.

    One that was opened all the same is left alone: the address is right.
    """
    undelivered = Annex.objects.filter(signatory_email__iexact=mail.recipient, state=Annex.State.SENT)
    if not Digest.objects.filter(mail=mail).exists():  # one about several dossiers is told to all
        undelivered = undelivered.filter(dossier=mail.thread)
    with transaction.atomic():
        for annex in undelivered.select_related("dossier__application").order_by("key"):
            if not is_in_hand(annex):  # withdrawn or replaced since: there is nothing to correct
                continue
            with suppress(TransitionRefused):  # opened this very moment
                annex = signing.WORKFLOW.run(annex, "bounce", reason=mail.last_error or "Adresse refusée.")
                tell_candidate(annex, "annex_bounced")


def review_links(now: datetime | None = None) -> int:
    """Note the links whose time is over, and those that an extension brought back. Returns how many moved."""
    now = (now or timezone.now()).replace(microsecond=0)
    moved = 0
    in_hand = Annex.objects.filter(
        Q(dossier__application__state=Application.State.DRAFT, dossier__frozen_at=None)
        | Q(dossier__application__state__in=Application.REPLACEABLE, late=True)
    )
    candidates = in_hand.filter(
        Q(state__in=Annex.WAITING, dossier__application__offer__deadline__lt=now)
        | Q(
            state__in=Annex.WAITING,
            dossier__application__offer__deadline=None,
            renewed_at__lt=now - ROLLING_LINK_LIFE,
        )
        | Q(state=Annex.State.EXPIRED)
    ).select_related("dossier__application__offer")
    for annex in candidates.iterator(chunk_size=200):
        until = accepts_until(annex)
        move = "expire" if now > until else "revive" if annex.state == Annex.State.EXPIRED else None
        if move is None or (move == "expire" and not annex.is_waiting):
            continue
        try:
            signing.WORKFLOW.run(annex, move, until=until)
            moved += 1
        except TransitionRefused:  # answered or revoked this very moment
            continue
    return moved


# Mails


def tell_signatory(annex: Annex, kind: str, **more: Any) -> None:
    payload = {"annex": str(annex.pk), "link_hash": annex.link_hash} | more
    outbox.enqueue(kind, annex.signatory_email, payload, thread=annex.dossier_id)


def tell_candidate(annex: Annex, kind: str, **more: Any) -> None:
    outbox.enqueue(kind, annex.dossier.owner.email, {"annex": str(annex.pk)} | more, thread=annex.dossier_id)


def tell_service(annex: Annex) -> None:
    """Who rules on a filed dossier knows when an opinion that it waited for has come, or will not."""
    if annex.late:
        service = annex.dossier.application.offer.service_email
        outbox.enqueue("late_answer_for_hr", service, {"annex": str(annex.pk)}, thread=annex.dossier_id)


def hold(annex: Annex) -> None:
    """Lock its application until the end of the transaction; TransitionRefused where it takes no answer any more."""
    annex.dossier.application = lock_application(annex)
    annex.refresh_from_db(fields=["late"])  # filed since the page was opened
    if not is_in_hand(annex):
        raise TransitionRefused("Cette candidature n’est plus en préparation : cet avis n’est plus attendu.")


def lock_application(annex: Annex) -> Application:
    """The application before the dossier, as in filing."""
    return Application.objects.select_for_update(of=("self",)).get(dossier=annex.dossier_id)
