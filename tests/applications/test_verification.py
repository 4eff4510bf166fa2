"""The public page of verification: each byte counts, and nothing is told but what it is asked."""

from __future__ import annotations

import hashlib
import io
import re

import pikepdf
import pypdfium2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from applications import documents, lifecycle, verification
from dossiers.models import Document, new_reference
from tests import factories as make

pytestmark = pytest.mark.django_db

PAGE = "/verifier/"


@pytest.fixture
def application():
    return make.filed(make.ApplicationFactory())


@pytest.fixture
def receipt(application) -> Document:
    return documents.obtain(application, Document.Kind.RECEIPT)


@pytest.fixture
def pdf(receipt) -> bytes:
    with receipt.file.open("rb") as file:
        return file.read()


def answer_to(client, **posted) -> str:
    response = client.post(PAGE, posted)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode().replace("\N{NO-BREAK SPACE}", " "))


def upload(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("document.pdf", content, "application/pdf")


def test_a_document_of_the_portal_is_authentic_uploaded_or_by_its_fingerprint(client, application, receipt, pdf):
    for posted in ({"file": upload(pdf)}, {"sha256": receipt.sha256}):
        answer = answer_to(client, **posted)
        assert ">Authentique<" in answer
        assert "Accusé de réception établi par ce portail le" in answer
        for private in (
            application.number,
            application.offer.title,
            application.candidate.last_name,
            receipt.reference,
        ):
            assert private not in answer


def test_a_byte_flipped_anywhere_is_detected(client, pdf):
    for position in [0, *range(1, len(pdf), len(pdf) // 150), len(pdf) - 1]:
        changed = bytearray(pdf)
        changed[position] ^= 1
        assert verification_of(changed) is None, position
    assert verification_of(pdf)
    assert "Inconnu ou modifié" in answer_to(client, file=upload(bytes(changed)))
    assert "Inconnu ou modifié" in answer_to(client, file=upload(pdf[:-1]))
    assert "Inconnu ou modifié" in answer_to(client, file=upload(pdf + b"\n"))


def verification_of(content: bytes):
    return verification.of_fingerprint(hashlib.sha256(content).hexdigest())


def test_a_dossier_filed_again_replaces_the_first(client, application, receipt):
    lifecycle.WORKFLOW.run(application, "withdraw", actor=application.candidate)
    assert ">Authentique<" in answer_to(client, sha256=receipt.sha256)
    again = make.complete(make.ApplicationFactory(offer=application.offer, candidate=application.candidate))
    again = make.file_now(again)
    newer = documents.obtain(again, Document.Kind.RECEIPT)
    answer = answer_to(client, sha256=receipt.sha256)
    assert "Authentique, mais remplacé" in answer
    assert timezone.localtime(again.filed_at).strftime("depuis le %-d ") in answer
    assert ">Authentique<" in answer_to(client, sha256=newer.sha256)


def test_others_applying_to_the_same_offer_replace_nothing(client, application, receipt):
    make.filed(make.ApplicationFactory(offer=application.offer))
    assert ">Authentique<" in answer_to(client, sha256=receipt.sha256)


@pytest.mark.parametrize("posted", [{}, {"sha256": "xyz"}, {"sha256": "A" * 64}, {"file": b""}])
def test_nothing_to_verify_is_said(client, posted):
    if "file" in posted:
        posted = {"file": upload(b"")}
    answer = answer_to(client, **posted)
    assert "Authentique" not in answer
    assert "fr-error-text" in answer or "fr-message--error" in answer


def test_the_code_on_paper_leads_to_the_page_and_tells_kind_and_date_alone(client, application, settings):
    for kind in documents.due(application):
        document, words = documents.obtain(application, kind), kind.label
        address = verification.page_address(document.reference)
        assert address == f"{settings.SITE_URL}{PAGE}?reference={document.reference}"
        with document.file.open("rb") as file:
            content = file.read()
        spaced = "-".join(re.findall("....", document.reference))
        assert spaced in first_page(content)
        assert "QR code" in alternatives(content)
        for written in (document.reference, spaced.lower(), spaced.replace("0", "O").replace("1", "l")):
            page = client.get(PAGE, {"reference": written}).content.decode()
            assert "Un document de cette référence existe" in page
            assert f"<p>{words}, établi le" in page
            assert ">Authentique<" not in page
            assert application.number not in page
            assert application.offer.title not in page


def first_page(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return document[0].get_textpage().get_text_bounded()
    finally:
        document.close()


def alternatives(pdf: bytes) -> str:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return " ".join(
            str(item["/Alt"]) for item in document.objects if isinstance(item, pikepdf.Dictionary) and "/Alt" in item
        )


@pytest.mark.parametrize("reference", ["0000000000000000", "x", "'; --", "é" * 300, "\x00"])
def test_an_unknown_reference_is_said(client, reference):
    page = client.get(PAGE, {"reference": reference})
    assert page.status_code == 200
    assert "Référence inconnue" in page.content.decode() or not reference.strip("\x00")


def test_references_say_nothing_and_are_never_the_same():
    references = {new_reference() for _ in range(500)}
    assert len(references) == 500
    assert all(re.fullmatch("[0-9A-HJKMNP-TV-Z]{16}|[0-9A-Z]{16}", reference) for reference in references)


def test_the_page_is_not_kept_and_not_indexed(client):
    response = client.get(reverse("verify"))
    assert "no-store" in response["Cache-Control"]
    assert b'content="noindex"' in response.content


def test_the_page_asks_the_database_once(client, receipt, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get(PAGE)
    with django_assert_num_queries(2):
        client.post(PAGE, {"sha256": receipt.sha256})
