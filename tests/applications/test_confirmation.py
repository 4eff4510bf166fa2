"""An opinion is given on what was read: what changes afterwards is told, confirmed, or signed anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from applications import circuit
from dossiers import codes, signing
from dossiers.answers import save_answers
from dossiers.completeness import completeness
from dossiers.content import dossier_content
from dossiers.models import Annex, Dossier, SignOff
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from portal.workflow import TransitionRefused
from tests import factories as make

pytestmark = pytest.mark.django_db

STRICT = {"annexes": ["hospital_director"], "confirmation": "oui"}


@pytest.fixture
def application():
    application = make.ApplicationFactory(offer=make.OfferFactory(parameters=STRICT))
    make.fill_sections(application)
    make.fill_pieces(application)
    make.signed_annex(application)
    return application


def change(application, text: str = "Un tout autre projet.") -> None:
    raw = application.dossier.answers.get(section="life_project").raw
    save_answers(application.dossier, "life_project", raw | {"life_project": text})


def signed(application) -> Annex:
    return Annex.objects.get(dossier=application.dossier)


def address(annex: Annex, name: str) -> str:
    return reverse(f"signatory:{name}", args=[signing.link_secret(annex)])


def state_of(application):
    return completeness(Dossier.objects.get(pk=application.dossier_id))


def confirm(client, annex: Annex):
    page = address(annex, "confirm")
    client.post(page, {"send": "1"})
    form = {"shown": client.get(page).context["shown"], "code": codes.code_of(annex.codes.first()), "certified": "on"}
    return client.post(page, form)


def test_nothing_changes_for_a_save_that_changes_nothing(application):
    raw = application.dossier.answers.get(section="life_project").raw
    save_answers(application.dossier, "life_project", dict(raw))
    assert state_of(application).is_complete
    with pytest.raises(TransitionRefused, match="Rien de ce que"):
        circuit.ask_confirmation(signed(application), actor=application.candidate)


def test_an_answer_that_no_signatory_reads_changes_nothing(application):
    raw = application.dossier.answers.get(section="identity").raw
    save_answers(application.dossier, "identity", raw | {"phone": "06 39 98 00 02"})
    assert state_of(application).is_complete


def test_the_change_blocks_filing_where_the_offer_says_so(application):
    change(application)
    [sentence] = state_of(application).sentences()
    assert "signée sur une version antérieure" in sentence
    with pytest.raises(TransitionRefused, match="version antérieure"):
        make.file_now(application)


def test_elsewhere_it_is_told_answer_by_answer(application):
    Dossier.objects.filter(pk=application.dossier_id).update(parameters=STRICT | {"confirmation": "non"})
    application.dossier.refresh_from_db()
    change(application)
    assert state_of(application).is_complete
    [told] = dossier_content(Dossier.objects.get(pk=application.dossier_id), {})["annexes"]
    [changed] = told["changes"]
    assert changed["after"] == "Un tout autre projet."
    assert changed["before"] != changed["after"]


def test_the_candidate_sees_what_changed_and_asks(client, application, smtp_sink):
    change(application)
    client.force_login(application.candidate)
    page = reverse("applications:annex", args=[application.pk, "hospital_director"])
    shown = client.get(page).content.decode()
    assert "Signé sur une version antérieure" in shown
    assert "Un tout autre projet." in shown
    Mail.objects.all().delete()
    client.post(reverse("applications:annex_move", args=[application.pk, "hospital_director", "confirmer"]))
    drain_outbox()
    [mail] = smtp_sink.sent_to("direction@example.org")
    assert "Un tout autre projet." in mail.get_body(("plain",)).get_content()
    with pytest.raises(TransitionRefused, match="vient d’être demandée"):
        circuit.ask_confirmation(signed(application), actor=application.candidate)


def test_it_is_asked_by_itself_half_an_hour_after_the_last_change(application):
    change(application)
    assert circuit.ask_confirmations() == 0
    with time_machine.travel(timezone.now() + timedelta(minutes=31), tick=False):
        assert circuit.ask_confirmations() == 1
        assert circuit.ask_confirmations() == 0
    assert Mail.objects.filter(kind="confirmation_request").count() == 1


def test_a_confirmation_is_one_more_version_and_the_first_stays(client, application):
    first = signed(application).sign_off
    change(application)
    assert client.get(address(signed(application), "annex"))["Location"] == address(signed(application), "confirm")
    confirm(client, signed(application))
    annex = signed(application)
    assert annex.sign_off.version == 2
    assert annex.sign_off.manner == SignOff.Manner.CONFIRMED
    assert annex.sign_off.content["replaces"] == {"reference": first.reference, "sha256": first.sha256}
    assert annex.sign_off.content["answer"] == first.content["answer"]
    assert list(annex.sign_offs.order_by("version")) == [first, annex.sign_off]
    assert state_of(application).is_complete
    make.file_now(application)


def test_signing_anew_is_one_more_version_too(client, application):
    change(application)
    annex = signed(application)
    page = client.get(address(annex, "annex") + "?nouveau=1").content.decode()
    assert "Avis motivé." in page  # the former opinion, to start from
    make.sign_through(client, annex, opinion="reserved", text="À revoir.")
    annex = signed(application)
    assert (annex.sign_off.version, annex.sign_off.opinion) == (2, "reserved")
    assert annex.sign_off.manner == SignOff.Manner.ELECTRONIC
    assert state_of(application).is_complete


def test_nobody_confirms_what_changed_again_meanwhile(client, application):
    change(application)
    annex = signed(application)
    page = address(annex, "confirm")
    client.post(page, {"send": "1"})
    shown = client.get(page).context["shown"]
    change(application, "Et encore autre chose.")
    form = {"shown": shown, "code": codes.code_of(annex.codes.first()), "certified": "on"}
    assert "a encore changé" in client.post(page, form).content.decode()
    assert signed(application).sign_off.version == 1


def test_changing_back_asks_for_nothing(client, application):
    before = application.dossier.answers.get(section="life_project").raw
    change(application)
    save_answers(application.dossier, "life_project", before)
    assert state_of(application).is_complete
    assert "Votre avis est signé" in client.get(address(signed(application), "annex")).content.decode()
