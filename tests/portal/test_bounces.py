"""Mails that come back after they were accepted: reports as real servers write them, one address noted once."""

from __future__ import annotations

import io
import socket
import sys
from imaplib import IMAP4
from pathlib import Path

import pytest
from django.core.management import call_command

from dossiers.models import Annex
from portal.embedded.processes import Child, free_port
from portal.notifications import bounces
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox, read_bounces
from tests import factories as make

pytestmark = pytest.mark.django_db
CORPUS = Path(__file__).with_name("bounces")
REPORTS = sorted(path.name for path in CORPUS.glob("*.eml"))
FAILURES = [name for name in REPORTS if not name.startswith(("delay", "vacation", "policy"))]


@pytest.fixture
def sent(smtp_sink) -> Mail:
    """A request that its server accepted."""
    make.invited_annex(make.ApplicationFactory(), signatory_email="parti@example.org")
    drain_outbox()
    return Mail.objects.get(kind="signatory_request")


def report(name: str, mail: Mail) -> bytes:
    """A report of the corpus, about this mail."""
    text = (CORPUS / name).read_text()
    return text.replace("@@MESSAGE-ID@@", mail.message_id).replace("@@NAME@@", mail.name).encode()


@pytest.mark.parametrize("name", FAILURES)
def test_a_report_makes_its_mail_bounce_and_says_so_on_the_dossier(name, sent):
    assert bounces.read(report(name, sent)) == sent
    sent.refresh_from_db()
    assert sent.state == Mail.State.BOUNCED
    assert Annex.objects.get().state == Annex.State.BOUNCED
    assert Mail.objects.filter(kind="annex_bounced").count() == 1
    assert bounces.read(report(name, sent)) is None  # read twice
    assert Mail.objects.filter(kind="annex_bounced").count() == 1


@pytest.mark.parametrize("name", ["delay-postfix.eml", "vacation.eml"])
def test_what_is_no_failure_changes_nothing(name, sent):
    assert bounces.read(report(name, sent)) is None
    sent.refresh_from_db()
    assert sent.state == Mail.State.SENT


def test_a_refusal_of_what_we_are_is_no_dead_address(sent):
    assert bounces.read(report("policy-postfix.eml", sent)) == sent
    sent.refresh_from_db()
    assert (sent.state, Annex.objects.get().state) == (Mail.State.FAILED, Annex.State.SENT)
    assert "5.7.1" in sent.last_error


def test_what_the_server_said_is_kept(sent):
    bounces.read(report("postfix.eml", sent))
    sent.refresh_from_db()
    assert "550 5.1.1" in sent.last_error


def test_who_does_not_know_the_message_makes_nothing_bounce(sent):
    forged = report("postfix.eml", sent).replace(str(sent.uid).encode(), b"00000000-0000-4000-8000-000000000000")
    assert bounces.read(forged) is None
    assert bounces.read(report("postfix.eml", sent).replace(b"parti@example.org", b"autre@example.org")) is None
    assert bounces.read(b"") is None
    assert bounces.read(b"\xff\xfe\x00 rien de lisible") is None
    sent.refresh_from_db()
    assert sent.state == Mail.State.SENT


def test_the_pipe_of_a_mail_server_gives_one_message(sent, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(report("postfix.eml", sent))))
    call_command("read_bounces")
    assert "Adresse refusée" in capsys.readouterr().out
    sent.refresh_from_db()
    assert sent.state == Mail.State.BOUNCED


@pytest.fixture
def mailbox(settings, tmp_path):
    """A real IMAP server; a function that puts messages in its box."""
    port = free_port()
    command = [Path(sys.executable).with_name("pymap"), "--host", "127.0.0.1", "--port", port, "--no-tls", "dict"]
    command += ["--demo-data", "--demo-user", "retours", "--demo-password", "p@sse"]
    server = Child("IMAP", [str(word) for word in command], log=tmp_path / "imap.log")
    server.start()

    def answers() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as found:
                return found.recv(4) == b"* OK"
        except OSError:
            return False

    server.wait_until(answers)
    settings.BOUNCE_MAILBOX = f"imap://retours:p%40sse@127.0.0.1:{port}/INBOX"

    def put(*messages: bytes) -> None:
        with IMAP4("127.0.0.1", port) as box:
            box.login("retours", "p@sse")
            for message in messages:
                box.append("INBOX", "", None, message)

    yield put
    server.stop()


def test_a_mailbox_is_read_once(mailbox, sent):
    read_bounces()  # what the server comes with
    mailbox(report("vacation.eml", sent), b"\xff illisible", report("exim.eml", sent))
    assert [read_bounces(), read_bounces()] == [3, 0]
    sent.refresh_from_db()
    assert sent.state == Mail.State.BOUNCED


def test_without_a_mailbox_nothing_is_read(settings):
    settings.BOUNCE_MAILBOX = ""
    assert read_bounces() == 0


def test_mails_leave_with_an_address_that_brings_them_back(settings, smtp_sink):
    settings.BOUNCE_ADDRESS = "retours@portail.example.org"
    make.invited_annex(make.ApplicationFactory())
    drain_outbox()
    mail = Mail.objects.get(kind="signatory_request")
    [message] = smtp_sink.messages
    assert message["X-Envelope-From"] == f"retours+{mail.name}@portail.example.org"
    assert message["From"] == settings.DEFAULT_FROM_EMAIL  # what people read does not change
