"""What was filed stays filed: the lock that every write takes, and the freezing itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dossiers.fingerprints import fingerprint
from dossiers.models import Dossier, FrozenDossier


class DossierFrozen(Exception):
    """The dossier was filed, or erased with its draft: it no longer changes."""


def lock_open(dossier: Dossier, *, paper_of: str = "") -> Dossier:
    """Lock the dossier's row until the end of the transaction, and make sure that it is not filed.

    paper_of: key of an annex whose scan comes; it may follow the filing where the opinion does.
    """
    row = Dossier.objects.select_for_update(of=("self",)).filter(pk=dossier.pk).first()
    if row is None:
        raise DossierFrozen
    if row.is_frozen:
        awaited = row.annexes.filter(key=paper_of, late=True).select_related("scan__safe_copy") if paper_of else ()
        if not any(annex.takes_late_paper for annex in awaited):
            raise DossierFrozen
    return row


def freeze(dossier: Dossier, content: dict[str, Any], at: datetime) -> FrozenDossier:
    """Freeze `dossier` with this content (`dossiers.content.dossier_content`), filed `at`. Within a transaction."""
    row = lock_open(dossier)
    frozen = FrozenDossier.objects.create(dossier=row, content=content, sha256=fingerprint(content), frozen_at=at)
    row.frozen_at = frozen.frozen_at
    row.save(update_fields=["frozen_at"])
    return frozen
