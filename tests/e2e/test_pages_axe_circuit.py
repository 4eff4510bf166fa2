"""The pages that few people see, and none of them rested: confirmations, paper, late opinions, versions that meet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from applications import answering, papers, requirements
from applications.models import Application
from dossiers import clearing, paper, signing
from dossiers.answers import save_answers
from dossiers.models import Annex
from offers.models import Offer
from tests import factories as make
from tests.e2e.filling import fill
from tests.e2e.inspection import Inspector
from tests.e2e.people import PASSWORD, verified

pytestmark = pytest.mark.e2e

OTHER = make.SIGNATORY | {"signatory_name": "Adjointe de direction", "signatory_email": "adjointe@example.org"}


@pytest.fixture
def inspect(axe) -> Iterator[Inspector]:
    inspector = Inspector(axe)
    yield inspector
    inspector.verdict()


def submit(page: Page, button: str) -> None:
    """Press this button, and wait for the whole page that answers."""
    with page.expect_navigation():
        page.locator("main").get_by_role("button", name=button).click()


def begun(**candidate) -> Application:
    return make.ApplicationFactory(candidate=verified(make.UserFactory(**candidate)))


def own(application: Application, page: str, *args) -> str:
    return reverse(f"applications:{page}", args=[application.pk, *args])


def by_link(annex: Annex, page: str = "annex") -> str:
    return reverse(f"signatory:{page}", args=[signing.link_secret(annex)])


def test_the_answers_change_after_a_signature(visitor, inspect):
    application = begun()
    make.fill_sections(application)
    annex = make.signed_annex(application)
    raw = application.dossier.answers.get(section="life_project").raw
    save_answers(application.dossier, "life_project", raw | {"life_project": "Un tout autre projet. " * 30})
    page = visitor()
    page.goto(by_link(annex, "confirm"))
    inspect(page)
    submit(page, "recevoir le code")
    inspect(page)
    submit(page, "Confirmer mon avis")
    inspect(page, wrong=True)
    page.goto(by_link(annex) + "?nouveau=1")
    inspect(page)
    candidate = visitor(application.candidate)
    candidate.goto(own(application, "annex", annex.key))
    inspect(candidate)
    candidate.goto(application.get_absolute_url())
    inspect(candidate)


def test_an_annex_on_paper(visitor, inspect):
    application = begun()
    page = visitor(application.candidate)
    for address, button in (
        (own(application, "annex_paper", "hospital_director"), "Enregistrer l’annexe signée"),
        (own(application, "scans"), "Envoyer le scan"),
    ):
        page.goto(address)
        inspect(page)
        submit(page, button)
        inspect(page, wrong=True)
    page.goto(own(application, "annex_printed", "hospital_director"))
    inspect(page)  # a worker is at it
    loose = paper.add_scan(application.dossier, make.pdf_upload(f"{'scan-au-nom-interminable' * 5}.pdf"))
    page.goto(own(application, "scans"))
    inspect(page)
    submit(page, "Placer")
    inspect(page)
    make.cleared(loose)
    page.goto(own(application, "scans"))
    inspect(page)
    annex = make.invited_annex(begun())
    signatory = visitor()
    signatory.goto(by_link(annex, "paper"))
    inspect(signatory)
    submit(signatory, "Envoyer l’annexe signée")
    inspect(signatory, wrong=True)
    who = {"signatory_name": "Direction", "signatory_function": "Directrice", "signatory_institution": "CHU"}
    fill(signatory, who | {"signed_on": timezone.localdate().isoformat(), "opinion": "favorable"}, prefix="papier-")
    scan = {"name": "feuille.pdf", "mimeType": "application/pdf", "buffer": make.pdf_bytes()}
    signatory.locator("[type=file]").set_input_files(scan)
    submit(signatory, "Envoyer l’annexe signée")
    inspect(signatory)
    doubtful = visitor(annex.dossier.owner)
    Annex.objects.filter(pk=annex.pk).update(scan_doubt="Le code imprimé sur ce scan est celui de l’annexe 2.")
    doubtful.goto(own(Application.objects.get(dossier=annex.dossier_id), "annex", annex.key))
    inspect(doubtful)


def awaited(**candidate) -> tuple[Application, Annex]:
    """Filed before its opinion came."""
    application = begun(**candidate)
    make.fill_sections(application)
    make.fill_pieces(application)
    make.invited_annex(application)
    now = timezone.now().replace(microsecond=0)
    dates = {"deadline": now + timedelta(days=1), "signatures_until": now + timedelta(days=3)}
    Offer.objects.filter(pk=application.offer_id).update(**dates)
    application = make.file_now(Application.objects.get(pk=application.pk))
    return application, Annex.objects.get(dossier=application.dossier_id)


def test_an_opinion_that_follows_the_filing(visitor, inspect):
    application, annex = awaited()
    page, signatory = visitor(application.candidate), visitor()
    for name in ("detail", "receipt"):
        page.goto(own(application, name))
        inspect(page)
    signatory.goto(by_link(annex))
    inspect(signatory)
    former = by_link(annex)
    annex = answering.hand_over(annex, OTHER)
    answering.ask_question(annex, "Dans quel service exactement ? " * 5)
    signatory.goto(former)
    inspect(signatory)
    page.goto(application.get_absolute_url())
    inspect(page)
    page.goto(own(application, "annex", annex.key))
    inspect(page)
    submit(page, "Répondre")
    inspect(page, wrong=True)
    page.goto(own(application, "annex_paper", annex.key))
    inspect(page)
    make.sign(annex)
    for reader in (page, signatory):
        reader.goto(own(application, "annex", annex.key) if reader is page else by_link(annex))
        inspect(reader)
    page.goto(application.get_absolute_url())
    inspect(page)

    application, annex = awaited()
    paper.add_scan(application.dossier, SimpleUploadedFile("feuille.pdf", make.pdf_bytes()), annex.key)
    signed = papers.sign_on_paper(
        annex,
        {name: getattr(annex, name) for name in ("signatory_name", "signatory_function", "signatory_institution")},
        opinion="reserved",
        signed_on=timezone.localdate(),
        actor=application.candidate,
    )
    clearing.refuse(signed.scan.safe_copy, "Ce fichier est illisible : photographiez la feuille de nouveau.")
    page = visitor(application.candidate)
    page.goto(application.get_absolute_url())
    inspect(page)
    agent = make.MembershipFactory(institution=application.offer.institution).user
    service = visitor(agent, bypass_csp=True)
    service.goto(reverse("admin:applications_application_change", args=[application.pk]))
    inspect(service, ours=False)


def test_two_versions_and_an_expired_session(visitor, inspect):
    application = begun()
    first, second = visitor(application.candidate), visitor(application.candidate)
    address = own(application, "section", "planned_training")
    for page in (first, second):
        page.goto(address)
    save_answers(application.dossier, "planned_training", {"planned_training": "Écrit au bureau. " * 40})
    second.locator("[name=planned_training]").fill("Écrit au téléphone. " * 40)
    second.locator("[name=planned_training]").blur()
    second.get_by_role("button", name="Comparer les deux versions").wait_for()
    inspect(second, ours=False)  # the focus is in the form already
    submit(second, "Comparer les deux versions")
    inspect(second)
    first.goto(address)
    Session.objects.all().delete()
    first.locator("[name=planned_training]").fill("Écrit pendant des heures.")
    first.locator("[name=planned_training]").blur()
    first.get_by_text("session a expiré").first.wait_for()
    inspect(first, ours=False)
    submit(first, "Enregistrer et revenir au dossier")
    inspect(first)
    first.locator("[name=login]").fill(application.candidate.email)
    first.locator("[name=password]").fill(PASSWORD)
    submit(first, "Se connecter")
    inspect(first)


def test_from_one_dossier_to_another(visitor, inspect):
    former = make.filed(begun())
    page = visitor(former.candidate)
    page.goto(former.get_absolute_url())
    submit(page, "Rouvrir mon dossier")
    inspect(page)
    page.goto(former.get_absolute_url())
    inspect(page)
    page.goto(own(former, "elsewhere"))
    inspect(page)
    other = make.ApplicationFactory(candidate=former.candidate)
    page.goto(own(other, "take_over"))
    inspect(page)
    submit(page, "Reprendre")
    inspect(page)
    save_answers(other.dossier, "identity", other.dossier.answers.get(section="identity").raw)
    offer = Offer.objects.get(pk=other.offer_id)
    asked = offer.parameters | {"extra_pieces": "Attestation de responsabilité civile", "minimum_ambulatory": 60}
    Offer.objects.filter(pk=offer.pk).update(parameters=asked)
    requirements.settle_drafts()
    page.goto(other.get_absolute_url())
    inspect(page)


def test_a_member_before_many_dossiers(visitor, inspect):
    agent = make.MembershipFactory()
    seat = make.SeatFactory(commission__institution=agent.institution)
    filed = make.filed(begun(first_name="Marie-Emmanuelle", last_name="de La Rochefoucauld-Montbéliard d’Exemple"))
    application = make.admit(filed, make.MembershipFactory(institution=filed.offer.institution).user)
    others = make.ApplicationFactory.create_batch(39, offer=application.offer)
    numbered = [(other.pk, f"SJ-2026-9{rank:04}") for rank, other in enumerate(others)]
    for pk, number in numbered:
        Application.objects.filter(pk=pk).update(state="admissible", number=number, filed_at=timezone.now())
    seat.commission.offers.add(application.offer, make.OfferFactory(title="Une autre offre"))
    page = visitor(seat.user)
    for query in ("", "?avis=a-rendre&tri=nom&page=2", "?q=introuvable"):
        page.goto(reverse("commission:list") + query)
        inspect(page)
    page.goto(reverse("commission:detail", args=[application.pk]) + "?avis=a-rendre")
    inspect(page)
    submit(page, "Enregistrer mon avis")
    inspect(page, wrong=True)
    fill(page, {"opinion": "favorable", "reasons": "Un bon projet."})
    submit(page, "Enregistrer mon avis")
    inspect(page)
    page.get_by_role("link", name="Suivant", exact=True).first.wait_for()
