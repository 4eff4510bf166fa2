"""Offers found: by words well or badly typed, and by facets whose counts tell the truth."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import Q
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offers.data import neighbours
from offers.filters import FACETS, SORTS, Criteria
from offers.models import SEARCH_CONFIG, Offer
from offers.search import LISTED, Found
from tests import factories as make

pytestmark = pytest.mark.django_db
LIST = reverse("offers:list")


def found(address: str) -> Found:
    return Found(Criteria.read(QueryDict(address)))


def titles(address: str) -> set[str]:
    return {offer.title for offer in found(address).offers()}


@pytest.fixture
def offers():
    coordinators = make.OfferFactory(
        title="Médecins coordonnateurs", summary="Suivre des injonctions de soins.", deadline=None, region="84"
    )
    psychiatry = make.OfferFactory(title="Assistant en psychiatrie", summary="Temps partagé entre Rouen et Évreux.")
    mission = make.OfferFactory(title="Magistrat en mission", summary="Coopération judiciaire à l’étranger.", region="")
    return coordinators, psychiatry, mission


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("medecin coordonateur", "Médecins coordonnateurs"),  # accents and one letter missing
        ("coordonnateur médecin", "Médecins coordonnateurs"),  # any order, singular
        ('"injonctions de soins"', "Médecins coordonnateurs"),
        ("psychiatrie evreux", "Assistant en psychiatrie"),
        ("pyschiatrie", "Assistant en psychiatrie"),
        ("cooperation", "Magistrat en mission"),
    ],
)
def test_words_find_what_was_meant(offers, words, title):
    query = QueryDict(mutable=True)
    query["q"] = words
    assert {offer.title for offer in Found(Criteria.read(query)).offers()} == {title}


def test_a_phrase_wants_its_words_in_order(offers):
    assert found('q="soins injonctions"').nearest
    assert not found('q="injonctions de soins"').nearest


def test_the_page_says_when_it_shows_the_nearest_offers(client, offers):
    page = client.get(LIST, {"q": "medesins cordonnateurs"}).content.decode()
    assert "Voici les plus proches" in page
    assert "Médecins coordonnateurs" in page
    assert "Sans date limite" in page
    assert "Voici les plus proches" not in client.get(LIST, {"q": "médecin"}).content.decode()


def test_nothing_found_helps_on(client, offers):
    page = client.get(LIST, {"q": "plombier", "region": "28"}).content.decode()
    assert "Aucune offre ne correspond" in page
    assert f"{LIST}?region=28" in page


def test_nothing_found_leads_to_what_would_be(client, offers):
    page = client.get(LIST, {"q": "médecins", "region": "28", "pres": "69"}).content.decode()
    assert "Aucune offre ne correspond" in page
    assert "ne plus choisir" in page
    assert f"{LIST}?q=m%C3%A9decins&amp;pres=69" in page or f"{LIST}?q=m%C3%A9decins&pres=69" in page


def test_near_is_the_departement_then_those_that_touch_it_then_its_region():
    soon = make.end_of_day(timezone.localdate() + timedelta(days=3))
    places = {"Rouen": ("28", "76"), "Caen": ("28", "14"), "Normandie": ("28", ""), "Amiens": ("32", "80")}
    places |= {"Cherbourg": ("28", "50"), "Lyon": ("84", "69"), "Partout": ("", "")}
    for title, (region, department) in places.items():
        make.OfferFactory(title=title, region=region, department=department)
    make.OfferFactory(title="Beauvais", region="32", department="60", deadline=soon)
    result = [offer.title for offer in found("pres=76").offers()]
    assert result == ["Rouen", "Beauvais", "Amiens", "Caen", "Cherbourg", "Normandie"]
    assert titles("pres=76&departement=14") == {"Caen"}
    assert found("pres=inconnu").total == 8


def test_neighbours_touch_each_other():
    for code, touching in neighbours().items():
        assert code not in touching
        assert all(code in neighbours()[other] for other in touching)
    assert {code for code, touching in neighbours().items() if not touching} == {"971", "972", "973", "974", "976"}


def many_offers() -> None:
    institutions = make.InstitutionFactory.create_batch(2)
    deadlines = [None, *(make.end_of_day(timezone.localdate() + timedelta(days=days)) for days in (3, 7, 20, 60))]
    for number in range(30):
        make.OfferFactory(
            kind=["assistant-temps-partage", "mission-cooperation"][number % 2],
            region=["28", "84", ""][number % 3],
            department=["76", "69", ""][number % 3],
            institution=institutions[number % 2],
            contract=["CDD", "CDI"][number % 5 == 0],
            specialty=["Psychiatrie", "Gériatrie", ""][number % 3],
            telework=["oui", "non", ""][number % 3],
            deadline=deadlines[number % 5],
            title=["Psychiatre", "Greffier"][number % 4 == 0],
            state=["published", "closed"][number % 11 == 10],
        )


SEARCHES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.lists(st.sampled_from(["assistant-temps-partage", "mission-cooperation"]), max_size=2),
        "region": st.lists(st.sampled_from(["28", "84", "11"]), max_size=2),
        "departement": st.just(["76"]),
        "contrat": st.lists(st.sampled_from(["CDD", "CDI", "autre"]), max_size=2),
        "teletravail": st.just(["oui"]),
        "echeance": st.lists(st.sampled_from(["7", "30", "sans"]), max_size=3),
        "specialite": st.just(["Psychiatrie"]),
        "q": st.sampled_from([["psychiatres"], ["greffier"]]),
        "closes": st.just(["on"]),
    },
)


def counted(query: QueryDict) -> int:
    """How many offers fit these choices, as the database itself says it."""
    offers = Offer.objects.public() if "closes" in query else Offer.objects.open()
    if words := query.get("q"):
        offers = offers.filter(search=SearchQuery(words, config=SEARCH_CONFIG, search_type="websearch"))
    for facet in FACETS:
        values = query.getlist(facet.name)
        if values and facet.name == "echeance":
            ends = [timezone.localdate() + timedelta(days=int(value)) for value in values if value != "sans"]
            soon = Q(deadline__date__lte=max(ends), state="published") if ends else Q(pk=None)
            offers = offers.filter(soon | Q(deadline=None, state="published") if "sans" in values else soon)
        elif values:
            offers = offers.filter(**{f"{facet.column}__in": values})
    return offers.count()


def test_counts_stay_true_under_the_other_filters():
    """Each count is what one finds by making that choice alone in its facet, the others staying as they are."""
    many_offers()

    @settings(max_examples=30, deadline=None)
    @given(SEARCHES)
    def check(search):
        query = QueryDict(mutable=True)
        for name, values in search.items():
            query.setlist(name, values)
        result = Found(Criteria.read(query))
        assert result.total == len(result.ids())
        for choices in result.choices:
            for option in choices.options:
                alone = query.copy()
                alone.setlist(choices.facet.name, [option.value])
                assert option.count == counted(alone)

    check()


def test_closing_days_are_paris_days():
    make.OfferFactory(title="Septième jour", deadline=make.end_of_day(timezone.localdate() + timedelta(days=7)))
    make.OfferFactory(title="Huitième jour", deadline=make.end_of_day(timezone.localdate() + timedelta(days=8)))
    assert titles("echeance=7") == {"Septième jour"}
    assert titles("echeance=30") == {"Septième jour", "Huitième jour"}


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_shows_every_offer(client, offers, sort):
    assert found(f"tri={sort}").total == 3
    assert len(found(f"q=medecin&tri={sort}").offers()) == 1
    assert client.get(LIST, {"tri": sort}).status_code == 200


def test_an_address_can_be_shared(client, offers):
    criteria = Criteria.read(QueryDict("tri=recentes&region=84&q=medecins&region=28&inconnu=1&page=3"))
    assert criteria.query == "q=medecins&region=28&region=84&tri=recentes"
    assert Criteria.read(QueryDict(criteria.query)) == criteria


def test_a_portal_without_an_open_offer_says_so(client):
    make.OfferFactory(draft=True)
    page = client.get(LIST).content.decode()
    assert "Aucune offre n’est ouverte en ce moment" in page
    assert "ces critères" not in page
    assert reverse("alerts:new") in page
    make.OfferFactory(deadline=timezone.now() - timedelta(days=1))
    page = client.get(LIST).content.decode()
    assert "voir aussi les offres closes</a> (1 offre)" in page


def test_each_choice_is_told_and_can_be_taken_back(client, offers):
    asked = "q=medecins&pres=76&region=28&teletravail=oui&closes=on"
    page = client.get(f"{LIST}?{asked}").content.decode()
    assert "4 filtres" in page
    tags = dict(re.findall(r'<a class="fr-tag[^"]*" href="[^"?]*\?([^"]*)"[^>]*>([^<]*)</a>', page))
    assert set(tags.values()) == {
        "medecins", "Près de Seine-Maritime (76)", "Normandie", "Télétravail&nbsp;: Oui", "Offres closes aussi"
    }  # fmt: skip
    without = [set(asked.split("&")) - set(address.replace("&amp;", "&").split("&")) for address in tags]
    assert sorted(map(len, without)) == [1] * 5
    assert "filtres</span>" not in client.get(f"{LIST}?q=medecins").content.decode()


def test_the_number_of_queries_is_constant(client, offers):
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    addresses = [LIST, f"{LIST}?q=psychiatrie", f"{LIST}?q=pyschiatrie&region=28&closes=on"]
    few = [queries(address) for address in addresses]
    many_offers()
    assert [queries(address) for address in addresses] == few
    assert max(few) <= 6


NAMES = [*(facet.name for facet in FACETS), "pres", "q", "tri", "closes", "page", "page_size", "autre"]
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(max_codepoint=0x20, exclude_categories=["Cs"]), max_size=10),
    st.sampled_from(
        ["\x00", "' OR 1=1 --", "((", '"', "!!", "a & | !", "9" * 30, "-1", "1e9", "²", "٣", "%s", "{}", "<script>"]
    ),
    st.sampled_from(["\u202e", "-" * 500, "a " * 300, "zzz " * 9, "\x7f\x80"]),
)


def test_no_address_breaks_the_list(client, offers):
    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.dictionaries(st.sampled_from(NAMES), st.lists(HOSTILE, min_size=1, max_size=3), max_size=5))
    def check(query):
        assert client.get(LIST, query).status_code == 200

    check()


@pytest.mark.parametrize(
    "query",
    [
        "q=%00%ff%fe",
        "q=" + "-" * 200,
        "q=" + "(-" * 100,
        "q=" + "x" * 1_000_000,
        "region=%ed%a0%80",
        "&&&=",
        "page=99999999999",
    ],
)
def test_malformed_addresses_are_answered(client, offers, query):
    assert client.get(f"{LIST}?{query}").status_code == 200


def test_drafts_are_never_found():
    make.OfferFactory(draft=True, title="Secret")
    assert found("q=secret&closes=on").total == 0
    assert Offer.objects.count() == 1


def test_a_listed_offer_has_the_values_of_its_row(client):
    stored = make.OfferFactory(deadline=timezone.now() + timedelta(days=40), region="28", summary="Deux phrases.")
    (listed,) = found("").offers()
    assert {name: getattr(listed, name) for name in LISTED} == {n: getattr(stored, n) for n in LISTED}
    assert f"Jusqu’au {date_format(timezone.localtime(stored.deadline), 'j F Y')}" in (
        client.get(LIST).content.decode()
    )
