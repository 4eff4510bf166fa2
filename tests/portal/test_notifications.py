"""The outbox: a mail is a row of its event's transaction, and leaves once."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from datetime import timedelta
from email.message import EmailMessage

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone
from django.utils.html import escape
from kombu import pools

from applications import answering, circuit, lifecycle
from applications.models import Application
from dossiers import signing
from dossiers.answers import save_answers
from offers import lifecycle as offer_lifecycle
from portal.celery import app
from portal.embedded.processes import free_port
from portal.notifications import outbox, tasks
from portal.notifications.models import Mail
from portal.notifications.tasks import MAX_ATTEMPTS, delay, drain_outbox
from tests import factories as make

pytestmark = pytest.mark.django_db
State = Mail.State


def write(recipient: str = "personne@example.org", **changes) -> Mail:
    mail = outbox.enqueue_rendered(kind="essai", recipient=recipient, subject="Objet", text="Texte.\n")
    Mail.objects.filter(pk=mail.pk).update(**changes)
    return mail


def text_of(message: EmailMessage) -> str:
    return message.get_body(("plain",)).get_content()


# In the transaction of its event


def test_no_event_no_mail():
    """What is rolled back was never said."""
    application = make.ApplicationFactory()
    annex = make.named_annex(application)
    with transaction.atomic():
        circuit.invite(annex, actor=application.candidate)
        assert Mail.objects.filter(kind="signatory_request").count() == 1
        transaction.set_rollback(True)
    assert not Mail.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_worker_is_woken_once_when_the_event_is_certain(monkeypatch):
    woken = []
    monkeypatch.setattr(drain_outbox, "delay", lambda: woken.append(True))
    with transaction.atomic():
        write()
        with transaction.atomic():
            write()
        write()
        assert woken == []
    assert woken == [True]
    write()
    assert woken == [True, True]


@pytest.mark.django_db(transaction=True)
def test_what_is_undone_wakes_nobody_but_what_stays_does(monkeypatch):
    woken = []
    monkeypatch.setattr(drain_outbox, "delay", lambda: woken.append(True))
    with transaction.atomic():
        with transaction.atomic():
            write()
            transaction.set_rollback(True)
        write()
    assert woken == [True]


@pytest.fixture
def silent_server():
    """It takes no connection and refuses none: a machine that is gone."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as waiting:
        for _ in range(4):  # its queue is full
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["refusing", "silent"])
def test_a_broker_that_is_away_delays_and_breaks_nothing(kind, silent_server, monkeypatch, smtp_sink, caplog):
    """The dossier is filed, the person goes on; the mail leaves with the next sweep."""
    application = make.complete(make.ApplicationFactory())
    drain_outbox()
    smtp_sink.clear()
    port = silent_server if kind == "silent" else free_port()
    away = pools.producers[app.connection_for_write(f"redis://127.0.0.1:{port}/0")]
    monkeypatch.setattr(app.amqp, "_producer_pool", away)
    began = time.monotonic()
    filed = make.file_now(application)
    assert filed.state == Application.State.FILED
    assert time.monotonic() - began < 4  # nobody waits long for a broker that is away
    assert "The broker did not take the wake-up" in caplog.text
    monkeypatch.undo()
    drain_outbox()
    told = {message["X-Envelope-To"] for message in smtp_sink.messages}
    assert {application.candidate.email, application.offer.service_email} <= told


def test_a_kind_that_nobody_writes_is_refused():
    with pytest.raises(LookupError):
        outbox.enqueue("inconnu", "a@example.org", {})


# Sending


def test_a_mail_leaves_once_and_its_payload_is_forgotten(smtp_sink):
    mail = write()
    assert drain_outbox() == 1
    assert drain_outbox() == 0
    [message] = smtp_sink.sent_to("personne@example.org")
    mail.refresh_from_db()
    assert (mail.state, mail.payload, mail.attempts, mail.last_error) == (State.SENT, {}, 1, "")
    assert mail.sent_at is not None
    assert mail.subject == message["Subject"] == "Objet"
    assert message["Message-ID"] == mail.message_id
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["From"] == django_settings.DEFAULT_FROM_EMAIL


