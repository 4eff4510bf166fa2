"""What is typed is saved exactly, right or wrong."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from applications.tasks import forget_expired_sessions
from dossiers.answers import save_answers
from dossiers.models import SectionAnswers
from portal import typed_text
from tests import factories as make
from tests.answers import filled_section

pytestmark = pytest.mark.django_db


@pytest.fixture
def application(client):
    application = make.ApplicationFactory()
    client.force_login(application.candidate)
    return application


def post(client, application, key, **data):
    return client.post(reverse("applications:section", args=[application.pk, key]), data)


def stored(key: str) -> dict:
    return SectionAnswers.objects.get(section=key).raw


def test_a_wrong_answer_is_saved_and_told_beside_its_field(client, application):
    response = post(client, application, "identity", full_name="Camille", phone="allô", email="camille@")
    assert response.status_code == 200
    assert set(response.context["form"].errors) == {"phone", "email"}
    assert stored("identity")["phone"] == "allô"
    page = client.get(reverse("applications:section", args=[application.pk, "identity"]))
    assert "allô" in page.content.decode()


def test_what_is_missing_is_not_reproached_to_a_draft(client, application):
    response = post(client, application, "identity", full_name="Camille", phone="", email="")
    assert response.status_code == 302
    asked = client.get(reverse("applications:section", args=[application.pk, "identity"]) + "?verifier=1")
    assert set(asked.context["form"].errors) == {"address", "phone", "email"}


@pytest.mark.parametrize("typed", ["a\x00b", "<script>alert(1)</script>", "🦷" * 50, "\u202egnp.exe", "x" * 100_000])
def test_anything_can_be_typed(client, application, typed):
    response = post(client, application, "identity", full_name=typed)
    assert response.status_code in {200, 302}
    assert stored("identity")["full_name"] == typed.replace("\x00", "")
    for page in ("section", "recap", "detail"):
        address = reverse(f"applications:{page}", args=[application.pk, *(["identity"] if page == "section" else [])])
        text = client.get(address).content.decode()
        assert "<script>alert" not in text


def test_saves_are_counted(application):
    for number in range(1, 4):
        save_answers(application.dossier, "identity", {"full_name": f"Version {number}"})
    answers = SectionAnswers.objects.get()
    assert (answers.version, answers.raw) == (3, {"full_name": "Version 3"})


def test_the_account_fills_in_what_it_knows(client, application):
    page = client.get(reverse("applications:section", args=[application.pk, "identity"])).content.decode()
    assert f'value="{application.candidate.email}"' in page
    assert not SectionAnswers.objects.exists()


def test_save_and_go_on(client, application):
    section = application.dossier.spec.section_by_key["identity"]
    following = application.dossier.spec.sections[1].key
    response = post(client, application, "identity", **filled_section(section), next="following")
    assert response.url == reverse("applications:section", args=[application.pk, following])
    response = post(client, application, "identity", **filled_section(section))
    assert response.url == application.get_absolute_url()


@pytest.mark.parametrize("part", ["section", "piece", "annex"])
def test_what_the_dossier_does_not_have_is_not_found(client, application, part):
    assert client.get(reverse(f"applications:{part}", args=[application.pk, "inconnue"])).status_code == 404


def test_two_tabs_do_not_overwrite_one_another_in_silence(client, application):
    post(client, application, "identity", full_name="Première", version="0")
    page = client.get(reverse("applications:section", args=[application.pk, "identity"]))
    assert page.context["version"] == 1
    assert post(client, application, "identity", full_name="Deuxième", version="1").status_code == 302
    late = post(client, application, "identity", full_name="Troisième", version="1")
    assert late.status_code == 409
    shown = late.content.decode()
    assert "Troisième" in shown
    assert "Deuxième" in shown
    assert stored("identity")["full_name"] == "Deuxième"
    chosen = post(client, application, "identity", full_name="Troisième", version=late.context["version"])
    assert chosen.status_code == 302
    assert stored("identity")["full_name"] == "Troisième"


def test_the_same_words_twice_are_no_conflict(client, application):
    for _ in range(2):
        assert post(client, application, "identity", full_name="Camille", version="0").status_code == 302


def test_each_answer_of_two_versions_is_chosen_apart(client, application):
    first = {"full_name": "Camille", "phone": "06 00 00 00 01", "email": "a@example.org"}
    post(client, application, "identity", **first, version="0")
    post(client, application, "identity", **first | {"phone": "06 00 00 00 02", "email": "b@example.org"}, version="1")
    mine = first | {"phone": "06 00 00 00 03", "email": "c@example.org", "address": "1 rue de l’Exemple"}
    late = post(client, application, "identity", **mine, version="1")
    assert [difference.name for difference in late.context["differences"]] == ["address", "phone", "email"]
    choices = {"choice-phone": "other", "choice-email": "mine", "choice-address": "mine"}
    post(client, application, "identity", **mine, **choices, version=late.context["version"])
    assert stored("identity") == mine | {"phone": "06 00 00 00 02"}
    kept = post(client, application, "identity", **mine, **choices, version="3", keep="mine")
    assert (kept.status_code, stored("identity")["phone"]) == (302, "06 00 00 00 03")


def test_what_was_left_empty_here_does_not_erase_what_was_typed_there(client, application):
    post(client, application, "identity", full_name="Camille", phone="06 00 00 00 01", version="0")
    mine = {"full_name": "Camille", "address": "1 rue de l’Exemple"}
    late = post(client, application, "identity", **mine, version="0")
    assert {change.name: change.is_unanswered for change in late.context["differences"]} == {
        "address": False,
        "phone": True,
    }
    chosen = re.findall(r'id="(mine|other)-(\w+)"[^>]* checked', late.content.decode())
    assert sorted(chosen) == [("mine", "address"), ("other", "phone")]
    post(client, application, "identity", **mine, version=late.context["version"], keep="mine")
    assert {key: stored("identity")[key] for key in ("address", "phone")} == {
        "address": "1 rue de l’Exemple",
        "phone": "06 00 00 00 01",
    }


def test_a_version_that_is_wrong_is_shown_as_it_was_typed(client, application):
    post(client, application, "training", thesis_date="le 3 mai", version="0")
    late = post(client, application, "training", thesis_date="31/02/2020", version="0")
    assert late.status_code == 409
    assert all(words in late.content.decode() for words in ("le 3 mai", "31/02/2020"))


def test_the_choice_is_made_again_where_a_third_version_came_meanwhile(client, application):
    for number, version in enumerate("012"):
        post(client, application, "identity", full_name=f"Version {number}", version=version)
    late = post(client, application, "identity", full_name="Mienne", version="2", **{"choice-full_name": "other"})
    assert late.status_code == 409
    assert "Mienne" in late.content.decode()


def test_a_page_never_conflicts_with_itself(client, application):
    """The answer to its last save may have been lost with the connection."""
    for name in ("C", "Ca", "Cam"):
        assert post(client, application, "identity", full_name=name, version="0", page="onglet").status_code == 302
    assert post(client, application, "identity", full_name="D", version="0", page="autre").status_code == 409
    assert post(client, application, "identity", full_name="D", version="0").status_code == 409


def autosave(client, application, key, **data):
    address = reverse("applications:section", args=[application.pk, key])
    return client.post(address, data, headers={"HX-Request": "true"})


def test_a_section_is_saved_as_one_types(client, application):
    response = autosave(client, application, "identity", full_name="Camille", phone="allô", version="0")
    assert response.headers["X-Version"] == "1"
    text = " ".join(response.content.decode().split())
    assert "Enregistré à " in text
    assert "1 réponse à corriger" in text
    assert stored("identity")["full_name"] == "Camille"
    assert autosave(client, application, "identity", full_name="D", version="0").status_code == 409
    assert stored("identity")["full_name"] == "Camille"


def test_a_dossier_filed_meanwhile_takes_the_whole_page_to_its_new_place(client, application):
    make.filed(application)
    response = autosave(client, application, "identity", full_name="Trop tard", version="1")
    assert response.headers["HX-Redirect"] == application.get_absolute_url()


def test_a_table_grows(client, application):
    row = {f"internships-0-{name}": "Oui" for name in ("period", "hospital", "unit", "head")}
    data = row | {"internships-rows": "7", "add-row": "internships", "version": "0"}
    response = post(client, application, "training", **data)
    page = client.get(response.url)
    assert 'name="internships-rows" value="8"' in page.content.decode()
    assert stored("training")["internships"][0]["hospital"] == "Oui"
    for absurd in ("-1", "1e9", "9" * 50, "²"):
        assert client.get(response.url.replace("=8", f"={absurd}")).status_code == 200
    full = client.get(response.url.replace("=8", "=999")).content.decode()
    assert 'name="internships-rows" value="60"' in full
    assert "Ajouter une ligne" not in full


def test_what_was_typed_survives_the_session(client, application):
    address = reverse("applications:section", args=[application.pk, "identity"])
    client.logout()
    response = post(client, application, "identity", full_name="Long à écrire", version="0")
    assert response.url == f"{reverse('account_login')}?next={address}"
    assert not SectionAnswers.objects.exists()
    stranger = make.UserFactory()
    client.force_login(stranger)
    assert client.get(address).status_code == 404
    client.force_login(application.candidate)  # another account: the session begins anew
    assert "Long à écrire" not in client.get(address).content.decode()

    client.logout()
    post(client, application, "identity", full_name="Long à écrire", version="0")
    client.force_login(application.candidate)
    page = client.get(address)
    assert "Long à écrire" in page.content.decode()
    assert "session avait expiré" in page.content.decode()
    assert "Long à écrire" not in client.get(address).content.decode()  # once
    assert post(client, application, "identity", full_name="Long à écrire", version="0").status_code == 302


def test_what_waits_too_long_is_not_given_back(client, application, monkeypatch):
    client.logout()
    post(client, application, "identity", full_name="Oublié", version="0")
    monkeypatch.setattr(typed_text, "KEPT_FOR", timedelta(seconds=-1))
    client.force_login(application.candidate)
    page = client.get(reverse("applications:section", args=[application.pk, "identity"]))
    assert "Oublié" not in page.content.decode()


def test_what_nobody_came_back_for_is_forgotten(client, application):
    client.logout()
    post(client, application, "identity", full_name="Oublié")
    [session] = Session.objects.all()
    assert session.expire_date < timezone.now() + typed_text.KEPT_FOR + timedelta(minutes=1)
    Session.objects.update(expire_date=timezone.now())
    forget_expired_sessions()
    assert not Session.objects.exists()


def test_nothing_is_kept_for_a_dossier_that_does_not_exist(client, db):
    client.post(f"/candidatures/{uuid4()}/partie/identity/", {"full_name": "x"})
    assert not Session.objects.exists()


def test_what_is_too_long_for_a_form_is_not_kept(client, application):
    client.logout()
    post(client, application, "identity", full_name="x" * (typed_text.LONGEST + 1))
    client.force_login(application.candidate)
    page = client.get(reverse("applications:section", args=[application.pk, "identity"]))
    assert "xxx" not in page.content.decode()


def test_saving_without_a_session_says_so(client, application):
    client.logout()
    response = autosave(client, application, "identity", full_name="Camille")
    assert response.status_code == 401
    assert "Me reconnecter" in response.content.decode()
