"""Who may do what: every address of the portal × every role, and what a refusal gives away (nothing).

The table gives, for each address, what each role gets. An address that is in no line fails the tests: a new page
cannot be forgotten.
"""

from __future__ import annotations

import copy
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse
from django.urls.resolvers import URLPattern
from django.utils import timezone

from applications import answering
from applications.models import Application, MinutesDocument, Recusal, Review
from dossiers import signing
from dossiers.answers import save_answers
from dossiers.models import Document, Opinion, Piece
from dossiers.uploads import add_piece
from offers.models import Alert
from portal.logs import SECRET_PATH
from portal.notifications.models import Mail
from portal.notifications.preferences import page_of
from tests import factories as make
from tests.answers import filled_section

pytestmark = pytest.mark.django_db

TABLE = Path(__file__).with_name("permissions.txt")
ROLES = ["anonymous", "candidate", "other", "signatory", "hr", "hr2", "member", "member2", "recused", "admin"]
ADMINISTERED = ["accounts_user", "accounts_institution", "account_emailaddress"]  # MODEL in the table


DELEGATE = make.SIGNATORY | {"signatory_email": "autre@example.org"}
STRANGER = ("identity", "content", "deliberation", "unpublished")
# What a role must never read, wherever it asks.
UNTOLD = {
    "anonymous": STRANGER,
    "candidate": ("deliberation", "unpublished"),
    "other": STRANGER,
    "signatory": STRANGER,
    "hr": (),
    "hr2": STRANGER,
    "member": ("unpublished",),
    "member2": STRANGER,
    "recused": STRANGER,
    "admin": (),
}


class Line(NamedTuple):
    method: str
    address: str
    about: str
    expected: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.method} {self.address}{'@' if self.about else ''}{self.about}"


def read_table() -> list[Line]:
    lines = []
    for text in TABLE.read_text().splitlines():
        if not text or text.startswith("#"):
            continue
        method, address, *codes = text.split()
        address, _, about = address.partition("@")
        codes = codes * len(ROLES) if len(codes) == 1 else codes
        expected = dict(zip(ROLES, codes, strict=True))
        for model in ADMINISTERED if "MODEL" in address else [""]:
            name = address.replace("MODEL/PATH", model.replace("_", "/", 1)).replace("MODEL", model)
            lines.append(Line(method, name, about or model, expected))
    return lines


LINES = read_table()


class Address(NamedTuple):
    name: str
    parameters: frozenset[str]


def all_addresses(patterns=None, prefix="", namespaces=(), parameters=frozenset()):
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        own = parameters | set(pattern.pattern.converters) | set(pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLPattern):
            yield Address(":".join([*namespaces, pattern.name]) if pattern.name else route, own)
        else:
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from all_addresses(pattern.url_patterns, route, inner, own)


ADDRESSES = {address.name: address for address in all_addresses()}


@dataclass
class World:
    clients: dict[str, Client]
    values: dict[str, dict]  # the parts of an address, by the word after @
    secrets: dict[str, list[str]]  # words that only the people concerned may ever read
    posted: dict[str, Callable[[], dict]]

    def path(self, line: Line) -> str:
        address = ADDRESSES[line.address]
        values = {"url": "inconnu", "app_label": "offers"} | self.values.get(line.about, {})
        values |= self.values.get(line.address, {})
        if line.address.endswith("<path:object_id>/"):  # an address that Django's admin leaves without a name
            return "/" + line.address.replace("<path:object_id>", str(values["object_id"]))
        if line.address.endswith("(?P<url>.*)$"):
            return "/gestion/inconnu/"
        return reverse(line.address, kwargs={name: values[name] for name in address.parameters})

    def ask(self, role: str, line: Line):
        """The answer to this role; what it changed is undone."""
        client = Client(raise_request_exception=False)
        client.cookies = copy.deepcopy(self.clients[role].cookies)
        data = self.posted.get(line.address, {}) if line.method == "POST" else None
        with transaction.atomic():
            response = getattr(client, line.method.lower())(self.path(line), data and data())
            response.body = response.getvalue()  # read before the files close
            transaction.set_rollback(True)
        return response

    def get(self, role: str, address: str, about: str = "") -> str:
        """The text of a page."""
        return self.ask(role, Line("GET", address, about, {})).body.decode()

    def words_in(self, kind: str, text: str) -> list[str]:
        return [word for word in self.secrets[kind] if word in text]

    def told_to(self, role: str, response) -> list[str]:
        """The private words of an answer that this role must never read, whatever the status code."""
        text = response.body.decode(errors="replace") + unquote(str(dict(response.items())))
        return [word for kind in UNTOLD[role] for word in self.words_in(kind, text)]


