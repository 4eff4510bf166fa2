"""`manage.py import_offers`: once in, a second import changes nothing; and no file brings it down."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offers.history import changes
from offers.kinds import all_kinds
from offers.models import Offer
from offers.published import rows
from portal.accounts.models import Institution
from tests import factories as make
from tests.answers import filled_section
from tests.factories import PARIS

pytestmark = pytest.mark.django_db
HEADER = [
    "Organisme de rattachement", "Référence", "Date de début de publication par défaut",
    "Date de fin de publication par défaut", "Date de première publication", "Versant", "Catégorie", "Métier",
    "Statut du poste", "Intitulé du poste", "Localisation du poste", "Lieu d'affectation",
    "Lieu d'affectation (sans géolocalisation)", "Niveau d'études", "Nature de l'emploi", "Nature de contrat",
    "Durée du contrat", "Temps Plein", "Télétravail", "Employeur", "Spécialisation", "Compétences attendues",
    "Documents à transmettre", "Date de vacance de l'emploi", "Langues", "Management",
]  # fmt: skip
ROW = [
    "Tribunal d’exemple", "2026-0001", "02/01/2026", "31/12/2026", "02/01/2026", "Fonction publique de l'Etat",
    "Catégorie A (cadre)", "Justice - Juriste", "Susceptible d'être vacant", "Médecin au parquet", "Creuse (23)",
    "1 rue de l’Exemple", "", "Niveau 7 Master/diplômes équivalents",
    "Emploi ouvert aux titulaires et aux contractuels", "CDD de 3 ans", "3 ans", "Oui", "Non",
    "Ministère\nTribunal", "Santé", "- rigueur ;\n- écoute.", "CV et lettre", "02/03/2026", "Anglais : courant", "Non",
]  # fmt: skip


def row(**changes: str) -> list[str]:
    return [changes.get(heading, value) for heading, value in zip(HEADER, ROW, strict=True)]


def csv_text(*lines: list[str], header: list[str] = HEADER) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([header, *lines])
    return out.getvalue()


@pytest.fixture
def imported(tmp_path):
    """A function: imports this content; returns what the command says."""

    def run(content: str | bytes, **options) -> str:
        path: Path = tmp_path / "offres-datagouv.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        out = io.StringIO()
        call_command("import_offers", path, stdout=out, stderr=out, **options)
        return out.getvalue().replace("\xa0", " ")

    return run


def test_a_row_becomes_a_draft_with_its_fields(imported):
    assert "1 brouillons créés" in imported(csv_text(row()))
    offer = Offer.objects.get()
    assert (offer.state, offer.kind, offer.reference) == (Offer.State.DRAFT, "assistant-specialise", "2026-0001")
    assert (offer.title, offer.institution.name) == ("Médecin au parquet", "Tribunal d’exemple")
    assert offer.deadline == datetime(2026, 12, 31, 23, 59, 59, tzinfo=PARIS)
    assert (offer.region, offer.department, offer.location) == ("75", "23", "1 rue de l’Exemple")
    assert (offer.full_time, offer.telework, offer.contract) == (True, "non", "CDD de 3 ans")
    assert offer.details | {"employer": "Ministère\nTribunal"} == offer.details
    expected = {
        "versant": "etat", "category": "a", "employment_nature": "titulaires-contractuels", "study_level": "7",
        "post_status": "susceptible", "domain": "Justice - Juriste", "post_title": "Médecin au parquet",
        "vacancy_date": "02/03/2026", "skills": "- rigueur ;\n- écoute.", "documents": "CV et lettre",
    }  # fmt: skip
    assert {name: offer.details[name] for name in expected} == expected
    for kept in ("Langues", "Anglais : courant", "Durée du contrat", "3 ans", "Management"):
        assert kept in offer.body.replace("\xa0", " ")
    assert changes(offer)[0].why.replace("\xa0", " ") == "Import de offres-datagouv.csv"


def test_a_thousand_rows_twice(imported):
    many = csv_text(*(row(Référence=f"2026-{number:04}") for number in range(1000)))
    assert "1000 brouillons créés, 0 mis à jour, 0 déjà là, 0 refus" in imported(many)
    before = list(Offer.objects.order_by("pk").values())
    Offer.objects.filter(reference="2026-0003").update(title="Titre revu par les RH")
    assert "0 brouillons créés, 0 mis à jour, 1000 déjà là, 0 refus" in imported(many)
    after = list(Offer.objects.order_by("pk").values())
    assert [line for line in after if line["reference"] != "2026-0003"] == [
        line for line in before if line["reference"] != "2026-0003"
    ]
    assert Institution.objects.filter(name="Tribunal d’exemple").count() == 1
    assert len({offer["slug"] for offer in after}) == 1000


def test_an_update_reaches_drafts_alone_and_only_what_differs(imported):
    imported(csv_text(row(), row(Référence="2026-0002")))
    published = Offer.objects.get(reference="2026-0002")
    Offer.objects.filter(pk=published.pk).update(state="published", published_at=timezone.now())
    changed = csv_text(*(row(Référence=reference, Catégorie="Catégorie B (profession intermédiaire)") for reference in ("2026-0001", "2026-0002")))  # fmt: skip # noqa: E501
    assert "0 brouillons créés, 1 mis à jour, 1 déjà là" in imported(changed, update=True)
    draft = Offer.objects.get(reference="2026-0001")
    assert [difference.label for difference in changes(draft)[0].differences] == ["Catégorie"]
    assert "0 mis à jour, 2 déjà là" in imported(changed, update=True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (csv_text(row(Référence="")), "Ligne 4 (sans référence) : Référence : Ce champ est à compléter."),
        (csv_text(row(**{"Intitulé du poste": "x" * 300})), "200 caractères au plus"),
        (csv_text(row(), row()), "déjà plus haut dans le fichier"),
        (csv_text([*row(), "de", "trop"]), "28 cellules pour 26 colonnes"),
        (csv_text(row(Référence="y" * 41)), "40 caractères au plus"),
    ],
)
def test_what_is_refused_is_told_by_line(imported, content, told):
    assert told in imported(content)


def test_a_bad_row_stops_no_other(imported):
    told = imported(csv_text(row(Référence=""), row(Référence="A"), [*row(), "de trop"], row(Référence="B")))
    assert "2 brouillons créés, 0 mis à jour, 0 déjà là, 2 refus" in told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_any_usual_encoding(imported, encoding):
    imported(csv_text(row()).encode(encoding))
    assert Offer.objects.get().institution.name == "Tribunal d’exemple"


def test_one_cell_in_another_encoding_spoils_no_other(imported):
    imported(csv_text(row()).encode().replace("Médecin".encode(), "Médecin".encode("cp1252")))
    offer = Offer.objects.get()
    assert (offer.title, offer.institution.name) == ("Médecin au parquet", "Tribunal d’exemple")


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe", b"a;b\n1;2", b"PK\x03\x04" * 50, "é" * 5000])
def test_what_is_no_table_of_offers_is_told(imported, content):
    with pytest.raises(CommandError, match="n’est pas une table d’offres"):
        imported(content)
    with pytest.raises(CommandError, match="ne s’ouvre pas"):
        call_command("import_offers", "/nulle/part.csv")


@given(content=st.binary(max_size=400), cell=st.text(max_size=60), heading=st.sampled_from(HEADER))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_brings_it_down(imported, content, cell, heading):
    header = csv_text().encode()
    imported(header + content)
    imported(csv_text(row(**{heading: cell})).encode("utf-8", "surrogatepass"))


def test_an_open_end_is_no_deadline(imported):
    imported(csv_text(row(**{"Date de fin de publication par défaut": "31/12/9999"})))
    assert Offer.objects.get().deadline is None


def test_our_own_export_comes_back_as_it_went(imported):
    """Exported, erased, imported: the drafts say, column by column, what the offers said."""
    exported = []
    for kind in all_kinds():
        details = {name: raw for section in kind.offer_sections for name, raw in filled_section(section).items()}
        exported.append(
            make.OfferFactory(
                kind=kind.slug,
                details=details,
                parameters={},
                title=f"=Offre {kind.label}",
                specialty="Psychiatrie",
                department="76",
                location="Rouen",
                contract="CDD",
                full_time=True,
                telework="partiel",
                deadline=make.end_of_day(timezone.localdate() + timedelta(days=60)),
            )
        )
    header, *lines = rows(Offer.objects.order_by("pk"))
    told = imported(csv_text(*lines, header=header))
    assert "5 déjà là" in told
    Offer.objects.all().delete()
    told = imported(csv_text(*lines, header=header))
    assert "5 brouillons créés" in told, told
    again = list(rows(Offer.objects.order_by("pk")))[1:]
    published, address = header.index("Date de parution"), header.index("Adresse de l’offre")
    for line, other in zip(lines, again, strict=True):
        for column, (before, after) in enumerate(zip(line, other, strict=True)):
            if column not in {published, address}:
                assert (header[column], after) == (header[column], before)
