"""The blank form of an offer, for people who want paper: printed when it is first asked for, then kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from dossiers.content import blank_content, moment
from dossiers.fingerprints import fingerprint
from offers.models import Offer


def printed_context(offer: Offer) -> dict[str, Any]:
    """What every document of an offer says of it."""
    return offer.kind_definition.document_context(offer.details, offer.parameters) | {
        "offer_title": offer.title,
        "institution": offer.institution.name,
        "service": offer.service_name,
        "deadline_display": moment(offer.deadline),
    }


def blank_form(offer: Offer) -> BinaryIO:
    """The PDF. Same offer, same words, same layout: same file, printed once (in less than a second)."""
    spec = offer.kind_definition.dossier_spec(offer.parameters)
    content = blank_content(offer.kind, spec, printed_context(offer))
    return print_once("formulaires", content, lambda render: render.render_dossier(content))


def print_once(folder: str, content: Any, printed: Callable[[ModuleType], bytes]) -> BinaryIO:
    """The PDF of this content, kept under its fingerprint and the layout's. `printed` gets `dossiers.pdf.render`."""
    name = f"{folder}/{fingerprint([content, _edition()])}.pdf"
    if not default_storage.exists(name):
        from dossiers.pdf import render  # heavy: loaded by who prints

        pdf = printed(render)
        default_storage.save(name, ContentFile(pdf))
        return ContentFile(pdf)
    return default_storage.open(name)


@cache
def _edition() -> str:
    """Changes with the layout: what was printed by an older version of the portal is printed anew."""
    base = Path(settings.BASE_DIR)
    code = (base / "dossiers/pdf").glob("*.py")
    layout = [base / "dossiers/pdf/print.css", *sorted(code), *sorted((base / "templates/documents").iterdir())]
    return sha256(b"".join(path.read_bytes() for path in layout)).hexdigest()
