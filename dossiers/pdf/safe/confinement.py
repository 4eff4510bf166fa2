"""What the child that opens strangers' files gives up before it reads them: files, network, programs, other processes.

Nothing here needs root. Landlock (Linux 5.13) leaves it the libraries and fonts to read, and its own folder to write;
a seccomp filter refuses what Landlock does not know: sockets of any kind, tracing, namespaces. Each is taken where the
kernel gives it: `confine` says what it got (docs/adr/0038).
"""

from __future__ import annotations

import ctypes
import errno
import mimetypes
import platform
import sys
from pathlib import Path

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2

# Of the kernel's own tables (unistd.h), by machine: its AUDIT_ARCH, then the numbers of what is refused.
REFUSED = (
    *("socket", "connect", "bind", "ptrace", "process_vm_readv", "process_vm_writev", "setns", "unshare", "bpf"),
    *("keyctl", "mount", "io_uring_setup", "pidfd_getfd", "setsid", "setpgid"),
)
MACHINES = {
    "x86_64": (0xC000003E, (41, 42, 49, 101, 310, 311, 308, 272, 321, 250, 165, 425, 438, 112, 109)),
    "aarch64": (0xC00000B7, (198, 203, 200, 117, 270, 271, 268, 97, 280, 219, 40, 425, 438, 157, 154)),
}
X32 = 0x40000000  # the other calling convention of x86_64: the same calls under other numbers

READABLE = (  # where there are any
    *("/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/var/cache/fontconfig"),
    *("/dev/null", "/dev/urandom"),
    *mimetypes.knownfiles,  # which WeasyPrint loads
)


def confine(source: Path, folder: Path) -> dict[str, bool]:
    """For the rest of this process's life: read `source`, write in `folder`. What was obtained: `files`, `network`."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return {"files": _shut_files(source, folder), "network": _refuse_calls(libc)}


def _shut_files(source: Path, folder: Path) -> bool:
    from py_landlock import AccessFs, Landlock, LandlockError

    ours = Path(__file__).parents[2]
    try:
        rules = Landlock(strict=False)
        for path in map(Path, [*READABLE, sys.prefix, sys.base_prefix, ours, source, "/proc/self"]):
            if path.is_dir():
                rules.allow_read(path)
            elif path.exists():
                rules.add_path_rule(path, access=AccessFs.READ_FILE)
        rules.allow_read_write(folder)
        rules.apply()
    except (LandlockError, OSError):
        return False
    return True


class _Instruction(ctypes.Structure):
    """struct sock_filter, of classic BPF."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


LOAD, IF_EQUAL, IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
CALL_AT, MACHINE_AT = 0, 4  # in struct seccomp_data
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM


def _refuse_calls(libc: ctypes.CDLL) -> bool:
    """Those of REFUSED fail with EPERM, and all of another machine's."""
    if platform.machine() not in MACHINES:
        return False
    machine, numbers = MACHINES[platform.machine()]
    steps = [*((IF_EQUAL, number) for number in numbers), (IF_AT_LEAST, X32)]
    refuse_at = len(steps) + 1  # after them: allow, then refuse
    written = [
        _Instruction(LOAD, 0, 0, MACHINE_AT),
        _Instruction(IF_EQUAL, 0, refuse_at + 1, machine),
        _Instruction(LOAD, 0, 0, CALL_AT),
        *(_Instruction(code, refuse_at - place - 1, 0, value) for place, (code, value) in enumerate(steps)),
        _Instruction(RETURN, 0, 0, ALLOW),
        _Instruction(RETURN, 0, 0, REFUSE),
    ]
    instructions = (_Instruction * len(written))(*written)
    program = _Program(len(written), instructions)
    return libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0
