"""What members may read and say."""

from __future__ import annotations

import pytest

from applications.commission.opinions import record_recusal, record_review
from applications.models import Application, Recusal, Review
from dossiers.models import Opinion
from portal.workflow import TransitionRefused
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def admissible():
    application = make.filed(make.ApplicationFactory())
    hr = make.MembershipFactory(institution=application.offer.institution).user
    return make.admit(application, hr)


def test_nobody_examines_their_own_dossier(admissible):
    make.SeatFactory(commission__offers=[admissible.offer], user=admissible.candidate)
    assert not Application.objects.readable_by_member(admissible.candidate).exists()


def test_a_member_says_it_once_and_may_change_it(admissible):
    member = make.SeatFactory(commission__offers=[admissible.offer]).user
    record_review(admissible, member, Opinion.FAVORABLE, "Un bon projet.")
    record_review(admissible, member, Opinion.RESERVED, "Un bon projet, à préciser.")
    review = Review.objects.get()
    assert (review.opinion, review.reasons) == (Opinion.RESERVED, "Un bon projet, à préciser.")


def test_after_the_decision_opinions_no_longer_change(admissible):
    member = make.SeatFactory(commission__offers=[admissible.offer]).user
    Application.objects.filter(pk=admissible.pk).update(state=Application.State.ACCEPTED)
    with pytest.raises(TransitionRefused):
        record_review(admissible, member, Opinion.FAVORABLE, "Trop tard.")
    with pytest.raises(TransitionRefused):
        record_recusal(admissible, member, "Trop tard.")


def test_a_recusal_takes_the_opinion_and_the_reading_away(admissible):
    member = make.SeatFactory(commission__offers=[admissible.offer]).user
    record_review(admissible, member, Opinion.FAVORABLE, "Un bon projet.")
    record_recusal(admissible, member, "Même service.")
    assert Review.objects.get().withdrawn_at
    assert Recusal.objects.get().reason == "Même service."
    assert not Application.objects.readable_by_member(member).exists()
