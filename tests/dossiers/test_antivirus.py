"""The antivirus, asked in its own protocol of a real server on a real socket: it finds EICAR and knows its limits."""

from __future__ import annotations

import socketserver
import struct
import threading
from pathlib import Path

import pytest

from dossiers import antivirus
from dossiers.antivirus import Away, scan
from dossiers.pdf.safe.formats import Refused
from portal.embedded.processes import free_port
from tests.dossiers import corpus


class Clamd(socketserver.BaseRequestHandler):
    """zPING and zINSTREAM, as clamd answers them. limit: the longest stream that it reads; mood: how it fails."""

    def handle(self):
        command = self._word()
        if command == b"zPING":
            self.request.sendall(b"PONG\0")
            return
        assert command == b"zINSTREAM"
        content = b""
        while length := struct.unpack(">I", self._exactly(4))[0]:
            content += self._exactly(length)
            if len(content) > self.server.limit:
                if self.server.mood == "polite":
                    self.request.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                return  # hangs up, the rest unread
        if self.server.mood == "ill":
            self.request.sendall(b"stream: Can't allocate memory ERROR\0")
        elif corpus.EICAR in content:
            self.request.sendall(b"stream: Eicar-Test-Signature FOUND\0")
        else:
            self.request.sendall(b"stream: OK\0")

    def _word(self) -> bytes:
        word = b""
        while (byte := self._exactly(1)) != b"\0":
            word += byte
        return word

    def _exactly(self, length: int) -> bytes:
        content = b""
        while len(content) < length and (part := self.request.recv(length - len(content))):
            content += part
        return content


class TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@pytest.fixture(params=["tcp", "unix"])
def clamd(request, settings, tmp_path):
    if request.param == "tcp":
        server = TcpServer(("127.0.0.1", 0), Clamd)
        settings.CLAMD_URL = f"tcp://127.0.0.1:{server.server_address[1]}"
    else:
        server = UnixServer(str(tmp_path / "clamd.ctl"), Clamd)
        settings.CLAMD_URL = f"unix://{tmp_path}/clamd.ctl"
    server.limit, server.mood = 10_000_000, "polite"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def file(tmp_path):
    def write(content: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


def test_a_clean_file_goes_on(clamd, file):
    scan(file(corpus.small_pdf()))
    scan(file(b"x" * 300_000))


def test_eicar_is_found(clamd, file):
    with pytest.raises(Refused, match="Eicar-Test-Signature"):
        scan(file(b"\0" * 100_000 + corpus.EICAR))


@pytest.mark.parametrize("mood", ["polite", "rude"])
def test_a_stream_that_is_too_long_for_it_is_a_refusal_never_a_clean_file(clamd, file, mood):
    clamd.limit, clamd.mood = 100_000, mood
    with pytest.raises(Refused, match="trop gros"):
        scan(file(b"x" * 5_000_000))


def test_an_antivirus_that_is_ill_is_away(clamd, file):
    clamd.mood = "ill"
    with pytest.raises(Away, match="memory"):
        scan(file(b"x"))


def test_an_antivirus_that_dies_midway_is_away(clamd, file, monkeypatch):
    clamd.limit, clamd.mood = 100_000, "rude"
    monkeypatch.setattr(antivirus, "is_there", lambda: False)
    with pytest.raises(Away):
        scan(file(b"x" * 5_000_000))


def test_an_antivirus_that_is_not_there_is_away(settings, file):
    settings.CLAMD_URL = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(Away):
        scan(file(b"x"))
    assert not antivirus.is_there()


def test_without_an_antivirus_nothing_is_scanned(settings, file):
    settings.CLAMD_URL = ""
    scan(file(corpus.EICAR))
