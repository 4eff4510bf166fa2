"""An offer through its life: when it shows itself and when it takes dossiers, to the second; and who hears of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from applications.models import Application
from offers import page_cache
from offers.lifecycle import WORKFLOW
from offers.models import Offer
from offers.tasks import close_expired_offers
from portal.notifications.models import Mail
from portal.notifications.outbox import Obsolete, build
from portal.workflow import TransitionRefused
from tests import factories as make
from tests.factories import PARIS

SECOND = timedelta(seconds=1)
LIST = reverse("offers:list")
# An ordinary morning, and 2:30 in the nights of 25 and of 23 hours (the second 2:30; the one that does not exist).
MOMENTS = [
    datetime(2026, 7, 15, 9, 0, tzinfo=PARIS),
    datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=PARIS),
    datetime(2027, 3, 28, 3, 0, tzinfo=PARIS),
]
MOMENTS = [moment.astimezone(UTC) for moment in MOMENTS]


@pytest.fixture
def hr(db):
    return make.MembershipFactory()


@pytest.fixture
def offer(hr) -> Offer:
    return make.OfferFactory(institution=hr.institution, parameters={}, title="Offre suivie")


def run(offer, name, hr, reason="Un motif.", **data) -> Offer:
    return WORKFLOW.run(offer, name, actor=hr.user, reason=reason, **data)


def scheduled(hr, at: datetime) -> Offer:
    draft = make.OfferFactory(
        institution=hr.institution,
        draft=True,
        deadline=at + timedelta(days=45),
        parameters={},
        title="Offre programmée",
    )
    return run(draft, "schedule", hr, publish_at=at)


# At its second


@pytest.mark.parametrize("at", MOMENTS)
def test_a_scheduled_offer_shows_itself_at_its_second(client, hr, at):
    """Nothing runs meanwhile: no worker, no beat."""
    with time_machine.travel(at - timedelta(days=3), tick=False):
        offer = scheduled(hr, at)
    addresses = [offer.get_absolute_url(), reverse("machines:api_offer", args=[offer.slug])]
    with time_machine.travel(at - 0.001 * SECOND, tick=False):
        assert not offer.is_open()
        assert offer.state_label == "Programmée"
        assert {client.get(address).status_code for address in addresses} == {404}
        assert offer.title not in client.get(LIST).content.decode()
    with time_machine.travel(at, tick=False):
        assert offer.is_open()
        assert offer.state_label == "Publiée"
        assert {client.get(address).status_code for address in addresses} == {200}
        assert offer.title in client.get(LIST).content.decode()
        assert client.get(reverse("machines:csv")).getvalue().decode().count("Offre programmée") == 1


def test_nobody_applies_before_the_opening(client, hr):
    offer = scheduled(hr, timezone.now() + timedelta(days=1))
    client.force_login(make.UserFactory())
    client.post(reverse("applications:start", args=[offer.slug]), make.start_form(offer))
    assert not Application.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_kept_page_ends_at_the_second_of_a_publication(client, settings):
    settings.PAGE_CACHE_SECONDS = 600
    page_cache._away_until = 0.0
    cache.clear()
    at = (timezone.now() + timedelta(minutes=2)).replace(microsecond=0)
    offer = scheduled(make.MembershipFactory(), at)
    assert offer.title not in client.get(LIST).content.decode()
    with time_machine.travel(at - 0.001 * SECOND, tick=False):
        assert offer.title not in client.get(LIST).content.decode()
    with time_machine.travel(at, tick=False):
        assert offer.title in client.get(LIST).content.decode()
    cache.clear()


def test_a_publication_at_a_set_time_can_be_moved_or_called_off(hr):
    offer = scheduled(hr, timezone.now() + timedelta(days=1))
    later = timezone.now() + timedelta(days=2)
    assert run(offer, "schedule", hr, publish_at=later).published_at == later
    offers = {move.name for move in WORKFLOW.available(Offer.objects.get(), hr.user)}
    assert {"publish", "schedule", "unschedule", "extend"} == offers
    draft = run(offer, "unschedule", hr)
    assert (draft.state, draft.published_at) == (Offer.State.DRAFT, None)


@pytest.mark.parametrize(
    ("hours", "told"), [(-1, "déjà passée"), (24 * 20, "moins d’un mois"), (24 * 70, "précède la publication")]
)
def test_a_set_time_that_makes_no_sense_is_refused(hr, hours, told):
    draft = make.OfferFactory(
        institution=hr.institution, draft=True, deadline=timezone.now() + timedelta(days=45), parameters={}
    )
    with pytest.raises(TransitionRefused, match=told):
        run(draft, "schedule", hr, reason="", publish_at=timezone.now() + timedelta(hours=hours))


# Suspended, closed, archived


def test_a_suspended_offer_is_read_but_takes_no_dossier(client, hr, offer):
    application = make.complete(make.ApplicationFactory(offer=offer))
    run(offer, "pause", hr)
    page = client.get(offer.get_absolute_url()).content.decode()
    assert "Candidatures suspendues" in page
    assert "Candidater</a>" not in page
    assert offer.title not in client.get(LIST).content.decode()
    with pytest.raises(TransitionRefused, match="n’accepte plus de dépôt"):
        make.file_now(application)
    run(offer, "resume", hr)
    assert "Candidater</a>" in client.get(offer.get_absolute_url()).content.decode()
    assert make.file_now(application).state == Application.State.FILED


def test_what_arrived_before_a_suspension_counts(hr, offer):
    application = make.complete(make.ApplicationFactory(offer=offer))
    arrived = timezone.now()
    run(offer, "pause", hr)
    assert make.file_now(application, received_at=arrived).state == Application.State.FILED


def test_a_suspended_offer_still_ends_at_its_deadline(hr, offer):
    run(offer, "pause", hr)
    with time_machine.travel(offer.deadline + SECOND, tick=False):
        assert close_expired_offers() == 1
        with pytest.raises(TransitionRefused, match="n’est plus possible"):
            run(offer, "resume", hr)


def test_archives_are_for_hr_alone(client, hr, offer):
    run(offer, "close", hr)
    assert client.get(offer.get_absolute_url()).status_code == 200
    run(offer, "archive", hr)
    assert client.get(offer.get_absolute_url()).status_code == 404
    assert offer.title not in client.get(f"{LIST}?closes=on").content.decode()
    client.force_login(hr.user)
    changelist = reverse("admin:offers_offer_changelist")
    assert offer.title not in client.get(changelist).content.decode()
    assert offer.title in client.get(f"{changelist}?etat=archived").content.decode()
    run(offer, "unarchive", hr)
    assert client.get(offer.get_absolute_url()).status_code == 200


def test_a_deadline_brought_forward_leaves_a_month_and_a_week(hr, offer):
    for deadline in (timezone.now() + timedelta(days=6), offer.deadline, offer.deadline + timedelta(days=1)):
        with pytest.raises(TransitionRefused):
            run(offer, "advance", hr, deadline=deadline)
    young = make.OfferFactory(institution=hr.institution, published_at=timezone.now() - timedelta(days=2))
    with pytest.raises(TransitionRefused, match="un mois après la publication"):
        run(young, "advance", hr, deadline=timezone.now() + timedelta(days=20))
    deadline = timezone.now() + timedelta(days=8)
    assert run(offer, "advance", hr, deadline=deadline).deadline == deadline


# Who hears of it


def told(kind="offer_moved") -> list[Mail]:
    return list(Mail.objects.filter(kind=kind).order_by("pk"))


def test_an_extension_is_told_to_all_whom_it_concerns(hr, offer):
    preparing = make.ApplicationFactory(offer=offer)
    annex = make.invited_annex(preparing)
    make.named_annex(make.ApplicationFactory(offer=offer), "ambulatory_responsible")  # not asked yet: hears nothing
    filed = make.filed(make.ApplicationFactory(offer=make.OfferFactory(institution=hr.institution)))
    Application.objects.filter(pk=filed.pk).update(offer=offer)
    Application.objects.filter(pk=make.ApplicationFactory(offer=offer).pk).update(state="withdrawn")
    Mail.objects.all().delete()
    deadline = offer.deadline + timedelta(days=7)
    run(offer, "extend", hr, reason="Panne du serveur.", deadline=deadline)
    letters = {mail.recipient: build(mail) for mail in Mail.objects.all()}
    assert len(letters) == 4
    day = f"{timezone.localtime(deadline):%d/%m/%Y}".lstrip("0")
    assert day[:2].strip("/") in letters[preparing.candidate.email].subject
    for address in (preparing.candidate.email, annex.signatory_email):
        assert "Panne du serveur." in letters[address].text
    assert "vous n’avez rien à faire" in letters[filed.candidate.email].text.lower()
    assert "/avis/" in letters[annex.signatory_email].text
    assert {mail.thread for mail in told()} >= {preparing.dossier_id, filed.dossier_id}


@pytest.mark.parametrize("name", ["pause", "close"])
def test_a_stop_is_told_with_what_is_kept(hr, offer, name):
    application = make.ApplicationFactory(offer=offer)
    make.invited_annex(application)
    run(offer, name, hr)
    assert "est conservé" in build(told()[0]).text
    letter = build(told("offer_moved_for_signatory")[0])
    assert "Vous n’avez rien à faire" in letter.text
    assert "/avis/" not in letter.text


def test_news_that_another_move_made_old_are_not_sent(hr, offer):
    make.ApplicationFactory(offer=offer)
    run(offer, "pause", hr)
    run(offer, "resume", hr)
    first, second = told()
    with pytest.raises(Obsolete):
        build(first)
    assert "ont repris" in build(second).text


def test_telling_takes_the_same_queries_for_one_and_for_many(hr, offer, django_assert_max_num_queries):
    make.invited_annex(make.ApplicationFactory(offer=offer))
    with django_assert_max_num_queries(30) as few:
        run(offer, "pause", hr)
    run(offer, "resume", hr)
    for _ in range(4):
        make.invited_annex(make.ApplicationFactory(offer=offer))
    with django_assert_max_num_queries(len(few)):
        run(offer, "pause", hr)
    assert len(told()) == 1 + 1 + 5
