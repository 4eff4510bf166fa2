"""`make demo` as a person runs it: everything starts, stops, keeps its data, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"Le portail est prêt\s: (http://127\.0\.0\.1:\d+)/")
OF_THE_TESTS = {"DATABASE_URL", "REDIS_URL", "EMAIL_URL", "S3_BUCKET", "SITE_URL", "MEDIA_ROOT", "CONN_MAX_AGE"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "une démo"


def start(folder: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS}
    return subprocess.Popen(
        [sys.executable, "-m", "portal.embedded.demo"],
        cwd=CHECKOUT,
        env=environment | {"DEMO_FOLDER": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until_ready(demo: subprocess.Popen[str]) -> str:
    printed = []
    for line in demo.stdout:
        printed.append(line)
        if "Ctrl-C" in line:
            return "".join(printed)
    pytest.fail("".join(printed))


def status(url: str) -> int:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20) as response:
        return response.status


def processes_of(folder: Path) -> list[str]:
    """The processes that name the folder in their command or environment, zombies left out."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            dead = (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        if os.fsencode(folder) in told and not dead and process.name != str(os.getpid()):
            found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def wait_until_nothing_is_left(folder: Path) -> None:
    deadline = time.monotonic() + 15
    while left := processes_of(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@pytest.mark.e2e
def test_the_demo_starts_stops_and_starts_again(folder):
    demo = start(folder)
    with demo:
        printed = read_until_ready(demo)
        site = ADDRESS.search(printed)[1]
        assert "rh@example.org" in printed
        assert status(f"{site}/offres/") == 200
        assert status(f"{site}/demo/courrier/") == 200

        second = start(folder)
        assert "tourne déjà" in second.communicate(timeout=30)[0]
        assert second.returncode == 1

        demo.send_signal(signal.SIGTERM)
        assert demo.wait(timeout=15) == 0
    wait_until_nothing_is_left(folder)

    secret = (folder / "secret_key").read_text()
    demo = start(folder)
    with demo:
        read_until_ready(demo)
        assert (folder / "secret_key").read_text() == secret
        demo.kill()
        demo.wait(timeout=10)
        demo.stdout.close()
    wait_until_nothing_is_left(folder)
