"""The words of an offer's mails: variables of a closed list, never run; what the law asks for cannot be taken away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from applications import answering, wording
from applications.models import AgendaItem, MailText, ReminderRule
from applications.reminders.admin import TEXT_OF
from applications.reminders.claiming import claim
from applications.reminders.commission import commission_due
from applications.reminders.rules import ensure_rules
from dossiers import signing
from portal.notifications import outbox
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from tests import factories as make

pytestmark = pytest.mark.django_db
HOSTILE = [
    "{{ settings.SECRET_KEY }}",
    "{{candidat.password}}",
    "{{candidat|safe}}",
    "{{}}",
    "{{ candidat",
    "a }} b",
]
HARMLESS = ["Bonjour {{candidat}}", "{{ offre }}, {{ date_limite }}", "{% load x %} { } sans variable"]


@pytest.fixture
def hr():
    return make.MembershipFactory()


@pytest.fixture
def offer(hr):
    return make.OfferFactory(institution=hr.institution, title="Poste & associé")


def address(name: str, *args) -> str:
    return reverse(f"admin:applications_{name}", args=args)


# Variables


@pytest.mark.parametrize("typed", HOSTILE)
def test_what_is_not_a_variable_of_this_mail_is_refused(typed):
    with pytest.raises(ValidationError):
        wording.check(typed, wording.EVERYWHERE)


@pytest.mark.parametrize(
    "typed", ["Bonjour {{candidat}}", "{{ offre }} : {{ date_limite }}", "{% load x %} { } sans variable"]
)
def test_variables_and_plain_text_are_taken(typed):
    wording.check(typed, wording.EVERYWHERE)


@given(st.text())
def test_a_value_is_never_read_as_a_variable(value):
    assert wording.fill("{{candidat}}", {"candidat": value, "offre": "x"}) == value
    assert wording.fill("{{ candidat }}", {"candidat": "{{offre}}", "offre": value}) == "{{offre}}"


@given(st.text(alphabet="{} abcdeéoffrndat|.%"))
def test_what_passes_the_check_leaves_no_brace(typed):
    try:
        wording.check(typed, wording.EVERYWHERE)
    except ValidationError:
        return
    filled = wording.fill(typed, dict.fromkeys(wording.EVERYWHERE, "x"))
    assert "{{" not in filled
    assert "}}" not in filled


# What leaves


def test_the_words_of_the_offer_leave_and_the_facts_stay(offer, hr, smtp_sink):
    text = {"subject": "{{candidat}} : bonne nouvelle", "intro": "« {{offre}} », dossier {{numero}}.\n\nÀ bientôt."}
    MailText.objects.create(offer=offer, template="admissible", **text)
    other = make.OfferFactory(institution=hr.institution)
    for each in (offer, other):
        make.admit(make.filed(make.ApplicationFactory(offer=each)), hr.user)
    drain_outbox()
    own, plain = Mail.objects.filter(kind="admissible").order_by("pk")
    application = offer.applications.get()
    assert own.subject == f"{application.candidate.get_full_name()} : bonne nouvelle"
    assert plain.subject.endswith("est recevable")
    (message,) = [mail for mail in smtp_sink.sent_to(application.candidate.email) if "nouvelle" in mail["Subject"]]
    body = message.get_body(("plain",)).get_content()
    assert f"« Poste & associé », dossier {application.number}." in body
    assert "Décision\xa0: Recevable" in body


def test_nobody_can_take_the_legal_words_out_of_the_receipt(offer):
    MailText.objects.create(offer=offer, template="receipt", subject="Reçu", intro="Merci.")
    application = make.filed(make.ApplicationFactory(offer=offer))
    letter = outbox.kinds["receipt"].write({"application": str(application.pk)})
    content = application.receipt.content
    for name in ("number", "received_at_display", "service_name", "service_email", "service_phone", "legal_mentions"):
        assert content[name] in letter.text, name


# HR's pages


def test_every_text_is_listed_and_opens(client, hr, offer):
    client.force_login(hr.user)
    page = client.get(address("mailtexts", offer.pk)).content.decode()
    for text in wording.TEXTS.values():
        assert text.label in page
    assert client.get(address("mailtext", offer.pk, "inconnu")).status_code == 404


def test_an_unknown_variable_is_told_beside_its_field_and_nothing_typed_is_lost(client, hr, offer):
    client.force_login(hr.user)
    answer = client.post(address("mailtext", offer.pk, "receipt"), {"subject": "Reçu", "intro": "Bravo {{prenom}} !"})
    assert "n’existe pas dans ce message" in answer.context["form"].errors["intro"][0]
    assert "Bravo {{prenom}} !" in answer.content.decode()
    assert not MailText.objects.exists()


def test_texts_are_kept_then_given_back_to_the_portal(client, hr, offer):
    client.force_login(hr.user)
    client.post(address("mailtext", offer.pk, "receipt"), {"subject": "", "intro": "Merci {{candidat}}."})
    assert offer.mail_texts.get().intro == "Merci {{candidat}}."
    client.post(address("mailtext", offer.pk, "receipt"), {"subject": "", "intro": ""})
    assert not offer.mail_texts.exists()


def test_each_mail_is_previewed_with_or_without_a_dossier(client, hr, offer):
    """No secret of a link, nothing that a signatory wrote, whatever the dossier's state."""
    client.force_login(hr.user)
    application = make.ApplicationFactory(offer=offer)
    annex = make.signed_annex(application, signatory_name="Signataire réel")
    for template, text in wording.TEXTS.items():
        typed = {"subject": "", "intro": "".join(f"{{{{{name}}}}} " for name in text.variables)}
        for sample in ("", str(application.pk)):
            answer = client.post(address("mailtext_preview", offer.pk, template), typed | {"sample": sample})
            page = answer.content.decode()
            assert answer.status_code == 200, template
            for untold in ("{{", "None", signing.link_secret(annex), "Signataire réel", "Avis motivé"):
                assert untold not in page, template
    assert not Mail.objects.filter(recipient=hr.user.email).exists()


