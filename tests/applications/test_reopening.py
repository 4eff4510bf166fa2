"""Opinions that come on a filed dossier while another is prepared to replace it: none is lost, nobody signs twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from applications import answering, circuit, lifecycle, papers, reopening
from applications.models import Application
from dossiers import signing
from dossiers.answers import save_answers
from dossiers.completeness import completeness
from dossiers.freezing import DossierFrozen
from dossiers.models import Annex
from offers.models import Offer
from portal.notifications.models import Mail
from portal.notifications.outbox import build
from portal.notifications.tasks import drain_outbox
from portal.workflow import TransitionRefused
from tests import factories as make
from tests.applications.test_concurrency import at_once
from tests.applications.test_late_signatures import filed_without
from tests.applications.test_papers import annex_of

pytestmark = pytest.mark.django_db

OTHER = {"signatory_name": "Autre direction", "signatory_email": "autre@example.org"}


@pytest.fixture
def filed() -> Application:
    """Filed today, its opinion awaited for two days."""
    return filed_without()[0]


@pytest.fixture
def draft(filed) -> Application:
    return reopening.reopen(filed)


def change_what_was_read(draft: Application) -> None:
    raw = draft.dossier.answers.get(section="function").raw
    save_answers(draft.dossier, "function", raw | {"hospital_share": 30, "ambulatory_share": 70})


def page(annex: Annex) -> str:
    return reverse("signatory:annex", args=[signing.link_secret(annex)])


def sign_by_hand(annex: Annex, **changes) -> Annex:
    return papers.sign_on_paper(
        annex,
        {name: make.SIGNATORY[name] for name in make.SIGNATORY if name != "signatory_email"} | changes,
        opinion="favorable",
        signed_on=timezone.localdate(),
        upload=make.pdf_upload("signee.pdf"),
        actor=annex.dossier.application.candidate,
    )


def told(kind: str) -> list[str]:
    return list(Mail.objects.filter(kind=kind).values_list("recipient", flat=True))


# Signed on the filed dossier


def test_an_opinion_signed_meanwhile_is_in_the_draft_too(filed, draft, client):
    assert make.sign_through(client, annex_of(filed)).status_code == 302
    there, here = annex_of(filed), annex_of(draft)
    assert (here.state, here.sign_off.carried_from) == (Annex.State.SIGNED, there.sign_off)
    assert here.sign_off.reference == there.sign_off.reference
    assert not here.late
    assert completeness(draft.dossier).is_complete
    letter = build(Mail.objects.get(kind="annex_signed"))
    assert "aussi repris dans le dossier que vous préparez" in letter.text
    assert told("signatory_copy") == ["direction@example.org"]
    new = make.file_now(draft)
    assert new.dossier.frozen.content["annexes"][0]["signed"]


def test_what_changed_meanwhile_is_to_be_confirmed(filed, draft):
    change_what_was_read(draft)
    make.sign(annex_of(filed))
    [state] = completeness(draft.dossier).annexes
    assert state.is_stale
    assert not circuit.ask_confirmations()
    assert circuit.ask_confirmations(timezone.now() + timedelta(hours=1)) == 1
    assert annex_of(draft).confirmation_asked_at


def test_the_request_that_the_same_person_had_in_the_draft_is_answered_by_it(filed, draft, client):
    asked = circuit.invite(annex_of(draft), actor=draft.candidate)
    make.sign(annex_of(filed))
    assert annex_of(draft).sign_off.carried_from
    assert "Votre avis est signé" in client.get(page(asked)).content.decode()


def somebody_else(draft: Application) -> None:
    circuit.name_signatory(draft, "hospital_director", make.SIGNATORY | OTHER)


def another_request(draft: Application) -> None:
    somebody_else(draft)
    circuit.invite(annex_of(draft), actor=draft.candidate)


def dropped(draft: Application) -> None:
    circuit.replace(circuit.invite(annex_of(draft), actor=draft.candidate), actor=draft.candidate)


def signed_here(draft: Application) -> None:
    make.sign(circuit.invite(annex_of(draft), actor=draft.candidate))


@pytest.mark.parametrize("decide", [somebody_else, another_request, dropped, signed_here])
def test_what_the_draft_has_decided_since_stands(filed, draft, decide):
    decide(draft)
    before = Annex.objects.filter(dossier=draft.dossier).values().get()
    make.sign(annex_of(filed))
    assert Annex.objects.filter(dossier=draft.dossier).values().get() == before
    assert annex_of(filed).state == Annex.State.SIGNED
    letters = [build(mail) for mail in Mail.objects.filter(kind="annex_signed", thread=filed.dossier_id)]
    assert ["ne le reprend pas" in letter.text for letter in letters] == [True]


def test_whoever_it_was_handed_over_to_signs_for_both(filed, draft):
    answering.hand_over(annex_of(filed), make.SIGNATORY | OTHER)
    make.sign(annex_of(filed))
    here = annex_of(draft)
    assert (here.state, here.signatory_email) == (Annex.State.SIGNED, "autre@example.org")


def test_an_opinion_on_paper_is_taken_with_its_scan(filed, draft):
    sign_by_hand(annex_of(filed))
    there, here = annex_of(filed), annex_of(draft)
    assert here.scan.sha256 == there.scan.sha256
    assert here.scan_id != there.scan_id
    assert here.sign_off.carried_from == there.sign_off


def test_a_draft_that_no_longer_asks_for_it_stays_as_it_is(filed, draft):
    Application.objects.get(pk=draft.pk).dossier.annexes.all().delete()
    draft.dossier.parameters = {"annexes": ["hospital_head"]}
    draft.dossier.save()
    make.sign(annex_of(filed))
    assert not draft.dossier.annexes.exists()


MOVES = {
    "sign there": lambda filed, draft: make.sign(annex_of(filed)),
    "sign here": lambda filed, draft: make.sign(annex_of(draft)),
    "paper there": lambda filed, draft: sign_by_hand(annex_of(filed)),
    "paper here": lambda filed, draft: sign_by_hand(annex_of(draft)),
    "decline there": lambda filed, draft: answering.decline(annex_of(filed), "Congé."),
    "hand over there": lambda filed, draft: answering.hand_over(annex_of(filed), make.SIGNATORY | OTHER),
    "ask here": lambda filed, draft: circuit.invite(annex_of(draft), actor=draft.candidate),
    "replace here": lambda filed, draft: circuit.replace(annex_of(draft), actor=draft.candidate),
    "name another here": lambda filed, draft: somebody_else(draft),
    "change": lambda filed, draft: change_what_was_read(draft),
    "withdraw the draft": lambda filed, draft: lifecycle.WORKFLOW.run(draft, "withdraw", actor=draft.candidate),
    "file again": lambda filed, draft: make.file_now(draft),
}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.sampled_from(sorted(MOVES)), min_size=2, max_size=5))
def test_whatever_happens_what_was_signed_stays_signed(filed, draft, moves):
    """No opinion goes away, what was taken over is what was signed, and who still waits at the end knows."""
    with transaction.atomic():
        go_through(filed, draft, moves)
        transaction.set_rollback(True)


def go_through(filed: Application, draft: Application, moves: list[str]) -> None:
    for move in moves:
        signed = {annex.pk: annex.sign_off_id for annex in (annex_of(filed), annex_of(draft)) if annex.sign_off_id}
        try:
            MOVES[move](Application.objects.get(pk=filed.pk), Application.objects.get(pk=draft.pk))
        except (TransitionRefused, DossierFrozen):
            continue
        for application in (filed, draft):
            annex = annex_of(application)
            assert (annex.state == Annex.State.SIGNED) == (annex.sign_off_id is not None)
            assert annex.sign_off_id or annex.pk not in signed
            if annex.sign_off_id and annex.sign_off.carried_from_id:
                source = annex.sign_off.carried_from
                assert (annex.sign_off.sha256, annex.signatory_name) == (source.sha256, source.signer_name)
    former = annex_of(filed)
    if Application.objects.get(pk=filed.pk).state == Application.State.SUPERSEDED and former.is_waiting:
        asked_there = annex_of(draft).signatory_email == former.signatory_email
        assert told("request_superseded") == ([] if asked_there else [former.signatory_email])


# The filed dossier is replaced


def file_again(draft: Application) -> Application:
    return make.file_now(Application.objects.get(pk=draft.pk))


def test_who_is_asked_in_the_new_dossier_goes_on_there_with_what_they_had_typed(filed, draft, client):
    former = page(annex_of(filed))
    typed = {"opinion": "reserved", "text": "Un avis commencé.", "fields": {}}
    circuit.invite(annex_of(draft), actor=draft.candidate)
    answering.keep_draft(annex_of(filed), typed)
    file_again(draft)
    assert not told("request_superseded")
    response = client.get(former)
    assert response["Location"] == page(annex_of(draft))
    assert "Un avis commencé." in client.get(former, follow=True).content.decode()
    make.sign_through(client, annex_of(draft))
    assert annex_of(draft).state == Annex.State.SIGNED
    assert "Votre avis est signé" in client.get(former, follow=True).content.decode()


def test_what_is_typed_on_the_former_page_afterwards_is_not_lost(filed, draft, client):
    former, form = page(annex_of(filed)), make.signature_form(annex_of(filed), text="Tapé pendant le dépôt.")
    circuit.invite(annex_of(draft), actor=draft.candidate)
    file_again(draft)
    assert "Tapé pendant le dépôt." in client.post(former, form, follow=True).content.decode()
    answering.keep_draft(annex_of(draft), {"opinion": "", "text": "Une autre version.", "fields": {}})
    client.post(former, form)
    assert annex_of(draft).draft["text"] == "Une autre version."


def test_who_is_not_asked_any_more_is_told_once_and_by_their_link(client):
    application = make.ApplicationFactory(offer__parameters={"annexes": ["hospital_director", "hospital_head"]})
    make.fill_sections(application)
    make.fill_pieces(application)
    former = [page(make.invited_annex(application, key)) for key in ("hospital_director", "hospital_head")]
    now = timezone.now().replace(microsecond=0)
    until = {"deadline": now + timedelta(days=1), "signatures_until": now + timedelta(days=2)}
    Offer.objects.filter(pk=application.offer_id).update(**until)
    draft = reopening.reopen(make.file_now(Application.objects.get(pk=application.pk)))
    for key in ("hospital_director", "hospital_head"):
        circuit.name_signatory(draft, key, make.SIGNATORY | OTHER)
        circuit.invite(annex_of(draft, key), actor=draft.candidate)
    file_again(draft)
    assert told("request_superseded") == ["direction@example.org"]
    letter = build(Mail.objects.get(kind="request_superseded"))
    assert "a déposé un nouveau dossier" in letter.text
    assert all(annex.spec.title in letter.text for annex in application.dossier.annexes.all())
    for address in former:
        response = client.get(address)
        assert response.status_code == 410
        assert "un nouveau dossier, qui remplace" in response.content.decode()
        assert application.candidate.last_name not in response.content.decode()


def test_a_draft_given_up_tells_nobody_whose_request_stands_in_the_filed_dossier(filed, draft, client):
    asked = page(circuit.invite(annex_of(draft), actor=draft.candidate))
    lifecycle.WORKFLOW.run(draft, "withdraw", actor=draft.candidate)
    assert not told("request_dropped")
    assert client.get(asked)["Location"] == page(annex_of(filed))


def test_a_filed_dossier_withdrawn_tells_nobody_whose_opinion_is_in_the_draft(filed, draft):
    make.sign(annex_of(filed))
    lifecycle.WORKFLOW.run(Application.objects.get(pk=filed.pk), "withdraw", actor=filed.candidate)
    assert not told("request_dropped")
    lifecycle.WORKFLOW.run(draft, "withdraw", actor=draft.candidate)
    assert told("request_dropped") == ["direction@example.org"]


def test_a_request_of_the_past_leads_nowhere_but_to_the_same_person(filed, draft, client):
    former = page(annex_of(filed))
    another_request(draft)
    file_again(draft)
    assert client.get(former).status_code == 410
    with time_machine.travel(timezone.now() + timedelta(days=3), tick=False):
        assert client.get(former).status_code == 410


# At the same moment


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(4))
def test_signing_while_the_dossier_is_filed_again(attempt):
    """The signature comes first and is in the new dossier, or it is refused and the new one still awaits it."""
    filed, annex = filed_without()
    draft = reopening.reopen(filed)
    circuit.invite(annex_of(draft), actor=draft.candidate)
    signed, replaced = at_once(lambda: make.sign(annex), lambda: file_again(draft))
    assert isinstance(replaced, Application)
    here = annex_of(draft)
    if isinstance(signed, Annex):
        assert here.sign_off.carried_from.annex_id == annex.pk
        assert replaced.dossier.frozen.content["annexes"][0]["signed"]
    else:
        assert isinstance(signed, TransitionRefused)
        assert (here.state, here.late) == (Annex.State.SENT, True)
    assert Application.objects.get(pk=filed.pk).state == Application.State.SUPERSEDED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(4))
def test_signing_while_the_dossier_is_reopened(attempt):
    filed, annex = filed_without()
    signed, draft = at_once(lambda: make.sign(annex), lambda: reopening.reopen(Application.objects.get(pk=filed.pk)))
    assert isinstance(signed, Annex)
    assert annex_of(draft).sign_off.carried_from == annex_of(filed).sign_off


@pytest.mark.django_db(transaction=True)
def test_five_clicks_reopen_once():
    filed = filed_without()[0]
    drafts = at_once(*[lambda: reopening.reopen(Application.objects.get(pk=filed.pk))] * 5)
    assert len({draft.pk for draft in drafts}) == 1


def test_what_a_page_keeps_by_itself_after_the_replacement_goes_to_the_new_request(client):
    filed, _ = filed_without()
    draft = reopening.reopen(filed)
    circuit.invite(annex_of(draft), actor=draft.candidate)
    token = signing.link_secret(annex_of(filed))
    typed = make.signature_form(annex_of(filed), text="Tapé après le dépôt.")
    file_again(draft)
    answer = client.post(reverse("signatory:draft", args=[token]), typed)
    assert (answer.status_code, answer.json()["told"]) == (409, "Votre texte est gardé\u00a0: rechargez la page.")
    assert "Tapé après le dépôt." in client.get(page(annex_of(filed)), follow=True).content.decode()


def test_the_sheet_of_an_earlier_version_stays(client):
    filed, _ = filed_without()
    sign_by_hand(annex_of(filed))
    draft = reopening.reopen(Application.objects.get(pk=filed.pk))
    former = annex_of(draft).scan
    signatory = {name: value for name, value in make.SIGNATORY.items() if name != "signatory_email"}
    papers.sign_on_paper(
        annex_of(draft),
        signatory,
        opinion="favorable",
        signed_on=timezone.localdate(),
        upload=make.pdf_upload("autre.pdf"),
        actor=draft.candidate,
    )
    client.force_login(draft.candidate)
    assert "Version précédente" in client.get(reverse("applications:scans", args=[draft.pk])).content.decode()
    client.post(reverse("applications:piece_remove", args=[draft.pk, former.pk]))
    assert draft.dossier.pieces.filter(pk=former.pk).exists()


def test_nobody_is_said_to_be_asked_to_confirm_what_they_were_asked_in_the_filed_dossier_alone():
    offer = make.OfferFactory(parameters={"annexes": ["hospital_director"], "confirmation": "non"})
    application = make.ApplicationFactory(offer=offer)
    make.fill_sections(application)
    make.fill_pieces(application)
    make.signed_annex(application)
    change_what_was_read(application)
    circuit.ask_confirmation(annex_of(application), actor=application.candidate)
    draft = reopening.reopen(make.file_now(Application.objects.get(pk=application.pk)))
    assert annex_of(draft).confirmation_asked_at is None


# Inadmissible, while the offer is open


def refused(application, reason="Le diplôme est illisible."):
    hr = make.MembershipFactory(institution=application.offer.institution).user
    lifecycle.WORKFLOW.run(application, "refuse", actor=hr, reason=reason)
    return application


def test_who_may_correct_an_inadmissible_dossier_is_told_so(client, smtp_sink):
    application = refused(make.filed(make.ApplicationFactory()))
    until = date_format(timezone.localtime(application.offer.deadline), "j F Y")
    drain_outbox()
    [mail] = [mail for mail in smtp_sink.sent_to(application.candidate.email) if "recevable" in mail["Subject"]]
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert "Le diplôme est illisible." in text
    assert "Vous pouvez encore le corriger" in text
    assert until in text
    client.force_login(application.candidate)
    page = client.get(application.get_absolute_url()).content.decode()
    assert "Sans nouveau dépôt, il reste irrecevable" in page
    assert f"avant le <strong>{until}" in page
    assert "Il reste valable" not in page
    draft = reopening.reopen(application)
    page = client.get(draft.get_absolute_url()).content.decode()
    assert "Le diplôme est illisible." in page
    assert f"avant le <strong>{until}" in page
    assert "le dossier déjà déposé qui compte" not in page
    assert "votre candidature reste irrecevable" in client.get(application.get_absolute_url()).content.decode()


def test_once_the_offer_is_closed_nothing_is_left_to_correct(client, smtp_sink):
    application = make.filed(make.ApplicationFactory())
    with time_machine.travel(application.offer.deadline + timedelta(hours=1), tick=False):
        refused(application)
        drain_outbox()
    [mail] = [mail for mail in smtp_sink.sent_to(application.candidate.email) if "recevable" in mail["Subject"]]
    assert "corriger" not in mail.get_body(("plain",)).get_content()
