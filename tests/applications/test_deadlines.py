"""The deadline: the server's clock, in Paris, to the second."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from applications import circuit
from applications.models import Application, Receipt
from offers import lifecycle as offer_lifecycle
from offers.models import Offer
from offers.tasks import close_expired_offers
from portal.workflow import TransitionRefused
from tests import factories as make
from tests.factories import PARIS, end_of_day

SECOND = timedelta(seconds=1)
# An ordinary day, the day of 25 hours, the day of 23 hours.
DAYS = ["2026-07-15", "2026-10-25", "2027-03-28"]
EVERY_DAY = pytest.mark.parametrize("day", DAYS)


def deadline_on(day: str) -> datetime:
    return end_of_day(datetime.fromisoformat(day))


@pytest.fixture
def ready(db):
    """A function: a complete application to an offer with this deadline (made today: the storage checks the time)."""

    def prepare(deadline: datetime) -> Application:
        application = make.complete(make.ApplicationFactory())
        Offer.objects.filter(pk=application.offer_id).update(deadline=deadline)
        return Application.objects.get(pk=application.pk)

    return prepare


def post_filing(client, application):
    client.force_login(application.candidate)
    return client.post(reverse("applications:recap", args=[application.pk]), {"certified": "on"})


@EVERY_DAY
def test_the_deadlines_own_second_is_in_time(client, ready, day):
    application = ready(deadline_on(day))
    with time_machine.travel(deadline_on(day) + 0.9 * SECOND, tick=False):
        assert post_filing(client, application).status_code == 302
    receipt = Receipt.objects.get(application=application)
    assert receipt.received_at == deadline_on(day) + 0.9 * SECOND
    assert " à 23:59:59" in receipt.content["received_at_display"]


@EVERY_DAY
def test_one_second_later_is_too_late(client, ready, day):
    application = ready(deadline_on(day))
    with time_machine.travel(deadline_on(day) + SECOND, tick=False):
        response = post_filing(client, application)
    assert response.status_code == 409
    assert "La date limite est passée depuis le" in response.content.decode()
    assert not Receipt.objects.exists()


@pytest.mark.parametrize(
    ("day", "in_utc"), [("2026-07-15", "T21:59:59"), ("2026-10-25", "T22:59:59"), ("2027-03-28", "T21:59:59")]
)
def test_deadlines_are_counted_in_paris(day, in_utc):
    """Both changes of the clock fall on the night before: the evening is already in the other time."""
    assert deadline_on(day) == datetime.fromisoformat(f"{day}{in_utc}+00:00")


@pytest.mark.parametrize("fold", [0, 1])
def test_the_hour_that_comes_twice(client, ready, fold):
    """At the end of summer time 2:30 comes twice: the deadline is the one that was stored, no other."""
    deadline = datetime(2026, 10, 25, 2, 30, 0, fold=fold, tzinfo=PARIS).astimezone(UTC)
    application = ready(deadline)
    with time_machine.travel(deadline + 0.5 * SECOND, tick=False):
        assert application.offer.is_open()
    with time_machine.travel(deadline + SECOND, tick=False):
        assert not application.offer.is_open()


def test_an_extension_opens_again(client, ready):
    deadline = deadline_on("2026-10-25")
    application = ready(deadline)
    hr = make.MembershipFactory(institution=application.offer.institution).user
    with time_machine.travel(deadline + 2 * SECOND, tick=False):
        assert close_expired_offers() == 1
        assert post_filing(client, application).status_code == 409
        offer_lifecycle.WORKFLOW.run(
            application.offer, "extend", actor=hr, reason="Panne.", deadline=deadline + timedelta(days=7)
        )
        assert post_filing(client, application).status_code == 302


def test_closing_by_hand_stops_filing(client, ready):
    application = ready(deadline_on("2026-07-15"))
    hr = make.MembershipFactory(institution=application.offer.institution).user
    with time_machine.travel(deadline_on("2026-07-14"), tick=False):
        offer_lifecycle.WORKFLOW.run(application.offer, "close", actor=hr, reason="Poste supprimé.")
        response = post_filing(client, application)
    assert response.status_code == 409
    assert "n’accepte plus de dépôt" in response.content.decode()


def test_an_offer_without_deadline_is_always_open(db):
    offer = make.OfferFactory(deadline=None)
    with time_machine.travel(timezone.now() + timedelta(days=3000)):
        assert offer.is_open()
        assert offer in Offer.objects.open()


def test_the_list_and_the_offer_agree(db):
    """The query and the method judge alike, around the deadline."""
    deadline = deadline_on("2026-10-25")
    offer = make.OfferFactory(deadline=deadline)
    for offset in (-1, 0, 0.999, 1, 2):
        now = deadline + offset * SECOND
        assert Offer.objects.open(now).exists() == offer.is_open(now)


def test_what_arrived_in_time_counts_even_if_the_sweep_comes_first(ready):
    """The request came in the last second and waited; meanwhile the offer was closed at its deadline."""
    deadline = deadline_on("2026-07-15")
    application = ready(deadline)
    with time_machine.travel(deadline + SECOND, tick=False):
        assert close_expired_offers() == 1
        filed = make.file_now(application, received_at=deadline + 0.9 * SECOND)
    assert filed.filed_at == deadline + 0.9 * SECOND


def test_what_arrived_after_a_closing_by_hand_does_not_count(ready):
    deadline = deadline_on("2026-07-15")
    application = ready(deadline)
    hr = make.MembershipFactory(institution=application.offer.institution).user
    with time_machine.travel(deadline - 2 * SECOND, tick=False):
        offer_lifecycle.WORKFLOW.run(application.offer, "close", actor=hr, reason="Poste pourvu.")
        with pytest.raises(TransitionRefused, match="n’accepte plus"):
            make.file_now(application, received_at=deadline - SECOND)


@pytest.mark.django_db(transaction=True)
def test_the_moment_of_reception_is_that_of_the_requests_arrival(client):
    """A filing that has to wait for a lock is received when it arrived, not when it was done."""
    offer = make.OfferFactory()
    application = make.complete(make.ApplicationFactory(offer=offer))
    locked = threading.Event()

    def hold_the_offer():
        with transaction.atomic():
            Offer.objects.select_for_update().get(pk=offer.pk)
            locked.set()
            threading.Event().wait(0.8)
        connection.close()

    holder = threading.Thread(target=hold_the_offer)
    holder.start()
    locked.wait(5)
    arrived = timezone.now()
    assert post_filing(client, application).status_code == 302
    done = timezone.now()
    holder.join()
    received_at = Receipt.objects.get(application=application).received_at
    assert done - arrived > timedelta(seconds=0.6)
    assert received_at - arrived < timedelta(seconds=0.4)


def test_nothing_can_be_begun_after_the_deadline(client, db):
    offer = make.OfferFactory(deadline=timezone.now() - SECOND)
    client.force_login(make.UserFactory())
    client.post(reverse("applications:start", args=[offer.slug]), make.start_form(offer))
    assert not Application.objects.exists()


def test_signatories_have_the_same_last_second(client, ready):
    deadline = deadline_on("2026-07-15")
    with time_machine.travel(deadline - timedelta(days=2), tick=False):
        application = make.ApplicationFactory(offer=make.OfferFactory(deadline=deadline))
        annex = make.invited_annex(application)
    with time_machine.travel(deadline + SECOND, tick=False):
        assert not circuit.is_alive(annex)
        with pytest.raises(TransitionRefused, match="date limite"):
            make.sign(annex)
    with time_machine.travel(deadline + 0.9 * SECOND, tick=False):
        assert circuit.is_alive(annex)
        assert make.sign(annex).state == annex.State.SIGNED


def test_requests_stop_with_the_offer(db):
    """Neither after the deadline nor after a closing by hand: the mail would ask for what is no longer awaited."""
    late = make.ApplicationFactory(offer=make.OfferFactory(deadline=timezone.now() - SECOND))
    closed = make.ApplicationFactory(offer=make.OfferFactory(state=Offer.State.CLOSED, closed_at=timezone.now()))
    for application in (late, closed):
        annex = make.named_annex(application)
        with pytest.raises(TransitionRefused):
            circuit.invite(annex, actor=application.candidate)