def test_a_mail_to_come_waits(smtp_sink):
    write(next_attempt_at=timezone.now() + timedelta(minutes=1))
    assert drain_outbox() == 0


def test_the_oldest_leave_first(smtp_sink):
    for number in range(3):
        write(f"personne{number}@example.org", next_attempt_at=timezone.now() - timedelta(minutes=number))
    drain_outbox()
    assert [message["To"] for message in smtp_sink.messages] == [
        f"personne{number}@example.org" for number in (2, 1, 0)
    ]


@pytest.fixture
def refusing(smtp_sink, monkeypatch):
    """The server answers this for each recipient whose address begins with `inconnu`; empty: it takes them."""

    def answer(code: str) -> None:
        async def refuse(self, server, session, envelope, address, options):
            if code and address.startswith("inconnu"):
                return code
            envelope.rcpt_tos.append(address)
            return "250 OK"

        monkeypatch.setattr(type(smtp_sink), "handle_RCPT", refuse, raising=False)

    return answer


def test_without_the_mail_server_no_mail_loses_a_try(smtp_sink, caplog):
    before = [(mail.attempts, mail.next_attempt_at, mail.state) for mail in (write(), write())]
    with override_settings(EMAIL_HOST="127.0.0.1", EMAIL_PORT=free_port()):
        assert drain_outbox() == 0
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "The mail server does not answer" in caplog.text
    assert [(mail.attempts, mail.next_attempt_at, mail.state) for mail in Mail.objects.order_by("pk")] == before
    assert drain_outbox() == 2
    assert len(smtp_sink.messages) == 2


def test_with_nothing_to_send_the_mail_server_is_not_asked(smtp_sink, caplog):
    with override_settings(EMAIL_HOST="127.0.0.1", EMAIL_PORT=free_port()):
        assert drain_outbox() == 0
    assert not caplog.records


def test_a_refused_mail_is_tried_again_ever_more_rarely_then_sent(smtp_sink, refusing):
    refusing("450 Plus tard")
    mail = write("inconnu@example.org")
    waits = []
    for _ in range(4):
        Mail.objects.update(next_attempt_at=timezone.now())
        assert drain_outbox() == 1
        mail.refresh_from_db()
        assert mail.state == State.PENDING
        waits.append((mail.next_attempt_at - timezone.now()).total_seconds())
    assert "450" in mail.last_error
    for wait, expected in zip(waits, [30, 60, 120, 240], strict=True):
        assert expected * 0.75 < wait < expected * 1.25
    refusing("")
    Mail.objects.update(next_attempt_at=timezone.now())
    drain_outbox()
    mail.refresh_from_db()
    assert mail.state == State.SENT


def test_it_is_tried_for_about_three_days():
    lasting = timedelta(seconds=sum(delay(attempts) for attempts in range(1, MAX_ATTEMPTS)))
    assert timedelta(days=2, hours=20) < lasting < timedelta(days=3, hours=8)


def test_it_gives_up_in_the_end_and_can_be_tried_again(client, smtp_sink, refusing, caplog):
    refusing("450 Plus tard")
    make.invited_annex(make.ApplicationFactory())
    mail = Mail.objects.get()
    Mail.objects.update(recipient="inconnu@example.org", attempts=MAX_ATTEMPTS - 1)
    drain_outbox()
    mail.refresh_from_db()
    assert mail.state == State.FAILED
    assert mail.payload
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    refusing("")
    client.force_login(make.UserFactory(is_staff=True, is_superuser=True))
    client.post("/gestion/notifications/mail/", {"action": "retry", "_selected_action": [mail.pk]})
    drain_outbox()
    mail.refresh_from_db()
    assert mail.state == State.SENT


def test_words_that_are_given_up_are_forgotten(smtp_sink, refusing):
    """They may hold a code or a link to a new password."""
    refusing("550 Inconnu")
    mail = write("inconnu@example.org")
    drain_outbox()
    mail.refresh_from_db()
    assert (mail.state, mail.payload) == (State.BOUNCED, {})


