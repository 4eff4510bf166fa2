"""What an offer has on paper: made by a worker once it is published, or first asked for; then kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse

from dossiers import layout, on_demand
from dossiers.fingerprints import fingerprint


@dataclass(frozen=True)
class Sheet:
    """A PDF kept under the fingerprint of its content and of the layout. `printed` gets `dossiers.pdf.render`."""

    folder: str
    content: Any
    printed: Callable[[ModuleType], bytes]

    @cached_property
    def name(self) -> str:
        return f"{self.folder}/{fingerprint([self.content, layout.edition()])}.pdf"

    def make(self) -> None:
        """In a worker. Done twice, it is done once."""
        on_demand.make(self.name, "", self._keep)

    def _keep(self) -> bytes:
        from dossiers.pdf import render  # heavy: loaded by who prints

        if not default_storage.exists(self.name):
            default_storage.save(self.name, ContentFile(self.printed(render)))
        return b""

    def answer(self, request: HttpRequest, *, filename: str, title: str, send: Callable[[int], None]) -> HttpResponse:
        """The PDF, or the page that waits for it. send: queues the task that makes it."""
        if default_storage.exists(self.name):
            return on_demand.answer(
                request,
                lambda: FileResponse(
                    default_storage.open(self.name), filename=filename, content_type="application/pdf"
                ),
            )
        printing = on_demand.ask(self.name, send, again="encore" in request.GET)
        return on_demand.wait_page(request, printing, title)
