"""What a signatory does with a request: read, keep a draft, ask, hand over, decline, sign with a code, confirm."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from applications import circuit, reopening
from dossiers import codes, signing
from dossiers.fingerprints import fingerprint
from dossiers.models import Annex, Question, SignOff
from dossiers.signoffs import changes_since
from portal.workflow import TransitionRefused

QUESTIONS_A_REQUEST = 5
HAND_OVERS = 3


class WrittenElsewhere(TransitionRefused):
    """Another page has kept another text since this one was opened. annex: as it is now."""

    def __init__(self, annex: Annex):
        super().__init__("Un autre texte a été gardé entre-temps, depuis un autre onglet ou un autre appareil.")
        self.annex = annex


def note_opening(annex: Annex) -> Annex:
    """Remember that the request was opened. A mail scanner may do it too: it never says more than "opened"."""
    if annex.is_asked and annex.state not in {Annex.State.OPENED, Annex.State.IN_PROGRESS}:
        try:
            return signing.WORKFLOW.run(annex, "open", actor_label=signing.signer_label(annex))
        except TransitionRefused:  # signed or revoked this very moment
            annex.refresh_from_db()
    return annex


def may_answer(annex: Annex) -> bool:
    """Whether an answer is awaited: the first one, or one more because the dossier has changed since."""
    return circuit.is_alive(annex) and (annex.is_asked or bool(pending_changes(annex)))


def pending_changes(annex: Annex) -> list[dict[str, str]]:
    """What has changed since the signature, where the dossier is still in hand."""
    return changes_since(annex.sign_off) if annex.state == Annex.State.SIGNED else []


def keep_draft(annex: Annex, draft: dict[str, Any], *, began_from: str | None = None, writer: str = "") -> Annex:
    """Keep what the signatory has typed so far, right or wrong; the next device that opens the link goes on with it.

    began_from: fingerprint of the draft that the page was made from (None: of no matter). writer: the open page. Raises
    WrittenElsewhere rather than write over what another page has kept since.
    """
    with transaction.atomic():
        circuit.hold(annex)
        signing.lock_dossier(annex.pk)
        now = Annex.objects.select_for_update(of=("self",)).get(pk=annex.pk)
        if now.link_hash != annex.link_hash:
            raise TransitionRefused(signing.TAKEN_BACK)
        if now.state == Annex.State.SIGNED and annex.state != Annex.State.SIGNED:
            raise TransitionRefused("Cet avis est déjà signé.")
        is_news = now.draft and now.draft != draft and not (writer and writer == now.draft_writer)
        if began_from is not None and is_news and began_from != fingerprint(now.draft):
            raise WrittenElsewhere(now)
        annex = now if now.state in {Annex.State.IN_PROGRESS, Annex.State.SIGNED} else _move(annex, "begin")
        annex.draft, annex.drafted_at, annex.draft_writer = draft, timezone.now(), writer
        annex.save(update_fields=["draft", "drafted_at", "draft_writer"])
    return annex


def ask_code(annex: Annex) -> None:
    """Send a one-time code to the signatory's address. Raises CodeRefused when another one has just left."""
    with transaction.atomic():
        circuit.lock_application(annex)
        code = codes.ask(annex)
        circuit.tell_signatory(annex, "signing_code", code=code.pk)


def sign_with_code(annex: Annex, answer: dict[str, Any], given: str, *, seen: str, at: datetime) -> Annex:
    """Sign, once the code proves that who signs reads the signatory's mail. Raises CodeRefused."""
    return sign(annex, answer, seen=seen, at=at, verified_by=_proof(annex, given))


def _proof(annex: Annex, given: str) -> str:
    code = codes.check(annex, given)
    sent = timezone.localtime(code.sent_at)
    return f"lien personnel et code à usage unique envoyés à {annex.signatory_email} (code du {sent:%d/%m/%Y à %H:%M})"


def sign(
    annex: Annex, answer: dict[str, Any], *, seen: str = "", at: datetime | None = None, verified_by: str = ""
) -> Annex:
    """Sign the opinion. `answer`: opinion, text, and the annex's own raw fields.

    seen: fingerprint of what the page showed, so that nobody signs under another text. at: when the request arrived.
    """
    with transaction.atomic():
        annex = _answer(annex, "sign", answer=answer, seen=seen, at=at, verified_by=verified_by)
        annex.codes.all().delete()  # a code serves once
        reopening.carry_to_draft(annex)
        circuit.tell_signatory(annex, "signatory_copy")
        circuit.tell_candidate(annex, "annex_signed")
        circuit.tell_service(annex)
    return annex


def decline(annex: Annex, reason: str, *, at: datetime | None = None) -> Annex:
    with transaction.atomic():
        annex = _answer(annex, "decline", reason=reason, at=at)
        circuit.tell_candidate(annex, "annex_declined")
        circuit.tell_service(annex)
    return annex


def hand_over(annex: Annex, to: dict[str, str], *, at: datetime | None = None) -> Annex:
    """The signatory names who answers instead: a link of their own, the candidate told, the former link explains."""
    with transaction.atomic():
        if annex.former_links.filter(why="delegated").count() >= HAND_OVERS:
            raise TransitionRefused("Cette demande a déjà changé de mains plusieurs fois. Vous pouvez la décliner.")
        annex = _answer(annex, "delegate", to=to, at=at)
        circuit.refuse_a_flood(annex)
        circuit.request_mail(annex)
        circuit.tell_candidate(annex, "annex_delegated")
    return annex


def ask_question(annex: Annex, text: str) -> Question:
    """Ask the candidate something before answering. The thread stays on both pages."""
    with transaction.atomic():
        circuit.hold(annex)
        if annex.questions.filter(email=annex.signatory_email).count() >= QUESTIONS_A_REQUEST:
            raise TransitionRefused("Vous avez déjà posé plusieurs questions : écrivez directement à cette personne.")
        question = Question.objects.create(
            annex=annex, asked_by=annex.signatory_name, email=annex.signatory_email, text=text
        )
        circuit.tell_candidate(annex, "question_asked", question=question.pk)
    return question


def confirm_with_code(annex: Annex, answer: dict[str, Any] | None, given: str, *, seen: str, at: datetime) -> Annex:
    """Confirm the opinion on the answers as they are now, or sign it anew with `answer`: one more version of it."""
    manner = SignOff.Manner.CONFIRMED if answer is None else SignOff.Manner.ELECTRONIC
    proof = _proof(annex, given)
    with transaction.atomic():
        annex = _answer(
            annex, "confirm", answer=answer or signed_answer(annex), seen=seen, at=at, verified_by=proof, manner=manner
        )
        annex.codes.all().delete()
        circuit.tell_signatory(annex, "signatory_copy")
        circuit.tell_candidate(annex, "annex_signed")
    return annex


def signed_answer(annex: Annex) -> dict[str, Any]:
    """The answer as it was typed, to confirm or to start again from."""
    given = annex.sign_off.content.get("given") if annex.sign_off else None
    if given is None:
        raise TransitionRefused("Cet avis ne peut pas être repris tel quel : signez-le de nouveau.")
    return given


def _answer(annex: Annex, move: str, **data: Any) -> Annex:
    """The signatory's move, while the application is locked (before the dossier, as in filing) and still in hand."""
    circuit.hold(annex)
    return _move(annex, move, **data)


def _move(annex: Annex, move: str, **data: Any) -> Annex:
    label = signing.signer_label(annex)
    return signing.WORKFLOW.run(
        annex, move, actor_label=label, until=circuit.accepts_until(annex), link=annex.link_hash, **data
    )
