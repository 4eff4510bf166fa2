"""From the file that came to the copy that others read: once, by whoever comes first, whatever is away or dies."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from applications import documents
from applications.tasks import render_documents, render_missing_documents
from dossiers import antivirus, clearing, tasks
from dossiers.completeness import completeness
from dossiers.models import Document, Piece, SafeCopy
from dossiers.uploads import add_piece, remove_piece
from portal.notifications.models import Mail
from portal.notifications.outbox import build
from tests import factories as make
from tests.dossiers import corpus
from tests.dossiers.test_uploads import upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def application():
    return make.ApplicationFactory()


@pytest.fixture
def piece(application) -> Piece:
    return add_piece(application.dossier, "cv", make.pdf_upload("cv.pdf"))


def refused_piece(application, name: str = "protégé.pdf") -> Piece:
    return add_piece(application.dossier, "cv", upload(corpus.build("protégé.pdf")[0], name))


def again(piece: Piece) -> Piece:
    return Piece.objects.get(pk=piece.pk)


def stored(field) -> bytes:
    with field.open("rb") as file:
        return file.read()


def mails(kind: str) -> list[Mail]:
    return list(Mail.objects.filter(kind=kind))


def test_a_piece_waits_then_has_a_safe_copy(piece):
    assert piece.safe_copy.is_waiting
    tasks.clear_piece(str(piece.pk))
    copy = again(piece).safe_copy
    assert copy.is_ready
    assert copy.pages == 1
    content = stored(copy.file)
    assert (copy.size, copy.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert stored(copy.thumbnail).startswith(b"\xff\xd8\xff")


def test_a_file_that_cannot_be_taken_is_refused_with_its_reason(application):
    piece = refused_piece(application)
    clearing.clear(piece.pk)
    copy = again(piece).safe_copy
    assert copy.is_refused
    assert "protégé" in copy.reason
    assert not copy.stored


def test_a_task_that_comes_twice_does_nothing_twice(piece):
    clearing.clear(piece.pk)
    first = again(piece).safe_copy
    clearing.clear(piece.pk)
    assert again(piece).safe_copy.file.name == first.file.name
    clearing.clear("00000000-0000-0000-0000-000000000000")


def test_two_workers_do_not_take_the_same_piece(piece, monkeypatch):
    monkeypatch.setattr(clearing, "make_safe", lambda file: pytest.fail("taken twice"))
    SafeCopy.objects.filter(pk=piece.pk).update(claimed_at=timezone.now())
    clearing.clear(piece.pk)
    assert not clearing.due().exists()


def test_a_worker_that_died_leaves_its_piece_to_another(piece):
    SafeCopy.objects.filter(pk=piece.pk).update(claimed_at=timezone.now() - clearing.CLAIM - timedelta(seconds=1))
    assert clearing.due().get().piece == piece
    clearing.clear(piece.pk)
    assert again(piece).safe_copy.is_ready


def test_a_file_that_kills_every_worker_is_refused_in_the_end(piece):
    SafeCopy.objects.filter(pk=piece.pk).update(attempts=clearing.MAX_ATTEMPTS)
    clearing.clear(piece.pk)
    assert again(piece).safe_copy.reason == clearing.NEVER_ENDS


def test_a_verdict_is_final(piece):
    clearing.clear(piece.pk)
    assert clearing.refuse(piece.safe_copy, "Trop tard.") is False
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        SafeCopy.objects.filter(pk=piece.pk).update(reason="autre")


def test_a_piece_removed_meanwhile_leaves_no_copy(application, piece):
    copy = piece.safe_copy
    remove_piece(again(piece))
    assert clearing.accept(copy, make.safe_pdf()) is False
    assert not default_storage.exists(copy.file.name)


def test_bytes_that_changed_in_the_storage_are_no_verdict(piece):
    Piece.objects.filter(pk=piece.pk).update(sha256="0" * 64)
    with pytest.raises(OSError, match="other bytes"):
        clearing.clear(piece.pk)
    copy = again(piece).safe_copy
    assert copy.is_waiting
    assert (copy.attempts, copy.claimed_at) == (0, None)


def test_the_antivirus_away_delays_and_loses_nothing(piece, settings):
    settings.CLAMD_URL = "unix:///nowhere/clamd.ctl"
    for _ in range(clearing.MAX_ATTEMPTS + 2):
        tasks.clear_piece(str(piece.pk))
    assert clearing.due().get().attempts == 0
    settings.CLAMD_URL = ""
    tasks.clear_piece(str(piece.pk))
    assert again(piece).safe_copy.is_ready


def test_the_sweep_finds_what_a_lost_message_left(piece, monkeypatch):
    queued = []
    monkeypatch.setattr(tasks.clear_piece, "apply_async", lambda args, **options: queued.append(args[0]))
    assert tasks.clear_waiting_pieces() == 1
    assert queued == [str(piece.pk)]


def test_an_upload_tells_the_worker_once_it_is_certain(application, monkeypatch, django_capture_on_commit_callbacks):
    queued = []
    monkeypatch.setattr(tasks.clear_piece, "delay", queued.append)
    with django_capture_on_commit_callbacks(execute=True):
        piece = add_piece(application.dossier, "cv", make.pdf_upload())
        assert queued == []
    assert queued == [str(piece.pk)]


# What the dossier makes of it


def cv_step(application):
    return next(step for step in completeness(application.dossier).pieces if step.spec.key == "cv")


def test_a_file_being_checked_counts_and_a_refused_one_does_not(application):
    piece = refused_piece(application)
    assert cv_step(application).is_done
    clearing.clear(piece.pk)
    assert not cv_step(application).is_done
    assert "remplacez-le ou retirez-le." in " ".join(completeness(application.dossier).sentences())


def test_whoever_still_looks_at_the_page_gets_no_mail(application):
    clearing.clear(refused_piece(application).pk)
    assert not mails("piece_refused")


def test_whoever_has_left_the_page_is_told(application):
    piece = refused_piece(application)
    Piece.objects.filter(pk=piece.pk).update(uploaded_at=timezone.now() - timedelta(minutes=6))
    clearing.clear(piece.pk)
    (mail,) = mails("piece_refused")
    assert mail.recipient == application.candidate.email
    letter = build(mail)
    assert "protégé" in letter.text
    assert reverse("applications:piece", args=[application.pk, "cv"]) in letter.text


@pytest.fixture
def filed(application):
    """Filed at the last second, its CV still to be checked."""
    make.complete(application)
    refused_piece(application)
    return make.file_now(application)


def test_filing_does_not_wait_for_the_worker(filed):
    content = filed.dossier.frozen.content
    cv = next(piece for piece in content["pieces"] if piece["key"] == "cv")["files"][0]
    assert cv["sha256"] == filed.dossier.pieces.get(key="cv").sha256
    assert cv["safe_sha256"] == ""
    others = [file for piece in content["pieces"] if piece["key"] != "cv" for file in piece["files"]]
    assert {file["safe_sha256"] for file in others} == {make.safe_pdf().sha256}


def test_a_refusal_after_the_filing_is_told_to_candidate_and_service(filed):
    clearing.clear(filed.dossier.pieces.get(key="cv").pk)
    assert filed.dossier.pieces.get(key="cv").safe_copy.is_refused
    for kind, reader in (("piece_refused", filed.candidate.email), ("piece_refused_for_hr", filed.offer.service_email)):
        (mail,) = mails(kind)
        assert mail.recipient == reader
        letter = build(mail)
        assert "protégé" in letter.text
        assert filed.number in letter.text


def test_the_volume_waits_for_the_last_verdict_and_tells_what_was_refused(filed, monkeypatch):
    render_documents(str(filed.pk))
    kinds = set(Document.objects.values_list("kind", flat=True))
    assert kinds == {"dossier", "receipt"}
    assert documents.waits_for_pieces(filed)
    queued = []
    monkeypatch.setattr(render_documents, "apply_async", lambda args, **options: queued.append(args[0]))
    filed.__class__.objects.filter(pk=filed.pk).update(filed_at=timezone.now() - timedelta(hours=1))
    assert render_missing_documents() == 0  # nothing to do until then
    clearing.clear(filed.dossier.pieces.get(key="cv").pk)
    assert render_missing_documents() == 1
    render_documents(queued[0])
    assert Document.objects.filter(kind="bundle").exists()


def test_others_open_a_file_once_it_is_checked_only(client, filed):
    hr = make.MembershipFactory(institution=filed.offer.institution).user
    client.force_login(hr)
    piece = filed.dossier.pieces.get(key="cv")
    address = reverse("admin:applications_application_piece", args=[filed.pk, piece.pk])
    waiting = client.get(address)
    assert waiting.status_code == 404
    assert "en cours de vérification" in waiting.content.decode()
    clearing.clear(piece.pk)
    refused = client.get(address)
    assert refused.status_code == 404
    assert "n’a pas pu être pris" in refused.content.decode()
    other = filed.dossier.pieces.exclude(pk=piece.pk).first()
    response = client.get(reverse("admin:applications_application_piece", args=[filed.pk, other.pk]))
    assert b"".join(response.streaming_content) == make.safe_pdf().path.read_bytes()


def test_others_get_the_safe_copy_and_its_owner_the_original(client, application):
    piece = add_piece(application.dossier, "cv", upload(corpus.build("script à l’ouverture.pdf")[0], "cv.docx"))
    clearing.clear(piece.pk)
    client.force_login(application.candidate)
    copy = client.get(reverse("applications:copy_file", args=[application.pk, piece.pk]))
    assert b"/JavaScript" not in b"".join(copy.streaming_content)
    assert 'filename="cv.pdf"' in copy["Content-Disposition"]
    original = client.get(reverse("applications:piece_file", args=[application.pk, piece.pk]))
    assert b"/JavaScript" in b"".join(original.streaming_content)


def test_the_antivirus_speaks_first(piece, monkeypatch):
    def found(path):
        assert path.read_bytes() == make.pdf_bytes()
        raise antivirus.Refused("Un virus.")

    monkeypatch.setattr(antivirus, "scan", found)
    clearing.clear(piece.pk)
    assert again(piece).safe_copy.reason == "Un virus."
