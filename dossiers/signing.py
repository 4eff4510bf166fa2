"""The sign-off circuit: links for signatories, and the life cycle of an annex.

A link's secret is derived from the server's key and the annex's nonce, so it can be mailed again from the worker
while the database holds its hash alone. A new nonce makes the earlier link useless.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.crypto import salted_hmac

from dossiers.content import annex_question, fingerprint, section_content, shown_to_signatory, signatory_of
from dossiers.models import Annex, AnnexTransition, Dossier, Opinion, SignOff
from portal.workflow import Transition, Workflow, nobody_special

State = Annex.State
SIGNATORY_FIELDS = ("signatory_name", "signatory_function", "signatory_institution", "signatory_email")


def link_secret(annex: Annex) -> str:
    """The secret of the annex's present link: 43 characters, 256 bits."""
    digest = salted_hmac("dossiers.signing.link", f"{annex.pk}:{annex.link_nonce}", algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def link_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def annex_of_link(secret: str) -> Annex | None:
    """The annex that this link serves, or None: unknown, revoked and replaced links look alike."""
    return (
        Annex.objects.select_related("dossier__owner", "sign_off")
        .exclude(link_hash="")
        .filter(link_hash=link_hash(secret))
        .first()
    )


def _owns(actor: Any, annex: Annex) -> bool:
    return actor is not None and actor.pk == annex.dossier.owner_id


def _not_frozen_nor_late(annex: Annex, *, until: datetime | None = None, at: datetime | None = None, **data: Any):
    """until: the last instant at which the circuit is open (the offer's deadline), or None. at: when it was asked."""
    if annex.dossier.is_frozen:
        yield "Le dossier est déposé : il ne change plus."
    elif until is not None and (at or timezone.now()).replace(microsecond=0) > until:
        yield "La date limite est passée."


def _answers_this_request(annex: Annex, *, link: str = "", seen: str = "", **data: Any):
    """The answer to this very request, in the light of what the dossier says now.

    link: hash of the link that the answer came by. seen: fingerprint of what the page showed ("" for neither: a caller
    that has just read the dossier itself).
    """
    yield from _not_frozen_nor_late(annex, **data)
    if link and link != annex.link_hash:
        yield "Cette demande a été retirée ou confiée à une autre personne."
    elif seen and seen != fingerprint(seen_by_signatory(annex)):
        yield "Le dossier a changé pendant votre lecture : relisez-le, puis signez."


def _can_be_sent(annex: Annex, **data: Any):
    yield from _not_frozen_nor_late(annex, **data)
    if not (annex.signatory_email and annex.signatory_name):
        yield "Indiquez d’abord le nom et l’adresse électronique du signataire."


def give_link(annex: Annex) -> None:
    """A new personal link; the earlier one no longer serves."""
    annex.link_nonce = secrets.token_urlsafe(32)
    annex.link_hash = link_hash(link_secret(annex))


def _new_link(annex: Annex, **data: Any) -> None:
    give_link(annex)
    annex.sent_at = annex.renewed_at = timezone.now()
    annex.opened_at, annex.answered_at, annex.decline_reason = None, None, ""


def _renew_link(annex: Annex, **data: Any) -> None:
    """The same link again, so that both mails work; another one only where the server's key has changed since."""
    annex.link_hash = link_hash(link_secret(annex))
    annex.renewed_at = timezone.now()


def _forget_signatory(annex: Annex, **data: Any) -> None:
    annex.signatory_name = annex.signatory_function = annex.signatory_institution = annex.signatory_email = ""
    annex.link_nonce = annex.link_hash = annex.decline_reason = ""
    annex.sent_at = annex.renewed_at = annex.opened_at = annex.answered_at = None


def _lock_dossier(annex_pk) -> None:
    """Dossier before annex, as in filing: a sign-off and a filing wait for one another."""
    list(Dossier.objects.select_for_update(of=("self",)).filter(annexes=annex_pk).values_list("pk"))


WORKFLOW = Workflow(
    Annex,
    AnnexTransition,
    [
        Transition(
            name="invite",
            label="Envoyer la demande",
            done="Demande envoyée",
            sources=frozenset({State.TO_SEND}),
            target=State.SENT,
            allowed=_owns,
            blockers=_can_be_sent,
            change=_new_link,
        ),
        Transition(
            name="resend",
            label="Renvoyer la demande",
            done="Demande renvoyée",
            sources=frozenset({State.SENT, State.OPENED}),
            target=State.SENT,
            allowed=_owns,
            blockers=_can_be_sent,
            change=_renew_link,
        ),
        Transition(
            name="replace",
            label="Changer de signataire",
            done="Demande retirée",
            sources=frozenset({State.SENT, State.OPENED, State.DECLINED}),
            target=State.TO_SEND,
            allowed=_owns,
            blockers=lambda annex, **data: _not_frozen_nor_late(annex, **data | {"until": None}),
            change=_forget_signatory,
        ),
        Transition(
            name="open",
            label="Ouvrir la demande",
            done="Page ouverte",
            sources=frozenset({State.SENT}),
            target=State.OPENED,
            allowed=nobody_special,
            change=lambda annex, **data: setattr(annex, "opened_at", annex.opened_at or timezone.now()),
        ),
        Transition(
            name="sign",
            label="Signer l’avis",
            done="Avis signé",
            sources=frozenset({State.SENT, State.OPENED}),
            target=State.SIGNED,
            allowed=nobody_special,
            blockers=_answers_this_request,
            change=lambda annex, **data: _record_answer(annex),
            effect=lambda annex, entry, *, answer, **data: _record_sign_off(annex, entry, answer),
        ),
        Transition(
            name="decline",
            label="Décliner la demande",
            done="Demande déclinée",
            sources=frozenset({State.SENT, State.OPENED}),
            target=State.DECLINED,
            allowed=nobody_special,
            blockers=_answers_this_request,
            reason_required=True,
            change=lambda annex, *, reason, **data: (
                _record_answer(annex),
                setattr(annex, "decline_reason", reason),
            ),
        ),
    ],
    lock_first=_lock_dossier,
)


def _record_answer(annex: Annex) -> None:
    annex.answered_at = timezone.now()


def signer_label(annex: Annex) -> str:
    return f"{annex.signatory_name} ({annex.signatory_email}), par le lien personnel"


ANY_OPINION = "favorable, favorable avec réserves ou défavorable"


def seen_by_signatory(annex: Annex, opinion: str = ANY_OPINION) -> dict[str, Any]:
    """What this annex shows: its question, and the sections that concern it. Nothing else of the dossier.

    opinion: its label, in the statement that is signed.
    """
    answers = {row.section: row.raw for row in annex.dossier.answers.all()}
    candidate = annex.dossier.owner.get_full_name()
    question = annex_question(annex.spec, candidate=candidate, signatory=signatory_of(annex), opinion=opinion)
    return question | {
        "candidate": candidate,
        "sections": shown_to_signatory(annex.dossier.spec, annex.spec, answers),
    }


def _record_sign_off(annex: Annex, entry: AnnexTransition, answer: dict[str, Any]) -> None:
    signed_at = timezone.now()
    quality = ", ".join(filter(None, [annex.signatory_function, annex.signatory_institution]))
    verified_by = f"lien personnel envoyé à {annex.signatory_email}"
    record = {
        "shown": seen_by_signatory(annex, Opinion(answer["opinion"]).label),
        "answer": {
            "opinion": answer["opinion"],
            "opinion_display": Opinion(answer["opinion"]).label,
            "text": answer["text"],
            "entries": section_content(annex.spec.form_section, answer["fields"])["entries"],
        },
        "signer": {"name": annex.signatory_name, "quality": quality, "verified_by": verified_by},
        "signed_at": signed_at.isoformat(),
    }
    SignOff.objects.create(
        annex=annex,
        reference=f"AV-{secrets.token_hex(5).upper()}",
        signer_name=annex.signatory_name,
        signer_quality=quality,
        verified_by=verified_by,
        opinion=answer["opinion"],
        content=record,
        sha256=fingerprint(record),
        signed_at=signed_at,
    )
