"""Stored files that no row names: left by a process killed between the storage and the database."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from django.apps import apps
from django.core.files.storage import Storage, default_storage
from django.db import models
from django.utils import timezone
from storages.backends.s3 import S3Storage

log = logging.getLogger(__name__)

# Far longer than a request or a task may take: younger, a file may belong to a row that is about to be written.
UNNAMED = timedelta(hours=12)
PRINTED = timedelta(days=30)  # the PDFs of offers (offers/printed.py): no row names them, and they are made again
BATCH = 500
# How old a file without a row becomes, in the portal's own folders: the bucket or the disk may hold other things, a
# backup for one.
KEPT = {"pieces/": UNNAMED, "copies/": UNNAMED, "documents/": UNNAMED, "formulaires/": PRINTED, "offres/": PRINTED}


def delete_orphans(kept: Mapping[str, timedelta] = KEPT) -> int:
    """Delete the files that no file field of any model names, older than their folder allows. Returns how many."""
    now = timezone.now()
    old = (
        name
        for folder, age in kept.items()
        for name, modified in _stored(default_storage, folder)
        if modified < now - age
    )
    deleted = 0
    while names := list(islice(old, BATCH)):
        for name in set(names) - _named(names):
            log.warning("Deleting a stored file that belongs to no row: %s", name)
            default_storage.delete(name)
            deleted += 1
    return deleted


def _stored(storage: Storage, folder: str) -> Iterator[tuple[str, datetime]]:
    """Every file of a folder, with the time of its last change: S3 lists a thousand in one answer."""
    if isinstance(storage, S3Storage):
        for item in storage.bucket.objects.filter(Prefix=folder):
            yield item.key, item.last_modified
    else:
        root = Path(storage.path(""))
        for path in (root / folder).rglob("*"):
            if path.is_file():
                yield path.relative_to(root).as_posix(), datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _named(names: Iterable[str]) -> set[str]:
    """Those among `names` that a row points to, in whatever model: a new file field is known by itself."""
    found: set[str] = set()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.FileField) and field.model is model:
                rows = model._base_manager.filter(**{f"{field.name}__in": names})
                found.update(rows.values_list(field.name, flat=True))
    return found
