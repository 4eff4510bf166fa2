"""From one dossier to another: reopened, taken over, taken away. What was filed stays filed throughout."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from datetime import timedelta

import pytest
from django.core.files import File
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from applications import lifecycle, papers, reopening, verification, zip_stream
from applications.models import Application
from dossiers import clearing, paper
from dossiers.answers import save_answers
from dossiers.carrying import answers_to_take, take_answers
from dossiers.models import Annex, Document, Piece, SignOff
from dossiers.uploads import add_piece, remove_piece
from offers.models import Offer
from portal.notifications.models import Mail
from portal.notifications.outbox import build
from portal.workflow import TransitionRefused
from tests import factories as make
from tests.answers import filled_answers
from tests.applications.test_late_signatures import filed_without

pytestmark = pytest.mark.django_db


@pytest.fixture
def filed():
    return make.filed(make.ApplicationFactory())


@pytest.fixture
def reopened(filed):
    return reopening.reopen(filed)


def address(application, page):
    return reverse(f"applications:{page}", args=[application.pk])


def content(piece) -> bytes:
    with piece.file.open("rb") as file:
        return file.read()


def test_a_reopened_dossier_holds_all_that_was_filed(filed, reopened):
    assert reopened.is_draft
    assert {row.section: row.raw for row in reopened.dossier.answers.all()} == filled_answers(filed.dossier.spec)
    former, copied = filed.dossier.pieces.get(key="cv"), reopened.dossier.pieces.get(key="cv")
    assert (copied.sha256, copied.name, copied.uploaded_at) == (former.sha256, former.name, former.uploaded_at)
    assert content(copied) == content(former) == make.pdf_bytes()
    [annex] = reopened.dossier.annexes.all()
    assert annex.state == Annex.State.SIGNED
    assert annex.sign_off.reference == filed.dossier.annexes.get().sign_off.reference
    assert annex.sign_off.sha256 == filed.dossier.annexes.get().sign_off.sha256


def test_the_filed_dossier_stands_until_the_new_one_is_filed(filed, reopened):
    filed.refresh_from_db()
    assert filed.state == Application.State.FILED
    frozen = filed.dossier.frozen.sha256
    save_answers(reopened.dossier, "needs", {"needs": "Autrement."})
    new = make.file_now(reopened)
    filed.refresh_from_db()
    assert (filed.state, new.state) == (Application.State.SUPERSEDED, Application.State.FILED)
    assert new.number in filed.transitions.last().reason
    filed.dossier.frozen.refresh_from_db()
    assert filed.dossier.frozen.sha256 == frozen
    assert filed.receipt.number != new.receipt.number
    Document.objects.create(frozen=filed.dossier.frozen, kind=Document.Kind.DOSSIER, size=1, sha256="0" * 64)
    assert verification.of_fingerprint("0" * 64).superseded_at == new.filed_at
    letter = build(Mail.objects.get(kind="filed_for_hr", payload__application=str(new.pk)))
    assert f"Remplace le dossier\N{NO-BREAK SPACE}: {filed.number}" in letter.text


def test_reopening_twice_makes_one_draft(filed, reopened):
    assert reopening.reopen(filed) == reopened
    assert Application.objects.count() == 2


def test_the_database_holds_one_replacement_at_a_time(filed, reopened):
    with pytest.raises(IntegrityError), transaction.atomic():
        make.ApplicationFactory(offer=filed.offer, candidate=filed.candidate, replaces=filed)
    with pytest.raises(IntegrityError), transaction.atomic():
        make.ApplicationFactory(offer=filed.offer, candidate=filed.candidate)


def test_a_draft_given_up_changes_nothing_and_another_can_be_begun(filed, reopened):
    lifecycle.WORKFLOW.run(reopened, "withdraw", actor=filed.candidate)
    filed.refresh_from_db()
    assert filed.state == Application.State.FILED
    assert reopening.reopen(filed) != reopened


def test_a_new_dossier_may_be_reopened_in_turn(filed, reopened):
    second = make.file_now(reopened)
    third = make.file_now(reopening.reopen(second))
    states = dict(Application.objects.values_list("number", "state"))
    assert states == {filed.number: "superseded", second.number: "superseded", third.number: "filed"}
    assert SignOff.objects.filter(carried_from=None).count() == 1


def test_after_the_deadline_what_is_filed_no_longer_changes(filed, client):
    Offer.objects.filter(pk=filed.offer_id).update(deadline=timezone.now() - timedelta(seconds=1))
    filed.offer.refresh_from_db()
    with pytest.raises(TransitionRefused, match="n’accepte plus de dépôt"):
        reopening.reopen(filed)
    client.force_login(filed.candidate)
    assert "Rouvrir mon dossier" not in client.get(filed.get_absolute_url()).content.decode()


def test_a_dossier_that_was_admitted_meanwhile_is_not_replaced(filed, reopened):
    make.admit(filed, make.MembershipFactory(institution=filed.offer.institution).user)
    with pytest.raises(TransitionRefused, match="ne peut plus être remplacé"):
        make.file_now(reopened)
    filed.refresh_from_db()
    assert filed.state == Application.State.ADMISSIBLE
    with pytest.raises(TransitionRefused):
        reopening.reopen(filed)


def test_a_file_shared_by_two_dossiers_outlives_either(filed, reopened, django_capture_on_commit_callbacks):
    copied = reopened.dossier.pieces.get(key="cv")
    with django_capture_on_commit_callbacks(execute=True):
        remove_piece(copied)
    former = filed.dossier.pieces.get(key="cv")
    assert content(former) == make.pdf_bytes()
    draft = make.ApplicationFactory()
    make.fill_pieces(draft)
    alone = draft.dossier.pieces.get(key="cv")
    storage, name = alone.file.storage, alone.file.name
    with django_capture_on_commit_callbacks(execute=True):
        remove_piece(alone)
    assert not storage.exists(name)
    assert not Piece.objects.filter(file=name).exists()


def test_what_the_signatory_read_and_the_candidate_changes_is_told(filed, reopened, client):
    client.force_login(filed.candidate)
    raw = reopened.dossier.answers.get(section="function").raw
    save_answers(reopened.dossier, "function", raw | {"hospital_share": 30, "ambulatory_share": 70})
    assert "ont changé depuis sa signature" in client.get(address(reopened, "recap")).content.decode()


def test_reopening_from_the_page(filed, client):
    client.force_login(filed.candidate)
    assert "Rouvrir mon dossier" in client.get(filed.get_absolute_url()).content.decode()
    response = client.post(address(filed, "reopen"), follow=True)
    page = response.content.decode()
    assert "c’est le dossier déjà déposé qui compte" in page
    assert "Vous préparez" in client.get(filed.get_absolute_url()).content.decode()


# Taking answers over


def other_dossier(filed, **offer) -> Application:
    offer = make.OfferFactory(**{"parameters": {}} | offer)
    return make.ApplicationFactory(candidate=filed.candidate, offer=offer)


def test_answers_are_taken_over_by_name_between_kinds(filed):
    new = other_dossier(filed, kind="assistant-specialiste-regional")
    names = {offered.field.name for offered in answers_to_take(new.dossier, filed.dossier)}
    assert {"full_name", "phone", "specialty", "internships", "des", "thesis_defended", "life_project"} <= names
    assert not names & {"consent", "signature", "signed_on", "signature_given"}
    assert take_answers(new.dossier, filed.dossier, names - {"phone"}) == len(names) - 1
    identity = new.dossier.answers.get(section="identity").raw
    assert identity["full_name"] == "Camille Exemple"
    assert "phone" not in identity


def test_what_is_typed_here_is_never_replaced(filed):
    new = other_dossier(filed)
    save_answers(new.dossier, "identity", {"full_name": "Autrement"})
    take_answers(new.dossier, filed.dossier, {"full_name", "phone"})
    raw = new.dossier.answers.get(section="identity").raw
    assert (raw["full_name"], raw["phone"]) == ("Autrement", "06 39 98 00 01")


def test_what_the_question_refuses_here_is_not_offered(filed):
    new = other_dossier(filed, parameters={"subdivisions": "Brest"})
    names = {offered.field.name for offered in answers_to_take(new.dossier, filed.dossier)}
    assert "subdivision" not in names


def test_taking_over_from_the_page(filed, client):
    new = other_dossier(filed)
    client.force_login(filed.candidate)
    page = client.get(address(new, "take_over")).content.decode()
    assert "Camille Exemple" in page
    client.post(address(new, "take_over"), {"depuis": str(filed.pk), "answers": ["full_name"]})
    assert new.dossier.answers.get().raw == {"full_name": "Camille Exemple"}


def test_nobody_takes_over_from_a_stranger(filed, client):
    mine = make.ApplicationFactory()
    client.force_login(mine.candidate)
    page = client.get(address(mine, "take_over") + f"?depuis={filed.pk}").content.decode()
    assert "06 39 98 00 01" not in page
    client.post(address(mine, "take_over"), {"depuis": str(filed.pk), "answers": ["full_name"]})
    assert not mine.dossier.answers.exists()


def test_applying_elsewhere_leads_to_the_answers(filed, client):
    other = make.OfferFactory(title="Une autre offre", parameters={})
    client.force_login(filed.candidate)
    page = client.get(address(filed, "elsewhere")).content.decode()
    assert "Une autre offre" in page
    assert filed.offer.title not in page.split("portal-steps")[1]
    start = reverse("applications:start", args=[other.slug]) + f"?depuis={filed.pk}"
    response = client.post(start, make.start_form(other))
    assert response.url.endswith(f"/reprendre/?depuis={filed.pk}")


# Taking all away


def test_a_sheet_signed_by_hand_is_in_the_archive(client):
    application = make.ApplicationFactory()
    annex = make.named_annex(application)
    papers.sign_on_paper(
        annex,
        dict.fromkeys(("signatory_name", "signatory_function", "signatory_institution"), "Direction"),
        opinion="favorable",
        signed_on=timezone.localdate(),
        upload=make.pdf_upload("feuille.pdf"),
        actor=application.candidate,
    )
    client.force_login(application.candidate)
    response = client.get(address(application, "download"))
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as zipped:
        path = f"annexes/{annex.key}/01-feuille.pdf"
        assert zipped.read(path) == make.pdf_bytes()
        assert f'href="{path}"' in zipped.read("dossier.html").decode()


def archived(client, application) -> zipfile.ZipFile:
    client.force_login(application.candidate)
    return zipfile.ZipFile(io.BytesIO(client.get(address(application, "download")).getvalue()))


def test_scans_that_wait_refused_files_and_what_is_no_longer_asked_are_in_the_archive(client):
    application = make.ApplicationFactory()
    save_answers(application.dossier, "identity", {"full_name": "Camille", "gone": "saisi ainsi"})
    paper.add_scan(application.dossier, make.pdf_upload("perdu.pdf"))
    refused = add_piece(application.dossier, "cv", make.pdf_upload("piege.pdf"))
    clearing.refuse(refused.safe_copy, "Ce fichier est protégé par un mot de passe.")
    Piece.objects.create(dossier=application.dossier, key="autrefois", name="vieux.pdf", size=1, file="x", sha256="0")
    Piece.objects.filter(key="autrefois").update(file=refused.file.name)
    clearing.expect(Piece.objects.select_related(None).get(key="autrefois"))
    with archived(client, application) as zipped:
        names, page = zipped.namelist(), zipped.read("dossier.html").decode()
        assert zipped.read("annexes/sans-annexe/01-perdu.pdf") == make.pdf_bytes()
        assert json.loads(zipped.read("reponses-saisies.json"))["identity"]["gone"] == "saisi ainsi"
    assert "pieces/autres/01-vieux.pdf" in names
    assert not any("piege" in name for name in names)
    for told in ("piege.pdf", "protégé par un mot de passe", 'href="annexes/sans-annexe/01-perdu.pdf"', "vieux.pdf"):
        assert told in page


def test_an_opinion_that_came_after_the_filing_is_in_the_archive(client):
    application, annex = filed_without()
    make.sign(annex, "Un avis venu ensuite.")
    with archived(client, application) as zipped:
        page = zipped.read("dossier.html").decode()
        [late] = json.loads(zipped.read("avis-apres-le-depot.json"))
        assert not json.loads(zipped.read("dossier.json"))["annexes"][0]["signed"]  # what was filed
    assert late["text"] == "Un avis venu ensuite."
    assert "Reçue après le dépôt" in page
    assert "Un avis venu ensuite." in page


def test_an_archive_takes_a_few_megabytes_of_memory_however_large_it_is(tmp_path):
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    tracemalloc.start()
    sent = 0
    for part in zip_stream.stream([("a", b"x"), *((name, File(large.open("rb"))) for name in ("b", "c"))]):
        sent += len(part)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent > 400 * 1024 * 1024
    assert peak < 10 * 1024 * 1024


@pytest.mark.parametrize("is_filed", [True, False])
def test_everything_given_is_in_one_archive(filed, reopened, client, is_filed):
    application = filed if is_filed else reopened
    client.force_login(filed.candidate)
    response = client.get(address(application, "download"))
    assert response.headers["Cache-Control"] == "private, no-store"
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as zipped:
        assert zipped.testzip() is None
        names = zipped.namelist()
        assert {"dossier.html", "dossier.json", "pieces/cv/01-cv.pdf"} <= set(names)
        assert zipped.read("pieces/cv/01-cv.pdf") == make.pdf_bytes()
        content = json.loads(zipped.read("dossier.json"))
        page = zipped.read("dossier.html").decode()
    assert content["annexes"][0]["signed"]
    assert "Avis motivé." in page
    assert 'href="pieces/cv/01-cv.pdf"' in page


def test_withdrawing_a_reopened_draft_leaves_the_filed_opinion_alone(filed, reopened):
    lifecycle.WORKFLOW.run(reopened, "withdraw", actor=reopened.candidate)
    assert not Mail.objects.filter(kind="request_dropped").exists()
    lifecycle.WORKFLOW.run(filed, "withdraw", actor=filed.candidate)
    assert Mail.objects.filter(kind="request_dropped").count() == 1


def test_offers_elsewhere_are_shown_by_pages_those_of_the_same_kind_first(filed, client):
    make.OfferFactory.create_batch(30, kind="mission-cooperation", parameters={}, title="Autre type")
    same = make.OfferFactory.create_batch(2, kind=filed.offer.kind, title="Z, le même type")
    client.force_login(filed.candidate)
    page = address(filed, "elsewhere")
    with CaptureQueriesContext(connection) as captured:
        first = client.get(page)
    [listed] = [query["sql"] for query in captured if "ORDER BY CASE" in query["sql"]]
    assert '"body"' not in listed
    assert {offer.pk for offer in list(first.context["page"])[:2]} == {offer.pk for offer in same}
    shown = [offer.pk for number in (1, 2) for offer in client.get(page, {"page": number}).context["page"]]
    assert len(shown) == len(set(shown)) == 32
    assert len(first.context["page"]) < 32
