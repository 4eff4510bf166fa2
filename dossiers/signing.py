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

from dossiers import signoffs
from dossiers.fingerprints import fingerprint
from dossiers.models import Annex, AnnexTransition, Dossier, FormerLink, SignOff
from dossiers.signoffs import seen_by_signatory
from portal.workflow import Transition, Workflow, nobody_special

State = Annex.State
TAKEN_BACK = "Cette demande a été retirée ou confiée à une autre personne."
SIGNATORY_FIELDS = ("signatory_name", "signatory_function", "signatory_institution", "signatory_email")


def link_secret(annex: Annex) -> str:
    """The secret of the annex's present link: 43 characters, 256 bits."""
    digest = salted_hmac("dossiers.signing.link", f"{annex.pk}:{annex.link_nonce}", algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def has_its_link(annex: Annex) -> bool:
    """Whether the link that would be given now is the one that works: not where the server's key has changed since."""
    return annex.link_hash == link_hash(link_secret(annex))


def link_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def annex_of_link(secret: str) -> Annex | None:
    """The annex that this link serves, or None."""
    return (
        Annex.objects.select_related("dossier__owner", "sign_off")
        .exclude(link_hash="")
        .filter(link_hash=link_hash(secret))
        .first()
    )


def former_link(secret: str) -> FormerLink | None:
    """What became of a link that no longer serves any annex; None for one that never did."""
    return FormerLink.objects.filter(link_hash=link_hash(secret)).first()


def _owns(actor: Any, annex: Annex) -> bool:
    return actor is not None and actor.pk == annex.dossier.owner_id


def _not_frozen_nor_late(annex: Annex, *, until: datetime | None = None, at: datetime | None = None, **data: Any):
    """until: the last instant at which the circuit is open (the offer's deadline), or None. at: when it was asked."""
    if annex.dossier.is_frozen and not annex.late:
        yield "Le dossier est déposé : il ne change plus."
    elif until is not None and (at or timezone.now()).replace(microsecond=0) > until:
        yield "La date limite est passée."


def _in_preparation(annex: Annex, **data: Any):
    """The candidate's choice of whom to ask is settled by the filing; the person asked may still hand over."""
    if annex.dossier.is_frozen:
        yield "Le dossier est déposé : il ne change plus."


def _answers_this_request(annex: Annex, *, link: str = "", seen: str = "", **data: Any):
    """The answer to this very request, in the light of what the dossier says now.

    link: hash of the link that the answer came by. seen: fingerprint of what the page showed ("" for neither: a caller
    that has just read the dossier itself).
    """
    yield from _not_frozen_nor_late(annex, **data)
    if link and link != annex.link_hash:
        yield TAKEN_BACK
    elif seen and seen != fingerprint(seen_by_signatory(annex)):
        yield "Le dossier a changé pendant votre lecture : relisez-le, puis signez."


def _confirmed_online(annex: Annex, **data: Any):
    yield from _answers_this_request(annex, **data)
    if annex.sign_off and annex.sign_off.manner == SignOff.Manner.PAPER:
        yield "Cet avis est signé sur papier : il se refait sur papier."


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
    annex.opened_at, annex.answered_at, annex.decline_reason, annex.bounce_reason = None, None, "", ""
    annex.draft, annex.drafted_at = {}, None


def _renew_link(annex: Annex, **data: Any) -> None:
    """The same link again, so that both mails work; another one only where the server's key has changed since."""
    annex.link_hash = link_hash(link_secret(annex))
    annex.renewed_at, annex.bounce_reason = timezone.now(), ""


def _end_link(annex: Annex, why: FormerLink.Why, successor: str = "") -> None:
    """Whoever still holds the link will be told why it serves no more."""
    if annex.link_hash:
        FormerLink.objects.create(
            annex=annex, link_hash=annex.link_hash, why=why, holder=signatory_label(annex), successor=successor
        )
    annex.link_nonce = annex.link_hash = annex.decline_reason = annex.bounce_reason = ""
    annex.sent_at = annex.renewed_at = annex.opened_at = annex.answered_at = None
    annex.draft, annex.drafted_at = {}, None
    annex.codes.all().delete()  # a code serves whom it was sent to


def _forget_signatory(annex: Annex, **data: Any) -> None:
    _end_link(annex, FormerLink.Why.REPLACED)
    annex.signatory_name = annex.signatory_function = annex.signatory_institution = annex.signatory_email = ""
    annex.note = ""


def _hand_over(annex: Annex, *, to: dict[str, str], **data: Any) -> None:
    """The link goes to the person whom the signatory names; the former one tells what became of it."""
    former = FormerLink.Why.DELEGATED
    _end_link(annex, former, successor=signatory_label(Annex(**to)))
    for name, value in to.items():
        setattr(annex, name, value)
    annex.note = ""
    _new_link(annex)


def _paper_fits(annex: Annex, *, link: str = "", **data: Any):
    yield from _not_frozen_nor_late(annex, **data)
    if link and link != annex.link_hash:
        yield TAKEN_BACK
    elif annex.dossier.is_frozen and not annex.takes_late_paper:
        yield "Cet avis n’est plus attendu."
    elif annex.sign_off and annex.sign_off.manner != SignOff.Manner.PAPER:
        yield "Cet avis est signé en ligne : il se confirme ou se refait en ligne, par la même personne."


def _take_paper(annex: Annex, *, signatory: dict[str, str], scan: Any, by_link: bool = False, **data: Any) -> None:
    """Who signed on paper is the signatory; a link that was out serves no more.

    The address and the note were for whoever was asked: they stay with that person alone, who gave the sheet by the
    personal link or whose name it bears.
    """
    _end_link(annex, FormerLink.Why.REVOKED)
    if not by_link and signatory["signatory_name"] != annex.signatory_name:
        annex.signatory_email = annex.note = ""
    for name, value in signatory.items():
        setattr(annex, name, value)
    annex.scan, annex.scan_doubt = scan, ""
    _record_answer(annex)


def _asks_the_same(annex: Annex, *, opinion: Annex, **data: Any):
    """Never over what was done with this annex since: signed here, sent to somebody else, or another one named."""
    yield from _in_preparation(annex)
    present = annex.sign_off and annex.sign_off.carried_from
    if present and present.annex_id == opinion.pk:
        return  # one more version of what was taken from there
    if annex.sign_off:
        yield "Cet avis est déjà signé."
    elif annex.signatory_email.lower() != opinion.signatory_email.lower() and not (
        annex.state == State.TO_SEND and opinion.former_links.filter(holder=signatory_label(annex)).exists()
    ):
        yield "Cet avis est demandé à une autre personne."


def _take_over(annex: Annex, *, opinion: Annex, scan: Any = None, **data: Any) -> None:
    """As it was signed there. A link that is out here leads to it; an opinion on paper has none."""
    if annex.link_hash and not opinion.link_hash:
        _end_link(annex, FormerLink.Why.REVOKED)
    elif opinion.link_hash and not annex.link_hash:
        give_link(annex)
    for name in ("sent_at", "renewed_at", "opened_at"):
        setattr(annex, name, getattr(annex, name) or getattr(opinion, name))
    for name in (*SIGNATORY_FIELDS, "note", "answered_at", "shown_digest", "scan_doubt"):
        setattr(annex, name, getattr(opinion, name))
    annex.scan, annex.confirmation_asked_at = scan, None  # nobody was asked to confirm it here


def _expires(annex: Annex, *, until: datetime, **data: Any):
    if timezone.now().replace(microsecond=0) <= until:
        yield "Le lien est encore valable."


def lock_dossier(annex_pk) -> None:
    """Dossier before annex, as in filing: a sign-off and a filing wait for one another."""
    list(Dossier.objects.select_for_update(of=("self",)).filter(annexes=annex_pk).values_list("pk"))


WAITING = Annex.WAITING
ASKED = Annex.ASKED


def _is_portal(actor: Any, annex: Annex) -> bool:
    return actor is None


def _own_or_portal(actor: Any, annex: Annex) -> bool:
    return actor is None or _owns(actor, annex)


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
            sources=ASKED,
            target=State.SENT,
            allowed=_owns,
            blockers=_can_be_sent,
            change=_renew_link,
        ),
        Transition(
            name="replace",
            label="Changer de signataire",
            done="Demande retirée, pour un autre signataire",
            sources=ASKED | {State.DECLINED},
            target=State.TO_SEND,
            allowed=_owns,
            blockers=_in_preparation,
            change=_forget_signatory,
        ),
        Transition(
            name="revoke",
            label="Retirer la demande",
            done="Demande retirée",
            sources=ASKED,
            target=State.TO_SEND,
            allowed=_owns,
            blockers=_in_preparation,
            change=lambda annex, **data: _end_link(annex, FormerLink.Why.REVOKED),
        ),
        Transition(
            name="open",
            label="Ouvrir la demande",
            done="Page ouverte",
            sources=ASKED - {State.OPENED, State.IN_PROGRESS},
            target=State.OPENED,
            allowed=nobody_special,
            change=lambda annex, **data: setattr(annex, "opened_at", annex.opened_at or timezone.now()),
        ),
        Transition(
            name="begin",
            label="Commencer la réponse",
            done="Réponse commencée",
            sources=ASKED - {State.IN_PROGRESS},
            target=State.IN_PROGRESS,
            allowed=nobody_special,
            blockers=_answers_this_request,
        ),
        Transition(
            name="bounce",
            label="Noter la non-remise",
            done="Message non remis",
            sources=frozenset({State.SENT}),
            target=State.BOUNCED,
            allowed=_is_portal,
            change=lambda annex, *, reason, **data: setattr(annex, "bounce_reason", reason[:300]),
        ),
        Transition(
            name="expire",
            label="Noter l’expiration du lien",
            done="Lien expiré",
            sources=WAITING,
            target=State.EXPIRED,
            allowed=_is_portal,
            blockers=_expires,
        ),
        Transition(
            name="revive",
            label="Rétablir le lien",
            done="Lien rétabli",
            sources=frozenset({State.EXPIRED}),
            target=State.SENT,
            allowed=_is_portal,
            blockers=_not_frozen_nor_late,
        ),
        Transition(
            name="sign",
            label="Signer l’avis",
            done="Avis signé",
            sources=ASKED,
            target=State.SIGNED,
            allowed=nobody_special,
            blockers=_answers_this_request,
            change=lambda annex, **data: _record_answer(annex),
            effect=lambda annex, entry, *, answer, verified_by="", **data: signoffs.record(
                annex, answer, verified_by=verified_by or f"lien personnel envoyé à {annex.signatory_email}"
            ),
        ),
        Transition(
            name="decline",
            label="Décliner la demande",
            done="Demande déclinée",
            sources=ASKED,
            target=State.DECLINED,
            allowed=nobody_special,
            blockers=_answers_this_request,
            reason_required=True,
            change=lambda annex, *, reason, **data: (
                _record_answer(annex),
                setattr(annex, "decline_reason", reason),
            ),
        ),
        Transition(
            name="delegate",
            label="Confier la demande à une autre personne",
            done="Demande confiée à une autre personne",
            sources=ASKED,
            target=State.SENT,
            allowed=nobody_special,
            blockers=_answers_this_request,
            change=_hand_over,
        ),
        Transition(
            name="sign_on_paper",
            label="Déposer l’avis signé sur papier",
            done="Avis signé sur papier",
            sources=ASKED | {State.TO_SEND, State.DECLINED, State.SIGNED},
            target=State.SIGNED,
            allowed=nobody_special,
            blockers=_paper_fits,
            change=_take_paper,
            effect=lambda annex, entry, *, answer, scan, signed_on, **data: signoffs.record(
                annex,
                answer,
                verified_by=f"signature manuscrite, scan « {scan.name} »",
                manner=SignOff.Manner.PAPER,
                scan={"id": str(scan.pk), "name": scan.name, "size": scan.size, "sha256": scan.sha256},
                signed_on=signed_on,
            ),
        ),
        Transition(
            name="carry",
            label="Reprendre l’avis signé sur le dossier déposé",
            done="Avis repris du dossier déposé",
            sources=ASKED | {State.TO_SEND, State.SIGNED},
            target=State.SIGNED,
            allowed=_is_portal,
            blockers=_asks_the_same,
            change=_take_over,
            effect=lambda annex, entry, *, opinion, **data: signoffs.carry(annex, opinion.sign_off),
        ),
        Transition(
            name="ask_confirmation",
            label="Demander la confirmation de l’avis",
            done="Confirmation de l’avis demandée",
            sources=frozenset({State.SIGNED}),
            target=State.SIGNED,
            allowed=_own_or_portal,
            blockers=_not_frozen_nor_late,
            change=lambda annex, **data: setattr(annex, "confirmation_asked_at", timezone.now()),
        ),
        Transition(
            name="confirm",
            label="Confirmer l’avis",
            done="Avis confirmé",
            sources=frozenset({State.SIGNED}),
            target=State.SIGNED,
            allowed=nobody_special,
            blockers=_confirmed_online,
            effect=lambda annex, entry, *, answer, verified_by, manner, **data: signoffs.record(
                annex, answer, verified_by=verified_by, manner=manner
            ),
        ),
    ],
    lock_first=lock_dossier,
)


def _record_answer(annex: Annex) -> None:
    annex.answered_at = timezone.now()


def signatory_label(annex: Annex) -> str:
    return f"{annex.signatory_name} ({annex.signatory_email})"


def signer_label(annex: Annex) -> str:
    return f"{signatory_label(annex)}, par le lien personnel"
