"""The data of `make demo`: everything is there, once, and each dossier is at the stage that the README tells."""

import re
from datetime import timedelta
from io import BytesIO, StringIO

import pikepdf
import pypdfium2
import pytest
import time_machine
from django.conf import settings as base
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from applications.models import Application, ApplicationTransition, Receipt, Reminder
from applications.reminders import planner
from applications.tasks import render_documents
from dossiers import clearing
from dossiers.completeness import completeness
from dossiers.models import Annex, AnnexTransition, Piece, SectionAnswers, SignOff
from dossiers.uploads import check
from offers.models import Offer
from portal.accounts.models import Membership, User
from portal.notifications.models import Mail
from tests import factories as make

SHARED_TIME = "assistant-specialiste-temps-partage-normandie"
REGIONAL = "assistant-specialiste-regional-normandie"
PEOPLE = sorted((base.BASE_DIR / "portal/demonstration/people").glob("*.toml"))
COUNTED = (Offer, User, Membership, Application, ApplicationTransition, SectionAnswers, Piece, Annex, AnnexTransition)
COUNTED += (SignOff, Receipt, Mail)


def load() -> str:
    printed = StringIO()
    call_command("demo", stdout=printed)
    return printed.getvalue()


@pytest.fixture
def demo(db, settings) -> str:
    settings.DEMO = True
    return load()


def application(candidate: str, offer: str) -> Application:
    return Application.objects.get(candidate__email=candidate, offer__slug=offer)


def problems_of_the_answers(dossier):
    """What is wrong with the sections that are filled and with the signed annexes, warnings included."""
    sections = [dossier.spec.section_by_key[row.section].clean(row.raw) for row in dossier.answers.all()]
    return [problem for section in sections for problem in section.problems]


@pytest.mark.django_db
def test_known_passwords_stay_out_of_a_real_portal():
    with pytest.raises(CommandError):
        load()
    assert not User.objects.exists()


def test_a_second_run_changes_nothing(demo):
    def picture():
        return [list(model.objects.order_by("pk").values()) for model in COUNTED]

    before = picture()
    assert all(before)
    assert load() == demo
    assert picture() == before


def test_an_interrupted_dossier_is_made_again(db, settings, monkeypatch):
    settings.DEMO = True
    with monkeypatch.context() as patch:
        patch.setattr("applications.answering.sign", interrupt)
        with pytest.raises(KeyboardInterrupt):
            load()
    assert not Application.objects.exists()
    assert not Mail.objects.exists()
    load()
    assert Application.objects.count() == 3


def interrupt(*args):
    raise KeyboardInterrupt


def test_one_dossier_lacks_three_things_that_a_visitor_can_do(demo):
    dossier = application("candidat@example.org", SHARED_TIME).dossier
    state = completeness(dossier)
    assert [step.spec.key for step in state.missing_sections] == ["identity"]
    assert [step.spec.key for step in state.missing_pieces] == ["cv"]
    [annex] = state.missing_annexes
    assert (annex.spec.number, annex.annex) == ("5", None)
    assert problems_of_the_answers(dossier) == []
    assert set(SignOff.objects.filter(annex__dossier=dossier).values_list("opinion", flat=True)) == {
        "favorable",
        "reserved",
    }


def test_every_state_that_the_public_sees_differently_is_shown(demo):
    labels = {offer.state_label for offer in Offer.objects.all()}
    assert labels == {"Publiée", "Programmée", "Suspendue", "Close"}
    assert Offer.objects.awaited().get().published_at < timezone.now() + timedelta(days=8)


def test_the_example_cv_can_be_uploaded():
    cv = base.BASE_DIR / "docs/exemples/cv-exemple.pdf"
    assert check(SimpleUploadedFile(cv.name, cv.read_bytes())) == "application/pdf"
    assert cv.stat().st_size < 60_000


def test_one_dossier_is_with_the_commission_with_its_document(demo):
    filed = application("candidate@example.org", SHARED_TIME)
    assert filed.state == Application.State.ADMISSIBLE
    assert completeness(filed.dossier).is_complete
    assert problems_of_the_answers(filed.dossier) == []
    member = User.objects.get(email="commission@example.org")
    assert filed in Application.objects.readable_by_member(member)

    for piece in filed.dossier.pieces.all():
        clearing.clear(piece.pk)
    render_documents(str(filed.pk))
    documents = {document.kind: document for document in filed.dossier.frozen.documents.all()}
    assert set(documents) == {"dossier", "receipt", "bundle"}
    text = words_of(documents["dossier"].file)
    assert "Sacha Modèle" in text
    assert "120 n’ont pas abouti" in text
    assert "Yaël Fac-Similé" in text


def words_of(file) -> str:
    with file.open("rb") as stream:
        pdf = pypdfium2.PdfDocument(stream.read())
    try:
        return re.sub(r"\s+", " ", "\n".join(page.get_textpage().get_text_bounded() for page in pdf))
    finally:
        pdf.close()


def test_every_annex_is_answered_as_its_form_asks(demo):
    for sign_off in SignOff.objects.select_related("annex__dossier"):
        answer = sign_off.content["answer"]
        assert answer["text"]
        required = [field.name for field in sign_off.annex.spec.fields if not field.is_optional]
        empty = {entry["name"] for entry in answer["entries"] if not entry["display"]}
        assert empty & set(required) <= {"partner_justification"}


def test_reminders_are_due_for_the_offer_about_to_close(demo):
    draft = application("candidate@example.org", REGIONAL)
    assert {annex.key for annex in draft.dossier.annexes.filter(state__in=Annex.WAITING)} == {
        "peripheral_head",
        "coordinator",
    }
    planner.queue_due(make.by_day())
    reminded = Reminder.objects.filter(application=draft).values_list("target", flat=True)
    waiting = draft.dossier.annexes.filter(state__in=Annex.WAITING)
    assert set(reminded) == {f"application:{draft.pk}"} | {f"annex:{annex.pk}" for annex in waiting}


def test_the_pieces_are_real_pdf_files(demo):
    for piece in Piece.objects.all():
        with default_storage.open(piece.file.name) as stored, pikepdf.open(BytesIO(stored.read())) as pdf:
            assert len(pdf.pages) == 1, piece.name


@pytest.mark.parametrize("day", ["2027-03-01", "2027-06-18", "2027-06-19", "2027-08-10", "2027-12-31"])
def test_the_dates_hold_all_year_round(db, settings, tmp_path, day):
    settings.DEMO = True
    folder = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"default": folder}  # an S3 server refuses who lives on another day
    with time_machine.travel(f"{day}T12:00:00+01:00", tick=True):
        load()
        filed = application("candidate@example.org", SHARED_TIME)
        assert filed.state == Application.State.ADMISSIBLE
        for dossier in (filed.dossier, application("candidat@example.org", SHARED_TIME).dossier):
            assert problems_of_the_answers(dossier) == []
            thesis = dossier.spec.section_by_key["training"].clean(dossier.answers.get(section="training").raw)
            assert thesis.values["thesis_date"] < timezone.localdate()


@pytest.mark.parametrize("path", PEOPLE, ids=lambda path: path.stem)
def test_nobody_can_be_reached(path):
    text = path.read_text(encoding="utf-8")
    assert all(address.endswith("@example.org") for address in re.findall(r"[\w.+-]+@[\w.-]+\w", text))
    assert all(phone.startswith("06 39 98") for phone in re.findall(r"\b0\d(?:[ .]\d\d){4}\b", text))
    spoken = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert not re.search(r"\w'\w", spoken)
    assert not re.search(r" [;?!»%]| :(?:\s|$)|« ", spoken)
