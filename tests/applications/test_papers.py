"""Annexes on paper: printed with their code, scanned, found again, and equal to the others."""

from __future__ import annotations

import io
from datetime import timedelta

import pypdfium2
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from applications import answering, lifecycle, papers, reopening, tasks
from dossiers import clearing, paper, signing
from dossiers.completeness import completeness
from dossiers.models import Annex, Dossier, FormerLink, Piece, SignOff
from dossiers.pdf.codes import read_codes
from portal.notifications.models import Mail
from portal.workflow import TransitionRefused
from tests import factories as make

pytestmark = pytest.mark.django_db
TWO = {"annexes": ["hospital_director", "hospital_head"]}


@pytest.fixture
def application():
    return make.ApplicationFactory(offer=make.OfferFactory(parameters=TWO))


def photo_of(pdf: bytes, angle: float = 4) -> SimpleUploadedFile:
    """As a phone takes it: a picture, a little askew, compressed."""
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=2).to_pil().convert("RGB")
    page = page.rotate(angle, expand=True, fillcolor="white")
    out = io.BytesIO()
    page.save(out, "JPEG", quality=60)
    return SimpleUploadedFile("photo.jpg", out.getvalue(), "image/jpeg")


def paper_form(**changes) -> dict:
    fields = {
        "signatory_name": "Direction de l’hôpital",
        "signatory_function": "Directeur",
        "signatory_institution": "Hôpital d’exemple",
        "opinion": "favorable",
        "signed_on": timezone.localdate().isoformat(),
        "file": make.pdf_upload("signee.pdf"),
    }
    return {f"papier-{name}": value for name, value in (fields | changes).items()}


def page(application, key: str = "hospital_director") -> str:
    return reverse("applications:annex_paper", args=[application.pk, key])


def annex_of(application, key: str = "hospital_director") -> Annex:
    return Annex.objects.get(dossier=application.dossier, key=key)


def printed_sheet(application, key: str) -> bytes:
    annex, _ = Annex.objects.get_or_create(dossier=application.dossier, key=key)
    return papers.printed(annex)


def test_the_sheet_is_made_by_a_worker_and_waited_for(
    client, application, monkeypatch, django_capture_on_commit_callbacks
):
    asked: list = []
    monkeypatch.setattr(tasks.print_annex, "apply_async", lambda args, **options: asked.append(args))
    client.force_login(application.candidate)
    address = reverse("applications:annex_printed", args=[application.pk, "hospital_director"])
    with monkeypatch.context() as web, django_capture_on_commit_callbacks(execute=True):
        web.setattr("dossiers.pdf.render.write_pdf", None)  # no request renders
        for _ in range(2):
            response = client.get(address)
            assert (response.status_code, response["Cache-Control"]) == (202, "no-store")
        assert "<html" not in client.get(address, headers={"HX-Request": "true"}).content.decode()
    annex = annex_of(application)
    assert asked == [[str(annex.pk)]]
    tasks.print_annex(str(annex.pk))
    assert client.get(address, headers={"HX-Request": "true"})["HX-Redirect"] == address
    response = client.get(address)
    assert response.content.startswith(b"%PDF-")
    assert response["Cache-Control"] == "private, no-store"
    make.fill_sections(application)  # what is printed on it has changed
    assert client.get(address).status_code == 202


def test_a_sheet_that_failed_is_asked_for_again_by_hand(client, application, monkeypatch):
    client.force_login(application.candidate)
    address = reverse("applications:annex_printed", args=[application.pk, "hospital_director"])
    client.get(address)
    with monkeypatch.context() as broken:
        broken.setattr("dossiers.pdf.render.render_annex", None)
        with pytest.raises(TypeError):
            tasks.print_annex(str(annex_of(application).pk))
    assert "demandez-le de nouveau" in client.get(address).content.decode()
    assert "se prépare" in client.get(address + "?encore=1").content.decode()


