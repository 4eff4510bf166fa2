"""The PDFs of applications and sessions: rendered once, by a worker, from what was frozen; stored privately."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO

from django.core.files import File
from django.db import transaction
from django.db.models import Model, QuerySet

from applications import late_signatures
from applications.models import Application, Minutes, MinutesDocument
from applications.verification import page_address
from dossiers import paper, tries
from dossiers.content import annex_content
from dossiers.models import (
    Document,
    FrozenDossier,
    Piece,
    PrintedDocument,
    PrintingTries,
    SafeCopy,
    SignOff,
    new_reference,
)
from dossiers.pdf.limits import Unprintable
from portal.notifications import outbox

if TYPE_CHECKING:
    from dossiers.pdf.bundle import Enclosure, Supplement
    from dossiers.pdf.render import Proof

logger = logging.getLogger(__name__)
Kind = Document.Kind


def due(application: Application) -> list[Kind]:
    """The documents that a filed application has, in the order in which they are made."""
    decided = hasattr(application, "decision")
    return [kind for kind in Kind if kind != Kind.DECISION or decided]


def obtain(application: Application, kind: Kind) -> Document | None:
    """The document of this kind; renders and stores it if that was not done yet. None while another worker does.

    Raises tries.Resting where it was tried too often, Unprintable where its content cannot be laid out.
    """
    frozen = FrozenDossier.objects.get(dossier_id=application.dossier_id)
    late = late_signatures.received(application) if kind == Kind.BUNDLE else []
    existing = frozen.documents.filter(kind=kind, edition=len(late))
    new = Document(frozen=frozen, kind=kind, edition=len(late))
    if document := existing.first():
        return document
    with transaction.atomic():  # of its own: whatever becomes of this try, it counts
        if not _held(frozen):
            return None
        tries.begin(new)

    def make(new: Document) -> BinaryIO:
        file = _make(application, new, late)
        tries.forget(new)  # together with what is stored
        return file

    try:
        return _once(frozen, existing, new, make)
    except Unprintable:
        raise
    except Exception:
        tries.excuse(new)
        raise


def latest(application: Application) -> dict[Kind, Document]:
    """What has been made already, by kind: the last edition of each; absent while the worker is at it."""
    stored = Document.objects.filter(frozen__dossier=application.dossier_id).order_by("edition")
    return {document.kind: document for document in stored}


def obtain_minutes(minutes: Minutes) -> MinutesDocument | None:
    """The minutes as a sealed PDF: as `obtain`."""
    existing = MinutesDocument.objects.filter(minutes=minutes)
    return _once(minutes, existing, MinutesDocument(minutes=minutes), lambda new: _make_minutes(minutes, new))


def attached(application: Application, kind: Kind, name: str) -> list[tuple[str, bytes, str]]:
    """The PDF to attach to a mail, or nothing: the receipt is due at once (CRPA R112-11-1), whatever becomes of it.

    Raises NotYet while another worker is rendering it.
    """
    try:
        document = obtain(application, kind)
        if document is None:
            raise outbox.NotYet("another worker is rendering it")
        with document.file.open("rb") as file:
            return [(name, file.read(), "application/pdf")]
    except outbox.NotYet:
        raise
    except Exception:
        logger.exception("The mail about %s leaves without its document.", application.number)
        return []


def _once(source: Model, existing: QuerySet, new: PrintedDocument, make: Callable[[PrintedDocument], BinaryIO]):
    """What is stored already, or `new`, made and stored by the one worker that holds the lock of its source.

    The lock holds nothing but the source, which nobody writes: rendering may take its time.
    """
    if document := existing.first():
        return document
    with transaction.atomic():
        if not _held(source):
            return None
        if document := existing.first():  # another worker has just done it
            return document
        new.reference = new_reference()
        with make(new) as file:
            new.size, new.sha256 = file.seek(0, io.SEEK_END), _fingerprint(file)
            new.file.save("", File(file), save=False)
        try:
            new.save()
        except BaseException:
            new.file.delete(save=False)
            raise
    return new


def _held(source: Model) -> bool:
    """Whether its lock is this transaction's."""
    rows = type(source).objects.select_for_update(skip_locked=True, no_key=True).only("pk")
    return rows.filter(pk=source.pk).first() is not None


