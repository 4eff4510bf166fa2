"""All the dossiers of a session in one ZIP, with a table of contents: streamed from what is stored, never kept."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.text import slugify

from applications.models import AgendaItem, Application, Session
from dossiers.models import Document

CHUNK = 1 << 20
CONTENTS = "00-sommaire.html"


@dataclass(frozen=True)
class Line:
    """A dossier of the ZIP. document: its volume, or its dossier alone; None while the worker is at it."""

    item: AgendaItem
    name: str
    document: Document | None


def lines(session: Session, readable: Iterable) -> list[Line]:
    """The dossiers of the agenda, in its order, among those (primary keys) that this person may read."""
    items = session.agenda.filter(application__in=readable).exclude(application__state=Application.State.WITHDRAWN)
    items = list(items.select_related("application__candidate", "application__offer", "rapporteur"))
    kinds = [Document.Kind.DOSSIER, Document.Kind.BUNDLE]  # the second takes the place of the first
    stored = Document.objects.filter(frozen__dossier__application__agenda_items__in=items, kind__in=kinds)
    by_dossier: dict = {}
    for document in sorted(stored.select_related("frozen").distinct(), key=lambda found: kinds.index(found.kind)):
        by_dossier[document.frozen.dossier_id] = document
    return [
        Line(item, _file_name(number, item.application), by_dossier.get(item.application.dossier_id))
        for number, item in enumerate(items, start=1)
    ]


def _file_name(number: int, application: Application) -> str:
    return f"{number:02}-{application.number}-{slugify(application.candidate.get_full_name())}.pdf"


def stream(session: Session, contents: list[Line]) -> Iterator[bytes]:
    """The ZIP, piece by piece: nothing is compressed (PDFs are), nothing is held but a megabyte."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        summary = render_to_string("commission/session_contents.html", {"session": session, "lines": contents})
        archive.writestr(_entry(CONTENTS), summary.encode())
        for line in contents:
            if line.document is None:
                continue
            with line.document.file.open("rb") as source, archive.open(_entry(line.name), "w") as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)
                    yield sink.drained()
    yield sink.drained()


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, timezone.localtime().timetuple()[:6])


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
