"""PDFs that a worker makes while a person waits: asked for, waited for, read. Never rendered in a request.

How far one is stands in the cache, under its key; so does the PDF itself, for a quarter of an hour, unless it has a
place of its own in the storage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import time

from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

KEPT = 15 * 60
GIVEN_UP = 90  # seconds after which one may ask again: the worker was killed, or there is none


@dataclass(frozen=True)
class Printing:
    """How far it is. version: of what it says; pdf: once it is there."""

    state: str = ""  # "", "queued", "rendering", "failed", "ready"
    since: float = 0.0
    version: str = ""
    pdf: bytes = b""

    @property
    def is_coming(self) -> bool:
        return self.state in {"queued", "rendering"} and time() - self.since < GIVEN_UP


def current(key: str) -> Printing:
    return Printing(**(cache.get(key) or {}))


def ask(key: str, send: Callable[[int], None], *, again: bool = True) -> Printing:
    """Have it made, unless it is on its way. send: queues the task, which nobody needs after so many seconds.

    again: also where it has just failed.
    """
    printing = current(key)
    if printing.is_coming or (printing.state == "failed" and not again):
        return printing
    printing = Printing("queued", time())
    cache.set(key, {"state": printing.state, "since": printing.since}, KEPT)
    transaction.on_commit(lambda: send(GIVEN_UP), robust=True)
    return printing


def make(key: str, version: str, printed: Callable[[], bytes]) -> None:
    """The work itself, in a worker. printed: gives the PDF; nothing where it has put it in its own place."""
    since = time()
    cache.set(key, {"state": "rendering", "since": since}, KEPT)
    try:
        pdf = printed()
    except Exception:
        cache.set(key, {"state": "failed", "since": since}, KEPT)
        raise
    if pdf:
        cache.set(key, {"state": "ready", "since": time(), "version": version, "pdf": pdf}, KEPT)
    else:
        cache.delete(key)


def forget(key: str) -> None:
    cache.delete(key)


def wait_page(request: HttpRequest, printing: Printing, title: str) -> HttpResponse:
    """The page that waits for a PDF, then goes to it; htmx asks for the progress alone, every other second."""
    template = "dossiers/_printing.html" if request.htmx else "dossiers/printing.html"
    response = render(request, template, {"printing": printing, "title": title}, status=202)
    response["Cache-Control"] = "no-store"
    response["Retry-After"] = "2"
    return response


def answer(request: HttpRequest, pdf: Callable[[], HttpResponse]) -> HttpResponse:
    """The PDF, which is there; the page that waits for it is told to fetch it."""
    return HttpResponse(headers={"HX-Redirect": request.path}) if request.htmx else pdf()
