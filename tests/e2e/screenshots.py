"""The pictures of the README, from the demonstration's own accounts: `python -m tests.e2e.screenshots ADDRESS FOLDER`.

The portal must be running (`make demo`). Nothing is changed in it, so that the pictures can be taken again.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import launch

PASSWORD = "demonstration-2026"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "device_scale_factor": 2}
HEAVIEST = 200_000


@dataclass(frozen=True)
class Picture:
    """One page, as this account sees it. `find` goes from the page after signing in to the one to show."""

    name: str
    find: Callable[[Page], None]
    account: str = ""
    on_phone: bool = True
    height: int = 860  # on a wide screen


def visit(path: str) -> Callable[[Page], None]:
    return lambda page: page.goto(path)


def follow(*links: str) -> Callable[[Page], None]:
    """Click on these links one after the other, each given by a part of its text."""

    def find(page: Page) -> None:
        for link in links:
            with page.expect_navigation():
                page.get_by_role("main").get_by_role("link", name=re.compile(link)).first.click()

    return find


def open_request(page: Page) -> None:
    """The page of a signatory who has not answered yet, by the link that they received."""
    page.goto("/demo/courrier/")
    for address in page.locator(".portal-mail a[href*='/avis/']").evaluate_all("links => links.map(a => a.href)"):
        page.goto(address)
        if page.get_by_role("button", name="Relire et signer").count():
            return
    raise SystemExit("Aucune demande d’avis en attente dans le courrier de la démonstration.")


def manage_offer(page: Page) -> None:
    page.goto("/gestion/offers/offer/?state__exact=published")
    with page.expect_navigation():
        page.locator("#result_list").get_by_role("link", name=re.compile("temps partagé")).first.click()


PICTURES = (
    Picture("offres", visit("/offres/")),
    Picture("offre", visit("/offres/assistant-specialiste-temps-partage-normandie/")),
    Picture("dossier", follow("temps partagé"), "candidat@example.org", height=1800),
    Picture("formulaire", follow("temps partagé", "^Description de la fonction"), "candidat@example.org"),
    Picture("signataire", open_request),
    Picture(
        "accuse-de-reception", follow("temps partagé", "Accusé de réception"), "candidate@example.org", on_phone=False
    ),
    Picture("commission", follow("Sacha Modèle"), "commission@example.org", on_phone=False),
    Picture("gestion-offre", manage_offer, "rh@example.org", on_phone=False),
)


def take(browser: Browser, picture: Picture, address: str, folder: Path) -> None:
    desktop = {"viewport": {"width": 1280, "height": picture.height}}
    screens = {"": desktop, "-telephone": PHONE} if picture.on_phone else {"": desktop}
    for suffix, screen in screens.items():
        context = browser.new_context(base_url=address, locale="fr-FR", timezone_id="Europe/Paris", **screen)
        page = context.new_page()
        if picture.account:
            sign_in(page, picture.account)
        picture.find(page)
        page.evaluate("document.fonts.ready")
        save(page.screenshot(animations="disabled"), folder / f"{picture.name}{suffix}.webp")
        context.close()


def sign_in(page: Page, account: str) -> None:
    page.goto("/compte/login/")
    page.locator("[name=login]").fill(account)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Se connecter").click()
    page.wait_for_url(lambda url: "/compte/login/" not in url)


def save(png: bytes, path: Path) -> None:
    """As WebP, no heavier than a README should carry."""
    picture = Image.open(io.BytesIO(png))
    for quality in (88, 75, 60):
        picture.save(path, "WEBP", quality=quality, method=6)
        if path.stat().st_size <= HEAVIEST:
            return
    raise SystemExit(f"{path} est trop lourd : {path.stat().st_size} octets.")


def main(address: str, folder: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for picture in PICTURES:
            take(browser, picture, address.rstrip("/"), Path(folder))
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
