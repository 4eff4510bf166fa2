"""`make demo`: the whole portal on this machine, its servers included, until Ctrl-C.

`DATABASE_URL`, `REDIS_URL`, `EMAIL_URL` and `S3_BUCKET` (with its companions) replace the embedded servers.
Everything lies under var/demo (or DEMO_FOLDER): erase it with `make demo-reset`.
"""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from types import FrameType

from portal.embedded.postgres import Postgres
from portal.embedded.processes import Child, ServerError, listening_socket
from portal.embedded.redis import Redis
from portal.embedded.smtp import MailServer

CHECKOUT = Path(__file__).resolve().parents[2]
STATE = Path(os.environ.get("DEMO_FOLDER") or CHECKOUT / "var" / "demo").absolute()
USUAL_PORT = 8000
PORTS_TO_TRY = 100
STEPS = 7
RESTARTS_ALLOWED = 5
POLL_SECONDS = 0.3


class Stop(BaseException):
    """Someone wants us to stop: Ctrl-C, a signal, or our parent is gone."""


class Demo:
    def __init__(self) -> None:
        self.logs = STATE / "log"
        self.parent = os.getppid()
        self.in_terminal = os.isatty(sys.stdin.fileno())
        self.step = 0
        self.embedded: list[Child] = []
        self.portal: list[Child] = []
        self.env = os.environ | {
            "DJANGO_SETTINGS_MODULE": "portal.settings.dev",
            "DEMO": "1",
            "MEDIA_ROOT": os.environ.get("MEDIA_ROOT", str(STATE / "media")),
            "STATIC_ROOT": str(STATE / "static"),
            "BEAT_SCHEDULE_FILE": str(STATE / "celerybeat-schedule"),
            "PYTHONUNBUFFERED": "1",
        }

    def run(self) -> None:
        shutil.rmtree(self.logs, ignore_errors=True)
        with ExitStack() as stack:  # stops in the reverse order of the starts
            self._start_database(stack)
            self._start_queue(stack)
            self._start_mail(stack)
            listener = stack.enter_context(self._open_port())
            self.env.setdefault("SITE_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
            self.env.setdefault("SECRET_KEY", _kept_secret(STATE / "secret_key"))
            self._prepare_database()
            self._collect_static_files()
            accounts = self._load_demo_data()
            self._start_portal(stack, listener)
            self._announce(accounts)
            self._watch()

    def _start_database(self, stack: ExitStack) -> None:
        if "DATABASE_URL" in os.environ:
            self._say("PostgreSQL : la base de DATABASE_URL")
            return
        self._say("PostgreSQL (embarqué)")
        postgres = Postgres(STATE / "postgres", self.logs / "postgresql.log")
        stack.callback(postgres.stop)
        postgres.start()
        postgres.create_database("portail")
        self.env["DATABASE_URL"] = postgres.url("portail")
        self.embedded.append(postgres.child)

    def _start_queue(self, stack: ExitStack) -> None:
        if "REDIS_URL" in os.environ:
            self._say("Redis : le serveur de REDIS_URL")
            return
        self._say("Valkey, la file des tâches (embarqué)")
        redis = Redis(STATE / "valkey", self.logs / "valkey.log")
        stack.callback(redis.stop)
        redis.start()
        self.env["REDIS_URL"] = redis.url
        self.embedded.append(redis.child)

    def _start_mail(self, stack: ExitStack) -> None:
        if "EMAIL_URL" in os.environ:
            self._say("Messagerie : le serveur de EMAIL_URL")
            return
        self._say("Messagerie (embarquée : aucun courriel ne sort de cette machine)")
        mail = MailServer(STATE / "mail", self.logs / "messagerie.log")
        stack.callback(mail.stop)
        mail.start()
        self.env |= {"EMAIL_URL": mail.url, "DEMO_MAIL_DIR": str(mail.folder)}
        self.embedded.append(mail.child)

    def _prepare_database(self) -> None:
        self._say("Structure de la base")
        self._manage("migrate", "--no-input")

    def _collect_static_files(self) -> None:
        """Takes a while with the whole design system: only when something may have changed."""
        self._say("Feuilles de style, scripts et images")
        stamp, fingerprint = STATE / "static.stamp", _static_fingerprint()
        if not stamp.exists() or stamp.read_text() != fingerprint:
            self._manage("collectstatic", "--no-input", "--clear", "--verbosity", "0")
            stamp.write_text(fingerprint)

    def _load_demo_data(self) -> str:
        """Returns what the command prints: the accounts."""
        self._say("Données de démonstration")
        return self._manage("demo")

    def _start_portal(self, stack: ExitStack, listener: socket.socket) -> None:
        self._say("Serveur web, tâches de fond et planificateur")
        web = [sys.executable, "-m", "gunicorn", "portal.wsgi:application", "--bind", f"fd://{listener.fileno()}"]
        web += ["--config", "deploy/gunicorn.conf.py"]
        celery = [sys.executable, "-m", "celery", "-A", "portal"]
        worker = [*celery, "worker", "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        beat = [*celery, "beat", "--loglevel", "INFO", "--pidfile="]
        self.portal = [
            self._child("Serveur web", "web", web, pass_fds=[listener.fileno()]),
            # Without us there is no queue either: nothing to finish properly.
            self._child("Tâches de fond", "worker", worker, orphan_signal=signal.SIGKILL),
            self._child("Planificateur", "beat", beat, orphan_signal=signal.SIGKILL),
        ]
        stack.callback(self._stop_portal)
        for child in self.portal:
            child.start()
        health = f"http://127.0.0.1:{listener.getsockname()[1]}/sante/"
        self.portal[0].wait_until(lambda: self._alive_and(lambda: _is_healthy(health)), timeout=60)

    def _stop_portal(self) -> None:
        for child in self.portal:
            child.ask_to_stop()
        for child in self.portal:
            child.stop(timeout=4)

    def _announce(self, accounts: str) -> None:
        site = self.env["SITE_URL"]
        lines = [f"Le portail est prêt : {site}/", "", *accounts.strip().splitlines(), ""]
        if "DEMO_MAIL_DIR" in self.env:
            lines += [f"Courriels envoyés : {site}/demo/courrier/", f"       (fichiers : {self.env['DEMO_MAIL_DIR']})"]
        lines += [f"Journaux : {self.logs}", "", "Ctrl-C arrête tout. « make demo-reset » repart de zéro."]
        width = max(map(len, lines))
        print("\n┌─" + "─" * width + "─┐")
        for line in lines:
            print(f"│ {line:<{width}} │")
        print("└─" + "─" * width + "─┘\n", flush=True)

    def _watch(self) -> None:
        """Until someone stops us. A dead web server, worker or scheduler starts again; without a database we stop."""
        restarts = 0
        while self._alive_and(lambda: True):
            for child in self.embedded:
                if child.exit_code is not None:
                    raise ServerError(f"{child.name} s’est arrêté (code {child.exit_code}).\n{child.log_tail()}")
            for child in self.portal:
                if child.exit_code is not None:
                    restarts += 1
                    if restarts > RESTARTS_ALLOWED:
                        raise ServerError(f"{child.name} s’arrête sans cesse.\n{child.log_tail()}")
                    print(f"{child.name} s’est arrêté (code {child.exit_code}) : redémarrage.", flush=True)
                    child.stop()
                    child.start()
            time.sleep(POLL_SECONDS)

    def _alive_and(self, condition: Callable[[], bool]) -> bool:
        terminal_is_gone = self.in_terminal and not os.isatty(sys.stdin.fileno())
        if os.getppid() != self.parent or terminal_is_gone:  # whoever started us was killed
            raise Stop
        return condition()

    def _child(self, name: str, log: str, command: list[str], **options) -> Child:
        return Child(name, command, log=self.logs / f"{log}.log", env=self.env, cwd=CHECKOUT, **options)

    def _manage(self, *arguments: str) -> str:
        """Runs a management command to its end and returns what it printed."""
        child = self._child(f"manage.py {arguments[0]}", arguments[0], [sys.executable, "manage.py", *arguments])
        child.log.unlink(missing_ok=True)
        child.start()
        try:
            while self._alive_and(lambda: child.exit_code is None):
                time.sleep(0.05)
        finally:
            child.stop()
        if child.exit_code != 0:
            raise ServerError(f"« {child.name} » a échoué.\n{child.log_tail(40)}")
        return child.log.read_text()

    def _open_port(self) -> socket.socket:
        wish = int(os.environ.get("PORT") or USUAL_PORT)
        for port in (*range(wish, min(wish + PORTS_TO_TRY, 65536)), 0):
            try:
                listener = listening_socket(port)
            except OSError:
                continue
            if port != wish:
                print(f"      (le port {wish} est pris : ce sera le {listener.getsockname()[1]})")
            return listener
        raise ServerError("Aucun port libre.")

    def _say(self, text: str) -> None:
        self.step += 1
        print(f"[{self.step}/{STEPS}] {text}…", flush=True)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _kept_secret(path: Path) -> str:
    """Sessions and links sent by e-mail stay good over a restart."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()


def _static_fingerprint() -> str:
    digest = sha256((CHECKOUT / "uv.lock").read_bytes())
    for path in sorted(p for folder in CHECKOUT.glob("**/static") if _is_ours(folder) for p in folder.rglob("*")):
        status = path.stat()
        digest.update(f"{path}\0{status.st_mtime_ns}\0{status.st_size}\0".encode())
    return digest.hexdigest()


def _is_ours(folder: Path) -> bool:
    return folder.relative_to(CHECKOUT).parts[0] not in {"var", "node_modules", ".venv"}


def _only_one_here() -> object:
    """The lock of this checkout's demo, held as long as the returned file is open."""
    STATE.mkdir(parents=True, exist_ok=True)
    lock = (STATE / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise ServerError(
            f"Une démonstration tourne déjà dans ce dossier (processus {lock.read().strip() or 'inconnu'}).\n"
            "Arrêtez-la d’abord (Ctrl-C dans sa fenêtre), ou clonez le dépôt dans un autre dossier."
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _reset() -> None:
    Postgres(STATE / "postgres", STATE / "log" / "postgresql.log").erase()
    for path in STATE.iterdir():
        if path.name == "lock":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    print("Les données de démonstration sont effacées.")
    if "DATABASE_URL" in os.environ:
        print("La base de DATABASE_URL n’a pas été touchée.")


def _on_signal(number: int, frame: FrameType | None) -> None:
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_number, signal.SIG_IGN)  # once is enough: the stop itself takes seconds
    raise Stop


def main(arguments: list[str]) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    sys.stdout.reconfigure(errors="replace")
    try:
        lock = _only_one_here()
        if "--reset" in arguments:
            _reset()
        Demo().run()
    except Stop:
        print("\nTout est arrêté.")
    except ServerError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    else:
        del lock
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
