"""What may come in, judged by its content; and that rows and stored objects agree, whatever happens."""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress

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

from dossiers import clearing
from dossiers.models import Piece, SafeCopy
from dossiers.pdf.safe import formats
from dossiers.uploads import add_piece, add_pieces, check, remove_piece, safe_name
from tests import factories as make
from tests.dossiers import corpus

ONE_FILE, SEVERAL_FILES = "cv", "diplomas"


def upload(content: bytes, name: str = "fichier.pdf", announced: str = "application/pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, announced)


def image(kind: str, size: tuple[int, int] = (20, 20)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size).save(out, kind)
    return out.getvalue()


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
        (make.pdf_bytes(), formats.PDF),
        (image("JPEG"), formats.JPEG),
        (image("PNG"), formats.PNG),
        (corpus.HEIC.read_bytes(), formats.HEIC),
        (corpus.docx(), formats.DOCX),
        (corpus.odt(), formats.ODT),
    ],
    ids=["pdf", "jpeg", "png", "heic", "docx", "odt"],
)
def test_the_content_gives_the_type(content, expected, name):
    assert check(upload(content, name, "application/x-autre")) == expected


REFUSED = {
    "empty": (b"", "vide"),
    "text": (b"Bonjour.", "n’est pas lisible"),
    "html": (b"<html><script>alert(1)</script></html>", "n’est pas lisible"),
    "program": (b"MZ\x90\x00" * 100, "programme"),
    "old word": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "ancienne version"),
    "archive": (corpus.archive({"cv.pdf": b"x"}), "archive"),
    "huge document": (corpus.lying(corpus.docx(), 300 * 1024**2), "trop de place"),
}


