"""Abandoned drafts: announced, then erased with all that they hold; anything that moves starts the count again."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ObjectDoesNotExist
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from applications import answering, lifecycle, reopening, retention
from applications.abandonment import NOTICE, announce, erase
from applications.models import Application
from dossiers.answers import save_answers
from dossiers.freezing import DossierFrozen
from dossiers.models import Annex, AnnexTransition, Dossier, Piece, SectionAnswers, SignOff
from dossiers.uploads import add_piece
from portal.calendar import is_quiet
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from portal.workflow import TransitionRefused
from tests import factories as make
from tests.applications.test_concurrency import at_once

DAY = timedelta(days=1)


@pytest.fixture
def draft(transactional_db):
    """A complete draft, begun now: answers, pieces, a signed opinion."""
    draft = make.complete(make.ApplicationFactory(offer=make.OfferFactory(deadline=None)))
    Mail.objects.all().delete()
    return draft


def notices() -> list[str]:
    return list(Mail.objects.filter(kind="draft_to_be_erased").values_list("recipient", flat=True))


def test_an_abandoned_draft_is_announced_once_then_erased_with_everything(draft, smtp_sink):
    now = make.by_day()
    files = [piece.file.name for piece in draft.dossier.pieces.all()]
    assert files
    assert announce(now + 334 * DAY) == 0
    later = now + 337 * DAY  # neither of these is a Sunday on both sides
    while is_quiet(later):
        later += DAY
    assert announce(later) == 1
    assert announce(later + 2 * DAY) == announce(later) == 0
    assert notices() == [draft.candidate.email]
    assert erase(later + 31 * DAY) == 0  # the notice has not left
    with time_machine.travel(later, tick=False):
        drain_outbox()
    [message] = smtp_sink.sent_to(draft.candidate.email)
    assert "va être effacé" in message["Subject"]
    assert erase(later + 29 * DAY) == 0
    assert erase(later + 30 * DAY) == 1
    for model in (Application, Dossier, SectionAnswers, Annex, AnnexTransition, SignOff, Mail):
        assert not model.objects.exists(), model
    assert not any(default_storage.exists(name) for name in files)
    assert erase(later + 30 * DAY) == 0


@pytest.mark.parametrize("move", ["answers", "annex"])
def test_whoever_comes_back_keeps_the_draft(transactional_db, smtp_sink, move):
    now = make.by_day()
    draft = make.ApplicationFactory(offer=make.OfferFactory(deadline=None))
    make.invited_annex(draft)
    later = now + 337 * DAY
    while is_quiet(later):
        later += DAY
    assert announce(later) == 1
    with time_machine.travel(later + DAY, tick=False):
        drain_outbox()
        if move == "answers":
            save_answers(draft.dossier, "identity", {})
        else:
            answering.note_opening(draft.dossier.annexes.get())
    assert erase(later + 60 * DAY) == 0
    assert announce(later + 60 * DAY) == 0
    again = later + 340 * DAY
    assert announce(again + DAY * (again.weekday() == 6)) == 1


def test_neither_filed_nor_recent_dossiers_are_touched(transactional_db):
    filed = make.filed(make.ApplicationFactory())
    withdrawn_later = make.by_day() + 400 * DAY
    withdrawn_later += DAY * (withdrawn_later.weekday() == 6)
    assert (announce(withdrawn_later), erase(withdrawn_later)) == (0, 0)
    assert Application.objects.get() == filed


def test_nobody_is_told_at_night(transactional_db):
    make.ApplicationFactory()
    assert announce(make.by_day() + 400 * DAY + timedelta(hours=10)) == 0


def test_a_notice_that_came_back_erases_nothing_before_a_second_try(draft):
    def on(day) -> int:
        """What a day does when the address is dead: told, refused."""
        told = announce(day)
        Mail.objects.filter(state=Mail.State.PENDING).update(state=Mail.State.BOUNCED)
        Mail.objects.filter(created_at__gt=day).update(created_at=day)
        return told

    first = make.by_day() + 337 * DAY
    while is_quiet(first) or is_quiet(first + 31 * DAY):
        first += DAY
    with time_machine.travel(first, tick=False):
        assert on(first) == 1
    assert [on(first + 10 * DAY), erase(first + 30 * DAY)] == [0, 0]
    second = first + 31 * DAY
    with time_machine.travel(second, tick=False):
        assert on(second) == 1
    assert erase(second + 29 * DAY) == 0
    assert on(second + 40 * DAY) == 0
    assert erase(second + 30 * DAY) == 1


def test_a_notice_that_left_late_leaves_its_whole_delay(draft, smtp_sink):
    day = make.by_day() + 337 * DAY
    while is_quiet(day) or is_quiet(day + 5 * DAY):
        day += DAY
    assert announce(day) == 1
    with time_machine.travel(day + 5 * DAY, tick=False):
        drain_outbox()
    assert [erase(day + 31 * DAY), erase(day + 35 * DAY)] == [0, 1]


# At the same moment


def told_long_ago(draft: Application) -> None:
    """As if it had slept for a year, and its notice had left a month ago: an erasure takes it now."""
    now = timezone.now()
    asleep_since, told_at = now - 400 * DAY, now - 31 * DAY
    Application.objects.update(created_at=asleep_since, erasure_announced_at=told_at)
    SectionAnswers.objects.update(saved_at=asleep_since)
    Piece.objects.update(uploaded_at=asleep_since)
    Annex.objects.update(sent_at=asleep_since, renewed_at=asleep_since)
    Annex.objects.exclude(answered_at=None).update(answered_at=asleep_since)
    sent = {"state": Mail.State.SENT, "sent_at": told_at}
    Mail.objects.create(kind=NOTICE, recipient=draft.candidate.email, thread=draft.dossier_id, **sent)


COMEBACKS = {
    "answers": lambda draft: save_answers(draft.dossier, "identity", {"full_name": "De retour"}),
    "upload": lambda draft: add_piece(draft.dossier, "cv", make.pdf_upload("retour.pdf")),
    "signature": lambda draft: make.sign(draft.dossier.annexes.get()),
    "typed opinion": lambda draft: answering.keep_draft(draft.dossier.annexes.get(), {"text": "Un avis commencé."}),
    "filing": make.file_now,
}


@pytest.fixture
def asleep(transactional_db) -> Application:
    draft = make.ApplicationFactory(offer=make.OfferFactory(deadline=timezone.now() + DAY))
    make.fill_sections(draft)
    make.fill_pieces(draft)
    make.invited_annex(draft)
    return draft


@pytest.mark.parametrize("name", COMEBACKS)
def test_who_comes_back_while_it_is_being_erased_keeps_all_of_it(asleep, name):
    """The comeback holds the dossier, not yet committed, when the erasure begins: this one waits, then lets it be."""
    if name == "filing":
        make.sign(asleep.dossier.annexes.get())
    told_long_ago(asleep)
    begun, waiting = threading.Event(), threading.Event()

    def come_back():
        with transaction.atomic():
            COMEBACKS[name](Application.objects.get(pk=asleep.pk))
            begun.set()
            waiting.wait(10)

    def erase_meanwhile() -> int:
        begun.wait(10)
        threading.Timer(1, waiting.set).start()
        return erase()

    returned, erased = at_once(come_back, erase_meanwhile)
    assert (returned, erased) == (None, 0)
    assert Application.objects.filter(pk=asleep.pk).exists()
    assert all(default_storage.exists(piece.file.name) for piece in Piece.objects.all())


@pytest.mark.parametrize("name", COMEBACKS)
def test_who_comes_back_too_late_is_told_and_leaves_nothing_behind(asleep, name):
    if name == "filing":
        make.sign(asleep.dossier.annexes.get())
    told_long_ago(asleep)
    results = at_once(erase, lambda: COMEBACKS[name](Application.objects.get(pk=asleep.pk)))
    if results[0]:
        gone = (DossierFrozen, TransitionRefused, ObjectDoesNotExist)
        assert isinstance(results[1], gone) or not Application.objects.exists()
        for model in (Application, Dossier, SectionAnswers, Annex, Piece, SignOff):
            assert not model.objects.exists(), model
    else:
        assert Application.objects.filter(pk=asleep.pk).exists()


def test_a_draft_whose_filed_dossier_was_withdrawn_is_announced_like_any_other(db):
    filed = make.filed(make.ApplicationFactory())
    draft = reopening.reopen(filed)
    lifecycle.WORKFLOW.run(Application.objects.get(pk=filed.pk), "withdraw", actor=filed.candidate)
    later = timezone.localtime(timezone.now() + timedelta(days=731)).replace(hour=10)
    while is_quiet(later):
        later += timedelta(days=1)
    assert retention.erase(later) == 0
    assert announce(later) == 1
    assert Mail.objects.get(kind=NOTICE).thread == draft.dossier_id
