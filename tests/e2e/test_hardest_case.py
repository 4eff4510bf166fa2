"""The hardest case: eight signatories, each with a trouble of their own, and half a minute left to file."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from applications.models import Application, Receipt
from dossiers.models import FrozenDossier, SignOff
from dossiers.spec import AnnexSpec
from offers.models import Offer
from tests.answers import filled_annex
from tests.e2e.filling import fill, tick
from tests.e2e.people import PHONE, letter, link_in, reload_until, sign_with_code
from tests.factories import (
    SIGNATORY,
    ApplicationFactory,
    OfferFactory,
    UserFactory,
    cleared,
    fill_pieces,
    fill_sections,
    named_annex,
)

KIND = "assistant-specialiste-regional"


def address_of(annex: AnnexSpec) -> str:
    return f"signataire-{annex.number}@example.org"


@pytest.mark.e2e
def test_eight_signatories_and_half_a_minute(visitor, celery_worker_process, smtp_sink, s3_server):
    application = prepared()
    specs = {spec.number: spec for spec in application.dossier.spec.annexes}
    assert len(specs) == 8
    candidate = visitor(application.candidate)

    candidate.goto(application.get_absolute_url())
    candidate.get_by_role("button", name="Envoyer les 8 demandes prêtes").click()
    expect(candidate.get_by_text("8 demande(s) partent")).to_be_visible()

    def read(number: str, to: str = "", **options) -> Page:
        """This signatory's page, opened from their mail."""
        page = visitor(**options)
        page.goto(link_in(letter(smtp_sink, to or address_of(specs[number]), "demande un avis")))
        expect(page.get_by_role("heading", level=1)).to_contain_text("Votre avis sur la candidature")
        return page

    def sign(page: Page, number: str, to: str = "") -> None:
        fill(page, {"opinion": "favorable", "text": f"Avis motivé de l’annexe {number}."})
        fill(page, filled_annex(specs[number]), prefix="annexe-")
        sign_with_code(page, smtp_sink, to or address_of(specs[number]))
        expect(page.get_by_role("heading", level=1)).to_have_text("Votre avis est signé")

    # One signs at 60/40, on a phone; then the split changes: they confirm, and the next one reads 70/30.
    first = read("1", **PHONE)
    sign(first, "1")
    change_the_split(candidate, application)
    ask_for_confirmation(candidate, application, specs["1"])
    confirm(first, link_in(letter(smtp_sink, address_of(specs["1"]), "À confirmer")), smtp_sink, specs["1"])
    after_the_change = read("6")
    shares = after_the_change.locator(".portal-entry").filter(has_text="Temps passé dans l’établissement périphérique")
    expect(shares.first).to_contain_text("70")
    sign(after_the_change, "6")

    hands_over(read("2"))
    sign(read("2", "delegue@example.org"), "2", "delegue@example.org")

    declines(read("3"))
    replaces(candidate, application, specs["3"])
    sign(read("3", "remplacant@example.org"), "3", "remplacant@example.org")

    on_paper(candidate, application, specs["4"])
    signs_twice(read("5"), specs["5"], smtp_sink)
    sign(read("7"), "7")
    sign(read("8"), "8")

    files_in_time(candidate, application)
    check(application)


def prepared() -> Application:
    offer = OfferFactory(kind=KIND, parameters={})
    application = ApplicationFactory(offer=offer, candidate=UserFactory(first_name="Camille", last_name="Exemple"))
    fill_sections(application)
    fill_pieces(application)
    for spec in application.dossier.spec.annexes:
        who = {"signatory_name": f"Signataire {spec.number}", "signatory_email": address_of(spec)}
        named_annex(application, spec.key, **who)
    return application


def change_the_split(candidate: Page, application: Application) -> None:
    candidate.goto(reverse("applications:section", args=[application.pk, "function"]))
    expect(candidate.locator("[name=peripheral_share]")).to_have_value("60")
    fill(candidate, {"peripheral_share": "70", "university_share": "30"})
    candidate.get_by_role("button", name="Enregistrer et continuer").click()
    expect(candidate.get_by_role("heading", level=1)).not_to_contain_text("Description de la fonction")


def ask_for_confirmation(candidate: Page, application: Application, spec: AnnexSpec) -> None:
    candidate.goto(application.get_absolute_url())
    expect(candidate.get_by_text("Signée sur une version antérieure")).to_have_count(1)
    candidate.goto(reverse("applications:annex", args=[application.pk, spec.key]))
    main = candidate.get_by_role("main")
    for words in ("60", "70", "40", "30"):
        expect(main).to_contain_text(words)
    candidate.get_by_role("button", name="Demander la confirmation maintenant").click()
    expect(candidate.get_by_text("La confirmation est demandée")).to_be_visible()


def confirm(page: Page, link: str, smtp_sink, spec: AnnexSpec) -> None:
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirmer votre avis")
    page.get_by_role("button", name="recevoir le code").click()
    page.locator("[name=code]").wait_for()
    smtp_sink.wait_for(5, to=address_of(spec))  # request, code, copy, request to confirm, code
    code = code_in(smtp_sink.sent_to(address_of(spec))[-1])
    page.locator("[name=code]").fill(code)
    tick(page.locator("[name=certified]"))
    page.get_by_role("button", name="Confirmer mon avis").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre avis est signé")


def code_in(message) -> str:
    [code] = re.findall(r"^(\d{6})\s*$", message.get_body(("plain",)).get_content(), re.MULTILINE)
    return code


