"""HR's desk: from a new offer to its closing, through the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from lxml import html

from dossiers.content import moment
from offers.kinds import all_kinds
from offers.models import Offer
from tests import factories as make

pytestmark = pytest.mark.django_db
EVERY_KIND = pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.slug)


def form_of(page, model: str = "offer") -> dict[str, list[str]]:
    """What a browser would send of this page's form, untouched."""
    document = html.fromstring(page.content.decode())
    form = next(form for form in document.forms if form.get("id") == f"{model}_form")
    data: dict[str, list[str]] = {}
    for name, value in form.form_values():
        data.setdefault(name, []).append(value)
    return data


def new_offer(client, hr, kind, **changes) -> Offer:
    address = f"{reverse('admin:offers_offer_add')}?kind={kind}"
    data = form_of(client.get(address)) | {
        "institution": hr.institution.pk,
        "title": "Une offre",
        "reference": "REF-2026",
        "slug": "une-offre",
        "summary": "Un résumé.",
        "deadline_0": (timezone.localdate() + timedelta(days=45)).strftime("%d/%m/%Y"),
        "deadline_1": "23:59:59",
        "service_name": "Pôle RH",
        "service_address": "1 place de l’Exemple",
        "service_email": "rh@example.org",
        "service_phone": "02 00 00 00 00",
    }
    response = client.post(address, data | changes)
    assert response.status_code == 302, response.context["adminform"].form.errors
    return Offer.objects.get(slug="une-offre")


def move(client, offer, name, **data):
    return client.post(reverse("admin:offers_offer_move", args=[offer.pk, name]), data)


@EVERY_KIND
def test_each_kind_has_its_own_form_with_all_its_fields(client, hr, kind):
    page = client.get(f"{reverse('admin:offers_offer_add')}?kind={kind.slug}")
    fields = page.context["adminform"].form.fields
    for section in kind.offer_sections:
        assert {f"detail_{spec.name}" for spec in section.fields} <= set(fields)
    assert {f"parameter_{spec.name}" for spec in kind.parameter_section.fields} <= set(fields)


@EVERY_KIND
def test_an_offer_is_saved_as_a_draft_with_the_defaults_of_its_kind(client, hr, kind):
    offer = new_offer(client, hr, kind.slug)
    assert (offer.kind, offer.state) == (kind.slug, Offer.State.DRAFT)
    assert kind.parameter_values(offer.parameters) == kind.parameter_values({})
    assert client.get(offer.get_absolute_url()).status_code == 404
    preview = client.get(reverse("admin:offers_offer_preview", args=[offer.pk]))
    assert "Une offre" in preview.content.decode()


@EVERY_KIND
def test_a_draft_begins_with_a_title_and_a_reference(client, hr, kind):
    """The rest is there already, or is told before publication, each by its name."""
    address = f"{reverse('admin:offers_offer_add')}?kind={kind.slug}"
    begun = form_of(client.get(address))
    assert begun["institution"] == [str(hr.institution_id)]
    assert begun["summary"][0].strip() == kind.summary
    assert begun["service_name"] == [hr.institution.name]
    emptied = dict.fromkeys(("summary", "service_name", "service_address", "service_email", "service_phone"), "")
    typed = {"title": "Une offre", "reference": "REF-2026", "slug": "une-offre"}
    assert client.post(address, begun | emptied | typed).status_code == 302
    offer = Offer.objects.get()
    assert client.get(reverse("admin:offers_offer_preview", args=[offer.pk])).status_code == 200
    page = client.get(reverse("admin:offers_offer_change", args=[offer.pk]))
    told = " ".join(page.context["to_complete"])
    for label in ("Résumé", "Service chargé du dossier", "Adresse postale", "Adresse électronique", "Téléphone"):
        assert label in told
    refused = client.post(address, begun | emptied | {"title": "", "reference": "", "slug": ""})
    assert set(refused.context["adminform"].form.errors) == {"title", "reference", "slug"}


