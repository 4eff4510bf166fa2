"""An annex that is awaited after the filing is handed over, signed on paper and talked about as any other (adr/0026).

What was filed does not change by it: the trace and the sealed opinion stand beside it.
"""

from __future__ import annotations

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.urls import reverse

from applications import answering, circuit, late_signatures, papers
from applications.models import Application, Receipt
from dossiers import clearing, paper, signing
from dossiers.freezing import DossierFrozen
from dossiers.models import Annex, Dossier, FormerLink, FrozenDossier, Piece, Question, SectionAnswers, SignOff
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from portal.workflow import TransitionRefused
from tests import factories as make
from tests.applications.test_concurrency import at_once
from tests.applications.test_late_signatures import SECOND, filed_without, manager
from tests.applications.test_papers import paper_form

pytestmark = pytest.mark.django_db

OTHER = make.SIGNATORY | {"signatory_name": "Adjointe de direction", "signatory_email": "adjointe@example.org"}


@pytest.fixture
def filed():
    return filed_without()


@pytest.fixture(autouse=True)
def what_was_filed_is_what_was_filed(filed):
    """Whatever the test does: the frozen content, the receipt, the answers and the pieces of the filing stay."""
    rows = lambda: [  # noqa: E731
        list(model.objects.filter(pk__in=known[model]).order_by("pk").values())
        for model in (FrozenDossier, Receipt, Dossier, SectionAnswers, Piece)
    ]
    known = {
        model: list(model.objects.values_list("pk", flat=True))
        for model in (FrozenDossier, Receipt, Dossier, SectionAnswers, Piece)
    }
    before = rows()
    yield
    assert rows() == before


def signatory_page(annex: Annex, name: str = "annex") -> str:
    return reverse(f"signatory:{name}", args=[signing.link_secret(annex)])


def own_page(application: Application, annex: Annex, name: str = "annex") -> str:
    return reverse(f"applications:{name}", args=[application.pk, annex.key])


# Delegation


def test_the_signatory_hands_over(client, filed, smtp_sink):
    application, annex = filed
    former = signatory_page(annex)
    assert "Confier la réponse" in client.get(former).content.decode()
    to = {f"delegue-{name}": value for name, value in OTHER.items()}
    assert client.post(signatory_page(annex, "delegate"), to).status_code == 302
    annex = Annex.objects.get()
    assert (annex.signatory_email, annex.state) == ("adjointe@example.org", Annex.State.SENT)
    assert client.get(former).status_code == 200
    assert client.post(former, make.signature_form(annex)).status_code == 410
    trace = FormerLink.objects.get()
    assert (trace.why, trace.successor) == ("delegated", "Adjointe de direction (adjointe@example.org)")
    drain_outbox()
    assert smtp_sink.sent_to("adjointe@example.org")
    [told] = [mail for mail in smtp_sink.sent_to(application.candidate.email) if "confiée" in mail["Subject"]]
    assert "désignez quelqu’un d’autre" not in told.get_body(("plain",)).get_content()
    assert make.sign_through(client, annex).status_code == 302
    sign_off = SignOff.objects.get()
    assert sign_off.signer_name == "Adjointe de direction"
    client.force_login(manager(application))
    page = client.get(reverse("admin:applications_application_change", args=[application.pk])).content.decode()
    assert "Demande confiée par Direction de l’hôpital" in page


def test_the_database_lets_another_person_in_with_the_trace_alone(filed):
    annex = filed[1]
    nobody_handed_over = FormerLink.objects.create(
        annex=annex, link_hash=annex.link_hash, why="replaced", holder="Direction"
    )
    with pytest.raises(DatabaseError, match="nothing may change"), transaction.atomic():
        Annex.objects.update(signatory_name="Autre")
    nobody_handed_over.delete()
    answering.hand_over(annex, OTHER)
    with pytest.raises(DatabaseError, match="nothing may change"), transaction.atomic():
        Annex.objects.update(signatory_name="Autre")


