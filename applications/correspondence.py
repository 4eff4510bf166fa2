"""A dossier's thread: the mails that left about it, what became of them, the links that were opened; who may be nudged.

A mail shows what happened to it, never its words nor its link.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from applications.models import Application, Digest
from dossiers.completeness import Completeness
from dossiers.models import Annex, AnnexTransition, Dossier
from dossiers.spec import AnnexSpec
from portal.notifications import outbox
from portal.notifications.models import Mail

NUDGE_AFTER = timedelta(hours=12)  # since anything last asked this person to answer
CHASES = frozenset({"signatory_request", "signatory_reminder"})
REMINDERS = frozenset({"candidate_reminder"}) | CHASES
GATHERED = frozenset({"signatory_digest", "signatory_reminder"})
FOR_CANDIDATE = frozenset({"candidate", "signatory"})  # what the candidate may know of: not what HR is told
FOR_SERVICE = FOR_CANDIDATE | {"service", "member"}

# What a state of a mail means to the people of the dossier, and the colour of its badge.
STATUSES = {
    Mail.State.PENDING: ("En attente d’envoi", "info"),
    Mail.State.SENT: ("Remis au serveur de messagerie", "success"),
    Mail.State.DROPPED: ("Devenu inutile, non envoyé", "no-icon"),
}
NOT_DELIVERED = ("Non distribué", "error")


@dataclass(frozen=True)
class Event:
    """One line of the thread. `person`: to whom, or who; `colour`: of the badge that says `status`."""

    at: datetime
    title: str
    person: str
    status: str = ""
    colour: str = "no-icon"
    is_failure: bool = False


@dataclass(frozen=True)
class Chase:
    """A signatory whose answer is awaited: what was sent to them and when, and from when on they may be nudged."""

    annex: Annex
    spec: AnnexSpec
    mails: list[Event]
    nudge_from: datetime

    @property
    def may_be_nudged(self) -> bool:
        return timezone.now() >= self.nudge_from

    @property
    def is_undelivered(self) -> bool:
        return bool(self.mails) and self.mails[0].is_failure


def thread(application: Application, readers: frozenset[str]) -> list[Event]:
    """Everything that was said about this dossier to these readers, the latest first. Four queries."""
    openings = AnnexTransition.objects.filter(subject__dossier=application.dossier_id, name="open")
    mails = [*_mails(application.dossier_id), *_digests(Annex.objects.filter(dossier=application.dossier_id))]
    events = [event for mail in mails if (event := _told(mail, readers))]
    events += [Event(opening.at, "Lien ouvert", _name(opening.actor_label)) for opening in openings]
    return sorted(events, key=lambda event: event.at, reverse=True)


def chases(dossier: Dossier, state: Completeness) -> list[Chase]:
    """The signatories that this dossier waits for, in one query."""
    waiting = [step for step in state.annexes if step.annex and step.annex.is_waiting]
    if not waiting:
        return []
    asked = _by_address(step.annex for step in waiting)
    chasing = _mails(dossier.pk).filter(kind__in=CHASES).order_by().union(_gathered(asked))
    sent = sorted((mail for mail in chasing if _repeats(mail, asked)), key=lambda mail: mail.created_at, reverse=True)
    found = []
    for step in waiting:
        address, since = step.annex.signatory_email.lower(), step.annex.sent_at
        mails = [mail for mail in sent if mail.recipient.lower() == address and mail.created_at >= since]
        events = [event for mail in mails if (event := _told(mail, FOR_CANDIDATE))]
        found.append(Chase(step.annex, step.spec, events, _nudge_from(step.annex, mails)))
    return found


def nudge_from(annex: Annex) -> datetime:
    """From when on this signatory may be asked again: nobody is asked twice within twelve hours, whoever asks."""
    mails = _mails(annex.dossier_id).filter(kind__in=CHASES, recipient__iexact=annex.signatory_email)
    return _nudge_from(annex, [*mails, *_digests([annex])])


def asked_lately(dossier: Any, address: str) -> bool:
    """Whether this person has had a mail that asks the same, so that a reminder now would only annoy."""
    since = timezone.now() - NUDGE_AFTER
    about = Q(thread=dossier, kind__in=REMINDERS) | Q(kind="signatory_digest")
    return Mail.objects.filter(about, recipient__iexact=address, state=Mail.State.SENT, sent_at__gt=since).exists()


def _nudge_from(annex: Annex, mails: Iterable[Mail]) -> datetime:
    asked = [mail.created_at for mail in mails if mail.state != Mail.State.DROPPED]
    last = max(filter(None, [*asked, annex.renewed_at, annex.sent_at]), default=None)
    return last + NUDGE_AFTER if last else timezone.now()


COLUMNS = ("kind", "recipient", "state", "created_at", "sent_at", "thread")


def _mails(dossier: Any):
    return Mail.objects.filter(thread=dossier).only(*COLUMNS).order_by("-created_at", "-pk")


def _digests(annexes: Iterable[Annex]) -> list[Mail]:
    """The mails about other dossiers too in which these requests were repeated: digests, reminders of a day."""
    asked = _by_address(annexes)
    elsewhere = [mail for mail in _gathered(asked) if mail.thread != asked[mail.recipient.lower()].dossier_id]
    return [mail for mail in elsewhere if _repeats(mail, asked)]


def _by_address(annexes: Iterable[Annex]) -> dict[str, Annex]:
    return {annex.signatory_email.lower(): annex for annex in annexes if annex.sent_at}


def _gathered(asked: Iterable[str]):
    """What gathers the requests of several dossiers, to these addresses."""
    digests = Digest.objects.filter(kind__in=GATHERED, recipient__in=asked, mail__isnull=False).order_by()
    return Mail.objects.filter(pk__in=digests.values("mail")).only(*COLUMNS).order_by()


def _repeats(mail: Mail, asked: dict[str, Annex]) -> bool:
    """Whether it is about these requests: of their dossier, or gathered while the request stood."""
    annex = asked.get(mail.recipient.lower())
    if annex is None or mail.thread == annex.dossier_id:
        return True
    return annex.sent_at <= mail.created_at and (annex.answered_at is None or mail.created_at <= annex.answered_at)


def _told(mail: Mail, readers: frozenset[str]) -> Event | None:
    kind = outbox.kinds.get(mail.kind)
    if kind is None or kind.reader not in readers:
        return None
    status, colour = STATUSES.get(mail.state, NOT_DELIVERED)
    return Event(
        mail.sent_at or mail.created_at, kind.label, mail.recipient, status, colour, mail.state not in STATUSES
    )


def _name(actor_label: str) -> str:
    """The name and address of a signatory, without how they came."""
    return actor_label.partition(", par le lien")[0]