@pytest.mark.parametrize(
    ("state", "button"),
    [("draft", True), ("scheduled", True), ("published", True), ("paused", False), ("closed", False)],
)
def test_the_preview_has_the_button_that_the_public_will_have(client, hr, state, button):
    offer = make.OfferFactory(institution=hr.institution, draft=state == "draft", parameters={})
    if state == "scheduled":
        Offer.objects.update(published_at=timezone.now() + timedelta(days=2))
    elif state in ("paused", "closed"):
        Offer.objects.update(state=state, closed_at=timezone.now())
    page = client.get(reverse("admin:offers_offer_preview", args=[offer.pk])).content.decode()
    assert ("Candidater</a>" in page) is button
    assert reverse("applications:start", args=[offer.slug]) not in page
    assert ("Cette offre n’accepte plus" in page) is ("Offre close" in page) is (state == "closed")
    assert ("sont suspendues" in page) is (state == "paused")


def test_what_was_published_cannot_be_emptied(client, hr):
    offer = make.OfferFactory(institution=hr.institution, parameters={})
    address = reverse("admin:offers_offer_change", args=[offer.pk])
    data = form_of(client.get(address)) | {"service_phone": "", "summary": ""}
    assert set(client.post(address, data).context["adminform"].form.errors) == {"service_phone", "summary"}


def test_the_preview_shows_what_is_typed_and_saves_nothing(client, hr):
    offer = new_offer(client, hr, make.SHARED_TIME)
    data = form_of(client.get(reverse("admin:offers_offer_change", args=[offer.pk])))
    data |= {"title": "Titre en cours", "body": "## Sous-titre\r\n\r\n**Gras** <script>"}
    page = client.post(reverse("admin:offers_offer_preview", args=[offer.pk]), data).content.decode()
    for shown in ("Titre en cours", "Sous-titre</h2>", "<strong>Gras</strong> &lt;script&gt;"):
        assert shown in page
    assert Offer.objects.get().title == "Une offre"

    address = f"{reverse('admin:offers_offer_preview_new')}?kind={make.SHARED_TIME}"
    page = client.post(address, {"title": "Jamais enregistrée"}).content.decode()
    assert "Jamais enregistrée" in page
    assert Offer.objects.count() == 1


def test_a_draft_says_what_is_missing_by_field(client, hr):
    offer = new_offer(client, hr, "assistant-specialise")
    page = client.get(reverse("admin:offers_offer_change", args=[offer.pk])).content.decode()
    told = html.fromstring(page).find_class("portal-check--blocks")[0].text_content().replace("\xa0", " ")
    assert "Versant : Ce champ est à compléter. Mention obligatoire d’un avis de vacance" in told
    assert "Lieu d’affectation : Ce champ est à compléter." in told
    refused = move(client, offer, "publish", reason="").content.decode().replace("\xa0", " ")
    assert "Date de vacance de l’emploi : Ce champ est à compléter. Mention obligatoire" in refused


def test_mentions_that_the_kind_says_are_not_told_to_be_empty(client, hr):
    """The form shows the kind's own, which the receipt bears: nothing is empty."""
    offer = make.OfferFactory(institution=hr.institution, draft=True, legal_mentions="")
    page = client.get(reverse("admin:offers_offer_change", args=[offer.pk]))
    assert page.context["adminform"].form["legal_mentions"].value() == offer.kind_definition.legal_mentions
    assert not [sentence for sentence in page.context["to_check"] if "Mentions légales" in sentence]


