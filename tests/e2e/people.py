"""What the people of these tests do: sign in, read their mail, come back to a page."""

from __future__ import annotations

import re
import time
from email.message import EmailMessage

from allauth.account.models import EmailAddress
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from portal.accounts.models import User
from tests.e2e.filling import tick
from tests.servers import MailSink

PASSWORD = "mot-de-passe-des-tests"  # of all accounts made by tests.factories
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def session_of(user: User, address: str) -> dict[str, str]:
    """The cookie of a session, for those whose signing in is not what the test is about."""
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": address}


def verified(user: User) -> User:
    """An account that signs in with its password."""
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def sign_in(page: Page, user: User) -> None:
    page.goto("/compte/login/")
    page.locator("[name=login]").fill(user.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Se connecter").click()


def letter(sink: MailSink, to: str, subject: str, timeout: float = 20.0) -> EmailMessage:
    """The mail received at this address whose subject contains these words, as soon as it is there."""
    deadline = time.monotonic() + timeout
    while True:
        for message in sink.sent_to(to):
            if subject in message["Subject"]:
                return message
        assert time.monotonic() < deadline, f"{to} : {[message['Subject'] for message in sink.sent_to(to)]}"
        time.sleep(0.05)


def link_in(message: EmailMessage) -> str:
    [link] = re.findall(rf"{settings.SITE_URL}/\S+", message.get_body(("plain",)).get_content())
    return link


def reload_until(page: Page, sight: str, timeout: float = 20.0) -> None:
    """Reload the page, as the person would, until these words are on it."""
    deadline = time.monotonic() + timeout
    while page.get_by_text(sight).count() == 0:
        assert time.monotonic() < deadline, f"« {sight} » n’apparaît pas sur {page.url}"
        time.sleep(0.2)
        page.reload()


def sign_with_code(page: Page, sink: MailSink, address: str) -> None:
    """From the filled form of an opinion to its signature, with the code that comes by mail."""
    page.get_by_role("button", name="Relire et signer").click()
    page.get_by_role("heading", name="Signer votre avis").wait_for()
    text = letter(sink, address, "code pour signer").get_body(("plain",)).get_content()
    [code] = re.findall(r"^(\d{6})\s*$", text, re.MULTILINE)
    page.locator("[name=code]").fill(code)
    tick(page.locator("[name=certified]"))
    page.get_by_role("button", name="Signer mon avis").click()
