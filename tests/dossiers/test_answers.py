"""What is typed is saved exactly, right or wrong."""

from __future__ import annotations

import pytest
from django.urls import reverse

from dossiers.answers import save_answers
from dossiers.models import SectionAnswers
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
