"""Filing: what blocks it, what is proved, and that what was filed stays filed."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from applications import circuit, lifecycle
from applications.models import Application, Receipt
from dossiers.answers import save_answers
from dossiers.fingerprints import fingerprint
from dossiers.freezing import DossierFrozen
from dossiers.models import Annex, FrozenDossier, Piece, SectionAnswers
from dossiers.uploads import add_piece, remove_piece
from portal.accounts.models import User
from portal.notifications.models import Mail
from portal.workflow import TransitionRefused
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready():
    return make.complete(make.ApplicationFactory())


@pytest.fixture
def filed(ready):
    return make.file_now(ready)


# What blocks


def test_an_empty_dossier_is_told_all_that_is_missing():
    application = make.ApplicationFactory()
    with pytest.raises(TransitionRefused) as refusal:
        make.file_now(application)
    told = "\n".join(refusal.value.reasons).replace("\N{NO-BREAK SPACE}", " ")
    spec = application.dossier.spec
    for section in spec.sections:
        assert f"La partie « {section.title} » est à compléter." in told
    assert "La pièce « CV détaillé » manque." in told
    assert (
        "L’annexe 5 « Avis du directeur de l’établissement hospitalier » n’est pas signée (signataire à désigner)."
        in told
    )


def one_answer_less(application):
    SectionAnswers.objects.get(dossier=application.dossier, section="identity").delete()


def one_wrong_answer(application):
    answers = SectionAnswers.objects.get(dossier=application.dossier, section="function")
    save_answers(application.dossier, "function", answers.raw | {"hospital_share": 90})


def one_piece_less(application):
    remove_piece(application.dossier.pieces.get(key="cv"))


def one_signature_less(application):
    Annex.objects.filter(dossier=application.dossier).update(state=Annex.State.OPENED)


@pytest.mark.parametrize("spoil", [one_answer_less, one_wrong_answer, one_piece_less, one_signature_less])
def test_one_thing_less_and_it_is_refused(client, ready, spoil):
    spoil(ready)
    client.force_login(ready.candidate)
    response = client.post(reverse("applications:recap", args=[ready.pk]), {"certified": "on"})
    assert response.status_code == 409
    ready.refresh_from_db()
    assert ready.state == Application.State.DRAFT
    assert not Receipt.objects.exists()


def test_filing_asks_for_a_certification(client, ready):
    client.force_login(ready.candidate)
    response = client.post(reverse("applications:recap", args=[ready.pk]), {"certified": ""})
    assert response.status_code == 200
    assert not Receipt.objects.exists()


def test_nobody_files_for_another(ready):
    for actor in (make.UserFactory(), make.UserFactory(is_superuser=True, is_staff=True), None):
        with pytest.raises(TransitionRefused):
            lifecycle.file_application(ready, actor=actor, received_at=timezone.now())


# What is proved


def test_the_receipt_says_what_the_law_asks(client, filed):
    """CRPA R112-11-1: date and time of reception, service in charge and its coordinates, legal mentions."""
    client.force_login(filed.candidate)
    page = client.get(reverse("applications:receipt", args=[filed.pk])).content.decode()
    offer = filed.offer
    local = timezone.localtime(filed.filed_at)
    for expected in (
        filed.number,
        f"{local:%H:%M:%S}",
        offer.service_name,
        offer.service_email,
        offer.service_phone,
        "76000 Rouen",
        "L. 112-11",
    ):
        assert expected in page, expected
    assert set(Mail.objects.filter(kind__in=["receipt", "filed_for_hr"]).values_list("recipient", flat=True)) == {
        filed.candidate.email,
        offer.service_email,
    }


def test_numbers_follow_one_another_and_say_the_year():
    first, second = (make.filed(make.ApplicationFactory()) for _ in range(2))
    year = timezone.localdate().year
    assert first.number.startswith(f"SJ-{year}-")
    assert int(second.number[-5:]) == int(first.number[-5:]) + 1


def test_what_was_filed_is_fingerprinted(filed):
    frozen = FrozenDossier.objects.get(dossier=filed.dossier)
    assert frozen.sha256 == fingerprint(frozen.content)
    pieces = {file["sha256"] for piece in frozen.content["pieces"] for file in piece["files"]}
    assert pieces == set(Piece.objects.values_list("sha256", flat=True))
    assert all(annex["signed"] and annex["sha256"] for annex in frozen.content["annexes"])
    assert frozen.content["context"]["number"] == filed.number


def test_what_is_read_later_is_what_was_filed(client, filed):
    """A name, an offer or a question that changes afterwards changes nothing of the filed dossier."""
    hr = make.MembershipFactory(institution=filed.offer.institution).user
    make.admit(filed, hr)
    member = make.SeatFactory(commission__offers=[filed.offer]).user
    client.force_login(member)
    address = reverse("commission:detail", args=[filed.pk])
    before = FrozenDossier.objects.get().content
    User.objects.filter(pk=filed.candidate_id).update(last_name="Changement")
    type(filed.offer).objects.update(parameters={"annexes": []})
    page = client.get(address).content.decode()
    assert FrozenDossier.objects.get().content == before
    assert "Camille Exemple" in page
    assert "Annexe 5" in page


# What was filed stays filed


def test_the_code_refuses_every_change(filed):
    dossier = filed.dossier
    with pytest.raises(DossierFrozen):
        save_answers(dossier, "identity", {})
    with pytest.raises(DossierFrozen):
        add_piece(dossier, "cv", make.pdf_upload())
    with pytest.raises(DossierFrozen):
        remove_piece(dossier.pieces.first())
    with pytest.raises(DossierFrozen):
        make.named_annex(filed)
    with pytest.raises(TransitionRefused):
        circuit.replace(dossier.annexes.get(), actor=filed.candidate)


def test_a_form_left_open_leads_to_the_filed_dossier(client, filed):
    client.force_login(filed.candidate)
    response = client.post(
        reverse("applications:section", args=[filed.pk, "identity"]), {"full_name": "Autre"}, follow=True
    )
    assert response.redirect_chain[0][0] == filed.get_absolute_url()
    assert "ne change plus" in response.content.decode()


FROZEN = ["dossiers_sectionanswers", "dossiers_piece", "dossiers_annex"]


def run_sql(statement: str, *parameters) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.mark.parametrize("table", FROZEN)
@pytest.mark.parametrize("change", ["update", "delete", "insert", "move_out", "move_in"])
def test_the_database_refuses_every_change(filed, table, change):
    draft = make.complete(make.ApplicationFactory())
    column = {"dossiers_sectionanswers": "section", "dossiers_piece": "key", "dossiers_annex": "key"}[table]
    statements = {
        "update": (f"UPDATE {table} SET {column} = {column} WHERE dossier_id = %s", filed.dossier_id),
        "delete": (f"DELETE FROM {table} WHERE dossier_id = %s", filed.dossier_id),
        "insert": (_copy_into(table), draft.dossier_id),
        "move_out": (
            f"UPDATE {table} SET dossier_id = %s, {column} = 'ailleurs' WHERE dossier_id = %s",
            draft.dossier_id,
            filed.dossier_id,
        ),
        "move_in": (
            f"UPDATE {table} SET dossier_id = %s, {column} = 'ailleurs' WHERE dossier_id = %s",
            filed.dossier_id,
            draft.dossier_id,
        ),
    }
    statement, *parameters = statements[change]
    if change == "insert":
        parameters = [filed.dossier_id, *parameters]
    with pytest.raises(DatabaseError, match="filed dossier: nothing may change"):
        run_sql(statement, *parameters)


def _copy_into(table: str) -> str:
    """Rows of another dossier, copied into the filed one."""
    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
    copied = {"id": "gen_random_uuid()", "dossier_id": "%s", "link_hash": "''"}
    if table == "dossiers_sectionanswers":
        columns.remove("id")
    values = ", ".join(copied.get(column, f'"{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE dossier_id = %s"


@pytest.mark.parametrize("table", ["dossiers_frozendossier", "applications_receipt"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET content = content", "DELETE FROM {}"])
def test_neither_the_frozen_dossier_nor_the_receipt_can_change(filed, table, statement):
    with pytest.raises(DatabaseError, match="Cannot"):
        run_sql(statement.format(table))


def test_a_draft_can_be_changed(ready):
    """The guards say no to filed dossiers, and to them alone."""
    for table in FROZEN:
        run_sql(f"UPDATE {table} SET dossier_id = dossier_id")
    run_sql("DELETE FROM dossiers_safecopy")
    run_sql("DELETE FROM dossiers_piece")


def test_a_withdrawn_draft_is_no_longer_written(client, ready):
    lifecycle.WORKFLOW.run(ready, "withdraw", actor=ready.candidate)
    client.force_login(ready.candidate)
    response = client.post(reverse("applications:section", args=[ready.pk, "identity"]), {"full_name": "Autre"})
    assert response.status_code == 302
    assert SectionAnswers.objects.get(section="identity").raw["full_name"] == "Camille Exemple"


def test_after_a_withdrawal_one_may_begin_again(client, filed):
    lifecycle.WORKFLOW.run(filed, "withdraw", actor=filed.candidate)
    client.force_login(filed.candidate)
    client.post(reverse("applications:start", args=[filed.offer.slug]), make.start_form(filed.offer))
    assert Application.objects.filter(state=Application.State.DRAFT).count() == 1
    assert Mail.objects.filter(kind="withdrawn_for_hr", recipient=filed.offer.service_email).exists()


def test_the_page_of_a_filed_dossier_says_what_comes_next(client):
    application = make.filed(make.ApplicationFactory())
    offer = application.offer
    hr = make.MembershipFactory(institution=offer.institution).user
    client.force_login(application.candidate)

    def page() -> str:
        return client.get(application.get_absolute_url()).content.decode()

    assert "vérifie votre dossier et vous écrit" in page()
    assert f"mailto:{offer.service_email}" in page()
    assert "commission" not in page()
    make.CommissionFactory(institution=offer.institution, offers=[offer])
    assert "La commission examine les dossiers recevables" in page()
    application = make.admit(application, hr)
    assert "vérifie votre dossier" not in page()
    assert "La commission examine votre dossier, qui est recevable" in page()
    lifecycle.WORKFLOW.run(application, "accept", actor=hr, reason="Un projet solide.")
    assert "Et maintenant" not in page()
