"""No stored file without a row for more than a day, and none taken from an upload in progress: on S3 and on disk."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from dossiers import orphans
from dossiers.models import Document
from dossiers.tasks import delete_orphans
from tests import factories as make

pytestmark = pytest.mark.django_db
NOW = timedelta(seconds=-5)  # an age that every file has
AT_ONCE = dict.fromkeys(orphans.KEPT, NOW)


@pytest.fixture(params=["s3", "disk"])
def storage(request, tmp_path, monkeypatch):
    if request.param == "s3":
        return default_storage
    disk = FileSystemStorage(tmp_path)
    monkeypatch.setattr(orphans, "default_storage", disk)
    for field in (orphans.apps.get_model("dossiers", name)._meta.get_field("file") for name in ("Piece", "SafeCopy")):
        monkeypatch.setattr(field, "storage", disk)
    monkeypatch.setattr(orphans.apps.get_model("dossiers", "SafeCopy")._meta.get_field("thumbnail"), "storage", disk)
    return disk


def test_what_no_row_names_is_deleted_and_the_rest_stays(storage):
    application = make.ApplicationFactory()
    make.fill_pieces(application)
    lost = storage.save("pieces/perdu/cle", ContentFile(b"x"))
    assert orphans.delete_orphans(AT_ONCE) >= 1
    assert not storage.exists(lost)
    for piece in application.dossier.pieces.all():
        assert [storage.exists(name) for name in (piece.file.name, *piece.safe_copy.stored)] == [True] * 3


def test_an_upload_in_progress_is_left_alone(storage):
    recent = storage.save("pieces/en-cours/cle", ContentFile(b"x"))
    delete_orphans()
    assert storage.exists(recent)
    storage.delete(recent)


def test_what_is_not_ours_is_left_alone(storage):
    other = storage.save("sauvegardes/base.dump", ContentFile(b"x"))
    orphans.delete_orphans(AT_ONCE)
    assert storage.exists(other)
    storage.delete(other)


def test_documents_are_kept():
    application = make.filed(make.ApplicationFactory())
    document = Document(frozen=application.dossier.frozen, kind="dossier", size=1, sha256="0" * 64)
    document.file.save("", ContentFile(b"x"), save=False)
    document.save()
    orphans.delete_orphans(AT_ONCE)
    assert default_storage.exists(document.file.name)


def test_it_is_done_within_a_day():
    assert timedelta(0) < orphans.UNNAMED <= timedelta(hours=22)  # beat comes every hour


@pytest.mark.parametrize("folder", ["formulaires", "offres"])
def test_what_can_be_printed_again_is_kept_for_a_month(storage, folder):
    printed = storage.save(f"{folder}/empreinte.pdf", ContentFile(b"x"))
    assert orphans.KEPT[f"{folder}/"] == timedelta(days=30)
    orphans.delete_orphans(orphans.KEPT | {"pieces/": NOW})
    assert storage.exists(printed)
    orphans.delete_orphans({f"{folder}/": NOW})
    assert not storage.exists(printed)
