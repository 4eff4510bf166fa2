"""Claim what is due and queue its mail, in one SQL statement for each batch: both stand, or neither does.

The rows are never read into Python: a hundred thousand dossiers cost a hundred queries and no memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from applications.reminders.models import Audience
from dossiers.models import Annex
from portal.notifications import outbox

DRAFTS = 2000  # or filed dossiers, of one batch
FIRST = UUID(int=0)
IN_PREPARATION = "state = 'draft'"
FILED_WITHOUT_AN_OPINION = """
    state IN ('filed', 'inadmissible')
    AND EXISTS (SELECT 1 FROM dossiers_annex WHERE dossier_id = applications_application.dossier_id AND late)
"""  # while it may still come: Application.REPLACEABLE, docs/adr/0026
KEPT = "FOR KEY SHARE"  # no draft of the batch is erased before its reminders are committed


@dataclass(frozen=True)
class Plan:
    """A rule of an open offer on this day. step: the day it fell due; None for one that recurs, counted from each
    dossier's or request's last activity: `every` so many days, `at_most` so many times.
    """

    rule: int
    offer: int
    audience: str
    step: date | None
    every: int | None
    at_most: int
    quiet_until: datetime


@dataclass(frozen=True)
class Due:
    """One reminder that is due: see Reminder for rule, target, step and application, Mail for the rest."""

    rule: int
    target: str
    step: date
    kind: str
    recipient: str
    payload: dict[str, Any]
    quiet_until: datetime
    application: UUID | None = None
    thread: UUID | None = None


# Who of a batch of dossiers is concerned by the rules of their offer, and since which day.
CONCERNED = f"""
    plan AS (
        SELECT * FROM unnest(
            %(rules)s::bigint[], %(offers)s::bigint[], %(audiences)s::text[], %(steps)s::date[], %(every)s::int[],
            %(at_most)s::int[], %(quiet_until)s::timestamptz[]
        ) AS plan (rule_id, offer_id, audience, step, every, at_most, quiet_until)
    ), batch AS MATERIALIZED (
        SELECT id, offer_id, dossier_id, candidate_id, created_at
        FROM applications_application
        WHERE {{dossiers}} AND offer_id = ANY(%(offers)s) AND (offer_id, id) > (%(after_offer)s, %(after)s)
        ORDER BY offer_id, id LIMIT %(size)s {{lock}}
    ), concerned AS (
        SELECT plan.*, 'application:' || batch.id AS target, batch.id AS application_id, dossier_id AS thread,
            'candidate_reminder' AS kind, candidate.email AS recipient,
            jsonb_build_object('application', batch.id) AS payload,
            (CASE WHEN plan.step IS NULL THEN greatest(
                batch.created_at,
                (SELECT max(saved_at) FROM dossiers_sectionanswers WHERE dossier_id = batch.dossier_id),
                (SELECT max(uploaded_at) FROM dossiers_piece WHERE dossier_id = batch.dossier_id)
            ) ELSE batch.created_at END AT TIME ZONE %(zone)s)::date AS since
        FROM batch
        JOIN plan ON plan.offer_id = batch.offer_id AND plan.audience = '{Audience.CANDIDATE}'
        JOIN accounts_user candidate ON candidate.id = batch.candidate_id
        UNION ALL
        SELECT plan.*, 'annex:' || annex.id, batch.id, annex.dossier_id, 'signatory_reminder', annex.signatory_email,
            jsonb_build_object('annex', annex.id, 'link_hash', annex.link_hash),
            (coalesce(annex.renewed_at, annex.sent_at) AT TIME ZONE %(zone)s)::date
        FROM batch
        JOIN dossiers_annex annex ON annex.dossier_id = batch.dossier_id AND annex.late = %(late)s
        JOIN plan ON plan.offer_id = batch.offer_id AND (annex.state, plan.audience) IN (
            ('{Annex.State.SENT}', '{Audience.UNOPENED}'), ('{Annex.State.OPENED}', '{Audience.UNSIGNED}'),
            ('{Annex.State.IN_PROGRESS}', '{Audience.UNSIGNED}')
        )
    )
"""
# The day on which it fell due for them: rules.dated_step is in the plan, this is rules.recurring_step.
DUE = """
    due AS (
        SELECT rule_id, target, application_id, thread, kind, recipient, payload, quiet_until,
            coalesce(step, since + every * ((%(today)s - since) / every)) AS step
        FROM concerned
        WHERE CASE WHEN step IS NULL THEN (%(today)s - since) / every BETWEEN 1 AND at_most ELSE since < step END
    )
