"""The kinds of offers, one module each: a module of this package that has a `kind` is a kind, with no list to keep.

Modules whose name begins with an underscore are shared between kinds and declare none.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from dossiers.spec import register
from offers.kinds.base import OfferKind

__all__ = ["OfferKind", "all_kinds", "get_kind", "load"]


@cache
def _kinds_by_slug() -> dict[str, OfferKind]:
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    modules = [import_module(f"{__name__}.{name}") for name in names]
    kinds = [module.kind for module in modules if hasattr(module, "kind")]
    by_slug = {kind.slug: kind for kind in kinds}
    if len(by_slug) < len(kinds):
        raise ValueError(f"Two kinds of offers share a slug: {sorted(kind.slug for kind in kinds)}")
    return by_slug


def all_kinds() -> tuple[OfferKind, ...]:
    """Every kind, in the order of their files' names."""
    return tuple(_kinds_by_slug().values())


def get_kind(slug: str) -> OfferKind:
    """The kind of this slug; KeyError where there is none."""
    return _kinds_by_slug()[slug]


def load() -> None:
    """Make every kind known to the dossier engine. Called once the apps are ready."""
    for kind in all_kinds():
        register(kind.slug, kind.dossier_spec)
