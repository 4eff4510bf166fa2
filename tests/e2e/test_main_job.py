"""The main job: from an offer that HR writes to the opinion of the commission, each person in their own browser."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from applications.models import Application, CommissionMember
from dossiers.fields import Date, Email, LongText, Phone, Text
from dossiers.models import Document
from dossiers.spec import AnnexSpec, DossierSpec
from offers.models import Offer
from portal.accounts.models import Membership, User
from tests.answers import filled_annex, filled_answers
from tests.e2e.filling import fill, tick
from tests.e2e.people import PASSWORD, PHONE, letter, link_in, reload_until, sign_in, sign_with_code, verified
from tests.factories import CommissionFactory, MembershipFactory, SeatFactory, pdf_bytes, start_form

TITLE = "Assistant à temps partagé, session des tests"
CANDIDATE = "candidature@example.org"


@pytest.mark.e2e
def test_from_the_offer_to_the_opinion(visitor, celery_worker_process, smtp_sink, s3_server):
    agent = MembershipFactory(user__email="rh@example.org", user__is_staff=True)
    member = SeatFactory(commission=CommissionFactory(institution=agent.institution), user__email="membre@example.org")
    for user in (agent.user, member.user):
        verified(user)

    hr, candidate, commission = visitor(), visitor(), visitor()
    offer = publish_an_offer(hr, agent)
    member.commission.offers.add(offer)

    start_an_application(candidate, offer, smtp_sink)
    application = Application.objects.get(candidate__email=CANDIDATE)
    spec = application.dossier.spec
    ask_for_signatures(candidate, spec)
    cannot_file_yet(candidate, spec)
    fill_every_section(candidate, spec)
    upload_pieces(candidate, spec)
    references = [
        sign(
            visitor(**(PHONE if rank == 0 else {})),
            link_in(letter(smtp_sink, signatory(annex), "demande un avis")),
            annex,
            smtp_sink,
        )
        for rank, annex in enumerate(spec.annexes)
    ]
    file_the_dossier(candidate, references)

    receipt = letter(smtp_sink, CANDIDATE, "Accusé de réception")
    [attachment] = receipt.iter_attachments()
    assert attachment.get_content_type() == "application/pdf"
    application.refresh_from_db()
    assert application.number in text_of(attachment.get_content())

    reload_until(candidate, "Mon dossier (PDF")
    dossier = Document.objects.get(frozen__dossier=application.dossier, kind=Document.Kind.DOSSIER)
    assert (Path(s3_server.folder) / s3_server.bucket / dossier.file.name).read_bytes().startswith(b"%PDF-")

    declare_admissible(hr, application)
    letter(smtp_sink, CANDIDATE, "recevable")
    read_and_give_an_opinion(commission, member.user, application, references)
    candidate.reload()
    expect(candidate.get_by_text("Recevable", exact=True).first).to_be_visible()


def publish_an_offer(hr: Page, agent: Membership) -> Offer:
    sign_in(hr, agent.user)
    hr.goto("/gestion/offers/offer/add/")
    hr.get_by_role("link", name="Assistant spécialiste à temps partagé").click()
    urgent = timezone.localdate() + timedelta(days=20)
    later = urgent + timedelta(days=60)
    fill(
        hr,
        {
            "institution": str(agent.institution_id),
            "title": TITLE,
            "reference": "TP-TESTS",
            "summary": "Un poste partagé entre l’hôpital et la ville.",
            "body": "## Le poste\n\nDeux structures, **une** équipe.",
            "region": "28",
            "deadline_0": f"{urgent:%d/%m/%Y}",
            "deadline_1": "23:59:59",
            "service_name": "Pôle formation",
            "service_address": "1 place de l’Exemple\n76000 Rouen",
            "service_email": "pole@example.org",
            "service_phone": "02 00 00 00 00",
            "detail_submission_address": "depot@example.org",
        },
    )
    expect(hr.locator("[name=slug]")).to_have_value(re.compile("assistant-a-temps-partage"))
    hr.get_by_role("button", name="Enregistrer et continuer").click()
    expect(hr.get_by_text("État : Brouillon")).to_be_visible()

    hr.get_by_role("link", name="Aperçu").click()
    expect(hr.get_by_role("heading", name=TITLE, level=1)).to_be_visible()
    expect(hr.get_by_text("Aperçu avant publication")).to_be_visible()
    hr.go_back()

    hr.get_by_role("link", name="Publier").click()
    hr.get_by_role("button", name="Publier").click()
    expect(hr.get_by_text("moins d’un mois")).to_be_visible()
    hr.get_by_label("Motif").fill("Urgence : poste vacant.")
    hr.get_by_role("button", name="Publier").click()
    expect(hr.get_by_text("État : Publiée")).to_be_visible()

    hr.get_by_role("link", name="Reporter la date limite").click()
    fill(hr, {"deadline_0": later.isoformat(), "deadline_1": "23:59:59", "reason": "Peu de candidatures."})
    hr.get_by_role("button", name="Reporter la date limite").click()
    for words in ("Urgence : poste vacant.", "Peu de candidatures."):
        expect(hr.get_by_role("row").filter(has_text=words)).to_contain_text(str(agent.user))
    offer = Offer.objects.get(title=TITLE)
    assert timezone.localtime(offer.deadline).date() == later
    return offer


def start_an_application(candidate: Page, offer: Offer, smtp_sink) -> None:
    """From the public list, without an account yet: it is made on the way."""
    candidate.goto("/offres/")
    candidate.get_by_role("link", name=TITLE).click()
    candidate.get_by_role("link", name="Candidater").click()
    candidate.get_by_role("main").get_by_role("link", name="Créer un compte").click()
    names = {"first_name": "Camille", "last_name": "Exemple", "email": CANDIDATE}
    fill(candidate, names | {"password1": PASSWORD, "password2": PASSWORD})
    candidate.get_by_role("button", name="Créer mon compte").click()
    candidate.get_by_text("Un code vient d’être envoyé").wait_for()
    [mail] = smtp_sink.wait_for(1, to=CANDIDATE)
    [code] = re.findall(r"^\s*([A-Z0-9-]{6,9})\s*$", mail.get_body(("plain",)).get_content(), re.MULTILINE)
    candidate.locator("[name=code]").fill(code)
    candidate.get_by_role("button", name="Confirmer").click()
    expect(candidate.get_by_role("heading", name="Avant de commencer")).to_be_visible()
    fill(candidate, start_form(offer))
    candidate.get_by_role("button", name="Commencer ma candidature").click()
    expect(candidate.get_by_text("éléments prêts")).to_be_visible()


def signatory(annex: AnnexSpec) -> str:
    return f"signataire-{annex.number}@example.org"


def ask_for_signatures(candidate: Page, spec: DossierSpec) -> None:
    assert len(spec.annexes) == 5
    for annex in spec.annexes:
        candidate.get_by_role("link", name=f"Annexe {annex.number} –").click()
        fill(
            candidate,
            {
                "signatory_name": f"Signataire {annex.number}",
                "signatory_function": annex.role[:120],
                "signatory_institution": "Hôpital d’exemple",
                "signatory_email": signatory(annex),
            },
        )
        candidate.get_by_role("button", name="Enregistrer et relire le message").click()
        candidate.get_by_role("button", name="Envoyer la demande").click()
        expect(candidate.locator("p", has_text=f"En attente de Signataire {annex.number} depuis")).to_be_visible()


def cannot_file_yet(candidate: Page, spec: DossierSpec) -> None:
    """The recap has no button to file, and says what is missing; a request sent all the same is refused."""
    candidate.get_by_role("link", name="Relire tout le dossier").click()
    main = candidate.get_by_role("main")
    expect(main.get_by_text("Ce dossier ne peut pas encore être déposé")).to_be_visible()
    expect(main.get_by_role("button", name="Déposer")).to_have_count(0)
    for place in (*(section.title for section in spec.sections), "CV détaillé", "Annexe 5"):
        expect(main.locator(".fr-alert").get_by_role("link", name=place)).to_be_visible()
    token = candidate.locator("[name=csrfmiddlewaretoken]").first.get_attribute("value")
    answer = candidate.request.post(candidate.url, form={"certified": "on", "csrfmiddlewaretoken": token})
    assert answer.status == 409
    assert "n’a pas été déposé" in answer.text()
    candidate.get_by_role("link", name="Revenir au dossier").click()


def fill_every_section(candidate: Page, spec: DossierSpec) -> None:
    candidate.get_by_role("link", name=spec.sections[0].title, exact=True).click()
    for section in spec.sections:
        expect(candidate.get_by_role("heading", level=1)).to_contain_text(section.title)
        fill(candidate, filled_answers(spec)[section.key])
        following = candidate.get_by_role("button", name="Enregistrer et continuer")
        last = candidate.get_by_role("button", name="Enregistrer et revenir au dossier")
        (last if section is spec.sections[-1] else following).click()
    expect(candidate.get_by_text("Complet", exact=True)).to_have_count(len(spec.sections))


def upload_pieces(candidate: Page, spec: DossierSpec) -> None:
    for piece in spec.pieces:
        candidate.get_by_role("link", name=piece.label, exact=True).click()
        file = {"name": f"{piece.key}.pdf", "mimeType": "application/pdf", "buffer": pdf_bytes()}
        candidate.locator("[name=file]").set_input_files(file)
        expect(candidate.locator(".portal-file__name", has_text=f"{piece.key}.pdf")).to_be_visible()
        candidate.get_by_role("main").get_by_role("link", name="Revenir au dossier").click()


def sign(page: Page, link: str, annex: AnnexSpec, smtp_sink) -> str:
    """Returns the reference of the opinion."""
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Camille Exemple")
    fill(page, {"opinion": "favorable", "text": f"Avis motivé de l’annexe {annex.number}."})
    fill(page, filled_annex(annex), prefix="annexe-")
    sign_with_code(page, smtp_sink, signatory(annex))
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre avis est signé")
    [reference] = re.findall(r"AV-\w+", page.get_by_role("main").inner_text())
    return reference


def file_the_dossier(candidate: Page, references: list[str]) -> None:
    candidate.reload()
    candidate.get_by_role("link", name="Relire et déposer").click()
    candidate.get_by_role("button", name="Déposer mon dossier").click()
    expect(candidate.get_by_text("Cochez cette case pour déposer").first).to_be_visible()
    tick(candidate.get_by_label("Je certifie l’exactitude"))
    candidate.get_by_role("button", name="Déposer mon dossier").click()
    expect(candidate.get_by_role("heading", level=1)).to_have_text("Accusé de réception")
    for words in (*references, "Pôle formation", "R. 112-11-1"):
        expect(candidate.get_by_role("main")).to_contain_text(words)
    candidate.get_by_role("link", name="Voir ma candidature").click()


def declare_admissible(hr: Page, application: Application) -> None:
    hr.goto("/gestion/applications/application/")
    hr.get_by_role("link", name=str(application.candidate)).click()
    expect(hr.get_by_text(application.number).first).to_be_visible()
    hr.get_by_role("button", name="Déclarer recevable").click()
    expect(hr.get_by_text("Le mouvement est enregistré")).to_be_visible()


def read_and_give_an_opinion(page: Page, member: User, application: Application, references: list[str]) -> None:
    sign_in(page, member)
    page.get_by_role("main").get_by_role("link", name="Camille Exemple").click()
    on_screen, pdf = page.get_by_role("main"), page.get_by_role("link", name="Ouvrir le dossier (PDF")
    answer = page.request.get(pdf.get_attribute("href"))
    assert answer.headers["content-type"] == "application/pdf"
    printed, shown = text_of(answer.body()), squeezed(on_screen.inner_text())
    for expected in (*typed_answers(application.dossier.spec), *references):
        assert squeezed(expected) in shown
        assert squeezed(expected) in printed
    tick(page.get_by_label("Défavorable"))
    page.get_by_label("Motivation").fill("Le projet ne répond pas aux besoins décrits.")
    page.get_by_role("button", name="Enregistrer mon avis").click()
    expect(page.get_by_text("Votre avis est enregistré")).to_be_visible()
    review = application.reviews.get(member=member)
    assert (review.opinion, review.reasons) == ("unfavorable", "Le projet ne répond pas aux besoins décrits.")
    assert CommissionMember.objects.filter(user=member).exists()


def typed_answers(spec: DossierSpec):
    """What candidate and signatories typed, word for word."""
    forms = [(section, filled_answers(spec)[section.key]) for section in spec.sections]
    forms += [(annex.form_section, filled_annex(annex)) for annex in spec.annexes]
    for section, raw in forms:
        for field in section.fields:
            if isinstance(field, (Text, LongText, Email, Phone)):
                yield raw[field.name]
            elif isinstance(field, Date):
                yield field.display(field.clean(raw[field.name]))
    for annex in spec.annexes:
        yield f"Avis motivé de l’annexe {annex.number}."


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return squeezed("".join(page.get_textpage().get_text_bounded() for page in document))


def squeezed(text: str) -> str:
    """Without spaces: lines break elsewhere on paper."""
    return re.sub(r"[\s\u00ad\ufffe]+", "", text)
