"""Dossiers of the demonstration."""

from __future__ import annotations


def make_dossiers(users, offers) -> None:
    return
