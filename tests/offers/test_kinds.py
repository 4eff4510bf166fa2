"""Every kind keeps its promises: it is found, it builds, it can be filled, and its rules say what is wrong."""

from __future__ import annotations

import json
import string

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from dossiers.spec import get_spec
from offers import kinds
from offers.kinds import all_kinds, get_kind
from tests.answers import filled_annex, filled_answers, filled_section

EVERY_KIND = pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.slug)

SHARED_TIME = get_kind("assistant-temps-partage")
REGIONAL = get_kind("assistant-specialiste-regional")
COURT_ASSISTANT = get_kind("assistant-specialise")
COORDINATOR = get_kind("medecin-coordonnateur")
COOPERATION = get_kind("mission-cooperation")


def problems(kind, section, parameters=None, **changes):
    """What is wrong with a section that is filled but for `changes`."""
    spec = kind.dossier_spec(parameters or {}).section_by_key[section]
    return spec.clean(filled_section(spec) | changes).problems


def sections_of(kind):
    spec = kind.dossier_spec({})
    return [
        *kind.offer_sections,
        kind.parameter_section,
        *spec.sections,
        *(annex.form_section for annex in spec.annexes),
    ]


def test_the_five_programmes_are_found():
    assert {kind.slug for kind in all_kinds()} == {
        "assistant-specialise",
        "assistant-specialiste-regional",
        "assistant-temps-partage",
        "medecin-coordonnateur",
        "mission-cooperation",
    }


def test_a_sixth_kind_is_one_new_file(tmp_path, monkeypatch):
    (tmp_path / "infirmier_penitentiaire.py").write_text(
        "from dataclasses import replace\n"
        "from offers.kinds.mission_cooperation import kind as model\n"
        "kind = replace(model, slug='infirmier-penitentiaire', label='Infirmier en milieu pénitentiaire')\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    kinds._kinds_by_slug.cache_clear()
    try:
        assert get_kind("infirmier-penitentiaire").label == "Infirmier en milieu pénitentiaire"
        kinds.load()
        assert get_spec("infirmier-penitentiaire", {}).sections
    finally:
        kinds._kinds_by_slug.cache_clear()


@EVERY_KIND
def test_keys_and_names_are_unique(kind):
    spec = kind.dossier_spec({})
    for keyed in (spec.sections, spec.pieces, spec.annexes, kind.offer_sections):
        keys = [item.key for item in keyed]
        assert len(keys) == len(set(keys))
    for section in sections_of(kind):
        assert len(section.by_name) == len(section.fields), section.key
    details = [field.name for section in kind.offer_sections for field in section.fields]
    assert len(details) == len(set(details)), "the details of an offer share one namespace"
    assert not set(details) & set(kind.parameter_section.by_name)


@EVERY_KIND
def test_signatories_are_shown_sections_that_exist(kind):
    spec = kind.dossier_spec({})
    for annex in spec.annexes:
        assert annex.sections
        assert set(annex.sections) <= set(spec.section_by_key)
        assert "identity" not in annex.sections, "a signatory does not need the candidate's address"


@EVERY_KIND
def test_a_complete_dossier_has_no_problem(kind):
    spec = kind.dossier_spec({})
    answers = filled_answers(spec)
    for section in spec.sections:
        assert section.clean(answers[section.key]).problems == []
    for annex in spec.annexes:
        assert annex.form_section.clean(filled_annex(annex)).problems == []


@EVERY_KIND
def test_whoever_can_apply_is_let_in(kind):
    """The questions before the work have an answer that says nothing against applying."""
    questions = kind.screening({})
    if questions is None:
        pytest.skip("nothing is asked before this work")
    assert questions.clean(filled_section(questions)).problems == []
    assert len(questions.fields) <= 6, "before the work, not instead of it"


@EVERY_KIND
def test_a_question_asked_before_the_work_is_the_one_of_the_dossier(kind):
    questions = kind.screening({})
    asked = questions.by_name if questions else {}
    for section in kind.dossier_spec({}).sections:
        for name in asked.keys() & section.by_name.keys():
            assert section.by_name[name].label == asked[name].label


@pytest.mark.parametrize(
    ("qualification", "years", "enough"),
    [
        ("psychiatrist", 3, True),
        ("psychiatrist", 2, False),
        ("former-specialist", 5, True),
        ("former-specialist", 4, False),
        ("trained", 0, True),
    ],
)
def test_three_years_as_a_psychiatrist_or_five_as_a_specialist(qualification, years, enough):
    found = problems(COORDINATOR, "eligibility", qualification=qualification, practice_years=years)
    assert [problem.blocking for problem in found] == [True] * (not enough)
    assert all("R. 3711-3, 2°" in problem.message for problem in found)


@EVERY_KIND
def test_what_is_typed_and_what_is_printed_are_json(kind):
    for section in sections_of(kind):
        for raw in (filled_section(section), {}):
            json.dumps(raw)
            values = section.clean(raw).values
            json.dumps([field.entry(values.get(field.name)) for field in section.fields])


@EVERY_KIND
def test_each_missing_answer_is_told_once(kind):
    for section in kind.dossier_spec({}).sections:
        filled = filled_section(section)
        values = section.clean(filled).values
        for field in section.fields:
            found = section.clean(filled | {field.name: None}).problems
            expected = [field.name] if field.is_required(values) else []
            blocking = [problem for problem in found if problem.blocking]
            assert [problem.field for problem in blocking] == expected, f"{section.key}.{field.name}"
            assert all(problem.missing and problem.section == section.key for problem in blocking)


@EVERY_KIND
def test_defaults_are_valid_parameters(kind):
    problems_found = kind.parameter_section.clean(kind.default_parameters).problems
    assert not problems_found


@EVERY_KIND
@settings(deadline=None)  # the first example pays for the imports
@given(data=st.data())
def test_wrong_parameters_never_prevent_a_dossier(kind, data):
    """An offer's parameters are typed by people: what is absent or not valid gives way to the default."""
    junk = st.none() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=4), max_size=2)
    parameters = data.draw(st.dictionaries(st.sampled_from([*kind.parameter_section.by_name, "unknown"]), junk))
    assert kind.dossier_spec(parameters).sections
    assert set(kind.parameter_values(parameters)) == set(kind.parameter_section.by_name)


