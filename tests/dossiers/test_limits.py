"""A document that asks for too much is stopped; the process that was at it goes on."""

from __future__ import annotations

import resource
import signal
import time

import pytest

from dossiers.pdf.limits import TooMuch, bounded
from dossiers.pdf.render import write_pdf


def test_too_long_is_stopped():
    with pytest.raises(TooMuch, match="time"), bounded(seconds=0.2):
        time.sleep(30)


def test_too_big_is_stopped_and_the_process_goes_on():
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(TooMuch, match="memory"), bounded(memory=64 * 1024**2):
        bytearray(512 * 1024**2)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert write_pdf("<!doctype html><html lang=fr><title>t</title><p>Encore là").startswith(b"%PDF")