@pytest.mark.django_db(transaction=True)
def test_handing_over_and_signing_at_once_leave_one_opinion(filed):
    annex = filed[1]
    at_once(lambda: answering.hand_over(annex, OTHER), lambda: make.sign(annex))
    annex = Annex.objects.get()
    assert (annex.state, annex.signatory_email) in {
        (Annex.State.SIGNED, "direction@example.org"),
        (Annex.State.SENT, "adjointe@example.org"),
    }
    assert SignOff.objects.count() == (annex.state == Annex.State.SIGNED)


# Paper


def test_the_candidate_gives_the_paper(client, filed):
    application, annex = filed
    link = signatory_page(annex)
    client.force_login(application.candidate)
    assert "Faire signer sur papier" in client.get(own_page(application, annex)).content.decode()
    assert client.post(own_page(application, annex, "annex_paper"), paper_form()).status_code == 302
    sign_off = SignOff.objects.get()
    assert sign_off.manner == SignOff.Manner.PAPER
    assert sign_off.content["scan"]["name"] == "signee.pdf"
    assert client.get(link).status_code == 410
    assert Mail.objects.filter(kind="request_dropped", recipient="direction@example.org").exists()
    page = client.get(application.get_absolute_url()).content.decode()
    assert reverse("applications:piece_file", args=[application.pk, sign_off.content["scan"]["id"]]) in page


def test_the_signatory_gives_the_paper_and_others_read_its_scan(client, filed):
    application, annex = filed
    assert "Imprimer et signer à la main" in client.get(signatory_page(annex)).content.decode()
    assert "Votre avis est reçu" in client.post(signatory_page(annex, "paper"), paper_form()).content.decode()
    scan = Annex.objects.get().scan
    clearing.accept(scan.safe_copy, make.safe_pdf())
    actor = manager(application)
    client.force_login(actor)
    page = client.get(reverse("admin:applications_application_change", args=[application.pk])).content.decode()
    address = reverse("admin:applications_application_piece", args=[application.pk, scan.pk])
    assert address in page
    assert b"".join(client.get(address)).startswith(b"%PDF-")
    make.admit(application, actor)
    seat = make.SeatFactory(commission=make.CommissionFactory(offers=[application.offer]))
    client.force_login(seat.user)
    address = reverse("commission:piece_file", args=[application.pk, scan.pk])
    assert address in client.get(reverse("commission:detail", args=[application.pk])).content.decode()
    assert b"".join(client.get(address)).startswith(b"%PDF-")


def test_a_sheet_is_given_once_and_once_more_where_nobody_can_read_it(client, filed):
    application, annex = filed
    client.force_login(application.candidate)
    page = own_page(application, annex, "annex_paper")
    client.post(page, paper_form())
    assert client.post(page, paper_form(file=make.pdf_upload("autre.pdf"))).status_code == 302
    assert SignOff.objects.count() == 1
    first = Annex.objects.get().scan
    clearing.refuse(first.safe_copy, "Illisible.")
    with pytest.raises(TransitionRefused, match="encore attendue"):
        make.admit(application, manager(application))
    assert late_signatures.awaiting().exists()
    assert "Illisible." in client.get(application.get_absolute_url()).content.decode()
    changed = paper_form(file=make.pdf_upload("lisible.pdf"), signatory_name="Direction, par intérim")
    assert client.post(page, changed).status_code == 302
    annex = Annex.objects.get()
    assert (annex.sign_off.version, annex.scan.name) == (2, "lisible.pdf")
    assert Piece.objects.filter(pk=first.pk).exists()
    assert not late_signatures.awaiting().exists()


def test_the_code_of_another_annex_raises_a_doubt_after_the_filing_too(client, filed):
    application, annex = filed
    other = make.ApplicationFactory(offer=make.OfferFactory(parameters={"annexes": ["hospital_head"]}))
    make.fill_sections(other)
    printed = papers.printed(make.named_annex(other, "hospital_head"))
    client.force_login(application.candidate)
    client.post(own_page(application, annex, "annex_paper"), paper_form(file=SimpleUploadedFile("f.pdf", printed)))
    Annex.objects.filter(late=True).update(scan_doubt="Le code est celui d’une autre annexe.")
    page = client.get(application.get_absolute_url()).content.decode()
    assert "celui d’une autre annexe" in page