@EVERY_KIND
def test_conditions_carry_the_offers_numbers(kind):
    assert kind.eligibility({})
    for sentence in kind.eligibility({}):
        assert sentence.endswith(".")
        assert "{" not in sentence
    for condition in kind.conditions:
        names = {name for _, name, _, _ in string.Formatter().parse(condition) if name}
        assert names <= set(kind.parameter_section.by_name)


@EVERY_KIND
def test_words_for_the_public(kind):
    assert kind.label
    assert kind.short_label
    assert kind.summary
    assert "R. 112-11" in kind.legal_mentions or "L. 112-11" in kind.legal_mentions
    spoken = [kind.label, kind.summary, kind.legal_mentions, *kind.conditions]
    for section in sections_of(kind):
        spoken += [section.title, section.intro, section.heading]
        spoken += [words for field in section.fields for words in (field.label, field.help_text, field.print_label)]
    for words in spoken:
        assert "'" not in words, words
        assert not any(f" {mark}" in words for mark in ":;?!»"), words


@EVERY_KIND
def test_presentation_leaves_out_what_is_empty(kind):
    details = {name: raw for section in kind.offer_sections for name, raw in filled_section(section).items()}
    titles = [group["title"] for group in kind.presentation(details, {})]
    assert titles == [*(section.title for section in kind.offer_sections), kind.parameter_section.title]
    assert all(entry["display"] for group in kind.presentation({}, {}) for entry in group["entries"])