@pytest.mark.parametrize(("content", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_taken_is_refused_at_once_with_the_way_out(content, told):
    with pytest.raises(ValidationError) as refusal:
        check(upload(content))
    assert told in refusal.value.messages[0]


def test_the_request_opens_nothing(monkeypatch):
    """Whatever a PDF or a picture holds is left to the worker's child."""
    for library in ("pikepdf.open", "PIL.Image.open", "pypdfium2.PdfDocument"):
        monkeypatch.setattr(library, lambda *args, **options: pytest.fail("opened in a request"))
    assert check(upload(b"%PDF-1.7\nrien de plus")) == formats.PDF
    assert check(upload(b"\xff\xd8\xff\xe0rien")) == formats.JPEG


def test_the_limit_is_to_the_byte(settings):
    content = make.pdf_bytes()
    settings.UPLOAD_MAX_BYTES = len(content)
    assert check(upload(content)) == "application/pdf"
    settings.UPLOAD_MAX_BYTES = len(content) - 1
    with pytest.raises(ValidationError, match="la limite est de"):
        check(upload(content))


@given(st.sampled_from([make.pdf_bytes(), corpus.docx(), corpus.odt()]), st.binary(max_size=200), st.integers(0, 900))
def test_a_damaged_file_is_taken_or_refused_but_never_breaks(content, noise, start):
    with suppress(ValidationError):
        check(upload(content[:start] + noise + content[start + len(noise) :]))


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
    add(application, SEVERAL_FILES, "un.pdf")
    add(application, SEVERAL_FILES, "deux.pdf")
    assert application.dossier.pieces.filter(key=SEVERAL_FILES).count() == 2


def test_the_same_file_sent_again_is_taken_once(application):
    """As after a connection lost before the answer came."""
    assert add(application, SEVERAL_FILES) == add(application, SEVERAL_FILES)
    assert application.dossier.pieces.count() == len(stored(application)) == 1


def test_a_refused_file_sent_again_is_judged_again_and_takes_the_place_of_the_former(application):
    refused, other = add(application, SEVERAL_FILES), add(application, SEVERAL_FILES, "autre.pdf")
    clearing.refuse(refused.safe_copy, "Abîmé.")
    again = add(application, SEVERAL_FILES)
    assert again != refused
    assert set(application.dossier.pieces.all()) == {other, again}


def test_one_file_among_several_is_replaced(application):
    former, kept = add(application, SEVERAL_FILES, "un.pdf"), add(application, SEVERAL_FILES, "deux.pdf")
    new = add_piece(application.dossier, SEVERAL_FILES, make.pdf_upload("trois.pdf"), replaces=former)
    assert set(application.dossier.pieces.all()) == {kept, new}


def test_a_piece_has_no_more_files_than_it_may(application):
    limit = application.dossier.spec.piece_by_key[SEVERAL_FILES].max_files
    files = [make.pdf_upload(f"{number}.pdf") for number in range(limit + 1)]
    taken, refusals = add_pieces(application.dossier, SEVERAL_FILES, files)
    assert len(taken) == limit
    assert refusals == {f"{limit}.pdf": f"Cette pièce a déjà {limit} fichiers. Retirez-en un d’abord."}
    assert len(stored(application)) == limit
    full = add_piece(application.dossier, SEVERAL_FILES, make.pdf_upload("autre.pdf"), replaces=taken[0])
    assert application.dossier.pieces.filter(pk=full.pk).exists()


def test_removing_deletes_the_object_after_commit(application, django_capture_on_commit_callbacks):
    piece = add(application)
    name = piece.file.name
    make.cleared(piece)
    copies = SafeCopy.objects.get(pk=piece.pk).stored
    with django_capture_on_commit_callbacks(execute=True):
        remove_piece(piece)
        assert default_storage.exists(name)
    assert not [kept for kept in (name, *copies) if default_storage.exists(kept)]
    assert len(copies) == 2


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
            add(application, name="nouveau.pdf")
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


def plain(response) -> str:
    return response.content.decode().replace("\N{NO-BREAK SPACE}", " ")


def post(client, application, content: bytes, name: str = "cv.pdf"):
    client.force_login(application.candidate)
    address = reverse("applications:piece", args=[application.pk, ONE_FILE])
    return client.post(address, {"file": upload(content, name)})


@pytest.mark.parametrize("case", ["text", "program", "empty"])
def test_the_page_tells_what_is_wrong_beside_the_field(client, application, case):
    content, told = REFUSED[case]
    response = post(client, application, content)
    assert response.status_code == 200
    assert told in response.context["form"].errors["file"][0]
    assert told in response.content.decode()
    assert not application.dossier.pieces.exists()
    assert stored(application) == set()


def test_several_files_are_sent_at_once_and_each_is_told(client, application):
    client.force_login(application.candidate)
    address = reverse("applications:piece", args=[application.pk, SEVERAL_FILES])
    files = [upload(make.pdf_bytes(), "un.pdf"), upload(b"Bonjour.", "deux.pdf"), upload(make.pdf_bytes(), "trois.pdf")]
    page = plain(client.post(address, {"file": files}))
    assert {piece.name for piece in application.dossier.pieces.all()} == {"un.pdf", "trois.pdf"}
    assert "« un.pdf », « trois.pdf » sont reçus" in page
    assert "« deux.pdf » : Ce fichier n’est pas lisible." in page


def test_the_script_of_the_page_is_answered_in_json(client, application):
    client.force_login(application.candidate)
    address = reverse("applications:piece", args=[application.pk, ONE_FILE])
    for content, taken, refused in ((make.pdf_bytes(), ["cv.pdf"], False), (b"Bonjour.", [], True), (None, [], True)):
        sent = {"file": upload(content, "cv.pdf")} if content else {}
        answer = client.post(address, sent, headers={"accept": "application/json"}).json()
        assert (answer["taken"], bool(answer["refusals"])) == (taken, refused)


def test_one_file_is_replaced_from_the_page(client, application):
    former, kept = add(application, SEVERAL_FILES, "un.pdf"), add(application, SEVERAL_FILES, "deux.pdf")
    client.force_login(application.candidate)
    address = reverse("applications:piece", args=[application.pk, SEVERAL_FILES])
    page = plain(client.get(address, {"remplacer": former.pk}))
    assert "Remplacer « un.pdf »" in page
    client.post(address, {"file": make.pdf_upload("trois.pdf"), "remplacer": former.pk})
    assert {piece.name for piece in application.dossier.pieces.all()} == {kept.name, "trois.pdf"}
    assert client.get(address, {"remplacer": "rien"}).status_code == 200


def test_the_page_tells_the_state_of_each_file(client, application):
    pieces = [add(application, SEVERAL_FILES, f"{number}.pdf") for number in range(3)]
    make.cleared(pieces[0])
    clearing.refuse(pieces[1].safe_copy, "Ce PDF est protégé. Enregistrez-en une copie.")
    client.force_login(application.candidate)
    for name in ("piece", "piece_files"):
        page = client.get(reverse(f"applications:{name}", args=[application.pk, SEVERAL_FILES])).content.decode()
        assert [word in page for word in ("Vérifié", "Refusé", "Vérification en cours")] == [True] * 3
        assert "Ce PDF est protégé." in page
        assert page.count("apercu.jpg") == 1


def test_a_file_comes_back_to_its_owner_as_it_came(client, application):
    post(client, application, make.pdf_bytes(), "mon « CV » 🦷.pdf")
    piece = application.dossier.pieces.get()
    response = client.get(reverse("applications:piece_file", args=[application.pk, piece.pk]))
    assert b"".join(response.streaming_content) == make.pdf_bytes()
    assert response["Content-Type"] == "application/pdf"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "filename*=utf-8''mon%20" in response["Content-Disposition"]


def test_what_a_browser_does_not_show_is_downloaded(client, application):
    post(client, application, corpus.docx(), "cv.docx")
    piece = application.dossier.pieces.get()
    response = client.get(reverse("applications:piece_file", args=[application.pk, piece.pk]))
    response.close()
    assert response["Content-Disposition"].startswith("attachment")