def test_nothing_is_locked_while_a_mail_is_written(transactional_db, smtp_sink, monkeypatch):
    states = []
    monkeypatch.setitem(
        outbox.kinds, "essai", outbox.Kind(lambda payload: states.append(watch()) or outbox.Letter("O", "T"))
    )

    def watch():
        unlocked = Mail.objects.select_for_update(nowait=True)
        in_transaction = connection.in_atomic_block
        with transaction.atomic():
            mail = unlocked.get()
        return in_transaction, mail.attempts, mail.next_attempt_at > timezone.now() + timedelta(minutes=9)

    write()
    assert drain_outbox() == 1
    assert states == [(False, 1, True)]


def test_a_mail_that_kills_its_worker_lets_the_others_go_and_is_given_up(smtp_sink, monkeypatch):
    def killed(payload):
        raise SystemExit

    monkeypatch.setitem(outbox.kinds, "mortel", outbox.Kind(killed, priority=outbox.NOW))
    deadly = outbox.enqueue("mortel", "a@example.org", {"essai": 1})
    fine = write()
    with pytest.raises(SystemExit):
        drain_outbox()
    deadly.refresh_from_db()
    assert (deadly.state, deadly.attempts) == (State.PENDING, 1)
    assert drain_outbox() == 1
    fine.refresh_from_db()
    assert fine.state == State.SENT
    Mail.objects.filter(pk=deadly.pk).update(attempts=MAX_ATTEMPTS, next_attempt_at=timezone.now())
    drain_outbox()
    deadly.refresh_from_db()
    assert deadly.state == State.FAILED


def test_a_long_queue_is_shared_out_over_several_tasks(smtp_sink, monkeypatch):
    woken = []
    monkeypatch.setattr(tasks, "BATCH_SECONDS", 0)
    monkeypatch.setattr(drain_outbox, "delay", lambda: woken.append(True))
    write()
    write()
    assert (drain_outbox(), woken) == (1, [True])
    assert (drain_outbox(), woken) == (1, [True])  # nothing is left: nobody is woken


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("550 5.1.1 Inconnu", State.BOUNCED),
        ("550 Inconnu", State.BOUNCED),
        ("554 5.7.1 Relais interdit", State.PENDING),
        ("450 Plus tard", State.PENDING),
    ],
)
def test_an_address_that_the_server_refuses(smtp_sink, refusing, code, state):
    refusing(code)
    mail = write("inconnu@example.org")
    fine = write("connu@example.org")
    assert drain_outbox() == 2
    mail.refresh_from_db()
    fine.refresh_from_db()
    assert mail.state == state
    assert code.split()[0] in mail.last_error
    assert fine.state == State.SENT  # the others are not held up


def test_a_letter_that_cannot_be_written_does_not_hold_up_the_others(smtp_sink):
    broken = outbox.enqueue("admissible", "a@example.org", {"application": "pas-un-identifiant"})
    write()
    assert drain_outbox() == 2
    broken.refresh_from_db()
    assert broken.state == State.PENDING
    assert broken.last_error
    assert len(smtp_sink.messages) == 1


# What no longer makes sense is dropped


def obsolete(mail: Mail) -> bool:
    mail.refresh_from_db()
    return mail.state == State.DROPPED and mail.last_error.startswith("Sans objet") and mail.payload == {}


def test_a_request_that_was_withdrawn_is_not_sent(smtp_sink):
    application = make.ApplicationFactory()
    annex = make.invited_annex(application)
    request = Mail.objects.get(kind="signatory_request")
    circuit.replace(annex, actor=application.candidate)
    drain_outbox()
    assert obsolete(request)
    assert [mail["Subject"].strip() for mail in smtp_sink.messages] == [
        f"Votre avis n’est plus demandé : candidature de {application.candidate.get_full_name()}"
    ]


def test_a_request_that_is_answered_already_is_not_sent(smtp_sink):
    make.signed_annex(make.ApplicationFactory())
    drain_outbox()
    assert obsolete(Mail.objects.get(kind="signatory_request"))


