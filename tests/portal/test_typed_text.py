"""What an expired session was posting is given back to who may write there, on every page where people type."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse

from applications import answering
from applications.models import Application, Review
from dossiers.models import Question
from portal import typed_text
from tests import factories as make

pytestmark = pytest.mark.django_db

WORDS = "Écrit pendant des heures, puis la session a expiré."


@pytest.fixture
def seat():
    application = make.filed(make.ApplicationFactory())
    actor = make.MembershipFactory(institution=application.offer.institution).user
    seat = make.SeatFactory(commission=make.CommissionFactory(offers=[application.offer]))
    seat.application = make.admit(application, actor)
    return seat


def signs_in(client, response, user) -> str:
    """Sent to sign in; back on the page where it was typed. Returns its address."""
    assert response.status_code == 302
    login, _, page = response["Location"].partition("?next=")
    assert login == reverse("account_login")
    client.force_login(user)
    return unquote(page)


@pytest.mark.parametrize(
    ("name", "typed"),
    [("review", {"opinion": "reserved", "reasons": WORDS}), ("recuse", {"reason": WORDS})],
)
def test_a_member_finds_their_opinion_again(client, seat, name, typed):
    pk = seat.application.pk
    response = client.post(reverse(f"commission:{name}", args=[pk]), typed)
    page = signs_in(client, response, seat.user)
    assert page == reverse("commission:detail", args=[pk])
    told = client.get(page).content.decode()
    assert WORDS in told
    assert typed_text.GIVEN_BACK in told
    assert WORDS not in client.get(page).content.decode()
    assert not Review.objects.exists()


def test_a_stranger_does_not_find_it(client, seat):
    response = client.post(reverse("commission:review", args=[seat.application.pk]), {"reasons": WORDS})
    page = signs_in(client, response, make.UserFactory())
    response = client.get(page)
    assert response.status_code == 404
    assert WORDS not in response.content.decode()


def test_a_candidate_finds_the_answer_to_a_question_again(client):
    application = make.ApplicationFactory()
    annex = make.invited_annex(application)
    first, second = (answering.ask_question(annex, text) for text in ("La première ?", "La seconde ?"))
    address = reverse("applications:annex_question", args=[application.pk, annex.key, second.pk])
    page = signs_in(client, client.post(address, {"answer": WORDS}), application.candidate)
    forms = dict(client.get(page).context["questions"])
    assert forms[second].initial == {"answer": WORDS}
    assert not forms[first].initial
    assert len({form["answer"].auto_id for form in forms.values()}) == 2
    assert not Question.objects.exclude(answered_at=None).exists()


def test_a_candidate_finds_the_name_of_a_signatory_again(client):
    application = make.ApplicationFactory()
    address = reverse("applications:annex", args=[application.pk, "hospital_director"])
    page = signs_in(client, client.post(address, make.SIGNATORY | {"note": WORDS}), application.candidate)
    told = client.get(page).content.decode()
    assert WORDS in told
    assert make.SIGNATORY["signatory_email"] in told
    assert not application.dossier.annexes.exists()


def test_the_answers_before_starting_are_found_again(client):
    offer = make.OfferFactory(kind="medecin-coordonnateur", parameters={})
    address, typed = reverse("applications:start", args=[offer.slug]), make.start_form(offer)
    page = signs_in(client, client.post(f"{address}?depuis=x", typed), make.UserFactory())
    assert page == f"{address}?depuis=x"
    context = client.get(page).context
    asked = {name: str(value) for name, value in typed.items() if name != "understood"}
    assert asked
    assert context["asked"].data.dict().items() >= asked.items()
    assert not Application.objects.exists()


def test_an_agent_sends_again_what_the_session_lost(client):
    application = make.filed(make.ApplicationFactory())
    agent = make.MembershipFactory(institution=application.offer.institution).user
    page = reverse("admin:applications_application_change", args=[application.pk])
    move = reverse("admin:applications_application_move", args=[application.pk, "refuse"])
    response = client.post(move, {"reason": WORDS}, headers={"Referer": f"http://testserver{page}"})
    assert signs_in(client, response, agent) == page
    shown = client.get(page)
    assert WORDS in shown.content.decode()
    assert shown.context["to"] == move
    assert "session avait expiré" in shown.content.decode()
    assert "session avait expiré" not in client.get(page).content.decode()
    sent = dict(shown.context["sent"])
    assert WORDS in client.post(move, sent).content.decode()  # to be confirmed
    client.post(move, sent | {"confirmed": "1"})
    application.refresh_from_db()
    assert application.state == Application.State.INADMISSIBLE
    assert application.transitions.filter(reason=WORDS).exists()


def test_an_agent_of_elsewhere_does_not_find_it(client):
    application = make.filed(make.ApplicationFactory())
    page = reverse("admin:applications_application_change", args=[application.pk])
    response = client.post(page, {"reason": WORDS})
    response = client.get(signs_in(client, response, make.MembershipFactory().user))
    assert WORDS not in response.content.decode()


def test_one_address_keeps_so_much_a_minute(client, settings):
    settings.TYPED_TEXTS_A_MINUTE = 3
    address = reverse("applications:withdraw", args=[make.ApplicationFactory().pk])
    for _ in range(6):
        client.cookies.clear()
        client.post(address, {"reason": WORDS}, REMOTE_ADDR="198.51.100.7")
    assert Session.objects.count() == 3
