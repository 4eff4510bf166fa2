"""A ZIP sent as it is made: whatever it holds, a megabyte of it is in memory at a time."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator

from django.core.files import File
from django.utils import timezone

CHUNK = 1 << 20


def stream(entries: Iterable[tuple[str, bytes | File]]) -> Iterator[bytes]:
    """The ZIP of these entries (path, content), piece by piece. Stored as they are: PDFs and pictures are compressed.

    A file is opened when its turn comes, and closed after it.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for path, content in entries:
            entry = zipfile.ZipInfo(path, timezone.localtime().timetuple()[:6])
            if isinstance(content, bytes):
                archive.writestr(entry, content)
                continue
            with content.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)
                    yield sink.drained()
    yield sink.drained()


class _Sink(io.RawIOBase):
    """Where the ZIP is written, until it is sent."""

    def __init__(self):
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def drained(self) -> bytes:
        parts, self.parts = self.parts, []
        return b"".join(parts)
