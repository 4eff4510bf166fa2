"""The antivirus: clamd, named by CLAMD_URL (tcp://host:3310 or unix:///path). Without it, nothing is scanned.

Its protocol has four words: `zINSTREAM`, chunks that begin with their length, a length of zero, and its answer.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from dossiers.pdf.safe.formats import Refused

CHUNK = 64 * 1024
INFECTED = (
    "L’antivirus a reconnu un programme malveillant dans ce fichier ({name}). Il n’est pas transmis. Envoyez une autre "
    "copie du document, faite sur un appareil sain."
)
TOO_LONG = (
    "L’antivirus n’a pas pu lire ce fichier jusqu’au bout : il est trop gros pour lui. Réduisez-le ou envoyez-le en "
    "plusieurs fois."
)


class Away(Exception):
    """The antivirus does not answer, or not as it should: the file waits for it."""


def scan(path: Path) -> None:
    """Refused where the antivirus finds something or cannot read the file to its end; Away where it does not answer."""
    if not settings.CLAMD_URL:
        return
    answer = _send(path)
    if answer.endswith("FOUND"):
        raise Refused(INFECTED.format(name=answer.removeprefix("stream: ").removesuffix(" FOUND")))
    if "size limit exceeded" in answer:
        raise Refused(TOO_LONG)
    if answer == "stream: OK":
        return
    if not answer and is_there():  # it hangs up on a stream that is too long for it, often without a word
        raise Refused(TOO_LONG)
    raise Away(answer or "the connection was lost")


def is_there() -> bool:
    """Whether the antivirus answers at all."""
    try:
        with _connect() as connection:
            connection.sendall(b"zPING\0")
            return _answer(connection) == "PONG"
    except (Away, OSError):
        return False


def _send(path: Path) -> str:
    """Its answer; empty where it hung up."""
    with _connect() as connection, path.open("rb") as file:
        with suppress(BrokenPipeError, ConnectionResetError):  # its answer, if any, says why
            connection.sendall(b"zINSTREAM\0")
            while chunk := file.read(CHUNK):
                connection.sendall(struct.pack(">I", len(chunk)) + chunk)
            connection.sendall(struct.pack(">I", 0))
        try:
            return _answer(connection)
        except ConnectionResetError:
            return ""
        except OSError as error:
            raise Away(str(error)) from error


def _connect() -> socket.socket:
    address = urlsplit(settings.CLAMD_URL)
    try:
        if address.scheme != "unix":
            return socket.create_connection((address.hostname, address.port or 3310), settings.CLAMD_TIMEOUT)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(settings.CLAMD_TIMEOUT)
            connection.connect(address.path)
        except OSError:
            connection.close()
            raise
        return connection
    except OSError as error:
        raise Away(str(error)) from error


def _answer(connection: socket.socket) -> str:
    answer = b""
    while part := connection.recv(4096):
        answer += part
        if part.endswith(b"\0"):
            break
    return answer.rstrip(b"\0\n").decode(errors="replace")
