"""What the tests are made of: people, offers and applications, up to the state a test begins with.

Rows come from factories; whatever has a rule (answers, pieces, annexes, moves) goes through the portal's own code.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import factory
import pikepdf
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from factory.django import DjangoModelFactory

from applications import answering, circuit, lifecycle
from applications.models import Application, Commission, CommissionMember, Session
from dossiers import clearing, codes, signing
from dossiers.answers import save_answers
from dossiers.fingerprints import fingerprint
from dossiers.models import Annex, Dossier, Piece
from dossiers.pdf.safe import SafePdf, make_harmless
from dossiers.uploads import add_piece
from offers.models import Offer
from portal.accounts.models import Institution, Membership, User
from tests.answers import filled_annex, filled_answers, filled_section

PARIS = ZoneInfo("Europe/Paris")
SHARED_TIME = "assistant-temps-partage"


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"personne{n}@example.org")
    first_name = "Camille"
    last_name = factory.Sequence(lambda n: f"Exemple-{n}")
    password = factory.django.Password("mot-de-passe-des-tests")


class InstitutionFactory(DjangoModelFactory):
    class Meta:
        model = Institution

    name = factory.Sequence(lambda n: f"Institution {n}")
    kind = Institution.Kind.ARS
    address = "1 place de l’Exemple\n76000 Rouen"
    email = factory.Sequence(lambda n: f"institution{n}@example.org")
    phone = "02 00 00 00 00"


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory, is_staff=True)
    institution = factory.SubFactory(InstitutionFactory)


class OfferFactory(DjangoModelFactory):
    """A published offer of the Normandie programme, open for two months, that asks for one annex only."""

    class Meta:
        model = Offer

    kind = SHARED_TIME
    institution = factory.SubFactory(InstitutionFactory)
    reference = factory.Sequence(lambda n: f"REF-{n}")
    slug = factory.Sequence(lambda n: f"offre-{n}")
    title = factory.Sequence(lambda n: f"Offre {n}")
    summary = "Deux phrases sur le poste."
    region = "28"
    state = Offer.State.PUBLISHED
    published_at = datetime(2020, 1, 1, tzinfo=PARIS)  # before whatever instant a test travels to
    deadline = factory.LazyFunction(lambda: end_of_day(timezone.localdate() + timedelta(days=60)))
    service_name = "Pôle des ressources humaines"
    service_address = "1 place de l’Exemple\n76000 Rouen"
    service_email = factory.Sequence(lambda n: f"service{n}@example.org")
    service_phone = "02 00 00 00 01"
    parameters = factory.LazyFunction(lambda: {"annexes": ["hospital_director"]})

    class Params:
        draft = factory.Trait(state=Offer.State.DRAFT, published_at=None)


class DossierFactory(DjangoModelFactory):
    class Meta:
        model = Dossier

    owner = factory.SubFactory(UserFactory)
    kind = SHARED_TIME
    parameters = factory.LazyFunction(lambda: {"annexes": ["hospital_director"]})


class ApplicationFactory(DjangoModelFactory):
    """An application just begun."""

    class Meta:
        model = Application

    offer = factory.SubFactory(OfferFactory)
    candidate = factory.SubFactory(UserFactory)
    dossier = factory.SubFactory(
        DossierFactory,
        owner=factory.SelfAttribute("..candidate"),
        kind=factory.SelfAttribute("..offer.kind"),
        parameters=factory.SelfAttribute("..offer.parameters"),
    )


class CommissionFactory(DjangoModelFactory):
    class Meta:
        model = Commission
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Commission {n}")
    institution = factory.SubFactory(InstitutionFactory)

    @factory.post_generation
    def offers(self, create, extracted, **kwargs):
        if extracted:
            self.offers.add(*extracted)


class SeatFactory(DjangoModelFactory):
    class Meta:
        model = CommissionMember

    commission = factory.SubFactory(CommissionFactory)
    user = factory.SubFactory(UserFactory)


class SessionFactory(DjangoModelFactory):
    """A session of a commission, in two weeks."""

    class Meta:
        model = Session

    commission = factory.SubFactory(CommissionFactory)
    starts_at = factory.Sequence(lambda n: timezone.now() + timedelta(days=14, minutes=n))
    place = "Salle du conseil"


def end_of_day(day) -> datetime:
    """The last second of this Paris day: how deadlines are set."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=PARIS)


def by_day() -> datetime:
    """A noon at which mail may leave: today's, or tomorrow's on a Sunday."""
    noon = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    return noon + timedelta(days=noon.weekday() == 6)


