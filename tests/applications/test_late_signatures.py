"""Opinions that follow the filing, where the offer lets them: until when, and without touching what was filed."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta

import pypdfium2
import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from applications import answering, circuit, documents, late_signatures, tasks, verification
from applications.models import Application, Receipt
from dossiers import signing
from dossiers.models import Annex, Document, Dossier, FrozenDossier, SignOff
from offers import lifecycle as offer_lifecycle
from offers.campaigns import next_campaign
from offers.models import Offer
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from portal.workflow import TransitionRefused
from tests import factories as make
from tests.applications.test_concurrency import at_once, kinds
from tests.factories import PARIS, end_of_day

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
DEADLINE = end_of_day(date(2026, 10, 20))
UNTIL = end_of_day(date(2026, 10, 25))  # the day of 25 hours


def text_of(mail) -> str:
    return mail.get_body(("plain",)).get_content()


def waiting(deadline: datetime | None = DEADLINE, until: datetime | None = UNTIL) -> Application:
    """Complete, but for the opinion that was asked."""
    application = make.ApplicationFactory()
    make.fill_sections(application)
    make.fill_pieces(application)
    make.invited_annex(application)
    Offer.objects.filter(pk=application.offer_id).update(deadline=deadline, signatures_until=until)
    return Application.objects.get(pk=application.pk)


def filed_without(until: datetime | None = None) -> tuple[Application, Annex]:
    """Filed today, its opinion awaited for two days."""
    now = timezone.now().replace(microsecond=0)
    application = make.file_now(waiting(now + timedelta(days=1), until or now + timedelta(days=2)))
    return application, Annex.objects.get(dossier=application.dossier_id)


def manager(application: Application):
    return make.MembershipFactory(institution=application.offer.institution).user


# Filing


def test_everything_is_signed_before_filing_unless_the_offer_says_so():
    application = waiting(until=None)
    with time_machine.travel(DEADLINE, tick=False), pytest.raises(TransitionRefused, match="n’est pas signée"):
        make.file_now(application)


def test_a_dossier_whose_opinion_was_asked_is_filed_and_says_until_when_it_waits():
    application = waiting()
    with time_machine.travel(DEADLINE + 0.9 * SECOND, tick=False):
        application = make.file_now(application)
    assert Annex.objects.get().late
    [line] = Receipt.objects.get().content["annexes"]
    assert line.endswith("(avis de Direction de l’hôpital attendu jusqu’au 25 octobre 2026 à 23:59:59)")
    frozen = FrozenDossier.objects.get().content
    assert [annex["awaited"] for annex in frozen["annexes"]] == [True]
    assert frozen["context"]["signatures_until_display"] == "25 octobre 2026 à 23:59:59"


def test_the_printed_dossier_says_until_when_an_opinion_is_awaited():
    application = filed_without()[0]
    with documents.obtain(application, Document.Kind.DOSSIER).file.open("rb") as file:
        pdf = pypdfium2.PdfDocument(file.read())
    text = " ".join(" ".join(page.get_textpage().get_text_range() for page in pdf).split())
    assert "avis attendu jusqu’au" in text


def test_a_second_after_the_deadline_nothing_is_filed():
    application = waiting()
    with time_machine.travel(DEADLINE + SECOND, tick=False), pytest.raises(TransitionRefused, match="date limite"):
        make.file_now(application)


@pytest.mark.parametrize("state", [Annex.State.TO_SEND, Annex.State.DECLINED, Annex.State.BOUNCED])
def test_an_opinion_that_nobody_was_asked_for_still_blocks(state):
    application = waiting()
    Annex.objects.update(state=state)
    with time_machine.travel(DEADLINE, tick=False), pytest.raises(TransitionRefused, match="n’est pas signée"):
        make.file_now(application)


def test_a_missing_piece_still_blocks():
    application = waiting()
    application.dossier.pieces.filter(key="cv").delete()
    with time_machine.travel(DEADLINE, tick=False), pytest.raises(TransitionRefused, match="CV"):
        make.file_now(application)


def test_the_page_offers_to_file(client):
    application = waiting()
    client.force_login(application.candidate)
    with time_machine.travel(DEADLINE - timedelta(days=1), tick=False):
        client.force_login(application.candidate)
        page = client.get(reverse("applications:detail", args=[application.pk])).content.decode()
        assert "Relire et déposer" in page
        assert "25 octobre 2026 à 23:59:59" in page
        recap = reverse("applications:recap", args=[application.pk])
        assert "attendu" in client.get(recap).content.decode()
        assert client.post(recap, {"certified": "on"}).status_code == 302
        assert "25 octobre 2026 à 23:59:59" in client.get(application.get_absolute_url()).content.decode()


# Signing afterwards


@pytest.mark.parametrize("day", ["2026-07-15", "2026-10-25", "2027-03-28"])
@pytest.mark.parametrize(("after", "counts"), [(0.9 * SECOND, True), (SECOND, False)])
def test_the_last_second_of_the_signatures_is_in_time(day, after, counts):
    until = end_of_day(date.fromisoformat(day))
    application = waiting(until - timedelta(days=5), until)
    with time_machine.travel(until - timedelta(days=6), tick=False):
        make.file_now(application)
    annex = Annex.objects.get()
    with time_machine.travel(until + after, tick=False):
        assert circuit.is_alive(annex) == counts
        if counts:
            make.sign(annex)
        else:
            with pytest.raises(TransitionRefused, match="date limite"):
                make.sign(annex)
    assert SignOff.objects.exists() == counts


def test_the_answer_that_arrived_in_time_counts_however_long_it_took():
    annex = filed_without()[1]
    until = annex.dossier.application.offer.signatures_until
    with time_machine.travel(until + timedelta(minutes=1), tick=False):
        answering.sign(annex, make.answer_to(annex), at=until)
    assert Annex.objects.get().state == Annex.State.SIGNED


def test_a_late_signature_leaves_what_was_filed_as_it_was(client):
    application, annex = filed_without()
    rows = lambda: [  # noqa: E731
        list(model.objects.order_by("pk").values()) for model in (FrozenDossier, Receipt, Dossier)
    ]
    before = rows()
    assert make.sign_through(client, annex).status_code == 302
    assert rows() == before
    late = SignOff.objects.get()
    assert late.annex_id == annex.pk
    assert late.signed_at > application.filed_at
    client.force_login(application.candidate)
    page = client.get(application.get_absolute_url()).content.decode()
    assert "reçue après le dépôt" in page
    assert late.reference in page
    drain_outbox()
    assert {"annex_signed", "signatory_copy"} <= set(Mail.objects.filter(state="sent").values_list("kind", flat=True))


def test_the_database_takes_the_answer_alone():
    annex = filed_without()[1]
    for change in ({"signatory_name": "Autre"}, {"key": "cht"}, {"late": False}):
        with pytest.raises(DatabaseError, match="nothing may change"), transaction.atomic():
            Annex.objects.filter(pk=annex.pk).update(**change)
    with pytest.raises(DatabaseError, match="nothing may change"), transaction.atomic():
        annex.delete()
    make.sign(annex)
    with pytest.raises(DatabaseError, match="nothing may change"), transaction.atomic():
        Annex.objects.filter(pk=annex.pk).update(state="sent")


def test_the_candidate_asks_nobody_else_any_more():
    application, annex = filed_without()
    for act in (circuit.replace, circuit.revoke):
        with pytest.raises(TransitionRefused, match="déposé"):
            act(annex, actor=application.candidate)


def test_the_signatorys_page_says_the_date_and_lets_decline(client):
    annex = filed_without()[1]
    page = client.get(reverse("signatory:annex", args=[signing.link_secret(annex)])).content.decode()
    assert "est déjà déposé" in page
    answering.decline(Annex.objects.get(), "Congé.")
    assert Annex.objects.get().state == Annex.State.DECLINED


def test_the_candidate_nudges_and_nobody_else(client):
    application, annex = filed_without()
    nudge = reverse("applications:annex_move", args=[application.pk, annex.key, "relancer"])
    client.force_login(make.UserFactory())
    assert client.post(nudge).status_code == 404
    client.force_login(application.candidate)
    with time_machine.travel(timezone.now() + timedelta(hours=13), tick=False):
        client.force_login(application.candidate)
        assert client.post(nudge).status_code == 302
    assert Annex.objects.get().renewed_at > annex.renewed_at
    other = reverse("applications:annex_move", args=[application.pk, annex.key, "remplacer"])
    client.post(other)
    assert Annex.objects.get().signatory_email == annex.signatory_email


@pytest.mark.parametrize("move", ["withdraw", "admit"])
def test_nothing_is_awaited_once_the_application_is_elsewhere(move):
    application, annex = filed_without()
    Application.objects.filter(pk=application.pk).update(
        state={"withdraw": Application.State.WITHDRAWN, "admit": Application.State.ADMISSIBLE}[move]
    )
    with pytest.raises(TransitionRefused, match="plus attendu"):
        make.sign(Annex.objects.get(pk=annex.pk))


def test_links_expire_with_the_signatures_not_with_the_deadline():
    annex = filed_without()[1]
    offer = annex.dossier.application.offer
    circuit.review_links(offer.deadline + SECOND)
    assert Annex.objects.get().is_waiting
    with time_machine.travel(offer.signatures_until + SECOND, tick=False):
        circuit.review_links()
    assert Annex.objects.get().state == Annex.State.EXPIRED


# HR and commission


def test_a_dossier_is_not_admitted_while_an_opinion_may_come():
    application, annex = filed_without()
    actor = manager(application)
    with pytest.raises(TransitionRefused, match="encore attendue de Direction de l’hôpital"):
        make.admit(application, actor)
    assert late_signatures.awaiting().get() == application
    make.sign(annex)
    assert not late_signatures.awaiting().exists()
    assert make.admit(application, actor).state == Application.State.ADMISSIBLE


def test_past_the_date_the_service_decides_without_it(client):
    application, annex = filed_without()
    actor = manager(application)
    until = annex.dossier.application.offer.signatures_until
    with time_machine.travel(until, tick=False), pytest.raises(TransitionRefused, match="encore attendue"):
        make.admit(application, actor)
    with time_machine.travel(until + SECOND, tick=False):
        client.force_login(actor)
        page = client.get(reverse("admin:applications_application_change", args=[application.pk])).content.decode()
        assert "manque" in page
        assert make.admit(application, actor).state == Application.State.ADMISSIBLE


def test_the_service_and_the_commission_read_the_late_opinion(client):
    application, annex = filed_without()
    actor = manager(application)
    client.force_login(actor)
    listed = reverse("admin:applications_application_changelist") + "?avis=attendus"
    assert application.candidate.last_name in client.get(listed).content.decode()
    page = reverse("admin:applications_application_change", args=[application.pk])
    assert "attendu jusqu’au" in client.get(page).content.decode()
    make.sign(annex, text="Un avis qui vient tard.")
    assert "Un avis qui vient tard." in client.get(page).content.decode()
    assert application.candidate.last_name not in client.get(listed).content.decode()
    make.admit(application, actor)
    seat = make.SeatFactory(commission=make.CommissionFactory(offers=[application.offer]))
    client.force_login(seat.user)
    page = client.get(reverse("commission:detail", args=[application.pk])).content.decode()
    assert "reçue après le dépôt" in page
    assert "Un avis qui vient tard." in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_a_late_signature_and_the_admission(attempt):
    """The admission comes after the signature, or is refused: never without an opinion that is then signed."""
    application, annex = filed_without()
    actor = manager(application)
    results = at_once(lambda: make.sign(annex), lambda: make.admit(application, actor))
    assert kinds(results)[Annex] == 1
    assert kinds(results)[Application] + kinds(results)[TransitionRefused] == 1
    assert SignOff.objects.count() == 1


# The offer


def test_the_service_is_told_next_to_the_field(client):
    offer = make.OfferFactory(draft=True)
    client.force_login(make.MembershipFactory(institution=offer.institution).user)
    day = timezone.localtime(offer.deadline).date().isoformat()
    data = {"deadline_0": day, "deadline_1": "23:59:59", "signatures_until_0": day, "signatures_until_1": "12:00:00"}
    response = client.post(reverse("admin:offers_offer_change", args=[offer.pk]), data)
    assert response.context["adminform"].form.errors["signatures_until"] == [
        "Elle doit suivre la date limite de candidature."
    ]


def test_the_signatures_follow_the_deadline():
    with pytest.raises(IntegrityError), transaction.atomic():
        make.OfferFactory(deadline=DEADLINE, signatures_until=DEADLINE)
    with pytest.raises(IntegrityError), transaction.atomic():
        make.OfferFactory(deadline=None, signatures_until=UNTIL)


def test_an_extension_leaves_signatories_as_many_days():
    now = timezone.now()
    offer = make.OfferFactory(deadline=end_of_day(date(2030, 10, 20)), signatures_until=end_of_day(date(2030, 10, 25)))
    actor = make.MembershipFactory(institution=offer.institution).user
    with time_machine.travel(now, tick=False):
        offer = offer_lifecycle.WORKFLOW.run(
            offer, "extend", actor=actor, reason="Report.", deadline=end_of_day(date(2030, 10, 24))
        )
    assert offer.signatures_until == datetime(2030, 10, 29, 23, 59, 59, tzinfo=PARIS)


def test_the_next_campaign_has_its_own_date():
    offer = make.OfferFactory(deadline=DEADLINE, signatures_until=UNTIL)
    copy = next_campaign(offer, reference="R-2", slug="r-2", deadline=end_of_day(date(2027, 10, 20)))
    assert copy.signatures_until == end_of_day(date(2027, 10, 25))
    assert next_campaign(offer, reference="R-3", slug="r-3", deadline=None).signatures_until is None


def test_the_rule_is_told_from_the_first_day(client, smtp_sink):
    until = end_of_day(timezone.localdate() + timedelta(days=70))
    offer = make.OfferFactory(signatures_until=until)
    said = date_format(until, "j F Y")
    client.force_login(make.UserFactory())
    for page in (offer.get_absolute_url(), reverse("applications:start", args=[offer.slug])):
        text = client.get(page).content.decode()
        assert f"{said} à 23:59:59" in text
    plain = make.OfferFactory()
    assert "avant le dépôt" in client.get(plain.get_absolute_url()).content.decode()
    make.invited_annex(make.ApplicationFactory(offer=offer))
    drain_outbox()
    [mail] = smtp_sink.sent_to("direction@example.org")
    assert "votre avis peut le suivre" in " ".join(text_of(mail).split())


# Who is told


def test_the_service_hears_of_each_answer_that_comes_after_the_filing(smtp_sink):
    application, annex = filed_without()
    make.sign(annex)
    drain_outbox()
    [message] = [message for message in smtp_sink.messages if str(message["Subject"]).startswith("Avis reçu")]
    assert message["To"] == application.offer.service_email
    assert "Plus aucun avis n’est attendu" in text_of(message)
    filed = [text_of(message) for message in smtp_sink.messages if "déposé :" in str(message["Subject"])]
    assert ["Il n’y manque qu" in text for text in filed] == [False]  # written when it leaves: the opinion has come
    assert Mail.objects.filter(kind="annex_signed", recipient=application.candidate.email).exists()


def test_the_service_hears_that_an_opinion_will_not_come_and_why(smtp_sink):
    application, annex = filed_without()
    drain_outbox()
    [filed] = [text_of(message) for message in smtp_sink.messages if "déposé :" in str(message["Subject"])]
    assert "Il n’y manque qu’un avis" in filed
    smtp_sink.messages.clear()
    answering.decline(annex, "Je pars demain.")
    drain_outbox()
    [message] = [message for message in smtp_sink.messages if message["To"] == application.offer.service_email]
    assert "Je pars demain." in text_of(message)


def test_the_service_hears_nothing_of_answers_before_the_filing():
    make.sign(make.invited_annex(make.ApplicationFactory()))
    assert not Mail.objects.filter(kind="late_answer_for_hr").exists()


# The volume


def volumes(application: Application) -> list[Document]:
    return list(Document.objects.filter(kind=Document.Kind.BUNDLE).order_by("edition"))


def printed_text(document: Document) -> str:
    with document.file.open("rb") as file, pypdfium2.PdfDocument(file.read()) as pdf:
        return "\n".join(page.get_textpage().get_text_bounded() for page in pdf)


def test_the_volume_is_made_again_once_with_the_opinion_that_came_later(client):
    application, annex = filed_without()
    tasks.render_documents(str(application.pk))
    (first,) = volumes(application)
    make.sign(annex, text="Un avis qui vient tard.")
    assert late_signatures.without_their_volume().get() == application
    for _ in range(2):
        tasks.render_missing_documents()
        tasks.render_documents(str(application.pk))
    former, latest = volumes(application)
    assert (former, latest.edition) == (first, 1)
    assert Document.objects.exclude(kind=Document.Kind.BUNDLE).count() == 2
    told = printed_text(latest)
    assert "Un avis qui vient tard." in told
    assert SignOff.objects.get().sha256[:32] in told
    assert "reçue après le dépôt" in told.replace("\r\n", " ")
    assert "Un avis qui vient tard." not in printed_text(former)
    client.force_login(application.candidate)
    page = client.get(reverse("applications:bundle", args=[application.pk]))
    assert hashlib.sha256(b"".join(page.streaming_content)).hexdigest() == latest.sha256
    assert verification.of_fingerprint(former.sha256).superseded_at == latest.rendered_at
    assert verification.of_fingerprint(latest.sha256).superseded_at is None


def test_the_sweep_makes_it_when_no_opinion_is_awaited_any_more():
    until = timezone.now().replace(microsecond=0) + timedelta(days=2)
    application = make.ApplicationFactory(offer__parameters={"annexes": ["hospital_director", "hospital_head"]})
    make.fill_sections(application)
    make.fill_pieces(application)
    for spec in application.dossier.spec.annexes:
        make.invited_annex(application, spec.key)
    Offer.objects.update(deadline=until - timedelta(days=1), signatures_until=until)
    application = make.file_now(Application.objects.get())
    tasks.render_documents(str(application.pk))
    one, *others = application.dossier.annexes.order_by("key")
    make.sign(one)
    assert late_signatures.received(application) == []
    assert not late_signatures.without_their_volume().exists()
    assert others
    past = timezone.now().replace(microsecond=0) - SECOND
    Offer.objects.update(deadline=past - SECOND, signatures_until=past)
    assert [found.annex_id for found in late_signatures.received(application)] == [one.pk]
    assert late_signatures.without_their_volume().get() == application
    assert documents.obtain(application, Document.Kind.BUNDLE).edition == 1
    assert not late_signatures.without_their_volume().exists()
