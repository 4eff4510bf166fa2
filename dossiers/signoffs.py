"""Signed opinions: what a signatory is shown, and the sealed record of what they saw and answered."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils import timezone

from dossiers import changes
from dossiers.content import annex_question, section_content, shown_to_signatory, signatory_of
from dossiers.fingerprints import fingerprint
from dossiers.models import Annex, Opinion, SignOff

ANY_OPINION = "favorable, favorable avec réserves ou défavorable"


def shown_sections(annex: Annex) -> list[dict[str, Any]]:
    """The answers that concern this annex, as they are now."""
    answers = {row.section: row.raw for row in annex.dossier.answers.all()}
    return shown_to_signatory(annex.dossier.spec, annex.spec, answers)


def seen_by_signatory(annex: Annex, opinion: str = ANY_OPINION) -> dict[str, Any]:
    """What this annex shows: its question, and the sections that concern it. Nothing else of the dossier.

    opinion: its label, in the statement that is signed.
    """
    candidate = annex.dossier.owner.get_full_name()
    question = annex_question(annex.spec, candidate=candidate, signatory=signatory_of(annex), opinion=opinion)
    return question | {"candidate": candidate, "sections": shown_sections(annex)}


def changes_since(sign_off: SignOff | None) -> list[dict[str, str]]:
    """The answers that the signatory had read and that are others now (`dossiers.changes.changes`)."""
    if sign_off is None:
        return []
    return changes.changes(sign_off.content["shown"]["sections"], shown_sections(sign_off.annex))


def answer_content(annex: Annex, answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer (opinion, text, the annex's raw fields), printable."""
    return {
        "opinion": answer["opinion"],
        "opinion_display": Opinion(answer["opinion"]).label,
        "text": answer["text"],
        "entries": section_content(annex.spec.form_section, answer["fields"])["entries"],
    }


def carry(annex: Annex, sign_off: SignOff) -> SignOff:
    """The same record, for the same annex of another dossier: its reference, its words, its fingerprint."""
    fields = [field.attname for field in SignOff._meta.concrete_fields if not field.primary_key]
    same = {name: getattr(sign_off, name) for name in fields}
    annex.sign_off = SignOff.objects.create(**same | {"annex_id": annex.pk, "carried_from_id": sign_off.pk})
    annex.save(update_fields=["sign_off"])
    return annex.sign_off


def record(
    annex: Annex,
    answer: Mapping[str, Any],
    *,
    verified_by: str,
    manner: SignOff.Manner = SignOff.Manner.ELECTRONIC,
    scan: Mapping[str, Any] | None = None,
    signed_on: date | None = None,
) -> SignOff:
    """Seal one more version of the opinion, and make it the present one.

    scan: name, size and fingerprint of the paper. signed_on: the day written on it.
    """
    former, signed_at = annex.sign_off, timezone.now()
    quality = ", ".join(filter(None, [annex.signatory_function, annex.signatory_institution]))
    content = {
        "shown": seen_by_signatory(annex, Opinion(answer["opinion"]).label),
        "answer": answer_content(annex, answer),
        "given": dict(answer),
        "signer": {"name": annex.signatory_name, "quality": quality, "verified_by": verified_by},
        "manner": manner,
        "delegations": [
            {"from": link.holder, "to": link.successor, "at": link.ended_at.isoformat()}
            for link in annex.former_links.filter(why="delegated")
        ],
        "signed_at": signed_at.isoformat(),
    }
    if former:
        content["replaces"] = {"reference": former.reference, "sha256": former.sha256}
    if scan:
        content |= {"scan": dict(scan), "signed_on": signed_on.isoformat()}
    annex.sign_off = SignOff.objects.create(
        annex=annex,
        version=former.version + 1 if former else 1,
        manner=manner,
        reference=f"AV-{secrets.token_hex(5).upper()}",
        signer_name=annex.signatory_name,
        signer_quality=quality,
        verified_by=verified_by,
        opinion=answer["opinion"],
        content=content,
        sha256=fingerprint(content),
        signed_at=signed_at,
    )
    annex.shown_digest = changes.digest(content["shown"]["sections"])
    annex.draft, annex.drafted_at, annex.confirmation_asked_at = {}, None, None
    annex.save(update_fields=["sign_off", "shown_digest", "draft", "drafted_at", "confirmation_asked_at"])
    return annex.sign_off
