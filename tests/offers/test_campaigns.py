"""The next campaign of a programme, from the one before."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from applications.models import MailText
from applications.reminders.models import Audience
from applications.reminders.rules import ensure_rules
from offers.kinds import all_kinds
from offers.models import Offer
from tests import factories as make

pytestmark = pytest.mark.django_db
VACANCY = date(2026, 3, 2)


def dated_kind() -> str:
    """The kind whose offers have a day of their own."""
    return next(
        kind.slug for kind in all_kinds() if any("vacancy_date" in section.by_name for section in kind.offer_sections)
    )


def resume(client, offer, **data):
    return client.post(reverse("admin:offers_offer_resume", args=[offer.pk]), data)


def test_texts_are_taken_over_and_dates_move(client, hr):
    offer = make.OfferFactory(
        institution=hr.institution,
        kind=dated_kind(),
        details={"vacancy_date": VACANCY.strftime("%d/%m/%Y"), "domain": "Justice"},
        parameters={"minimum_experience": 12},
        body="Le texte.",
    )
    later = timezone.localdate(offer.deadline) + timedelta(days=364)
    data = {"reference": "REF-SUIVANTE", "deadline_0": later.isoformat(), "deadline_1": "23:59:59"}
    assert resume(client, offer, **data).status_code == 302
    draft = Offer.objects.get(reference="REF-SUIVANTE")
    assert (draft.state, draft.published_at, draft.body) == (Offer.State.DRAFT, None, "Le texte.")
    assert draft.deadline == make.end_of_day(later)
    assert draft.details == {"vacancy_date": (VACANCY + timedelta(days=364)).isoformat(), "domain": "Justice"}
    assert (draft.parameters, draft.institution) == (offer.parameters, hr.institution)
    assert client.get(reverse("admin:offers_offer_change", args=[draft.pk])).status_code == 200
    offer.refresh_from_db()
    assert offer.state == Offer.State.PUBLISHED


@pytest.mark.parametrize("ended", ["2019-03-31T23:59:59+02:00", "2020-02-29T23:59:59+01:00"])
def test_the_deadline_proposed_is_the_same_day_of_a_year_to_come(client, hr, ended):
    offer = make.OfferFactory(institution=hr.institution, deadline=datetime.fromisoformat(ended))
    form = client.get(reverse("admin:offers_offer_resume", args=[offer.pk])).context["form"]
    proposed, before = timezone.localtime(form.initial["deadline"]), timezone.localtime(offer.deadline)
    assert timezone.now() < proposed < timezone.now() + timedelta(days=367)
    assert (proposed.month, proposed.time()) == (before.month, before.time())
    assert proposed.day in {before.day, 28}


def test_a_deadline_gone_by_is_refused_beside_its_field(client, hr):
    offer = make.OfferFactory(institution=hr.institution)
    response = resume(client, offer, reference="R-PASSE", deadline_0="2020-01-01", deadline_1="23:59:59")
    assert "Cette date est passée" in response.context["form"].errors["deadline"][0]
    assert "R-PASSE" in response.content.decode()
    assert Offer.objects.count() == 1


def test_the_draft_says_which_year_its_title_still_names(client, hr):
    offer = make.OfferFactory(institution=hr.institution, title="Assistants – session 2020", draft=True)
    page = client.get(reverse("admin:offers_offer_change", args=[offer.pk]))
    assert any("l’année 2020" in sentence for sentence in page.context["to_check"])


def test_a_reference_serves_once(client, hr):
    offer = make.OfferFactory(institution=hr.institution)
    data = {"reference": offer.reference, "deadline_0": "2030-01-01", "deadline_1": "23:59:59"}
    assert resume(client, offer, **data).status_code == 200
    assert Offer.objects.count() == 1


def test_an_offer_without_deadline_stays_so(client, hr):
    offer = make.OfferFactory(institution=hr.institution, deadline=None)
    assert resume(client, offer, reference="SUITE").status_code == 302
    assert Offer.objects.get(reference="SUITE").deadline is None


def test_the_next_campaign_reminds_and_writes_as_the_one_before(client, hr):
    offer = make.OfferFactory(institution=hr.institution)
    ensure_rules([offer])
    offer.reminder_rules.filter(audience="candidate").update(days_before=[9, 2])
    offer.reminder_rules.filter(audience="member").update(active=False)
    MailText.objects.create(offer=offer, template="receipt", subject="Reçu", intro="Merci {{candidat}}.")
    deadline = timezone.localdate() + timedelta(days=400)
    resume(client, offer, reference="R-2", slug="r-2", deadline_0=deadline.isoformat(), deadline_1="23:59")
    draft = Offer.objects.exclude(pk=offer.pk).get()
    rules = {rule.audience: rule for rule in draft.reminder_rules.all()}
    assert len(rules) == offer.reminder_rules.count() == len(Audience)
    assert rules["candidate"].days_before == [9, 2]
    assert not rules["member"].active
    assert draft.mail_texts.get().intro == offer.mail_texts.get().intro == "Merci {{candidat}}."
