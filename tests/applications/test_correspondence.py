"""A dossier's thread: who was written to, what became of it; nudging by hand, never twice within twelve hours."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from applications import answering, circuit, correspondence
from applications.correspondence import FOR_CANDIDATE, FOR_SERVICE, thread
from applications.reminders import planner
from dossiers import signing
from portal.notifications import outbox
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from portal.workflow import TransitionRefused
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked():
    application = make.ApplicationFactory()
    return application, make.invited_annex(application)


def titles(application, readers=FOR_CANDIDATE) -> list[str]:
    return [event.title for event in thread(application, readers)]


def test_every_mail_about_a_dossier_is_in_its_thread():
    hr = make.MembershipFactory()
    application = make.admit(make.filed(make.ApplicationFactory(offer__institution=hr.institution)), hr.user)
    assert not Mail.objects.exclude(thread=application.dossier_id).exists()
    assert set(Mail.objects.values_list("kind", flat=True)) >= {"receipt", "filed_for_hr", "opinion_filed"}


def test_reminders_are_in_the_thread_too():
    begun = timezone.now() - timedelta(days=30)
    with time_machine.travel(begun, tick=False):
        offer = make.OfferFactory(deadline=make.end_of_day(timezone.localdate() + timedelta(days=33)))
        application = make.ApplicationFactory(offer=offer)
        make.invited_annex(application)
    planner.queue_due(make.by_day())
    assert {"Rappel", "Rappel avant la date limite"} <= set(titles(application))


def test_the_thread_says_what_became_of_each_mail(asked, smtp_sink):
    application, annex = asked
    assert [(event.status, event.person) for event in thread(application, FOR_CANDIDATE)] == [
        ("En attente d’envoi", annex.signatory_email)
    ]
    drain_outbox()
    assert thread(application, FOR_CANDIDATE)[0].status == "Remis au serveur de messagerie"
    Mail.objects.update(state=Mail.State.FAILED)
    assert thread(application, FOR_CANDIDATE)[0].is_failure


def test_an_opened_link_is_told(asked):
    application, annex = asked
    answering.note_opening(annex)
    opened = thread(application, FOR_CANDIDATE)[0]
    assert (opened.title, opened.person) == ("Lien ouvert", f"{annex.signatory_name} ({annex.signatory_email})")


def test_the_candidate_does_not_learn_what_the_service_is_told(client):
    application = make.filed(make.ApplicationFactory())
    assert "Dossier déposé" in titles(application, FOR_SERVICE)
    assert "Dossier déposé" not in titles(application, FOR_CANDIDATE)
    client.force_login(application.candidate)
    page = client.get(reverse("applications:thread", args=[application.pk])).content.decode()
    assert "Accusé de réception" in page
    assert application.offer.service_email not in page


def test_a_mail_of_an_unknown_nature_is_shown_to_nobody(asked):
    application, _ = asked
    Mail.objects.create(kind="inconnue", recipient="x@example.org", thread=application.dossier_id)
    assert titles(application, FOR_SERVICE) == ["Demande d’avis"]


def test_no_page_tells_the_secret_of_a_link(asked, client):
    application, annex = asked
    hr = make.MembershipFactory(institution=application.offer.institution)
    secret = signing.link_secret(annex)
    pages = [
        (application.candidate, reverse("applications:thread", args=[application.pk])),
        (application.candidate, application.get_absolute_url()),
        (hr.user, reverse("admin:applications_application_change", args=[application.pk])),
    ]
    for user, address in pages:
        client.force_login(user)
        page = client.get(address).content.decode()
        assert annex.signatory_email in page or annex.signatory_name in page
        assert secret not in page
        assert annex.link_hash not in page


# Nudging


def nudge(client, application, annex):
    address = reverse("applications:annex_move", args=[application.pk, annex.key, "relancer"])
    return client.post(address, follow=True).content.decode()


def test_a_nudge_waits_for_twelve_hours_then_leaves_once(asked, client):
    application, annex = asked
    client.force_login(application.candidate)
    page = client.get(application.get_absolute_url()).content.decode()
    assert "Relance possible le" in page
    assert ">Relancer<" not in page
    with time_machine.travel(timezone.now() + timedelta(hours=13), tick=False):
        client.force_login(application.candidate)
        assert ">Relancer<" in client.get(application.get_absolute_url()).content.decode()
        Mail.objects.update(attempts=1)  # the request is on its way: a nudge is a mail of its own
        assert "La personne est relancée" in nudge(client, application, annex)
        assert "moins de douze heures" in nudge(client, application, annex)
    assert Mail.objects.filter(kind="signatory_request").count() == 2


def test_a_reminder_of_the_portal_counts_as_asking(asked):
    application, annex = asked
    payload = {"annex": str(annex.pk), "link_hash": annex.link_hash}
    with time_machine.travel(timezone.now() + timedelta(days=3), tick=False):
        outbox.enqueue("signatory_reminder", annex.signatory_email, payload, thread=application.dossier_id)
        with pytest.raises(TransitionRefused, match="douze heures"):
            circuit.resend(annex, actor=application.candidate)


def test_a_refused_address_is_to_be_changed_not_nudged(asked, client):
    application, _ = asked
    Mail.objects.update(state=Mail.State.FAILED)
    client.force_login(application.candidate)
    with time_machine.travel(timezone.now() + timedelta(hours=13), tick=False):
        client.force_login(application.candidate)
        page = client.get(application.get_absolute_url()).content.decode()
    assert "Vérifiez-la et changez-la" in page
    assert ">Relancer<" not in page


def test_the_mails_to_a_former_signatory_are_not_those_of_the_new_one(asked):
    application, annex = asked
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        circuit.replace(annex, actor=application.candidate)
        new = make.invited_annex(application, signatory_email="autre@example.org")
        (chase,) = correspondence.chases(application.dossier, correspondence_state(application))
    assert [mail.person for mail in chase.mails] == [new.signatory_email]


def correspondence_state(application):
    from dossiers.completeness import completeness

    return completeness(type(application.dossier).objects.get(pk=application.dossier_id))
