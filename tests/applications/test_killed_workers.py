"""A worker killed at any point: the work is done again, and exactly one document of each kind results."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.db import connection
from django.utils import timezone

from applications import documents
from applications.models import Application
from applications.tasks import render_documents, render_missing_documents
from dossiers import tries
from dossiers.models import Document, PrintingTries
from portal.embedded.processes import Child
from tests import factories as make
from tests.applications.test_late_signatures import filed_without
from tests.servers import worker

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PATIENCE = 120  # seconds, on a machine that has much else to do


def until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, f"only {list(Document.objects.values_list('kind', flat=True))} came"
        time.sleep(0.02)


@contextmanager
def running(servers) -> Iterator[Child]:
    process = worker(servers, connection.settings_dict["NAME"])
    process.start()
    try:
        process.wait_until(lambda: " ready." in process.log.read_text(errors="replace"), timeout=PATIENCE)
        yield process
    finally:
        process.stop(timeout=20)


def kill_children(process: Child) -> None:
    """As the kernel does when memory is short: the parent lives, and replaces them."""
    parent = process.process.pid
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)


def is_intact(document: Document) -> bool:
    with document.file.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == document.sha256


def test_killed_before_and_between_documents_then_as_a_whole(servers):
    application = make.complete(make.ApplicationFactory())
    with redis.Redis.from_url(servers.redis.url) as queue:
        queue.flushdb()
    with running(servers) as first:
        application = make.file_now(application)
        kill_children(first)  # before anything is there
        until(lambda: Document.objects.count() >= 1)
        kill_children(first)  # between two documents
        until(lambda: Document.objects.count() >= 2)
        first.process.kill()  # and the parent, with what it had taken from the queue
        first.process.wait(20)
    Application.objects.update(filed_at=timezone.now() - timedelta(minutes=6))
    with running(servers):
        render_missing_documents()
        until(lambda: Document.objects.count() == len(documents.due(application)))
        render_missing_documents()
        time.sleep(1)  # whatever else was queued has its chance to make one too many
    found = list(Document.objects.filter(frozen__dossier=application.dossier_id))
    assert sorted(document.kind for document in found) == sorted(documents.due(application))
    assert all(is_intact(document) for document in found)


def is_making() -> bool:
    """Whether a worker is inside the transaction in which a document is made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state = 'idle in transaction' AND now() - xact_start > interval '50 ms'"
        )
        return cursor.fetchone() is not None


def test_killed_while_the_volume_is_made_again_with_a_late_opinion(servers):
    application, annex = filed_without()
    render_documents(str(application.pk))
    make.sign(annex, text="Un avis qui vient tard.")
    with redis.Redis.from_url(servers.redis.url) as queue:
        queue.flushdb()
    again = Document.objects.filter(kind=Document.Kind.BUNDLE, edition=1)
    with running(servers) as process:
        for pause in (0, 0.1, 0.2):
            render_documents.delay(str(application.pk))
            until(lambda: is_making() or again.exists())
            time.sleep(pause)
            kill_children(process)
            until(lambda: not is_making())
            assert pause or not again.exists()  # the first blow struck in the middle
        render_missing_documents()
        until(again.exists)
        render_missing_documents()
        render_documents.delay(str(application.pk))
        time.sleep(1)
    found = list(Document.objects.filter(frozen__dossier=application.dossier_id).order_by("kind", "edition"))
    due = [(kind, 0) for kind in documents.due(application)] + [(Document.Kind.BUNDLE, 1)]
    assert sorted((document.kind, document.edition) for document in found) == sorted(due)
    assert all(is_intact(document) for document in found)


def test_a_document_that_kills_every_worker_is_left_alone_and_the_others_are_made(servers):
    deadly, other = make.filed(make.ApplicationFactory()), make.filed(make.ApplicationFactory())
    with redis.Redis.from_url(servers.redis.url) as queue:
        queue.flushdb()
    with running(servers) as process:
        render_documents.delay(str(deadly.pk))  # once: the broker gives it to the next worker, and to the next
        for number in range(1, tries.TRIES_AT_ONCE + 1):
            until(lambda number=number: is_making() and PrintingTries.objects.filter(count=number).exists())
            kill_children(process)
            until(lambda: not is_making())
        assert not Document.objects.exists()  # each blow struck in the middle
        render_documents.delay(str(other.pk))
        until(lambda: len(documents.latest(other)) == len(documents.due(other)))
        until(lambda: set(documents.latest(deadly)) == {Document.Kind.RECEIPT})
        assert PrintingTries.objects.get().count == tries.TRIES_AT_ONCE
        documents.try_again(deadly)
        until(lambda: len(documents.latest(deadly)) == len(documents.due(deadly)))
    assert not PrintingTries.objects.exists()
