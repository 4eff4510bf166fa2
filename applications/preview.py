"""The dossier as it would be printed, before it is filed: made by a worker, kept in the cache for a quarter of an hour.

It is the candidate's alone, watermarked, and gone by itself. What is filed is rendered anew, from what is frozen.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import time

from django.core.cache import cache
from django.db import transaction

from applications import filing
from applications.models import Application
from dossiers.content import dossier_content
from dossiers.fingerprints import fingerprint

KEPT = 15 * 60
GIVEN_UP = 90  # seconds after which one may ask again: the worker was killed, or there is none
WATERMARK = "brouillon"


@dataclass(frozen=True)
class Preview:
    """How far it is. stale: the dossier has changed since; pdf: once it is there."""

    state: str = ""  # "", "queued", "rendering", "failed", "ready"
    since: float = 0.0
    version: str = ""
    pdf: bytes = b""
    stale: bool = False

    @property
    def is_coming(self) -> bool:
        return self.state in {"queued", "rendering"} and time() - self.since < GIVEN_UP


def _key(application: Application) -> str:
    return f"preview:{application.pk}"


def _content(application: Application) -> dict:
    return dossier_content(application.dossier, filing.document_context(application))


def current(application: Application) -> Preview:
    """The preview of this application, as far as it is."""
    stored = cache.get(_key(application)) or {}
    preview = Preview(**stored)
    if preview.state == "ready" and preview.version != fingerprint(_content(application)):
        return Preview(**stored | {"stale": True})
    return preview


def ask(application: Application) -> None:
    """Have it made, unless it is on its way."""
    if current(application).is_coming:
        return
    cache.set(_key(application), {"state": "queued", "since": time()}, KEPT)

    def send() -> None:
        from applications.tasks import render_preview

        render_preview.apply_async([str(application.pk)], expires=GIVEN_UP)

    transaction.on_commit(send, robust=True)


def render(application: Application) -> None:
    """The work itself, in a worker. A dossier filed meanwhile has its own document."""
    from dossiers.pdf.render import render_dossier

    if not application.is_draft:
        cache.delete(_key(application))
        return
    key, since = _key(application), time()
    cache.set(key, {"state": "rendering", "since": since}, KEPT)
    content = _content(application)
    try:
        pdf = render_dossier(content, watermark=WATERMARK)
    except Exception:
        cache.set(key, {"state": "failed", "since": since}, KEPT)
        raise
    cache.set(key, {"state": "ready", "since": time(), "version": fingerprint(content), "pdf": pdf}, KEPT)