def test_a_photo_of_what_was_printed_finds_its_annex(application):
    make.fill_sections(application)
    printed = printed_sheet(application, "hospital_head")
    for key in TWO["annexes"]:
        make.named_annex(application, key)
    piece = paper.add_scan(application.dossier, photo_of(printed))
    assert piece.key == paper.LOOSE
    clearing.clear(piece.pk)
    assert papers.recognise(str(piece.pk)) == annex_of(application, "hospital_head")
    piece.refresh_from_db()
    assert piece.key == paper.scan_key("hospital_head")


def test_the_code_says_nothing_of_the_person(application):
    printed = printed_sheet(application, "hospital_director")
    [code] = read_codes(io.BytesIO(printed))
    assert application.candidate.last_name not in code
    assert paper.annex_of_codes(application.dossier_id, [code]) == annex_of(application)


def test_a_code_of_another_dossier_finds_nothing(application):
    other = make.named_annex(make.ApplicationFactory())
    assert paper.annex_of_codes(application.dossier_id, [paper.printed_code(other)]) is None
    assert paper.annex_of_codes(application.dossier_id, ["annexe-papier=zz", ""]) is None


def test_a_scan_without_a_code_is_placed_by_hand(client, application):
    piece = paper.add_scan(application.dossier, make.pdf_upload("sans-code.pdf"))
    client.force_login(application.candidate)
    assert "sans-code.pdf" in client.get(reverse("applications:scans", args=[application.pk])).content.decode()
    response = client.post(
        reverse("applications:scan_place", args=[application.pk, piece.pk]), {"annex": "hospital_head"}
    )
    assert response["Location"] == page(application, "hospital_head")
    assert "sans-code.pdf" in client.get(response["Location"]).content.decode()
    piece.refresh_from_db()
    assert piece.key == paper.scan_key("hospital_head")


def test_paper_counts_as_signed_and_says_so(client, application):
    client.force_login(application.candidate)
    assert client.post(page(application), paper_form()).status_code == 302
    annex = annex_of(application)
    assert annex.state == Annex.State.SIGNED
    assert annex.sign_off.manner == SignOff.Manner.PAPER
    scan = Piece.objects.get(key="annexe-hospital_director")
    assert annex.sign_off.content["scan"]["sha256"] == scan.sha256
    assert annex.sign_off.content["signed_on"] == timezone.localdate().isoformat()
    assert "sur papier" in client.get(application.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("signed_on", "2999-01-01", "Cette date est à venir"),
        ("signed_on", "hier", "Date non reconnue"),
        ("opinion", "", "Indiquez l’avis coché"),
        ("signatory_name", "", "Ce champ est obligatoire"),
        ("file", "", "Choisissez le scan"),
        ("file", SimpleUploadedFile("a.pdf", b"rien"), "pas lisible"),
    ],
)
def test_bad_input_is_told_beside_its_field(client, application, field, value, told):
    client.force_login(application.candidate)
    response = client.post(page(application), paper_form(**{field: value}))
    assert response.status_code == 200
    assert response.context["form"].errors[field]
    assert not SignOff.objects.exists()


def test_a_request_that_was_out_is_taken_back(client, application):
    annex = make.invited_annex(application)
    link = reverse("signatory:annex", args=[signing.link_secret(annex)])
    client.force_login(application.candidate)
    client.post(page(application), paper_form())
    assert client.get(link).status_code == 410
    assert FormerLink.objects.get().why == FormerLink.Why.REVOKED
    assert Mail.objects.filter(kind="request_dropped").exists()


def test_paper_never_replaces_an_opinion_signed_online(client, application):
    make.signed_annex(application)
    client.force_login(application.candidate)
    response = client.post(page(application), paper_form())
    assert "signé en ligne" in response.content.decode()
    assert annex_of(application).sign_off.version == 1


def test_another_sheet_is_one_more_version(client, application):
    client.force_login(application.candidate)
    client.post(page(application), paper_form())
    client.post(page(application), paper_form(file=make.pdf_upload("autre.pdf"), opinion="reserved"))
    annex = annex_of(application)
    assert (annex.sign_off.version, annex.sign_off.opinion) == (2, "reserved")
    assert annex.sign_offs.count() == 2


