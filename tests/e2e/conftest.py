"""More than one person in a test. No import of the portal here: it is not set up yet when pytest reads this."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import visit


@pytest.fixture
def visitor(browser: Browser, request: pytest.FixtureRequest, live_portal: str):
    """`visitor()` opens a browser of their own for one more person; `visitor(user)`, for one who is signed in."""
    from tests.e2e.people import session_of

    with ExitStack() as stack:

        def arrive(user=None, **options) -> Page:
            page = stack.enter_context(contextmanager(visit)(browser, request, base_url=live_portal, **options))
            if user:
                page.context.add_cookies([session_of(user, live_portal)])
            return page

        yield arrive
