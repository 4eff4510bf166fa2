"""Accounts: an address, verified by a code that leaves through the outbox, like every mail."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.urls import reverse

from portal.accounts.models import Membership, User
from portal.notifications.models import Mail
from portal.notifications.tasks import drain_outbox
from tests import factories as make

pytestmark = pytest.mark.django_db
PASSWORD = "une-phrase-assez-longue"
ADDRESS = "nouvelle@example.org"


def sign_up(client, **changes):
    form = {
        "first_name": "Dominique",
        "last_name": "Nouveau",
        "email": "Nouvelle@Example.org",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    return client.post(reverse("account_signup"), form | changes)


def mail_to(sink, address: str) -> str:
    drain_outbox()
    message = sink.sent_to(address)[-1]
    return f"{message['Subject']}\n{message.get_body(('plain',)).get_content()}"


def code_in(mail: str) -> str:
    [code] = re.findall(r"^\s*([A-Z0-9]{3,}-?[A-Z0-9]{3,})\s*$", mail, re.M)
    return code


def test_signing_up_and_verifying_the_address(client, smtp_sink):
    response = sign_up(client)
    assert response.url == reverse("account_email_verification_sent")
    user = User.objects.get()
    assert (user.email, user.get_full_name()) == (ADDRESS, "Dominique Nouveau")
    assert not EmailAddress.objects.get().verified
    code = code_in(mail_to(smtp_sink, ADDRESS))
    assert client.get(reverse("applications:list")).status_code == 302  # not yet signed in
    assert client.post(response.url, {"code": code}).status_code == 302
    assert EmailAddress.objects.get().verified
    assert client.get(reverse("applications:list")).status_code == 200


def test_what_the_mail_says_is_forgotten_once_sent(client, person, smtp_sink):
    client.post(reverse("account_reset_password"), {"email": ADDRESS})
    assert "/password/reset/key/" in str(Mail.objects.get().payload)
    mail_to(smtp_sink, ADDRESS)
    assert "/password/reset/key/" not in str(Mail.objects.values())


def test_a_wrong_code_opens_nothing(client, smtp_sink):
    response = sign_up(client)
    wrong = client.post(response.url, {"code": "AAAAAA"})
    assert wrong.status_code == 200
    assert "<title>Erreur – Vérifier" in wrong.content.decode()
    assert not EmailAddress.objects.get().verified


def test_another_code_where_the_first_has_not_come(client, smtp_sink):
    page = sign_up(client).url
    first = code_in(mail_to(smtp_sink, ADDRESS))
    assert "Recevoir un nouveau code" in client.get(page).content.decode()
    answer = client.post(page, {"action": "resend"}, follow=True).content.decode()
    assert f"Un code a été envoyé par courriel à {ADDRESS}." in answer
    second = code_in(mail_to(smtp_sink, ADDRESS))
    assert first != second
    assert client.post(page, {"code": first}).status_code == 200
    assert client.post(page, {"code": second}).status_code == 302
    assert EmailAddress.objects.get().verified


def test_the_address_was_mistyped(client, smtp_sink):
    page = sign_up(client, email="nouvele@example.org").url
    shown = client.get(page).content.decode()
    [form] = [form for form in re.findall("(?s)<form.*?</form>", shown) if "Recommencer avec la bonne adresse" in form]
    [leave] = re.findall('action="([^"]+)"', form)
    [following] = re.findall('name="next" value="([^"]+)"', form)
    again = client.post(leave, {"next": following}, follow=True)
    assert again.redirect_chain == [(reverse("account_signup"), 302)]
    assert again.status_code == 200
    assert sign_up(client).url == page
    assert ADDRESS in client.get(page).content.decode()
    assert client.post(page, {"code": code_in(mail_to(smtp_sink, ADDRESS))}).status_code == 302
    assert EmailAddress.objects.get(verified=True).email == ADDRESS


def test_an_address_that_is_taken_is_not_told(client, smtp_sink):
    """The page is the same, also after another code was asked for; who has the account learns of it by mail."""

    def shown(response) -> str:
        pages = [client.get(response.url), client.post(response.url, {"action": "resend"}, follow=True)]
        return re.sub(
            r'(name="csrfmiddlewaretoken" value|nonce)="[^"]+"', "", "".join(p.content.decode() for p in pages)
        )

    free = shown(sign_up(client))
    client.cookies.clear()
    response = sign_up(client)
    assert response.url == reverse("account_email_verification_sent")
    assert shown(response) == free
    assert User.objects.count() == 1
    assert "déjà" in mail_to(smtp_sink, ADDRESS)


@pytest.mark.parametrize(
    ("field", "value"),
    [("first_name", ""), ("last_name", ""), ("email", "nulle-part"), ("password1", "court"), ("password2", "autre")],
)
def test_what_a_sign_up_refuses(client, field, value):
    response = sign_up(client, **{field: value})
    assert response.status_code == 200
    assert response.context["form"].errors
    assert not User.objects.exists()


@pytest.fixture
def person():
    user = User.objects.create_user(ADDRESS, PASSWORD, first_name="Camille", last_name="Exemple")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def test_signing_in_and_out(client, person):
    response = client.post(reverse("account_login"), {"login": ADDRESS.upper(), "password": PASSWORD})
    assert response.url == reverse("after_login")
    assert client.get(reverse("applications:list")).status_code == 200
    client.post(reverse("account_logout"))
    assert client.get(reverse("applications:list")).status_code == 302


@pytest.mark.parametrize(("login", "password"), [(ADDRESS, "autre"), ("inconnue@example.org", PASSWORD)])
def test_signing_in_wrongly_tells_nothing(client, person, login, password):
    response = client.post(reverse("account_login"), {"login": login, "password": password})
    assert response.status_code == 200
    errors = response.context["form"].non_field_errors()
    assert len(errors) == 1
    assert "inconnu" not in errors[0].lower()


def test_one_goes_where_one_wanted(client, person):
    wanted = reverse("applications:start", args=[make.OfferFactory().slug])
    address = client.get(wanted).url
    response = client.post(address, {"login": ADDRESS, "password": PASSWORD, "next": wanted})
    assert response.url == wanted


@pytest.mark.parametrize(
    "elsewhere", ["https://ailleurs.example.org/", "//ailleurs.example.org", "javascript:alert(1)"]
)
def test_nobody_is_sent_to_another_site(client, person, elsewhere):
    response = client.post(reverse("account_login"), {"login": ADDRESS, "password": PASSWORD, "next": elsewhere})
    assert response.url == reverse("after_login")


def test_a_forgotten_password(client, person, smtp_sink):
    client.post(reverse("account_reset_password"), {"email": ADDRESS})
    [link] = re.findall(r"https?://\S+/compte/password/reset/key/\S+", mail_to(smtp_sink, ADDRESS))
    page = client.get(link, follow=True)
    address = page.redirect_chain[-1][0] if page.redirect_chain else link
    client.post(address, {"password1": "encore-une-autre-phrase", "password2": "encore-une-autre-phrase"})
    person.refresh_from_db()
    assert person.check_password("encore-une-autre-phrase")


def test_a_forgotten_password_tells_nothing_of_who_has_an_account(client, smtp_sink):
    known = make.UserFactory()
    answers = [
        client.post(reverse("account_reset_password"), {"email": email}) for email in (known.email, "rien@example.org")
    ]
    assert answers[0].url == answers[1].url


# Rows


@pytest.mark.parametrize("address", ["A@Example.org", "a@example.org"])
def test_one_account_per_address_whatever_the_case(address):
    User.objects.create_user("a@example.org", "x")
    with pytest.raises(IntegrityError):
        User.objects.bulk_create([User(email=address)])


def test_an_account_needs_an_address():
    with pytest.raises(ValueError, match="address"):
        User.objects.create_user("")


def test_a_role_is_held_once():
    membership = make.MembershipFactory()
    twice = Membership(user=membership.user, institution=membership.institution, role=membership.role)
    with pytest.raises(ValidationError, match="a déjà ce rôle"):
        twice.full_clean()


def test_who_acts_for_an_institution():
    hr, elsewhere = make.MembershipFactory(), make.MembershipFactory()
    administrator = make.UserFactory(is_superuser=True)
    institution = hr.institution_id
    assert hr.user.is_hr_of(institution)
    assert administrator.is_hr_of(institution)
    assert not elsewhere.user.is_hr_of(institution)
    assert not make.UserFactory(is_staff=True).is_hr_of(institution)
    assert not make.UserFactory(is_superuser=True, is_active=False).is_hr_of(institution)
