"""Annexes signed on paper, equal to the others: printed with their data, scanned, found again by their code."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from applications import circuit, filing, reopening
from dossiers import on_demand, paper, signing
from dossiers.clearing import when_decided
from dossiers.content import dossier_content
from dossiers.fingerprints import fingerprint
from dossiers.freezing import lock_open
from dossiers.models import Annex, Dossier, Piece, SignOff
from dossiers.on_demand import Printing
from portal.notifications import outbox
from portal.workflow import TransitionRefused


def sheet(annex: Annex, *, again: bool = False) -> Printing:
    """The annex alone as a PDF, to sign by hand: as far as the worker is, which is asked for it where need be.

    again: also where it has just failed.
    """

    def send(seconds: int) -> None:
        from applications.tasks import print_annex

        print_annex.apply_async([str(annex.pk)], expires=seconds)

    printing = on_demand.current(_sheet_key(annex))
    if printing.state == "ready" and printing.version == fingerprint(_sheet_content(annex)):
        return printing
    return on_demand.ask(_sheet_key(annex), send, again=again)


def _sheet_key(annex: Annex) -> str:
    return f"sheet:{annex.pk}"


def _sheet_content(annex: Annex) -> dict[str, Any]:
    content = dossier_content(annex.dossier, filing.document_context(annex.dossier.application))
    return content | {"annexes": [item for item in content["annexes"] if item["key"] == annex.key]}


def print_sheet(annex: Annex) -> None:
    """The work itself, in a worker."""
    content = _sheet_content(annex)
    on_demand.make(_sheet_key(annex), fingerprint(content), lambda: printed(annex, content))


def printed(annex: Annex, content: dict[str, Any] | None = None) -> bytes:
    """With what is known already, its room to write, and its code."""
    from dossiers.pdf.render import render_annex  # heavy: loaded by who prints

    help_page = settings.SITE_URL + reverse("pages:help")
    return render_annex(content or _sheet_content(annex), f"{help_page}#{paper.printed_code(annex)}")


def takes_paper(annex: Annex, at: datetime | None = None) -> bool:
    """Whether the annex may be given on paper: while the dossier is prepared, or later where its opinion may follow."""
    application = annex.dossier.application
    if annex.late:
        return annex.takes_late_paper and circuit.is_alive(annex)
    return application.is_draft and application.offer.is_open(at)


def sign_on_paper(
    annex: Annex,
    signatory: dict[str, str],
    *,
    opinion: str,
    signed_on: date,
    upload: UploadedFile | None = None,
    actor: Any = None,
    actor_label: str = "",
    link: str = "",
    at: datetime | None = None,
) -> Annex:
    """The annex counts as signed: by whom, on which day, as this scan shows. A request that was out is taken back.

    upload: the scan, or None where one was recognised already. link: hash of the link that it came by ("" for none).
    at: when the request arrived: a long upload does not make it late.
    Raises ValidationError for a file that cannot be taken.
    """
    if not takes_paper(annex, at):
        raise TransitionRefused("Ce dossier n’attend plus d’avis.")
    # The very file given: one that was given before comes back as it was, not as the last.
    given = paper.add_scan(annex.dossier, upload, annex.key).pk if upload else None
    with transaction.atomic():
        circuit.hold(annex)
        signing.lock_dossier(annex.pk)  # no scan goes away from now on
        scans = annex.dossier.pieces.filter(key=paper.scan_key(annex.key))
        scan = scans.filter(pk=given).first() if given else scans.last()
        if scan is None:  # none yet, or removed meanwhile
            raise TransitionRefused("Déposez d’abord le scan ou la photo de l’annexe signée.")
        present = Annex.objects.get(pk=annex.pk)  # handed over since the page was shown: who holds the link is told
        former = present.signatory_email if present.is_waiting and actor is not None else ""
        annex = signing.WORKFLOW.run(
            annex,
            "sign_on_paper",
            actor=actor,
            actor_label=actor_label,
            until=circuit.accepts_until(annex) if annex.late else annex.dossier.application.offer.deadline,
            signatory=signatory,
            answer={"opinion": opinion, "text": "Avis donné sur papier : voir le scan.", "fields": {}},
            signed_on=signed_on,
            scan=scan,
            by_link=bool(link),
            link=link,
            at=at,
        )
        reopening.carry_to_draft(annex)
        if former:
            outbox.enqueue("request_dropped", former, {"annex": str(annex.pk)}, thread=annex.dossier_id)
        if actor is None:
            circuit.tell_candidate(annex, "annex_signed")
        circuit.tell_service(annex)
    return annex


def signed_scans(dossier: Dossier) -> tuple[set[UUID], set[UUID]]:
    """The scans on which annexes are signed now, and those of earlier versions: none of them is removed."""
    present = set(dossier.annexes.exclude(scan=None).values_list("scan", flat=True))
    named = SignOff.objects.filter(annex__dossier=dossier, manner=SignOff.Manner.PAPER)
    sheets = set(named.values_list("content__scan__sha256", flat=True))  # a version that was carried names another row
    versions = set(dossier.pieces.filter(sha256__in=sheets).values_list("pk", flat=True))
    return present, versions - present


@when_decided
def look_for_the_code(piece: Piece, filed: bool) -> None:
    """Called in the transaction of the verdict: the scan of an annex is read once it is safe."""
    of_an_annex = piece.key.startswith(paper.scan_key("")) or (piece.key == paper.LOOSE and not filed)
    if piece.safe_copy.is_ready and of_an_annex:
        transaction.on_commit(lambda: _read_soon(str(piece.pk)), robust=True)


def _read_soon(piece_pk: str) -> None:
    from applications.tasks import read_scan

    read_scan.delay(piece_pk)


def recognise(piece_pk: str) -> Annex | None:
    """Read the code of a scan; one that has no annex yet goes to its own. Returns the annex that the code names."""
    from dossiers.pdf.codes import read_codes

    piece = Piece.objects.filter(pk=piece_pk).first()
    if piece is None or not piece.safe_copy.is_ready:
        return None
    with piece.safe_copy.file.open("rb") as file:
        annex = paper.annex_of_codes(piece.dossier_id, read_codes(file))
    if annex is None:
        return None
    if piece.key == paper.LOOSE:
        place(piece, annex)
    elif piece.key != paper.scan_key(annex.key):
        note = f"Le code imprimé sur ce scan est celui de l’annexe {annex.spec.number}."
        signed = Annex.objects.filter(dossier=piece.dossier_id, scan=piece)
        signed.filter(Q(dossier__frozen_at=None) | Q(late=True)).update(scan_doubt=note)
    return annex


def place(piece: Piece, annex: Annex) -> None:
    """This scan is of this annex: recognised by its code, or said so by hand."""
    with transaction.atomic():
        lock_open(piece.dossier)
        Piece.objects.filter(pk=piece.pk, dossier=annex.dossier_id).update(key=paper.scan_key(annex.key))
