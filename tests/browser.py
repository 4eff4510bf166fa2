"""A real browser (Debian's Chromium, driven by Playwright) and the accessibility checks of axe."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Route, sync_playwright

CHECKOUT = Path(__file__).resolve().parents[1]
ARTIFACTS = CHECKOUT / "var" / "test-artifacts"
AXE_FOLDER = CHECKOUT / "node_modules" / "axe-core"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "RGAAv4", "best-practice"]
OUR_ADDRESSES = re.compile(r"^(https?://(127\.0\.0\.1|localhost)(:\d+)?(/|$)|data:|blob:|about:)")
CHROMIUM_OPTIONS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-gpu",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
PHONE = {"width": 375, "height": 740}
DESKTOP = {"width": 1280, "height": 900}


def launch(playwright: Playwright) -> Browser:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail("Chromium est introuvable : « make test » l’installe, ou dit comment.")
    options = CHROMIUM_OPTIONS + (["--no-sandbox"] if os.geteuid() == 0 else [])
    return playwright.chromium.launch(executable_path=program, args=options)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in our thread, which Django takes for asynchronous code of ours.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new visitor, in French and in Paris. Calls to the outside and errors in the console fail the test."""
    yield from visit(browser, request)


@pytest.fixture
def phone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The same on a small screen."""
    yield from visit(browser, request, viewport=PHONE, is_mobile=True, has_touch=True)


@pytest.fixture
def page_without_javascript(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    yield from visit(browser, request, java_script_enabled=False)


@pytest.fixture(scope="session")
def axe() -> Callable[..., None]:
    """`axe(page)` fails when axe finds anything (WCAG A and AA, RGAA 4, best practices), and says what and where.

    `axe(page, exclude=["selector"])` leaves out what is not ours.
    """
    source = (AXE_FOLDER / "axe.min.js").read_text()
    french = json.loads((AXE_FOLDER / "locales" / "fr.json").read_text())

    def check(page: Page, exclude: Sequence[str] = ()) -> None:
        page.evaluate(source)  # not a script element: the page's own security policy stays in force
        violations = page.evaluate(
            """async ([locale, tags, exclude]) => {
                axe.configure({locale});
                const runOnly = {type: "tag", values: tags};
                return (await axe.run({exclude}, {runOnly, resultTypes: ["violations"]})).violations;
            }""",
            [french, AXE_TAGS, list(exclude)],
        )
        assert not violations, f"{page.url}\n{_described(violations)}"

    return check


def visit(browser: Browser, request: pytest.FixtureRequest, **options) -> Iterator[Page]:
    options.setdefault("viewport", DESKTOP)
    context = browser.new_context(locale="fr-FR", timezone_id="Europe/Paris", **options)
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints = _watched(context)
    yield page
    if getattr(request.node, "failed", False):
        _keep_picture(page, request.node.nodeid)
    context.close()
    assert not complaints, "\n".join(complaints)


def _watched(context: BrowserContext) -> list[str]:
    complaints: list[str] = []

    def stay_home(route: Route) -> None:
        complaints.append(f"La page appelle l’extérieur : {route.request.url}")
        route.abort()

    def listen(message: ConsoleMessage) -> None:
        # A 404 or 403 that the test asked for, a connection that it cut.
        expected = re.search(r"Failed to load resource|^htmx:(sendError|afterRequest)", message.text)
        if message.type == "error" and not expected:
            complaints.append(f"Console du navigateur : {message.text} ({message.location.get('url')})")

    context.route(lambda url: not OUR_ADDRESSES.match(url), stay_home)
    context.on("console", listen)
    context.on("weberror", lambda error: complaints.append(f"Erreur JavaScript : {error.error}"))
    return complaints


def _keep_picture(page: Page, test: str) -> None:
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", test)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)
    (ARTIFACTS / f"{name}.html").write_text(page.content())


def _described(violations: list[dict]) -> str:
    lines = []
    for violation in violations:
        lines.append(f"- {violation['id']} ({violation['impact']}) : {violation['help']}")
        for node in violation["nodes"][:5]:
            lines.append(f"    {' '.join(map(str, node['target']))}\n      {node['html'][:200]}")
            lines.append("      " + node["failureSummary"].replace("\n", "\n      "))
    return "\n".join(lines)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    report = yield
    if report.when == "call" and report.failed:
        item.failed = True
    return report
