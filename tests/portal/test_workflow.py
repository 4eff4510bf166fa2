"""The three life cycles, transition by transition: from where, by whom, with what reason; and what is logged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from applications import lifecycle as application_lifecycle
from applications.models import Application
from dossiers import signing
from dossiers.models import Annex
from dossiers.paper import add_scan
from offers import lifecycle as offer_lifecycle
from offers.models import Offer
from portal.workflow import NotAllowed, TransitionRefused
from tests import factories as make

pytestmark = pytest.mark.django_db

# What each life cycle allows, written a second time on purpose: a change of the portal's tables is a change here.
# name: from which states, to which one, by whom, whether a reason is required.
OFFERS = {
    "publish": ({"draft", "published"}, "published", "hr", False),  # published: at a time still to come (prepare)
    "schedule": ({"draft", "published"}, "published", "hr", False),
    "unschedule": ({"published"}, "draft", "hr", False),
    "extend": ({"published", "paused", "closed"}, "published", "hr", True),
    "advance": ({"published"}, "published", "hr", True),
    "pause": ({"published"}, "paused", "hr", True),
    "resume": ({"paused"}, "published", "hr", False),
    "reopen": ({"closed"}, "published", "hr", True),
    "close": ({"published", "paused"}, "closed", "hr", True),
    "expire": ({"published", "paused"}, "closed", "portal", False),
    "archive": ({"closed"}, "archived", "hr", False),
    "unarchive": ({"archived"}, "closed", "hr", False),
}
APPLICATIONS = {
    "file": ({"draft"}, "filed", "candidate", False),
    "withdraw": ({"draft", "filed", "admissible", "inadmissible"}, "withdrawn", "candidate", False),
    "admit": ({"filed", "inadmissible"}, "admissible", "hr", False),
    "refuse": ({"filed"}, "inadmissible", "hr", True),
    "accept": ({"admissible"}, "accepted", "hr", True),
    "reject": ({"admissible"}, "rejected", "hr", True),
    "supersede": ({"filed", "inadmissible"}, "superseded", "portal", False),
}
ASKED = {"sent", "opened", "in_progress", "expired", "bounced"}
ANNEXES = {
    "invite": ({"to_send"}, "sent", "candidate", False),
    "resend": (ASKED, "sent", "candidate", False),
    "replace": (ASKED | {"declined"}, "to_send", "candidate", False),
    "revoke": (ASKED, "to_send", "candidate", False),
    "open": ({"sent", "expired", "bounced"}, "opened", "anyone", False),
    "begin": (ASKED - {"in_progress"}, "in_progress", "anyone", False),
    "bounce": ({"sent"}, "bounced", "portal", False),
    "expire": ({"sent", "opened", "in_progress"}, "expired", "portal", False),
    "revive": ({"expired"}, "sent", "portal", False),
    "sign": (ASKED, "signed", "anyone", False),
    "decline": (ASKED, "declined", "anyone", True),
    "delegate": (ASKED, "sent", "anyone", False),
    "sign_on_paper": (ASKED | {"to_send", "declined", "signed"}, "signed", "anyone", False),
    "carry": (ASKED | {"to_send", "signed"}, "signed", "portal", False),
    "ask_confirmation": ({"signed"}, "signed", "asker", False),
    "confirm": ({"signed"}, "signed", "anyone", False),
}
CYCLES = {
    "offer": (offer_lifecycle.WORKFLOW, OFFERS, Offer.State),
    "application": (application_lifecycle.WORKFLOW, APPLICATIONS, Application.State),
    "annex": (signing.WORKFLOW, ANNEXES, Annex.State),
}
EVERY_MOVE = pytest.mark.parametrize(
    ("cycle", "name"), [(cycle, name) for cycle, (_, table, _) in CYCLES.items() for name in table]
)
EVERYONE = {"portal", "candidate", "other", "hr", "hr_elsewhere", "member", "administrator"}
WHO = {
    "asker": {"candidate", "portal"},
    "hr": {"hr", "administrator"},
    "candidate": {"candidate"},
    "portal": {"portal"},
    "anyone": EVERYONE,
}


class Case:
    """An object of one of the three life cycles, and everybody around it."""

    def __init__(self, cycle: str):
        self.workflow, self.table, self.states = CYCLES[cycle]
        hr = make.MembershipFactory()
        self.offer = make.OfferFactory(institution=hr.institution)
        self.application = make.ApplicationFactory(offer=self.offer)
        self.people = {
            "portal": None,
            "candidate": self.application.candidate,
            "asker": self.application.candidate,
            "other": make.UserFactory(),
            "hr": hr.user,
            "hr_elsewhere": make.MembershipFactory().user,
            "member": make.SeatFactory(commission__offers=[self.offer]).user,
            "administrator": make.UserFactory(is_superuser=True, is_staff=True),
        }
        self.annex = make.named_annex(self.application)
        self.subject = {"offer": self.offer, "application": self.application, "annex": self.annex}[cycle]

    def put_in(self, state: str) -> None:
        """As if it had come there; what blocks a move is made true as well."""
        changes = {"state": state}
        if self.subject is self.application and state not in {"draft", "withdrawn"}:
            changes |= {"number": "SJ-1", "filed_at": timezone.now()}
        type(self.subject).objects.filter(pk=self.subject.pk).update(**changes)
        self.subject.refresh_from_db()

    def data(self, name: str) -> dict:
        if name == "extend":
            return {"deadline": self.offer.deadline + timedelta(days=7)}
        if name == "advance":
            return {"deadline": self.offer.deadline - timedelta(days=7)}
        if name == "schedule":
            return {"publish_at": timezone.now() + timedelta(days=2)}
        if name == "carry":
            return {"opinion": self.opinion_elsewhere()}
        if name == "file":
            return {"received_at": timezone.now()}
        signed = {"answer": make.answer_to(self.annex), "verified_by": "le lien", "manner": "confirmed"}
        return (
            {
                "sign": signed,
                "confirm": signed,
                "delegate": {"to": make.SIGNATORY | {"signatory_email": "autre@example.org"}},
                "sign_on_paper": signed
                | {
                    "signatory": make.SIGNATORY,
                    "signed_on": timezone.localdate(),
                    "scan": add_scan(self.annex.dossier, make.pdf_upload(), self.annex.key),
                },
                "expire": {"until": timezone.now() - timedelta(minutes=1)},
            }.get(name, {})
            if self.subject is self.annex
            else {}
        )

    def opinion_elsewhere(self) -> Annex:
        """The same annex, signed by the same person in another dossier of the candidate."""
        return make.signed_annex(make.ApplicationFactory(candidate=self.application.candidate))

    def prepare(self, name: str) -> None:
        if name == "file":
            make.fill_sections(self.application)
            make.fill_pieces(self.application)
            Annex.objects.filter(pk=self.annex.pk).update(state=Annex.State.SIGNED)
        if name in {"publish", "schedule", "unschedule"}:
            Offer.objects.filter(pk=self.offer.pk).update(published_at=timezone.now() + timedelta(days=1))
        if name == "expire":
            Offer.objects.filter(pk=self.offer.pk).update(deadline=timezone.now() - timedelta(hours=1))

    def run(self, name: str, who: str = "", reason: str = "Un motif."):
        by = self.table[name][2]
        actor = self.people[who or ("portal" if by == "anyone" else by)]
        return self.workflow.run(self.subject, name, actor=actor, reason=reason, **self.data(name))


@pytest.mark.parametrize("cycle", CYCLES)
def test_the_table_has_these_transitions_and_no_others(cycle):
    workflow, table, _ = CYCLES[cycle]
    assert {
        name: (set(move.sources), move.target, move.reason_required) for name, move in workflow.transitions.items()
    } == {name: (sources, target, reason) for name, (sources, target, _, reason) in table.items()}


@EVERY_MOVE
def test_from_every_state_it_goes_or_is_refused(cycle, name):
    case = Case(cycle)
    sources, target, *_ = case.table[name]
    case.prepare(name)
    for state in case.states:
        with transaction.atomic():
            case.put_in(state)
            if state in sources:
                assert case.run(name).state == target
            else:
                with pytest.raises(TransitionRefused, match="n’est plus possible"):
                    case.run(name)
                case.subject.refresh_from_db()
                assert case.subject.state == state
                assert not case.subject.transitions.exists()
            transaction.set_rollback(True)


@EVERY_MOVE
def test_only_those_who_may(cycle, name):
    case = Case(cycle)
    sources, _, by, _ = case.table[name]
    case.prepare(name)
    case.put_in(min(sources))
    for who in EVERYONE - WHO[by]:
        with pytest.raises(NotAllowed):
            case.run(name, who)
        assert name not in {move.name for move in case.workflow.available(case.subject, case.people[who])}
    assert not case.subject.transitions.exists()
    for who in WHO[by]:
        assert name in {move.name for move in case.workflow.available(case.subject, case.people[who])}
        with transaction.atomic():
            case.run(name, who)
            transaction.set_rollback(True)


@EVERY_MOVE
def test_who_when_and_why_are_logged(cycle, name):
    case = Case(cycle)
    sources, target, by, _ = case.table[name]
    case.prepare(name)
    source = min(sources)
    case.put_in(source)
    before = timezone.now()
    case.run(name, reason="  Parce que.  ")
    entry = case.subject.transitions.get()
    actor = case.people["portal" if by == "anyone" else by]
    assert (entry.name, entry.source, entry.target) == (name, source, target)
    assert (entry.actor, entry.actor_label) == (actor, str(actor or "Le portail"))
    assert entry.reason == "Parce que."
    assert before <= entry.at <= timezone.now()
    assert entry.label == case.workflow.transitions[name].done


@EVERY_MOVE
def test_a_reason_where_one_is_due(cycle, name):
    case = Case(cycle)
    sources, target, _, reason_required = case.table[name]
    case.prepare(name)
    case.put_in(min(sources))
    if reason_required:
        with pytest.raises(TransitionRefused, match="demande un motif"):
            case.run(name, reason="  ")
        assert not case.subject.transitions.exists()
    else:
        assert case.run(name, reason="").state == target


def test_an_inactive_agent_may_nothing():
    case = Case("offer")
    case.people["hr"].is_active = False
    with pytest.raises(NotAllowed):
        case.run("close")


def test_a_move_that_fails_midway_changes_nothing(monkeypatch):
    """The state, the log and the effects stand or fall together."""
    case = Case("application")
    case.put_in("filed")
    monkeypatch.setattr("applications.filing.outbox.enqueue", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        case.run("admit")
    case.subject.refresh_from_db()
    assert case.subject.state == "filed"
    assert not case.subject.transitions.exists()


def test_logs_keep_their_subject():
    case = Case("offer")
    case.run("close")
    with pytest.raises(Exception, match=r"restricted|protected"):
        case.offer.delete()


# What blocks a publication or an extension


def test_a_month_of_publication_unless_a_reason_is_given():
    case = Case("offer")
    case.put_in("draft")
    Offer.objects.filter(pk=case.offer.pk).update(deadline=timezone.now() + timedelta(days=29))
    with pytest.raises(TransitionRefused, match="moins d’un mois"):
        case.run("publish", reason="")
    assert case.run("publish", reason="Poste vacant.").published_at is not None


@pytest.mark.parametrize(
    ("deadline", "told"),
    [
        (None, "Date limite de candidature\u00a0: Ce champ est à compléter"),
        (timezone.now() - timedelta(days=1), "elle est déjà passée"),
    ],
)
def test_a_publication_needs_a_deadline_ahead(deadline, told):
    case = Case("offer")
    case.put_in("draft")
    Offer.objects.filter(pk=case.offer.pk).update(deadline=deadline)
    with pytest.raises(TransitionRefused, match=told):
        case.run("publish")


def test_a_publication_needs_valid_parameters():
    case = Case("offer")
    case.put_in("draft")
    Offer.objects.filter(pk=case.offer.pk).update(parameters={"minimum_ambulatory": "beaucoup"})
    with pytest.raises(TransitionRefused, match="Part minimale"):
        case.run("publish")


def test_an_extension_only_goes_forward():
    case = Case("offer")
    offer = case.offer
    for deadline in (offer.deadline, offer.deadline - timedelta(days=1)):
        with pytest.raises(TransitionRefused, match="doit suivre"):
            case.workflow.run(offer, "extend", actor=case.people["hr"], reason="Non.", deadline=deadline)


def test_an_offer_past_its_deadline_is_extended_rather_than_reopened():
    case = Case("offer")
    case.put_in("closed")
    Offer.objects.filter(pk=case.offer.pk).update(deadline=timezone.now() - timedelta(days=1))
    with pytest.raises(TransitionRefused, match="reportez-la"):
        case.run("reopen")


def test_an_offer_does_not_expire_before_its_deadline():
    case = Case("offer")
    with pytest.raises(TransitionRefused, match="n’est pas passée"):
        case.run("expire")


# Whatever is tried, in whatever order


@given(moves=st.lists(st.sampled_from([*ANNEXES]), max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_series_of_moves_stays_on_the_table(moves):
    """An annex goes from state to state along the table alone, and its log tells the whole way."""
    with transaction.atomic():
        case = Case("annex")
        state, way = "to_send", []
        for name in moves:
            sources, target, *_ = ANNEXES[name]
            if state == "to_send":
                make.named_annex(case.application)
            try:
                case.run(name)
            except TransitionRefused:
                # What is signed is done again in its own manner: online over online, paper over paper.
                assert state not in sources or (state == "signed" and name in {"sign_on_paper", "confirm", "carry"})
            else:
                assert state in sources
                way.append((name, state, target))
                state = target
        case.subject.refresh_from_db()
        assert case.subject.state == state
        assert [(entry.name, entry.source, entry.target) for entry in case.subject.transitions.all()] == way
        transaction.set_rollback(True)
