"""What members may read and say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from applications import lifecycle
from applications.commission.opinions import record_recusal, record_review
from applications.commission.sessions import agenda_seen_by, fill_agenda, upcoming
from applications.models import Application, Recusal, Review
from dossiers.models import Opinion
from portal.notifications.tasks import drain_outbox
from portal.workflow import TransitionRefused
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def admissible():
    application = make.filed(make.ApplicationFactory())
    hr = make.MembershipFactory(institution=application.offer.institution).user
    return make.admit(application, hr)


def test_nobody_examines_their_own_dossier(admissible):
    make.SeatFactory(commission__offers=[admissible.offer], user=admissible.candidate)
    assert not Application.objects.readable_by_member(admissible.candidate).exists()


@pytest.mark.parametrize("stage", ["draft", "filed", "withdrawn"])
def test_nobody_judges_their_rivals(admissible, stage, client):
    member = make.SeatFactory(commission__offers=[admissible.offer]).user
    elsewhere = make.admit(make.filed(make.ApplicationFactory()), make.UserFactory(is_superuser=True))
    make.SeatFactory(commission__offers=[elsewhere.offer], user=member)
    record_review(admissible, member, Opinion.FAVORABLE, "Un bon projet.")
    client.force_login(member)
    url = reverse("commission:detail", args=[admissible.pk])
    assert client.get(url).status_code == 200

    own = make.ApplicationFactory(offer=admissible.offer, candidate=member)
    if stage != "draft":
        own = make.filed(own)
    if stage == "withdrawn":
        lifecycle.WORKFLOW.run(own, "withdraw", actor=member)

    assert client.get(url).status_code == 404
    assert client.post(reverse("commission:review", args=[admissible.pk]), {}).status_code == 404
    page = client.get(reverse("commission:list"))
    assert f"Vous candidatez à «\u00a0{admissible.offer.title}\u00a0»" in page.content.decode()
    assert [found.pk for found in page.context["page"]] == [elsewhere.pk]
    assert bool(Review.objects.get().withdrawn_at) == (stage != "draft")


def test_a_member_is_told_before_becoming_a_candidate(admissible, client):
    member = make.SeatFactory(commission__offers=[admissible.offer]).user
    told = "Vous siégez à la commission de cette offre"
    url = reverse("applications:start", args=[admissible.offer.slug])
    client.force_login(member)
    assert told in client.get(url).content.decode()
    client.force_login(make.UserFactory())
    assert told not in client.get(url).content.decode()


def test_a_member_says_it_once_and_may_change_it(admissible):
    member = make.SeatFactory(commission__offers=[admissible.offer]).user
    record_review(admissible, member, Opinion.FAVORABLE, "Un bon projet.")
    record_review(admissible, member, Opinion.RESERVED, "Un bon projet, à préciser.")
    review = Review.objects.get()
    assert (review.opinion, review.reasons) == (Opinion.RESERVED, "Un bon projet, à préciser.")


def test_after_the_decision_opinions_no_longer_change(admissible):
    member = make.SeatFactory(commission__offers=[admissible.offer]).user
    Application.objects.filter(pk=admissible.pk).update(state=Application.State.ACCEPTED)
    with pytest.raises(TransitionRefused):
        record_review(admissible, member, Opinion.FAVORABLE, "Trop tard.")
    with pytest.raises(TransitionRefused):
        record_recusal(admissible, member, "Trop tard.")


def test_a_recusal_takes_the_opinion_and_the_reading_away(admissible):
    member = make.SeatFactory(commission__offers=[admissible.offer]).user
    record_review(admissible, member, Opinion.FAVORABLE, "Un bon projet.")
    record_recusal(admissible, member, "Même service.")
    assert Review.objects.get().withdrawn_at
    assert Recusal.objects.get().reason == "Même service."
    assert not Application.objects.readable_by_member(member).exists()


# Sessions


@pytest.fixture
def session(admissible):
    hr_institution = admissible.offer.institution
    return make.SessionFactory(commission=make.CommissionFactory(institution=hr_institution, offers=[admissible.offer]))


def test_the_agenda_takes_each_waiting_dossier_once(admissible, session):
    make.filed(make.ApplicationFactory(offer=admissible.offer))  # not declared admissible
    assert fill_agenda(session) == 1
    assert fill_agenda(make.SessionFactory(commission=session.commission)) == 0
    assert session.agenda.get().application == admissible


def test_members_see_the_sessions_of_their_commissions_soonest_first(session):
    seat = make.SeatFactory(commission=session.commission)
    sooner = make.SessionFactory(commission=session.commission, starts_at=session.starts_at - timedelta(days=3))
    make.SessionFactory()
    make.SessionFactory(commission=session.commission, starts_at=timezone.now() - timedelta(days=30))
    assert list(upcoming(seat.user)) == [sooner, session]


def test_a_member_who_recused_sees_nothing_of_the_dossier_on_the_agenda(client, admissible, session):
    rapporteur, recused = (make.SeatFactory(commission=session.commission).user for _ in range(2))
    session.agenda.create(application=admissible, rapporteur=rapporteur)
    record_recusal(admissible, recused, "Même service.")
    assert agenda_seen_by(session, rapporteur)[0].is_mine
    client.force_login(recused)
    assert "0 dossier complet<" in client.get(reverse("commission:list")).content.decode()
    page = client.get(reverse("commission:session", args=[session.pk])).content.decode()
    assert "Vous ne prenez pas part à ce dossier" in page
    assert admissible.candidate.last_name not in page
    assert admissible.number not in page


def test_a_rapporteur_who_recused_reports_no_more_and_all_are_told(client, admissible, session, smtp_sink):
    member, other = (make.SeatFactory(commission=session.commission).user for _ in range(2))
    session.agenda.create(application=admissible, rapporteur=member)
    page = reverse("commission:session", args=[session.pk])
    client.force_login(member)
    assert client.get(page).context["mine"] == 1
    record_recusal(admissible, member, "Ancien collègue.")
    record_recusal(admissible, member, "Deux clics.")
    shown = client.get(page).content.decode()
    assert "Vous rapportez" not in shown
    assert "Vous ne prenez pas part à ce dossier" in shown
    aside = f"{member} (s’est déporté)"
    client.force_login(other)
    assert aside in client.get(page).content.decode()
    client.force_login(make.MembershipFactory(institution=admissible.offer.institution).user)
    prepared = client.get(reverse("admin:applications_session_change", args=[session.pk])).content.decode()
    assert "Le rapporteur s’est déporté" in prepared
    assert aside in client.get(reverse("admin:applications_session_minutes", args=[session.pk])).content.decode()
    drain_outbox()
    told = [mail["Subject"] for mail in smtp_sink.sent_to(admissible.offer.service_email)]
    assert len([subject for subject in told if "Rapporteur à remplacer" in subject]) == 1


def test_a_line_more_comes_after_the_last_one(client, admissible, session):
    other = make.admit(make.filed(make.ApplicationFactory(offer=admissible.offer)), make.UserFactory(is_superuser=True))
    item = session.agenda.create(application=admissible, position=4)
    client.force_login(make.MembershipFactory(institution=session.commission.institution).user)
    address = reverse("admin:applications_session_change", args=[session.pk])
    page = client.get(address)
    assert "Ajouter une ligne" in page.content.decode()
    assert "Ajouter un objet" not in page.content.decode()
    [formset] = page.context["inline_admin_formsets"]
    positions = [form["position"].value() for form in (*formset.formset.extra_forms, formset.formset.empty_form)]
    assert positions == [5, 5]
    when = timezone.localtime(session.starts_at)
    sent = {
        "starts_at_0": f"{when:%Y-%m-%d}",
        "starts_at_1": f"{when:%H:%M}",
        "agenda-TOTAL_FORMS": 2,
        "agenda-INITIAL_FORMS": 1,
        "agenda-0-id": item.pk,
        "agenda-0-session": session.pk,
        "agenda-0-application": admissible.pk,
        "agenda-0-position": 4,
        "agenda-1-session": session.pk,
        "agenda-1-position": 3,  # untouched since a colleague took a line away
    }
    assert client.post(address, sent).status_code == 302
    assert session.agenda.get() == item
    assert client.post(address, sent | {"agenda-1-application": other.pk, "agenda-1-position": 5}).status_code == 302
    assert session.agenda.get(application=other).position == 5


def test_hr_opens_a_session_with_all_that_waits_then_names_the_rapporteurs(client, admissible, session):
    agent = make.MembershipFactory(institution=session.commission.institution).user
    rapporteur, recused, rival = (make.SeatFactory(commission=session.commission).user for _ in range(3))
    record_recusal(admissible, recused, "Même service.")
    make.ApplicationFactory(offer=admissible.offer, candidate=rival)
    client.force_login(agent)
    client.post(
        reverse("admin:applications_session_add"),
        {
            "commission": session.commission.pk,
            "starts_at_0": "2031-03-12",
            "starts_at_1": "14:00",
            "place": "Salle 2",
            "fill": "on",
        },
    )
    opened = session.commission.sessions.exclude(pk=session.pk).get()
    item = opened.agenda.get()
    address = reverse("admin:applications_session_change", args=[opened.pk])
    row = {
        "starts_at_0": "2031-03-12",
        "starts_at_1": "14:00",
        "agenda-TOTAL_FORMS": 1,
        "agenda-INITIAL_FORMS": 1,
        "agenda-0-id": item.pk,
        "agenda-0-session": opened.pk,
        "agenda-0-application": admissible.pk,
        "agenda-0-position": 1,
    }
    refused = client.post(address, row | {"agenda-0-rapporteur": recused.pk})
    assert "Ce membre s’est déporté de ce dossier" in refused.content.decode()
    refused = client.post(address, row | {"agenda-0-rapporteur": rival.pk})
    assert "Cette personne candidate à la même offre" in refused.content.decode()
    assert client.post(address, row | {"agenda-0-rapporteur": rapporteur.pk}).status_code == 302
    item.refresh_from_db()
    assert item.rapporteur == rapporteur