"""
GIVEN = """
    due AS (
        SELECT * FROM unnest(
            %(rules)s::bigint[], %(targets)s::text[], %(steps)s::date[], %(kinds)s::text[], %(recipients)s::text[],
            %(payloads)s::jsonb[], %(quiet_until)s::timestamptz[], %(applications)s::uuid[], %(threads)s::uuid[]
        ) AS due (rule_id, target, step, kind, recipient, payload, quiet_until, application_id, thread)
    )
"""
# Nobody who was told the same day or later, by whatever rule, is told again. In one order: two planners never wait
# for each other. "IS TRUE" keeps each test a look-up by index or by hash, however wrong the database is about how many
# rows there are: as joins, they become a hundred times slower while a campaign fills the tables.
CLAIM = f"""
    fresh AS MATERIALIZED (
        SELECT nextval('applications_reminder_id_seq') AS id, due.* FROM due
        WHERE (NOT EXISTS (
            SELECT 1 FROM applications_reminder told WHERE told.target = due.target AND told.step >= due.step
        )) IS TRUE
    ), claimed AS (
        INSERT INTO applications_reminder (id, rule_id, target, step, application_id, queued_at)
        SELECT id, rule_id, target, step, application_id, %(now)s FROM fresh
        ORDER BY target
        ON CONFLICT (target, step, rule_id) DO NOTHING
        RETURNING id
    ), letters AS (
        SELECT kind, recipient, payload || jsonb_build_object('reminder', id) AS payload, thread,
            {outbox.LATER:d} AS priority, quiet_until
        FROM fresh WHERE (id IN (SELECT id FROM claimed)) IS TRUE
    ), queued AS (
        {outbox.insert_from("letters")} RETURNING 1
    )
"""


def claim_drafts(plans: Sequence[Plan], now: datetime) -> int:
    """Claim and queue what these rules make due for the drafts of their offers; returns how many."""
    return _claim_batches(IN_PREPARATION, plans, now, late=False)


def claim_late_opinions(plans: Sequence[Plan], now: datetime) -> int:
    """The same, for the opinions that the filed dossiers of these offers still wait for."""
    return _claim_batches(FILED_WITHOUT_AN_OPINION, plans, now, late=True)


def _claim_batches(dossiers: str, plans: Sequence[Plan], now: datetime, *, late: bool) -> int:
    count, after = 0, (0, FIRST)
    statement = f"""
        WITH {CONCERNED.format(dossiers=dossiers, lock=KEPT)}, {DUE}, {CLAIM}
        SELECT (SELECT count(*) FROM queued), offer_id, id FROM batch ORDER BY offer_id DESC, id DESC LIMIT 1
    """
    while after and plans:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, parameters(plans, now, after, late=late))
            row = cursor.fetchone()
            queued, after = (row[0], row[1:]) if row else (0, None)
            count += queued
            if queued:
                outbox.wake_after_commit()
    return count


def due_drafts() -> str:
    """The plain SELECT of what `claim_drafts` claims, for who measures it; for `parameters`."""
    return f"WITH {CONCERNED.format(dossiers=IN_PREPARATION, lock='')}, {DUE} SELECT * FROM due"


def parameters(
    plans: Sequence[Plan], now: datetime, after: tuple[int, UUID] = (0, FIRST), *, late: bool = False
) -> dict[str, Any]:
    """Of CONCERNED and DUE, for the dossiers that come after this offer and application."""
    return {
        "rules": [plan.rule for plan in plans],
        "offers": [plan.offer for plan in plans],
        "audiences": [plan.audience for plan in plans],
        "steps": [plan.step for plan in plans],
        "every": [plan.every for plan in plans],
        "at_most": [plan.at_most for plan in plans],
        "quiet_until": [plan.quiet_until for plan in plans],
        "after_offer": after[0],
        "after": after[1],
        "late": late,
        "size": DRAFTS,
        "now": now,
        "today": timezone.localdate(now),
        "zone": settings.TIME_ZONE,
    }


def claim(reminders: Iterable[Due], now: datetime) -> int:
    """Claim and queue these; returns how many were not queued before."""
    rows = list(reminders)
    if not rows:
        return 0
    given = {
        "rules": [row.rule for row in rows],
        "targets": [row.target for row in rows],
        "steps": [row.step for row in rows],
        "kinds": [row.kind for row in rows],
        "recipients": [row.recipient for row in rows],
        "payloads": [json.dumps(row.payload) for row in rows],
        "quiet_until": [row.quiet_until for row in rows],
        "applications": [row.application for row in rows],
        "threads": [row.thread for row in rows],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"WITH {GIVEN}, {CLAIM} SELECT count(*) FROM queued", given | {"now": now})
        [queued] = cursor.fetchone()
        if queued:
            outbox.wake_after_commit()
    return queued
