"""The offers of the demonstration, one text file each: the five programmes' own texts, with dates around today.

Nobody is named: contacts are functions, mail goes to example.org and telephones are those reserved for fiction.
"""

from __future__ import annotations

import tomllib
from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.utils import timezone, translation
from django.utils.formats import date_format

INSTITUTIONS_FILE = "institutions"
# Between the deadline and the posts: the commission meets, then contracts are made.
COMMISSION_AFTER, START_AFTER = timedelta(days=60), timedelta(days=90)
VACANCY_BEFORE = timedelta(days=44)


@cache
def load_institutions() -> dict[str, dict[str, Any]]:
    """The institutions' columns, by the key that the offers use."""
    return _read(INSTITUTIONS_FILE)


def load_offers(now: datetime) -> list[dict[str, Any]]:
    """The offers as plain values, named as the columns of an offer.

    `institution` is a key of `load_institutions`; `closed` says that the offer's deadline has passed at `now`, `paused`
    why it is suspended, if it is. One whose `published_at` is to come waits for its time.
    """
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.toml") if path.stem != INSTITUTIONS_FILE)
    return [_offer(_text(name), now) for name in names]


def _offer(text: dict[str, Any], now: datetime) -> dict[str, Any]:
    days = text.pop("deadline_in_days", None)
    published_at = now - timedelta(days=text.pop("published_days_ago"))
    deadline = None if days is None else _end_of_day(now + timedelta(days=days))
    service, paused = text.pop("service"), text.pop("paused", "")
    with translation.override("fr"):
        filled = _fill(text, _words(deadline or now, published_at))
    return (
        filled
        | {f"service_{name}": value for name, value in service.items()}
        | {"published_at": published_at, "deadline": deadline, "closed": deadline is not None and deadline < now}
        | {"paused": paused}
    )


def _words(deadline: datetime, published_at: datetime) -> dict[str, str]:
    """What the placeholders of the texts stand for, so that the dates of an offer agree with one another."""
    local = timezone.localtime(deadline)
    starts = _starts_after(local + START_AFTER)
    commission = local + COMMISSION_AFTER
    half = "première" if commission.day <= 15 else "seconde"
    return {
        "deadline": date_format(local, "j F Y"),
        "published": date_format(timezone.localtime(published_at), "j F Y"),
        "vacancy": (local - VACANCY_BEFORE).date().isoformat(),
        "session_year": str(starts[0].year),
        "start_1": date_format(starts[0], "F Y"),
        "start_2": date_format(starts[1], "F Y"),
        "commission_period": f"{half} quinzaine {_of_month(date_format(commission, 'F Y'))}",
    }


def _starts_after(day: datetime) -> list[datetime]:
    """The next two starts of internships: the first days of May and of November."""
    firsts = [day.replace(year=year, month=month, day=1) for year in (day.year, day.year + 1) for month in (5, 11)]
    return [first for first in firsts if first >= day][:2]


def _of_month(month: str) -> str:
    return f"d’{month}" if month[0] in "ao" else f"de {month}"


def _end_of_day(moment: datetime) -> datetime:
    """23:59:59 in Paris on the day of `moment`."""
    local = timezone.localtime(moment)
    return datetime.combine(local.date(), time(23, 59, 59), tzinfo=local.tzinfo)


def _text(name: str) -> dict[str, Any]:
    """A file's values, over those of the file that it says it is based on."""
    text = _read(name)
    base = text.pop("based_on", None)
    return _text(base) | text if base else text


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def _fill(value: Any, words: dict[str, str]) -> Any:
    """`value` with the placeholders of all its strings filled in."""
    if isinstance(value, str):
        return value.format_map(words).strip()
    if isinstance(value, dict):
        return {key: _fill(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, words) for inner in value]
    return value
