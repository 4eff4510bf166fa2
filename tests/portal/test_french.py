"""What French wants of a word that code puts in a sentence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from applications import filing
from dossiers.content import dossier_content
from dossiers.signing import link_secret
from portal.french import file_size, first, of
from portal.notifications.tasks import drain_outbox
from tests import factories as make


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Camille Exemple", "de Camille Exemple"),
        ("Anne-Lise", "d’Anne-Lise"),
        ("Élodie", "d’Élodie"),
        ("Œdipe", "d’Œdipe"),
        ("o’Brien", "d’o’Brien"),
        ("Henri", "de Henri"),
        ("", "de "),
    ],
)
def test_of_a_name(name, said):
    assert of(name) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 octet"),
        (1, "1 octet"),
        (950, "950 octets"),
        (15_000, "15 Ko"),
        (15_360, "15,4 Ko"),
        (999_960, "1 Mo"),
        (1_230_000, "1,2 Mo"),
        (20_000_000, "20 Mo"),
        (1_500_000_000, "1,5 Go"),
    ],
)
def test_the_size_of_a_file(count, said):
    assert file_size(count) == said.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("mardi 1 septembre 2026 à 1 h 30", "mardi 1er septembre 2026 à 1 h 30"),
        ("1\u00a0août", "1er\u00a0août"),
        ("21 juin 2026", "21 juin 2026"),
        ("11 mai", "11 mai"),
    ],
)
def test_the_first_of_a_month(date, said):
    assert first(date) == said


@pytest.mark.django_db
def test_an_offer_until_the_first_of_a_month(client):
    first_day = (timezone.localtime() + timedelta(days=60)).replace(day=1, hour=23, minute=59, second=59, microsecond=0)
    offer = make.OfferFactory(deadline=first_day)
    for page in (reverse("offers:list"), offer.get_absolute_url()):
        text = client.get(page).content.decode()
        assert " 1er " in text
        assert date_format(first_day, "j F Y") not in text


@pytest.mark.django_db
def test_the_size_of_a_piece_is_the_same_on_the_page_and_in_the_document(client):
    application = make.ApplicationFactory()
    piece = make.add_piece(application.dossier, "cv", make.pdf_upload())
    said = file_size(piece.size)
    client.force_login(application.candidate)
    page = client.get(reverse("applications:piece", args=[application.pk, "cv"])).content.decode()
    assert said in page
    assert "20\u00a0Mo au plus par fichier" in page
    files = [
        file
        for part in dossier_content(application.dossier, filing.document_context(application))["pieces"]
        for file in part["files"]
    ]
    assert [file["size_display"] for file in files] == [said]


@pytest.mark.django_db
def test_a_signatory_reads_french(client, smtp_sink):
    candidate = make.UserFactory(first_name="Anne-Lise", last_name="Exemple")
    annex = make.invited_annex(make.ApplicationFactory(candidate=candidate), note="Merci d’avance.")
    page = client.get(reverse("signatory:annex", args=[link_secret(annex)])).content.decode()
    assert "sur la candidature d’Anne-Lise Exemple" in page
    assert "de Anne-Lise" not in page
    drain_outbox()
    [request] = smtp_sink.sent_to(annex.signatory_email)
    text = request.get_body(("plain",)).get_content()
    assert "Mot d’Anne-Lise Exemple" in text
    assert "Sans votre avis, le dossier est incomplet" in " ".join(text.split())
