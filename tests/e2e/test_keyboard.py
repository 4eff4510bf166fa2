"""With the keyboard alone: reach, fill, save; and what a screen reader is told on the way."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from dossiers.codes import code_of
from dossiers.models import Annex
from dossiers.signing import link_secret
from tests.answers import filled_annex
from tests.factories import ApplicationFactory, invited_annex

pytestmark = pytest.mark.e2e

LONGEST_WAY = 60
DATES = {"start_on": "10102027", "end_on": "11112027"}  # the same in the order of any browser's language


def reach(page: Page, selector: str) -> None:
    """Press Tab until this control has the focus."""
    for _ in range(LONGEST_WAY):
        page.keyboard.press("Tab")
        if page.locator(":focus").and_(page.locator(selector)).count():
            return
    raise AssertionError(f"Tab n’atteint pas {selector}")


def type_in(page: Page, name: str, text: str) -> None:
    reach(page, f"[name='{name}']")
    page.keyboard.type(text)


def press(page: Page, button: str) -> None:
    reach(page, f"button:has-text('{button}')")
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_skip_the_menu(visitor):
    page = visitor()
    page.goto("/offres/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Contenu")).to_be_focused()
    expect(page.get_by_role("link", name="Contenu")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.locator("main").evaluate("main => main.contains(document.activeElement)")


def test_fill_and_correct_a_section(visitor):
    application = ApplicationFactory()
    page = visitor(application.candidate)
    page.goto(f"{application.get_absolute_url()}partie/identity/")
    type_in(page, "address", "1 rue de l’Exemple\n76000 Rouen")
    type_in(page, "phone", "zéro six")
    press(page, "Enregistrer et continuer")
    assert page.title().startswith("Erreur")
    reach(page, "main .fr-alert a")
    page.keyboard.press("Enter")
    phone = page.locator("[name=phone]")
    expect(phone).to_be_focused()
    expect(phone).to_have_accessible_description(re.compile("n’est pas reconnu"))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("06 39 98 00 01")
    press(page, "Enregistrer et continuer")
    expect(page.get_by_role("status").filter(has_text="est enregistré")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Votre demande")


def test_sign_an_opinion(visitor):
    annex = invited_annex(ApplicationFactory())
    page = visitor()
    page.goto(f"/avis/{link_secret(annex)}/")
    reach(page, "[name=opinion]")
    page.keyboard.press("ArrowDown")  # the second one
    for name, text in filled_annex(annex.spec).items():
        type_in(page, f"annexe-{name}", DATES.get(name, text))
    type_in(page, "text", "Avis motivé, au clavier.")
    press(page, "Relire et signer")
    type_in(page, "code", code_of(annex.codes.get()))
    reach(page, "[name=certified]")
    page.keyboard.press("Space")
    press(page, "Signer mon avis")
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre avis est signé")
    annex.refresh_from_db()
    assert annex.state == Annex.State.SIGNED
    assert annex.sign_off.opinion == "reserved"
