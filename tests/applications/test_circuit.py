"""The sign-off circuit: the link, what it shows and does, and what the database keeps of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.serializers import serialize
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError
from django.urls import reverse
from django.utils import timezone

from applications import answering, circuit
from applications.forms import SignatoryForm
from dossiers import codes, signing
from dossiers.answers import save_answers
from dossiers.content import dossier_content
from dossiers.fingerprints import fingerprint
from dossiers.models import Annex, Dossier, SignOff
from offers import lifecycle as offer_lifecycle
from offers.models import Offer
from portal.accounts.forms import SignupNames
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from portal.workflow import TransitionRefused
from tests import factories as make
from tests.answers import filled_section

pytestmark = pytest.mark.django_db


@pytest.fixture
def application():
    return make.ApplicationFactory(candidate__first_name="Zénobie")


@pytest.fixture
def annex(application):
    return make.invited_annex(application)


def page_of(annex: Annex) -> str:
    return reverse("signatory:annex", args=[signing.link_secret(annex)])


def fresh(annex: Annex) -> Annex:
    return Annex.objects.get(pk=annex.pk)


# The link


def test_the_secret_is_long_and_kept_nowhere(annex):
    secret = signing.link_secret(annex)
    assert re.fullmatch(r"[\w-]{43}", secret)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT string_agg(t::text, ' ') FROM \"{table}\" t")
            assert secret not in (cursor.fetchone()[0] or ""), table
    assert annex.link_hash == signing.link_hash(secret)


def test_the_secret_needs_the_servers_key(annex, settings):
    secret = signing.link_secret(annex)
    settings.SECRET_KEY = "another-key-another-key-another-key-another-key-another"
    assert signing.link_secret(annex) != secret


def test_the_mail_row_never_held_it(annex):
    assert signing.link_secret(annex) not in serialize("json", Mail.objects.all())


def test_nobody_signs_with_what_the_database_holds(client, annex):
    for known in (annex.link_hash, annex.link_nonce, str(annex.pk)):
        assert client.get(reverse("signatory:annex", args=[known])).status_code == 404


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "é" * 43, "' OR 1=1 --", "a" * 5000])
def test_an_unknown_link_says_nothing(client, annex, token):
    response = client.get(reverse("signatory:annex", args=[token]))
    assert response.status_code == 404
    assert "Zénobie" not in response.content.decode()


def test_the_address_is_not_passed_on(client, annex):
    response = client.get(page_of(annex))
    assert response["Referrer-Policy"] == "same-origin"
    assert "noindex" in response["X-Robots-Tag"]
    assert "no-store" in response["Cache-Control"]


def test_it_stops_with_the_deadline_and_an_extension_revives_it(client, annex, application):
    offer = application.offer
    after = offer.deadline + timedelta(seconds=1)
    with time_machine.travel(after, tick=False):
        dead = client.get(page_of(annex))
        assert dead.status_code == 410
        assert "Zénobie" not in dead.content.decode()
        assert client.post(page_of(annex), make.signature_form(annex)).status_code == 410
        hr = make.MembershipFactory(institution=offer.institution).user
        later = offer.deadline + timedelta(days=7)
        offer_lifecycle.WORKFLOW.run(offer, "extend", actor=hr, reason="Panne.", deadline=later)
        assert client.get(page_of(annex)).status_code == 200
        make.sign_through(client, annex)
    assert fresh(annex).state == Annex.State.SIGNED


def test_it_stops_when_the_offer_closes_or_the_candidate_withdraws(client, annex, application):
    Offer.objects.update(state=Offer.State.CLOSED)
    assert client.get(page_of(annex)).status_code == 410
    Offer.objects.update(state=Offer.State.PUBLISHED)
    assert client.get(page_of(annex)).status_code == 200
    type(application).objects.update(state="withdrawn")
    assert client.get(page_of(annex)).status_code == 410


def test_without_deadline_it_still_expires(client):
    application = make.ApplicationFactory(offer=make.OfferFactory(deadline=None))
    annex = make.invited_annex(application)
    assert client.get(page_of(annex)).status_code == 200
    with time_machine.travel(timezone.now() + circuit.ROLLING_LINK_LIFE + timedelta(minutes=1)):
        assert client.get(page_of(annex)).status_code == 410


def test_a_new_signatory_has_a_new_link(client, annex, application):
    former = page_of(annex)
    circuit.replace(annex, actor=application.candidate)
    gone = client.get(former)
    assert gone.status_code == 410
    assert "a retiré cette demande" in gone.content.decode()
    assert "Zénobie" not in gone.content.decode()
    again = make.invited_annex(application)
    assert client.get(former).status_code == 410
    assert client.get(page_of(again)).status_code == 200


def test_sending_again_keeps_the_link(client, annex, application):
    with pytest.raises(TransitionRefused, match="douze heures"):
        circuit.resend(annex, actor=application.candidate)
    with time_machine.travel(timezone.now() + timedelta(hours=13), tick=False):
        Mail.objects.update(attempts=1)  # the first one is on its way
        circuit.resend(annex, actor=application.candidate)
    assert client.get(page_of(annex)).status_code == 200
    assert Mail.objects.filter(kind="signatory_request").count() == 2


def test_a_candidate_cannot_make_the_portal_write_without_end(annex, application):
    allowed = circuit.REQUESTS_A_DAY * len(application.dossier.spec.annexes)
    for number in range(allowed - 1):
        circuit.replace(fresh(annex), actor=application.candidate)
        make.invited_annex(application, signatory_email=f"autre{number}@example.org")
    sent = Mail.objects.filter(kind="signatory_request").count()
    circuit.replace(fresh(annex), actor=application.candidate)
    with pytest.raises(TransitionRefused, match="demain"):
        make.invited_annex(application)
    assert Mail.objects.filter(kind="signatory_request").count() == sent == allowed
    assert fresh(annex).state == Annex.State.TO_SEND


@pytest.mark.parametrize("name", ["Alerte\n\nVotre boîte est pleine", "https://ailleurs.fr", "WWW.ailleurs.fr"])
def test_names_carry_neither_lines_nor_addresses(name):
    form = SignatoryForm(
        {
            "signatory_name": name,
            "signatory_function": "Directeur",
            "signatory_institution": "CHU",
            "signatory_email": "direction@example.org",
        }
    )
    assert "signatory_name" in form.errors
    assert "first_name" in SignupNames({"first_name": name, "last_name": "Exemple"}).errors


def test_nobody_signs_under_a_text_they_have_not_read(client, annex, application):
    page = client.get(page_of(annex)).content.decode()
    shown = re.search(r'name="seen" value="(\w{64})"', page).group(1)
    section = application.dossier.spec.section_by_key["life_project"]
    save_answers(application.dossier, section.key, filled_section(section))
    refused = client.post(page_of(annex), make.signature_form(annex, seen=shown, text="Mon avis, déjà écrit."))
    assert "a changé pendant votre lecture" in refused.content.decode()
    assert "Mon avis, déjà écrit." in refused.content.decode()
    assert fresh(annex).state == Annex.State.IN_PROGRESS
    make.sign_through(client, annex)
    assert fresh(annex).state == Annex.State.SIGNED


def test_nobody_signs_what_changes_between_the_review_and_the_code(client, annex, application):
    sheet = client.post(page_of(annex), make.signature_form(annex))["Location"]
    shown = client.get(sheet).context["shown"]
    section = application.dossier.spec.section_by_key["life_project"]
    save_answers(application.dossier, section.key, filled_section(section))
    code = codes.code_of(annex.codes.get())
    refused = client.post(sheet, {"shown": shown, "code": code, "certified": "on"})
    assert "a changé entre-temps" in refused.content.decode()
    assert not SignOff.objects.exists()


def test_what_changes_after_the_signature_is_told(annex, application):
    make.fill_sections(application)
    make.sign(annex)
    (told,) = [item for item in content_of(application)["annexes"] if item["key"] == annex.key]
    assert not told["changed_since_signature"]
    section = application.dossier.spec.section_by_key["life_project"]
    save_answers(application.dossier, section.key, filled_section(section) | {"signature": "Autre signature"})
    (told,) = [item for item in content_of(application)["annexes"] if item["key"] == annex.key]
    assert told["changed_since_signature"]


def test_an_answer_meant_for_a_former_signatory_is_refused(annex, application):
    stale = fresh(annex)
    circuit.replace(annex, actor=application.candidate)
    make.invited_annex(application, signatory_email="autre@example.org")
    with pytest.raises(TransitionRefused, match="autre personne"):
        answering.sign(stale, make.answer_to(stale))


def content_of(application) -> dict:
    return dossier_content(Dossier.objects.get(pk=application.dossier_id), {})


# Opening never signs


def test_opening_only_notes_that_it_was_opened(client, annex):
    for _ in range(2):
        assert client.get(page_of(annex)).status_code == 200
    assert fresh(annex).state == Annex.State.OPENED
    assert not SignOff.objects.exists()


def test_a_head_request_does_not_even_open(client, annex):
    assert client.head(page_of(annex)).status_code == 200
    assert fresh(annex).state == Annex.State.SENT


def test_a_post_from_elsewhere_is_refused(annex):
    from django.test import Client

    stranger = Client(enforce_csrf_checks=True)
    for address in (page_of(annex), reverse("signatory:decline", args=[signing.link_secret(annex)])):
        assert stranger.post(address, make.signature_form(annex)).status_code == 403
    assert fresh(annex).state == Annex.State.SENT


@pytest.mark.parametrize("missing", ["opinion", "text", "annexe-establishment"])
def test_nothing_is_signed_unless_all_is_given(client, annex, missing):
    response = client.post(page_of(annex), make.signature_form(annex, **{missing: ""}))
    assert response.status_code == 200
    assert not SignOff.objects.exists()
    assert "D’accord." in response.content.decode() or missing == "text"  # what was typed is not lost


# Signing


def test_signing_twice_signs_once(client, annex):
    assert make.sign_through(client, annex)["Location"] == page_of(annex)
    second = client.post(page_of(annex), make.signature_form(annex, opinion="unfavorable", text="Non."))
    assert second.status_code == 200
    sign_off = SignOff.objects.get()
    assert sign_off.opinion == "favorable"
    assert sign_off.reference in second.content.decode()
    assert [entry.name for entry in fresh(annex).transitions.all()] == ["invite", "begin", "sign"]


def test_the_sign_off_says_who_in_what_quality_and_how(annex, application):
    make.fill_sections(application)
    make.sign(annex, text="Un bon projet.")
    sign_off = SignOff.objects.get()
    assert sign_off.signer_name == "Direction de l’hôpital"
    assert sign_off.signer_quality == "Directeur, Hôpital d’exemple"
    assert "direction@example.org" in sign_off.verified_by
    assert sign_off.sha256 == fingerprint(sign_off.content)
    shown = sign_off.content["shown"]
    assert [section["key"] for section in shown["sections"]] == list(annex.spec.sections)
    assert shown["statement"] == annex.spec.statement.replace("{opinion}", "favorable").replace(
        "{candidate}", application.candidate.get_full_name()
    )
    assert sign_off.content["answer"]["text"] == "Un bon projet."


def test_signatory_and_candidate_are_told(annex, application, smtp_sink):
    make.sign(annex, text="Un bon projet.")
    drain_outbox()
    [copy] = smtp_sink.sent_to("direction@example.org")
    assert "Un bon projet." in copy.get_body(("plain",)).get_content()
    [news] = smtp_sink.sent_to(application.candidate.email)
    assert "signée" in news["Subject"]


@pytest.mark.parametrize("column", ["opinion", "signer_name", "sha256", "signed_at", "content"])
def test_a_sign_off_never_changes(annex, column):
    make.sign(annex)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE dossiers_signoff SET {column} = {column}")


def test_an_annex_with_a_sign_off_cannot_be_removed(annex):
    make.sign(annex)
    annex.transitions.all().delete()
    with pytest.raises(ProtectedError):
        fresh(annex).delete()


# Declining, and asking somebody else


def test_declining_and_asking_somebody_else(client, annex, application, smtp_sink):
    decline = reverse("signatory:decline", args=[signing.link_secret(annex)])
    assert client.post(decline, {"reason": ""}).status_code == 200
    assert fresh(annex).state == Annex.State.SENT
    response = client.post(decline, {"reason": "Je suis en congé."}, follow=True)
    assert "Demande déclinée" in response.content.decode()
    drain_outbox()
    [news] = smtp_sink.sent_to(application.candidate.email)
    assert "Je suis en congé." in news.get_body(("plain",)).get_content()

    client.force_login(application.candidate)
    detail = client.get(reverse("applications:detail", args=[application.pk])).content.decode()
    assert "Je suis en congé." in detail
    former = page_of(annex)
    client.post(reverse("applications:annex_move", args=[application.pk, annex.key, "remplacer"]))
    client.post(
        reverse("applications:annex", args=[application.pk, annex.key]),
        make.SIGNATORY | {"signatory_email": "Remplacant@Example.org"},
    )
    client.post(reverse("applications:annex_move", args=[application.pk, annex.key, "envoyer"]))
    again = fresh(annex)
    assert (again.state, again.signatory_email) == (Annex.State.SENT, "remplacant@example.org")
    assert client.get(former).status_code == 410
    assert client.get(page_of(again)).status_code == 200
    smtp_sink.clear()
    drain_outbox()
    assert [mail["X-Envelope-To"] for mail in smtp_sink.messages] == ["remplacant@example.org"]


def test_who_declined_cannot_sign_after_all(client, annex):
    answering.decline(annex, "Absence.")
    response = client.post(page_of(annex), make.signature_form(annex))
    assert response.status_code == 200
    assert not SignOff.objects.exists()


def test_a_signed_annex_stays(annex, application):
    make.sign(annex)
    with pytest.raises(TransitionRefused):
        circuit.replace(annex, actor=application.candidate)
    with pytest.raises(TransitionRefused):
        make.named_annex(application, signatory_email="autre@example.org")


def test_the_candidate_cannot_be_their_own_signatory(client, application):
    client.force_login(application.candidate)
    response = client.post(
        reverse("applications:annex", args=[application.pk, "hospital_director"]),
        make.SIGNATORY | {"signatory_email": application.candidate.email.upper(), "send": ""},
    )
    assert "votre propre adresse" in response.content.decode()
    assert not Annex.objects.filter(state=Annex.State.SENT).exists()


def test_a_signatory_must_be_named_before_the_request(application):
    annex = Annex.objects.create(dossier=application.dossier, key="hospital_director")
    with pytest.raises(TransitionRefused, match="Indiquez d’abord"):
        circuit.invite(annex, actor=application.candidate)


def test_links_are_those_of_the_portal(annex, smtp_sink):
    drain_outbox()
    text = smtp_sink.messages[0].get_body(("plain",)).get_content()
    assert f"{django_settings.SITE_URL}{page_of(annex)}" in text
