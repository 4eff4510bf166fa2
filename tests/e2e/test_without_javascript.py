"""The candidate's and the signatory's parts with JavaScript disabled."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from dossiers.codes import code_of
from dossiers.signing import link_secret
from tests.answers import filled_annex, filled_section
from tests.e2e.filling import fill
from tests.e2e.people import PHONE, sign_in, verified
from tests.factories import OfferFactory, UserFactory, pdf_bytes, start_form

pytestmark = pytest.mark.e2e


def test_a_dossier_without_javascript(visitor):
    offer, candidate = OfferFactory(), verified(UserFactory())
    page = visitor(java_script_enabled=False)
    sign_in(page, candidate)
    page.goto(offer.get_absolute_url())
    page.get_by_role("link", name="Candidater").click()
    fill(page, start_form(offer))
    page.get_by_role("button", name="Commencer ma candidature").click()
    application = candidate.applications.get()
    spec = application.dossier.spec

    page.get_by_role("link", name="Votre formation").click()
    training = filled_section(spec.section_by_key["training"])
    [internship] = training["internships"]
    fill(page, training | {"internships": [internship] * 7})  # all the rows that the page shows
    page.get_by_role("button", name="Enregistrer et revenir au dossier").click()
    expect(page.get_by_role("listitem").filter(has_text="Votre formation")).to_contain_text("Complet")
    page.get_by_role("link", name="Votre formation").click()
    expect(page.locator("[name=internships-6-hospital]")).to_have_value(internship["hospital"])
    expect(page.locator("[name=internships-8-hospital]")).to_have_value("")  # two more to go on with
    page.get_by_role("link", name="Mon dossier").click()

    page.get_by_role("link", name="CV détaillé").click()
    page.locator("[name=file]").set_input_files(
        {"name": "cv.pdf", "mimeType": "application/pdf", "buffer": pdf_bytes()}
    )
    page.get_by_role("button", name="Envoyer le fichier").click()
    expect(page.locator(".portal-file__name", has_text="cv.pdf")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Revenir au dossier").click()

    page.get_by_role("link", name="Annexe 5 –").click()
    page.get_by_text("Ce que cette personne lira").click()
    signatory = {"name": "Signataire", "function": "Directeur", "institution": "Hôpital", "email": "d@example.org"}
    fill(page, {f"signatory_{name}": value for name, value in signatory.items()})
    page.get_by_role("button", name="Enregistrer et relire le message").click()
    page.get_by_role("button", name="Envoyer la demande").click()
    expect(page.locator("p", has_text="En attente de Signataire depuis")).to_be_visible()

    annex = application.dossier.annexes.get()
    reader = visitor(java_script_enabled=False, **PHONE)
    reader.goto(f"/avis/{link_secret(annex)}/")
    fill(reader, {"opinion": "unfavorable", "text": "Avis défavorable et motivé."})
    fill(reader, filled_annex(annex.spec), prefix="annexe-")
    reader.get_by_role("button", name="Garder le brouillon").click()
    expect(reader.get_by_label("Avis motivé")).to_have_value("Avis défavorable et motivé.")
    reader.get_by_role("button", name="Relire et signer").click()
    fill(reader, {"code": code_of(annex.codes.get()), "certified": True})
    reader.get_by_role("button", name="Signer mon avis").click()
    expect(reader.get_by_role("heading", level=1)).to_have_text("Votre avis est signé")


def test_the_menu_without_javascript(visitor):
    """On a phone, the links that a button would unfold are simply there."""
    page = visitor(UserFactory(), java_script_enabled=False, **PHONE)
    page.goto("/")
    menu = page.get_by_role("navigation", name="Menu principal")
    expect(page.get_by_role("button", name="Se déconnecter").last).to_be_visible()
    menu.get_by_role("link", name="Offres").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Offres de santé-justice")
    expect(page.get_by_role("navigation", name="vous êtes ici").get_by_role("link", name="Accueil")).to_be_visible()


def test_offers_come_before_their_filters_on_a_phone_alone(visitor):
    OfferFactory(title="Médecin coordonnateur", region="84")
    OfferFactory(title="Assistant spécialisé", region="28")
    page = visitor(java_script_enabled=False, **PHONE)
    page.goto("/offres/")
    title, first = (page.locator(part).first.bounding_box() for part in ("h1", ".portal-card"))
    assert first["y"] - title["y"] < 0.6 * page.viewport_size["height"]
    region = page.get_by_text("Région", exact=True).first
    expect(region).to_be_hidden()
    page.get_by_text("Filtrer et trier").click()
    region.click()
    page.get_by_text("Normandie (1)").click()
    page.get_by_role("button", name="Rechercher").click()
    expect(page.get_by_text("1 filtre", exact=True)).to_be_visible()
    expect(page.locator(".portal-card")).to_have_count(1)
    page.get_by_title("Retirer le critère Normandie").click()
    expect(page.locator(".portal-card")).to_have_count(2)

    wide = visitor(java_script_enabled=False)
    wide.goto("/offres/")
    expect(wide.get_by_text("Filtrer et trier")).to_be_hidden()
    expect(wide.get_by_label("Trier par")).to_be_visible()


def test_the_essential_of_an_offer_comes_before_its_text_on_a_phone(visitor):
    offer = OfferFactory(body="Un texte.\n\n" * 60)
    page = visitor(java_script_enabled=False, **PHONE)
    page.goto(offer.get_absolute_url())
    summary, button = page.locator(".fr-text--lead"), page.get_by_role("link", name="Candidater")
    assert top(button) - top(summary) < 0.5 * page.viewport_size["height"]
    assert top(page.get_by_text("Référence")) < top(page.get_by_text("Un texte.").first)

    wide = visitor()
    wide.goto(offer.get_absolute_url())
    text, essential = wide.locator(".portal-prose"), wide.locator(".portal-offer aside")
    assert abs(top(text) - top(essential)) < 30
    assert text.bounding_box()["x"] < essential.bounding_box()["x"]


def top(part) -> float:
    return part.bounding_box()["y"]
