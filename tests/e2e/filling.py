"""Fill in the real form of any section, each control after its own type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Locator, Page

from portal.forms import flatten


def fill(page: Page, raw: Mapping[str, Any], prefix: str = "") -> None:
    """Type these raw answers. `prefix`: that of the form's names, where it has one."""
    for name, values in flatten(raw, prefix).lists():
        if not name.endswith("-rows"):  # how many rows a table has: the page knows
            _answer(page, name, values)


def _answer(page: Page, name: str, values: list[str]) -> None:
    control = page.locator(f'[name="{name}"]')
    match control.first.evaluate("control => control.type"):
        case "radio":
            tick(page.locator(f'[name="{name}"][value="{values[0]}"]'))
        case "checkbox":
            for value in values:
                tick(control if value == "on" else page.locator(f'[name="{name}"][value="{value}"]'))
        case "select-one":
            control.select_option(values[0])
        case _:
            control.fill(values[0])


def tick(control: Locator) -> None:
    """A click on the label: the design system draws the boxes there."""
    if not control.is_checked():
        control.page.locator(f'label[for="{control.get_attribute("id")}"]').click(position={"x": 2, "y": 2})
    assert control.is_checked()
