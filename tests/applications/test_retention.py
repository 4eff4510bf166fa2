"""What the page « Données personnelles » promises: what led nowhere goes after two years, files and mails with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from applications import documents, erasure, lifecycle, reopening, retention
from applications.models import (
    AgendaItem,
    Application,
    ApplicationTransition,
    Decision,
    Digest,
    ErasedCount,
    Receipt,
    Recusal,
    Review,
)
from dossiers.models import (
    Annex,
    Document,
    Dossier,
    FrozenDossier,
    Piece,
    PrintingTries,
    SafeCopy,
    SectionAnswers,
    SignOff,
)
from portal.notifications.models import Mail
from tests import factories as make

DAY = timedelta(days=1)
HELD = (Application, ApplicationTransition, Receipt, Decision, AgendaItem, Review, Recusal)
HELD += (Dossier, SectionAnswers, Piece, Annex, SignOff, FrozenDossier, Document, PrintingTries, Mail)


def manager(application: Application):
    return make.MembershipFactory(institution=application.offer.institution).user


def rejected(application: Application | None = None) -> Application:
    application = make.filed(application or make.ApplicationFactory())
    actor = manager(application)
    make.admit(application, actor)
    return lifecycle.WORKFLOW.run(application, "reject", actor=actor, reason="Un autre profil a été retenu.")


def on_the_agenda(application: Application, starts_at) -> AgendaItem:
    commission = make.CommissionFactory(institution=application.offer.institution)
    session = commission.sessions.create(starts_at=starts_at)
    return AgendaItem.objects.create(session=session, application=application, reasons="Un avis.")


def test_a_rejected_candidacy_goes_after_two_years_with_all_that_it_holds(transactional_db):
    application = rejected()
    member = make.UserFactory()
    item = on_the_agenda(application, timezone.now())
    Review.objects.create(application=application, member=member, opinion="favorable", reasons="Bien.")
    Recusal.objects.create(application=application, member=make.UserFactory(), reason="Un lien.")
    for kind in documents.due(application):
        documents.obtain(application, kind)
    PrintingTries.objects.create(frozen=application.dossier.frozen, kind=Document.Kind.BUNDLE, edition=1)
    files = [*Document.objects.values_list("file", flat=True), *Piece.objects.values_list("file", flat=True)]
    files += [name for piece in Piece.objects.all() for name in piece.safe_copy.stored]
    assert len(files) > 4
    assert Mail.objects.filter(thread=application.dossier_id).exists()
    assert retention.erase(timezone.now() + 729 * DAY) == 0
    assert Application.objects.exists()
    assert retention.erase(timezone.now() + 731 * DAY) == 1
    for model in HELD:
        assert not model.objects.exists(), model
    assert not any(default_storage.exists(name) for name in files)
    assert item.session.agenda.count() == 0
    [count] = ErasedCount.objects.all()
    assert (count.offer, count.ended, count.filed, count.number) == (application.offer, "rejected", True, 1)
    assert retention.erase(timezone.now() + 731 * DAY) == 0


@pytest.mark.parametrize(
    ("move", "goes"), [("withdraw", True), ("refuse", True), ("admit", False), ("accept", False), (None, False)]
)
def test_what_is_decided_otherwise_or_not_at_all_stays(db, move, goes):
    application = make.filed(make.ApplicationFactory())
    actor = application.candidate if move == "withdraw" else manager(application)
    if move == "accept":
        make.admit(application, actor)
    if move:
        lifecycle.WORKFLOW.run(application, move, actor=actor, reason="Un motif.")
    assert retention.erase(timezone.now() + 731 * DAY) == goes
    assert Application.objects.exists() != goes


def test_one_that_moved_since_stays(db):
    application = rejected()
    ApplicationTransition.objects.filter(name="reject").update(at=timezone.now() + 400 * DAY)
    assert retention.erase(timezone.now() + 1100 * DAY) == 0
    assert retention.erase(timezone.now() + 1131 * DAY) == 1
    assert not Dossier.objects.filter(pk=application.dossier_id).exists()


def test_one_that_a_session_to_come_is_about_stays(db):
    application = rejected()
    later = timezone.now() + 800 * DAY
    on_the_agenda(application, later)
    assert retention.erase(later - DAY) == 0
    assert retention.erase(later + DAY) == 1


@pytest.mark.parametrize("is_filed", [True, False])
def test_one_that_was_replaced_goes_after_the_other(transactional_db, is_filed):
    former = make.filed(make.ApplicationFactory())
    new = reopening.reopen(former)
    if is_filed:
        new = make.file_now(new)
        lifecycle.WORKFLOW.run(new, "refuse", actor=manager(new), reason="Un motif.")
    else:  # never filed: nobody announces a second draft
        lifecycle.WORKFLOW.run(former, "refuse", actor=manager(former), reason="Un motif.")
    later = timezone.now() + 731 * DAY
    files = list(Piece.objects.values_list("file", flat=True))
    assert retention.erase(later) == 1
    assert Application.objects.get() == former
    assert SignOff.objects.get().annex.dossier_id == former.dossier_id
    assert all(default_storage.exists(piece.file.name) for piece in former.dossier.pieces.all())  # shared bytes
    assert retention.erase(later) == 1
    assert not Application.objects.exists()
    assert not any(default_storage.exists(name) for name in files)


def test_killed_halfway_it_begins_again(transactional_db, monkeypatch):
    rejected()
    later = timezone.now() + 731 * DAY
    with monkeypatch.context() as killed:
        killed.setattr(erasure, "erase_dossier", lambda dossier: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            retention.erase(later)
    assert Receipt.objects.exists()
    assert not ErasedCount.objects.exists()
    assert all(default_storage.exists(piece.file.name) for piece in Piece.objects.all())
    assert retention.erase(later) == 1
    assert ErasedCount.objects.get().number == 1


def test_mails_about_no_dossier_and_digests_are_forgotten(db):
    application = make.filed(make.ApplicationFactory())
    kept = set(Mail.objects.filter(thread=application.dossier_id))
    sent = Mail.objects.create(kind="hr_digest", recipient="rh@example.org", state=Mail.State.SENT)
    waiting = Mail.objects.create(kind="hr_digest", recipient="rh@example.org")
    Digest.objects.create(kind="hr_digest", recipient="rh@example.org", week=timezone.localdate(), mail=sent)
    retention.forget_mails(timezone.now() + 364 * DAY)
    assert (Mail.objects.filter(thread=None).count(), Digest.objects.count()) == (2, 1)
    retention.forget_mails(timezone.now() + 366 * DAY)
    assert set(Mail.objects.all()) == {*kept, waiting}
    assert not Digest.objects.exists()


def test_the_page_says_what_the_code_does(client, settings):
    page = client.get("/donnees-personnelles/").content.decode().replace("&nbsp;", " ")
    assert settings.DOSSIER_KEPT_DAYS <= 730
    assert "deux ans au plus après son dernier mouvement" in page
    assert f"{settings.DRAFT_KEPT_DAYS} jours sans que personne n’y touche" in page
    assert f"{settings.MAIL_KEPT_DAYS} jours" in page


def test_one_that_cannot_go_holds_up_no_other(transactional_db, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 1)
    stuck, _ = rejected(), rejected()
    SafeCopy.objects.filter(piece__dossier=stuck.dossier).delete()
    assert retention.erase(timezone.now() + timedelta(days=731)) == 1
    assert list(Application.objects.values_list("pk", flat=True)) == [stuck.pk]
