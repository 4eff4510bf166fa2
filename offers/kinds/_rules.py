"""Rules over several answers, and conditions that an answer must meet, as `SectionSpec.rule` takes them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from dossiers.fields import FieldSpec
from dossiers.spec import Problem

Rule = Callable[[Mapping[str, Any]], list[Problem]]


def together(*rules: Rule) -> Rule:
    """All these rules as one."""
    return lambda values: [problem for rule in rules for problem in rule(values)]


def refused(question: FieldSpec, answers: Collection[str], message: str, *, blocking: bool = True) -> Rule:
    """One of these answers is an obstacle (or, not blocking, a thing to look at again)."""

    def rule(values):
        return [_problem(question, message, blocking)] if values.get(question.name) in answers else []

    return rule


def at_least(question: FieldSpec, minimum: Any, message: str, *, blocking: bool = True) -> Rule:
    """A number or a date below `minimum` is an obstacle. The bound may be a function, for what changes with the day."""
    return _bound(question, minimum, operator.lt, message, blocking)


def at_most(question: FieldSpec, maximum: Any, message: str, *, blocking: bool = True) -> Rule:
    """A number or a date above `maximum` is an obstacle."""
    return _bound(question, maximum, operator.gt, message, blocking)


def _bound(
    question: FieldSpec, bound: Any, is_beyond: Callable[[Any, Any], bool], message: str, blocking: bool
) -> Rule:
    def rule(values):
        value = values.get(question.name)
        limit = bound() if callable(bound) else bound
        return [_problem(question, message, blocking)] if value is not None and is_beyond(value, limit) else []

    return rule


def in_order(first: FieldSpec, second: FieldSpec, message: str) -> Rule:
    """The second date or number must not precede the first."""

    def rule(values):
        low, high = values.get(first.name), values.get(second.name)
        return [_problem(second, message)] if low is not None and high is not None and high < low else []

    return rule


def adds_up(shares: tuple[FieldSpec, ...], total: int = 100) -> Rule:
    """These shares of working time make the whole of it."""

    def rule(values):
        given = [values.get(share.name) for share in shares]
        if None in given or sum(given) == total:
            return []
        return [
            _problem(
                shares[-1],
                f"Les parts de temps s’additionnent à {sum(given)} % : leur total doit être de {total} %.",
            )
        ]

    return rule


def _problem(question: FieldSpec, message: str, blocking: bool = True) -> Problem:
    return Problem(message=message, field=question.name, label=question.label, blocking=blocking)
