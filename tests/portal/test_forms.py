"""The crispy pack and the forms made of sections: what is typed comes back, whatever it is worth."""

import pytest
from crispy_forms.utils import render_crispy_form
from django import forms
from django.http import QueryDict
from lxml import html

from dossiers import fields as kinds
from dossiers.spec import Problem, SectionSpec
from portal.forms import Button, DsfrForm, SectionForm

REGIONS = (("n", "Normandie"), ("b", "Bretagne"))

SECTION = SectionSpec(
    key="formation",
    title="Formation",
    fields=(
        kinds.Text("surname", "Nom", width="half"),
        kinds.Text("first_name", "Prénom", width="half", required=False, help_text="Prénom d’usage"),
        kinds.Rpps("rpps", "Numéro RPPS"),
        kinds.LongText("project", "Projet"),
        kinds.Email("email", "Adresse électronique"),
        kinds.Phone("phone", "Téléphone"),
        kinds.Date("born_on", "Date de naissance"),
        kinds.Integer("years", "Années d’expérience"),
        kinds.Percent("share", "Part du temps"),
        kinds.Choice("region", "Région", choices=REGIONS),
        kinds.Choice("other_region", "Autre région", choices=REGIONS, as_list=True),
        kinds.YesNo("defended", "Thèse soutenue"),
        kinds.MultipleChoice("regions", "Régions", choices=REGIONS),
        kinds.Checkbox("consent", "J’accepte"),
        kinds.Table(
            "internships",
            "Stages",
            columns=(
                kinds.Text("place", "Établissement"),
                kinds.YesNo("valid", "Validé", as_list=True),
                kinds.YesNo("abroad", "À l’étranger", required=False),
                kinds.Checkbox("done", "Terminé"),
                kinds.LongText("notes", "Remarques", required=False),
            ),
            help_text="Un stage par ligne.",
        ),
    ),
    rule=lambda values: [Problem(message="Les parts doivent faire 100 %.")] if values.get("share") == 1 else [],
)
EMPTY = {spec.name: "" for spec in SECTION.fields} | {"regions": [], "consent": False, "internships": []}
RIGHT = {
    "surname": "D’Été & <fils>",
    "first_name": "Zoé",
    "rpps": "10001234567",
    "project": "Deux\r\nlignes",
    "email": "zoe@example.org",
    "phone": "06 12 34 56 78",
    "born_on": "1990-12-31",
    "years": "12",
    "share": "60",
    "region": "b",
    "other_region": "n",
    "defended": "oui",
    "regions": ["n", "b"],
    "consent": True,
    "internships": [
        {"place": "CHU", "valid": "oui", "abroad": "non", "done": True, "notes": "Long"},
        {"place": "Clinique", "valid": "", "abroad": None, "done": False, "notes": ""},
    ],
}
WRONG = RIGHT | {"rpps": "12", "email": "pas une adresse", "born_on": "31 décembre", "years": "douze", "region": "x"}


def rendered(form) -> html.HtmlElement:
    return html.fromstring(f"<form>{render_crispy_form(form)}</form>")


def posted(form) -> QueryDict:
    """What a browser would send of this form's page."""
    data = QueryDict(mutable=True)
    for control in rendered(form).xpath("//input | //select | //textarea"):
        kind = control.get("type")
        if kind in {"checkbox", "radio"}:
            values = [control.get("value", "on")] if control.get("checked") is not None else []
        elif control.tag == "select":
            options = control.xpath(".//option")
            values = [next((one for one in options if one.get("selected") is not None), options[0]).get("value")]
        elif control.tag == "textarea":  # the first line end is not part of it, the others are sent as CRLF
            values = [(control.text or "").removeprefix("\n").replace("\n", "\r\n")]
        else:
            values = [control.get("value", "")]
        for value in values:
            data.appendlist(control.get("name"), value)
    return data


@pytest.mark.parametrize("raw", [EMPTY, RIGHT, WRONG | {"region": ""}], ids=["empty", "right", "wrong"])
@pytest.mark.parametrize("prefix", [None, "annexe"])
@pytest.mark.parametrize("check", [True, False])
def test_what_was_typed_comes_back_unchanged(raw, prefix, check):
    shown = SectionForm.from_raw(SECTION, raw, check=check, prefix=prefix)
    assert shown.raw() == raw
    assert SectionForm(SECTION, posted(shown), prefix=prefix).raw() == raw


def test_the_round_trip_covers_every_kind_of_field():
    def descendants(kind):
        return {kind}.union(*(descendants(child) for child in kind.__subclasses__()))

    known = {kind for kind in descendants(kinds.FieldSpec) if kind.__module__ == kinds.__name__}
    assert known - {kinds.FieldSpec} <= {type(spec) for spec in SECTION.fields}


def test_an_answer_that_is_no_longer_an_option_is_kept_though_not_shown():
    assert SectionForm.from_raw(SECTION, WRONG).raw()["region"] == "x"


def test_the_section_alone_judges():
    form = SectionForm(SECTION, posted(SectionForm.from_raw(SECTION, WRONG)))
    assert not form.is_valid()
    told = {(name, message) for name, messages in form.errors.items() for message in messages}
    assert told == {(problem.field, problem.message) for problem in SECTION.clean(form.raw()).problems}


def test_what_is_stored_is_shown_without_reproach_unless_asked():
    assert SectionForm.from_raw(SECTION, {}).errors == {}
    assert "surname" in SectionForm.from_raw(SECTION, {}, check=True).errors


