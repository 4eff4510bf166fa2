"""A page of Choisir le service public becomes a draft, every field in its place, and nothing lost."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from offers.csp_text import decode, read
from offers.models import Offer
from tests import factories as make

PAGE = Path(__file__).with_name("data").joinpath("offre-csp.txt").read_text(encoding="utf-8")
PROFESSION = "Justice - Juriste spécialisée / spécialisé en juridiction"
IMPORT = reverse("admin:offers_offer_import")


def between(start: str, end: str, occurrence: int = -1) -> str:
    """What stands under a heading of the page, blank lines aside."""
    return words(PAGE.split(f"\n{start}\n")[occurrence].split(f"\n{end}\n")[0])


def words(text: str) -> str:
    return " ".join(text.replace("•", " ").split())


def test_every_field_of_the_page_is_read():
    offer = read(PAGE)
    assert offer.columns == {
        "institution_name": "Direction des services judiciaires - CA PARIS",
        "reference": "2026-2168412",
        "title": "Assistant spécialisé Médecin",
        "deadline": datetime(2026, 4, 15, 23, 59, 59, tzinfo=make.PARIS),
        "contract": "CDD de 3 ans",
        "full_time": True,
        "telework": "non",
        "region": "11",
        "department": "75",
        "location": "Tribunal Judiciaire de Paris",
    }
    short = {name: value for name, value in offer.details.items() if len(value) < 150}
    assert short == {
        "employer": "Ministère de la Justice\nDirection des services judiciaires\nTribunal judiciaire de Paris",
        "versant": "etat",
        "category": "a",
        "employment_nature": "titulaires-contractuels",
        "domain": PROFESSION,
        "post_status": "susceptible",
        "post_title": "Assistant spécialisé Médecin",
        "continent": "Europe",
        "country": "France",
        "geolocation": "tribunal judiciaire de Paris",
        "study_level": "7",
        "specialisations": "Formations générales\nSpécialités pluriscientifiques\nSanté",
        "documents": "L'envoi du CV et d'une lettre de motivation est obligatoire",
        "vacancy_date": "02/03/2026",
        "application_contact": "Secrétariat général du parquet",
        "submission_address": "secretariat-general@tj-paris.example.org",
        "contact_1": "Secrétariat général du parquet",
        "contact_1_email": "secretariat-general@tj-paris.example.org",
        "contact_2": "Première vice-procureure",
        "contact_2_email": "section-s1@tj-paris.example.org",
    }
    long = {name: words(value) for name, value in offer.details.items() if name not in short}
    assert long == {
        "employer_description": between("Descriptif de l'employeur", "Descriptif du service"),
        "service_description": between("Descriptif du service", "Description du poste"),
        "post_description": between("Description du poste", "Descriptif du profil recherché"),
        "profile_description": between("Descriptif du profil recherché", "Temps plein"),
        "legal_basis": between("Fondement juridique du recrutement", "Télétravail possible"),
        "skills": between("Compétences attendues", "Documents à transmettre"),
    }
    assert offer.unrecognised == []
    assert len(offer.remarks) == 2  # the two dates of publication
    assert not [problem for section in offer.kind.offer_sections for problem in section.clean(offer.details).problems]


def test_what_no_field_takes_is_told():
    text = "Une ligne d’avant\n\n" + PAGE.replace("Catégorie A (cadre)", "Catégorie Z").replace("15/04/2026", "bientôt")
    assert read(text).unrecognised == [
        "Une ligne d’avant",
        "Date limite de candidature\N{NO-BREAK SPACE}: bientôt",
        "Catégorie\N{NO-BREAK SPACE}: Catégorie Z",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_files_of_any_computer(encoding):
    text = PAGE.replace("•", "-").replace("\u2019", "'").encode(encoding, "replace").decode(encoding)
    assert read(decode(text.replace("\n", "\r\n").encode(encoding))).columns == read(PAGE).columns


LINES = PAGE.splitlines()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.sampled_from(LINES), st.text(max_size=60), st.just("")), max_size=40))
def test_any_text_is_read(lines):
    read("\n".join(lines))


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=300))
def test_any_file_is_read(content):
    read(decode(content))


def test_hr_pastes_a_page_and_finds_a_draft(client, hr):
    answer = client.post(IMPORT, {"institution": hr.institution.pk, "text": "Ligne perdue\n\n" + PAGE})
    offer = Offer.objects.get()
    assert (offer.state, offer.reference, offer.institution) == ("draft", "2026-2168412", hr.institution)
    page = answer.content.decode()
    assert "Ligne perdue" in page
    assert reverse("admin:offers_offer_change", args=[offer.pk]) in page
    assert client.get(reverse("admin:offers_offer_change", args=[offer.pk])).status_code == 200
    history = client.get(reverse("admin:offers_offer_history", args=[offer.pk])).content.decode()
    assert "Ligne perdue" in history
    preview = client.get(reverse("admin:offers_offer_preview", args=[offer.pk])).content.decode()
    assert "section-s1@tj-paris.example.org" in preview


def test_hr_uploads_a_page_once(client, hr):
    for _ in range(2):
        file = SimpleUploadedFile("offre.txt", PAGE.encode())
        answer = client.post(IMPORT, {"institution": hr.institution.pk, "file": file})
        assert answer.status_code == 200
    assert Offer.objects.count() == 1
    assert "porte déjà la référence" in answer.content.decode()


@pytest.mark.parametrize("data", [{}, {"text": "   "}, {"text": "rien de connu"}, {"text": "x" * 300_000}])
def test_what_is_no_page_is_refused(client, hr, data):
    answer = client.post(IMPORT, {"institution": hr.institution.pk} | data)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not Offer.objects.exists()


def test_hr_imports_for_its_own_institutions(client, hr):
    client.post(IMPORT, {"institution": make.InstitutionFactory().pk, "text": PAGE})
    assert not Offer.objects.exists()


def test_a_heading_that_nobody_knows_is_told_and_goes_into_no_short_answer():
    page = PAGE.replace("\nCDD de 3 ans\n", "\nCDD de 3 ans\n\nPrime\n\nTrès élevée\n", 1)
    page = page.replace("\nVersant\n", "\nSous le titre d’un groupe\n\nVersant\n", 1)
    offer = read(page + "\n\nRubrique inventée\n\nUne ligne\n")
    told = [
        "Prime",
        "Très élevée",
        "Description du poste : Sous le titre d’un groupe",
        "Rubrique inventée",
        "Une ligne",
    ]
    assert sorted(offer.unrecognised) == sorted(told)
    assert offer.details == read(PAGE).details
    assert offer.columns == read(PAGE).columns


@pytest.mark.parametrize("domain", ["JUSTICE", "Prévention, conseil et pilotage en santé", "Relation à l'usager"])
def test_a_domain_of_the_directory_is_known_however_it_is_written(domain):
    offer = read(PAGE.replace(PROFESSION, f"{domain} – Conseillère / conseiller"))
    assert len(offer.remarks) == 2


def test_a_domain_that_the_directory_does_not_have_is_kept_and_told(client, hr):
    text = PAGE.replace(PROFESSION, "Magie - Enchanteur")
    page = client.post(IMPORT, {"institution": hr.institution_id, "text": text}).content.decode()
    told = "« Magie » n’est pas un domaine du répertoire des métiers de la fonction publique"
    assert told in page
    offer = Offer.objects.get()
    assert offer.details["domain"] == "Magie - Enchanteur"
    page = client.get(reverse("admin:offers_offer_change", args=[offer.pk])).content.decode()
    assert told in page