def test_from_publication_to_closing(client, hr):
    offer = new_offer(client, hr, make.SHARED_TIME)
    assert move(client, offer, "publish", reason="").status_code == 302
    assert client.get(offer.get_absolute_url()).status_code == 200

    proposed = client.get(reverse("admin:offers_offer_move", args=[offer.pk, "extend"])).context["form"]
    assert proposed.initial["deadline"] == timezone.localtime(offer.deadline) + timedelta(days=14)
    later = timezone.localdate() + timedelta(days=60)
    response = move(client, offer, "extend", deadline_0=later.isoformat(), deadline_1="23:59:59", reason="Panne.")
    assert response.status_code == 302
    offer.refresh_from_db()
    assert offer.deadline == make.end_of_day(later)
    changed = client.get(reverse("admin:offers_offer_change", args=[offer.pk])).content.decode()
    assert f"La date limite est maintenant le {moment(offer.deadline)}." in changed

    assert move(client, offer, "close", reason="").status_code == 200  # a reason is due
    assert move(client, offer, "close", reason="Poste pourvu.").status_code == 302
    page = client.get(reverse("admin:offers_offer_change", args=[offer.pk])).content.decode()
    for told in (*(entry.label for entry in offer.transitions.all()), "Panne.", "Poste pourvu.", str(hr.user)):
        assert told in page
    assert [entry.actor for entry in offer.transitions.all()] == [hr.user] * 3


def test_what_candidates_were_told_no_longer_changes(client, hr):
    """Once published: neither the deadline (an extension has its reason), nor the numbers, nor the address."""
    offer = new_offer(client, hr, make.SHARED_TIME)
    move(client, offer, "publish", reason="")
    before = Offer.objects.get()
    address = reverse("admin:offers_offer_change", args=[offer.pk])
    data = form_of(client.get(address)) | {
        "title": "Nouveau titre",
        "deadline_0": "01/01/2030",
        "deadline_1": "00:00:00",
        "slug": "autre-adresse",
        "parameter_minimum_ambulatory": "10",
    }
    assert client.post(address, data).status_code == 302
    after = Offer.objects.get()
    assert after.title == "Nouveau titre"
    assert (after.deadline, after.slug) == (before.deadline, before.slug)
    assert offer.kind_definition.parameter_values(after.parameters)["minimum_ambulatory"] == 50


def test_a_wrong_number_is_told_beside_its_field(client, hr):
    address = f"{reverse('admin:offers_offer_add')}?kind={make.SHARED_TIME}"
    response = client.post(address, form_of(client.get(address)) | {"parameter_minimum_ambulatory": "150"})
    assert "parameter_minimum_ambulatory" in response.context["adminform"].form.errors


def test_an_agent_publishes_for_their_institutions_alone(client, hr):
    elsewhere = make.InstitutionFactory()
    address = f"{reverse('admin:offers_offer_add')}?kind={make.SHARED_TIME}"
    response = client.post(address, form_of(client.get(address)) | {"institution": elsewhere.pk})
    assert "institution" in response.context["adminform"].form.errors
    assert elsewhere.name not in client.get(address).content.decode()


def test_lists_show_ones_own_institutions_alone(client, hr):
    mine = make.OfferFactory(institution=hr.institution)
    other = make.OfferFactory(draft=True)
    make.ApplicationFactory(offer=other)
    make.CommissionFactory(offers=[other], institution=other.institution)
    for model in ("offers_offer", "applications_application", "applications_commission"):
        page = client.get(reverse(f"admin:{model}_changelist")).content.decode()
        assert other.title not in page
        assert other.institution.name not in page
    form = client.get(reverse("admin:applications_commission_add")).content.decode()
    assert mine.title in form
    assert other.title not in form


def seats(*emails: str) -> dict[str, str]:
    data = {"seats-TOTAL_FORMS": str(len(emails)), "seats-INITIAL_FORMS": "0"}
    for number, email in enumerate(emails):
        data |= {f"seats-{number}-email": email, f"seats-{number}-quality": "Membre"}
    return data


def test_a_commission_and_its_members(client, hr):
    offer = make.OfferFactory(institution=hr.institution)
    member = make.UserFactory(email="membre@example.org")
    data = {"name": "Commission", "institution": hr.institution.pk, "offers": [offer.pk]}
    address = reverse("admin:applications_commission_add")
    for wrong in (["inconnu@example.org"], ["membre@example.org", "MEMBRE@example.org"]):
        assert client.post(address, data | seats(*wrong)).status_code == 200
    assert client.post(address, data | seats("Membre@Example.org")).status_code == 302
    assert list(offer.commissions.get().seats.values_list("user", flat=True)) == [member.pk]


