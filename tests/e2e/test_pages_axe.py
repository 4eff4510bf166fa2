"""Every page of the portal, in every state, under the eyes of the inspector."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import path, reverse
from django.utils import timezone
from playwright.sync_api import Page

from applications.commission.opinions import record_review
from applications.commission.sessions import fill_agenda
from applications.models import Application
from dossiers import signing
from dossiers.answers import save_answers
from offers.models import Alert, Offer
from portal.demo_mail import mailbox
from portal.notifications import outbox
from portal.notifications.models import Mail
from portal.urls import urlpatterns as portal_urls
from tests import factories as make
from tests.answers import filled_annex
from tests.e2e.filling import fill
from tests.e2e.inspection import DESKTOP, PHONE, Inspector
from tests.e2e.people import verified

pytestmark = pytest.mark.e2e

urlpatterns = [*portal_urls, path("demo/courrier/", mailbox, name="demo_mail")]


# What Django's own admin templates and scripts write: the two lists of a choice of many, the headless column and the
# unlabelled boxes of a table of forms.
OF_DJANGO = [".selector", "th.original", "td.delete", ".tabular thead th:last-child"]


OTHER = make.SIGNATORY | {"signatory_name": "Direction adjointe", "signatory_email": "adjointe@example.org"}


@pytest.fixture
def inspect(axe):
    inspector = Inspector(axe)
    yield inspector
    inspector.verdict()


def submit(page: Page, button: str) -> None:
    """Press this button, and wait for the whole page that answers."""
    with page.expect_navigation():
        page.locator("main").get_by_role("button", name=button).click()


def close(offer: Offer) -> None:
    yesterday = make.end_of_day(timezone.localdate() - timedelta(days=1))
    Offer.objects.filter(pk=offer.pk).update(deadline=yesterday, state=Offer.State.CLOSED)


def begun(candidate, **offer) -> Application:
    return make.ApplicationFactory(candidate=candidate, offer=make.OfferFactory(**offer))


def at(application: Application, page: str, *args: str) -> str:
    return reverse(f"applications:{page}", args=[application.pk, *args])


def test_public_pages(visitor, inspect):
    page = visitor()
    for address in ("/", "/offres/"):  # before there is any offer
        page.goto(address)
        inspect(page)
    open_offer, closed, rolling = (
        make.OfferFactory(title=f"Offre {name}") for name in ("ouverte", "close", "continue")
    )
    close(closed)
    Offer.objects.filter(pk=rolling.pk).update(deadline=None)
    addresses = [
        "/",
        "/offres/",
        "/offres/?q=introuvable",
        "/offres/?q=ofre&region=28&tri=intitule",
        "/offres/?closes=on",
    ]
    addresses += [offer.get_absolute_url() for offer in (open_offer, closed, rolling)]
    addresses += [reverse(f"pages:{name}") for name in ("legal", "privacy", "accessibility", "sitemap_page", "help")]
    addresses += ["/verifier/", "/verifier/?reference=inconnue"]
    alert = Alert.objects.create(email="docteur@example.org", query="q=psychiatre")
    addresses += ["/alertes/nouvelle/?q=psychiatre&region=28", "/alertes/demandee/", "/alertes/introuvable/"]
    addresses += [alert.get_absolute_url(), f"{alert.get_absolute_url()}fin/"]
    addresses += ["/introuvable/"]
    for address in addresses:
        page.goto(address)
        inspect(page)


@pytest.mark.urls(__name__)
def test_mailbox_of_the_demonstration(visitor, inspect, settings, tmp_path):
    settings.DEMO, settings.DEMO_MAIL_DIR = True, str(tmp_path)
    for number in range(2):
        mail = f"To: personne@example.org\nSubject: Message {number}\n\nLien : http://127.0.0.1/avis/\n"
        (tmp_path / f"{number}.eml").write_text(mail)
    page = visitor()
    for address in ("/demo/courrier/", "/demo/courrier/?pour=personne-d-autre"):
        page.goto(address)
        inspect(page)


def test_refusals(visitor, inspect):
    page = visitor(make.UserFactory())
    page.goto("/commission/")
    inspect(page)
    page.goto("/compte/logout/")
    page.context.clear_cookies()
    submit(page, "Se déconnecter")
    inspect(page, ours=False)  # made without the layout, which may be what fails


def test_account_pages(visitor, inspect):
    user = verified(make.UserFactory(email="compte@example.org"))
    page = visitor()
    for name, button in (
        ("login", "Se connecter"),
        ("signup", "Créer mon compte"),
        ("reset_password", "Recevoir le lien"),
    ):
        page.goto(reverse(f"account_{name}"))
        inspect(page)
        submit(page, button)
        inspect(page, wrong=True)
    page.locator("[name=email]").fill(user.email)
    submit(page, "Recevoir le lien")
    inspect(page)
    [link] = re.findall(r"http\S+", Mail.objects.get(recipient=user.email).payload["text"])
    page.goto(link)
    inspect(page)
    submit(page, "Enregistrer ce mot de passe")
    inspect(page, wrong=True)
    page.goto(link[:-6] + "-faux/")
    inspect(page)

    page.goto(reverse("account_signup"))
    fill(page, {"first_name": "Zoé", "last_name": "Exemple", "email": "nouvelle@example.org"})
    fill(page, {"password1": "un-mot-de-passe-long", "password2": "un-mot-de-passe-long"})
    submit(page, "Créer mon compte")
    inspect(page)
    page.locator("[name=code]").fill("FAUX")
    submit(page, "Confirmer")
    inspect(page, wrong=True)

    page = visitor(user)
    for name, button in (("change_password", "Changer de mot de passe"), ("email", "Changer d’adresse")):
        page.goto(reverse(f"account_{name}"))
        inspect(page)
        submit(page, button)
        inspect(page, wrong=True)
    page.goto(reverse("account_logout"))
    inspect(page)


def test_pages_of_a_dossier_in_preparation(visitor, inspect):
    candidate = make.UserFactory()
    page = visitor(candidate)
    page.goto(reverse("applications:list"))
    inspect(page)
    offer = make.OfferFactory()
    page.goto(reverse("applications:start", args=[offer.slug]))
    inspect(page)
    submit(page, "Commencer")
    inspect(page, wrong=True)
    close(offer)
    page.goto(page.url)
    inspect(page)

    fresh, ready, late = begun(candidate), make.complete(begun(candidate)), begun(candidate)
    close(late.offer)
    for application in (fresh, ready, late):
        for name in ("detail", "recap", "preview", "withdraw", "take_over", "elsewhere"):
            page.goto(at(application, name))
            inspect(page)
    page.goto(at(ready, "recap"))
    submit(page, "Déposer mon dossier")
    inspect(page, wrong=True)

    for address in (at(fresh, "thread"), reverse("mail_preferences_own")):
        page.goto(address)
        inspect(page)
    page.goto(at(fresh, "piece", "cv"))
    inspect(page)
    with page.expect_navigation():
        page.evaluate("document.querySelector('[data-upload]').requestSubmit()")  # without a file
    inspect(page, wrong=True)
    page.goto(at(ready, "piece", "diplomas"))
    inspect(page)


def test_pages_of_an_annex(visitor, inspect):
    candidate = make.UserFactory()
    page = visitor(candidate)
    for prepare in (None, make.named_annex, asked, bounced, make.signed_annex, declined):
        application = begun(candidate)
        annex = prepare(application) if prepare else None
        page.goto(at(application, "annex", "hospital_director"))
        if annex is None:
            inspect(page)
            submit(page, "Enregistrer et relire")
        inspect(page, wrong=annex is None)
        page.goto(at(application, "detail"))
        inspect(page)


def asked(application: Application):
    """With a question to answer, and a trace of who handed over."""
    annex = make.answering.hand_over(make.invited_annex(application), OTHER)
    make.answering.ask_question(annex, "Quel jour par semaine ?")
    return annex


def bounced(application: Application):
    annex = make.invited_annex(application)
    make.circuit.note_bounce(Mail.objects.get(kind="signatory_request", thread=annex.dossier_id))
    return annex


def declined(application: Application):
    return make.answering.decline(make.invited_annex(application), "Je ne connais pas cette personne.")


def test_every_section(visitor, inspect):
    """Empty; with all that is missing; with wrong answers; filled."""
    application = begun(make.UserFactory())
    page = visitor(application.candidate)
    for section in application.dossier.spec.sections:
        page.goto(at(application, "section", section.key))
        inspect(page)
        page.goto(at(application, "section", section.key) + "?verifier=1")
        inspect(page, wrong=True)
    save_answers(application.dossier, "identity", {"phone": "abc", "email": "abc", "full_name": "x" * 300})
    save_answers(application.dossier, "training", {"thesis_date": "2099-01-01", "internships": [{"hospital": "CHU"}]})
    for key in ("identity", "training"):
        page.goto(at(application, "section", key))
        inspect(page, wrong=True)
    make.fill_sections(application)
    for key in ("identity", "training", "life_project"):
        page.goto(at(application, "section", key))
        inspect(page)


def test_pages_of_a_filed_dossier(visitor, inspect):
    candidate = make.UserFactory()
    application = make.filed(begun(candidate))
    page = visitor(candidate)
    for name in ("detail", "receipt", "withdraw"):
        page.goto(at(application, name))
        inspect(page)
    submit(page, "Retirer ma candidature")
    inspect(page)  # the list
    page.goto(at(application, "detail"))
    inspect(page)


def test_pages_of_a_signatory(visitor, inspect):
    application = begun(make.UserFactory())
    annex = make.invited_annex(application)
    address = reverse("signatory:annex", args=[signing.link_secret(annex)])
    page = visitor()
    page.goto(address)
    inspect(page)
    submit(page, "Relire et signer")
    inspect(page, wrong=True)
    for unfold, button in {
        "Je ne peux pas répondre": "Décliner la demande",
        "Confier la réponse": "Confier la demande",
        "Poser une question": "Envoyer la question",
    }.items():
        page.goto(address)
        page.get_by_text(unfold).last.click()
        submit(page, button)
        inspect(page, wrong=True)
    page.goto(address + "demandes/")
    inspect(page)
    page.goto(address)
    fill(page, {"opinion": "favorable", "text": "D’accord."})
    fill(page, filled_annex(annex.spec), prefix="annexe-")
    submit(page, "Relire et signer")
    inspect(page)
    submit(page, "Signer mon avis")
    inspect(page, wrong=True)
    make.sign(annex)
    page.goto(address)
    inspect(page)
    handed = asked(begun(make.UserFactory()))
    page.goto(reverse("signatory:annex", args=[signing.link_secret(handed)]))
    inspect(page)
    page.goto(address[:-3] + "/")
    inspect(page)
    for prepare in (declined, expired, revoked):
        annex = prepare(begun(make.UserFactory()))
        page.goto(reverse("signatory:annex", args=[signing.link_secret(annex)]))
        inspect(page)


def revoked(application: Application):
    """As it was when its link was sent."""
    annex = make.invited_annex(application)
    make.circuit.revoke(annex, actor=application.candidate)
    return annex


def expired(application: Application):
    annex = make.invited_annex(application)
    close(application.offer)
    return annex


def beside_the_screen_of_a_phone(page) -> list[str]:
    """The cells that one would have to guess, and scroll to."""
    page.set_viewport_size(PHONE)
    cells = "cells => cells.filter(cell => cell.getBoundingClientRect().right > innerWidth).map(cell => cell.innerText)"
    found = page.locator("main td").evaluate_all(cells)
    page.set_viewport_size(DESKTOP)
    return found


def test_pages_of_a_commission(visitor, inspect):
    agent = make.MembershipFactory()
    seat = make.SeatFactory(commission__institution=agent.institution)
    page = visitor(seat.user)
    page.goto(reverse("commission:list"))
    inspect(page)
    application = make.admit(make.filed(begun(make.UserFactory(), institution=agent.institution)), agent.user)
    seat.commission.offers.add(application.offer)
    page.goto(reverse("commission:list"))
    inspect(page)
    assert beside_the_screen_of_a_phone(page) == []
    address = reverse("commission:detail", args=[application.pk])
    page.goto(address)
    inspect(page)
    session = make.SessionFactory(commission=seat.commission)
    fill_agenda(session)
    page.goto(reverse("commission:session", args=[session.pk]))
    inspect(page)
    assert beside_the_screen_of_a_phone(page) == []
    page.goto(address)
    submit(page, "Enregistrer mon avis")
    inspect(page, wrong=True)
    record_review(application, seat.user, "favorable", "Bon projet.")
    page.goto(address)
    inspect(page)


def test_pages_of_management(visitor, inspect):
    """Ours and Django's own, which extend Django's layout."""
    agent = make.MembershipFactory()
    published = make.OfferFactory(institution=agent.institution)
    draft = make.OfferFactory(institution=agent.institution, draft=True)
    preparing = make.ApplicationFactory(offer=published)
    make.invited_annex(preparing)
    filed = make.filed(make.ApplicationFactory(offer=published))
    commission = make.SeatFactory(commission__institution=agent.institution).commission
    session = make.SessionFactory(commission=commission)
    session.agenda.create(application=filed)
    addresses = [
        "/gestion/",
        "/gestion/offers/offer/",
        "/gestion/offers/offer/add/",
        "/gestion/offers/offer/add/?kind=assistant-temps-partage",
        *(f"/gestion/offers/offer/{offer.pk}/change/" for offer in (published, draft)),
        "/gestion/offers/offer/importer/",
        f"/gestion/offers/offer/{published.pk}/reprendre/",
        f"/gestion/offers/offer/{draft.pk}/mouvement/publish/",
        f"/gestion/offers/offer/{published.pk}/mouvement/extend/",
        f"/gestion/offers/offer/{draft.pk}/mouvement/schedule/",
        f"/gestion/offers/offer/{published.pk}/history/",
        "/gestion/offers/offer/tableur/",
        "/gestion/offers/offer/supprimes/",
        "/gestion/applications/application/",
        *(f"/gestion/applications/application/{application.pk}/change/" for application in (preparing, filed)),
        f"/gestion/applications/application/retard/{published.pk}/",
        f"/gestion/applications/application/retard/{published.pk}/relancer/",
        f"/gestion/applications/application/textes/{published.pk}/",
        f"/gestion/applications/application/textes/{published.pk}/signatory_request/",
        "/gestion/applications/commission/",
        f"/gestion/applications/commission/{commission.pk}/change/",
        "/gestion/applications/session/add/",
        f"/gestion/applications/session/{session.pk}/change/",
        f"/gestion/applications/session/{session.pk}/proces-verbal/",
    ]
    page = visitor(agent.user, bypass_csp=True)  # on the forms of Django's admin, axe itself runs into our policy
    for address in addresses:
        page.goto(address)
        inspect(page, ours=False, exclude=OF_DJANGO)
    page.goto("/gestion/offers/offer/")
    page.locator("input.action-select").first.check()
    page.select_option("select[name=action]", "move_pause")
    with page.expect_navigation():
        page.click("button[name=index]")
    inspect(page, ours=False)
    page.goto(f"/gestion/offers/offer/{published.pk}/mouvement/extend/")
    submit(page, "Reporter la date limite")
    inspect(page, ours=False, wrong=True)
    page.goto(f"/gestion/offers/offer/{draft.pk}/apercu/")
    inspect(page)
    page.goto(f"/gestion/applications/application/{filed.pk}/change/")
    page.fill("#reason-refuse", "Le diplôme manque.")
    submit(page, "Déclarer irrecevable")
    inspect(page, ours=False)
    submit(page, "Revenir au dossier")
    assert page.input_value("#reason-refuse") == "Le diplôme manque."


def test_the_outbox_and_the_alerts_of_the_administrator(visitor, inspect):
    mail = outbox.enqueue_rendered(kind="essai", recipient="refuse@example.org", subject="Objet", text="Texte.")
    Mail.objects.filter(pk=mail.pk).update(state=Mail.State.BOUNCED, last_error="Adresse refusée")
    alert = Alert.objects.create(email="docteur@example.org", query="q=psychiatre")
    page = visitor(make.UserFactory(is_staff=True, is_superuser=True), bypass_csp=True)
    mails, alerts = "/gestion/notifications/mail/", "/gestion/offers/alert/"
    for address in (mails, f"{mails}{mail.pk}/change/", alerts, f"{alerts}{alert.pk}/change/"):
        page.goto(address)
        inspect(page, ours=False, exclude=OF_DJANGO)