def test_news_of_a_refusal_are_not_sent_once_another_person_is_asked(smtp_sink):
    """Written at the moment of sending, it would name nobody, or the wrong person."""
    application = make.ApplicationFactory()
    annex = answering.decline(make.invited_annex(application), "Absence.")
    circuit.replace(annex, actor=application.candidate)
    drain_outbox()
    assert obsolete(Mail.objects.get(kind="annex_declined"))


def test_a_reminder_of_a_dossier_that_is_filed_is_not_sent(smtp_sink):
    application = make.ApplicationFactory()
    reminder = outbox.enqueue("candidate_reminder", "a@example.org", {"application": str(application.pk)})
    lifecycle.WORKFLOW.run(application, "withdraw", actor=application.candidate)
    drain_outbox()
    assert obsolete(reminder)


# What the letters say


def test_every_letter_has_a_text_and_the_same_words_in_html(smtp_sink):
    """All the mails of a whole life: each is written, in plain text and in HTML, with absolute links."""
    hr = make.MembershipFactory()
    offer = make.OfferFactory(institution=hr.institution, title="Poste <b>partagé</b> & associé")
    application = make.complete(make.ApplicationFactory(offer=offer, candidate__first_name="Zoé & Cie"))
    application = make.file_now(application)
    for name in ("refuse", "admit", "accept"):
        lifecycle.WORKFLOW.run(application, name, actor=hr.user, reason="Un motif & un autre.")
    other = make.ApplicationFactory(offer=offer)
    annex = make.invited_annex(other)
    drain_outbox()
    Mail.objects.update(sent_at=timezone.now() - timedelta(days=1))  # nobody is reminded of what was just asked
    outbox.enqueue("signatory_reminder", "s@example.org", {"annex": str(annex.pk), "link_hash": annex.link_hash})
    outbox.enqueue("candidate_reminder", "c@example.org", {"application": str(other.pk)})
    left_out = [["CV – cv.pdf", "fichier illisible"]]
    outbox.enqueue("bundle_incomplete", "r@example.org", {"application": str(application.pk), "left_out": left_out})
    third = make.ApplicationFactory(offer=offer)
    answering.decline(make.invited_annex(third), "Absence.")
    fourth = make.filed(make.ApplicationFactory(offer=offer))
    lifecycle.WORKFLOW.run(fourth, "withdraw", actor=fourth.candidate)
    fifth = make.ApplicationFactory(offer=offer)
    circuit.replace(make.invited_annex(fifth), actor=fifth.candidate)
    later = offer.deadline + timedelta(days=7)
    offer_lifecycle.WORKFLOW.run(offer, "extend", actor=hr.user, reason="Un motif.", deadline=later)
    make.filed(make.ApplicationFactory(offer=offer))
    outbox.enqueue("to_check_reminder", "h@example.org", {"offer": offer.pk})
    seat = make.SeatFactory(commission=make.CommissionFactory(offers=[offer]))
    session = make.SessionFactory(commission=seat.commission, starts_at=timezone.now() + timedelta(days=7))
    item = session.agenda.create(application=application, rapporteur=seat.user)
    outbox.enqueue("rapporteur_reminder", "m@example.org", {"item": item.pk, "member": seat.user_id})
    outbox.enqueue("session_reminder", "m@example.org", {"session": session.pk, "member": seat.user_id})
    sixth = make.invited_annex(make.ApplicationFactory(offer=offer))
    circuit.note_bounce(Mail.objects.get(kind="signatory_request", thread=sixth.dossier_id))
    seventh = make.invited_annex(make.ApplicationFactory(offer=offer))
    seventh = answering.hand_over(seventh, make.SIGNATORY | {"signatory_email": "autre@example.org"})
    answering.ask_code(seventh)
    answering.ask_question(seventh, "Quel jour ?")
    circuit.answer_question(answering.ask_question(seventh, "Quelle heure ?"), "Midi.")
    eighth = make.complete(make.ApplicationFactory(offer=offer))
    raw = eighth.dossier.answers.get(section="life_project").raw
    save_answers(eighth.dossier, "life_project", raw | {"life_project": "Un autre projet."})
    circuit.ask_confirmation(eighth.dossier.annexes.get(), actor=eighth.candidate)
    drain_outbox()

    unsent = Mail.objects.exclude(state=State.SENT).exclude(last_error__startswith="Sans objet")
    assert [(mail.kind, mail.last_error) for mail in unsent] == []
    sent = {mail.message_id: mail.kind for mail in Mail.objects.filter(state=State.SENT)}
    # tested with what sends them
    elsewhere = {"requirements_changed", "late_answer_for_hr", "request_superseded", "rapporteur_aside_for_hr"}
    modules = {f"applications.{name}" for name in ("mails", "offer_mails", "service_mails", "circuit_mails")}
    ours = {name for name, kind in outbox.kinds.items() if kind.write.__module__ in modules}
    assert set(sent.values()) >= ours - elsewhere
    for message in smtp_sink.messages:
        kind = sent[message["Message-ID"]]
        text, html = text_of(message), message.get_body(("html",)).get_content()
        assert "{{" not in text + html, kind
        assert "{%" not in text + html, kind
        assert "None" not in text, kind
        assert "\n\n\n" not in text, kind
        assert "Poste <b>" not in html, kind
        for address in [line for line in text.splitlines() if "://" in line]:
            assert address.startswith(django_settings.SITE_URL), kind
            assert f'href="{escape(address)}"' in html, kind


