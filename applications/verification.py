"""Is this document the portal's, and is it still the latest? Answered to anyone, and nothing else is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.urls import reverse

from applications.models import Application, Minutes, MinutesDocument
from dossiers.models import Document, PrintedDocument

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
    document = _find(sha256=sha256)
    return Finding(_kind(document), document.rendered_at, _superseded_at(document)) if document else None


def of_reference(reference: str) -> Finding | None:
    """That such a document exists, and whether a newer one replaces it: says nothing of the paper it was read on."""
    plain = "".join(character for character in reference.upper() if character.isalnum()).translate(LOOKALIKES)
    document = _find(reference=plain) if plain else None
    return Finding(_kind(document), document.rendered_at, _superseded_at(document)) if document else None


def _find(**which: str) -> PrintedDocument | None:
    later = Document.objects.filter(frozen=OuterRef("frozen"), kind=OuterRef("kind"), edition__gt=OuterRef("edition"))
    documents = Document.objects.annotate(replaced_at=Subquery(later.order_by("edition").values("rendered_at")[:1]))
    return (
        documents.filter(**which).select_related("frozen__dossier__application").first()
        or MinutesDocument.objects.filter(**which).select_related("minutes").first()
    )


def _kind(document: PrintedDocument) -> str:
    return document.get_kind_display() if isinstance(document, Document) else "Procès-verbal"


def _superseded_at(document: PrintedDocument) -> datetime | None:
    """Since when a newer document replaces it: a later filing of the same person, a later edition."""
    if isinstance(document, MinutesDocument):
        minutes = document.minutes
        later = Minutes.objects.filter(session=minutes.session_id, edition__gt=minutes.edition)
        return later.order_by("edition").values_list("established_at", flat=True).first()
    application = document.frozen.dossier.application
    newer = Application.objects.filter(
        offer=application.offer_id, candidate=application.candidate_id, filed_at__gt=application.filed_at
    )
    refiled_at = newer.order_by("filed_at").values_list("filed_at", flat=True).first()
    return min(filter(None, (refiled_at, document.replaced_at)), default=None)
