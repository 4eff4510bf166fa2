"""`python -m tests.bench [AREA…]`: how fast the pages are, beside a minimal Django page on the same servers.

Both are served by gunicorn with the portal's own settings, on the same database, in the same run, in turns: what the
machine is doing hits both alike, and the medians are compared. Prints one `key=value` per figure; details on stderr.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from portal.embedded.postgres import Postgres
from portal.embedded.processes import Child, free_port
from portal.embedded.redis import Redis
from portal.embedded.smtp import MailServer
from tests.bench.load import Measure

CHECKOUT = Path(__file__).resolve().parents[2]
ROUNDS = 9
SECONDS_PER_ROUND = 1.2
AREAS = {
    "offers": ["offers.list", "offers.detail", "offers.search"],
    "dossier": ["dossier.page"],
    "pdf": [],
    "reminders": [],
}
QUICK = ["offers", "dossier"]  # without a wish: under five minutes (documents take longer: `make bench-pdf`)
# Measured twice; the ratio of a search, whose words few people share, is always without cache. "Without cache": no page
# is kept; what a process keeps of the offers under their revision (offers/index.py) stays, as an index of the database.
WITHOUT_CACHE = {"offers.list", "offers.detail"}
NEVER_CACHED = {"offers.search"}


@dataclass
class Target:
    port: int
    path: str
    cookie: str = ""


def main(areas: list[str]) -> None:
    unknown = set(areas) - set(AREAS)
    if unknown:
        sys.exit(f"Unknown area: {', '.join(unknown)}. There are: {', '.join(AREAS)}.")
    pages = [page for area in areas or QUICK for page in AREAS[area]]
    if pages:
        _measure_pages(pages)
    if "pdf" in areas:
        _measure_documents()
    if "reminders" in areas:
        _measure_reminders()


def _measure_documents() -> None:
    """Without servers: see tests/bench/pdf.py."""
    with _temporary_folder() as folder:
        environment = {"DJANGO_SETTINGS_MODULE": "portal.settings.dev", "MEDIA_ROOT": f"{folder}/media"}
        subprocess.run(
            [sys.executable, "-m", "tests.bench.pdf"], cwd=CHECKOUT, env=os.environ | environment, check=True
        )


def _measure_reminders() -> None:
    """The planner, then two workers: see tests/bench/reminders.py."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(_temporary_folder()))
        environment = _start_servers(stack, folder)
        mail = MailServer(folder / "mail", folder / "mail.log")
        stack.callback(mail.stop)
        mail.start()
        environment |= {"EMAIL_URL": mail.url}

        def step(name: str) -> str:
            return _run([sys.executable, "-m", "tests.bench.reminders", name], environment)

        started = time.monotonic()
        _run([sys.executable, "manage.py", "migrate", "--no-input"], environment)
        step("fill")
        print(f"data loaded in {time.monotonic() - started:.0f} s", file=sys.stderr)
        print(step("plan"), end="", flush=True)
        due = int(step("prepare"))
        seconds = _drain(environment)
        if int(step("verify")) != due or len(list(mail.folder.glob("*.eml"))) != due:
            sys.exit(f"{due} mails were due, {len(list(mail.folder.glob('*.eml')))} arrived.")
        print(f"outbox.mails_per_s={due / seconds:.0f}")


def _drain(environment: dict[str, str]) -> float:
    """Two workers, warm, begin together; the seconds until both have found nothing more."""
    command = [sys.executable, "-m", "tests.bench.reminders", "drain"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, cwd=CHECKOUT, env=environment, **pipes) for _ in range(2)]
    for worker in workers:
        worker.stdout.readline()
    started = time.perf_counter()
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    tried = [worker.communicate()[0].strip() for worker in workers]
    print(f"mails of each worker: {tried}", file=sys.stderr)
    return time.perf_counter() - started


