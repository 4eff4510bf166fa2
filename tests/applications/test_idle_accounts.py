"""Accounts that serve nothing: told, then erased; whoever comes back, or ever had a role, stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from applications.idle_accounts import NOTICE, announce, erase
from applications.models import Recusal
from applications.tasks import erase_idle_accounts
from portal.accounts.models import User
from portal.calendar import is_quiet
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from tests import factories as make

DAY = timedelta(days=1)


def by_day(moment):
    while is_quiet(moment):
        moment += DAY
    return moment


@pytest.fixture
def told_at(transactional_db, settings):
    return by_day(make.by_day() + (settings.ACCOUNT_KEPT_DAYS - settings.DRAFT_NOTICE_DAYS + 1) * DAY)


def test_an_idle_account_is_told_once_then_erased(told_at, smtp_sink):
    user = make.UserFactory()
    assert announce(by_day(told_at - 10 * DAY)) == 0
    assert (announce(told_at), announce(told_at)) == (1, 0)
    assert erase(told_at + 31 * DAY) == 0  # the notice has not left
    with time_machine.travel(told_at, tick=False):
        drain_outbox()
    [message] = smtp_sink.sent_to(user.email)
    assert "compte va être effacé" in message["Subject"]
    assert "/compte/" in message.get_body().get_content()
    assert erase(told_at + 29 * DAY) == 0
    assert erase(told_at + 31 * DAY) == 1
    assert not User.objects.exists()


def test_who_signs_in_keeps_the_account_and_is_told_anew_long_after(told_at, smtp_sink):
    user = make.UserFactory()
    announce(told_at)
    with time_machine.travel(told_at, tick=False):
        drain_outbox()
    User.objects.update(last_login=told_at + DAY)
    assert erase(told_at + 40 * DAY) == 0
    assert announce(by_day(told_at + 800 * DAY)) == 1
    assert user.email in Mail.objects.filter(kind=NOTICE).latest("pk").recipient


def test_a_notice_is_dropped_where_the_account_serves_again(told_at, smtp_sink):
    user = make.UserFactory()
    announce(told_at)
    make.ApplicationFactory(candidate=user)
    with time_machine.travel(told_at, tick=False):
        drain_outbox()
    assert Mail.objects.get(kind=NOTICE).state == Mail.State.DROPPED
    assert erase(told_at + 800 * DAY) == 0


def test_a_refused_address_does_not_keep_an_account_for_ever(told_at):
    make.UserFactory()
    announce(told_at)
    Mail.objects.filter(kind=NOTICE).update(state=Mail.State.BOUNCED)
    assert erase(told_at + 31 * DAY) == 1


def test_neither_candidates_nor_roles_are_touched(told_at):
    make.ApplicationFactory()
    make.MembershipFactory()
    make.UserFactory(is_staff=True)
    make.UserFactory(is_active=False)
    make.SeatFactory()
    assert announce(told_at) == 0


def test_who_once_had_a_role_keeps_their_name(told_at):
    """A member who left the commission, an agent who left the service: what they did stays, and names them."""
    dossier = make.filed(make.ApplicationFactory())
    agent = make.MembershipFactory(institution=dossier.offer.institution).user
    make.admit(dossier, agent)
    agent.memberships.all().delete()
    User.objects.update(is_staff=False)
    recusal = Recusal.objects.create(application=make.ApplicationFactory(), member=make.UserFactory(), reason="Parenté")
    assert announce(told_at) == 0
    User.objects.update(erasure_announced_at=told_at)
    assert erase(told_at + 31 * DAY) == 0
    assert {agent, recusal.member} <= set(User.objects.all())


def test_the_task_runs_on_an_ordinary_morning(db):
    make.UserFactory()
    assert erase_idle_accounts() == 0
    assert not Mail.objects.filter(kind=NOTICE, created_at__lte=timezone.now()).exists()
