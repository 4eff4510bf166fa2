"""Whatever is typed, or stored by an older version: judging it never raises, and it can always be printed."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from dossiers import fields
from dossiers.content import annex_content, section_content
from offers.kinds import all_kinds
from portal.forms import SectionForm, flatten
from tests.answers import filled_section

TEXT = st.text(max_size=30)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
# What a browser can send, and what JSON can hold.
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
LIKELY = st.sampled_from(
    ["", "oui", "non", "2020-02-30", "31/12/2026", "-1", "1e9", "٣", "999999999999999999999", "\x00", "à"]
)

CHOICES = (("a", "A"), ("b", "B"))
ONE_OF_EACH = [
    fields.Text("f", "Texte"),
    fields.Rpps("f", "RPPS"),
    fields.LongText("f", "Long"),
    fields.Email("f", "Adresse"),
    fields.Phone("f", "Téléphone"),
    fields.Date("f", "Date"),
    fields.Integer("f", "Nombre"),
    fields.Percent("f", "Part"),
    fields.Choice("f", "Choix", choices=CHOICES),
    fields.Choice("f", "Liste", choices=CHOICES, as_list=True),
    fields.YesNo("f", "Oui ou non"),
    fields.MultipleChoice("f", "Plusieurs", choices=CHOICES),
    fields.Checkbox("f", "Case"),
    fields.Table(
        "f",
        "Tableau",
        columns=(fields.Text("t", "Texte"), fields.Integer("n", "Nombre"), fields.Date("d", "Date", required=False)),
    ),
]


def sections():
    for kind in all_kinds():
        spec = kind.dossier_spec({})
        for section in (*kind.offer_sections, kind.parameter_section, *spec.sections):
            yield pytest.param(section, id=f"{kind.slug}-{section.key}")
        for annex in spec.annexes:
            yield pytest.param(annex.form_section, id=f"{kind.slug}-annexe-{annex.key}")


SECTIONS = list(sections())


def test_every_type_of_field_is_here():
    def types(base):
        return {base, *(inner for sub in base.__subclasses__() for inner in types(sub))}

    ours = {kind for kind in types(fields.FieldSpec) if kind.__module__ == fields.__name__}  # a kind may have its own
    assert {type(spec) for spec in ONE_OF_EACH} == ours - {fields.FieldSpec}


@pytest.mark.parametrize("spec", ONE_OF_EACH, ids=lambda spec: f"{type(spec).__name__}-{spec.label}")
@given(raw=JSON | LIKELY | st.lists(st.dictionaries(st.sampled_from("tnd"), JSON | LIKELY), max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_field_judges_anything(spec, raw):
    try:
        value = spec.clean(raw)
    except ValidationError:
        return
    spec.is_empty(value)
    list(spec.warn(value) if not spec.is_empty(value) else ())
    json.dumps(spec.entry(value))


@pytest.mark.parametrize("section", SECTIONS)
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_a_section_judges_anything(section, data):
    names = st.sampled_from([spec.name for spec in section.fields] or ["rien"])
    raw = data.draw(st.dictionaries(names, JSON | LIKELY, max_size=6))
    cleaned = section.clean(filled_section(section) | raw)
    assert all(problem.message for problem in cleaned.problems)
    content = section_content(section, raw)
    json.dumps(content)
    assert [entry["name"] for entry in content["entries"]] == [spec.name for spec in section.fields]


@pytest.mark.parametrize("section", SECTIONS)
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_whatever_a_browser_sends_is_kept_and_shown_again(section, data):
    """The form of anything that was sent shows it again; what it keeps can be stored."""
    names = [f"{spec.name}{suffix}" for spec in section.fields for suffix in ("", "-rows", "-0-x")] or ["rien"]
    sent = data.draw(st.dictionaries(st.sampled_from(names), st.lists(LIKELY | TEXT, max_size=2), max_size=6))
    post = flatten({})
    for name, values in sent.items():
        post.setlist(name, values)
    form = SectionForm(section, post)
    form.is_valid()
    stored = json.loads(json.dumps(form.raw()))
    assert SectionForm.from_raw(section, stored).as_p()


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.slug)
def test_an_annex_that_nobody_was_asked_for_can_be_printed(kind):
    for spec in kind.dossier_spec({}).annexes:
        content = annex_content(spec, None, candidate="Camille Exemple", sections=[])
        json.dumps(content)
        assert content["signed"] is False


# Some judgements, one by one


@pytest.mark.parametrize(
    ("spec", "raw", "clean"),
    [
        (fields.Date("f", "D"), "31/12/2026", "2026-12-31"),
        (fields.Date("f", "D"), "2026-12-31", "2026-12-31"),
        (fields.Integer("f", "N"), " 12 ", "12"),
        (fields.Rpps("f", "R"), "100 0123 4565", "10001234565"),
        (fields.Text("f", "T"), "  à  ", "à"),
        (fields.YesNo("f", "O"), "oui", "oui"),
    ],
)
def test_what_is_understood(spec, raw, clean):
    assert str(spec.clean(raw)) == clean


@pytest.mark.parametrize(
    ("spec", "raw"),
    [
        (fields.Date("f", "D"), "30/02/2026"),
        (fields.Date("f", "D"), "0001-01-01"),
        (fields.Integer("f", "N", minimum=5), "4"),
        (fields.Percent("f", "P"), "101"),
        (fields.Integer("f", "N"), "1,5"),
        (fields.Rpps("f", "R"), "1000123456"),
        (fields.Rpps("f", "R"), "1000123456٣"),
        (fields.Email("f", "E"), "camille@"),
        (fields.Phone("f", "P"), "allô"),
        (fields.Choice("f", "C", choices=CHOICES), "c"),
        (fields.MultipleChoice("f", "C", choices=CHOICES), ["a", "c"]),
        (fields.Text("f", "T", max_length=3), "abcd"),
        (fields.Text("f", "T"), "a\x07b"),
    ],
)
def test_what_is_refused(spec, raw):
    with pytest.raises(ValidationError):
        spec.clean(raw)


def test_a_wrong_key_of_rpps_only_warns():
    spec = fields.Rpps("f", "RPPS")
    assert "ne correspond pas" in next(iter(spec.warn("10001234567")))
    assert not list(spec.warn("10001234565"))
