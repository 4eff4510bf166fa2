"""The blank form of each kind: all that it asks, nothing of anyone, printed once."""

from __future__ import annotations

import io

import pikepdf
import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from offers import lifecycle
from offers.kinds import all_kinds
from offers.tasks import print_offer
from tests import factories as make
from tests.dossiers.test_pdf import page_texts, squeezed

pytestmark = pytest.mark.django_db


def fetched(client, offer) -> bytes:
    print_offer(offer.pk)
    response = client.get(reverse("offers:blank_form", args=[offer.slug]))
    assert response.status_code == 200
    assert response["Content-Type"] == "application/pdf"
    return b"".join(response.streaming_content)


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.slug)
def test_the_form_of_each_kind_asks_everything(client, kind):
    offer = make.OfferFactory(kind=kind.slug, parameters={}, title=f"Offre de {kind.slug}")
    printed = squeezed(" ".join(page_texts(fetched(client, offer)))).casefold()
    spec = kind.dossier_spec({})
    for section in spec.sections:
        assert squeezed(section.heading or section.title).casefold() in printed
    for annex in spec.annexes:
        assert squeezed(f"ANNEXE {annex.number} {annex.title}").casefold() in printed
    for piece in spec.pieces:
        assert squeezed(piece.label).casefold() in printed
    assert "signature:" in printed or not spec.annexes
    assert "none" not in printed
    assert "{" not in printed


def test_it_is_printed_once_until_its_words_change(client):
    offer = make.OfferFactory()
    first = fetched(client, offer)
    kept = default_storage.listdir("formulaires")[1]
    assert fetched(client, offer) == first
    assert default_storage.listdir("formulaires")[1] == kept
    offer.service_name = "Un autre service"
    offer.save()
    assert fetched(client, offer) != first


@pytest.mark.parametrize("name", ["blank_form", "sheet"])
def test_it_is_made_by_a_worker_and_waited_for(client, name, monkeypatch, django_capture_on_commit_callbacks):
    asked: list = []
    monkeypatch.setattr(print_offer, "apply_async", lambda args, **options: asked.append(args))
    offer = make.OfferFactory()
    address = reverse(f"offers:{name}", args=[offer.slug])
    with monkeypatch.context() as web, django_capture_on_commit_callbacks(execute=True):
        web.setattr("dossiers.pdf.render.write_pdf", None)  # no request renders
        for _ in range(2):
            response = client.get(address)
            assert (response.status_code, response["Cache-Control"]) == (202, "no-store")
            assert "se prépare" in response.content.decode()
    assert asked == [[offer.pk]]
    print_offer(offer.pk)
    assert client.get(address, headers={"HX-Request": "true"})["HX-Redirect"] == address
    assert b"".join(client.get(address)).startswith(b"%PDF-")


def test_it_is_there_once_the_offer_is_published(monkeypatch, django_capture_on_commit_callbacks):
    printed: list = []
    monkeypatch.setattr(print_offer, "delay", printed.append)
    offer = make.OfferFactory(draft=True)
    actor = make.MembershipFactory(institution=offer.institution).user
    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.WORKFLOW.run(offer, "publish", actor=actor)
    assert printed == [offer.pk]


def test_it_is_offered_on_the_public_page(client):
    offer = make.OfferFactory()
    page = client.get(offer.get_absolute_url()).content.decode()
    assert reverse("offers:blank_form", args=[offer.slug]) in page
    assert "Formulaire vierge (PDF)" in page


def test_where_a_name_is_missing_there_is_room_for_it(client):
    pdf = fetched(client, make.OfferFactory(parameters={}))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert "/AcroForm" not in document.Root
    assert "…………" in " ".join(page_texts(pdf))