def test_no_other_file_enters_a_filed_dossier(filed):
    application, annex = filed
    for enter in (
        lambda: paper.add_scan(application.dossier, make.pdf_upload("x.pdf")),
        lambda: paper.add_scan(application.dossier, make.pdf_upload("x.pdf"), "hospital_head"),
        lambda: make.add_piece(application.dossier, "cv", make.pdf_upload("x.pdf")),
    ):
        with pytest.raises(DossierFrozen):
            enter()
    for key in ("cv", "annexe-hospital_head", paper.LOOSE):
        with pytest.raises(DatabaseError, match="nothing may change"), transaction.atomic():
            Piece.objects.create(dossier=application.dossier, key=key, name="x", size=1)
    paper.add_scan(application.dossier, make.pdf_upload("x.pdf"), annex.key)
    make.sign(annex)
    with pytest.raises(DatabaseError, match="nothing may change"), transaction.atomic():
        Piece.objects.create(dossier=application.dossier, key=paper.scan_key(annex.key), name="x", size=1)


def test_past_the_date_no_paper_comes(client, filed):
    application, annex = filed
    until = application.offer.signatures_until
    with time_machine.travel(until + SECOND, tick=False):
        client.force_login(application.candidate)
        assert client.post(own_page(application, annex, "annex_paper"), paper_form()).status_code == 302
    assert not SignOff.objects.exists()
    assert not Piece.objects.filter(key=paper.scan_key(annex.key)).exists()


# Questions


def test_the_signatory_asks_and_the_candidate_answers(client, filed, smtp_sink):
    application, annex = filed
    client.post(signatory_page(annex, "ask"), {"question": "Quel service exactement ?"})
    question = Question.objects.get()
    client.force_login(application.candidate)
    assert "Une question attend votre réponse" in client.get(application.get_absolute_url()).content.decode()
    page = client.get(own_page(application, annex)).content.decode()
    assert "Quel service exactement" in page
    assert "Changer de signataire" not in page
    address = reverse("applications:annex_question", args=[application.pk, annex.key, question.pk])
    assert client.post(address, {"answer": ""}).status_code == 200
    assert client.post(address, {"answer": "La cardiologie."}).status_code == 302
    drain_outbox()
    assert any("répond à votre question" in mail["Subject"] for mail in smtp_sink.sent_to("direction@example.org"))
    assert "La cardiologie." in client.get(signatory_page(annex)).content.decode()
    assert "Une question attend" not in client.get(application.get_absolute_url()).content.decode()


def test_a_stranger_reaches_none_of_it(client, filed):
    application, annex = filed
    client.force_login(make.UserFactory())
    for name in ("annex", "annex_paper", "annex_printed"):
        assert client.get(own_page(application, annex, name)).status_code == 404


def test_an_annex_that_was_signed_before_the_filing_has_no_page_any_more(client, filed):
    application = make.filed(make.ApplicationFactory(candidate=filed[0].candidate))
    client.force_login(application.candidate)
    address = reverse("applications:annex", args=[application.pk, "hospital_director"])
    assert client.get(address)["Location"] == application.get_absolute_url()


# What is said where nobody else can be asked


@pytest.mark.parametrize("event", ["decline", "bounce"])
def test_the_candidate_is_told_what_is_still_possible(filed, smtp_sink, event):
    application, annex = filed
    if event == "decline":
        answering.decline(annex, "Congé.")
    else:
        signing.WORKFLOW.run(annex, "bounce", reason="Boîte inconnue")
        circuit.tell_candidate(annex, "annex_bounced")
    drain_outbox()
    words = " ".join(mail.get_body(("plain",)).get_content() for mail in smtp_sink.sent_to(application.candidate.email))
    told = {"decline": "cette annexe y manquera", "bounce": "sur papier"}[event]
    assert told in " ".join(words.split())
    assert "Désignez dès maintenant" not in words
