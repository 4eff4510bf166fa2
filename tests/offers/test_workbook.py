"""A workbook goes out, is edited, and comes back: nothing is written before it is seen and confirmed."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html
from openpyxl import load_workbook

from offers import workbook
from offers.history import changes
from offers.kinds import all_kinds
from offers.models import Offer
from offers.published import FORMULA_STARTS
from tests import factories as make
from tests.answers import filled_section

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:offers_offer_workbook")
LIST = reverse("admin:offers_offer_changelist")


def filled(kind, **columns) -> Offer:
    details = {name: raw for section in kind.offer_sections for name, raw in filled_section(section).items()}
    return make.OfferFactory(kind=kind.slug, details=details, parameters={}, **columns)


def edited(content: bytes, **cells: str) -> bytes:
    """The workbook with other texts in its first row, by heading."""
    book = load_workbook(io.BytesIO(content))
    sheet = book.worksheets[0]
    headings = [cell.value for cell in sheet[1]]
    for heading, text in cells.items():
        sheet.cell(2, headings.index(heading) + 1).value = text
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def send(client, content: bytes):
    return client.post(PAGE, {"file": SimpleUploadedFile("offres.xlsx", content)})


def confirm(client, page):
    document = html.fromstring(page.content.decode())
    form = next(form for form in document.forms if "seen" in form.fields)
    return client.post(PAGE, dict(form.form_values()))


def test_what_goes_out_comes_back_without_a_change(hr):
    for kind in all_kinds():
        filled(kind, institution=hr.institution, deadline=timezone.now() + timedelta(days=9), body="- x\r\n- y\n")
    told = workbook.plan(workbook.export(Offer.objects.order_by("pk")), hr.user)
    assert [(change.errors, change.differences) for change in told.changes] == [([], [])] * len(all_kinds())
    assert (told.idle, told.unknown) == (len(all_kinds()), {})


def test_an_edit_is_shown_then_done(client, hr):
    offer = filled(all_kinds()[0], institution=hr.institution, draft=True, title="Avant", region="28")
    content = edited(
        workbook.export([offer]),
        **{"Intitulé long de l’offre": "Après", "Région": "Bretagne", "Nom de la session": "S9"},
    )
    page = send(client, content)
    told = [(d.label, d.before, d.after) for d in page.context["plan"].effective[0].differences]
    assert told[:2] == [("Intitulé de l’offre", "Avant", "Après"), ("Région", "Normandie", "Bretagne")]
    assert told[2][2] == "S9"
    assert Offer.objects.get().title == "Avant"
    assert confirm(client, page).status_code == 302
    saved = Offer.objects.get()
    assert (saved.title, saved.region, saved.parameters["session_label"]) == ("Après", "53", "S9")
    latest = changes(saved)[0]
    assert (latest.who, latest.why) == (str(hr.user), "Import de offres.xlsx")


def test_what_changed_meanwhile_is_shown_again(client, hr):
    offer = filled(all_kinds()[0], institution=hr.institution, draft=True, title="Avant")
    page = send(client, edited(workbook.export([offer]), **{"Intitulé long de l’offre": "Après"}))
    Offer.objects.update(title="Entre-temps")
    again = confirm(client, page)
    assert again.context["changed"]
    assert Offer.objects.get().title == "Entre-temps"
    confirm(client, again)
    assert Offer.objects.get().title == "Après"


def test_a_new_reference_is_a_draft(client, hr):
    offer = filled(all_kinds()[0], institution=hr.institution)
    page = send(client, edited(workbook.export([offer]), Référence="NOUVELLE-1"))
    assert page.context["plan"].effective[0].is_new
    confirm(client, page)
    new = Offer.objects.get(reference="NOUVELLE-1")
    assert (new.state, new.kind, new.institution) == (Offer.State.DRAFT, offer.kind, hr.institution)
    assert new.details == offer.details


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"Date limite de candidature": "01/01/2030"}, "ne change plus après la publication"),
        ({"Nom de la session": "Autre"}, "ne change plus après la publication"),
        ({"Région": "Syldavie"}, "n’est pas un choix connu"),
        ({"Adresse électronique du service": "pas une adresse"}, "Adresse électronique du service"),
        ({"Organisme de rattachement": "Autre"}, "il se change sur la fiche"),
        ({"Intitulé long de l’offre": ""}, "Ce champ est à compléter"),
        ({"Intitulé long de l’offre": "x" * 201}, "200 caractères au plus"),
    ],
)
def test_what_is_refused_is_told_and_nothing_is_done(client, hr, cells, told):
    offer = filled(all_kinds()[0], institution=hr.institution)
    page = send(client, edited(workbook.export([offer]), **cells))
    assert told in page.content.decode().replace("&nbsp;", " ")
    assert not page.context["plan"].effective


def test_offers_of_others_are_out_of_reach(client, hr):
    other = filled(all_kinds()[0], title="Offre-secrète")
    page = send(client, edited(workbook.export([other]), Résumé="Changé"))
    assert (
        "une autre offre la porte déjà" in page.content.decode() or "n’est pas l’un des vôtres" in page.content.decode()
    )
    assert not page.context["plan"].effective


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_no_cell_is_a_formula(hr, start):
    offer = make.OfferFactory(title=f"{start}1+1", institution=hr.institution)
    sheet = load_workbook(io.BytesIO(workbook.export([offer]))).worksheets[0]
    assert {cell.data_type for row in sheet for cell in row if cell.value} == {"s"}


@given(content=st.binary(max_size=300))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_brings_it_down(client, hr, content):
    for sent in (content, b"PK\x03\x04" + content):
        assert "n’est pas un classeur" in send(client, sent or b"x").content.decode()


def test_a_thousand_rows_are_taken_and_not_one_more(client, hr):
    offer = make.OfferFactory(institution=hr.institution, parameters={})
    book = load_workbook(io.BytesIO(workbook.export([offer])))
    sheet = book.worksheets[0]
    row = [cell.value for cell in sheet[2]]
    for number in range(workbook.MOST_ROWS - 1):
        sheet.append([f"NOUVELLE-{number}", *row[1:]])

    def sent():
        out = io.BytesIO()
        book.save(out)
        return send(client, out.getvalue())

    assert len(sent().context["plan"].effective) == workbook.MOST_ROWS - 1  # all but the offer that is there already
    sheet.append(["REF-DE-TROP", *row[1:]])
    page = sent()
    assert "plan" not in page.context
    assert "Plus de 1000 lignes" in page.content.decode()


def test_a_bomb_is_not_unpacked(client, hr):
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (workbook.MOST_UNPACKED + 1))
    assert "trop volumineux" in send(client, out.getvalue()).content.decode()


# Many at once


def act(client, name: str, *offers: Offer, **data):
    return client.post(LIST, {"action": name, "_selected_action": [offer.pk for offer in offers], **data})


def test_many_offers_are_moved_and_each_refusal_is_told(client, hr):
    good = make.OfferFactory(institution=hr.institution, title="Bonne")
    done = make.OfferFactory(institution=hr.institution, title="Déjà close", state="closed", closed_at=timezone.now())
    elsewhere = make.OfferFactory(title="Ailleurs")
    page = act(client, "move_close", good, done, elsewhere)
    assert "Ailleurs" not in page.content.decode()
    assert "Ce champ est obligatoire" in act(client, "move_close", good, confirmed="1", reason="").content.decode()
    results = act(client, "move_close", good, done, elsewhere, confirmed="1", reason="Fin.").context["results"]
    assert [(offer.title, bool(reasons)) for offer, reasons in results] == [("Bonne", False), ("Déjà close", True)]
    assert Offer.objects.get(pk=good.pk).state == "closed"
    assert Offer.objects.get(pk=elsewhere.pk).state == "published"


def test_a_selection_is_exported(client, hr):
    offer = make.OfferFactory(institution=hr.institution)
    answer = act(client, "export", offer, make.OfferFactory())
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert [row[0].value for row in sheet.rows] == ["Référence", offer.reference]
