"""What a page costs does not grow with its rows; what the busiest pages cost is written down."""

from __future__ import annotations

import pytest
from django.urls import reverse

from applications.commission.sessions import fill_agenda
from applications.models import Application, Session
from offers.models import Offer
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def queries_of(client, django_assert_max_num_queries):
    """A function: how many queries a page takes, once what is kept in memory is warm."""

    def count(address: str, user=None) -> int:
        if user:
            client.force_login(user)
        client.get(address)
        with django_assert_max_num_queries(100) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    return count


def offers_list(count, hr):
    make.OfferFactory.create_batch(count, institution=hr.institution)
    return reverse("offers:list"), None


def searched_offers(count, hr):
    make.OfferFactory.create_batch(count, title="Psychiatre", institution=hr.institution)
    return f"{reverse('offers:list')}?q=psychiatres&closes=on", None


def home(count, hr):
    make.OfferFactory.create_batch(count, institution=hr.institution)
    return reverse("home"), None


def my_applications(count, hr):
    candidate = Application.objects.first().candidate if Application.objects.exists() else make.UserFactory()
    make.ApplicationFactory.create_batch(count, candidate=candidate, offer__institution=hr.institution)
    return reverse("applications:list"), candidate


def offers_elsewhere(count, hr):
    make.OfferFactory.create_batch(count, institution=hr.institution)
    application = Application.objects.first() or make.ApplicationFactory()
    return reverse("applications:elsewhere", args=[application.pk]), application.candidate


def commission_list(count, hr):
    offer = Offer.objects.filter(institution=hr.institution).first()
    if offer is None:
        offer = make.OfferFactory(institution=hr.institution)
        make.SeatFactory(commission=make.CommissionFactory(institution=hr.institution, offers=[offer]))
    examined(count, offer)
    return reverse("commission:list"), offer.commissions.get().seats.get().user


def examined(count, offer):
    from django.utils import timezone

    for application in make.ApplicationFactory.create_batch(count, offer=offer):
        Application.objects.filter(pk=application.pk).update(
            state=Application.State.ADMISSIBLE, number=str(application.pk)[:20], filed_at=timezone.now()
        )


def session_agenda(count, hr):
    member = commission_list(count, hr)[1]
    session = Session.objects.first() or make.SessionFactory(commission=member.seats.get().commission)
    fill_agenda(session)
    return reverse("commission:session", args=[session.pk]), member


def admin_agenda(count, hr):
    session_agenda(count, hr)
    return reverse("admin:applications_session_change", args=[Session.objects.get().pk]), hr.user


def admin_offers(count, hr):
    make.OfferFactory.create_batch(count, institution=hr.institution)
    return reverse("admin:offers_offer_changelist"), hr.user


def admin_drafts(count, hr):
    """Each row says how far its dossier is."""
    offer = Offer.objects.filter(institution=hr.institution).first() or make.OfferFactory(institution=hr.institution)
    for application in make.ApplicationFactory.create_batch(count, offer=offer):
        make.named_annex(application)
    return reverse("admin:applications_application_changelist"), hr.user


def late_page(count, hr):
    offer = Offer.objects.filter(institution=hr.institution).first() or make.OfferFactory(institution=hr.institution)
    for application in make.ApplicationFactory.create_batch(count, offer=offer):
        make.invited_annex(application)
    return reverse("admin:applications_late", args=[offer.pk]), hr.user


def hr_desk(count, hr):
    for offer in make.OfferFactory.create_batch(count, institution=hr.institution):
        make.invited_annex(make.ApplicationFactory(offer=offer))
    return reverse("admin:index"), hr.user


def admin_commissions(count, hr):
    make.CommissionFactory.create_batch(count, institution=hr.institution)
    return reverse("admin:applications_commission_changelist"), hr.user


def admin_accounts(count, hr):
    make.MembershipFactory.create_batch(count, institution=hr.institution)
    return reverse("admin:accounts_user_changelist"), make.UserFactory(is_staff=True, is_superuser=True)


def admin_mails(count, hr):
    offer = make.OfferFactory(institution=hr.institution)
    for application in make.ApplicationFactory.create_batch(count, offer=offer):
        make.invited_annex(application)
    return reverse("admin:notifications_mail_changelist"), make.UserFactory(is_staff=True, is_superuser=True)


LISTS = [
    offers_list,
    searched_offers,
    home,
    my_applications,
    offers_elsewhere,
    commission_list,
    session_agenda,
    admin_agenda,
    admin_offers,
    admin_drafts,
    late_page,
    hr_desk,
    admin_commissions,
    admin_accounts,
    admin_mails,
]


@pytest.mark.parametrize("fill", LISTS, ids=lambda fill: fill.__name__)
def test_a_list_costs_the_same_with_three_rows_and_with_thirty(queries_of, fill):
    hr = make.MembershipFactory()
    few = queries_of(*fill(3, hr))
    many = queries_of(*fill(27, hr))
    assert few == many


@pytest.mark.parametrize(("annexes", "pieces"), [(1, 1), (5, 8)])
def test_a_dossier_costs_the_same_whatever_it_holds(queries_of, annexes, pieces):
    offer = make.OfferFactory(parameters={} if annexes > 1 else {"annexes": ["hospital_director"]})
    application = make.ApplicationFactory(offer=offer)
    make.fill_sections(application)
    for annex in application.dossier.spec.annexes:
        make.invited_annex(application, annex.key)
    for _ in range(pieces):
        make.add_piece(application.dossier, "diplomas", make.pdf_upload())
    detail = reverse("applications:detail", args=[application.pk])
    recap = reverse("applications:recap", args=[application.pk])
    assert (queries_of(detail, application.candidate), queries_of(recap, application.candidate)) == PINNED["dossier"]


# Session and account are two of those of a signed-in person.
PINNED = {"home": 1, "offers": 3, "offer": 1, "dossier": (9, 10), "examined": 7}


def test_the_public_pages_stay_cheap(queries_of):
    offer = make.OfferFactory()
    make.OfferFactory.create_batch(5)
    assert queries_of(reverse("home")) == PINNED["home"]
    assert queries_of(reverse("offers:list")) == PINNED["offers"]
    assert queries_of(offer.get_absolute_url()) == PINNED["offer"]


def test_a_filed_dossier_is_read_from_what_was_frozen(queries_of):
    hr = make.MembershipFactory()
    application = make.admit(make.filed(make.ApplicationFactory(offer__institution=hr.institution)), hr.user)
    member = make.SeatFactory(commission__offers=[application.offer]).user
    address = reverse("commission:detail", args=[application.pk])
    assert queries_of(address, member) == PINNED["examined"]
