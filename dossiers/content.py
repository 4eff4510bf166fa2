"""The answers as JSON-able, printable content: what recap pages, signatories, the frozen dossier and the PDF read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from dossiers import changes
from dossiers.models import Annex, Dossier, Piece
from dossiers.spec import AnnexSpec, DossierSpec, PieceSpec, SectionSpec
from portal.french import file_size, of

SCHEMA = 1


def moment(value) -> str:
    """A date and time as people in Paris read it."""
    return date_format(timezone.localtime(value), r"j F Y à G \h i") if value else ""


def section_content(section: SectionSpec, raw: Mapping[str, Any], *, private: bool = True) -> dict[str, Any]:
    """One section, printable. private: with the fields that no signatory sees."""
    values = section.clean(raw).values
    return {
        "key": section.key,
        "title": section.title,
        "heading": section.heading or section.title,
        "intro": section.intro,
        "intro_after": section.intro_after,
        "on_cover": section.on_cover,
        "entries": [
            spec.entry(values.get(spec.name)) | {"applies": spec.applies(values)}
            for spec in section.fields
            if private or not spec.private
        ],
    }


def shown_to_signatory(
    spec: DossierSpec, annex: AnnexSpec, answers: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The sections that concern this annex, without the fields that no signatory sees."""
    sections = (spec.section_by_key[key] for key in annex.sections)
    return [section_content(section, answers.get(section.key, {}), private=False) for section in sections]


def piece_content(spec: PieceSpec, files: Iterable[Piece]) -> dict[str, Any]:
    return {
        "key": spec.key,
        "label": spec.label,
        "files": [
            {
                "id": str(piece.pk),
                "name": piece.name,
                "size": piece.size,
                "size_display": file_size(piece.size),
                "sha256": piece.sha256,
                "content_type": piece.content_type,
                "uploaded_at_display": moment(piece.uploaded_at),
                "safe_sha256": piece.safe_copy.sha256,  # empty while the copy is in the making
                "pages": piece.safe_copy.pages,
            }
            for piece in files
        ],
    }


def annex_question(
    spec: AnnexSpec, *, candidate: str, signatory: Mapping[str, str], opinion: str = ""
) -> dict[str, Any]:
    """What an annex asks, with its statement filled in; the answer's keys come with `annex_content`.

    opinion: its label, once it is given. Nobody signs a word that is not theirs: before that the statement has a blank.
    """
    statement = spec.statement.replace("de {candidate}", of(candidate)).replace("{candidate}", candidate)
    return {
        "key": spec.key,
        "number": spec.number,
        "title": spec.title,
        "role": spec.role,
        "instructions": spec.instructions,
        "statement": statement.replace("{opinion}", opinion.lower() or "…"),
        "text_label": spec.text_label,
        "signatory": dict(signatory),
    }


def signatory_of(annex: Annex | None) -> dict[str, str]:
    return {
        "name": annex.signatory_name if annex else "",
        "function": annex.signatory_function if annex else "",
        "institution": annex.signatory_institution if annex else "",
        "email": annex.signatory_email if annex else "",
    }


def annex_content(
    spec: AnnexSpec,
    annex: Annex | None,
    *,
    candidate: str,
    sections: list[dict[str, Any]],
    scans: Iterable[Piece] = (),
) -> dict[str, Any]:
    """An annex with its answer. sections: what its signatory would read now, to tell whether it has changed since."""
    sign_off = getattr(annex, "sign_off", None) if annex else None
    answer = {
        "opinion": "",
        "opinion_display": "",
        "text": "",
        "entries": [field.entry(None) for field in spec.fields],
        "signed": False,
        "signed_at_display": "",
        "signed_by": "",
        "signed_quality": "",
        "verified_by": "",
        "reference": "",
        "sha256": "",
        "changed_since_signature": False,
        "changes": [],
        "manner": "",
        "files": [],
        "awaited": bool(annex and annex.late),  # filed without it: it may follow
    }
    if sign_off:
        changed = changes.changes(sign_off.content["shown"]["sections"], sections)
        answer |= sign_off.content["answer"] | {
            "signed": True,
            "signed_at_display": moment(sign_off.signed_at),
            "signed_by": sign_off.signer_name,
            "signed_quality": sign_off.signer_quality,
            "verified_by": sign_off.verified_by,
            "reference": sign_off.reference,
            "sha256": sign_off.sha256,
            "changed_since_signature": bool(changed),
            "changes": changed,
            "manner": sign_off.manner,
            "files": piece_content(PieceSpec(key=spec.key, label=spec.title), scans)["files"] if annex.scan_id else [],
        }
    question = annex_question(
        spec, candidate=candidate, signatory=signatory_of(annex), opinion=answer["opinion_display"]
    )
    recalled = [entry for section in sections for entry in section["entries"] if entry["name"] in spec.recalls]
    return question | answer | {"recalled": recalled}


BLANK = "…………"  # where a name is to be written by hand


def dossier_content(dossier: Dossier, context: Mapping[str, Any]) -> dict[str, Any]:
    """The whole dossier. `context`: what the engine does not know (offer, session, contacts, candidate, number)."""
    answers = {row.section: row.raw for row in dossier.answers.all()}
    annexes = {annex.key: annex for annex in dossier.annexes.select_related("sign_off")}
    pieces: dict[str, list[Piece]] = {}
    for piece in dossier.pieces.all():
        pieces.setdefault(piece.key, []).append(piece)
    return _content(dossier.kind, dossier.spec, context, answers, pieces, annexes)


def blank_content(kind: str, spec: DossierSpec, context: Mapping[str, Any]) -> dict[str, Any]:
    """The same dossier before anyone has written in it: a form for paper."""
    return _content(kind, spec, context, {}, {}, {})


def _content(
    kind: str,
    spec: DossierSpec,
    context: Mapping[str, Any],
    answers: Mapping[str, Mapping[str, Any]],
    pieces: Mapping[str, list[Piece]],
    annexes: Mapping[str, Annex],
) -> dict[str, Any]:
    candidate = context.get("candidate_name") or BLANK
    return {
        "schema": SCHEMA,
        "kind": kind,
        "document_title": spec.document_title,
        "document_intro": spec.document_intro,
        "document_checklist": list(spec.document_checklist),
        "document_template": spec.document_template,
        "parts_on_own_pages": spec.parts_on_own_pages,
        "context": dict(context),
        "sections": [section_content(section, answers.get(section.key, {})) for section in spec.sections],
        "pieces": [piece_content(piece, pieces.get(piece.key, ())) for piece in spec.pieces],
        "annexes": [
            annex_content(
                annex,
                annexes.get(annex.key),
                candidate=candidate,
                sections=shown_to_signatory(spec, annex, answers),
                scans=pieces.get(f"annexe-{annex.key}", ()),
            )
            for annex in spec.annexes
        ],
    }
