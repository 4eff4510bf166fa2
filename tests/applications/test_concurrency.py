"""Several at once, each on a connection of its own: one receipt, one mail, one reminder."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import zip_longest

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from applications import circuit, lifecycle, starting
from applications.models import Application, Receipt, Reminder
from applications.reminders import planner
from applications.tasks import render_documents
from dossiers.answers import save_answers
from dossiers.freezing import DossierFrozen
from dossiers.models import Annex, Document, FrozenDossier, Piece, SectionAnswers, SignOff
from dossiers.uploads import add_piece
from offers import lifecycle as offer_lifecycle
from offers.models import Offer
from portal.notifications import outbox
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from portal.workflow import TransitionRefused
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable) -> list:
    """Do all of this at the same moment; gives what each returned, or the exception that it raised."""
    barrier = threading.Barrier(len(works))
    results: list = [None] * len(works)

    def do(number: int, work: Callable) -> None:
        close_old_connections()
        try:
            barrier.wait(10)
            results[number] = work()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=[number, work]) for number, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def kinds(results: list) -> Counter:
    return Counter(type(result) for result in results)


@pytest.fixture
def ready():
    return make.complete(make.ApplicationFactory())


def filing(application: Application) -> Callable:
    return lambda: make.file_now(Application.objects.get(pk=application.pk))


def test_twenty_filings_give_one_receipt(ready):
    results = at_once(*[filing(ready)] * 20)
    assert kinds(results) == {Application: 1, TransitionRefused: 19}
    assert Receipt.objects.count() == FrozenDossier.objects.count() == 1
    assert Mail.objects.filter(kind="receipt").count() == 1
    assert Application.objects.get().transitions.count() == 1


def test_fifty_at_once_leave_one_state_and_one_receipt():
    """Saves, sign-offs and filings on one dossier: all end, and what is filed is what is there."""
    application = make.ApplicationFactory()
    make.fill_sections(application)
    make.fill_pieces(application)
    annex = make.invited_annex(application)
    raw = SectionAnswers.objects.get(section="identity").raw
    saves = [
        lambda number=number: save_answers(application.dossier, "identity", raw | {"full_name": f"Essai {number}"})
        for number in range(20)
    ]
    signs, filings = [lambda: make.sign(annex)] * 15, [filing(application)] * 15
    works = [work for trio in zip_longest(saves, signs, filings) for work in trio if work]
    results = at_once(*works)
    assert set(kinds(results)) <= {int, DossierFrozen, Annex, Application, TransitionRefused}
    assert kinds(results)[Annex] == SignOff.objects.count() == 1
    assert kinds(results)[Application] <= 1
    if not kinds(results)[Application]:  # all the filings came before the signature
        make.file_now(Application.objects.get(pk=application.pk))
    stored = SectionAnswers.objects.get(section="identity")
    assert stored.version == 1 + kinds(results)[int]
    frozen = FrozenDossier.objects.get()
    identity = next(section for section in frozen.content["sections"] if section["key"] == "identity")
    printed = {entry["name"]: entry["display"] for entry in identity["entries"]}
    assert printed["full_name"] == stored.raw["full_name"]
    assert [item["signed"] for item in frozen.content["annexes"]] == [True]
    assert Receipt.objects.count() == Mail.objects.filter(kind="receipt").count() == 1
    assert Mail.objects.filter(kind="signatory_copy").count() == 1


@pytest.mark.parametrize("attempt", range(3))
def test_filing_and_saving(ready, attempt):
    """Either the save came first and is in the filed dossier, or it is refused: never filed without it, yet saved."""
    raw = SectionAnswers.objects.get(section="identity").raw | {"full_name": "Au dernier moment"}
    filed, saved = at_once(filing(ready), lambda: save_answers(ready.dossier, "identity", raw))
    assert isinstance(filed, Application)
    content = FrozenDossier.objects.get().content
    identity = next(section for section in content["sections"] if section["key"] == "identity")
    printed = {entry["name"]: entry["display"] for entry in identity["entries"]}
    stored = SectionAnswers.objects.get(section="identity").raw["full_name"]
    assert printed["full_name"] == stored
    assert isinstance(saved, DossierFrozen) == (stored != "Au dernier moment")


def test_filing_and_uploading(ready):
    filed, _ = at_once(filing(ready), lambda: add_piece(ready.dossier, "cv", make.pdf_upload("dernier.pdf")))
    assert isinstance(filed, Application)
    content = FrozenDossier.objects.get().content
    frozen = {file["id"] for piece in content["pieces"] for file in piece["files"]}
    assert frozen == {str(pk) for pk in Piece.objects.values_list("pk", flat=True)}
    assert all(piece.file.storage.exists(piece.file.name) for piece in Piece.objects.all())


@pytest.mark.parametrize("attempt", range(3))
def test_filing_and_closing(ready, attempt):
    """Whoever comes first, both end: no deadlock, and the dossier is filed or it is not."""
    hr = make.MembershipFactory(institution=ready.offer.institution).user
    close = lambda: offer_lifecycle.WORKFLOW.run(ready.offer, "close", actor=hr, reason="Pourvu.")  # noqa: E731
    filed, closed = at_once(filing(ready), close)
    assert isinstance(closed, Offer)
    assert isinstance(filed, Application | TransitionRefused)
    assert Receipt.objects.count() == isinstance(filed, Application)


def test_signing_twice_at_once_signs_once():
    annex = make.invited_annex(make.ApplicationFactory())
    results = at_once(*[lambda: make.sign(annex)] * 5)
    assert kinds(results)[TransitionRefused] == 4
    assert SignOff.objects.count() == 1
    assert Mail.objects.filter(kind="signatory_copy").count() == 1


def test_signing_and_replacing():
    application = make.ApplicationFactory()
    annex = make.invited_annex(application)
    signed, replaced = at_once(lambda: make.sign(annex), lambda: circuit.replace(annex, actor=application.candidate))
    assert kinds([signed, replaced])[TransitionRefused] == 1
    assert SignOff.objects.count() == (not isinstance(signed, TransitionRefused))


def test_a_double_click_begins_one_application():
    offer, candidate = make.OfferFactory(), make.UserFactory()
    results = at_once(*[lambda: starting.start(offer, candidate)] * 5)
    assert kinds(results) == {Application: 5}
    assert Application.objects.count() == 1


def test_opposite_decisions_give_one(ready):
    hr = make.MembershipFactory(institution=ready.offer.institution).user
    make.admit(make.file_now(ready), hr)
    moves = ["accept", "reject"] * 3
    decide = lambda name: lambda: lifecycle.WORKFLOW.run(ready, name, actor=hr, reason="Motif.")  # noqa: E731
    results = at_once(*(decide(name) for name in moves))
    assert kinds(results) == {Application: 1, TransitionRefused: 5}
    assert Mail.objects.filter(kind="decision").count() == 1


def test_ten_workers_send_each_mail_once(smtp_sink):
    addresses = [f"personne{number}@example.org" for number in range(40)]
    for address in addresses:
        outbox.enqueue_rendered(kind="essai", recipient=address, subject="Objet", text="Texte.")
    results = at_once(*[drain_outbox] * 10)
    assert sum(results) == 40
    assert Counter(message["X-Envelope-To"] for message in smtp_sink.messages) == Counter(addresses)


def test_two_planners_remind_once():
    by_day = make.by_day()
    offer = make.OfferFactory(deadline=make.end_of_day(by_day.date() + timedelta(days=7)))
    applications = make.ApplicationFactory.create_batch(5, offer=offer)
    Application.objects.update(created_at=timezone.now() - timedelta(days=30))
    results = at_once(*[lambda: planner.queue_due(by_day)] * 4)
    assert sum(results) == len(applications)
    assert Reminder.objects.count() == Mail.objects.count() == len(applications)


def test_two_workers_render_once(ready):
    make.file_now(ready)
    results = at_once(*[lambda: render_documents(str(ready.pk))] * 2)
    assert results == [None, None]
    assert Counter(Document.objects.values_list("kind", flat=True)) == {"dossier": 1, "receipt": 1, "bundle": 1}
