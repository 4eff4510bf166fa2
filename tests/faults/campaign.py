"""A small campaign with real processes, killed at random moments; a mail server that counts.

Two workers, beat, the broker and the database's connections die of `kill -9` (connections: pg_terminate_backend).
Nothing may be lost, and a mail may come twice only if a worker or its connection died between the server's 250 and
the record.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from portal.embedded.processes import Child
from portal.embedded.redis import Redis
from tests.servers import CHECKOUT, MailSink

# Seconds, around the moment at which the mail server agrees, in which the death of a worker explains a double: it had
# handed over the whole mail and died before the 250, or after it and before the record.
WINDOW = (-1.0, 3.0)
PATIENCE = 240.0
SLOWNESS = 0.03  # of the mail server, before its 250
DEADLY = {"worker"}  # for a mail that has left: a connection that dies is replaced, and the mail recorded


class CountingServer(MailSink):
    """It keeps who got what and when, is slow to agree, and tells when it just has."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[tuple[float, str]] = []
        self.agreed = threading.Event()

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 (its name)
        await asyncio.sleep(SLOWNESS)
        answer = await super().handle_DATA(server, session, envelope)
        self.received.append((time.monotonic(), self.messages[-1]["Message-ID"]))
        self.agreed.set()
        return answer


@dataclass
class Outcome:
    """What one run did: kills by victim, mails expected, those that never came, those that came again."""

    kills: Counter = field(default_factory=Counter)
    mails: int = 0
    lost: int = 0
    doubles: int = 0
    unexplained: int = 0  # doubles without a death in their window
    remarks: list[str] = field(default_factory=list)  # what there is to know of the unexplained

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.kills + other.kills,
            *(getattr(self, name) + getattr(other, name) for name in ("mails", "lost", "doubles", "unexplained")),
            self.remarks + other.remarks,
        )

    def __str__(self) -> str:
        kills = ", ".join(f"{victim} {count}" for victim, count in sorted(self.kills.items()))
        figures = f"mails={self.mails} lost={self.lost} doubles={self.doubles} unexplained={self.unexplained}"
        return "\n".join([f"kills={self.kills.total()} ({kills}) {figures}", *self.remarks])