def test_a_signatory_may_sign_by_hand(client, application):
    annex = make.invited_annex(application)
    address = reverse("signatory:paper", args=[signing.link_secret(annex)])
    sheet = reverse("signatory:printed", args=[signing.link_secret(annex)])
    assert client.get(sheet).status_code == 202
    tasks.print_annex(str(annex.pk))
    assert client.get(sheet).content.startswith(b"%PDF-")
    assert "Votre avis est reçu" in client.post(address, paper_form()).content.decode()
    assert annex_of(application).sign_off.manner == SignOff.Manner.PAPER
    assert Mail.objects.filter(kind="annex_signed").exists()


def test_the_code_of_another_annex_raises_a_doubt(client, application):
    make.fill_sections(application)
    printed = printed_sheet(application, "hospital_head")
    client.force_login(application.candidate)
    client.post(page(application), paper_form(file=SimpleUploadedFile("feuille.pdf", printed)))
    scan = annex_of(application).scan
    clearing.clear(scan.pk)
    papers.recognise(str(scan.pk))
    assert "celui de l’annexe" in annex_of(application).scan_doubt


def test_a_refused_scan_does_not_count(client, application):
    make.complete(application)
    client.force_login(application.candidate)
    other = make.ApplicationFactory(candidate=application.candidate)
    make.fill_sections(other)
    make.fill_pieces(other)
    client.post(page(other), paper_form())
    assert completeness(Dossier.objects.get(pk=other.dossier_id)).is_complete
    clearing.refuse(annex_of(other).scan.safe_copy, "Illisible.")
    [sentence] = completeness(Dossier.objects.get(pk=other.dossier_id)).sentences()
    assert "le scan est refusé" in sentence


def test_the_sheet_given_last_is_the_one_sealed(client, application):
    client.force_login(application.candidate)
    right, wrong = make.pdf_bytes(1), make.pdf_bytes(2)
    for name, pdf in [("juste.pdf", right), ("autre.pdf", wrong), ("juste.pdf", right)]:
        client.post(page(application), paper_form(file=SimpleUploadedFile(name, pdf)))
    assert annex_of(application).scan.name == "juste.pdf"
    assert annex_of(application).sign_off.content["scan"]["name"] == "juste.pdf"


def test_the_address_of_who_was_asked_is_not_that_of_who_signed(client, application):
    asked = make.invited_annex(application).signatory_email
    client.force_login(application.candidate)
    client.post(page(application), paper_form(signatory_name="Une autre personne"))
    assert (annex_of(application).signatory_email, annex_of(application).note) == ("", "")
    assert Mail.objects.get(kind="request_dropped").recipient == asked
    lifecycle.WORKFLOW.run(application, "withdraw", actor=application.candidate)
    assert not Mail.objects.filter(recipient="").exists()
    assert Mail.objects.filter(kind="request_dropped").count() == 1


def test_who_signs_by_hand_through_the_link_keeps_the_address(client, application):
    annex = make.invited_annex(application)
    client.post(reverse("signatory:paper", args=[signing.link_secret(annex)]), paper_form())
    assert annex_of(application).signatory_email == annex.signatory_email != ""


def test_a_reopened_opinion_on_paper_has_no_link(client):
    application = make.ApplicationFactory()
    make.fill_sections(application)
    make.fill_pieces(application)
    make.named_annex(application)
    client.force_login(application.candidate)
    client.post(page(application), paper_form())
    clearing.clear(annex_of(application).scan_id)
    reopened = reopening.reopen(make.file_now(application))
    twin = reopened.dossier.annexes.get()
    assert (twin.state, twin.link_hash) == (Annex.State.SIGNED, "")
    signing.give_link(twin)
    twin.save()
    with pytest.raises(TransitionRefused, match="sur papier"):
        signing.WORKFLOW.run(
            twin, "confirm", answer=make.answer_to(twin), verified_by="", manner=SignOff.Manner.CONFIRMED
        )