class TestSharedTime:
    @given(hospital=st.integers(0, 100), ambulatory=st.integers(0, 100), minimum=st.integers(0, 100))
    def test_the_shares_make_the_whole_and_respect_the_bound(self, hospital, ambulatory, minimum):
        found = problems(
            SHARED_TIME,
            "function",
            {"minimum_ambulatory": minimum},
            hospital_share=hospital,
            ambulatory_share=ambulatory,
        )
        assert len(found) == (hospital + ambulatory != 100) + (ambulatory < minimum)
        assert all(problem.blocking and problem.field == "ambulatory_share" for problem in found)

    def test_the_bound_is_printed_in_the_instructions(self):
        section = SHARED_TIME.dossier_spec({"minimum_ambulatory": 60}).section_by_key["function"]
        assert "à hauteur de 60\N{NO-BREAK SPACE}% minimum" in section.intro

    def test_the_five_annexes_in_the_order_of_the_form(self):
        annexes = SHARED_TIME.dossier_spec({}).annexes
        assert [(annex.number, annex.key) for annex in annexes] == [
            ("1", "coordinator"),
            ("2", "ambulatory_head"),
            ("3", "hospital_head"),
            ("4", "ambulatory_director"),
            ("5", "hospital_director"),
        ]

    def test_a_campaign_may_ask_for_fewer_annexes(self):
        spec = SHARED_TIME.dossier_spec({"annexes": ["coordinator", "hospital_head"]})
        assert [annex.number for annex in spec.annexes] == ["1", "3"]

    @pytest.mark.parametrize(("defended", "missing"), [("oui", "thesis_date"), ("non", "thesis_planned")])
    def test_the_thesis_has_one_date_or_the_other(self, defended, missing):
        found = problems(SHARED_TIME, "training", thesis_defended=defended, thesis_date="", thesis_planned="")
        assert [(problem.field, problem.missing) for problem in found] == [(missing, True)]

    @time_machine.travel("2026-03-02T10:00:00+01:00", tick=False)
    def test_a_thesis_planned_yesterday_is_only_odd(self):
        (problem,) = problems(SHARED_TIME, "training", thesis_defended="non", thesis_planned="2026-03-01")
        assert not problem.blocking
        assert problems(SHARED_TIME, "training", thesis_defended="non", thesis_planned="2026-03-02") == []

    @time_machine.travel("2026-03-02T10:00:00+01:00", tick=False)
    def test_a_thesis_defended_tomorrow_is_only_odd(self):
        (problem,) = problems(SHARED_TIME, "training", thesis_defended="oui", thesis_date="2026-03-03")
        assert not problem.blocking
        assert problems(SHARED_TIME, "training", thesis_defended="oui", thesis_date="2026-03-02") == []

    @pytest.mark.parametrize(("defended", "required"), [("oui", True), ("non", False), ("", False)])
    def test_diplomas_are_due_once_the_thesis_is_defended(self, defended, required):
        piece = SHARED_TIME.dossier_spec({}).piece_by_key["diplomas"]
        assert piece.is_required({"training": {"thesis_defended": defended}}) is required
        assert not piece.is_required({})

    def test_a_partner_outside_a_priority_zone_is_justified(self):
        annex = SHARED_TIME.dossier_spec({}).annex_by_key["coordinator"]
        answers = filled_annex(annex) | {"priority_zone": "non", "partner_justification": ""}
        (problem,) = annex.form_section.clean(answers).problems
        assert problem.field == "partner_justification"

    def test_the_start_dates_are_the_campaigns(self):
        parameters = {"starts": "novembre 2026\r\n\r\nmai 2027"}
        start = SHARED_TIME.dossier_spec(parameters).section_by_key["request"].by_name["start"]
        assert start.choices == (("novembre-2026", "Novembre 2026"), ("mai-2027", "Mai 2027"))
        assert SHARED_TIME.document_context({}, parameters)["start_label"] == "novembre 2026 ou mai 2027"

    def test_consent_says_who_keeps_the_data_and_whom_to_write_to(self):
        spec = SHARED_TIME.dossier_spec({"agency": "l’ARS Bretagne", "privacy_contact": "dpo@bretagne.example.org"})
        consent = spec.section_by_key["request"].by_name["consent"]
        assert "l’ARS Bretagne procède au traitement" in consent.help_text
        assert "dpo@bretagne.example.org" in consent.print_label


class TestRegional:
    @given(peripheral=st.integers(0, 100), university=st.integers(0, 100))
    def test_the_shares_respect_both_bounds(self, peripheral, university):
        found = problems(REGIONAL, "function", peripheral_share=peripheral, university_share=university)
        assert len(found) == (peripheral + university != 100) + (peripheral < 60) + (university > 40)

    @pytest.mark.parametrize(("months", "accepted"), [("11", False), ("12", True), ("24", True), ("25", False)])
    def test_one_year_at_least_two_at_most(self, months, accepted):
        assert (problems(REGIONAL, "request", duration=months) == []) is accepted

    def test_the_eight_annexes(self):
        annexes = REGIONAL.dossier_spec({}).annexes
        assert [annex.number for annex in annexes] == list("12345678")
        assert [annex.key for annex in annexes if annex.key.endswith("_medical_board")] == [
            "peripheral_medical_board",
            "university_medical_board",
        ]