class Campaign:
    """environment: of the processes, whose database holds nothing else."""

    def __init__(self, folder: Path, environment: dict[str, str], seed: int):
        self.chance = random.Random(seed)
        self.folder = folder
        self.mail = CountingServer()
        self.broker = Redis(folder / "broker", folder / "broker.log", durable=False)
        self.environment = environment
        self.deaths: list[tuple[float, str]] = []
        self.children: dict[str, Child] = {}

    def run(self, dossiers: int, kills: int) -> Outcome:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.mail.start()
        self.broker.start()
        self.environment |= {"REDIS_URL": self.broker.url, "EMAIL_URL": self.mail.url}
        try:
            begin(dossiers)
            self._start_all()
            for _ in range(kills):
                self._kill_one()
            self._settle()
            return self._count(2 * dossiers)
        finally:
            for child in [*self.children.values(), self.broker]:
                child.stop()
            self.mail.stop()

    # Processes

    def _start_all(self) -> None:
        celery = [sys.executable, "-m", "celery", "-A", "tests.faults.app"]
        alone = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
        worker = [*celery, "worker", "--concurrency", "1", *alone]
        schedule = self.folder / "schedule"
        self._start("worker 1", [*worker, "--hostname", "one@%h"])
        self._start("worker 2", [*worker, "--hostname", "two@%h"])
        self._start("beat", [*celery, "beat", "--pidfile=", "--max-interval", "1", "--schedule", schedule])
        self._wait_for(lambda: self.mail.received, "the first mail")

    def _start(self, name: str, command: list) -> None:
        log = self.folder / f"{name.replace(' ', '-')}.log"
        self.children[name] = Child(name, command, log=log, env=os.environ | self.environment, cwd=CHECKOUT)
        self.children[name].start()

    def _kill_one(self) -> None:
        """At any moment, or just when the mail server has agreed."""
        if self.chance.random() < 0.5:
            self.mail.agreed.clear()
            self.mail.agreed.wait(1.0)
        else:
            time.sleep(self.chance.uniform(0.0, 1.5))
        victim = self.chance.choice(["worker 1", "worker 2", "worker 1", "worker 2", "beat", "broker", "connections"])
        self.deaths.append((time.monotonic(), victim.split()[0]))
        if victim == "connections":
            end_connections()
        else:
            child = self.broker.child if victim == "broker" else self.children[victim]
            kill(child)
            time.sleep(self.chance.uniform(0.0, 0.3))
            child.start()

    def _settle(self) -> None:
        """Everybody dies, the claims of the dead are over (ten minutes are waited for by decree), and work goes on."""
        for child in self.children.values():
            self.deaths.append((time.monotonic(), child.name.split()[0]))
            kill(child)
        end_connections()
        self._wait_for(nobody_is_connected, "the end of their connections")
        end_claims()
        for child in self.children.values():
            child.start()
        self._wait_for(nothing_waits, "the last mail")

    def _wait_for(self, done, what: str) -> None:
        until = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > until:
                logs = "\n".join(child.log_tail(40) for child in self.children.values())
                raise AssertionError(f"{what} did not come.\n{logs}")
            time.sleep(0.1)

    # What came of it

    def _count(self, expected: int) -> Outcome:
        arrivals: dict[str, list[float]] = {}
        for at, identifier in self.mail.received:
            arrivals.setdefault(identifier, []).append(at)
        outcome = Outcome(Counter(victim for _, victim in self.deaths), expected)
        outcome.lost = expected - len(arrivals)
        for identifier, times in arrivals.items():
            for at in times[:-1]:
                outcome.doubles += 1
                around = [victim for death, victim in self.deaths if WINDOW[0] <= death - at < WINDOW[1]]
                if not DEADLY.intersection(around):
                    outcome.unexplained += 1
                    outcome.remarks.append(self._remark(identifier, times))
        return outcome

    def _remark(self, identifier: str, times: list[float]) -> str:
        deaths = ", ".join(f"{victim} {death - times[0]:+.2f} s" for death, victim in self.deaths)
        again = ", ".join(f"{at - times[0]:+.2f} s" for at in times[1:])
        return f"  {identifier} came again after {again}; deaths: {deaths}"


def kill(child: Child) -> None:
    """`kill -9` of the process and of those it started, and the end of them."""
    os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait(10)


# The database


def begin(dossiers: int) -> None:
    """Drafts begun a week ago, with a request sent, to an offer that closes within the day: due at any hour."""
    from django.utils import timezone

    from applications.models import Application
    from applications.reminders.models import ReminderRule
    from applications.reminders.rules import ensure_rules
    from dossiers.models import Annex
    from portal.notifications.models import Mail
    from tests import factories as make

    begun = timezone.now() - timedelta(days=7)
    offer = make.OfferFactory(deadline=timezone.now() + timedelta(hours=20))
    ensure_rules([offer])
    ReminderRule.objects.filter(offer=offer).update(days_before=[2])
    for number in range(dossiers):
        application = make.ApplicationFactory(offer=offer, candidate__email=f"candidat@d{number}.example.org")
        make.invited_annex(application, signatory_email=f"avis@d{number}.example.org")
    Application.objects.filter(offer=offer).update(created_at=begun)
    Annex.objects.filter(dossier__application__offer=offer).update(sent_at=begun, renewed_at=begun)
    Mail.objects.all().delete()


def end_connections() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def nobody_is_connected() -> bool:
    """What the dead had sent to the database is done, or undone."""
    from django.db import connection

    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with connection.cursor() as cursor:
        cursor.execute(others)
        return cursor.fetchone() == (0,)


def end_claims() -> None:
    from django.utils import timezone

    from portal.notifications.models import Mail

    Mail.objects.filter(state=Mail.State.PENDING).update(next_attempt_at=timezone.now())


def nothing_waits() -> bool:
    """Everything that is due is claimed, and every mail has left."""
    from applications.models import Application, Reminder
    from portal.notifications.models import Mail

    due = 2 * Application.objects.count()
    return Reminder.objects.count() == due and not Mail.objects.filter(state=Mail.State.PENDING).exists()
