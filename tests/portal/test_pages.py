"""The pages around the job itself: found by everyone, the same with or without the State brand, cheap."""

import re

import pytest
from django.template.loader import render_to_string
from django.urls import reverse
from lxml import html

from tests import factories as make

PAGES = {
    "pages:legal": "Mentions légales",
    "pages:privacy": "Données personnelles",
    "pages:accessibility": "Déclaration d’accessibilité",
    "pages:sitemap_page": "Plan du site",
    "pages:help": "Aide",
}


def parsed(response) -> html.HtmlElement:
    return html.fromstring(response.content.decode())


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "heading"), PAGES.items())
def test_a_page_asks_nothing_of_the_database(client, django_assert_num_queries, name, heading):
    with django_assert_num_queries(0):
        response = client.get(reverse(name))
    page = parsed(response)
    assert [title.text_content() for title in page.xpath("//h1")] == [heading]
    assert page.xpath("//title")[0].text.endswith(" – Portail Santé-Justice")


@pytest.mark.django_db
@pytest.mark.parametrize("name", [*PAGES, "home", "account_login", "account_signup", "account_reset_password"])
def test_links_lead_somewhere(client, name):
    page = parsed(client.get(reverse(name)))
    ids = set(page.xpath("//@id"))
    for href in page.xpath("//a/@href"):
        path, _, anchor = href.partition("#")
        if not path:
            assert anchor in ids, href
        elif path.startswith("/"):
            target = client.get(path, follow=True)
            assert target.status_code == 200, href
            assert not anchor or parsed(target).xpath(f"//*[@id='{anchor}']"), href


@pytest.mark.django_db
def test_the_state_brand_is_off_unless_asked(client, settings):
    neutral = client.get(reverse("pages:legal")).content.decode()
    assert "fr-logo" not in neutral
    assert "neutral.css" in neutral
    settings.STATE_BRAND = True
    branded = client.get(reverse("pages:legal")).content.decode()
    assert branded.count('class="fr-logo"') == 2
    assert "neutral.css" not in branded


@pytest.mark.django_db
def test_the_demonstration_says_so_and_nothing_else_does(client, settings):
    banner = "Toutes les données sont fictives"
    assert banner not in client.get(reverse("pages:help")).content.decode()
    settings.DEMO = True
    assert banner in client.get(reverse("pages:help")).content.decode()


@pytest.mark.django_db
def test_nothing_inline_that_the_content_policy_would_refuse(client):
    for name in [*PAGES, "home", "account_login"]:
        page = parsed(client.get(reverse(name)))
        assert not page.xpath("//style | //@style | //script[not(@src)] | //*[@onclick or @onload or @onsubmit]"), name


@pytest.mark.django_db
def test_an_unknown_address_is_answered_in_french_on_our_own_page(client):
    response = client.get("/adresse-inconnue/")
    assert response.status_code == 404
    assert "Cette page n’existe pas" in response.content.decode()


def test_the_last_resort_page_needs_no_context():
    page = render_to_string("500.html")
    assert "Une erreur inattendue est survenue" in page
    assert not re.search(r"\{[{%]", page)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["home", "offers:list", "pages:help", "pages:legal", "account_login"])
def test_public_pages_may_be_kept_and_a_persons_own_never(client, name):
    if name != "account_login":  # it has a policy of its own
        assert "no-store" not in client.get(reverse(name)).get("Cache-Control", "")
    client.force_login(make.UserFactory())
    assert "private" in client.get(reverse(name))["Cache-Control"]
