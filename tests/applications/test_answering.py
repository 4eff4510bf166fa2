"""What a signatory may do besides signing at once: interrupt, ask, hand over; and the code that signing takes."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from applications import answering, circuit, circuit_mails, lifecycle, samples
from applications.circuit import SIGNATORY_FIELDS
from dossiers import codes, signing
from dossiers.models import Annex, SigningCode, SignOff
from offers.models import Offer
from portal.french import of
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from portal.workflow import TransitionRefused
from tests import factories as make

pytestmark = pytest.mark.django_db

OTHER = dict(
    zip(SIGNATORY_FIELDS, ["Adjointe", "Directrice adjointe", "CH d’exemple", "adjointe@example.org"], strict=True)
)
TWO_ANNEXES = {"annexes": ["hospital_director", "hospital_head"]}


@pytest.fixture
def application():
    return make.ApplicationFactory(candidate__first_name="Zénobie")


@pytest.fixture
def annex(application):
    return make.invited_annex(application)


def address(annex: Annex, name: str = "annex") -> str:
    return reverse(f"signatory:{name}", args=[signing.link_secret(annex)])


def fresh(annex: Annex) -> Annex:
    return Annex.objects.get(pk=annex.pk)


def text_of(message) -> str:
    return message.get_body(("plain",)).get_content()


# The draft


def test_a_draft_is_kept_and_found_again(client, annex):
    response = client.post(address(annex, "draft"), {"text": "À moitié écrit", "annexe-establishment": "CHU"})
    assert "Brouillon gardé à" in response.json()["told"]
    kept = fresh(annex)
    assert (kept.state, kept.draft["text"]) == (Annex.State.IN_PROGRESS, "À moitié écrit")
    page = client.get(address(annex)).content.decode()
    assert "À moitié écrit" in page
    assert 'value="CHU"' in page


def test_the_button_keeps_it_without_script(client, annex):
    response = client.post(address(annex), {"text": "Un début", "later": "1"}, follow=True)
    assert "Votre brouillon est gardé" in response.content.decode()
    assert fresh(annex).draft["text"] == "Un début"
    assert not SigningCode.objects.exists()


def test_a_draft_survives_a_reminder_and_goes_with_the_signature(client, annex, application):
    client.post(address(annex, "draft"), {"text": "Un début\x00"})
    with time_machine.travel(timezone.now() + timedelta(hours=13), tick=False):
        circuit.resend(fresh(annex), actor=application.candidate)
    assert fresh(annex).draft["text"] == "Un début"
    make.sign_through(client, annex)
    assert fresh(annex).draft == {}


def test_nothing_is_kept_once_it_is_too_late(client, annex):
    make.sign_through(client, annex)
    assert client.post(address(annex, "draft"), {"text": "Après"}).status_code == 409


def test_the_candidate_does_not_read_the_draft(client, annex, application):
    client.post(address(annex, "draft"), {"text": "Pensée-secrète"})
    client.force_login(application.candidate)
    page = client.get(reverse("applications:annex", args=[application.pk, annex.key])).content.decode()
    assert "Réponse en cours" in page
    assert "Pensée-secrète" not in page


# The code


def test_signing_takes_the_code_sent_to_the_signatory(client, annex, smtp_sink):
    sheet = client.post(address(annex), make.signature_form(annex))["Location"]
    drain_outbox()
    [mail] = [mail for mail in smtp_sink.sent_to("direction@example.org") if "code" in mail["Subject"]]
    code = codes.code_of(annex.codes.get())
    assert code in text_of(mail)
    assert code not in mail["Subject"]
    shown = client.get(sheet).context["shown"]
    wrong = f"{(int(code) + 1) % 10**6:06}"
    refused = client.post(sheet, {"shown": shown, "code": wrong, "certified": "on"})
    assert "Encore 4 essais" in refused.content.decode()
    unticked = client.post(sheet, {"shown": shown, "code": code})
    assert "Cochez cette case pour signer" in unticked.content.decode()
    assert not SignOff.objects.exists()
    client.post(sheet, {"shown": shown, "code": f" {code[:3]} {code[3:]} ", "certified": "on"})
    sign_off = SignOff.objects.get()
    assert "code à usage unique" in sign_off.verified_by
    assert sign_off.content["signer"]["verified_by"] == sign_off.verified_by


def test_a_code_is_kept_nowhere(annex):
    answering.ask_code(annex)
    code = codes.code_of(annex.codes.get())
    with connection.cursor() as cursor:
        for table in ("dossiers_signingcode", "notifications_mail"):
            cursor.execute(f"SELECT string_agg(t::text, ' ') FROM \"{table}\" t")
            assert f" {code} " not in (cursor.fetchone()[0] or "")
            assert f'"{code}"' not in (cursor.fetchone() or "")


def test_a_code_lasts_a_quarter_of_an_hour_and_five_tries(annex):
    answering.ask_code(annex)
    code = annex.codes.get()
    with (
        time_machine.travel(timezone.now() + codes.LIFE + timedelta(seconds=1), tick=False),
        pytest.raises(codes.CodeRefused, match="plus valable"),
    ):
        codes.check(annex, codes.code_of(code))
    for _ in range(codes.ATTEMPTS):
        with pytest.raises(codes.CodeRefused):
            codes.check(annex, "")
    with pytest.raises(codes.CodeRefused, match="Trop d’essais"):
        codes.check(annex, codes.code_of(code))


def test_another_code_after_a_minute_makes_the_first_useless(annex, monkeypatch):
    answering.ask_code(annex)
    first = codes.code_of(annex.codes.get())
    with pytest.raises(codes.CodeRefused, match="Attendez une minute"):
        answering.ask_code(annex)
    with time_machine.travel(timezone.now() + codes.AGAIN_AFTER, tick=False):
        answering.ask_code(annex)
        second = codes.code_of(annex.codes.first())
        if first != second:
            with pytest.raises(codes.CodeRefused):
                codes.check(annex, first)
        assert codes.check(annex, second)


def test_codes_are_counted_by_the_day(annex):
    for number in range(codes.CODES_A_DAY):
        with time_machine.travel(timezone.now() + timedelta(minutes=2 * number), tick=False):
            answering.ask_code(annex)
    with (
        time_machine.travel(timezone.now() + timedelta(hours=2), tick=False),
        pytest.raises(codes.CodeRefused, match="demain"),
    ):
        answering.ask_code(annex)


# Handing over


def test_handing_over_leaves_a_trace_and_tells_everyone(client, annex, application, smtp_sink):
    former = address(annex)
    response = client.post(
        address(annex, "delegate"), {f"delegue-{name}": value for name, value in OTHER.items()}, follow=True
    )
    for page in (response, client.get(former)):
        assert page.status_code == 200
        assert "Vous avez confié cette demande à <strong>Adjointe" in page.content.decode()
        assert "ne fonctionne plus" not in page.content.decode()
    now = fresh(annex)
    assert (now.state, now.signatory_email) == (Annex.State.SENT, "adjointe@example.org")
    drain_outbox()
    [request] = smtp_sink.sent_to("adjointe@example.org")
    assert "Direction de l’hôpital (direction@example.org) vous confie" in text_of(request)
    [news] = smtp_sink.sent_to(application.candidate.email)
    assert "Adjointe" in news["Subject"]
    assert client.post(former, make.signature_form(now)).status_code == 410
    make.sign_through(client, now)
    content = SignOff.objects.get().content
    assert content["signer"]["name"] == "Adjointe"
    assert [one["from"] for one in content["delegations"]] == ["Direction de l’hôpital (direction@example.org)"]


@pytest.mark.parametrize("email", ["direction@example.org", "CANDIDATE"])
def test_nobody_hands_over_to_themselves_nor_to_the_candidate(client, annex, application, email):
    email = application.candidate.email if email == "CANDIDATE" else email
    form = {f"delegue-{name}": value for name, value in OTHER.items()} | {"delegue-signatory_email": email}
    assert "votre propre adresse" in client.post(address(annex, "delegate"), form).content.decode()
    assert fresh(annex).signatory_email == "direction@example.org"


def test_a_request_does_not_change_hands_without_end(annex):
    for number in range(answering.HAND_OVERS):
        annex = answering.hand_over(annex, OTHER | {"signatory_email": f"autre{number}@example.org"})
        Mail.objects.all().delete()
        Annex.objects.filter(pk=annex.pk).update()
        annex.transitions.all().delete()
    with pytest.raises(TransitionRefused, match="plusieurs fois"):
        answering.hand_over(annex, OTHER)


# Questions


def test_a_question_and_its_answer(client, annex, application, smtp_sink):
    client.post(address(annex, "ask"), {"question": "Quel jour par semaine ?"})
    client.force_login(application.candidate)
    page = reverse("applications:annex", args=[application.pk, annex.key])
    assert "Quel jour par semaine ?" in client.get(page).content.decode()
    answer = reverse("applications:annex_question", args=[application.pk, annex.key, annex.questions.get().pk])
    assert "Écrivez votre réponse" in client.post(answer, {"answer": ""}).content.decode()
    client.post(answer, {"answer": "Le mardi."})
    drain_outbox()
    [told] = [mail for mail in smtp_sink.sent_to("direction@example.org") if "répond" in mail["Subject"]]
    assert "Le mardi." in text_of(told)
    assert "Le mardi." in client.get(address(annex)).content.decode()
    with pytest.raises(TransitionRefused, match="déjà répondu"):
        circuit.answer_question(annex.questions.get(), "Le jeudi.")


def test_a_question_is_the_first_thing_to_do(client, annex, application):
    answering.ask_question(annex, "Quel jour par semaine ?")
    client.force_login(application.candidate)
    page = client.get(application.get_absolute_url()).content.decode()
    to_answer = reverse("applications:annex", args=[application.pk, annex.key]) + "#questions"
    assert re.search(f'class="fr-btn" href="{to_answer}">Répondre à la question {of(annex.signatory_name)}<', page)
    assert "Question à lire" in page
    circuit.answer_question(annex.questions.get(), "Le mardi.")
    page = client.get(application.get_absolute_url()).content.decode()
    assert "Répondre à la question" not in page
    assert "Question à lire" not in page


def test_a_question_of_who_handed_over_waits_no_longer(client, annex, application):
    answering.ask_question(annex, "Quel jour par semaine ?")
    answering.hand_over(annex, OTHER)
    client.force_login(application.candidate)
    assert "Question à lire" not in client.get(application.get_absolute_url()).content.decode()


def test_each_question_has_its_own_form(client, annex, application):
    """What is wrong in one answer is said, and kept, under its question alone."""
    for text in ("Quel jour ?", "Quel service ?"):
        answering.ask_question(annex, text)
    first, _ = annex.questions.order_by("pk")
    client.force_login(application.candidate)
    address = reverse("applications:annex_question", args=[application.pk, annex.key, first.pk])
    page = client.post(address, {"answer": "x" * 3001}).content.decode()
    assert page.count("x" * 3001) == 1
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert f"id_{first.pk}_answer_error" in ids
    assert "<title>Erreur – Annexe" in page
    assert len(ids) == len(set(ids))


def test_a_page_says_once_in_its_title_that_something_is_wrong(client, application):
    client.force_login(application.candidate)
    address = reverse("applications:annex", args=[application.pk, "hospital_director"])
    assert "<title>Erreur – Annexe" in client.post(address, {"signatory_email": "x"}).content.decode()
    assert "<title>Annexe" in client.get(address).content.decode()


def test_a_question_waits_for_its_answer_in_the_candidates_mail(annex, application, smtp_sink):
    answering.ask_question(annex, "Quel jour ?")
    drain_outbox()
    [mail] = [mail for mail in smtp_sink.sent_to(application.candidate.email) if "question" in mail["Subject"]]
    assert "Quel jour ?" in text_of(mail)


def test_questions_stay_few(annex):
    for _ in range(answering.QUESTIONS_A_REQUEST):
        answering.ask_question(annex, "Et donc ?")
    with pytest.raises(TransitionRefused, match="écrivez directement"):
        answering.ask_question(annex, "Et encore ?")


def test_who_takes_over_does_not_read_the_former_exchange(client, annex):
    answering.ask_question(annex, "Question-privée")
    annex = answering.hand_over(annex, OTHER)
    assert "Question-privée" not in client.get(address(annex)).content.decode()


# One message for one person


def test_the_same_person_gets_one_message(client, smtp_sink):
    application = make.ApplicationFactory(offer=make.OfferFactory(parameters=TWO_ANNEXES))
    for key in TWO_ANNEXES["annexes"]:
        make.named_annex(application, key)
    client.force_login(application.candidate)
    client.post(reverse("applications:annexes_send", args=[application.pk]))
    assert Mail.objects.filter(kind="signatory_request").count() == 1
    drain_outbox()
    [mail] = smtp_sink.sent_to("direction@example.org")
    assert "2 avis" in mail["Subject"]
    first, second = application.dossier.annexes.order_by("key")
    assert address(first, "requests") in text_of(mail)
    listed = client.get(address(first, "requests")).content.decode()
    assert address(first) in listed
    assert address(second) in listed
    make.sign_through(client, first)
    assert "Il vous reste 1 avis" in client.get(address(first)).content.decode()


def test_a_request_taken_back_does_not_silence_the_other(smtp_sink):
    application = make.ApplicationFactory(offer=make.OfferFactory(parameters=TWO_ANNEXES))
    first, second = (make.invited_annex(application, key) for key in TWO_ANNEXES["annexes"])
    circuit.revoke(first, actor=application.candidate)
    drain_outbox()
    [mail] = [
        mail
        for mail in smtp_sink.sent_to("direction@example.org")
        if "demande" in mail["Subject"] and "plus" not in mail["Subject"]
    ]
    assert address(second) in text_of(mail)


# What the candidate sees before and after


def test_the_message_is_seen_before_it_leaves(client, application, smtp_sink):
    client.force_login(application.candidate)
    page = reverse("applications:annex", args=[application.pk, "hospital_director"])
    note = "Merci <b>beaucoup</b> de votre aide."
    assert client.post(page, make.SIGNATORY | {"note": note}).status_code == 302
    seen = client.get(page).content.decode()
    assert "Merci &lt;b&gt;beaucoup&lt;/b&gt;" in seen
    assert not Mail.objects.exists()
    letter = circuit_mails.preview(Annex.objects.get())
    client.post(reverse("applications:annex_move", args=[application.pk, "hospital_director", "envoyer"]))
    drain_outbox()
    [mail] = smtp_sink.sent_to("direction@example.org")
    secret = signing.link_secret(Annex.objects.get())
    assert text_of(mail).split() == letter.text.replace(samples.LINK, secret).split()
    assert "Merci &lt;b&gt;" in mail.get_body(("html",)).get_content()


@pytest.mark.parametrize("note", ["Voir https://ailleurs.fr", "Deux\nlignes", "x" * 301])
def test_the_personal_line_is_a_line_without_address(client, application, note):
    client.force_login(application.candidate)
    page = reverse("applications:annex", args=[application.pk, "hospital_director"])
    response = client.post(page, make.SIGNATORY | {"note": note})
    assert response.status_code == 200
    assert response.context["form"].errors["note"]


def test_taking_back_keeps_the_name_and_kills_the_link(client, annex, application):
    link = address(annex)
    circuit.revoke(annex, actor=application.candidate)
    kept = fresh(annex)
    assert (kept.state, kept.signatory_email) == (Annex.State.TO_SEND, "direction@example.org")
    assert client.get(link).status_code == 410
    assert Mail.objects.filter(kind="request_dropped", recipient="direction@example.org").exists()


# What happens by itself


def test_a_request_that_bounces_says_so_and_can_leave_again(client, annex, application, smtp_sink):
    Mail.objects.update(last_error="550 boîte inconnue")
    circuit.note_bounce(Mail.objects.get())
    Mail.objects.filter(kind="signatory_request").update(state=Mail.State.BOUNCED)
    assert fresh(annex).state == Annex.State.BOUNCED
    drain_outbox()
    [news] = smtp_sink.sent_to(application.candidate.email)
    assert "550 boîte inconnue" in text_of(news)
    client.force_login(application.candidate)
    page = client.get(reverse("applications:annex", args=[application.pk, annex.key])).content.decode()
    assert "n’a pas été remis" in page
    circuit.resend(fresh(annex), actor=application.candidate)
    assert fresh(annex).state == Annex.State.SENT


def test_a_bounce_after_the_link_was_opened_is_left_alone(annex):
    answering.note_opening(annex)
    circuit.note_bounce(Mail.objects.get())
    assert fresh(annex).state == Annex.State.OPENED


def test_links_expire_and_an_extension_revives_them(annex, application):
    assert circuit.review_links() == 0
    Offer.objects.update(deadline=timezone.now() - timedelta(minutes=1))
    assert circuit.review_links() == 1
    assert fresh(annex).state == Annex.State.EXPIRED
    assert circuit.review_links() == 0
    Offer.objects.update(deadline=timezone.now() + timedelta(days=3))
    assert circuit.review_links() == 1
    assert fresh(annex).state == Annex.State.SENT


def test_a_link_without_deadline_expires_too(client):
    annex = make.invited_annex(make.ApplicationFactory(offer=make.OfferFactory(deadline=None)))
    with time_machine.travel(timezone.now() + circuit.ROLLING_LINK_LIFE + timedelta(minutes=1), tick=False):
        assert circuit.review_links() == 1
        circuit.resend(fresh(annex), actor=annex.dossier.owner)
        assert circuit.review_links() == 0
        assert client.get(address(annex)).status_code == 200


# At a human pace


@time_machine.travel("2026-03-02 09:00:10+00:00", tick=False)
def test_a_link_opened_without_end_is_refused_for_a_while(client, settings):
    annex = make.invited_annex(make.ApplicationFactory())
    cache.clear()
    settings.LINK_REQUESTS_A_MINUTE, settings.WRONG_LINKS_A_MINUTE = 3, 2
    assert [client.get(address(annex)).status_code for _ in range(4)] == [200, 200, 200, 429]
    wrong = [client.get(reverse("signatory:annex", args=[f"{number:043}"])).status_code for number in range(3)]
    assert wrong == [404, 404, 429]
    refused = client.get(address(annex))
    assert "Attendez une minute" in refused.content.decode()
    assert refused["Retry-After"] == "60"
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        assert client.get(address(annex)).status_code == 200


def test_the_cache_away_nobody_is_refused(client, annex, settings):
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}
    settings.LINK_REQUESTS_A_MINUTE = 1
    assert [client.get(address(annex)).status_code for _ in range(3)] == [200, 200, 200]


def test_a_code_does_not_outlive_the_signatory(annex):
    answering.ask_code(annex)
    given = codes.code_of(SigningCode.objects.get())
    other = answering.hand_over(annex, OTHER)
    with pytest.raises(codes.CodeRefused):
        answering.sign_with_code(other, make.answer_to(other), given, seen="", at=timezone.now())


def test_a_draft_is_kept_from_what_the_annex_is_now(annex):
    early, late = fresh(annex), fresh(annex)
    answering.keep_draft(early, {"text": "un"})
    assert answering.keep_draft(late, {"text": "deux"}).draft == {"text": "deux"}  # the page was read before
    begun = fresh(annex)
    make.sign(fresh(annex))
    for stale in (begun, late):
        with pytest.raises(TransitionRefused, match="déjà signé"):
            answering.keep_draft(stale, {"text": "trois"})


def as_opened(client, annex) -> dict[str, str]:
    """What the page that is opened now will post beside the text."""
    context = client.get(address(annex)).context
    return {"drafted": context["draft_fingerprint"], "page": context["page_name"]}


def test_two_devices_do_not_write_over_one_another(client, annex):
    phone, desk = as_opened(client, annex), as_opened(client, annex)
    for text in ("Du bureau", "Du bureau, mûri"):  # what a page saved last never surprises it
        assert client.post(address(annex, "draft"), desk | {"text": text}).status_code == 200
    refused = client.post(address(annex, "draft"), phone | {"text": "Du téléphone"})
    assert (refused.status_code, "vous montrera les deux" in refused.json()["told"]) == (409, True)
    assert fresh(annex).draft["text"] == "Du bureau, mûri"

    both = client.post(address(annex), make.signature_form(annex, text="Du téléphone") | phone)
    assert fresh(annex).draft["text"] == "Du bureau, mûri"
    assert not SigningCode.objects.exists()
    page = both.content.decode()
    assert "Un autre texte a été gardé entre-temps" in page
    assert "Du bureau, mûri" in page
    assert "Du téléphone" in str(both.context["opinion_form"]["text"])

    again = {"drafted": both.context["draft_fingerprint"], "page": both.context["page_name"], "later": "1"}
    client.post(address(annex), make.signature_form(annex, text="Du téléphone") | again)
    assert fresh(annex).draft["text"] == "Du téléphone"
    assert client.post(address(annex, "draft"), desk | {"text": "Encore du bureau"}).status_code == 409


def test_the_same_text_from_two_devices_is_no_quarrel(client, annex):
    phone, desk = as_opened(client, annex), as_opened(client, annex)
    assert client.post(address(annex, "draft"), desk | {"text": "Favorable."}).status_code == 200
    assert client.post(address(annex, "draft"), phone | {"text": "Favorable."}).status_code == 200


def test_a_draft_does_not_reach_the_next_signatory(annex):
    begun = answering.keep_draft(annex, {"text": "un"})
    answering.keep_draft(answering.hand_over(fresh(annex), OTHER), {"text": "autre"})
    with pytest.raises(TransitionRefused, match="retirée ou confiée"):
        answering.keep_draft(begun, {"text": "deux"})
    assert fresh(annex).draft == {"text": "autre"}


def test_a_draft_may_speak_of_the_nul_character(client, annex):
    typed = r"Le code \u0000 du formulaire \\u0000."
    client.post(address(annex), make.signature_form(annex, text=typed + "\x00") | {"later": "1"})
    assert fresh(annex).draft["text"] == typed


def test_an_opinion_longer_than_allowed_is_kept_whole_and_refused_in_words(client):
    annex = make.invited_annex(make.ApplicationFactory())
    page, text = reverse("signatory:annex", args=[signing.link_secret(annex)]), "Long." * 6_000
    assert "maxlength" not in str(client.get(page).context["opinion_form"]["text"])
    assert client.post(f"{page}brouillon/", {"text": text}).status_code == 200
    assert Annex.objects.get().draft["text"] == text
    response = client.post(page, make.signature_form(annex, text=text))
    assert "au plus 8000 caractères (actuellement 30000)" in response.content.decode()
    assert text in response.content.decode()
    assert Annex.objects.get().draft["text"] == text
    assert not SignOff.objects.exists()


def test_requests_are_counted_over_all_the_dossiers_of_one_person(monkeypatch):
    """Withdrawing a dossier and beginning again does not start the count again; several dossiers have room."""
    monkeypatch.setattr(circuit, "REQUESTS_OF_ONE_PERSON_A_DAY", 3)
    candidate, offer = make.UserFactory(), make.OfferFactory()
    for _ in range(3):
        application = make.ApplicationFactory(candidate=candidate, offer=offer)
        make.invited_annex(application)
        lifecycle.WORKFLOW.run(application, "withdraw", actor=candidate)
    annex = make.named_annex(make.ApplicationFactory(candidate=candidate, offer=offer))
    with pytest.raises(TransitionRefused, match="demain"):
        circuit.invite(annex, actor=candidate)
    assert Annex.objects.get(pk=annex.pk).state == Annex.State.TO_SEND
    make.invited_annex(make.ApplicationFactory(offer=offer))
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1), tick=False):
        circuit.invite(annex, actor=candidate)


def test_eight_whole_dossiers_leave_on_one_day():
    candidate = make.UserFactory()
    for _ in range(8):
        application = make.ApplicationFactory(candidate=candidate, offer__parameters={})
        keys = [spec.key for spec in application.dossier.spec.annexes]
        for key in keys:
            make.named_annex(application, key)
        assert len(circuit.invite_all(application, actor=candidate)) == len(keys) >= 5


def test_no_request_leaves_for_an_application_that_was_withdrawn_meanwhile():
    application = make.ApplicationFactory()
    annex = make.named_annex(application)
    lifecycle.WORKFLOW.run(application, "withdraw", actor=application.candidate)
    with pytest.raises(TransitionRefused, match="plus en préparation"):
        circuit.invite(annex, actor=application.candidate)
    assert not Mail.objects.filter(kind="signatory_request").exists()


def test_a_request_taken_back_tells_whoever_holds_it_now():
    application = make.ApplicationFactory()
    shown = make.invited_annex(application)
    to = make.SIGNATORY | {"signatory_name": "Adjointe", "signatory_email": "adjointe@example.org"}
    answering.hand_over(Annex.objects.get(), to)
    circuit.revoke(shown, actor=application.candidate)
    assert Mail.objects.get(kind="request_dropped").recipient == "adjointe@example.org"


def test_a_message_that_comes_back_from_a_withdrawn_application_is_nobodys_business():
    application = make.ApplicationFactory()
    annex = make.invited_annex(application)
    lifecycle.WORKFLOW.run(application, "withdraw", actor=application.candidate)
    circuit.note_bounce(Mail.objects.get(kind="signatory_request", thread=annex.dossier_id))
    assert fresh(annex).state == Annex.State.SENT
    assert not Mail.objects.filter(kind="annex_bounced").exists()