def outcome(response) -> str:
    """The status code, but `login` for the way to the sign-in page."""
    location = response.headers.get("Location", "")
    if response.status_code == 302 and location.startswith((reverse("account_login"), reverse("admin:login"))):
        return "login"
    return str(response.status_code)


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """One world for the whole table, in a transaction that is rolled back in the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build_world()
        transaction.set_rollback(True)


def build_world() -> World:
    hr = make.MembershipFactory()
    hr2 = make.MembershipFactory()
    candidate = make.UserFactory(first_name="Zénobie", last_name="Témoignac", email="temoin@example.org")
    hidden = make.OfferFactory(institution=hr.institution, draft=True, title="Offre-secrète", slug="brouillon")
    offers = {name: make.OfferFactory(institution=hr.institution) for name in ("draft", "filed", "admissible")}
    elsewhere = make.OfferFactory(institution=hr2.institution)
    commission = make.CommissionFactory(institution=hr.institution, offers=offers.values())
    member, recused = (make.SeatFactory(commission=commission).user for _ in range(2))
    member2 = make.SeatFactory(commission__offers=[elsewhere]).user

    applications = {name: begin(offer, candidate) for name, offer in offers.items()}
    annex = make.invited_annex(applications["draft"], signatory_name="Signataire-secret")
    question = answering.ask_question(annex, "Avis-secret")
    for name in ("filed", "admissible"):
        applications[name] = finish(applications[name])
    applications["admissible"] = make.admit(applications["admissible"], hr.user)
    session = make.SessionFactory(commission=commission)
    session.agenda.create(application=applications["admissible"], rapporteur=member)
    minutes = session.minutes.create(edition=1, content={}, established_by=hr.user)
    MinutesDocument.objects.create(
        minutes=minutes, file=ContentFile(b"Octets-secrets", "pv.pdf"), size=14, sha256="1" * 64
    )
    Review.objects.create(
        application=applications["admissible"], member=member, opinion=Opinion.FAVORABLE, reasons="Motivation-secrète"
    )
    for application in applications.values():
        Recusal.objects.create(application=application, member=recused, reason="Déport-secret")

    users = {
        "candidate": candidate,
        "other": make.UserFactory(),
        "hr": hr.user,
        "hr2": hr2.user,
        "member": member,
        "member2": member2,
        "recused": recused,
        "admin": make.UserFactory(is_staff=True, is_superuser=True),
    }
    clients = {role: Client(raise_request_exception=False) for role in ROLES}
    for role, user in users.items():
        clients[role].force_login(user)
    link = signing.link_secret(annex)
    alert = Alert.objects.create(email="suiveur@example.org", confirmed_at=timezone.now())
    clients["signatory"].get(reverse("signatory:annex", args=[link]))

    values = {
        name: {
            "pk": application.pk,
            "object_id": application.pk,
            "slug": application.offer.slug,
            "piece_pk": application.dossier.pieces.first().pk,
        }
        for name, application in applications.items()
    }
    values |= {
        word: {
            "pk": offer.pk,
            "object_id": offer.pk,
            "slug": offer.slug,
            "offer_pk": offer.pk,
        }
        for word, offer in {"published": offers["draft"], "hidden": hidden, "elsewhere": elsewhere}.items()
    }
    values |= {
        "fresh": {"slug": make.OfferFactory(institution=hr.institution).slug},
        "link": {"token": link},
        "wrong": {"token": "A" * 43, "secret": "A" * 32},
        "alert": {"secret": alert.secret, "object_id": alert.pk},
        "commission": {"object_id": commission.pk},
        "session": {"pk": session.pk, "object_id": session.pk, "edition": 1},
        "accounts_user": {"object_id": candidate.pk},
        "accounts_institution": {"object_id": hr.institution.pk},
        "mail": {"object_id": Mail.objects.first().pk, "pk": Mail.objects.first().pk},
        "account_emailaddress": {"object_id": EmailAddress.objects.create(user=candidate, email=candidate.email).pk},
        "account": {"id": candidate.pk},
        "key": {"uidb36": "1", "key": "inconnue"},
        # By address
        "applications:section": {"key": "identity"},
        "applications:piece": {"key": "cv"},
        "applications:piece_files": {"key": "cv"},
        "applications:annex": {"key": "hospital_director"},
        "applications:annex_paper": {"key": "hospital_director"},
        "applications:annex_printed": {"key": "hospital_director"},
        "applications:annex_move": {"key": "hospital_director", "move": "renvoyer"},
        "applications:annex_question": {"key": "hospital_director", "question_pk": question.pk},
        "admin:offers_offer_move": {"name": "close"},
        "mail_preferences": {"token": mail_link("abonnement@example.org")},
        "admin:applications_late_export": {"form": "csv"},
        "admin:applications_mailtext": {"template": "receipt"},
        "admin:applications_mailtext_preview": {"template": "receipt"},
        "admin:applications_application_move": {"name": "admit"},
    }
    values["extend"] = values["published"]
    secrets = {
        "identity": ["Zénobie", "Témoignac", "temoin@example.org", applications["filed"].number],
        "content": ["Réponse-secrète", "cv-secret", "Octets-secrets", "Avis-secret", "Signataire-secret"],
        "deliberation": ["Motivation-secrète", "Déport-secret"],
        "unpublished": ["Offre-secrète"],
    }
    return World(clients, values, secrets, posted_by(applications))


def mail_link(address: str) -> str:
    return page_of(address, "reminders").rstrip("/").rpartition("/")[2]


def begin(offer, candidate) -> Application:
    """A complete dossier but for its signature, full of words that strangers must not read."""
    application = make.ApplicationFactory(offer=offer, candidate=candidate)
    make.fill_sections(application)
    spec = application.dossier.spec
    raw = filled_section(spec.section_by_key["needs"])
    save_answers(application.dossier, "needs", dict.fromkeys(raw, "Réponse-secrète"))
    for piece in spec.pieces:
        upload = make.pdf_upload(f"{piece.key}-secret.pdf")
        make.cleared(add_piece(application.dossier, piece.key, upload))
    return application


def finish(application: Application) -> Application:
    """Signed, filed, with its documents (as the worker would store them)."""
    make.sign(make.invited_annex(application, signatory_name="Signataire-secret"), text="Avis-secret")
    application = make.file_now(application)
    for kind in Document.Kind:
        document = Document(frozen=application.dossier.frozen, kind=kind, size=14, sha256="0" * 64)
        document.file.save("", ContentFile(b"Octets-secrets"), save=False)
        document.save()
    return application


def posted_by(applications) -> dict[str, Callable[[], dict]]:
    """What is sent where an empty form would say little."""
    asked = applications["draft"].dossier.annexes.filter(key="hospital_director")
    return {
        "applications:start": lambda: make.start_form(applications["draft"].offer),
        "applications:section": lambda: {"version": "1"},
        "applications:recap": lambda: {"certified": "on"},
        "applications:piece": lambda: {"file": make.pdf_upload()},
        "applications:annex": lambda: make.SIGNATORY,
        "applications:withdraw": lambda: {"reason": "Un motif."},
        "signatory:annex": lambda: make.signature_form(asked.get()),
        "signatory:decline": lambda: {"reason": "Absence."},
        "signatory:delegate": lambda: {f"delegue-{name}": value for name, value in DELEGATE.items()},
        "signatory:ask": lambda: {"question": "Quel jour ?"},
        "applications:annex_question": lambda: {"answer": "Le mardi."},
        "commission:review": lambda: {"opinion": "favorable", "reasons": "Bon dossier."},
        "commission:recuse": lambda: {"reason": "Lien familial."},
        "admin:offers_offer_move": lambda: {"reason": "Un motif."},
        "admin:applications_application_move": lambda: {"reason": "Un motif."},
        "admin:offers_offer_delete": lambda: {"post": "yes"},
    }


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_each_role_gets_what_the_table_says(world, line):
    answers = {role: world.ask(role, line) for role in ROLES}
    assert {role: outcome(answer) for role, answer in answers.items()} == line.expected
    if line.expected["anonymous"] != "200" or SECRET_PATH.search(world.path(line)):
        kept = [role for role, answer in answers.items() if not is_kept_nowhere(answer)]
        assert not kept, "a browser may show this page again to whoever comes next"
    if line.about != "link":
        told = {role: world.told_to(role, answer) for role, answer in answers.items()}
        assert not any(told.values()), f"private words in an answer: {told}"


def test_no_address_is_forgotten():
    asked = {(line.method, line.address) for line in LINES}
    forgotten = [f"{method} {name}" for name in ADDRESSES for method in ("GET", "POST") if (method, name) not in asked]
    assert not forgotten


def test_every_line_is_about_an_address_that_exists():
    assert {line.address for line in LINES} <= set(ADDRESSES)


@pytest.mark.parametrize("role", ["hr", "admin"])
def test_the_content_of_a_draft_stays_with_its_candidate(world, role):
    """HR sees who is late, not what was written."""
    page = world.get(role, "admin:applications_application_change", "draft")
    assert "Signataire-secret" in page
    assert "Réponse-secrète" not in page
    assert "cv-secret" not in page


def test_the_commissions_deliberation_stays_with_it(world):
    for name in ("detail", "recap", "receipt"):
        assert not world.words_in("deliberation", world.get("candidate", f"applications:{name}", "admissible"))
    assert "Motivation-secrète" in world.get("hr", "admin:applications_application_change", "admissible")


def test_the_link_shows_what_concerns_the_signatory_and_nothing_else(world):
    page = world.get("signatory", "signatory:annex", "link")
    assert "Zénobie" in page
    assert "temoin@example.org" not in page  # the identity section is not theirs
    assert "cv-secret" not in page
    assert not world.words_in("deliberation", page)


def test_the_demonstration_mailbox_is_not_in_the_portal():
    with pytest.raises(NoReverseMatch):
        reverse("demo_mail")


# Private files

REFUSED = {400, 403}
FILES = ("document", "piece_file", "piece", "copy_file", "piece_thumbnail")


def test_no_page_tells_where_a_file_is_stored(world):
    """Files are streamed by the portal: neither their key nor a link to the storage is ever in a page."""
    pages = [
        world.get("candidate", "applications:piece", "draft"),
        world.get("candidate", "applications:recap", "draft"),
        world.get("candidate", "applications:detail", "admissible"),
        world.get("member", "commission:detail", "admissible"),
        world.get("hr", "admin:applications_application_change", "admissible"),
    ]
    keys = Piece.objects.values_list("file", flat=True)
    for page in pages:
        assert not [key for key in keys if key in page]
        assert settings.STORAGES["default"]["OPTIONS"]["endpoint_url"] not in page


def is_kept_nowhere(response) -> bool:
    return response.status_code != 200 or "no-store" in response.get("Cache-Control", "")


def test_files_are_served_as_private(world):
    for line in LINES:
        for role, expected in line.expected.items():
            if line.method == "GET" and expected == "200" and line.address.endswith(FILES):
                response = world.ask(role, line)
                if response.streaming:
                    assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))
                    assert response["X-Content-Type-Options"] == "nosniff"
                    assert "default-src 'none'" in response["Content-Security-Policy"]


def test_the_storage_itself_refuses_strangers(world):
    """Neither the bare address of an object, nor a signed link that was altered or has expired."""
    piece = Piece.objects.filter(dossier__application__state=Application.State.FILED).first()
    signed = piece.file.storage.url(piece.file.name, expire=1)
    assert fetch(signed) == 200
    other = Piece.objects.exclude(pk=piece.pk).first().file.name
    assert fetch(signed.partition("?")[0]) in REFUSED
    assert fetch(signed.replace(piece.file.name, other)) in REFUSED
    assert fetch(re.sub(r"X-Amz-Expires=\d+", "X-Amz-Expires=3600", signed)) in REFUSED
    time.sleep(2.1)
    assert fetch(signed) in REFUSED


def fetch(address: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address) as response:
            return response.status
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code
