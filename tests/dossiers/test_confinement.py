"""What a hostile converter can still do in the child that opens files: nothing with the network, the disk or others.

Each attempt runs in a child confined as the real one is, on this kernel.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from py_landlock import LandlockError, get_abi_version

from dossiers.pdf import safe
from dossiers.pdf.safe import confinement, make_harmless
from tests import factories as make

# What this kernel gives, as it says itself: where it gives it, the child must have it.
FILTERS = Path("/proc/sys/kernel/seccomp/actions_avail").exists() and platform.machine() in confinement.MACHINES
try:
    LANDLOCK = bool(get_abi_version())
except LandlockError:
    LANDLOCK = False

HOSTILE = """
import json, sys
from pathlib import Path
from dossiers.pdf.safe.confinement import confine
source, folder = map(Path, sys.argv[1:3])
confined = confine(source, folder)
try:
    exec(sys.argv[3])
    outcome = "done"
except OSError as error:
    outcome = type(error).__name__
print(json.dumps([confined, outcome]))
"""


def attempt(tmp_path: Path, code: str) -> tuple[dict[str, bool], str]:
    """What the confined child obtained of the kernel, and how this code ended in it."""
    source, folder = tmp_path / "source", tmp_path / "folder"
    source.write_bytes(b"given")
    folder.mkdir()
    command = [sys.executable, "-sE", "-c", HOSTILE, source, folder, code]
    ended = subprocess.run(command, cwd=safe.ROOT, capture_output=True, text=True, timeout=60, check=True)
    confined, outcome = json.loads(ended.stdout)
    return confined, outcome


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket()",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "import socket; socket.socket(socket.AF_UNIX).connect('/run/postgresql/.s.PGSQL.5432')",
        "import socket; socket.create_connection(('127.0.0.1', 80))",
        "import os; os.setsid()",
    ],
)
@pytest.mark.skipif(not FILTERS, reason="this kernel or machine takes no filter")
def test_no_socket_of_any_kind_is_opened(tmp_path, code):
    assert attempt(tmp_path, code) == ({"files": LANDLOCK, "network": True}, "PermissionError")


@pytest.mark.parametrize(
    "code",
    [
        "import os; Path(f'/proc/{os.getppid()}/environ').read_bytes()",  # the worker's secrets
        "Path('/etc/passwd').read_text()",
        "list(Path('/').iterdir())",
        "Path(sys.argv[1]).write_bytes(b'another')",
        "(folder.parent / 'beside').write_bytes(b'x')",
        "(Path(sys.prefix) / 'pwned.pth').write_text('x')",
        "import os; os.execv('/bin/sh', ['sh', '-c', 'true'])",
        "import subprocess; subprocess.run([sys.executable, '-c', ''])",
    ],
)
@pytest.mark.skipif(not LANDLOCK, reason="this kernel has no Landlock")
def test_no_other_file_is_read_written_or_run(tmp_path, code):
    assert attempt(tmp_path, code) == ({"files": True, "network": FILTERS}, "PermissionError")


def test_its_own_folder_and_source_are_left_to_it(tmp_path):
    code = "assert source.read_bytes() == b'given'; (folder / 'x').write_bytes(b'x'); (folder / 'x').unlink()"
    assert attempt(tmp_path, code)[1] == "done"


def test_what_a_kernel_does_not_give_is_told_once(tmp_path, monkeypatch, caplog):
    safe._tell_once.cache_clear()
    answer = tmp_path / "answer"
    answer.write_text("")

    def lacking(*args, **options):
        folder = Path(args[0][5])
        (folder / "answer.json").write_text(json.dumps({"refused": "x", "confined": {"files": False, "network": True}}))
        return subprocess.CompletedProcess(args, 0, b"", b"")

    with monkeypatch.context() as kernel:
        kernel.setattr(safe.subprocess, "run", lacking)
        for _ in range(2):
            with pytest.raises(safe.Refused), make_harmless(answer):
                pass
    assert [record.message for record in caplog.records] == [
        "This kernel does not let the child that opens files be confined: files."
    ]


def test_a_real_file_passes_through_confined(tmp_path, caplog):
    safe._tell_once.cache_clear()
    (tmp_path / "source").write_bytes(make.pdf_bytes())
    with make_harmless(tmp_path / "source") as made:
        assert made.pages == 1
    assert len(caplog.records) == (not (FILTERS and LANDLOCK))
