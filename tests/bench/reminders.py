"""How fast a whole campaign is reminded: 100,000 open dossiers with 800,000 annexes, on PostgreSQL.

    reminders.claimed_per_s      reminders claimed and queued a second by one planner
    reminders.vs_select.ratio    its time over that of a plain SELECT of the same due rows
    reminders.peak_rss_mb        what the planner's process takes at its height
    outbox.mails_per_s           two workers: claimed, written (text and HTML), sent to a local SMTP server, recorded

`python -m tests.bench.reminders STEP` is one of its processes; `make bench-reminders` runs them all.
REMINDERS_BENCH_DOSSIERS: fewer of them, for a try.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from datetime import timedelta

DOSSIERS = int(os.environ.get("REMINDERS_BENCH_DOSSIERS", "100000"))
OFFERS = max(1, DOSSIERS // 200)
TURNS = 20
ANNEXES = ("'sent'", "'sent'", "'sent'", "'sent'", "'opened'", "'opened'", "'signed'", "'to_send'")
KIND = "assistant-specialiste-regional"  # eight annexes
MAILED = 450  # dossiers whose mails leave: seven each
DOMAINS = 1000


def by_day():
    """The planner's instant: a noon, seven days before every deadline."""
    from tests.factories import by_day

    return by_day()


# The data


def fill() -> None:
    from django.db import connection

    from applications.models import Application
    from dossiers.models import Annex, Dossier
    from dossiers.spec import get_spec
    from offers.models import Offer
    from portal.accounts.models import User
    from tests import factories as make

    now = by_day()
    keys = [annex.key for annex in get_spec(KIND, {}).annexes]
    application = make.ApplicationFactory(offer=make.OfferFactory(kind=KIND, parameters={}))
    annex = make.invited_annex(application, key=keys[0])
    deadline = make.end_of_day((now + timedelta(days=7)).date())
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no triggers: these rows are made in bulk
        ours = "md5('%s' || n)::uuid"
        multiply(cursor, Offer, application.offer, OFFERS, id="1000 + n", deadline=f"'{deadline.isoformat()}'")
        multiply(cursor, User, application.candidate, DOSSIERS, id="1000 + n", email=address("candidat"))
        begun = {"created_at": "now() - interval '60 days'"}
        multiply(cursor, Dossier, application.dossier, DOSSIERS, id=ours % "d", owner="1000 + n", **begun)
        dossier = {
            "dossier": ours % "d",
            "candidate": "1000 + n",
            "offer": f"1000 + (n - 1) * {OFFERS} / {DOSSIERS} + 1",
        }
        multiply(cursor, Application, application, DOSSIERS, id=ours % "a", **dossier, **begun)
        for place, (key, state) in enumerate(zip(keys, ANNEXES, strict=True)):
            sent = {f"{name}_at": "now() - interval '50 days'" for name in ("sent", "renewed")}
            own = {"id": ours % f"x{place}", "dossier": ours % "d", "key": f"'{key}'", "state": state}
            links = {
                "link_hash": f"md5('{place}' || n) || md5('l{place}' || n)",
                "signatory_email": address(f"avis{place}"),
            }
            multiply(cursor, Annex, annex, DOSSIERS, **own, **links, **sent)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


def address(name: str) -> str:
    return f"'{name}' || n || '@d' || n %% {DOMAINS} || '.example.org'"


def multiply(cursor, model, template, count: int, **expressions: str) -> None:
    """Rows like this one, numbered from 1, with these columns as SQL expressions of the number."""
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    unique = [field.name for field in fields if field.unique and not field.primary_key and not field.null]
    given = dict.fromkeys(unique, "'nombre-' || n") | expressions
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(given.get(field.name, f'template."{field.column}"') for field in fields)
    table = model._meta.db_table
    cursor.execute(
        f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} template, generate_series(1, %s) n"
        " WHERE template.id = %s",
        [count, template.pk],
    )


# The planner


def plan() -> None:
    """In a process of its own, as in a worker: prints what it took.

    In turns, some offers at a time: the plain SELECT, the planner, the SELECT again. What the machine is doing hits
    both alike.
    """
    from applications.reminders import claiming, planner

    now = by_day()
    planner.ensure_rules(planner.offers_without_rules())
    plans = list(planner.draft_plans(now))
    count = claimed = selected = 0
    for turn in range(TURNS):
        mine = [plan for plan in plans if plan.offer % TURNS == turn]
        before = _select(mine, now)
        started = time.perf_counter()
        queued = claiming.claim_drafts(mine, now)
        claimed += time.perf_counter() - started
        after = _select(mine, now)
        if not before[0] == queued == after[0]:
            sys.exit(f"{queued} reminders were claimed, {before[0]} and {after[0]} are due.")
        count += queued
        selected += (before[1] + after[1]) / 2
    again = time.perf_counter()
    if planner.queue_due(now):
        sys.exit("The planner queued twice.")
    again = time.perf_counter() - again
    print(
        f"{count} claimed in {claimed:.1f} s, selected in {selected:.1f} s, looked at again in {again:.1f} s",
        file=sys.stderr,
    )
    print(f"reminders.claimed_per_s={count / claimed:.0f}")
    print(f"reminders.vs_select.ratio={claimed / selected:.2f}")
    print(f"reminders.peak_rss_mb={resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


def _select(plans, now) -> tuple[int, float]:
    """The due rows alone, in one query, read as they come: how many, and the seconds."""
    from django.db import connection, transaction

    from applications.reminders import claiming

    parameters = claiming.parameters(plans, now) | {"size": 10**9}
    started, rows = time.perf_counter(), 0
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(claiming.due_drafts(), parameters)
        while chunk := cursor.fetchmany(2000):
            rows += len(chunk)
    return rows, time.perf_counter() - started


# The outbox


def prepare_mail() -> None:
    """Seven mails of each of some dossiers are due, in a long queue of others; their links are real ones."""
    from django.utils import timezone

    from applications.models import Application
    from dossiers import signing
    from dossiers.models import Annex
    from portal.notifications.models import Mail

    drafts = Application.objects.filter(offer__gt=1000).order_by("offer", "pk")[:MAILED]
    dossiers = [draft.dossier_id for draft in drafts]
    annexes = list(Annex.objects.filter(dossier__in=dossiers, state__in=Annex.WAITING))
    for annex in annexes:
        annex.link_hash = signing.link_hash(signing.link_secret(annex))
    Annex.objects.bulk_update(annexes, ["link_hash"], batch_size=500)
    now = timezone.now()
    Mail.objects.update(next_attempt_at=now + timedelta(days=1), quiet_until=None)
    due = Mail.objects.filter(thread__in=dossiers)
    due.update(next_attempt_at=now)
    for mail in due.filter(kind="signatory_reminder"):
        annex = next(annex for annex in annexes if str(annex.pk) == mail.payload["annex"])
        mail.payload["link_hash"] = annex.link_hash
        mail.save(update_fields=["payload"])
    print(due.count())


def drain() -> None:
    from portal.notifications.tasks import drain_outbox

    print("ready", flush=True)
    sys.stdin.readline()
    tried = 0
    while count := drain_outbox():  # a task lasts two minutes at most
        tried += count
    print(tried, flush=True)


def verify() -> None:
    from portal.notifications.models import Mail

    print(Mail.objects.filter(state=Mail.State.SENT).count())


if __name__ == "__main__":
    import django

    django.setup()
    {"fill": fill, "plan": plan, "prepare": prepare_mail, "drain": drain, "verify": verify}[sys.argv[1]]()
