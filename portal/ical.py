"""Calendars that other programs read (RFC 5545): a date that goes with a mail, the deadlines of a search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr

from django.conf import settings
from django.utils import timezone


@dataclass(frozen=True)
class Event:
    """uid: the same for every version of the event, so that a new date replaces the old one. ends_at: none for an
    instant, as a deadline is. The alarm rings a day before."""

    uid: str
    title: str
    starts_at: datetime
    ends_at: datetime | None = None
    place: str = ""
    text: str = ""
    url: str = ""


def attachment(name: str, event: Event, *, cancelled: bool = False) -> tuple[str, bytes, str]:
    """The event as a file to attach to a mail: name, content, type. cancelled: it takes the event out of calendars."""
    now = timezone.now()
    host = settings.SITE_URL.partition("//")[2]
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//{settings.SITE_NAME}//FR",
        f"METHOD:{'CANCEL' if cancelled else 'PUBLISH'}",
        "BEGIN:VEVENT",
        f"UID:{event.uid}@{host}",
        f"DTSTAMP:{utc(now)}",
        f"SEQUENCE:{int(now.timestamp()) // 60}",  # what leaves later is the newer version
        f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}",
        f"ORGANIZER;CN={_quoted(settings.SITE_NAME)}:mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}",
        f"DTSTART:{utc(event.starts_at)}",
        *([f"DTEND:{utc(event.ends_at)}"] if event.ends_at else []),
        f"SUMMARY:{escaped(event.title)}",
        *([f"LOCATION:{escaped(event.place)}"] if event.place else []),
        *([f"DESCRIPTION:{escaped(event.text)}"] if event.text else []),
        *([f"URL:{event.url}"] if event.url else []),
        "TRANSP:TRANSPARENT" if event.ends_at is None else "TRANSP:OPAQUE",
        *([] if cancelled else _alarm(event)),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return name, written(lines).encode(), "text/calendar"


def _alarm(event: Event) -> list[str]:
    return [
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{escaped(event.title)}",
        "TRIGGER:-P1D",
        "END:VALARM",
    ]


def _quoted(parameter: str) -> str:
    """A parameter's value (RFC 5545, 3.2): no quote nor control character can stand in it."""
    return '"' + "".join(c for c in parameter if c.isprintable() and c != '"') + '"'


def written(lines: Iterable[str]) -> str:
    return "".join(part + "\r\n" for line in lines for part in folded(line))


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def escaped(text: str) -> str:
    lines = ["".join(c if c.isprintable() else " " for c in line) for line in text.splitlines()]
    return "\\n".join(
        line.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,") for line in lines if line.strip()
    )


def folded(line: str) -> Iterator[str]:
    """At most 75 bytes a line, no character cut in two."""
    part = ""
    for character in line:
        if len((part + character).encode()) > 74:
            yield part
            part = " "
        part += character
    yield part
