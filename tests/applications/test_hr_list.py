"""How an agent works through the dossiers of a campaign: the list, one dossier after another, a move and its words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from applications import circuit, desk, late, lifecycle
from applications.admin import ApplicationAdmin
from applications.models import Application
from dossiers import clearing
from dossiers.content import moment
from dossiers.models import Annex
from portal.notifications.models import Mail
from tests import factories as make

pytestmark = pytest.mark.django_db
LIST = reverse("admin:applications_application_changelist")


@pytest.fixture
def offer(hr):
    return make.OfferFactory(institution=hr.institution)


def page_of(application, **listed) -> str:
    address = reverse("admin:applications_application_change", args=[application.pk])
    return f"{address}?{urlencode({'_changelist_filters': urlencode(listed)})}" if listed else address


def move_of(application, name: str, **listed) -> str:
    address = reverse("admin:applications_application_move", args=[application.pk, name])
    return f"{address}?{urlencode({'_changelist_filters': urlencode(listed)})}" if listed else address


def filed(offer, **names) -> Application:
    candidate = make.UserFactory(**names)
    return make.filed(make.ApplicationFactory(offer=offer, candidate=candidate))


def text_of(response) -> str:
    return response.content.decode().replace("\xa0", " ").replace("\u202f", " ")


def test_from_one_dossier_to_the_next_in_the_order_of_the_list(client, offer):
    first, second, third = (filed(offer, last_name=name) for name in ("Aubin", "Bel", "Caro"))
    filed(make.OfferFactory(institution=offer.institution))
    lifecycle.WORKFLOW.run(second, "admit", actor=offer.institution.memberships.get().user)
    listed = {"offer__id__exact": offer.pk, "o": "4"}  # by the day of filing
    rows = client.get(LIST, listed)
    order = [row.pk for row in rows.context["cl"].result_list]
    assert page_of(first, **listed).split("?")[1] in text_of(rows).replace("&amp;", "&")
    middle = client.get(page_of(Application.objects.get(pk=order[1]), **listed))
    place = middle.context["place"]
    assert (place.position, place.total) == (2, 3)
    assert (place.previous, place.following) == (order[0], order[2])
    assert "Dossier 2 sur 3" in text_of(middle)
    assert page_of(Application.objects.get(pk=order[2]), **listed) in text_of(middle).replace("&amp;", "&")
    assert client.get(page_of(first, **listed)).context["place"].next_due in {first.pk, third.pk} - {first.pk}


@pytest.mark.parametrize("wrong", [{"nothing__exact": "1"}, {"o": "x"}, {"offer__id__exact": "abc"}])
def test_a_list_that_makes_no_sense_does_not_hide_the_dossier(client, offer, wrong):
    assert client.get(page_of(filed(offer), **wrong)).status_code == 200


def test_forty_dossiers_take_no_more_queries_than_two(client, offer):
    counts = []
    for more in (2, 38):
        for _ in range(more):
            last = make.named_annex(make.ApplicationFactory(offer=offer)).dossier.application
        asked = []
        for address in (f"{LIST}?offer__id__exact={offer.pk}", page_of(last, offer__id__exact=offer.pk)):
            client.get(address)
            with CaptureQueriesContext(connection) as captured:
                client.get(address)
            asked.append(len(captured))
        counts.append(asked)
    assert counts[0] == counts[1]


def test_the_list_says_what_is_missing_and_who_is_late(client, offer):
    late = make.invited_annex(make.ApplicationFactory(offer=offer))
    Annex.objects.update(sent_at=timezone.now() - timedelta(days=9))
    declined = make.named_annex(make.ApplicationFactory(offer=offer), signatory_name="Ana Test")
    Annex.objects.filter(pk=declined.pk).update(state=Annex.State.DECLINED)
    refused = filed(offer)
    make_refused = refused.dossier.pieces.first()
    clearing.SafeCopy.objects.filter(pk=make_refused.pk).delete()
    clearing.expect(make_refused)
    clearing.refuse(clearing.SafeCopy.objects.get(pk=make_refused.pk), "Illisible.")
    page = text_of(client.get(LIST))
    assert f"{late.signatory_name} n’a pas signé, depuis 9 jours" in page
    assert "Ana Test a décliné" in page
    assert "1 fichier refusé" in page
    Mail.objects.create(
        kind="signatory_request",
        recipient=late.signatory_email,
        thread=late.dossier_id,
        state=Mail.State.BOUNCED,
    )
    expected = {
        "retard": late.dossier.application.pk,
        "declinee": declined.dossier.application.pk,
        "adresse": late.dossier.application.pk,
        "fichier": refused.pk,
    }
    for value, pk in expected.items():
        found = client.get(LIST, {"bloque": value}).context["cl"].result_list
        assert [row.pk for row in found] == [pk], value


def test_an_annex_without_a_signatory_is_missing_too(client, offer):
    application = make.ApplicationFactory(offer=offer)
    assert "1 annexe sans signataire" in text_of(client.get(LIST))
    page = text_of(client.get(page_of(application)))
    assert "n’est pas signée (signataire à désigner)" in page
    assert "Signataires qui n’ont pas encore répondu" not in page
    assert "Mouvements" not in page
    make.named_annex(application)
    assert "sans signataire" not in text_of(client.get(LIST))
    assert "n’est pas signée (à envoyer)" in text_of(client.get(page_of(application)))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"reason": "x" * 1001}, "au plus 1000 caractères"),
        ({"author_name": "y" * 151}, "au plus 150 caractères"),
        ({"appeal": "z" * 2001}, "au plus 2000 caractères"),
        ({"reason": " "}, "« Ne pas retenir » demande un motif."),
        ({"author_quality": "Direction\x00"}, "Le caractère nul n’est pas autorisé"),
    ],
)
def test_a_field_that_is_refused_says_so_and_loses_nothing(client, offer, wrong, told):
    application = make.admit(filed(offer), offer.institution.memberships.get().user)
    typed = {"reason": "Un motif pesé.", "author_name": "Une autrice", "author_quality": "Direction", "appeal": "Nulle"}
    response = client.post(move_of(application, "reject"), typed | wrong)
    assert response.status_code == 200
    page = text_of(response)
    [form] = [form for move, form in response.context["forms"] if move.name == "reject"]
    [field] = wrong
    assert told in " ".join(form.errors[field]).replace("\xa0", " ").replace("\u202f", " ").replace("'", "’")
    assert f'id="{form[field].auto_id}_error"' in page
    assert "maxlength" not in str(form["reason"])  # what is pasted is not cut in silence
    for value in (typed | wrong).values():
        assert value.strip().replace("\x00", "") in page
    application.refresh_from_db()
    assert application.state == Application.State.ADMISSIBLE


def test_a_move_that_a_colleague_made_first_gives_back_the_words(client, offer):
    application = make.admit(filed(offer), offer.institution.memberships.get().user)
    response = client.post(move_of(application, "refuse"), {"reason": "Le diplôme manque.\nDonc irrecevable."})
    page = text_of(response)
    assert "n’est plus possible : l’état est maintenant « Recevable »" in page
    assert "Le diplôme manque.<br>Donc irrecevable." in page
    application.refresh_from_db()
    assert application.state == Application.State.ADMISSIBLE


def test_a_move_comes_back_to_the_list_it_was_made_from(client, offer):
    application, other = filed(offer), filed(offer)
    listed = {"state__exact": "filed"}
    response = client.post(move_of(application, "admit", **listed), follow=True)
    assert response.redirect_chain == [(page_of(application, **listed), 302)]
    assert response.context["place"].next_due == other.pk


def test_a_request_that_came_back_is_found_by_its_address(client, offer):
    annex = make.invited_annex(make.ApplicationFactory(offer=offer))
    Mail.objects.filter(kind="signatory_request").update(state=Mail.State.BOUNCED, last_error="550 5.1.1")
    circuit.note_bounce(Mail.objects.get(kind="signatory_request"))
    [application] = client.get(LIST, {"bloque": "adresse"}).context["cl"].result_list
    assert f"{annex.signatory_name} : adresse refusée" in text_of(client.get(LIST))
    assert list(late.drafts(offer, "adresse")) == [application]
    assert desk.desk_of(offer.institution.memberships.get().user).campaigns[0].refused == 1


def test_what_is_over_holds_nobody_up(client, offer):
    annex = make.invited_annex(make.ApplicationFactory(offer=offer))
    Annex.objects.update(sent_at=timezone.now() - timedelta(days=9))
    assert len(client.get(LIST, {"bloque": "retard"}).context["cl"].result_list) == 1
    application = annex.dossier.application
    lifecycle.WORKFLOW.run(application, "withdraw", actor=application.candidate)
    assert not client.get(LIST, {"bloque": "retard"}).context["cl"].result_list


def test_the_next_dossier_stays_at_hand_when_the_page_of_the_list_is_gone(client, offer, monkeypatch):
    monkeypatch.setattr(ApplicationAdmin, "list_per_page", 3)
    for _ in range(7):
        filed(offer)
    listed = {"state__exact": "filed", "p": "3"}
    [last] = client.get(LIST, listed).context["cl"].result_list
    page = client.post(move_of(last, "admit", **listed), follow=True)
    assert page.context["place"].total == 6
    assert page.context["place"].next_due


def test_a_decision_that_a_colleague_made_first_gives_back_each_field(client, offer):
    application = make.admit(filed(offer), offer.institution.memberships.get().user)
    typed = {
        "reason": "Projet solide.",
        "author_name": "Sacha Modèle",
        "author_quality": "Directrice",
        "appeal": "Recours.",
    }
    Application.objects.filter(pk=application.pk).update(state=Application.State.ACCEPTED)
    page = text_of(client.post(move_of(application, "reject"), typed))
    assert all(words in page for words in typed.values())


TYPED = {"reason": "Un motif\npesé.", "author_name": "Une autrice", "author_quality": "Direction", "appeal": "Recours."}


def test_a_decision_is_confirmed_before_anything_leaves(client, offer):
    """In one click, a decision left before the session that was to examine the dossier."""
    application = make.admit(filed(offer), offer.institution.memberships.get().user)
    session = make.SessionFactory(commission=make.CommissionFactory(offers=[offer]))
    rapporteur = make.SeatFactory(commission=session.commission).user
    session.agenda.create(application=application, rapporteur=rapporteur)
    application.recusals.create(member=rapporteur, reason="Ancien collègue.")
    before = Mail.objects.count()

    asked = client.post(move_of(application, "accept"), TYPED)
    page = text_of(asked)
    assert f"inscrit à la séance du {moment(session.starts_at)}".replace("\xa0", " ") in page
    assert f"Le rapporteur, {rapporteur}, s’est déporté." in page
    assert "Aucun avis de membre" in page
    assert "la lettre de décision est établie" in page
    application.refresh_from_db()
    assert (application.state, Mail.objects.count()) == (Application.State.ADMISSIBLE, before)

    back = client.post(move_of(application, "accept"), TYPED | {"correct": "1"})
    [form] = [form for move, form in back.context["forms"] if move.name == "accept"]
    assert {name: form[name].value() for name in TYPED} == TYPED

    hidden = asked.context["form"]  # what the page sends on
    client.post(move_of(application, "accept"), {name: hidden[name].value() for name in TYPED} | {"confirmed": "1"})
    application.refresh_from_db()
    assert application.state == Application.State.ACCEPTED
    assert application.decision.content["reason"] == TYPED["reason"]
    assert Mail.objects.filter(kind="decision", recipient=application.candidate.email).exists()


def test_who_declares_a_dossier_inadmissible_reads_what_the_candidate_may_still_do(client, offer):
    application = filed(offer)
    refuse = lambda: text_of(client.post(move_of(application, "refuse"), {"reason": "Le diplôme manque."}))  # noqa: E731
    page = refuse()
    assert f"Jusqu’au <strong>{timezone.localtime(offer.deadline):%-d}" in page
    assert "rouvrir son dossier" in page
    type(offer).objects.update(deadline=timezone.now() - timedelta(days=1))
    page = refuse()
    assert "ne pourra plus compléter son dossier" in page
    assert "rouvrir son dossier" not in page
    application.refresh_from_db()
    assert application.state == Application.State.FILED


def test_a_dossier_examined_in_time_is_decided_without_caution(client, offer):
    application = make.admit(filed(offer), offer.institution.memberships.get().user)
    session = make.SessionFactory(
        commission=make.CommissionFactory(offers=[offer]), starts_at=timezone.now() - timedelta(days=1)
    )
    member = make.SeatFactory(commission=session.commission).user
    session.agenda.create(application=application, rapporteur=member, opinion="favorable")
    application.reviews.create(member=member, opinion="favorable", reasons="Solide.")
    assert client.post(move_of(application, "accept"), TYPED).context["cautions"] == []