def hands_over(page: Page) -> None:
    page.get_by_text("Confier la réponse à une autre personne").click()
    other = SIGNATORY | {"signatory_name": "Personne déléguée", "signatory_email": "delegue@example.org"}
    fill(page, other, prefix="delegue-")
    page.get_by_role("button", name="Confier la demande").click()
    expect(page.get_by_text("Vous avez confié cette demande à")).to_be_visible()


def declines(page: Page) -> None:
    page.get_by_text("Je ne peux pas répondre").click()
    fill(page, {"reason": "Je pars à la retraite."})
    page.get_by_role("button", name="Décliner la demande").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Demande déclinée")


def replaces(candidate: Page, application: Application, spec: AnnexSpec) -> None:
    candidate.goto(reverse("applications:annex", args=[application.pk, spec.key]))
    expect(candidate.get_by_text("Je pars à la retraite.")).to_be_visible()
    candidate.get_by_role("button", name="Désigner une autre personne").click()
    fill(candidate, SIGNATORY | {"signatory_email": "remplacant@example.org"})
    candidate.get_by_role("button", name="Enregistrer et relire le message").click()
    expect(candidate.locator(".portal-letter")).to_contain_text("Camille Exemple")
    candidate.get_by_role("button", name="Envoyer la demande").click()


def printed(page: Page, address: str) -> bytes:
    """The PDF, once the worker has made it."""
    for _ in range(120):
        answer = page.request.get(address)
        if answer.status == 200:
            return answer.body()
        assert answer.status == 202
        page.wait_for_timeout(500)
    raise AssertionError("no worker made it")


def on_paper(candidate: Page, application: Application, spec: AnnexSpec) -> None:
    """Printed, signed by hand, photographed: the code tells which annex it is."""
    sheet = printed(candidate, reverse("applications:annex_printed", args=[application.pk, spec.key]))
    candidate.goto(reverse("applications:scans", args=[application.pk]))
    scan = {"name": "annexe-signee.pdf", "mimeType": "application/pdf", "buffer": sheet}
    candidate.locator("[name=file]").set_input_files(scan)
    candidate.get_by_role("button", name="Envoyer le scan").click()
    reload_until(candidate, "À compléter : qui, quand, quel avis")
    candidate.get_by_role("link", name=f"Annexe {spec.number} –").click()
    paper = {
        "signatory_name": f"Signataire {spec.number}",
        "signatory_function": "Coordonnateur",
        "signatory_institution": "CHU d’exemple",
        "signed_on": timezone.localdate().isoformat(),
        "opinion": "favorable",
    }
    fill(candidate, paper, prefix="papier-")
    candidate.get_by_role("button", name="Enregistrer l’annexe signée").click()
    expect(candidate.get_by_text("L’annexe est signée sur papier")).to_be_visible()


def signs_twice(page: Page, spec: AnnexSpec, smtp_sink) -> None:
    fill(page, {"opinion": "favorable", "text": "Avis signé d’un double clic."})
    fill(page, filled_annex(spec), prefix="annexe-")
    page.get_by_role("button", name="Relire et signer").click()
    page.get_by_role("heading", name="Signer votre avis").wait_for()
    code = code_in(letter(smtp_sink, address_of(spec), "code pour signer"))
    page.locator("[name=code]").fill(code)
    tick(page.locator("[name=certified]"))
    page.get_by_role("button", name="Signer mon avis").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre avis est signé")


def files_in_time(candidate: Page, application: Application) -> None:
    for piece in application.dossier.pieces.filter(safe_copy__verdict="waiting"):
        cleared(piece)
    deadline = timezone.now().replace(microsecond=0) + timedelta(seconds=30)
    Offer.objects.filter(pk=application.offer_id).update(deadline=deadline)
    candidate.goto(reverse("applications:recap", args=[application.pk]))
    tick(candidate.get_by_label("Je certifie l’exactitude"))
    candidate.get_by_role("button", name="Déposer mon dossier").click()
    expect(candidate.get_by_role("heading", level=1)).to_have_text("Accusé de réception")
    application.refresh_from_db()
    assert timedelta(0) <= deadline - application.filed_at <= timedelta(seconds=30)


def check(application: Application) -> None:
    """One receipt; eight opinions, each once, as they were signed; who handed over, who confirmed, who used paper."""
    assert Receipt.objects.count() == 1
    annexes = {annex["number"]: annex for annex in FrozenDossier.objects.get().content["annexes"]}
    assert all(annex["signed"] and not annex["changed_since_signature"] for annex in annexes.values())
    versions = {sign_off.annex.spec.number: sign_off for sign_off in SignOff.objects.order_by("version")}
    assert SignOff.objects.count() == 9  # the first one twice: signed, then confirmed
    assert (versions["1"].version, versions["1"].manner) == (2, SignOff.Manner.CONFIRMED)
    assert versions["2"].signer_name == "Personne déléguée"
    assert versions["2"].content["delegations"][0]["from"].startswith("Signataire 2")
    assert annexes["3"]["signed_by"] == SIGNATORY["signatory_name"]
    assert annexes["4"]["manner"] == "paper"
    assert annexes["4"]["files"][0]["name"] == "annexe-signee.pdf"
    seen = versions["6"].content["shown"]["sections"]
    shares = {entry["name"]: entry["display"] for section in seen for entry in section["entries"]}
    assert shares["peripheral_share"].startswith("70")