@cache
def pdf_bytes(pages: int = 1) -> bytes:
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page()
        out = io.BytesIO()
        pdf.save(out)
    return out.getvalue()


def pdf_upload(name: str = "document.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, pdf_bytes(), "application/pdf")


SIGNATORY = {
    "signatory_name": "Direction de l’hôpital",
    "signatory_function": "Directeur",
    "signatory_institution": "Hôpital d’exemple",
    "signatory_email": "direction@example.org",
}


def start_form(offer: Offer) -> dict:
    """What the page before an application posts, by someone who can apply."""
    questions = offer.kind_definition.screening(offer.parameters)
    return (filled_section(questions) if questions else {}) | {"understood": "on"}


def named_annex(application: Application, key: str = "hospital_director", **signatory) -> Annex:
    return circuit.name_signatory(application, key, SIGNATORY | signatory)


def invited_annex(application: Application, key: str = "hospital_director", **signatory) -> Annex:
    return circuit.invite(named_annex(application, key, **signatory), actor=application.candidate)


def answer_to(annex: Annex, text: str = "Avis motivé.", opinion: str = "favorable") -> dict:
    """What a signatory answers."""
    return {"opinion": opinion, "text": text, "fields": filled_annex(annex.spec)}


def signature_form(annex: Annex, **changes) -> dict:
    """What the signatory's page posts, filled in."""
    annex = Annex.objects.get(pk=annex.pk)
    own = {f"annexe-{name}": value for name, value in filled_annex(annex.spec).items()}
    seen = fingerprint(signing.seen_by_signatory(annex))
    return {"opinion": "favorable", "text": "D’accord.", "seen": seen} | own | changes


def sign_through(client, annex: Annex, **changes):
    """Sign as the pages have it: the form, then the code that was mailed. Gives the answer to the last of them."""
    page = reverse("signatory:annex", args=[signing.link_secret(annex)])
    response = client.post(page, signature_form(annex, **changes))
    if response.status_code == 302 and response["Location"].endswith("/signer/"):
        sheet = client.get(response["Location"])
        code = codes.code_of(annex.codes.first())
        form = {"shown": sheet.context["shown"], "code": code, "certified": "on"}
        response = client.post(response["Location"], form)
    return response


def sign(annex: Annex, text: str = "Avis motivé.", opinion: str = "favorable") -> Annex:
    return answering.sign(annex, answer_to(annex, text, opinion))


def signed_annex(application: Application, key: str = "hospital_director", **signatory) -> Annex:
    return sign(invited_annex(application, key, **signatory))


def fill_sections(application: Application) -> None:
    for key, raw in filled_answers(application.dossier.spec).items():
        save_answers(application.dossier, key, raw)


def fill_pieces(application: Application) -> None:
    for piece in application.dossier.spec.pieces:
        cleared(add_piece(application.dossier, piece.key, pdf_upload(f"{piece.key}.pdf")))


@cache
def safe_pdf() -> SafePdf:
    """What the worker's child makes of `pdf_bytes()`: made once, in a folder that stays for the run."""
    folder = Path(tempfile.mkdtemp(prefix="safe-"))
    (folder / "source").write_bytes(pdf_bytes())
    with make_harmless(folder / "source") as safe:
        kept = {"path": folder / "safe.pdf", "thumbnail": folder / "thumbnail.jpg"}
        for name, path in kept.items():
            shutil.copyfile(getattr(safe, name), path)
        return replace(safe, **kept)


def cleared(piece: Piece) -> Piece:
    """A piece made of `pdf_upload()` that the worker has checked; a real one may have been faster."""
    accepted = clearing.accept(piece.safe_copy, safe_pdf())
    piece = Piece.objects.get(pk=piece.pk)
    assert accepted or piece.safe_copy.is_ready
    return piece


def complete(application: Application) -> Application:
    """Everything that the dossier asks for, signatures included: it can be filed."""
    fill_sections(application)
    fill_pieces(application)
    for annex in application.dossier.spec.annexes:
        signed_annex(application, annex.key)
    return application


def filed(application: Application, received_at: datetime | None = None) -> Application:
    complete(application)
    return file_now(application, received_at)


def file_now(application: Application, received_at: datetime | None = None) -> Application:
    received_at = received_at or timezone.now()
    return lifecycle.file_application(application, actor=application.candidate, received_at=received_at)


def admit(application: Application, actor: User) -> Application:
    return lifecycle.WORKFLOW.run(application, "admit", actor=actor)
