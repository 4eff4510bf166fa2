"""The dossier as it would be printed, before it is filed: made by a worker, kept in the cache for a quarter of an hour.

It is the candidate's alone, watermarked, and gone by itself. What is filed is rendered anew, from what is frozen.
"""

from __future__ import annotations

from applications import filing
from applications.models import Application
from dossiers import on_demand
from dossiers.content import dossier_content
from dossiers.fingerprints import fingerprint
from dossiers.on_demand import Printing

WATERMARK = "brouillon"


def _key(application: Application) -> str:
    return f"preview:{application.pk}"


def _content(application: Application) -> dict:
    return dossier_content(application.dossier, filing.document_context(application))


def current(application: Application) -> Printing:
    return on_demand.current(_key(application))


def is_stale(application: Application, printing: Printing) -> bool:
    """Whether the dossier has changed since."""
    return printing.state == "ready" and printing.version != fingerprint(_content(application))


def ask(application: Application) -> None:
    """Have it made, unless it is on its way."""

    def send(seconds: int) -> None:
        from applications.tasks import render_preview

        render_preview.apply_async([str(application.pk)], expires=seconds)

    on_demand.ask(_key(application), send)


def render(application: Application) -> None:
    """The work itself, in a worker. A dossier filed meanwhile has its own document."""
    from dossiers.pdf.render import render_dossier

    if not application.is_draft:
        on_demand.forget(_key(application))
        return
    content = _content(application)
    on_demand.make(_key(application), fingerprint(content), lambda: render_dossier(content, watermark=WATERMARK))
