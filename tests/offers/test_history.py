"""Every change of an offer is kept by the database, and read in French."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import ProgrammingError, transaction
from django.urls import reverse

from offers.history import UNKNOWN, changes, deleted
from offers.lifecycle import WORKFLOW
from offers.models import Offer
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def hr():
    return make.MembershipFactory()


@pytest.fixture
def offer(hr) -> Offer:
    return make.OfferFactory(institution=hr.institution, parameters={}, telework="non", body="Un.\nDeux.\n" + "x" * 300)


def told(offer) -> list[tuple[str, str, str]]:
    """The differences of the latest change."""
    latest = changes(Offer.objects.get(pk=offer.pk))[0]
    return [(difference.label, difference.before, difference.after) for difference in latest.differences]


def test_a_bulk_update_is_kept_like_any_other(offer):
    Offer.objects.filter(pk=offer.pk).update(title="Nouveau", telework="oui", region="")
    assert told(offer) == [
        ("Intitulé de l’offre", offer.title, "Nouveau"),
        ("Région", "Normandie", "(vide)"),
        ("Télétravail possible", "Non", "Oui"),
    ]
    assert changes(Offer.objects.get())[0].who == UNKNOWN


def test_the_fields_of_its_kind_are_told_under_their_labels(offer):
    offer.parameters = {"minimum_ambulatory": "60"}
    offer.details = {"contacts": [{"area": "Rouen", "contact": "Pôle RH"}]}
    offer.save()
    assert told(offer) == [
        ("Contacts", "(vide)", "Rouen ; Pôle RH ;  ; "),
        ("Part minimale du temps dans la structure ambulatoire", "(vide)", "60\N{NO-BREAK SPACE}%"),
    ]


def test_of_a_long_text_only_the_lines_that_differ(offer):
    Offer.objects.filter(pk=offer.pk).update(body=offer.body.replace("Deux.", "Trois."))
    assert told(offer) == [("Texte de l’offre", "Deux.", "Trois.")]


def test_a_move_says_who_and_why(hr, offer):
    WORKFLOW.run(
        offer, "extend", actor=hr.user, reason="Panne du serveur.", deadline=offer.deadline + timedelta(days=2)
    )
    latest = changes(Offer.objects.get())[0]
    assert (latest.who, latest.why) == (str(hr.user), "Date limite reportée\N{NO-BREAK SPACE}: Panne du serveur.")
    assert [difference.label for difference in latest.differences] == ["Date limite de candidature"]


def test_what_follows_a_move_in_the_same_transaction_is_not_part_of_it(hr, offer):
    WORKFLOW.run(offer, "close", actor=hr.user, reason="Fin.")
    Offer.objects.filter(pk=offer.pk).update(title="Autre")
    assert [change.who for change in changes(Offer.objects.get())] == [UNKNOWN, str(hr.user), UNKNOWN]


def test_the_page_tells_each_change(client, hr, offer):
    Offer.objects.filter(pk=offer.pk).update(title="<b>Titre</b>")
    Offer.objects.filter(pk=offer.pk).update(title="Titre")
    client.force_login(hr.user)
    page = client.get(reverse("admin:offers_offer_history", args=[offer.pk])).content.decode()
    assert page.count("&lt;b&gt;Titre&lt;/b&gt;") == 2  # what it became, then what it was
    assert "Création." in page


def test_history_is_not_rewritten(offer):
    with pytest.raises(ProgrammingError), transaction.atomic():
        offer.events.update(title="Autre")


def test_its_cost_does_not_grow(offer, django_assert_num_queries):
    for number in range(5):
        Offer.objects.filter(pk=offer.pk).update(title=f"Titre {number}")
    fresh = Offer.objects.get()
    with django_assert_num_queries(2):
        assert len(changes(fresh)) == 6


def test_a_deleted_draft_leaves_its_name_and_who_deleted_it(client, hr, offer):
    client.force_login(hr.user)
    elsewhere = make.OfferFactory(state=Offer.State.DRAFT, published_at=None, title="Brouillon d’ailleurs")
    elsewhere.delete()  # by other means than the portal
    Offer.objects.filter(pk=offer.pk).update(state=Offer.State.DRAFT, title="Brouillon inutile")
    assert client.post(reverse("admin:offers_offer_delete", args=[offer.pk]), {"post": "yes"}).status_code == 302
    assert not Offer.objects.exists()
    page = client.get(reverse("admin:offers_offer_deleted")).content.decode()
    assert "Brouillon inutile" in page
    assert offer.reference in page
    assert str(hr.user) in page
    assert "Brouillon d’ailleurs" not in page
    [own] = deleted([hr.institution_id])
    assert (own.title, own.who) == ("Brouillon inutile", str(hr.user))
    assert [(draft.title, draft.who) for draft in deleted(None)][1] == ("Brouillon d’ailleurs", UNKNOWN)