def _measure_pages(pages: list[str]) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(_temporary_folder()))
        environment = _start_servers(stack, folder)
        facts = _prepare(environment)
        portal, minimal, uncached = free_port(), free_port(), free_port()
        _serve(stack, folder, "portal.wsgi:application", portal, environment)
        if set(pages) & (
            WITHOUT_CACHE | NEVER_CACHED
        ):  # a portal that keeps no page: each request finds the cache empty
            _serve(stack, folder, "portal.wsgi:application", uncached, environment | {"PAGE_CACHE_SECONDS": "0"})
        _serve(stack, folder, "tests.bench.minimal.project:application", minimal, environment | _minimal_settings())
        for page in pages:
            fact = facts[page]
            ours = Target(uncached if page in NEVER_CACHED else portal, fact["path"], fact["cookie"])
            theirs = Target(minimal, "/connected/" if fact["cookie"] else "/", facts["minimal"]["cookie"])
            ratio = _compare(page, ours, theirs)
            print(f"{page}.ratio={ratio:.2f}")
            print(f"{page}.queries={fact['queries']}", flush=True)
            if page in WITHOUT_CACHE:
                ratio = _compare(f"{page}.uncached", replace(ours, port=uncached), theirs)
                print(f"{page}.uncached.ratio={ratio:.2f}", flush=True)


def _temporary_folder():
    import tempfile

    folder = tempfile.TemporaryDirectory(prefix="psj-bench-", ignore_cleanup_errors=True)
    Path(folder.name).chmod(0o711)  # PostgreSQL's user goes through
    return folder


def _start_servers(stack: ExitStack, folder: Path) -> dict[str, str]:
    postgres = Postgres(folder / "postgres", folder / "postgres.log", durable=False)
    stack.callback(postgres.stop)
    postgres.start()
    postgres.create_database("portail")
    redis = Redis(folder / "valkey", folder / "valkey.log", durable=False)
    stack.callback(redis.stop)
    redis.start()
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings.production",
        "DATABASE_URL": postgres.url("portail"),
        "REDIS_URL": redis.url,
        "EMAIL_URL": "dummymail://",
        "SECRET_KEY": "speed-measurements-only-0123456789-abcdefghijklmnopqrstuvwxyz",
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_SSL_REDIRECT": "false",
        "SITE_URL": "http://127.0.0.1",
        "DEMO": "true",
        "S3_BUCKET": "",
        "MEDIA_ROOT": str(folder / "media"),
        "STATIC_ROOT": str(folder / "static"),
        "LOG_LEVEL": "ERROR",
        "WEB_ACCESS_LOG": "",
    }


def _minimal_settings() -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "tests.bench.minimal.settings"}


def _prepare(environment: dict[str, str]) -> dict[str, dict]:
    """Loads the data; tells each page's path, session and number of queries."""
    started = time.monotonic()
    for command in (["migrate", "--no-input"], ["collectstatic", "--no-input"], ["demo"]):
        _run([sys.executable, "manage.py", *command], environment)
    facts = json.loads(_run([sys.executable, "-m", "tests.bench.portal_data"], environment))
    minimal = _run([sys.executable, "-m", "tests.bench.minimal.project"], environment | _minimal_settings())
    print(f"data loaded in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return facts | json.loads(minimal)


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    print(done.stderr, end="", file=sys.stderr)
    return done.stdout


def _serve(stack: ExitStack, folder: Path, application: str, port: int, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"]
    command += ["--config", "deploy/gunicorn.conf.py"]
    child = Child(application, command, log=folder / f"{port}.log", env=environment, cwd=CHECKOUT)
    stack.callback(child.stop)
    child.start()
    child.wait_until(lambda: "Booting worker" in child.log_tail() or "Listening" in child.log_tail())


def _compare(page: str, ours: Target, theirs: Target) -> float:
    """Our requests per second over the minimal page's."""
    with Measure(ours.port, ours.path, ours.cookie) as one, Measure(theirs.port, theirs.path, theirs.cookie) as other:
        for measure in (one, other):
            measure.run(SECONDS_PER_ROUND)  # warms up templates, connections and caches
        rates = [(one.run(SECONDS_PER_ROUND), other.run(SECONDS_PER_ROUND)) for _ in range(ROUNDS)]
    our_rate, their_rate = median(rate for rate, _ in rates), median(rate for _, rate in rates)
    print(f"{page}: {our_rate:.0f} requests/s, minimal page {their_rate:.0f}", file=sys.stderr)
    return our_rate / their_rate


if __name__ == "__main__":
    main(sys.argv[1:])
