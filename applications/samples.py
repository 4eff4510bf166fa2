"""Stand-ins for the eyes of HR: a letter is previewed on a real dossier without telling what is not theirs to read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from applications.filing import receipt_content, to_the_second
from applications.models import Application, ApplicationTransition, Commission, Session
from dossiers.models import Annex, Dossier, Opinion, SignOff
from offers.models import Offer
from portal.accounts.models import User

NUMBER = "SJ-0000-00000"
LINK = "lien-personnel-du-signataire"


def application(offer: Offer) -> Application:
    """An application that nobody made, for an offer that has none yet; not saved."""
    candidate = User(first_name="Camille", last_name="Exemple", email="candidat@example.org")
    dossier = Dossier(owner=candidate, kind=offer.kind, parameters=offer.parameters)
    return Application(offer=offer, candidate=candidate, dossier=dossier)


def annex(application: Application, *, is_opened: bool = False) -> Annex:
    """The first annex that the dossier asks for, with an invented signatory; not saved."""
    found = Annex(
        dossier=application.dossier,
        key=application.dossier.spec.annexes[0].key,
        state=Annex.State.OPENED if is_opened else Annex.State.SENT,
        signatory_name="Dominique Signataire",
        signatory_function="Chef de service",
        signatory_institution="Établissement d’exemple",
        signatory_email="signataire@example.org",
        decline_reason="Le motif que la personne aura donné.",
        sent_at=timezone.now(),
        renewed_at=timezone.now(),
    )
    found.dossier.application = application
    return found


def session(offer: Offer) -> Session:
    """A meeting in a week, of a commission that nobody sits on; not saved."""
    commission = Commission(name="Commission d’exemple", institution=offer.institution)
    starts_at = timezone.localtime().replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=7)
    return Session(pk=0, commission=commission, starts_at=starts_at, place="Salle 1")


def member() -> User:
    return User(first_name="Claude", last_name="Membre", email="membre@example.org")


def entry(target: str) -> ApplicationTransition:
    reason = "" if target == Application.State.ADMISSIBLE else "Le motif que vous aurez écrit."
    return ApplicationTransition(target=target, reason=reason, actor_label="Votre nom", at=timezone.now())


def sign_off(annex: Annex) -> SignOff:
    answer = {"opinion_display": Opinion.FAVORABLE.label, "text": "Le texte de l’avis.", "entries": []}
    return SignOff(
        reference="AV-0000000000",
        annex=annex,
        signer_name=annex.signatory_name,
        signer_quality=f"{annex.signatory_function}, {annex.signatory_institution}",
        content={"answer": answer},
        sha256="0" * 64,
        signed_at=timezone.now(),
    )


def receipt(application: Application) -> dict[str, Any]:
    content = receipt_content(application, {"pieces": [], "annexes": []})
    return content | {
        "number": content["number"] or NUMBER,
        "received_at_display": content["received_at_display"] or to_the_second(timezone.now()),
    }
