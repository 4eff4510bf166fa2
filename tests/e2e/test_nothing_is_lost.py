"""Whatever happens while a section is typed, the words are still there: with JavaScript, and without."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from tests.e2e.people import PASSWORD, PHONE, verified
from tests.factories import ApplicationFactory, UserFactory

pytestmark = pytest.mark.e2e


@pytest.fixture
def application():
    return ApplicationFactory(candidate=verified(UserFactory()))


def section(page: Page, application, key: str = "planned_training") -> Page:
    page.goto(f"/candidatures/{application.pk}/partie/{key}/")
    return page


def words(page: Page):
    return page.locator("[name=planned_training]")


def stored(application, key: str = "planned_training") -> dict:
    return application.dossier.answers.get(section=key).raw


def sign_in_again(page: Page, user) -> None:
    page.locator("[name=login]").fill(user.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Se connecter").click()


def test_a_section_is_saved_while_it_is_typed(visitor, application, axe):
    page = section(visitor(application.candidate, **PHONE), application)
    words(page).press_sequentially("Un DU de douleur")
    words(page).blur()
    expect(page.get_by_role("status")).to_contain_text("Enregistré à ")
    assert stored(application) == {"planned_training": "Un DU de douleur"}
    axe(page)
    words(page).press_sequentially(", puis un séminaire")
    page.get_by_role("button", name="Enregistrer et revenir au dossier").click()
    page.wait_for_url(f"**/candidatures/{application.pk}/")
    assert stored(application) == {"planned_training": "Un DU de douleur, puis un séminaire"}


def test_two_windows_meet(visitor, application, axe):
    first = section(visitor(application.candidate), application)
    second = section(visitor(application.candidate, **PHONE), application)
    words(first).fill("Écrit au bureau")
    words(first).blur()
    expect(first.get_by_role("status")).to_contain_text("Enregistré à ")
    words(second).fill("Écrit au téléphone")
    words(second).blur()
    expect(second.get_by_role("status")).to_contain_text("Modifié ailleurs entre-temps")
    assert stored(application) == {"planned_training": "Écrit au bureau"}
    second.get_by_role("button", name="Comparer les deux versions").click()
    expect(second.get_by_role("heading", level=1)).to_contain_text("a été modifié ailleurs")
    axe(second)
    expect(second.get_by_text("Écrit au bureau")).to_be_visible()
    expect(second.get_by_text("Écrit au téléphone")).to_be_visible()
    second.get_by_role("button", name="Enregistrer ces choix").click()
    second.wait_for_url(f"**/candidatures/{application.pk}/")
    assert stored(application) == {"planned_training": "Écrit au téléphone"}
    expect(words(section(second, application))).to_have_value("Écrit au téléphone")


def test_the_connection_is_lost(visitor, application):
    page = section(visitor(application.candidate), application)
    page.context.set_offline(True)
    words(page).fill("Écrit dans le train")
    page.get_by_role("button", name="Enregistrer et revenir au dossier").click()
    expect(page.get_by_role("status")).to_contain_text("Connexion perdue")
    expect(words(page)).to_have_value("Écrit dans le train")
    page.context.set_offline(False)
    expect(page.get_by_role("status")).to_contain_text("Enregistré à ")
    assert stored(application) == {"planned_training": "Écrit dans le train"}

    page.route("**/partie/**", lambda route: route.abort() if route.request.method == "POST" else route.fallback())
    words(page).fill("Écrit dans le tunnel")
    words(page).blur()
    expect(page.get_by_role("status")).to_contain_text("Connexion perdue")
    page.unroute("**/partie/**")
    section(page, application)  # the page was closed, and is opened again
    expect(words(page)).to_have_value("Écrit dans le tunnel")
    assert stored(application) == {"planned_training": "Écrit dans le tunnel"}


@pytest.mark.parametrize("status", [None, 503])
def test_what_this_browser_kept_is_sent_until_it_is_taken(visitor, application, status):
    page = section(visitor(application.candidate), application)

    def refuse(route) -> None:
        if route.request.method != "POST":
            route.fallback()
        elif status:
            route.fulfill(status=status)
        else:
            route.abort()

    page.route("**/partie/**", refuse)
    words(page).fill("Écrit dans le tunnel")
    words(page).blur()
    expect(page.get_by_role("status")).to_contain_text("Connexion perdue")
    page.clock.install()
    section(page, application)  # closed and opened again, and nothing is taken yet
    expect(page.get_by_role("status")).to_contain_text("n’a pas encore pu être envoyé")
    words(page).press_sequentially("Autre")
    assert "tunnel" in page.evaluate("localStorage.getItem(`brouillon ${location.pathname}`)")
    section(page, application)
    expect(page.get_by_role("status")).to_contain_text("n’a pas encore pu être envoyé")
    page.unroute("**/partie/**")
    page.clock.run_for(16_000)
    expect(words(page)).to_have_value("Écrit dans le tunnel")
    assert stored(application) == {"planned_training": "Écrit dans le tunnel"}


@pytest.mark.parametrize("javascript", [True, False])
def test_the_session_expires(visitor, application, javascript):
    page = section(visitor(application.candidate, java_script_enabled=javascript), application)
    Session.objects.all().delete()
    words(page).fill("Écrit pendant des heures")
    page.get_by_role("button", name="Enregistrer et revenir au dossier").click()
    sign_in_again(page, application.candidate)
    expect(page.get_by_text("Votre session avait expiré")).to_be_visible()
    expect(words(page)).to_have_value("Écrit pendant des heures")
    page.get_by_role("button", name="Enregistrer et revenir au dossier").click()
    page.wait_for_url(f"**/candidatures/{application.pk}/")
    assert stored(application) == {"planned_training": "Écrit pendant des heures"}


@pytest.mark.parametrize("javascript", [True, False])
def test_a_table_grows(visitor, application, javascript):
    page = section(visitor(application.candidate, java_script_enabled=javascript), application, "training")
    page.locator("[name=internships-0-hospital]").fill("Hôpital d’exemple")
    page.get_by_role("button", name="Ajouter une ligne").click()
    expect(page.locator("[name=internships-7-hospital]")).to_be_visible()
    expect(page.locator("[name=internships-0-hospital]")).to_have_value("Hôpital d’exemple")
    assert stored(application, "training")["internships"][0]["hospital"] == "Hôpital d’exemple"
    page.locator("[name=internships-7-hospital]").fill("Huitième")
    page.get_by_role("button", name="Enregistrer et revenir au dossier").click()
    expect(page.get_by_text("Vos réponses sont enregistrées. Certaines sont à corriger.")).to_be_visible()
    rows = stored(application, "training")["internships"]
    assert [row["hospital"] for row in rows] == ["Hôpital d’exemple", "Huitième"]


def test_signing_out_leaves_no_draft_behind(visitor, application):
    page = section(visitor(application.candidate), application)
    page.evaluate("localStorage.setItem('brouillon /ailleurs/', '{}')")
    page.get_by_role("button", name="Se déconnecter").first.click()
    page.wait_for_url("**/")
    assert not [key for key in page.evaluate("Object.keys(localStorage)") if key.startswith("brouillon")]


def test_a_token_out_of_date_is_renewed_without_a_word_lost(visitor, application):
    """As after signing in again in another tab."""
    page = section(visitor(application.candidate), application)
    page.context.clear_cookies(name="csrftoken")
    words(page).fill("Écrit avec un vieux jeton")
    with page.expect_navigation():
        words(page).blur()
    expect(words(page)).to_have_value("Écrit avec un vieux jeton")
    assert stored(application) == {"planned_training": "Écrit avec un vieux jeton"}
