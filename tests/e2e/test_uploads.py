"""Sending files as a candidate does: several at once, on a phone, over a connection that drops, with a real worker."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, Route, expect

from dossiers.models import SafeCopy
from tests import factories as make
from tests.dossiers import corpus
from tests.e2e.people import PHONE

pytestmark = pytest.mark.e2e


@pytest.fixture
def application(transactional_db):
    return make.ApplicationFactory()


def open_page(visitor, application, key: str = "diplomas", **options) -> Page:
    page = visitor(application.candidate, **options)
    page.goto(f"/candidatures/{application.pk}/piece/{key}/")
    return page


def file(name: str, content: bytes | None = None) -> dict:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content or make.pdf_bytes()}


def test_several_files_leave_at_once_and_are_checked(visitor, application, celery_worker_process, axe):
    page = open_page(visitor, application, **PHONE)
    protected, _ = corpus.build("protégé.pdf")
    photo = corpus.photo()
    page.locator("[name=file]").set_input_files(
        [file("diplôme.pdf"), file("photo.jpg", photo), file("protégé.pdf", protected), file("cv.gif", b"GIF89a")]
    )
    expect(page.locator(".portal-file")).to_have_count(3)
    expect(page.locator(".portal-sending")).to_contain_text("Les images GIF ne sont pas acceptées.")
    expect(page.get_by_text("Vérifié", exact=True)).to_have_count(2, timeout=60_000)
    expect(page.locator(".portal-file", has_text="protégé.pdf")).to_contain_text("Ce PDF est protégé.")
    expect(page.locator("img.portal-file__thumbnail")).to_have_count(2)
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.on("dialog", lambda dialog: dialog.accept())  # « cv.gif » has not left
    page.goto(f"/candidatures/{application.pk}/")
    expect(page.get_by_role("listitem").filter(has_text="Copie de vos diplômes")).to_contain_text("Fichier refusé")


def test_a_connection_that_drops_loses_nothing(visitor, application):
    page = open_page(visitor, application, "cv")
    dropped = []

    def drop(route: Route) -> None:
        if route.request.method == "POST" and len(dropped) < 2:
            dropped.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.fallback()

    page.route("**/piece/cv/", drop)
    page.locator("[name=file]").set_input_files(file("cv.pdf"))
    expect(page.locator(".portal-sending")).to_contain_text("La connexion s’est interrompue.")
    page.get_by_role("button", name="Réessayer").click()
    expect(page.get_by_text("Réessayer")).to_be_visible()
    page.evaluate("dispatchEvent(new Event('online'))")  # back by itself
    expect(page.locator(".portal-file__name")).to_have_text("cv.pdf", timeout=20_000)
    assert len(dropped) == 2
    assert application.dossier.pieces.get().name == "cv.pdf"


def test_an_expired_session_is_told_and_the_file_is_still_there(visitor, application):
    page = open_page(visitor, application, "cv")
    page.on("dialog", lambda dialog: dialog.accept())  # « cv.pdf » has not left
    Session.objects.all().delete()
    page.locator("[name=file]").set_input_files(file("cv.pdf"))
    expect(page.locator(".portal-sending")).to_contain_text("Votre session a expiré.")
    expect(page.get_by_role("button", name="Réessayer")).to_be_visible()


def test_a_file_chosen_before_the_script_has_come_leaves_too(visitor, application):
    page = open_page(visitor, application, "diplomas")
    held: list[Route] = []
    page.route("**/js/upload.*js", lambda route: held.append(route))
    page.goto(page.url, wait_until="commit")
    page.locator("[name=file]").set_input_files(file("diplôme.pdf"))
    expect(page.get_by_role("button", name="Envoyer le fichier")).to_be_visible()  # the script has not run
    held.pop().continue_()
    expect(page.locator(".portal-file__name")).to_have_text("diplôme.pdf")


def test_without_javascript_several_files_leave_and_one_is_replaced(visitor, application):
    page = open_page(visitor, application, java_script_enabled=False)
    page.locator("[name=file]").set_input_files([file("un.pdf"), file("deux.pdf"), file("texte.txt", b"Bonjour.")])
    page.get_by_role("button", name="Envoyer le fichier").click()
    expect(page.locator(".portal-file")).to_have_count(2)
    expect(page.get_by_role("main")).to_contain_text("Ce fichier n’est pas lisible.")
    page.locator(".portal-file", has_text="un.pdf").get_by_role("link", name="Remplacer").click()
    page.locator("[name=file]").set_input_files(file("trois.pdf"))
    page.get_by_role("button", name="Envoyer le fichier").click()
    expect(page.locator(".portal-file__name")).to_have_text(["deux.pdf", "trois.pdf"])
    assert SafeCopy.objects.filter(verdict="waiting").count() == 2
    page.get_by_role("link", name="Actualiser").click()
    expect(page.get_by_text("Vérification en cours")).to_have_count(2)
