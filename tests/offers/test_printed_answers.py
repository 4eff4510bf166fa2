"""Each answer of each kind, the signatories' included, is found in the PDF, under its own question."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from applications import answering
from dossiers import fields
from dossiers.answers import save_answers
from dossiers.content import blank_content
from dossiers.pdf import printable
from dossiers.pdf.render import render_dossier
from offers.kinds import all_kinds
from tests import factories as make
from tests.answers import FITTING, filled_field
from tests.dossiers.sample_content import date, full_content, line
from tests.dossiers.test_pdf import page_texts, squeezed, structure

pytestmark = pytest.mark.django_db
KINDS = pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.slug)


def marked(spec: fields.FieldSpec, numbers):
    """An answer that no other question has, as far as its kind of field allows."""
    number = next(numbers)
    if spec.name in FITTING:
        return FITTING[spec.name]
    match spec:
        case fields.Table():
            return [{column.name: marked(column, numbers) for column in spec.columns} for _ in range(2)]
        case fields.LongText():
            return f"Repère {number}, début.\nRepère {number}, fin."
        case fields.Date():
            return (timezone.localdate() + timedelta(days=100 + number)).isoformat()
        case fields.Email():
            return f"repere{number}@example.org"
        case fields.Phone():
            return f"06 39 98 {number // 100:02} {number % 100:02}"
        case fields.Choice() | fields.Checkbox() | fields.Integer():
            return filled_field(spec)
        case _:
            return f"Repère {number}"[: spec.max_length]


@pytest.fixture(scope="module")
def numbers():
    return itertools.count(1)


def filed_content(kind, numbers) -> dict:
    """What is frozen of a dossier filled in, signed and filed as people do."""
    application = make.ApplicationFactory(offer=make.OfferFactory(kind=kind.slug, parameters={}))
    spec = application.dossier.spec
    for section in spec.sections:
        save_answers(application.dossier, section.key, {field.name: marked(field, numbers) for field in section.fields})
    make.fill_pieces(application)
    for annex in spec.annexes:
        own = {field.name: marked(field, numbers) for field in annex.fields}
        answer = {"opinion": "reserved", "text": f"Repère {next(numbers)}, avis.", "fields": own}
        answering.sign(make.invited_annex(application, annex.key), answer)
    return make.file_now(application).dossier.frozen.content


@KINDS
def test_each_answer_is_printed_under_its_question(kind, numbers):
    content = filed_content(kind, numbers)
    pdf = render_dossier(content)
    printed = squeezed(" ".join(page_texts(pdf))).casefold()
    ticked = 0
    for part in [*content["sections"], *content["annexes"]]:
        for entry in part["entries"]:
            ticked += bool(entry.get("checked"))
            ticked += sum(option["checked"] for option in entry.get("options", ()) if lists_its_options(entry))
            for told in expected(entry):
                assert squeezed(told).casefold() in printed, (part["key"], entry["name"], told)
    for annex in content["annexes"]:
        assert squeezed(annex["text"]).casefold() in printed
        ticked += 1
    assert [told for _, told in structure(pdf)].count("Case cochée :") == ticked


def lists_its_options(entry: dict) -> bool:
    return entry["type"] == "choices" or 0 < len(entry.get("options", ())) <= printable.LISTED_OPTIONS


def expected(entry: dict) -> list[str]:
    """The words that must be on paper for this answer: short ones right behind their question."""
    if entry["type"] == "table":
        return [cell for row in entry["rows"] for cell in row]
    if entry["type"] == "checkbox":
        return [entry["label"]]
    if lists_its_options(entry):
        return [entry["label"], *(option["label"] for option in entry["options"])]
    if entry["type"] == "long":
        return entry["display"].split("\n")
    label = entry["label"].rstrip(" :")
    return [f"{label}{'' if label.endswith('?') else ':'}{entry['display']}"]


@KINDS
def test_a_blank_form_asks_each_question(kind):
    content = blank_content(kind.slug, kind.dossier_spec({}), full_content()["context"] | {"candidate_name": ""})
    text = squeezed(" ".join(page_texts(render_dossier(content)))).casefold()
    for part in [*content["sections"], *content["annexes"]]:
        for entry in part["entries"]:
            said_by_the_title = entry["label"].casefold() in {
                part["title"].casefold(),
                part.get("heading", "").casefold(),
            }
            assert said_by_the_title or squeezed(entry["label"].rstrip(" :")).casefold() in text, entry["name"]
    assert "sansréponse" not in text


def test_what_was_left_empty_is_told_and_what_is_pointless_left_out():
    kind = next(kind for kind in all_kinds() if kind.slug == "assistant-temps-partage")
    content = blank_content(kind.slug, kind.dossier_spec({}), full_content()["context"])
    for section in content["sections"]:
        for entry in section["entries"]:
            entry["applies"] = entry["name"] != "thesis_planned"
    sections = printable.prepare(content)["sections"]
    printed = {entry["name"]: entry for section in sections for entry in [*section["entries"], *section["closing"]]}
    assert "thesis_planned" not in printed
    assert printed["desc"]["unanswered"]
    assert printed["internships"]["unanswered"]
    assert "Sans réponse" in render_to_string("documents/_entry.html", {"entry": printed["desc"]})


def test_the_signature_stays_with_its_date_and_its_text():
    """However long the text, the date, the name and the commitment under it are on one page."""
    content = full_content()
    project = next(section for section in content["sections"] if section["key"] == "projet")
    project["entries"] = [project["entries"][0], date("on", "Date", "Ce jour"), line("by", "Signature", "C. Exemple")]
    content |= {"annexes": [], "sections": [project]}
    for paragraphs in range(30, 44, 2):
        project["entries"][0]["display"] = "\n\n".join(["Une phrase de mon projet."] * paragraphs)
        pages = page_texts(render_dossier(content))
        page = next(page for page in pages if "Signature :" in page)
        assert "Date :" in page
        assert "Une phrase de mon projet." in page
