"""What French wants of a word that code puts in a sentence."""

from __future__ import annotations

import pytest
from django.urls import reverse

from dossiers.signing import link_secret
from portal.french import of
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
