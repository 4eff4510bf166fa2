"""An offer on paper says what its page says, and is printed once."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from offers.kinds import all_kinds
from offers.models import Offer
from offers.tasks import print_offer
from tests import factories as make
from tests.dossiers.test_pdf import page_texts, squeezed

pytestmark = pytest.mark.django_db


def printed(client, offer) -> bytes:
    print_offer(offer.pk)
    response = client.get(reverse("offers:sheet", args=[offer.slug]))
    assert response["Content-Type"] == "application/pdf"
    return b"".join(response.streaming_content)


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.slug)
def test_it_says_what_the_page_says(client, kind):
    offer = make.OfferFactory(
        kind=kind.slug,
        title="Psychiatre & <expert>",
        body="## Missions\n\n- **Soigner** <script>\n- [lien](https://x.fr)",
    )
    text = squeezed(" ".join(page_texts(printed(client, offer))))
    wanted = ["Psychiatre & <expert>", "Missions", "Soigner <script>", offer.reference, offer.service_email]
    wanted += list(kind.eligibility(offer.parameters))
    wanted += [entry["label"] for section in offer.presentation for entry in section["entries"]]
    for words in wanted:
        assert squeezed(words) in text


def test_it_is_printed_once_until_its_words_change(client):
    offer = make.OfferFactory()
    first = printed(client, offer)
    kept = default_storage.listdir("offres")[1]
    assert printed(client, offer) == first
    assert default_storage.listdir("offres")[1] == kept
    Offer.objects.filter(pk=offer.pk).update(title="Autre titre", body="Un \x0bcaractère que le papier ne prend pas")
    assert printed(client, offer) != first
