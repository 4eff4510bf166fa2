"""All the dossiers of a session in one ZIP, with a table of contents: streamed from what is stored, never kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.core.files import File
from django.template.loader import render_to_string
from django.utils.text import slugify

from applications import zip_stream
from applications.models import AgendaItem, Application, Session
from dossiers.models import Document

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
    items = list(
        items.select_related("application__candidate", "application__offer", "rapporteur").prefetch_related(
            "application__recusals"
        )
    )
    kinds = [Document.Kind.DOSSIER, Document.Kind.BUNDLE]  # the second takes the place of the first
    stored = Document.objects.filter(frozen__dossier__application__agenda_items__in=items, kind__in=kinds)
    by_dossier: dict = {}
    stored = stored.select_related("frozen").distinct()
    for document in sorted(stored, key=lambda found: (kinds.index(found.kind), found.edition)):
        by_dossier[document.frozen.dossier_id] = document
    return [
        Line(item, _file_name(number, item.application), by_dossier.get(item.application.dossier_id))
        for number, item in enumerate(items, start=1)
    ]


def _file_name(number: int, application: Application) -> str:
    return f"{number:02}-{application.number}-{slugify(application.candidate.get_full_name())}.pdf"


def stream(session: Session, contents: list[Line]) -> Iterator[bytes]:
    """The ZIP, piece by piece."""
    return zip_stream.stream(_entries(session, contents))


def _entries(session: Session, contents: list[Line]) -> Iterator[tuple[str, bytes | File]]:
    yield (
        CONTENTS,
        render_to_string("commission/session_contents.html", {"session": session, "lines": contents}).encode(),
    )
    for line in contents:
        if line.document:
            yield line.name, line.document.file