def _fingerprint(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest


def _make(application: Application, document: Document, late: list[SignOff]) -> BinaryIO:
    """Rendered, with the way to verify it, then sealed."""
    from dossiers.pdf.render import (
        render_dossier,
        render_letter,
        render_receipt,
    )  # heavy, and of use to the workers alone

    proof = _proof(document)
    match document.kind:
        case Kind.RECEIPT:
            file = io.BytesIO(render_receipt(application.receipt.content, proof=proof))
        case Kind.DECISION:
            file = io.BytesIO(
                render_letter("documents/decision.html", decision=application.decision.content, proof=proof)
            )
        case Kind.BUNDLE:
            file = _bundle(application, document.frozen, late, proof)
        case _:
            file = io.BytesIO(render_dossier(document.frozen.content, proof=proof))
    return _sealed(file)


def _make_minutes(minutes: Minutes, document: MinutesDocument) -> BinaryIO:
    from dossiers.pdf.render import render_letter

    pdf = render_letter("documents/minutes.html", minutes=minutes.content, proof=_proof(document))
    return _sealed(io.BytesIO(pdf))


def _proof(document: PrintedDocument) -> Proof:
    from dossiers.pdf.render import Proof

    return Proof(document.reference, page_address(document.reference))


def _sealed(file: BinaryIO) -> BinaryIO:
    from dossiers.pdf.seal import seal

    seal(file)
    return file


def _bundle(application: Application, frozen: FrozenDossier, late: list[SignOff], proof: Proof) -> BinaryIO:
    """The dossier as it was printed, the opinions that came later, and the pieces, in the commission's order."""
    from dossiers.pdf.bundle import make_bundle

    dossier = obtain(application, Kind.DOSSIER)
    stored = {str(piece.pk): piece for piece in application.dossier.pieces.all()}
    answers = [_late_annex(frozen.content, sign_off, stored.values()) for sign_off in late]
    with TemporaryDirectory(prefix="volume-") as folder:
        enclosures = [
            _enclosure(listed["label"], file, stored.get(file["id"]), Path(folder))
            for listed in [*frozen.content["pieces"], *_papers(frozen.content["annexes"] + answers)]
            for file in listed["files"]
        ]
        with dossier.file.open("rb") as printed:
            volume = make_bundle(
                frozen.content,
                io.BytesIO(printed.read()),
                enclosures,
                proof=proof,
                supplements=[_supplement(frozen.content, annex) for annex in answers],
            )
    if left_out := [[enclosure.told, enclosure.left_out] for enclosure in enclosures if enclosure.left_out]:
        payload = {"application": str(application.pk), "left_out": left_out}
        email = application.offer.service_email
        outbox.enqueue("bundle_incomplete", email, payload, thread=application.dossier_id)
    return volume


def late_opinions(application: Application) -> list[dict[str, Any]]:
    """The opinions that came after the filing so far, whether or not others are awaited."""
    content, pieces = application.dossier.frozen.content, list(application.dossier.pieces.all())
    return [_late_annex(content, sign_off, pieces) for sign_off in late_signatures.received_so_far(application)]


def _late_annex(content: dict[str, Any], sign_off: SignOff, pieces: Iterable[Piece]) -> dict[str, Any]:
    """The annex as it would have been frozen, had it been signed in time."""
    annex = sign_off.annex
    return annex_content(
        annex.spec,
        annex,
        candidate=content["context"]["candidate_name"],
        sections=sign_off.content["shown"]["sections"],
        scans=[piece for piece in pieces if piece.key == paper.scan_key(annex.key)],
    )


def _supplement(content: dict[str, Any], annex: dict[str, Any]) -> Supplement:
    from dossiers.pdf.bundle import Supplement
    from dossiers.pdf.render import render_late_opinion

    return Supplement(
        f"Annexe {annex['number']}, reçue après le dépôt",
        io.BytesIO(render_late_opinion(content | {"annexes": [annex]})),
        signed_by=annex["signed_by"],
        signed_at_display=annex["signed_at_display"],
        sha256=annex["sha256"],
    )


def _papers(annexes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The annexes that were signed on paper, with their scans."""
    return [
        {"label": f"Annexe {annex['number']}, signée sur papier", "files": annex.get("files", [])} for annex in annexes
    ]


def _enclosure(label: str, file: dict[str, Any], piece: Piece | None, folder: Path) -> Enclosure:
    """The safe copy of a piece, brought here."""
    from dossiers.pdf.bundle import Enclosure

    if piece is None or piece.safe_copy.is_refused:
        return Enclosure(label, file, None, left_out=(piece and "fichier refusé à la vérification") or "")
    copy = piece.safe_copy
    if not copy.file.storage.exists(copy.file.name):
        return Enclosure(label, file, None)
    path, digest = folder / str(piece.pk), hashlib.sha256()
    with copy.file.open("rb") as source, path.open("wb") as target:
        for chunk in source.chunks():
            digest.update(chunk)
            target.write(chunk)
    changed = digest.hexdigest() != copy.sha256
    return Enclosure(label, file, path, left_out="fichier différent de celui qui a été vérifié" if changed else "")


def waits_for_pieces(application: Application) -> bool:
    """Whether the volume cannot be made yet: a piece is still being checked. The last verdict starts it."""
    return SafeCopy.objects.filter(piece__dossier=application.dossier_id, verdict=SafeCopy.Verdict.WAITING).exists()


def unprintable(application: Application) -> list[PrintingTries]:
    """The documents that cannot be made, once the technical team is told."""
    return list(tries.resting().filter(frozen__dossier=application.dossier_id, told=True).order_by("kind"))


def try_again(application: Application) -> None:
    """For an agent who asks for it: a worker tries at once."""
    from applications.tasks import render_documents

    PrintingTries.objects.filter(frozen__dossier=application.dossier_id).delete()
    transaction.on_commit(lambda: render_documents.delay(str(application.pk)), robust=True)


def must_wait(application: Application) -> bool:
    """Whether the volume cannot be made yet: for its pieces, or for the dossier that it begins with."""
    return waits_for_pieces(application) or Kind.DOSSIER not in latest(application)
