"""Child processes that never outlive us, and the small things that starting servers needs."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")
KILL_AFTER = 2.0


class ServerError(Exception):
    """A server did not start; the message is in French, for the person at the terminal."""


class Child:
    """A process in its own session (Ctrl-C reaches us alone, we stop it in order) that stops if we disappear."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | os.PathLike[str]],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        orphan_signal: signal.Signals | None = None,
        pass_fds: Sequence[int] = (),
    ):
        self.name = name
        self.command = [os.fspath(part) for part in command]
        self.log = log
        self.env = env
        self.cwd = cwd
        self.user = user
        self.stop_signal = stop_signal
        self.orphan_signal = orphan_signal or stop_signal
        self.pass_fds = pass_fds
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        tether = [sys.executable, "-SE", os.fspath(TETHER), str(int(self.orphan_signal)), str(os.getpid())]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*tether, self.user or "-", *self.command],
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=self.pass_fds,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll() if self.process else 0

    def ask_to_stop(self) -> None:
        if self.exit_code is None:
            self.process.send_signal(self.stop_signal)

    def stop(self, timeout: float = 6.0) -> None:
        """Politely, then not; its own children go with it."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._kill_session()
        else:
            self._kill_session(leftovers_only=True)

    def _kill_session(self, leftovers_only: bool = False) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        if not leftovers_only:
            self.process.wait(KILL_AFTER)

    def wait_until(self, ready: Callable[[], bool], timeout: float = 30.0) -> None:
        """Returns when `ready()`; raises with the end of the log when it stopped or took too long."""
        deadline = time.monotonic() + timeout
        while not ready():
            if self.exit_code is not None:
                raise ServerError(f"{self.name} s’est arrêté (code {self.exit_code}).\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} ne répond pas après {timeout:.0f} secondes.\n{self.log_tail()}")
            time.sleep(0.05)

    def log_tail(self, lines: int = 15) -> str:
        if not self.log.exists():
            return ""
        end = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([f"Fin de {self.log} :", *("  " + line for line in end)])


def listening_socket(port: int = 0, host: str = "127.0.0.1") -> socket.socket:
    """A socket to hand over to a child: no one else can take the port in between. Raises OSError if it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def free_port() -> int:
    """For servers that must open their port themselves; the caller tries again if someone was faster."""
    with listening_socket() as probe:
        return probe.getsockname()[1]
