"""The PDFs of a filed dossier: one worker makes each, nobody waits for it, and nothing else is locked meanwhile."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from celery.schedules import crontab
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from applications import documents, tasks
from applications.models import Application
from applications.tasks import render_documents, render_missing_documents
from dossiers import tries
from dossiers.models import Document, FrozenDossier, PrintingTries
from dossiers.pdf.limits import TooMuch
from portal.notifications.models import Mail
from tests import factories as make

Kind = Document.Kind


@pytest.fixture
def application(transactional_db):
    return make.filed(make.ApplicationFactory())


@pytest.fixture
def other_worker(transactional_db):
    """Another connection to the same database."""
    other = connection.copy()
    other.set_autocommit(False)
    yield other
    other.rollback()
    other.close()


def test_nobody_waits_for_a_worker_that_is_rendering(application, other_worker):
    with other_worker.cursor() as cursor:
        cursor.execute("SELECT 1 FROM dossiers_frozendossier FOR NO KEY UPDATE")
    assert documents.obtain(application, Kind.RECEIPT) is None
    assert render_documents(str(application.pk)) is None
    other_worker.rollback()
    made = documents.obtain(application, Kind.RECEIPT)
    assert made == documents.obtain(application, Kind.RECEIPT) == Document.objects.get()


def test_what_is_made_is_given_while_the_rest_is_in_the_making(application, other_worker):
    receipt = documents.obtain(application, Kind.RECEIPT)
    with other_worker.cursor() as cursor:
        cursor.execute("SELECT 1 FROM dossiers_frozendossier FOR NO KEY UPDATE")
    assert documents.obtain(application, Kind.RECEIPT) == receipt


def test_rendering_locks_the_frozen_dossier_alone(application, other_worker, monkeypatch):
    """The application can be read, locked and moved by others meanwhile."""
    locked = []

    def render(*args):
        with other_worker.cursor() as cursor:
            cursor.execute("SELECT 1 FROM applications_application FOR UPDATE NOWAIT")
            cursor.execute("SELECT 1 FROM dossiers_dossier FOR UPDATE NOWAIT")
            cursor.execute("SELECT id FROM dossiers_frozendossier FOR UPDATE SKIP LOCKED")
            locked.append(cursor.fetchall() == [])
        other_worker.rollback()
        return io.BytesIO(b"%PDF-1.7")

    monkeypatch.setattr(documents, "_make", render)
    assert documents.obtain(application, Kind.DOSSIER)
    assert locked == [True]


def test_the_service_is_told_of_a_piece_left_out_of_the_volume(application):
    piece = application.dossier.pieces.first()
    piece.safe_copy.file.storage.delete(piece.safe_copy.file.name)
    assert documents.obtain(application, Kind.BUNDLE)
    mail = Mail.objects.get(kind="bundle_incomplete")
    assert mail.recipient == application.offer.service_email
    assert piece.name in str(mail.payload)
    documents.obtain(application, Kind.BUNDLE)
    assert Mail.objects.filter(kind="bundle_incomplete").count() == 1


def test_a_copy_that_is_no_longer_what_was_checked_is_left_out_of_the_volume(application):
    copy = application.dossier.pieces.first().safe_copy
    storage, name = copy.file.storage, copy.file.name
    storage.delete(name)
    assert storage.save(name, ContentFile(b"%PDF-1.7 autre chose")) == name
    assert documents.obtain(application, Kind.BUNDLE)
    assert "fichier différent de celui qui a été vérifié" in str(Mail.objects.get(kind="bundle_incomplete").payload)


def test_a_dossier_that_is_not_filed_has_no_document(db):
    with pytest.raises(FrozenDossier.DoesNotExist):
        documents.obtain(make.ApplicationFactory(), Kind.DOSSIER)


def test_the_sweep_leaves_what_is_on_its_way(application, monkeypatch):
    queued = []
    monkeypatch.setattr(render_documents, "apply_async", lambda args, **options: queued.append((args, options)))
    assert render_missing_documents() == 0
    Application.objects.update(filed_at=timezone.now() - timedelta(minutes=6))
    assert render_missing_documents() == 1
    assert queued == [([str(application.pk)], {"expires": tasks.SWEEP_SECONDS})]
    render_documents(str(application.pk))
    assert render_missing_documents() == 0


def test_no_sweep_outlives_its_period():
    """Workers that come back after a night find one of each in the queue."""
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
        assert 0 < entry["options"]["expires"] <= period_of(entry["schedule"]), name


def period_of(schedule: float | crontab) -> float:
    """Seconds between two runs, at the least."""
    if not isinstance(schedule, crontab):
        return schedule
    if len(schedule.minute) > 1:
        return 3600 / len(schedule.minute)
    return 3600 if len(schedule.hour) > 1 else 24 * 3600


@pytest.fixture
def unprintable(application, monkeypatch):
    """A dossier whose layout takes too much; each try is in the list."""
    found = []

    def render(*args, **options):
        found.append(args)
        raise TooMuch("time")

    monkeypatch.setattr("dossiers.pdf.render.render_dossier", render)
    Application.objects.update(filed_at=timezone.now() - timedelta(minutes=6))
    return found


def test_a_document_that_cannot_be_made_rests_and_holds_up_no_other(application, unprintable, caplog):
    for _ in range(tries.TRIES_AT_ONCE + 3):
        render_documents(str(application.pk))
    assert len(unprintable) == tries.TRIES_AT_ONCE
    assert set(documents.latest(application)) == {Kind.RECEIPT}
    assert render_missing_documents() == render_missing_documents() == 0
    assert [record.levelname for record in caplog.records if "cannot be made" in record.message] == ["ERROR"]
    for _ in range(len(tries.RESTS) + 3):
        PrintingTries.objects.exclude(rests_until=tries.FOR_GOOD).update(rests_until=timezone.now())
        render_documents(str(application.pk))
    assert len(unprintable) == tries.TRIES_AT_ONCE + len(tries.RESTS)


def test_another_layout_tries_a_document_anew(application, unprintable, monkeypatch):
    for _ in range(tries.TRIES_AT_ONCE):
        render_documents(str(application.pk))
    assert render_missing_documents() == 0
    monkeypatch.undo()
    PrintingTries.objects.update(layout="of an earlier portal")
    assert render_missing_documents() == 1
    render_documents(str(application.pk))
    assert set(documents.latest(application)) == {Kind.DOSSIER, Kind.RECEIPT, Kind.BUNDLE}
    assert not PrintingTries.objects.exists()


def test_what_the_document_cannot_help_counts_for_nothing(application, monkeypatch):
    with monkeypatch.context() as without_seal:
        without_seal.setattr("dossiers.pdf.seal.seal", fail)
        for _ in range(tries.TRIES_AT_ONCE + 1):
            with pytest.raises(ImproperlyConfigured):
                render_documents(str(application.pk))
    render_documents(str(application.pk))
    assert set(documents.latest(application)) == {Kind.DOSSIER, Kind.RECEIPT, Kind.BUNDLE}


def fail(*args) -> None:
    raise ImproperlyConfigured("no certificate")


def test_the_service_sees_it_and_may_ask_for_another_try(client, application, unprintable, monkeypatch):
    page = reverse("admin:applications_application_change", args=[application.pk])
    button = reverse("admin:applications_application_print_again", args=[application.pk])
    client.force_login(make.MembershipFactory(institution=application.offer.institution).user)
    for _ in range(tries.TRIES_AT_ONCE):
        render_documents(str(application.pk))
    assert "ne peut pas être composé" not in client.get(page).content.decode()  # nobody is told yet
    render_missing_documents()
    shown = client.get(page).content.decode()
    assert "Le PDF de ce dossier ne peut pas être composé (dossier)" in shown
    assert button in shown
    queued = []
    monkeypatch.setattr(render_documents, "delay", queued.append)
    assert client.get(button).status_code == 405
    client.post(button)
    assert queued == [str(application.pk)]
    render_documents(queued[0])
    assert len(unprintable) == tries.TRIES_AT_ONCE + 1
    assert "ne peut pas être composé" not in client.get(page).content.decode()
