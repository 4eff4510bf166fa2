"""Every field that an offer declares is entered, shown on its page, and exported: no kind forgets one."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import reverse
from lxml import html

from offers.data import appeal_courts, courts
from offers.kinds import all_kinds
from offers.models import Offer
from offers.sheets import columns_of
from tests import factories as make
from tests.answers import filled_section

pytestmark = pytest.mark.django_db
EVERY_KIND = pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.slug)
# Told where they are of use: in the privacy notice; as the dossier's annexes and pieces.
TOLD_ELSEWHERE = {"agency", "privacy_contact", "annexes", "extra_pieces"}
# What the portal keeps for itself.
INWARD = {"id", "kind", "state", "slug", "legal_mentions", "closed_at", "created_at", "details", "parameters"}
COMMON = {
    "institution": "Agence d’exemple", "reference": "REF-CHAMPS", "title": "Intitulé d’exemple",
    "summary": "Résumé dit.", "body": "Texte dit.", "specialty": "Psychiatrie", "region": "Normandie",
    "department": "Calvados (14)",
    "location": "Caen", "contract": "CDD d’exemple", "full_time": "Oui", "telework": "Partiel",
    "service_name": "Service dit", "service_address": "1 rue dite", "service_email": "dit@example.org",
    "service_phone": "02 00 00 00 09",
}  # fmt: skip


def filled(kind) -> Offer:
    details = {name: raw for section in kind.offer_sections for name, raw in filled_section(section).items()}
    codes = {"region": "28", "department": "14", "full_time": True, "telework": "partiel"}
    parameters = filled_section(kind.parameter_section) | kind.default_parameters
    columns = COMMON | codes | {"institution": make.InstitutionFactory(name=COMMON["institution"])}
    return make.OfferFactory(kind=kind.slug, details=details, parameters=parameters, **columns)


def visible(page: str) -> str:
    return " ".join(" ".join(html.fromstring(page).xpath("//main//text()")).split())


@EVERY_KIND
def test_every_field_of_the_kind_is_shown_and_exported(client, kind):
    offer = filled(kind)
    page = visible(client.get(offer.get_absolute_url()).content.decode())
    answer = client.get(reverse("machines:api_offer", args=[offer.slug])).json()
    in_api = {field["nom"]: field["valeur"] for group in answer["rubriques"] for field in group["champs"]}
    values = kind.detail_values(offer.details) | kind.parameter_values(offer.parameters)
    lines = csv.DictReader(
        io.StringIO(client.get(reverse("machines:csv")).getvalue().decode("utf-8-sig")), delimiter=";"
    )
    cells = {" ".join(cell.removeprefix("'").split()) for cell in next(lines).values()}
    for section in (*kind.offer_sections, kind.parameter_section):
        for spec in section.fields:
            if spec.name in TOLD_ELSEWHERE:
                continue
            entry = spec.entry(values[spec.name])
            assert entry["display"], spec.name
            assert " ".join(entry["label"].split()) in page, spec.name
            for said in [cell for row in entry.get("rows", ()) for cell in row] or [entry["display"]]:
                assert " ".join(said.split()) in page, spec.name
            assert in_api[spec.name] == entry["display"]
            assert " ".join(entry["display"].split()) in cells, spec.name


@EVERY_KIND
def test_every_field_of_all_offers_is_shown_and_exported(client, kind):
    offer = filled(kind)
    declared = {field.name for field in Offer._meta.concrete_fields if not field.generated}
    dated = {"published_at", "updated_at", "deadline"}
    assert declared - INWARD - dated == set(COMMON) | (declared & {"signatures_until"})
    page = visible(client.get(offer.get_absolute_url()).content.decode())
    answer = client.get(reverse("machines:api_offer", args=[offer.slug])).json()
    said = {str(value) for value in _leaves(answer)}
    for name, text in COMMON.items():
        assert text in page, name
        assert text in said or name in {"full_time", "telework"}, name
    assert (answer["temps_plein"], answer["teletravail"]) == (True, "partiel")
    assert answer["publiee_le"]
    assert answer["date_limite"]


@EVERY_KIND
def test_the_annexes_and_their_signatories_are_shown_and_exported(client, kind):
    offer = filled(kind)
    page = visible(client.get(offer.get_absolute_url()).content.decode())
    told = client.get(reverse("machines:api_offer", args=[offer.slug])).json()["dossier"]
    spec = kind.dossier_spec(offer.parameters)
    assert [annex["signataire"] for annex in told["annexes"]] == [annex.role for annex in spec.annexes]
    for annex in spec.annexes:
        assert f"Annexe {annex.number} : {annex.title} (signataire : {annex.role})" in page.replace("\xa0", " ")


@EVERY_KIND
def test_every_field_has_its_column_in_the_workbook(kind):
    own = {spec.name for section in (*kind.offer_sections, kind.parameter_section) for spec in section.fields}
    assert own <= {column.name for column in columns_of(kind)}


def test_each_court_is_told_with_its_address_and_its_court_of_appeal(client):
    kind = next(kind for kind in all_kinds() if "courts" in kind.parameter_section.by_name)
    offer = make.OfferFactory(kind=kind.slug, parameters={}, deadline=None)
    page = visible(client.get(offer.get_absolute_url()).content.decode())
    for court in courts():
        for said in (court.name, court.department, court.address):
            assert " ".join(said.split()) in page
    for court in appeal_courts():
        assert court.name in page


def _leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value
