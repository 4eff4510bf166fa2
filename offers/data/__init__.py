"""Places that the offers and the kinds refer to, read once from the files beside this module.

regions.csv and departments.csv bear the official codes (strings: 2A, 2B, 971…). courts.csv holds the tribunaux
judiciaires to which coordinating doctors apply, with their postal addresses.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Region(NamedTuple):
    code: str
    name: str


class Department(NamedTuple):
    code: str
    name: str
    region: str


class AppealCourt(NamedTuple):
    code: str
    name: str
    address: str


class Court(NamedTuple):
    code: str
    name: str
    department: str
    appeal_court: str
    address: str


@cache
def regions() -> tuple[Region, ...]:
    return _rows("regions", Region)


@cache
def departments() -> tuple[Department, ...]:
    return _rows("departments", Department)


@cache
def appeal_courts() -> tuple[AppealCourt, ...]:
    return _rows("appeal_courts", AppealCourt)


@cache
def courts() -> tuple[Court, ...]:
    return _rows("courts", Court)


def _rows(name: str, row: type) -> tuple:
    with Path(__file__).with_name(f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(row(**record) for record in csv.DictReader(file))
