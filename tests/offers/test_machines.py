"""What programs read of the offers: feeds, calendar, open data, API, search engines."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
from urllib.parse import urlsplit

import icalendar
import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import etree, html
from openapi_spec_validator import OpenAPIV31SpecValidator

from offers.kinds import all_kinds
from offers.models import Offer
from offers.published import harmless, header
from portal.ical import folded
from tests import factories as make
from tests.offers.test_search import HOSTILE, NAMES

pytestmark = pytest.mark.django_db
SEARCHES = ["machines:atom", "machines:calendar", "machines:csv", "machines:api"]
ATOM = {"a": "http://www.w3.org/2005/Atom"}


def body(response) -> str:
    return response.getvalue().decode()


@pytest.fixture
def offers():
    make.OfferFactory(draft=True, title="Brouillon")
    return (
        make.OfferFactory(title="Psychiatre & <expert>; à Rouen, jour", region="28"),
        make.OfferFactory(title="Greffier", region="84", deadline=None),
    )


def test_a_search_can_be_followed(client, offers):
    feed = etree.fromstring(client.get(reverse("machines:atom"), {"region": "28"}).content)
    assert feed.xpath("a:entry/a:title/text()", namespaces=ATOM) == [offers[0].title]
    [link] = feed.xpath("a:entry/a:link/@href", namespaces=ATOM)
    assert link.endswith(offers[0].get_absolute_url())
    page = html.fromstring(client.get(reverse("offers:list"), {"region": "28"}).content)
    [address] = page.xpath("//link[@type='application/atom+xml']/@href")
    assert address == reverse("machines:atom") + "?region=28"


def test_the_calendar_holds_the_deadlines(client, offers):
    text = client.get(reverse("machines:calendar")).content.decode()
    assert text.count("BEGIN:VEVENT") == 1  # an offer without deadline has no day
    assert r"SUMMARY:Date limite : Psychiatre & <expert>\; à Rouen\, jour" in text.replace("\r\n ", "").replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert offers[0].deadline.astimezone(timezone.get_fixed_timezone(0)).strftime("DTSTART:%Y%m%dT%H%M%SZ") in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=400))
@settings(deadline=None)
def test_folding_loses_nothing(line):
    parts = list(folded(line))
    assert parts[0] + "".join(part[1:] for part in parts[1:]) == line
    assert all(len(part.encode()) <= 75 for part in parts)


def test_the_open_data_say_all_that_the_page_says(client):
    for kind in all_kinds():
        offer = make.OfferFactory(kind=kind.slug, parameters={})
        [line] = [
            line
            for line in csv.DictReader(io.StringIO(body(client.get(reverse("machines:csv")))[1:]), delimiter=";")
            if line["Référence"] == offer.reference
        ]
        answer = client.get(reverse("machines:api_offer", args=[offer.slug])).json()
        shown = [entry for section in offer.presentation for entry in section["entries"]]
        fields = [field for section in answer["rubriques"] for field in section["champs"]]
        assert [field["libelle"] for field in fields] == [entry["label"] for entry in shown]
        assert {entry["display"] for entry in shown} <= {value.removeprefix("'") for value in line.values()}
    assert len(header()) == len(line)


def test_the_open_data_are_not_asked_for_without_end(client, settings, offers):
    cache.clear()
    settings.EXPORTS_A_MINUTE = 2
    address = reverse("machines:csv")
    with time_machine.travel(timezone.now().replace(second=30), tick=False):
        assert [client.get(address).status_code for _ in range(3)] == [200, 200, 429]
        assert client.get(address)["Retry-After"] == "60"
        assert client.get(address, REMOTE_ADDR="198.51.100.7").status_code == 200
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=2)):
        assert client.get(address).status_code == 200


def test_the_open_data_cost_no_page(client, offers, monkeypatch):
    """Neither the text of the offers nor their HTML, which is what takes time."""
    monkeypatch.setattr(Offer, "presentation", property(lambda offer: pytest.fail("the page was made")))
    client.get(reverse("machines:csv"))
    with CaptureQueriesContext(connection) as captured:
        assert len(list(csv.reader(io.StringIO(body(client.get(reverse("machines:csv")))), delimiter=";"))) == 3
    assert not [query["sql"] for query in captured if '"offers_offer"."body"' in query["sql"]]


@pytest.mark.parametrize("title", ["=1+1", "+33", "-2", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")'])
def test_no_cell_is_a_formula(client, title):
    make.OfferFactory(title=title)
    [line] = list(csv.DictReader(io.StringIO(body(client.get(reverse("machines:csv")))[1:]), delimiter=";"))
    assert line["Intitulé long de l’offre"] == f"'{title}"


@given(st.text(max_size=20))
def test_harmless_cells(value):
    assert not harmless(value).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert harmless(value).endswith(value)


def test_the_api_goes_through_all_pages(client):
    created = {offer.reference for offer in make.OfferFactory.create_batch(7)}
    address, seen = reverse("machines:api") + "?par_page=3", []
    while address:
        answer = client.get(address).json()
        assert (answer["total"], answer["pages"]) == (7, 3)
        seen += [offer["reference"] for offer in answer["offres"]]
        address = answer["suivante"] and re.sub(r"^https?://[^/]+", "", answer["suivante"])
    assert (len(seen), set(seen)) == (7, created)


def schema_of(description: dict, path: str, status: str = "200") -> Draft202012Validator:
    content = description["paths"][path]["get"]["responses"][status]["content"]["application/json"]
    whole = content["schema"] | {"components": description["components"]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_the_description_is_a_valid_one_that_the_answers_fit(client):
    description = client.get(reverse("machines:openapi")).json()
    OpenAPIV31SpecValidator(description).validate()
    pages, one = reverse("machines:api"), reverse("machines:api") + "{slug}/"
    assert set(description["paths"]) == {pages, one}
    full = [make.OfferFactory(kind=kind.slug, telework="oui", department="76") for kind in all_kinds()]
    scarce = {"deadline": None, "region": "", "department": "", "full_time": None, "telework": "", "location": ""}
    full.append(make.OfferFactory(**scarce))
    for address in ("?par_page=2&page=2", "?closes=on&region=28&inconnu=1", "?q=introuvable"):
        schema_of(description, pages).validate(client.get(pages + address).json())
    for offer in full:
        answer = client.get(one.format(slug=offer.slug)).json()
        schema_of(description, one).validate(answer)
        assert set(answer) == set(description["components"]["schemas"]["Offre"]["properties"])
    schema_of(description, one, "404").validate(client.get(one.format(slug="inconnue")).json())


@pytest.mark.parametrize("slug", ["inconnue", "é", "a b", "%00", "%F3%9D%89%8D", "x" * 5000, "-"])
def test_an_address_without_offer_is_answered_in_json(client, slug):
    answer = client.get(f"{reverse('machines:api')}{slug}/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
    assert set(answer.json()) == {"erreur"}


def test_what_the_api_does_not_know_is_told(client, offers, settings):
    settings.PAGE_CACHE_SECONDS = 600
    asked = {"region": ["28", "inconnue"], "regions": "84", "tri": "aaa", "pres": "999", "q": "psychiatre", "page": "7"}
    answer = client.get(reverse("machines:api"), asked).json()
    told = {(item["parametre"], item["valeur"]) for item in answer["ignores"]}
    assert told == {("region", "inconnue"), ("regions", "84"), ("tri", "aaa"), ("pres", "999")}
    assert client.get(reverse("machines:api"), {"region": "28", "q": "psychiatre"}).json()["ignores"] == []
    heeded = "q=a&region=28&closes=1&tri=pertinence&type=mission-cooperation&par_page=3&echeance=7"
    assert client.get(f"{reverse('machines:api')}?{heeded}").json()["ignores"] == []


def test_programs_that_send_are_told_that_nothing_is_taken():
    client = Client(enforce_csrf_checks=True)
    for name in (*SEARCHES, "machines:openapi", "machines:sitemap", "machines:robots"):
        answer = client.post(reverse(name), {"q": "a"})
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


ATOM_FEED = ("id", "title", "updated", "link[@rel='self']", "link[@rel='alternate']")  # RFC 4287, 4.1.1 and 4.1.2
ATOM_ENTRY = ("id", "title", "updated", "link[@rel='alternate']", "author/a:name", "summary")


@pytest.mark.parametrize("query", ["", "q=introuvable"])
def test_the_feed_has_what_atom_requires(client, offers, query):
    answer = client.get(f"{reverse('machines:atom')}?{query}")
    assert answer["Content-Type"].startswith("application/atom+xml")
    feed = etree.fromstring(answer.content)
    entries = feed.xpath("a:entry", namespaces=ATOM)
    assert len(entries) == (0 if query else 2)
    for thing, required in [(feed, ATOM_FEED), *((entry, ATOM_ENTRY) for entry in entries)]:
        for part in required:
            assert len(thing.xpath(f"a:{part}", namespaces=ATOM)) == 1, part
        [identifier] = thing.xpath("a:id/text()", namespaces=ATOM)
        assert urlsplit(identifier).scheme
        [updated] = thing.xpath("a:updated/text()", namespaces=ATOM)
        assert datetime.datetime.fromisoformat(updated).tzinfo
    identifiers = feed.xpath("a:entry/a:id/text()", namespaces=ATOM)
    assert len(set(identifiers)) == len(identifiers)


def test_another_program_reads_the_calendar(client, offers):
    calendar = icalendar.Calendar.from_ical(client.get(reverse("machines:calendar")).content)
    assert {"VERSION", "PRODID"} <= calendar.keys()
    [event] = calendar.walk("VEVENT")
    assert event.errors == []
    assert event["SUMMARY"].replace("\xa0", " ") == f"Date limite : {offers[0].title}"
    assert event["DTSTART"].dt == offers[0].deadline.replace(microsecond=0)
    assert {"UID", "DTSTAMP"} <= event.keys()


def test_what_has_not_changed_is_not_sent_again(client, offers, settings):
    settings.PAGE_CACHE_SECONDS = 600
    for name in SEARCHES:
        tag = client.get(reverse(name))["ETag"]
        assert client.get(reverse(name), headers={"if-none-match": tag}).status_code == 304


def test_search_engines_are_told_of_the_post(client):
    offer = make.OfferFactory(title="</script><b>Poste", location="Rouen", full_time=True)
    page = html.fromstring(client.get(offer.get_absolute_url()).content.decode())
    [block] = page.xpath("//script[@type='application/ld+json']/text()")
    posting = json.loads(block)
    assert posting["title"] == offer.title
    required = {"@context", "@type", "title", "description", "datePosted", "hiringOrganization", "jobLocation"}
    assert required <= set(posting)
    assert posting["validThrough"] == timezone.localtime(offer.deadline).isoformat()
    assert posting["employmentType"] == "FULL_TIME"
    assert page.xpath("//meta[@property='og:url']/@content")[0].endswith(offer.get_absolute_url())


# schema.org/JobPosting (2025): what may stand in it, and what search engines ask for; the same for what it holds.
SCHEMA = {
    "JobPosting": (
        {"title", "description", "datePosted", "hiringOrganization", "jobLocation"},
        {"identifier", "url", "directApply", "validThrough", "employmentType", "industry", "qualifications"},
    ),
    "PropertyValue": ({"name", "value"}, set()),
    "Organization": ({"name"}, {"url", "sameAs", "logo"}),
    "Place": ({"address"}, set()),
    "PostalAddress": ({"addressCountry"}, {"addressLocality", "addressRegion", "postalCode", "streetAddress"}),
}


def assert_valid(thing: dict) -> None:
    required, optional = SCHEMA[thing["@type"]]
    names = {name for name in thing if not name.startswith("@")}
    assert required <= names
    assert names <= required | optional
    for value in thing.values():
        assert value not in ("", None)
        if isinstance(value, dict):
            assert_valid(value)


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.slug)
@pytest.mark.parametrize("scarce", [False, True], ids=["full", "scarce"])
def test_the_job_posting_is_valid(client, kind, scarce):
    little = {"deadline": None, "location": "", "region": "", "department": "", "full_time": None}
    offer = make.OfferFactory(
        kind=kind.slug, body="**Gras** </script><b>", **(little if scarce else {"full_time": True})
    )
    page = html.fromstring(client.get(offer.get_absolute_url()).content)
    [text] = page.xpath("//script[@type='application/ld+json']/text()")
    posting = json.loads(text)
    assert posting["@context"] == "https://schema.org/"
    assert_valid(posting)
    datetime.date.fromisoformat(posting["datePosted"])
    assert posting.get("employmentType", "OTHER") in {"FULL_TIME", "PART_TIME", "OTHER"}
    if "validThrough" in posting:
        assert datetime.datetime.fromisoformat(posting["validThrough"]) == offer.deadline
    graph = {meta.get("property"): meta.get("content") for meta in page.xpath("//meta[starts-with(@property, 'og:')]")}
    assert {"og:title", "og:type", "og:url", "og:description", "og:site_name", "og:locale"} <= graph.keys()
    assert all(graph.values())
    assert graph["og:url"].startswith("http")


def test_a_closed_offer_is_no_job_posting(client):
    offer = make.OfferFactory(deadline=timezone.now() - datetime.timedelta(days=1))
    assert "application/ld+json" not in client.get(offer.get_absolute_url()).content.decode()


def test_the_sitemap_lists_what_is_open(client, offers):
    places = etree.fromstring(client.get(reverse("machines:sitemap")).content).xpath("//*[local-name()='loc']/text()")
    assert [place for place in places if "/offres/offre-" in place].__len__() == 2
    assert len(set(places)) == len(places)
    for url in etree.fromstring(client.get(reverse("machines:sitemap")).content):  # sitemaps.org, 0.9
        names = [etree.QName(part).localname for part in url]
        assert names in (["loc"], ["loc", "lastmod"])
        assert urlsplit(url[0].text).scheme.startswith("http")
        assert all(datetime.datetime.fromisoformat(part.text).tzinfo for part in url[1:])
    robots = client.get(reverse("machines:robots")).content.decode()
    assert "Disallow: /gestion/" in robots
    assert "/sitemap.xml" in robots


def test_no_address_breaks_a_feed(client, offers):
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.sampled_from(SEARCHES),
        st.dictionaries(st.sampled_from([*NAMES, "par_page"]), st.lists(HOSTILE, min_size=1, max_size=2), max_size=4),
    )
    def check(name, query):
        response = client.get(reverse(name), query)
        assert response.status_code == 200
        body(response)

    check()


MALFORMED = [
    "q=%00%ff%fe",
    "q=" + "x" * 1_000_000,
    "region=%ed%a0%80&region=%c3",
    "&&&=;",
    "page=9" + "9" * 400,
    "%%%",
    "q",
]


@pytest.mark.parametrize("query", MALFORMED, ids=lambda query: query[:12])
def test_malformed_addresses_are_answered(client, offers, query):
    for name in SEARCHES:
        response = client.get(f"{reverse(name)}?{query}", headers={"if-none-match": '"\x01, W/', "accept": "\xff"})
        assert response.status_code == 200
        body(response)


def test_too_many_parameters_are_refused(client, offers):
    assert client.get(reverse("machines:api") + "?" + "&".join(["region=28"] * 3000)).status_code == 400
