"""HR's change to an open offer reaches the dossiers in preparation, with a notice; never a filed one."""

from __future__ import annotations

import pytest
from django.urls import reverse

from applications import requirements
from applications.tasks import settle_drafts
from dossiers.completeness import completeness
from dossiers.models import Annex, RequirementChange
from offers.models import Offer
from portal.notifications.models import Mail
from portal.notifications.outbox import build
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def offer():
    return make.OfferFactory()


def change(offer: Offer, **parameters) -> None:
    Offer.objects.filter(pk=offer.pk).update(parameters=offer.parameters | parameters)
    settle_drafts()


def test_a_piece_asked_in_addition_reaches_drafts_alone(offer):
    draft, filed = make.ApplicationFactory(offer=offer), make.filed(make.ApplicationFactory(offer=offer))
    sealed = filed.dossier.frozen.sha256
    make.fill_sections(draft)
    change(offer, extra_pieces="Attestation de responsabilité civile")
    draft.refresh_from_db()
    asked = completeness(type(draft.dossier).objects.get(pk=draft.dossier_id))
    assert "Attestation de responsabilité civile" in [step.spec.label for step in asked.missing_pieces]
    assert not asked.missing_sections, "the answers are still there"
    [told] = RequirementChange.objects.all()
    assert told.dossier == draft.dossier
    assert told.sentences == ["Pièce demandée en plus\N{NO-BREAK SPACE}: Attestation de responsabilité civile."]
    filed.dossier.refresh_from_db()
    assert filed.dossier.parameters == offer.parameters
    assert filed.dossier.frozen.sha256 == sealed


def test_it_is_told_once_by_mail_and_until_read_on_the_page(offer, client):
    draft = make.ApplicationFactory(offer=offer)
    change(offer, extra_pieces="Attestation", minimum_ambulatory=60)
    settle_drafts()
    [mail] = Mail.objects.filter(kind="requirements_changed")
    assert mail.recipient == draft.candidate.email
    text = build(mail).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Pièce demandée en plus : Attestation." in text
    assert "« 50 % » devient « 60 % »" in text
    client.force_login(draft.candidate)
    assert "L’offre a changé" in client.get(draft.get_absolute_url()).content.decode()
    client.post(reverse("applications:seen", args=[draft.pk]))
    assert "L’offre a changé" not in client.get(draft.get_absolute_url()).content.decode()


def test_an_annex_no_longer_asked_for_frees_its_signatory(offer, client):
    draft = make.ApplicationFactory(offer=offer)
    annex = make.invited_annex(draft)
    change(offer, annexes=["coordinator"])
    annex.refresh_from_db()
    assert (annex.state, annex.link_hash) == (Annex.State.TO_SEND, "")
    [mail] = Mail.objects.filter(kind="request_dropped")
    assert mail.recipient == "direction@example.org"
    assert build(mail).text
    [told] = RequirementChange.objects.all()
    assert told.sentences[0].startswith("Annexe à faire signer demandée en plus")
    client.force_login(draft.candidate)
    assert client.get(draft.get_absolute_url()).status_code == 200


def test_a_signed_opinion_comes_back_with_its_annex(offer):
    draft = make.ApplicationFactory(offer=offer)
    annex = make.signed_annex(draft)
    change(offer, annexes=["coordinator"])
    change(offer, annexes=["hospital_director"])
    annex.refresh_from_db()
    assert annex.state == Annex.State.SIGNED
    assert RequirementChange.objects.count() == 2


def test_what_concerns_no_candidate_is_not_told(offer):
    make.ApplicationFactory(offer=offer)
    change(offer, privacy_contact="autre@example.org")
    assert not requirements.unsettled().exists()
    assert not RequirementChange.objects.exists()
    assert not Mail.objects.exists()


@pytest.mark.parametrize("state", [Offer.State.CLOSED, Offer.State.ARCHIVED])
def test_a_closed_offer_reaches_nobody(offer, state):
    make.ApplicationFactory(offer=offer)
    Offer.objects.filter(pk=offer.pk).update(state=state)
    change(offer, extra_pieces="Attestation")
    assert not RequirementChange.objects.exists()


def test_a_draft_that_cannot_be_settled_holds_up_no_other(offer, monkeypatch):
    drafts = sorted(make.ApplicationFactory.create_batch(3, offer=offer), key=lambda draft: draft.pk)
    resettle = requirements.resettle

    def fail_on_the_first(dossier, *args, **kwargs):
        if dossier.pk == drafts[0].dossier_id:
            raise ValueError("unreadable answers")
        return resettle(dossier, *args, **kwargs)

    monkeypatch.setattr(requirements, "resettle", fail_on_the_first)
    with pytest.raises(ExceptionGroup) as failed:
        change(offer, extra_pieces="Attestation")
    assert [str(failure) for failure in failed.value.exceptions] == ["unreadable answers"]
    assert list(requirements.unsettled()) == drafts[:1]
