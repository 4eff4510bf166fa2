"""What is true of every page: nothing for axe to say, one heading, a title of its own, a focus that is seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from playwright.sync_api import Page

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

# What can be focused and shows nothing when it is. The design system draws some outlines beside the control: on the
# label of a box, around the whole card of a link.
UNSEEN_FOCUS = """() => {
    const drawn = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    const controls = [...document.querySelectorAll("main a[href], main button, main input, main select, main textarea,"
        + "main summary")].filter((e) => e.checkVisibility() && e.type !== "hidden" && !e.disabled);
    return controls.filter((control) => {
        control.focus({focusVisible: true, preventScroll: true});
        const label = control.labels?.[0];
        return document.activeElement !== control || control.tabIndex !== 0
            || ![[control], [control, "::before"], [control, "::after"], [label, "::before"]].some(
                ([element, part]) => element && drawn(getComputedStyle(element, part)));
    }).map((control) => control.outerHTML.slice(0, 160));
}"""

# An error summary took the focus as the page opened, and Tab would go on from there.
FROM_THE_TOP = (
    "() => { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); }"
)


class Inspector:
    """`inspect(page)` looks at the page as it stands, on a wide screen then on a phone; `inspect.verdict()` fails with
    all that was found, so that one run tells everything.
    """

    def __init__(self, axe: Callable[..., None]):
        self.axe = axe
        self.found: list[str] = []
        self.titles: dict[str, str] = {}
        self.count = 0

    def __call__(self, page: Page, *, wrong: bool = False, ours: bool = True, exclude: Sequence[str] = ()) -> None:
        """wrong: its form was refused. ours: on our own layout. exclude: what axe leaves out, being someone else's."""
        self.count += 1
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            try:
                self.axe(page, exclude)
            except AssertionError as violations:
                self._note(page, f"à {size['width']} px\n{violations}")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            self._note(page, "défile de côté sur un téléphone")
        page.set_viewport_size(DESKTOP)
        self._check_title(page, wrong)
        if page.locator("h1").count() != 1:
            self._note(page, f"titres de niveau 1 : {page.locator('h1').all_inner_texts()}")
        told = page.locator("main .fr-alert--error").all_inner_texts()
        if len(told) != len(set(told)):
            self._note(page, f"dit deux fois la même erreur : {told}")
        if page.locator("html").get_attribute("lang") != "fr":
            self._note(page, "n’est pas dite en français")
        if ours:
            self._check_keyboard(page)

    def _check_title(self, page: Page, wrong: bool) -> None:
        title, path = page.title(), self._kind_of_page(page)
        if title.startswith("Erreur") != wrong:
            self._note(page, f"le titre {'ne commence pas' if wrong else 'commence'} par « Erreur » : {title}")
        if not wrong:
            other = self.titles.setdefault(title, path)
            if other != path:
                self._note(page, f"a le même titre que {other} : {title}")

    def _check_keyboard(self, page: Page) -> None:
        page.evaluate(FROM_THE_TOP)
        page.keyboard.press("Tab")
        first = page.locator(":focus")
        if first.count() != 1 or not first.evaluate("link => Boolean(link.closest('.fr-skiplinks'))"):
            self._note(page, "le premier arrêt de Tab n’est pas un lien d’évitement")
        for target in page.locator(".fr-skiplinks a").evaluate_all("links => links.map(a => a.hash)"):
            if page.locator(target).count() != 1:
                self._note(page, f"le lien d’évitement {target} ne mène nulle part")
        if page.locator("[tabindex]:not([tabindex='0'], [tabindex^='-'])").count():
            self._note(page, "change l’ordre de la tabulation")
        for control in page.evaluate(UNSEEN_FOCUS):
            self._note(page, f"le focus ne se voit pas : {control}")

    def _note(self, page: Page, problem: str) -> None:
        self.found.append(f"{self._kind_of_page(page)} : {problem}")

    @staticmethod
    def _kind_of_page(page: Page) -> str:
        """Its path, whatever it is about: two dossiers, two links."""
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/avis/)[^/]+", "…", urlsplit(page.url).path)

    def verdict(self) -> None:
        assert self.count, "aucune page inspectée"
        assert not self.found, "\n\n".join(dict.fromkeys(self.found))
