"""The minutes of a session, edition after edition, and the session's dossiers in one ZIP."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from applications import documents, verification
from applications.commission.minutes import establish
from applications.commission.opinions import record_recusal
from applications.models import Application, Minutes
from applications.tasks import render_documents, render_minutes
from portal.workflow import TransitionRefused
from tests import factories as make
from tests.dossiers.test_pdf import page_texts, squeezed

pytestmark = pytest.mark.django_db


@pytest.fixture
def held():
    """A session that was held yesterday, its agent, and two members who were there."""
    application = make.filed(make.ApplicationFactory())
    hr = make.MembershipFactory(institution=application.offer.institution).user
    application = make.admit(application, hr)
    commission = make.CommissionFactory(institution=application.offer.institution, offers=[application.offer])
    chair, member = (make.SeatFactory(commission=commission, quality="Membre").user for _ in range(2))
    session = make.SessionFactory(commission=commission, starts_at=timezone.now() - timedelta(days=1), chair=chair)
    session.present.add(chair, member)
    session.agenda.create(application=application, rapporteur=member, opinion="favorable", reasons="Un projet mûri.")
    return session, hr


def text_of(minutes: Minutes) -> str:
    with documents.obtain_minutes(minutes).file.open("rb") as file:
        return squeezed(" ".join(page_texts(file.read())))


def test_the_minutes_say_who_was_there_who_stood_aside_and_why(held):
    session, hr = held
    absent = make.SeatFactory(commission=session.commission, user__first_name="Absente").user
    application = session.agenda.get().application
    record_recusal(application, absent, "Même service.")
    text = text_of(establish(session, hr))
    for said in (str(session.chair), str(absent), application.number, "Favorable", "Un projet mûri.", "Déports"):
        assert squeezed(said) in text
    assert squeezed("Même service.") not in text  # the reason of a recusal stays with the service


def test_the_minutes_say_that_the_rapporteur_stood_aside(held):
    session, hr = held
    item = session.agenda.get()
    record_recusal(item.application, item.rapporteur, "Même service.")
    [dossier] = establish(session, hr).content["dossiers"]
    assert dossier["rapporteur"] == f"{item.rapporteur} (s’est déporté)"


def test_minutes_are_not_offered_before_the_session(client, held):
    session, hr = held
    client.force_login(hr)
    page = reverse("admin:applications_session_minutes", args=[session.pk])
    assert 'name="establish"' in client.get(page).content.decode()
    session.starts_at = timezone.now() + timedelta(days=2)
    session.save()
    early = client.get(page).content.decode()
    assert 'name="establish"' not in early
    assert "La séance n’a pas encore eu lieu" in early


def test_what_is_missing_is_told(held):
    session, hr = held
    session.present.clear()
    session.agenda.update(opinion="")
    with pytest.raises(TransitionRefused) as refused:
        establish(session, hr)
    assert len(refused.value.reasons) == 2
    assert not session.minutes.exists()


def test_a_new_edition_replaces_the_one_before(held):
    session, hr = held
    first = establish(session, hr)
    document = documents.obtain_minutes(first)
    assert verification.of_fingerprint(document.sha256).superseded_at is None
    second = establish(session, hr)
    assert second.edition == 2
    assert verification.of_fingerprint(document.sha256).superseded_at == second.established_at
    assert verification.of_reference(document.reference).superseded_at == second.established_at
    render_minutes(second.pk)
    render_minutes(second.pk)
    assert verification.of_fingerprint(second.document.sha256).superseded_at is None


def test_hr_writes_the_minutes_in_one_page(client, held):
    session, hr = held
    session.present.clear()
    client.force_login(hr)
    address = reverse("admin:applications_session_minutes", args=[session.pk])
    item, member = session.agenda.get(), session.agenda.get().rapporteur
    posted = {
        "chair": session.chair_id,
        "present": [session.chair_id, member.pk],
        "agenda-TOTAL_FORMS": 1,
        "agenda-INITIAL_FORMS": 1,
        "agenda-0-id": item.pk,
        "agenda-0-opinion": "reserved",
        "agenda-0-reasons": "À préciser.",
    }
    client.post(address, posted | {"save": "1"})
    assert not session.minutes.exists()
    client.post(address, posted | {"establish": "1"})
    minutes = session.minutes.get()
    assert minutes.content["dossiers"][0]["opinion"] == "Favorable avec réserves"
    assert len(minutes.content["present"]) == 2
    documents.obtain_minutes(minutes)
    pdf = client.get(reverse("admin:applications_session_minutes_document", args=[session.pk, 1]))
    assert pdf.getvalue().startswith(b"%PDF")


def test_members_download_their_dossiers_with_a_table_of_contents(client, held):
    session, _ = held
    application = session.agenda.get().application
    other = make.admit(make.filed(make.ApplicationFactory(offer=application.offer)), held[1])
    session.agenda.create(application=other, position=2)
    render_documents(str(application.pk))
    record_recusal(other, session.chair, "Même service.")
    client.force_login(session.chair)
    response = client.get(reverse("commission:session_dossiers", args=[session.pk]))
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as archive:
        assert archive.testzip() is None
        contents, volume = archive.namelist()
        assert volume.startswith(f"01-{application.number}-")
        assert archive.read(volume).startswith(b"%PDF")
        page = archive.read(contents).decode()
    assert volume in page
    assert other.number not in page
    assert other.candidate.last_name not in page


def test_a_member_who_recused_does_not_read_the_minutes(client, held):
    session, hr = held
    documents.obtain_minutes(establish(session, hr))
    address = reverse("commission:session_minutes", args=[session.pk])
    member = session.agenda.get().rapporteur
    client.force_login(member)
    assert client.get(address).getvalue().startswith(b"%PDF")
    record_recusal(session.agenda.get().application, member, "Même service.")
    assert client.get(address).status_code == 404


def test_a_member_who_seeks_the_same_offer_stands_aside_and_the_minutes_say_so(client, held):
    session, hr = held
    member = session.agenda.get().rapporteur
    make.filed(make.ApplicationFactory(offer=session.agenda.get().application.offer, candidate=member))
    minutes = establish(session, hr)
    assert minutes.content["dossiers"][0]["recusals"] == [str(member)]
    documents.obtain_minutes(minutes)
    address = reverse("commission:session_minutes", args=[session.pk])
    client.force_login(session.chair)
    assert client.get(address).getvalue().startswith(b"%PDF")
    client.force_login(member)
    assert client.get(address).status_code == 404


def test_a_member_does_not_read_the_minutes_that_tell_of_their_own_dossier(client, held):
    session, hr = held
    documents.obtain_minutes(establish(session, hr))
    member = session.agenda.get().rapporteur
    Application.objects.filter(agenda_items__session=session).update(candidate=member)
    client.force_login(member)
    assert client.get(reverse("commission:session_minutes", args=[session.pk])).status_code == 404


def test_the_service_downloads_the_dossiers_of_its_own_offers_alone(client, held):
    session, _ = held
    elsewhere = make.ApplicationFactory()
    foreign = make.admit(make.filed(elsewhere), make.MembershipFactory(institution=elsewhere.offer.institution).user)
    session.agenda.create(application=foreign, position=2)
    own = session.agenda.get(position=1).application
    agent = make.MembershipFactory(institution=session.commission.institution, user__is_staff=True).user
    client.force_login(agent)
    response = client.get(reverse("admin:applications_session_zip", args=[session.pk]))
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as archive:
        page = archive.read(archive.namelist()[0]).decode()
    assert own.candidate.last_name in page
    assert foreign.candidate.last_name not in page
