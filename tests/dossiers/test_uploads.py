"""What may come in, judged by its content; and that rows and stored objects agree, whatever happens."""

from __future__ import annotations

import hashlib
import io
import zlib
from contextlib import suppress

import pikepdf
import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from storages.backends.s3 import S3Storage

from dossiers import uploads
from dossiers.models import Piece
from dossiers.pdf.inspection import MAX_PAGES
from dossiers.uploads import add_piece, check, remove_piece, safe_name
from tests import factories as make

ONE_FILE, SEVERAL_FILES = "cv", "diplomas"


def upload(content: bytes, name: str = "fichier.pdf", announced: str = "application/pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, announced)


def image(kind: str, size: tuple[int, int] = (20, 20)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size).save(out, kind)
    return out.getvalue()


def encrypted_pdf(user: str = "") -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(out, encryption=pikepdf.Encryption(owner="secret", user=user))
    return out.getvalue()


def image_bomb() -> bytes:
    """A PNG of a few kilobytes that says it is 50 000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (50_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def stored(application=None) -> set[str]:
    folder = f"pieces/{application.dossier_id}" if application else "pieces"
    try:
        return set(default_storage.listdir(folder)[1])
    except FileNotFoundError:
        return set()


# By content, never by name or by what the browser says


@pytest.mark.parametrize("name", ["photo.jpg", "virus.exe", "sans-extension"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (make.pdf_bytes(), "application/pdf"),
        (image("JPEG"), "image/jpeg"),
        (image("PNG"), "image/png"),
    ],
    ids=["pdf", "jpeg", "png"],
)
def test_the_content_gives_the_type(content, expected, name):
    assert check(upload(content, name, "application/x-autre")) == expected


REFUSED = {
    "empty": (b"", "vide"),
    "text": (b"Bonjour.", "n’est pas lisible"),
    "html": (b"<html><script>alert(1)</script></html>", "n’est pas lisible"),
    "gif": (image("GIF"), "n’est pas lisible"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "n’est pas lisible"),
    "program": (b"MZ\x90\x00" * 100, "n’est pas lisible"),
    "zip": (b"PK\x03\x04" + b"\0" * 100, "n’est pas lisible"),
    "word": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "n’est pas lisible"),
    "broken pdf": (b"%PDF-1.7\nrien de plus", "abîmé"),
    "cut pdf": (make.pdf_bytes()[:150], "abîmé"),
    "pdf without page": (make.pdf_bytes(0), "0 pages"),
    "pdf with too many pages": (make.pdf_bytes(MAX_PAGES + 1), f"{MAX_PAGES + 1} pages"),
    "protected pdf": (encrypted_pdf(), "protégé"),
    "pdf with a password": (encrypted_pdf("mot de passe"), "mot de passe"),
    "cut png": (image("PNG")[:60], "n’est pas lisible"),
    "image bomb": (image_bomb(), ""),
}


@pytest.mark.parametrize(("content", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_the_way_out(content, told):
    with pytest.raises(ValidationError) as refusal:
        check(upload(content))
    assert told in refusal.value.messages[0]


def test_the_limit_is_to_the_byte(settings):
    content = make.pdf_bytes()
    settings.UPLOAD_MAX_BYTES = len(content)
    assert check(upload(content)) == "application/pdf"
    settings.UPLOAD_MAX_BYTES = len(content) - 1
    with pytest.raises(ValidationError, match="la limite est de"):
        check(upload(content))


def test_images_have_a_limit_in_pixels(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_PIXELS", 399)
    with pytest.raises(ValidationError, match="trop de pixels"):
        check(upload(image("PNG")))


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 400))
def test_a_damaged_pdf_is_taken_or_refused_but_never_breaks(noise, start, length):
    content = make.pdf_bytes()
    damaged = content[:start] + noise + content[start + length :]
    with suppress(ValidationError):
        assert check(upload(damaged)) in {"application/pdf", "image/jpeg", "image/png"}


# Names


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("cv.pdf", "cv.pdf"),
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\moi\cv.pdf", "cv.pdf"),
        ("e\N{COMBINING ACUTE ACCENT}tat civil.pdf", "état civil.pdf"),
        ("🦷 diplôme.pdf", "🦷 diplôme.pdf"),
        ("cv\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe", "cvfdp.exe"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie x=1.pdf"),
        ("cv\x00.pdf", "cv.pdf"),
        ("...", "fichier"),
        ("/", "fichier"),
        ("", "fichier"),
        (".pdf", "pdf"),
        ("x" * 300 + ".pdf", "x" * 140 + ".pdf"),
    ],
)
def test_names_are_made_harmless(given_name, kept):
    assert safe_name(given_name) == kept


@given(st.text(max_size=400))
def test_a_name_is_never_empty_long_or_a_path(name):
    safe = safe_name(name)
    assert 1 <= len(safe) <= 150
    assert not set(safe) & set('/\\<>:"|?*\r\n\0')
    assert safe == safe.strip(". ")
    assert safe_name(safe) == safe


# Rows and objects


@pytest.fixture
def application(db):
    return make.ApplicationFactory()


def add(application, key=ONE_FILE, name="cv.pdf") -> Piece:
    return add_piece(application.dossier, key, make.pdf_upload(name))


def test_what_is_stored_is_what_came(application):
    piece = add(application, name="../mon cv.pdf")
    with piece.file.open("rb") as file:
        content = file.read()
    assert content == make.pdf_bytes()
    assert (piece.name, piece.size) == ("mon cv.pdf", len(content))
    assert piece.sha256 == hashlib.sha256(content).hexdigest()
    assert "cv" not in piece.file.name  # the key says nothing, and cannot be guessed
    assert len(piece.file.name.rsplit("/", 1)[-1]) >= 32


def test_a_new_file_replaces_the_former_once_it_is_certain(application, django_capture_on_commit_callbacks):
    first = add(application)
    with django_capture_on_commit_callbacks(execute=True):
        second = add(application, name="nouveau.pdf")
        assert default_storage.exists(first.file.name)
    assert list(application.dossier.pieces.all()) == [second]
    assert not default_storage.exists(first.file.name)
    assert default_storage.exists(second.file.name)


def test_a_piece_may_have_several_files(application):
    add(application, SEVERAL_FILES)
    add(application, SEVERAL_FILES)
    assert application.dossier.pieces.filter(key=SEVERAL_FILES).count() == 2


def test_removing_deletes_the_object_after_commit(application, django_capture_on_commit_callbacks):
    piece = add(application)
    name = piece.file.name
    with django_capture_on_commit_callbacks(execute=True):
        remove_piece(piece)
        assert default_storage.exists(name)
    assert not default_storage.exists(name)


def test_a_removal_that_is_rolled_back_keeps_the_object(application):
    piece = add(application)
    with transaction.atomic():
        remove_piece(Piece.objects.get(pk=piece.pk))
        transaction.set_rollback(True)
    assert default_storage.exists(Piece.objects.get(pk=piece.pk).file.name)


def test_a_save_that_fails_leaves_no_object(application, monkeypatch):
    monkeypatch.setattr(Piece, "save", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        add(application)
    assert stored(application) == set()


def test_a_refused_replacement_keeps_the_former(application, monkeypatch):
    piece = add(application)
    with monkeypatch.context() as patch:
        patch.setattr(Piece, "save", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            add(application)
    assert application.dossier.pieces.get() == piece
    assert stored(application) == {piece.file.name.rsplit("/", 1)[-1]}


def test_a_storage_that_is_away_leaves_no_row(application, monkeypatch):
    def away(*args, **kwargs):
        raise OSError("the storage is away")

    monkeypatch.setattr(S3Storage, "_save", away)
    with pytest.raises(OSError, match="away"):
        add(application)
    assert not application.dossier.pieces.exists()


# Through the page


def post(client, application, content: bytes, name: str = "cv.pdf"):
    client.force_login(application.candidate)
    address = reverse("applications:piece", args=[application.pk, ONE_FILE])
    return client.post(address, {"file": upload(content, name)})


@pytest.mark.parametrize("case", ["text", "broken pdf", "empty"])
def test_the_page_tells_what_is_wrong_beside_the_field(client, application, case):
    content, told = REFUSED[case]
    response = post(client, application, content)
    assert response.status_code == 200
    assert response.context["form"].errors["file"]
    assert told in response.content.decode()
    assert not application.dossier.pieces.exists()
    assert stored(application) == set()


def test_a_file_comes_back_under_its_name_and_as_nothing_else(client, application):
    post(client, application, make.pdf_bytes(), "mon « CV » 🦷.pdf")
    piece = application.dossier.pieces.get()
    response = client.get(reverse("applications:piece_file", args=[application.pk, piece.pk]))
    assert b"".join(response.streaming_content) == make.pdf_bytes()
    assert response["Content-Type"] == "application/pdf"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "filename*=utf-8''mon%20" in response["Content-Disposition"]
