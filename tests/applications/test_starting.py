"""Eligibility is asked before the work: who cannot apply is told so, by which article, and nothing is stored."""

from __future__ import annotations

import pytest
from django.urls import reverse

from applications.models import Application
from dossiers.models import SectionAnswers
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def candidate(client):
    candidate = make.UserFactory()
    client.force_login(candidate)
    return candidate


def begin(client, offer, **changes):
    return client.post(reverse("applications:start", args=[offer.slug]), make.start_form(offer) | changes)


@pytest.mark.parametrize(
    ("kind", "answer", "article"),
    [
        ("assistant-specialise", {"french": "non"}, "article R. 123-39 du COJ"),
        ("assistant-specialise", {"regulated_practice": "oui"}, "article R. 123-42 du COJ"),
        ("assistant-specialise", {"postdoctoral_years": "9"}, "au moins 10 ans"),
        ("medecin-coordonnateur", {"registered": "non"}, "article R. 3711-3, 1° du CSP"),
        ("medecin-coordonnateur", {"practice_years": "2"}, "article R. 3711-3, 2° du CSP"),
        ("medecin-coordonnateur", {"qualification": "none"}, "arrêté du 24 mars 2009"),
        ("assistant-temps-partage", {"split_accepted": "non"}, "condition de l’offre"),
        ("assistant-specialiste-regional", {"split_accepted": "non"}, "condition de l’offre"),
    ],
)
def test_who_cannot_apply_is_told_before_the_work(client, candidate, kind, answer, article):
    offer = make.OfferFactory(kind=kind, parameters={})
    page = begin(client, offer, **answer)
    assert page.status_code == 200
    text = page.content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "vous ne pouvez pas candidater" in text
    assert article in text
    assert not Application.objects.exists()
    assert not SectionAnswers.objects.exists()
    assert "answers" not in client.session


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("assistant-temps-partage", {"situation": "other"}),
        ("assistant-specialiste-regional", {"contacted": "non"}),
        ("mission-cooperation", {"expatriation": "non"}),
        ("mission-cooperation", {"earlier_missions": "non"}),
        ("medecin-coordonnateur", {"registered_on": "2100-01-01"}),
    ],
)
def test_a_doubt_is_told_once_and_prevents_nothing(client, candidate, kind, answer):
    offer = make.OfferFactory(kind=kind, parameters={})
    page = begin(client, offer, **answer)
    assert "À vérifier avant de commencer" in page.content.decode()
    assert not Application.objects.exists()
    assert begin(client, offer, **answer, doubts="known").status_code == 302
    assert Application.objects.exists()


def test_a_doubt_that_is_known_hides_no_obstacle(client, candidate):
    offer = make.OfferFactory(parameters={})
    assert begin(client, offer, situation="other", split_accepted="non", doubts="known").status_code == 200
    assert not Application.objects.exists()


def test_an_unanswered_question_is_asked_again(client, candidate):
    offer = make.OfferFactory(kind="medecin-coordonnateur", parameters={})
    page = begin(client, offer, registered="", practice_years="beaucoup")
    assert set(page.context["asked"].errors) == {"registered", "practice_years"}
    assert "beaucoup" in page.content.decode()


def test_what_the_dossier_asks_too_is_carried_over_and_the_rest_forgotten(client, candidate):
    offer = make.OfferFactory(kind="medecin-coordonnateur", parameters={})
    begin(client, offer)
    [answers] = SectionAnswers.objects.all()
    assert answers.section == "eligibility"
    assert answers.raw["practice_years"] == "12"
    begin(client, make.OfferFactory(parameters={}))
    assert SectionAnswers.objects.count() == 1