def test_the_receipt_comes_with_its_document(smtp_sink):
    application = make.filed(make.ApplicationFactory())
    drain_outbox()
    [message] = [mail for mail in smtp_sink.sent_to(application.candidate.email) if "Accusé" in mail["Subject"]]
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == f"accuse-reception-{application.number}.pdf"
    assert attachment.get_content().startswith(b"%PDF-")
    assert application.number in text_of(message)
    assert application.offer.service_phone in text_of(message)


def test_the_receipt_leaves_without_its_document_where_that_cannot_be_made(smtp_sink, monkeypatch, caplog):
    """The law asks for the receipt; the document can be fetched later."""
    application = make.filed(make.ApplicationFactory())
    monkeypatch.setattr(default_storage._wrapped, "bucket_name", "compartiment-disparu")
    monkeypatch.setattr(default_storage._wrapped, "_bucket", None)
    drain_outbox()
    [message] = [mail for mail in smtp_sink.sent_to(application.candidate.email) if "Accusé" in mail["Subject"]]
    assert list(message.iter_attachments()) == []
    assert "se télécharge sur la page de votre candidature" in text_of(message)
    assert "leaves without its document" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_the_receipt_waits_a_moment_for_the_worker_that_is_rendering(smtp_sink):
    application = make.filed(make.ApplicationFactory())
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            other.set_autocommit(False)
            cursor.execute("SELECT 1 FROM dossiers_frozendossier FOR NO KEY UPDATE")
            drain_outbox()
            other.rollback()
    finally:
        other.close()
    mail = Mail.objects.get(kind="receipt")
    assert (mail.state, mail.attempts, mail.last_error) == (State.PENDING, 0, "")
    Mail.objects.filter(pk=mail.pk).update(next_attempt_at=timezone.now())
    drain_outbox()
    [message] = [mail for mail in smtp_sink.sent_to(application.candidate.email) if "Accusé" in mail["Subject"]]
    assert len(list(message.iter_attachments())) == 1


def test_a_name_cannot_add_headers(smtp_sink):
    application = make.ApplicationFactory(candidate__last_name="Exemple\nBcc: victime@example.org")
    make.invited_annex(application)
    drain_outbox()
    assert {message["X-Envelope-To"] for message in smtp_sink.messages} == {"direction@example.org"}
    assert not any(message["Bcc"] for message in smtp_sink.messages)


def test_the_link_is_in_the_mail_alone(smtp_sink):
    """The row never held it: the worker derives it at the moment of sending."""
    annex = make.invited_annex(make.ApplicationFactory())
    link = signing.link_secret(annex)
    assert link not in str(list(Mail.objects.values()))
    drain_outbox()
    assert link not in str(list(Mail.objects.values()))
    [message] = smtp_sink.messages
    assert f"{django_settings.SITE_URL}/avis/{link}/" in text_of(message)
