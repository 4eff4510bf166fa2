"""A real SMTP server that delivers nowhere: each mail becomes an .eml file in a folder, to be read on a page.

`python -m portal.embedded.smtp FILE_DESCRIPTOR FOLDER`: the descriptor is a listening socket of the launcher.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from itertools import count
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from portal.embedded.processes import Child, listening_socket

LARGEST_MAIL = 32 * 1024 * 1024


class MailFolder:
    """aiosmtpd handler. File names sort by arrival; a file appears whole or not at all."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.numbers = count(1)
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (its name)
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**9:09d}-{next(self.numbers):04d}"
        recipients = "".join(f"X-Envelope-To: {address}\r\n" for address in envelope.rcpt_tos)
        draft = self.folder / f".{name}.draft"
        draft.write_bytes(recipients.encode() + envelope.original_content)
        draft.rename(self.folder / f"{name}.eml")
        return "250 OK"


class MailServer:
    """The server as a child process."""

    def __init__(self, folder: Path, log: Path):
        self.folder = folder
        self.listener = listening_socket()
        descriptor = self.listener.fileno()
        self.child = Child(
            "Messagerie",
            [sys.executable, "-m", "portal.embedded.smtp", str(descriptor), folder],
            log=log,
            cwd=Path(__file__).parents[2],
            pass_fds=[descriptor],
        )

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.listener.getsockname()[1]}"

    def start(self) -> None:
        self.child.start()  # the socket listens already: whoever is early waits a moment

    def stop(self) -> None:
        self.child.stop()
        self.listener.close()


async def serve(listener: socket.socket, folder: Path) -> None:
    handler = MailFolder(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, enable_SMTPUTF8=True, hostname="localhost", data_size_limit=LARGEST_MAIL), sock=listener
    )
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with server:
        await stopped.wait()


if __name__ == "__main__":
    os.umask(0o077)
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])))