def test_only_chosen_problems_are_told_on_a_draft():
    form = SectionForm.from_raw(SECTION, EMPTY | {"rpps": "12", "share": "1"})
    form.add_problems(problem for problem in SECTION.clean(form.raw()).problems if not problem.missing)
    assert set(form.errors) == {"rpps", "__all__"}


def test_an_oddity_warns_without_blocking():
    form = SectionForm.from_raw(SECTION, RIGHT | {"rpps": "10001234568"}, check=True)
    assert "rpps" not in form.errors
    page = rendered(form)
    control = page.get_element_by_id("id_rpps")
    assert "fr-message--warning" in html.tostring(page.get_element_by_id("id_rpps_warning"), encoding="unicode")
    assert "id_rpps_warning" in control.get("aria-describedby")


@pytest.mark.parametrize("raw", [EMPTY, RIGHT, WRONG], ids=["empty", "right", "wrong"])
def test_every_reference_leads_to_an_element(raw):
    page = rendered(SectionForm.from_raw(SECTION, raw, check=True))
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    targets = [target for value in page.xpath("//@aria-describedby") for target in value.split()]
    targets += page.xpath("//label/@for")
    targets += [href.removeprefix("#") for href in page.xpath("//a/@href")]
    assert set(targets) <= set(ids)


def test_every_control_has_a_name_that_people_read():
    page = rendered(SectionForm.from_raw(SECTION, RIGHT))
    labelled = set(page.xpath("//label/@for"))
    for control in page.xpath("//input[not(@type='hidden')] | //select | //textarea"):
        assert control.get("id") in labelled, control.get("name")
    label = page.xpath("//label[@for='id_internships-1-place']")[0].text_content()
    assert "Établissement" in label
    assert "ligne 2" in label


def test_errors_are_summed_up_with_links_and_told_beside_the_field():
    page = rendered(SectionForm.from_raw(SECTION, EMPTY, check=True))
    summary = page.xpath("//*[@role='alert']")[0]
    assert "Nom" in summary.xpath(".//a[@href='#id_surname']")[0].text
    assert summary.xpath(".//a[@href='#id_internships']")
    surname = page.get_element_by_id("id_surname")
    assert surname.get("aria-invalid") == "true"
    assert surname.get("aria-describedby") == "id_surname_error"
    assert "à compléter" in page.get_element_by_id("id_surname_error").text_content()


def test_a_cell_in_error_says_so_itself_and_only_it():
    rows = [{"place": "CHU", "valid": "oui", "done": True}, {"place": "", "valid": "oui", "done": True}]
    page = rendered(SectionForm.from_raw(SECTION, RIGHT | {"internships": rows}, check=True))
    wrong = page.xpath("//*[@id='lignes-internships']//*[@aria-invalid='true']/@id")
    assert wrong == ["id_internships-1-place"]
    message = page.get_element_by_id("id_internships-1-place_error")
    assert "à compléter" in message.text_content()
    assert page.get_element_by_id("id_internships-1-place").get("aria-describedby") == message.get("id")


def test_optional_fields_say_so_and_only_they():
    page = rendered(SectionForm.from_raw(SECTION, {}))
    assert "(facultatif)" in page.xpath("//label[@for='id_first_name']")[0].text_content()
    assert "(facultatif)" not in page.xpath("//label[@for='id_surname']")[0].text_content()
    assert "Sauf mention contraire" in page.text_content()


def test_a_field_that_another_makes_due_says_so():
    due = kinds.Text("when", "Date prévue", required_if=lambda values: values.get("defended") == "non")
    page = rendered(SectionForm.from_raw(SectionSpec(key="thesis", title="Thèse", fields=(due,)), {}))
    assert "Date prévue (selon vos réponses)" in page.xpath("//label[@for='id_when']")[0].text_content()


class AskForm(DsfrForm, forms.Form):
    half_width = ("subject", "password")
    buttons = (Button("Envoyer", "action", "send"), Button("Annuler", variant="tertiary", formnovalidate=True))

    subject = forms.CharField(label="Objet", widget=forms.TextInput(attrs={"placeholder": "Objet"}))
    password = forms.CharField(label="Mot de passe", widget=forms.PasswordInput)
    letter = forms.FileField(label="Lettre", required=False, help_text="PDF")
    next = forms.CharField(widget=forms.HiddenInput, initial="/")


def test_an_ordinary_form_has_the_classes_of_the_design_system_and_no_others():
    page = rendered(AskForm())
    classes = {name for value in page.xpath("//@class") for name in value.split()}
    assert all(name.startswith(("fr-", "portal-")) for name in classes), classes
    assert {"fr-input", "fr-upload", "fr-password", "portal-form__field--half"} <= classes
    assert page.get_element_by_id("id_subject").get("placeholder") is None
    assert page.xpath("//input[@name='next'][@type='hidden']")


def test_buttons_send_their_name_and_value():
    send, cancel = rendered(AskForm()).xpath("//button")
    assert (send.get("type"), send.get("name"), send.get("value")) == ("submit", "action", "send")
    assert "fr-btn--tertiary" in cancel.get("class")
    assert cancel.get("name") is None


def test_no_inline_style_nor_script_which_the_content_policy_would_refuse():
    page = rendered(SectionForm.from_raw(SECTION, WRONG, check=True))
    assert not page.xpath("//@style | //script | //@*[starts-with(name(), 'on')]")
