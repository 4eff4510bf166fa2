"""Verifying a document in a browser: with JavaScript the file never leaves the computer; without, it is sent."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from applications import documents
from dossiers.models import Document
from tests import factories as make

pytestmark = pytest.mark.e2e


@pytest.fixture
def receipt(transactional_db) -> Document:
    return documents.obtain(make.filed(make.ApplicationFactory()), Document.Kind.RECEIPT)


def choose(page: Page, content: bytes) -> None:
    page.locator("[name=file]").set_input_files(
        {"name": "accuse.pdf", "mimeType": "application/pdf", "buffer": content}
    )
    page.get_by_role("button", name="Vérifier").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_document_is_verified(visitor, receipt, scripts):
    with receipt.file.open("rb") as file:
        pdf = file.read()
    page = visitor(java_script_enabled=scripts)
    sent: list[bytes] = []
    page.on(
        "request", lambda request: sent.append(request.post_data_buffer or b"") if request.method == "POST" else None
    )
    page.goto("/verifier/")
    choose(page, pdf)
    expect(page.get_by_role("heading", name="Authentique", exact=True)).to_be_visible()
    choose(page, pdf[:-1] + b"!")
    expect(page.get_by_role("heading", name="Inconnu ou modifié")).to_be_visible()
    assert len(sent) == 2
    assert any(b"%PDF-" in body for body in sent) != scripts
    page.goto(f"/verifier/?reference={receipt.reference}")
    expect(page.get_by_role("heading", name="Un document de cette référence existe")).to_be_visible()
