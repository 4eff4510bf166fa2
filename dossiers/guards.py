"""What the database itself refuses once a dossier is filed, and the exceptions that it lets through."""

from __future__ import annotations

import pgtrigger

# The opinion is not there yet; or it is on paper, and nobody can read its scan.
_UNANSWERED = """({annex}.sign_off_id IS NULL OR EXISTS (
                    SELECT 1 FROM dossiers_signoff signed
                    JOIN dossiers_safecopy copy ON copy.piece_id = (signed.content -> 'scan' ->> 'id')::uuid
                    WHERE signed.id = {annex}.sign_off_id AND copy.verdict = 'refused'))"""

_ASKED = ("signatory_name", "signatory_function", "signatory_institution", "signatory_email", "note")
_SETTLED = ("id", "dossier_id", "key", "late", "confirmation_asked_at")


def _unchanged(names: tuple[str, ...]) -> str:
    return f"""({", ".join(f"NEW.{name}" for name in names)})
                        IS NOT DISTINCT FROM ({", ".join(f"OLD.{name}" for name in names)})"""


# An annex that was awaited when its dossier was filed may still be answered (adr/0026). Who is asked changes only with
# the trace of the link that they held (handed over, or taken back for an opinion on paper), or where none is left.
# What the code of a scan says is noted at any time.
STILL_AWAITED = f"""
            IF TG_OP = 'UPDATE' THEN
                IF OLD.late AND {_UNANSWERED.format(annex="OLD")}
                    AND {_unchanged(_SETTLED)}
                    AND ({_unchanged(_ASKED)} OR OLD.link_hash = '' OR EXISTS (
                        SELECT 1 FROM dossiers_formerlink
                        WHERE annex_id = OLD.id AND why IN ('delegated', 'revoked') AND link_hash = OLD.link_hash))
                THEN
                    RETURN NEW;
                END IF;
                IF OLD.late AND to_jsonb(NEW) - 'scan_doubt' = to_jsonb(OLD) - 'scan_doubt' THEN
                    RETURN NEW;
                END IF;
            END IF;
"""

# The scan of such an annex, signed on paper.
LATE_SCAN = f"""
            IF TG_OP = 'INSERT' THEN
                IF EXISTS (
                    SELECT 1 FROM dossiers_annex annex
                    WHERE annex.dossier_id = NEW.dossier_id AND NEW.key = 'annexe-' || annex.key
                        AND annex.late AND {_UNANSWERED.format(annex="annex")}
                ) THEN
                    RETURN NEW;
                END IF;
            END IF;
"""


def frozen_guard(name: str, unless: str = "") -> pgtrigger.Trigger:
    """Refuse, in the database itself, to change what belongs to a filed dossier (promise 5).

    unless: SQL that lets the exceptions through.
    """
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func=unless
        + """
            IF EXISTS (
                SELECT 1 FROM dossiers_dossier
                WHERE id IN (NEW.dossier_id, OLD.dossier_id) AND frozen_at IS NOT NULL
            ) THEN
                RAISE EXCEPTION 'filed dossier: nothing may change' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        """,
    )
