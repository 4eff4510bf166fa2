"""The embedded servers: they keep their data, and nothing of them outlives whoever started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from portal.embedded.postgres import Postgres
from portal.embedded.redis import Redis

CHECKOUT = Path(__file__).resolve().parents[2]
START_AND_WAIT = """
import sys, time
from pathlib import Path
from portal.embedded.postgres import Postgres
from portal.embedded.redis import Redis
from portal.embedded.smtp import MailServer
folder = Path(sys.argv[1])
servers = [Postgres(folder / "pg", folder / "pg.log"), Redis(folder / "v", folder / "v.log")]
servers.append(MailServer(folder / "mail", folder / "mail.log"))
for server in servers:
    server.start()
print(*(server.child.process.pid for server in servers), flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a space in its name, and closed to others, like the home of many people."""
    path = tmp_path / "un dossier"
    path.mkdir(mode=0o700)
    return path


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_data_survive_a_restart(folder):
    postgres = Postgres(folder / "pg", folder / "pg.log")
    try:
        for expected in (1, 2):
            postgres.start()
            postgres.create_database("essai")
            with psycopg.connect(host=str(postgres.sockets), user="portail", dbname="essai") as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS passages (id serial)")
                connection.execute("INSERT INTO passages DEFAULT VALUES")
                assert connection.execute("SELECT count(*) FROM passages").fetchone() == (expected,)
            postgres.stop()
            assert not postgres.sockets.exists()
    finally:
        postgres.stop()
        postgres.erase()


def test_the_queue_survives_a_restart(folder):
    import redis

    server = Redis(folder / "v", folder / "v.log")
    for expected in (1, 2):
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.incr("passages") == expected
        server.stop()


def test_a_killed_parent_leaves_no_server_behind(folder):
    parent = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, str(folder)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    with parent:
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 3
        assert all(is_alive(pid) for pid in pids)
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "still there"
        time.sleep(0.05)
    Postgres(folder / "pg", folder / "pg.log").erase()
