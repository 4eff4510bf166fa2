"""Time and memory that one document may take: content that defeats the layout stops there, not the worker."""

from __future__ import annotations

import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 60
MEMORY = 1024**3  # beyond what the process has already


class Unprintable(Exception):
    """This content cannot be laid out, now or in a moment."""


class TooMuch(Unprintable):
    """The document asks for more time or memory than any dossier does."""


@contextmanager
def bounded(seconds: int = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """Raises TooMuch in place of going on, Unprintable where what it bounds fails otherwise.

    Elsewhere than in a main thread (a web server's), there are no limits. Celery's own limits use other signals, and
    end the task together with its process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    previous = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    resource.setrlimit(resource.RLIMIT_AS, (_lower(address_space() + memory, soft, hard), hard))
    try:
        yield
    except MemoryError as error:
        raise TooMuch("memory") from error
    except Unprintable:
        raise
    except Exception as error:
        raise Unprintable(f"{type(error).__name__}: {error}") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _stop(signum: int, frame: object) -> None:
    raise TooMuch("time")


def _lower(*limits: int) -> int:
    return min(limit for limit in limits if limit != resource.RLIM_INFINITY)


def address_space() -> int:
    """What this process has already, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