def test_paper_is_timed_when_it_arrives_and_judged_by_its_link(application):
    annex = make.invited_annex(application)
    given = {"signatory_name": "A", "signatory_function": "B", "signatory_institution": "C"}
    today, deadline = timezone.localdate(), application.offer.deadline
    rest = {"opinion": "favorable", "signed_on": today, "actor_label": "le signataire"}
    with pytest.raises(TransitionRefused, match="retirée ou confiée"):
        papers.sign_on_paper(annex, given, upload=make.pdf_upload(), link="autre", **rest)
    with time_machine.travel(deadline + timedelta(minutes=1), tick=False):
        for late in (None, deadline + timedelta(seconds=30)):
            with pytest.raises(TransitionRefused):
                papers.sign_on_paper(annex, given, upload=make.pdf_upload(), link=annex.link_hash, at=late, **rest)
        signed = papers.sign_on_paper(
            annex, given, upload=make.pdf_upload(), link=annex.link_hash, at=deadline - timedelta(minutes=1), **rest
        )
    assert signed.state == Annex.State.SIGNED


def remove(client, application, piece: Piece):
    return client.post(reverse("applications:piece_remove", args=[application.pk, piece.pk]), follow=True)


def test_a_wrong_scan_is_removed_wherever_it_waits(client, application, django_capture_on_commit_callbacks):
    client.force_login(application.candidate)
    loose = paper.add_scan(application.dossier, make.pdf_upload("perdu.pdf"))
    placed = paper.add_scan(application.dossier, make.pdf_upload("place.pdf"), "hospital_head")
    shown = client.get(reverse("applications:scans", args=[application.pk])).content.decode()
    for piece in (loose, placed):
        assert reverse("applications:piece_remove", args=[application.pk, piece.pk]) in shown
        with django_capture_on_commit_callbacks(execute=True):
            response = remove(client, application, piece)
        assert response.redirect_chain == [(reverse("applications:scans", args=[application.pk]), 302)]
        assert f"« {piece.name} » est retiré" in response.content.decode().replace("\xa0", " ")
        assert not Piece.objects.filter(pk=piece.pk).exists()
        assert not piece.file.storage.exists(piece.file.name)


def test_a_scan_that_bears_an_opinion_stays_whatever_its_version(client, application):
    client.force_login(application.candidate)
    client.post(page(application), paper_form())
    client.post(page(application), paper_form(file=make.pdf_upload("autre.pdf")))
    former, present = application.dossier.pieces.order_by("uploaded_at")
    assert annex_of(application).scan == present
    for piece in (former, present):
        response = remove(client, application, piece)
        assert response.status_code == 200
        told = response.content.decode()
        assert "il reste." in told
        assert "déposez-y le scan qui le remplace" in told
        assert reverse("applications:piece_remove", args=[application.pk, piece.pk]) not in told
    assert application.dossier.pieces.count() == 2


def test_a_refused_scan_comes_again_under_its_name(client, application):
    client.force_login(application.candidate)
    client.post(page(application), paper_form())
    clearing.refuse(annex_of(application).scan.safe_copy, "Illisible.")
    assert client.post(page(application), paper_form()).status_code == 302
    annex = annex_of(application)
    assert annex.sign_off.version == 2
    assert not annex.scan.safe_copy.is_refused


def test_a_sheet_given_after_the_request_changed_hands_tells_whoever_holds_it(application):
    shown = make.invited_annex(application)
    to = make.SIGNATORY | {"signatory_name": "Adjointe", "signatory_email": "adjointe@example.org"}
    answering.hand_over(annex_of(application), to)
    names = {name: make.SIGNATORY[name] for name in make.SIGNATORY if name != "signatory_email"}
    papers.sign_on_paper(
        shown,
        names,
        opinion="favorable",
        signed_on=timezone.localdate(),
        upload=make.pdf_upload("signee.pdf"),
        actor=application.candidate,
    )
    assert Mail.objects.get(kind="request_dropped").recipient == "adjointe@example.org"
