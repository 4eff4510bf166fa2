"""After a refused submit, the person lands on one summary that says all that is wrong: with or without JavaScript."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from applications import answering
from dossiers.signing import link_secret
from tests import factories as make
from tests.e2e.people import PHONE

pytestmark = pytest.mark.e2e


def lands_on_the_summary(page: Page, button: str, points: int | None = None) -> None:
    """Press this button, below in the page: the summary is what one sees, and what has the focus."""
    with page.expect_navigation():
        page.get_by_role("main").get_by_role("button", name=button, exact=True).click()
    [summary] = page.locator("main .fr-alert--error").all()
    expect(summary).to_be_focused()
    expect(summary).to_be_in_viewport(ratio=0.99)
    listed = summary.get_by_role("listitem").count()
    assert listed == page.locator("main .fr-message--error").count() == (points or listed)
    expect(summary.get_by_role("heading")).to_contain_text(f"{listed} points sont" if listed > 1 else "Un point est")
    for address in summary.get_by_role("link").evaluate_all("links => links.map(a => a.hash)"):
        assert page.locator(address).count() == 1
    assert page.title().startswith("Erreur – ")
    assert page.title().count("Erreur") == 1


@pytest.fixture(params=[True, False], ids=["with", "without"])
def someone(request, visitor):
    """A visitor, with JavaScript or without."""
    return lambda user=None: visitor(user, java_script_enabled=request.param, **PHONE)


def test_the_start_of_a_candidacy(someone):
    offer = make.OfferFactory()
    page = someone(make.UserFactory())
    page.goto(reverse("applications:start", args=[offer.slug]))
    lands_on_the_summary(page, "Commencer ma candidature")
    expect(page.locator("main .fr-alert--error")).to_contain_text("Cochez cette case pour commencer.")


def test_the_filing(someone):
    application = make.complete(make.ApplicationFactory())
    page = someone(application.candidate)
    page.goto(reverse("applications:recap", args=[application.pk]))
    lands_on_the_summary(page, "Déposer mon dossier", 1)


def test_the_signatorys_page(someone):
    annex = make.invited_annex(make.ApplicationFactory())
    page = someone()
    address = reverse("signatory:annex", args=[link_secret(annex)])
    page.goto(address)
    lands_on_the_summary(page, "Relire et signer")
    expect(page.locator("main .fr-alert--error li", has_text="Choisissez un avis.")).to_have_count(1)
    for fold, button, points in (
        ("Poser une question à", "Envoyer la question", 1),
        ("Confier la réponse à une autre personne", "Confier la demande", 4),
        ("Je ne peux pas répondre", "Décliner la demande", 1),
    ):
        page.goto(address)
        page.get_by_text(fold).click()
        lands_on_the_summary(page, button, points)


def test_the_answer_to_a_question(someone):
    application = make.ApplicationFactory()
    annex = make.invited_annex(application)
    answering.ask_question(annex, "Quel jour par semaine ?")
    page = someone(application.candidate)
    page.goto(reverse("applications:annex", args=[application.pk, annex.key]))
    lands_on_the_summary(page, "Répondre", 1)


def test_the_commissions_page(someone):
    filed = make.filed(make.ApplicationFactory())
    agent = make.MembershipFactory(institution=filed.offer.institution).user
    seat = make.SeatFactory(commission__institution=filed.offer.institution)
    seat.commission.offers.add(filed.offer)
    application = make.admit(filed, agent)
    page = someone(seat.user)
    address = reverse("commission:detail", args=[application.pk])
    page.goto(address)
    lands_on_the_summary(page, "Enregistrer mon avis", 2)
    page.goto(address)
    page.get_by_text("Je ne peux pas examiner ce dossier").click()
    lands_on_the_summary(page, "Me déporter", 1)