class TestCourtAssistant:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"french": "non"}, "R. 123-39"),
            ({"status": "contractual", "four_year_diploma": "non"}, "R. 123-39, 2°"),
            ({"status": "contractual", "experience_years": 3}, "R. 123-39, 2°"),
            ({"postdoctoral_years": 9}, "au moins 10 ans"),
            ({"regulated_practice": "oui"}, "R. 123-42"),
        ],
    )
    def test_a_condition_not_met_blocks_with_its_article(self, changes, said):
        (problem,) = (found for found in problems(COURT_ASSISTANT, "eligibility", **changes) if found.blocking)
        assert problem.blocking
        assert said in problem.message

    def test_an_official_needs_neither_diploma_nor_years(self):
        assert problems(COURT_ASSISTANT, "eligibility", four_year_diploma="", experience_years="") == []

    def test_the_experience_asked_is_the_offers(self):
        assert problems(COURT_ASSISTANT, "eligibility", {"minimum_experience": 5}, postdoctoral_years=5) == []


class TestCoordinatingDoctor:
    def test_at_any_time(self):
        assert not COORDINATOR.has_deadline

    def test_one_court_among_twenty_one(self):
        court = COORDINATOR.dossier_spec({}).section_by_key["court"].by_name["court"]
        assert len(court.choices) == 21
        assert dict(court.choices)["privas"] == "TJ de Privas (07) – Cour d’appel de Nîmes"
        opened = COORDINATOR.dossier_spec({"courts": ["lyon", "privas"]}).section_by_key["court"].by_name["court"]
        assert [key for key, _ in opened.choices] == ["lyon", "privas"]

    @pytest.mark.parametrize("changes", [{"registered": "non"}, {"qualification": "none"}])
    def test_a_condition_not_met_blocks_with_its_article(self, changes):
        (problem,) = problems(COORDINATOR, "eligibility", **changes)
        assert problem.blocking
        assert "R. 3711-3" in problem.message

    @time_machine.travel("2028-02-29T10:00:00+01:00", tick=False)
    def test_a_recent_registration_is_only_odd(self):
        (problem,) = problems(COORDINATOR, "eligibility", registered_on="2025-03-01")
        assert not problem.blocking
        assert problems(COORDINATOR, "eligibility", registered_on="2025-02-28") == []

    def test_others_than_psychiatrists_show_their_training(self):
        certificate = COORDINATOR.dossier_spec({}).piece_by_key["training_certificate"]
        assert certificate.is_required({"eligibility": {"qualification": "trained"}})
        assert not certificate.is_required({"eligibility": {"qualification": "psychiatrist"}})
        found = problems(COORDINATOR, "eligibility", qualification="trained", training_institution="", training_date="")
        assert [problem.field for problem in found] == ["training_institution", "training_date"]

    def test_sixty_persons_is_the_ceiling_and_only_warns(self):
        (problem,) = problems(COORDINATOR, "court", already_listed="oui", other_lists="TJ de Lyon", followed_now=61)
        assert not problem.blocking


class TestCooperation:
    def test_the_six_priorities_in_order(self):
        priorities = COOPERATION.dossier_spec({}).section_by_key["missions"].by_name["priorities"]
        assert len(priorities.choices) == 6
        assert priorities.choices[0][1].startswith("La lutte contre le terrorisme")

    def test_zones_are_chosen_where_the_offer_names_them_and_free_elsewhere(self):
        free = COOPERATION.dossier_spec({}).section_by_key["missions"].by_name["zones"]
        named = COOPERATION.dossier_spec({"zones": "Afrique de l’Ouest\nBalkans"}).section_by_key["missions"]
        assert free.type == "long"
        assert [label for _, label in named.by_name["zones"].choices] == ["Afrique de l’Ouest", "Balkans"]

    def test_only_long_missions_ask_about_leaving(self):
        assert problems(COOPERATION, "missions", mission_types=["short-term"], expatriation="") == []
        (problem,) = problems(COOPERATION, "missions", mission_types=["long-term-expert"], expatriation="non")
        assert not problem.blocking