def test_admissibility_and_decision_through_the_page(client, hr):
    application = make.filed(make.ApplicationFactory(offer__institution=hr.institution))
    address = reverse("admin:applications_application_change", args=[application.pk])

    def decide(name, reason):
        target = reverse("admin:applications_application_move", args=[application.pk, name])
        return client.post(target, {"reason": reason, "confirmed": "1"}, follow=True).content.decode()

    assert "demande un motif" in decide("refuse", "")
    decide("refuse", "Diplôme illisible.")
    decide("admit", "Nouvel examen\x00.")
    decide("admit", "Nouvel examen.")
    assert "Diplôme illisible." in client.get(address).content.decode()
    application.refresh_from_db()
    assert application.state == "admissible"
    assert [entry.name for entry in application.transitions.all()] == ["file", "refuse", "admit"]


# The public list


def listed(client, **query) -> set[str]:
    return {offer.title for offer in client.get(reverse("offers:list"), query).context["page"]}


def test_the_list_can_be_filtered(client):
    make.OfferFactory(title="Psychiatre", region="28", body="Évaluation des détenus.")
    make.OfferFactory(title="Légiste", region="84", kind="medecin-coordonnateur", deadline=None)
    make.OfferFactory(title="Passée", deadline=timezone.now() - timedelta(days=1))
    make.OfferFactory(title="Close", state=Offer.State.CLOSED, closed_at=timezone.now())
    make.OfferFactory(title="Brouillon", draft=True)
    assert listed(client) == {"Psychiatre", "Légiste"}
    assert listed(client, closes="on") == {"Psychiatre", "Légiste", "Passée", "Close"}
    assert listed(client, type="medecin-coordonnateur") == {"Légiste"}
    assert listed(client, region="28") == {"Psychiatre"}
    for words in ("psychiatres", "EVALUATION", "détenus"):
        assert listed(client, q=words) == {"Psychiatre"}, words
    assert listed(client, q="introuvable") == set()


@pytest.mark.parametrize(
    "query",
    [{"q": "\x00"}, {"q": "' & | ! ("}, {"q": "x" * 5000}, {"type": "inconnu"}, {"region": "999"}, {"page": "abc"}],
)
def test_a_query_that_makes_no_sense_still_has_a_page(client, query):
    make.OfferFactory()
    assert client.get(reverse("offers:list"), query).status_code == 200


def test_closed_offers_come_last(client):
    make.OfferFactory(title="Close", state=Offer.State.CLOSED, deadline=timezone.now() - timedelta(days=1))
    make.OfferFactory(title="Bientôt", deadline=timezone.now() + timedelta(days=2))
    make.OfferFactory(title="Sans limite", deadline=None)
    page = client.get(reverse("offers:list"), {"closes": "on"}).context["page"]
    assert [offer.title for offer in page] == ["Bientôt", "Sans limite", "Close"]


def test_the_text_of_an_offer_runs_nothing(client):
    offer = make.OfferFactory(body="# Titre\n\n<script>alert(1)</script>\n\n[lien](javascript:alert(1))")
    page = client.get(offer.get_absolute_url()).content.decode()
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "<h1>Titre" not in page  # the page has a title of its own
    assert "Titre</h" in page


def test_the_long_texts_of_a_kind_are_markdown_too(client):
    text = "Première ligne\nDeuxième ligne\n\n- **Un**\n- Deux\n\n# Titre\n\n<script>alert(1)</script>"
    offer = make.OfferFactory(kind="medecin-coordonnateur", deadline=None, parameters={}, details={"role": text})
    page = client.get(offer.get_absolute_url()).content.decode()
    for shown in (
        "Première ligne<br />\nDeuxième ligne",
        "<li><strong>Un</strong></li>",
        "Titre</h3>",
        "&lt;script&gt;",
    ):
        assert shown in page, shown
    told = client.get(reverse("machines:api_offer", args=[offer.slug])).json()
    assert text in [field["valeur"] for section in told["rubriques"] for field in section["champs"]]