def test_the_preview_of_another_offers_dossier_is_refused(client, hr, offer):
    client.force_login(hr.user)
    stranger = make.ApplicationFactory()
    answer = client.post(address("mailtext_preview", offer.pk, "receipt"), {"sample": str(stranger.pk)})
    assert answer.status_code == 422
    assert stranger.candidate.last_name not in answer.content.decode()


def test_a_test_leaves_to_oneself_alone_and_keeps_nothing(client, hr, offer, smtp_sink):
    client.force_login(hr.user)
    application = make.ApplicationFactory(offer=offer)
    typed = {"subject": "Votre dossier", "intro": "Bonjour.", "sample": str(application.pk), "test": "1"}
    page = client.post(address("mailtext", offer.pk, "candidate_reminder"), typed).content.decode()
    assert "Votre dossier" in page
    drain_outbox()
    assert [message["Subject"] for message in smtp_sink.sent_to(hr.user.email)] == ["[Essai] Votre dossier"]
    assert not smtp_sink.sent_to(application.candidate.email)
    assert not MailText.objects.exists()


def test_each_rule_has_its_own_text(client, hr, offer, smtp_sink):
    """Two signatories of one offer: the one who opened the request reads other words."""
    client.force_login(hr.user)
    page = client.get(reverse("admin:offers_offer_change", args=[offer.pk])).content.decode()
    for audience, template in TEXT_OF.items():
        assert address("mailtext", offer.pk, template) in page, audience
    for template, subject in {"signatory_reminder": "Ouvrez", "signatory_reminder_opened": "Signez"}.items():
        client.post(address("mailtext", offer.pk, template), {"subject": f"{subject}, {{{{signataire}}}}", "intro": ""})
    for email in ("ferme@example.org", "ouvert@example.org"):
        annex = make.invited_annex(make.ApplicationFactory(offer=offer), signatory_email=email)
        Mail.objects.all().delete()
        if email == "ouvert@example.org":
            answering.note_opening(annex)
        payload = {"annex": str(annex.pk), "link_hash": annex.link_hash}
        outbox.enqueue("signatory_reminder", email, payload, thread=annex.dossier_id)
        drain_outbox()
    subjects = {message["To"]: str(message["Subject"]) for message in smtp_sink.messages}
    name = make.SIGNATORY["signatory_name"]
    assert subjects["ferme@example.org"] == f"Ouvrez, {name}"
    assert subjects["ouvert@example.org"] == f"Signez, {name}"


def test_the_words_of_the_rules_of_a_commission_leave(hr, offer, smtp_sink):
    commission = make.CommissionFactory(institution=hr.institution, offers=[offer])
    member = make.SeatFactory(commission=commission).user
    session = make.SessionFactory(commission=commission, starts_at=timezone.now() + timedelta(days=6), place="Salle 9")
    application = make.admit(make.filed(make.ApplicationFactory(offer=offer)), hr.user)
    AgendaItem.objects.create(session=session, application=application, rapporteur=member)
    texts = {"session_reminder": "{{membre}}, {{lieu}}", "rapporteur_reminder": "{{commission}}, {{numero}}"}
    for template, subject in texts.items():
        MailText.objects.create(offer=offer, template=template, subject=subject)
    ensure_rules([offer])
    ReminderRule.objects.update(days_before=[7])
    Mail.objects.all().delete()
    assert claim(list(commission_due(timezone.now())), timezone.now()) == 2
    Mail.objects.update(quiet_until=None)
    drain_outbox()
    assert {str(message["Subject"]) for message in smtp_sink.sent_to(member.email)} == {
        f"{member.get_full_name()}, Salle 9",
        f"{commission.name}, {application.number}",
    }
