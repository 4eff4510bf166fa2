"""The real servers that the tests run on: PostgreSQL, Valkey, an SMTP server and an S3 server, one of each per run.

They are started before Django reads its settings and named to it by environment variables, as in production.
"""

import asyncio
import email
import email.policy
import logging
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from portal.embedded.postgres import Postgres
from portal.embedded.processes import Child, free_port, listening_socket
from portal.embedded.redis import Redis

CHECKOUT = Path(__file__).resolve().parents[1]
DATABASE = "portail"


class MailSink:
    """An SMTP server that keeps what it receives. aiosmtpd handler and server at once, in a thread of the tests."""

    def __init__(self) -> None:
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every line of every dialogue
        self.messages: list[EmailMessage] = []
        self._listener = listening_socket()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="smtp", daemon=True)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def clear(self) -> None:
        self.messages.clear()

    def sent_to(self, address: str) -> list[EmailMessage]:
        return [message for message in list(self.messages) if address in message.get_all("X-Envelope-To")]

    def wait_for(self, count: int = 1, *, to: str | None = None, timeout: float = 20.0) -> list[EmailMessage]:
        """The messages (those to one address), as soon as there are `count` of them."""
        deadline = time.monotonic() + timeout
        while True:
            messages = self.sent_to(to) if to else list(self.messages)
            if len(messages) >= count:
                return messages
            if time.monotonic() > deadline:
                received = [(message["X-Envelope-To"], message["Subject"]) for message in self.messages]
                raise AssertionError(f"{len(messages)} mail(s) instead of {count} after {timeout} s; got: {received}")
            time.sleep(0.05)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (its name)
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        for address in envelope.rcpt_tos:
            message.add_header("X-Envelope-To", address)
        message.add_header("X-Envelope-From", envelope.mail_from)
        self.messages.append(message)
        return "250 OK"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(
                lambda: SMTP(self, enable_SMTPUTF8=True, hostname="localhost", loop=self._loop), sock=self._listener
            )
        )
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


class S3Server:
    """rclone's S3 server on a folder: it checks the signatures of requests and of private links, and their expiry."""

    bucket = "portail-tests"
    region = "us-east-1"
    access_key = "cle-des-tests"

    def __init__(self, folder: Path, log: Path):
        self.folder = folder
        self.log = log
        self.secret_key = secrets.token_hex(16)
        self.endpoint_url = ""
        self.child: Child | None = None

    def start(self) -> None:
        (self.folder / self.bucket).mkdir(parents=True)
        port = free_port()
        self.endpoint_url = f"http://127.0.0.1:{port}"
        program = Path(sys.executable).with_name("rclone")
        command = [program, "serve", "s3", "--addr", f"127.0.0.1:{port}"]
        command += ["--auth-key", f"{self.access_key},{self.secret_key}", "--config", os.devnull, self.folder]
        self.child = Child("S3", command, log=self.log)
        self.child.start()
        self.child.wait_until(self._answers)

    def stop(self) -> None:
        if self.child:
            self.child.stop()

    def _answers(self) -> bool:
        try:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.endpoint_url, timeout=2).close()
        except urllib.error.HTTPError as refusal:  # unsigned: as it should be
            refusal.close()
        except OSError:
            return False
        return True


class Servers:
    """All of them, in one temporary folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="psj-tests-"))
        self.folder.chmod(0o711)  # PostgreSQL's user goes through
        (self.folder / "static").mkdir()
        logs = self.folder / "log"
        self.postgres = Postgres(self.folder / "postgres", logs / "postgres.log", durable=False)
        self.redis = Redis(self.folder / "valkey", logs / "valkey.log", durable=False)
        self.s3 = S3Server(self.folder / "s3", logs / "s3.log")
        self.mail = MailSink()
        self.live_port = free_port()

    def start(self) -> None:
        for server in (self.postgres, self.redis, self.s3, self.mail):
            server.start()
        self.postgres.create_database(DATABASE)

    def stop(self) -> None:
        for server in (self.mail, self.s3, self.redis, self.postgres):
            server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self, database: str = DATABASE) -> dict[str, str]:
        """What the portal reads. Django's tests make a database of their own beside `DATABASE`."""
        return {
            "DATABASE_URL": self.postgres.url(database),
            "CONN_MAX_AGE": "0",
            "REDIS_URL": self.redis.url,
            "EMAIL_URL": self.mail.url,
            "S3_ENDPOINT_URL": self.s3.endpoint_url,
            "S3_BUCKET": self.s3.bucket,
            "S3_REGION": self.s3.region,
            "S3_ACCESS_KEY": self.s3.access_key,
            "S3_SECRET_KEY": self.s3.secret_key,
            "MEDIA_ROOT": str(self.folder / "media"),
            "STATIC_ROOT": str(self.folder / "static"),
            "BEAT_SCHEDULE_FILE": str(self.folder / "celerybeat-schedule"),
            "SITE_URL": f"http://127.0.0.1:{self.live_port}",
        }


def worker(servers: Servers, database: str) -> Child:
    """A real Celery worker on the tests' database."""
    command = [sys.executable, "-m", "celery", "-A", "portal", "worker", "--concurrency", "1", "--loglevel", "INFO"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Child(
        "Celery",
        command,
        log=servers.folder / "log" / f"worker-{secrets.token_hex(4)}.log",
        env=os.environ | servers.environment(database),
        cwd=CHECKOUT,
    )
