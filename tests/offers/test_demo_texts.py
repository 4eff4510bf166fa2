"""The demonstration's offers are complete, agree with their kinds, and name nobody."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from offers.data import appeal_courts, courts, departments, regions
from offers.demo import load_institutions, load_offers
from offers.kinds import all_kinds, get_kind

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=PARIS)
TEXTS = sorted(Path("offers/demo").glob("*.toml"))


def test_places():
    assert len(regions()) == 18
    assert len(departments()) == 101
    assert {"2A", "2B", "971", "976"} <= {department.code for department in departments()}
    assert {department.region for department in departments()} == {region.code for region in regions()}
    assert len(courts()) == 21
    assert len({court.department for court in courts()}) == 12
    assert {court.appeal_court for court in courts()} == {court.code for court in appeal_courts()}


def test_every_kind_has_an_offer_and_the_deadlines_differ():
    offers = load_offers(NOW)
    assert {offer["kind"] for offer in offers} == {kind.slug for kind in all_kinds()}
    assert any(offer["deadline"] is None for offer in offers)
    assert any(offer["closed"] for offer in offers)
    assert any(not offer["closed"] and offer["deadline"] and (offer["deadline"] - NOW).days == 2 for offer in offers)
    assert len({offer["reference"] for offer in offers}) == len({offer["slug"] for offer in offers}) == len(offers)


@pytest.mark.parametrize("now", [NOW, datetime(2027, 3, 28, 1, 30, tzinfo=PARIS), datetime(2028, 2, 29, tzinfo=PARIS)])
def test_deadlines_are_the_last_second_of_a_day_in_paris(now):
    for offer in load_offers(now):
        assert offer["published_at"] < (offer["deadline"] or now)
        if offer["deadline"]:
            assert offer["deadline"].astimezone(PARIS).strftime("%H:%M:%S") == "23:59:59"


@pytest.mark.parametrize("offer", load_offers(NOW), ids=lambda offer: offer["slug"])
def test_details_and_parameters_are_valid(offer):
    kind = get_kind(offer["kind"])
    assert kind.parameter_section.clean(kind.default_parameters | offer["parameters"]).problems == []
    assert set(offer["parameters"]) <= set(kind.parameter_section.by_name)
    assert set(offer["details"]) <= {field.name for section in kind.offer_sections for field in section.fields}
    for section in kind.offer_sections:
        assert section.clean(offer["details"]).problems == []
    assert offer["institution"] in load_institutions()
    longest = {"title": 200, "summary": 600, "location": 200, "contract": 100, "reference": 40, "service_name": 200}
    assert all(len(offer[column]) <= length for column, length in longest.items())


def test_the_dates_of_a_text_agree():
    offers = {offer["slug"]: offer for offer in load_offers(NOW)}
    offer = offers["assistant-specialiste-temps-partage-normandie"]
    assert "au plus tard le **6 janvier 2027**" in offer["body"]
    assert offer["parameters"]["starts"] == "mai 2027\nnovembre 2027"
    assert offer["parameters"]["session_label"] == "Session 2027"
    context = get_kind(offer["kind"]).document_context(offer["details"], offer["parameters"])
    assert context["start_label"] == "mai 2027 ou novembre 2027"
    assert context["contacts"][0].startswith("Subdivision de Rouen\N{NO-BREAK SPACE}: ")
    regional = offers["assistant-specialiste-regional-normandie"]
    assert "seconde quinzaine de janvier 2027" in regional["body"]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_nobody_can_be_reached(path):
    text = path.read_text(encoding="utf-8")
    assert all(address.endswith(".example.org") for address in re.findall(r"[\w.+-]+@[\w.-]+\w", text))
    phones = re.findall(r"\b0\d(?:[ .]\d\d){4}\b", text)
    assert all(phone.startswith(("01 99 00", "06 39 98")) for phone in phones)
    spoken = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert not re.search(r"\w'\w", spoken)
    assert not re.search(r" [;?!»]| :(?:\s|$)", spoken)
