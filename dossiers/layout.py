"""Which version of the printing code this portal has."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings


@cache
def edition() -> str:
    """Changes with the layout: what was printed, or could not be, by an older version of the portal is tried anew."""
    base = Path(settings.BASE_DIR)
    styles, code = ((base / "dossiers/pdf").glob(pattern) for pattern in ("*.css", "*.py"))
    layout = [*sorted(styles), *sorted(code), *sorted((base / "templates/documents").iterdir())]
    return sha256(b"".join(path.read_bytes() for path in layout)).hexdigest()
