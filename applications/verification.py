"""Is this document the portal's, and is it still the latest? Answered to anyone, and nothing else is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from applications.models import Application
from dossiers.models import Document

LOOKALIKES = str.maketrans("OIL", "011")  # what a person may read in place of a digit


@dataclass(frozen=True)
class Finding:
    """kind, established_at: what a holder of the document knows already. superseded_at: since when a newer one is."""

    kind: str
    established_at: datetime
    superseded_at: datetime | None = None


def page_address(reference: str) -> str:
    """Where the code printed on a document leads."""
    return f"{settings.SITE_URL}{reverse('verify')}?reference={reference}"


def of_fingerprint(sha256: str) -> Finding | None:
    """The document of these very bytes."""
    document = Document.objects.filter(sha256=sha256).select_related("frozen__dossier__application").first()
    if document is None:
        return None
    return Finding(
        document.get_kind_display(), document.rendered_at, _superseded_at(document.frozen.dossier.application)
    )


def of_reference(reference: str) -> Finding | None:
    """That such a document exists: says nothing of the paper on which the reference was read."""
    plain = "".join(character for character in reference.upper() if character.isalnum()).translate(LOOKALIKES)
    document = Document.objects.filter(reference=plain).first() if plain else None
    return Finding(document.get_kind_display(), document.rendered_at) if document else None


def _superseded_at(application: Application) -> datetime | None:
    """When the same person filed a newer dossier for the same offer, after withdrawing this one."""
    newer = Application.objects.filter(
        offer=application.offer_id, candidate=application.candidate_id, filed_at__gt=application.filed_at
    )
    return newer.order_by("filed_at").values_list("filed_at", flat=True).first()
