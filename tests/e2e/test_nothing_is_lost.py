"""Whatever happens while a section is typed, the words are still there: with JavaScript, and without."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import Page, expect

from dossiers import signing
from tests.e2e.people import PASSWORD, PHONE, verified
from tests.factories import ApplicationFactory, UserFactory, invited_annex

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
    expect(page.get_by_role("status")).to_contain_text("Enregistré à ")
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
    expect(words(page)).to_have_value("Écrit dans le tunnel")
    expect(page.get_by_role("status")).to_contain_text("Connexion perdue")
    words(page).press_sequentially(", encore")
    section(page, application)
    expect(words(page)).to_have_value("Écrit dans le tunnel, encore")
    expect(page.get_by_role("status")).to_contain_text("Connexion perdue")
    page.unroute("**/partie/**")
    page.clock.run_for(16_000)
    expect(page.get_by_role("status")).to_contain_text("Enregistré à ")
    assert stored(application) == {"planned_training": "Écrit dans le tunnel, encore"}
    assert page.evaluate("localStorage.getItem(`brouillon ${location.pathname}`)") is None


def test_what_this_browser_kept_is_compared_with_what_was_saved_since(visitor, application):
    page = section(visitor(application.candidate), application)
    page.route("**/partie/**", lambda route: route.abort() if route.request.method == "POST" else route.fallback())
    words(page).fill("Écrit dans le tunnel")
    words(page).blur()
    expect(page.get_by_role("status")).to_contain_text("Connexion perdue")
    other = section(visitor(application.candidate), application)
    words(other).fill("Écrit au bureau")
    words(other).blur()
    expect(other.get_by_role("status")).to_contain_text("Enregistré à ")
    page.unroute("**/partie/**")
    section(page, application)
    expect(page.get_by_role("status")).to_contain_text("Modifié ailleurs entre-temps")
    page.get_by_role("button", name="Comparer les deux versions").click()
    expect(page.get_by_text("Écrit au bureau")).to_be_visible()
    expect(page.get_by_text("Écrit dans le tunnel")).to_be_visible()
    assert stored(application) == {"planned_training": "Écrit au bureau"}


def test_the_rows_that_this_browser_kept_are_all_there(visitor, application):
    page = section(visitor(application.candidate), application, "training")
    page.get_by_role("button", name="Ajouter une ligne").click()
    expect(page.locator("[name=internships-7-period]")).to_be_focused()  # what is typed before that goes there
    page.route("**/partie/**", lambda route: route.abort() if route.request.method == "POST" else route.fallback())
    page.locator("[name=internships-7-hospital]").fill("Hôpital du tunnel")
    page.locator("[name=internships-7-hospital]").blur()
    expect(page.get_by_role("status")).to_contain_text("Connexion perdue")
    page.unroute("**/partie/**")
    section(page, application, "training")
    expect(page.locator("[name=internships-7-hospital]")).to_have_value("Hôpital du tunnel")
    expect(page.get_by_role("status")).to_contain_text("Enregistré à ")
    assert [row["hospital"] for row in stored(application, "training")["internships"]] == ["Hôpital du tunnel"]


def test_who_signs_in_again_in_another_tab_comes_back_to_a_page_that_saves(visitor, application):
    page = section(visitor(application.candidate), application)
    Session.objects.all().delete()
    words(page).fill("Écrit pendant la pause")
    words(page).blur()
    expect(page.get_by_role("status")).to_contain_text("Votre session a expiré")
    other = page.context.new_page()
    other.goto("/compte/login/")
    sign_in_again(other, application.candidate)
    other.wait_for_url("**/candidatures/")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("status")).to_contain_text("Enregistré à ")
    assert stored(application) == {"planned_training": "Écrit pendant la pause"}


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


@pytest.fixture
def signatory(visitor, application):
    page = visitor()
    page.clock.install()
    page.goto(reverse("signatory:annex", args=[signing.link_secret(invited_annex(application))]))
    return page


@pytest.mark.parametrize("status", [403, 429, 503, None])
def test_a_draft_that_the_server_did_not_keep_is_sent_again(signatory, application, status):
    signatory.route("**/brouillon/", lambda route: route.fulfill(status=status) if status else route.abort())
    signatory.locator("[name=text]").fill("Un avis\nmûri")
    signatory.clock.run_for(3_000)
    expect(signatory.locator("[data-draft-status]")).to_contain_text("sera gardé" if status is None else "nouvel essai")
    signatory.unroute("**/brouillon/")
    signatory.clock.run_for(11_000)
    expect(signatory.locator("[data-draft-status]")).to_contain_text("Brouillon gardé à")
    assert application.dossier.annexes.get().draft["text"] == "Un avis\r\nmûri"  # as its button sends it


def test_two_devices_of_a_signatory_show_both_texts(signatory, visitor, application, axe):
    phone = visitor()
    phone.goto(signatory.url)
    signatory.locator("[name=text]").fill("Du bureau")
    signatory.clock.run_for(3_000)
    expect(signatory.locator("[data-draft-status]")).to_contain_text("Brouillon gardé à")
    phone.locator("[name=text]").fill("Du téléphone")
    expect(phone.locator("[data-draft-status]")).to_contain_text("depuis un autre appareil")
    phone.get_by_role("button", name="Garder le brouillon").click()
    expect(phone.get_by_role("alert")).to_contain_text("Du bureau")
    expect(phone.locator("[name=text]")).to_have_value("Du téléphone")
    axe(phone)
    phone.get_by_role("button", name="Garder le brouillon").click()
    expect(phone.locator("body")).to_contain_text("Votre brouillon est gardé")
    assert application.dossier.annexes.get().draft["text"] == "Du téléphone"


def test_a_long_draft_is_kept(signatory, application):
    """A browser refuses to outlive the page for more than 64 KB."""
    text = "𝄞" * 18_000  # four bytes each, as the many long answers of some opinions
    signatory.locator("[name=text]").fill(text)
    signatory.clock.run_for(3_000)
    expect(signatory.locator("[data-draft-status]")).to_contain_text("Brouillon gardé à")
    assert application.dossier.annexes.get().draft["text"] == text


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
    expect(page.get_by_role("status")).to_contain_text("Enregistré à ")
    assert stored(application) == {"planned_training": "Écrit avec un vieux jeton"}


def test_an_opinion_on_its_way_is_sent_again_by_who_leaves(signatory):
    address = "**/brouillon/"
    held = []
    signatory.route(address, lambda route: held.append(route))  # a slow connection: on its way, not there yet
    with signatory.expect_request(address):
        signatory.locator("[name=text]").fill("Dernière phrase")
    with signatory.expect_request(address):
        signatory.evaluate(
            """Object.defineProperty(document, "hidden", { value: true });
               document.dispatchEvent(new Event("visibilitychange"));"""
        )
    for route in held:
        route.abort()  # none of them comes after the test
