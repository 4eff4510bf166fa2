"""Dossiers of the demonstration, at three stages: nearly ready, declared admissible, hardly begun.

The texts are in `people/`, one file per candidate. Each dossier is made by the functions that the pages call, in one
transaction: interrupted, it leaves nothing and is made the next time; once there, it is never touched again.
"""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from applications import answering, circuit, lifecycle, starting
from applications.models import Application
from dossiers import uploads
from dossiers.answers import save_answers
from dossiers.models import Annex, Dossier
from offers.kinds.base import text_lines
from offers.models import Offer
from portal.accounts.models import User
from portal.demonstration.papers import paper

PEOPLE = Path(__file__).with_name("people")
INTERNSHIP_YEARS = range(-4, 3)  # from the first semester to the end of the contract


def make_dossiers(users: dict[str, User], offers: dict[str, Offer]) -> None:
    """The dossiers that are not there yet, as long as their offer is open."""
    for path in sorted(PEOPLE.glob("*.toml")):
        source = path.read_text(encoding="utf-8")
        person = tomllib.loads(source)
        candidate = users[person["candidate"]]
        for number, dossier in enumerate(person["dossiers"]):
            offer = offers[dossier["offer"]]
            if offer.is_open() and not offer.applications.of_candidate(candidate).exists():
                filled = tomllib.loads(source.format_map(_words(offer)))
                with transaction.atomic():
                    _make(offer, candidate, filled["answers"], filled["dossiers"][number], users)


def _make(offer: Offer, candidate: User, common: dict[str, Any], text: dict[str, Any], users: dict[str, User]) -> None:
    """common: the answers that are the same in all dossiers of this candidate."""
    application = starting.start(offer, candidate)
    for section, answers in (common | text["answers"]).items():
        save_answers(application.dossier, section, answers)
    for piece in text.get("pieces", ()):
        key, owner = piece.pop("key"), candidate.get_full_name()
        uploads.add_piece(application.dossier, key, paper(**piece, owner=owner))
    for annex in text["annexes"]:
        _ask(application, annex)
    if "begun_days_ago" in text:
        _date_back(application, timedelta(days=text["begun_days_ago"]))
    if "admitted_by" in text:
        application = lifecycle.file_application(application, actor=candidate, received_at=timezone.now())
        lifecycle.WORKFLOW.run(application, "admit", actor=users[text["admitted_by"]])


def _ask(application: Application, text: dict[str, Any]) -> None:
    """Send an annex to its signatory, who signs it if the text has an answer."""
    signatory = {name: text[name.removeprefix("signatory_")] for name in circuit.SIGNATORY_FIELDS}
    annex = circuit.name_signatory(application, text["key"], signatory)
    annex = circuit.invite(annex, actor=application.candidate)
    if "answer" in text:
        answering.sign(answering.note_opening(annex), text["answer"])


def _date_back(application: Application, age: timedelta) -> None:
    """As if the work had begun earlier: reminders are due to those who were concerned before the step only."""
    then = timezone.now() - age
    Application.objects.filter(pk=application.pk).update(created_at=then)
    Dossier.objects.filter(pk=application.dossier_id).update(created_at=then)
    Annex.objects.filter(dossier=application.dossier_id, sent_at__isnull=False).update(sent_at=then, renewed_at=then)


def _words(offer: Offer) -> dict[str, str]:
    """What the placeholders stand for: {start}, {today}, and {Y}, the year of the start in November, {Y-1}…"""
    start = next(line for line in text_lines(offer.parameters["starts"]) if line.lower().startswith("novembre"))
    year = int(start.split()[-1])
    years = {f"Y{shift:+d}" if shift else "Y": str(year + shift) for shift in INTERNSHIP_YEARS}
    return years | {"start": slugify(start), "today": timezone.localdate().isoformat()}
