"""A member before forty dossiers: those that await an opinion, in the order one likes, and from one to the next."""

from __future__ import annotations

import pytest
from django.urls import reverse

from applications.commission.opinions import record_recusal, record_review
from applications.commission.reading import Place
from applications.models import Application
from dossiers.models import FrozenDossier
from tests import factories as make
from tests.test_queries import examined

pytestmark = pytest.mark.django_db
LIST = "/commission/"


@pytest.fixture
def seat():
    """Forty dossiers, to two offers, of people whose names go the other way round."""
    first, second = make.OfferFactory(title="A – Première offre"), make.OfferFactory(title="B – Seconde offre")
    seat = make.SeatFactory(commission=make.CommissionFactory(offers=[first, second]))
    for offer in (first, second):
        examined(20, offer)
    for rank, application in enumerate(Application.objects.select_related("candidate").order_by("offer__title", "pk")):
        application.candidate.last_name = f"Nom-très-long-et-composé-{99 - rank}"
        application.candidate.save()
    return seat


def shown(client, seat, query: str = "") -> list[str]:
    client.force_login(seat.user)
    page = client.get(f"{LIST}?{query}")
    assert page.status_code == 200
    return [application.candidate.last_name for application in page.context["page"].paginator.object_list]


def test_all_are_listed_and_found_by_name_number_and_offer(client, seat):
    assert len(shown(client, seat)) == 40
    assert shown(client, seat, "q=COMPOSÉ-75") == ["Nom-très-long-et-composé-75"]
    number = Application.objects.first().number
    assert len(shown(client, seat, f"q={number}")) == 1
    offer = Application.objects.first().offer_id
    assert len(shown(client, seat, f"offre={offer}")) == 20
    assert len(shown(client, seat, "offre=99999999")) == 0
    for odd in ("offre=²", "offre=abc", "avis=autre", "tri=pk;", "q=%00"):
        assert len(shown(client, seat, odd)) == 40


def test_each_order_is_the_one_that_is_said(client, seat):
    names = shown(client, seat, "tri=nom")
    assert names == sorted(names)
    first = Application.objects.get(candidate__last_name=names[-1])
    Application.objects.filter(pk=first.pk).update(filed_at=first.filed_at.replace(year=2020))
    assert shown(client, seat, "tri=depot")[0] == names[-1]


def test_what_awaits_an_opinion_is_apart(client, seat):
    done = Application.objects.order_by("pk")[:3]
    for application in done:
        record_review(application, seat.user, "favorable", "Bien.")
    Application.objects.filter(pk=Application.objects.order_by("pk")[5].pk).update(state="accepted")
    assert len(shown(client, seat, "avis=a-rendre")) == 36
    assert len(shown(client, seat, "avis=rendus")) == 3
    record_recusal(done[0], seat.user, "Même service.")
    assert len(shown(client, seat, "avis=rendus")) == 2


def test_one_goes_from_a_dossier_to_the_next_in_the_same_order(client, seat):
    names = shown(client, seat, "tri=nom")
    listed = client.get(f"{LIST}?tri=nom").context["page"].paginator.object_list
    keys = [application.pk for application in listed]
    for application in listed[:3]:
        content = {"sections": [], "pieces": [], "annexes": []}
        FrozenDossier.objects.create(dossier=application.dossier, content=content, frozen_at=application.filed_at)
    address = reverse("commission:detail", args=[keys[1]]) + "?tri=nom"
    page = client.get(address)
    place = page.context["place"]
    assert (place.position, place.total, place.previous, place.following) == (2, 40, keys[0], keys[2])
    assert f"{reverse('commission:detail', args=[keys[2]])}?tri=nom" in page.content.decode()
    review = {"opinion": "favorable", "reasons": "Bien."}
    response = client.post(reverse("commission:review", args=[keys[1]]) + "?tri=nom", review)
    assert response["Location"] == address
    assert client.get(reverse("commission:detail", args=[keys[0]]) + "?tri=nom").context["place"].next_due == keys[2]
    assert len(names) == len(keys)


def test_a_place_in_a_list():
    rows = [("a", True), ("b", False), ("c", True), ("d", False)]
    assert Place.of("b", rows) == Place(2, 4, "a", "c", "c", 2)
    assert Place.of("d", rows) == Place(4, 4, "c", None, "a", 2)
    assert Place.of("a", [("a", True)]) == Place(1, 1)
    assert Place.of("z", rows) == Place(0, 4, None, None, "a", 2)
