"""An agent's first page: the campaigns under way and what waits for the agent, of their institutions alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone
from lxml import html

from applications.desk import SHOWN, desk_of
from offers.models import Offer
from portal.notifications.models import Mail
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def hr():
    return make.MembershipFactory()


@pytest.fixture
def offer(hr):
    return make.OfferFactory(institution=hr.institution, deadline=timezone.now() + timedelta(days=40))


def only(user):
    [campaign] = desk_of(user).campaigns
    return campaign


def test_each_campaign_says_what_it_asks(hr, offer):
    with time_machine.travel(timezone.now() - timedelta(days=8), tick=False):
        late = make.ApplicationFactory(offer=offer)
        make.invited_annex(late, signatory_email="perdue@example.org")
    make.invited_annex(make.ApplicationFactory(offer=offer))  # asked today: nobody is late
    Mail.objects.filter(recipient="perdue@example.org").update(state=Mail.State.BOUNCED)
    make.filed(make.ApplicationFactory(offer=offer))
    make.admit(make.filed(make.ApplicationFactory(offer=offer)), hr.user)
    campaign = only(hr.user)
    figures = (campaign.begun, campaign.late, campaign.refused, campaign.to_check, campaign.admissible)
    assert figures == (2, 1, 1, 1, 1)
    assert not campaign.closes_soon


def test_a_draft_is_not_said_to_be_closed(client, hr):
    client.force_login(hr.user)
    draft = make.OfferFactory(institution=hr.institution, deadline=timezone.now() - timedelta(days=3), draft=True)
    page = client.get(reverse("admin:index")).content.decode()
    assert "Date limite passée" in page
    assert "Close depuis" not in page
    Offer.objects.filter(pk=draft.pk).update(state=Offer.State.PUBLISHED, published_at=timezone.now())
    make.filed(make.ApplicationFactory(offer=make.OfferFactory(institution=hr.institution)))
    Offer.objects.exclude(pk=draft.pk).update(deadline=draft.deadline)
    assert "Close depuis le" in client.get(reverse("admin:index")).content.decode()


def test_each_figure_leads_to_its_list(client, hr, offer):
    """The lists say what the figures count."""
    Offer.objects.update(deadline=timezone.now() + timedelta(days=3))
    with time_machine.travel(timezone.now() - timedelta(days=8), tick=False):
        make.invited_annex(make.ApplicationFactory(offer=offer), signatory_email="perdue@example.org")
    Mail.objects.filter(recipient="perdue@example.org").update(state=Mail.State.BOUNCED)
    make.filed(make.ApplicationFactory(offer=offer))
    client.force_login(hr.user)
    page = html.fromstring(client.get(reverse("admin:index")).content.decode())
    figures = page.xpath("//dl[@class='portal-figures']/div")
    assert len(figures) == 4
    for figure in figures:
        [link] = figure.xpath("dt/a/@href")
        assert client.get(link).context["cl"].result_count == int(figure.findtext("dd")) == 1, link


def test_other_institutions_are_not_told(hr, offer):
    make.filed(make.ApplicationFactory())
    assert only(hr.user).offer == offer
    assert len(desk_of(make.UserFactory(is_staff=True, is_superuser=True)).campaigns) == 2


@pytest.mark.parametrize(
    ("fields", "is_shown"),
    [
        ({}, True),
        ({"deadline": None}, True),
        ({"state": Offer.State.PAUSED}, True),
        ({"state": Offer.State.DRAFT, "deadline": timezone.now() - timedelta(days=3)}, True),
        ({"deadline": timezone.now() - timedelta(minutes=3)}, False),
        ({"state": Offer.State.CLOSED}, False),
        ({"state": Offer.State.ARCHIVED}, False),
    ],
)
def test_what_is_over_goes_away_once_nothing_waits(hr, offer, fields, is_shown):
    Offer.objects.filter(pk=offer.pk).update(**fields)
    assert [campaign.offer for campaign in desk_of(hr.user).campaigns] == [offer] * is_shown


def test_a_closed_offer_stays_while_a_dossier_waits(hr, offer):
    make.filed(make.ApplicationFactory(offer=offer))
    Offer.objects.filter(pk=offer.pk).update(state=Offer.State.CLOSED)
    assert only(hr.user).to_check == 1


def test_the_nearest_deadlines_come_first_and_the_rest_is_counted(hr, offer):
    make.OfferFactory.create_batch(SHOWN, institution=hr.institution, deadline=None)
    soon = make.OfferFactory(institution=hr.institution, deadline=timezone.now() + timedelta(days=2))
    desk = desk_of(hr.user)
    assert [campaign.offer for campaign in desk.campaigns[:2]] == [soon, offer]
    assert (len(desk.campaigns), desk.others, desk.closing) == (SHOWN, 2, 1)


def test_the_page_leads_to_the_work(client, hr, offer):
    make.filed(make.ApplicationFactory(offer=offer))
    make.ApplicationFactory(offer=offer)
    session = make.SessionFactory(commission__institution=hr.institution)
    client.force_login(hr.user)
    page = client.get(reverse("admin:index")).content.decode()
    to_check = (
        f"{reverse('admin:applications_application_changelist')}?state__exact=filed&amp;offer__id__exact={offer.pk}"
    )
    for address in (to_check, reverse("admin:applications_late", args=[offer.pk])):
        assert f'href="{address}"' in page
    assert reverse("admin:applications_session_change", args=[session.pk]) in page
    assert "1 dossier</strong>" in client.get(reverse("admin:index")).content.decode()
    listed = client.get(to_check.replace("&amp;", "&"))
    assert listed.status_code == 200
    assert "1 candidature" in listed.content.decode()
