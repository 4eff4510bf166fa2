"""The decision's letter: its author and reasons, sealed, for the candidate and the service alone."""

from __future__ import annotations

import pytest

from applications import documents, lifecycle, verification
from applications.models import Application
from applications.tasks import render_documents, render_missing_documents
from dossiers.models import Document
from tests import factories as make
from tests.dossiers.test_pdf import page_texts, squeezed

pytestmark = pytest.mark.django_db


@pytest.fixture
def admissible():
    application = make.filed(make.ApplicationFactory())
    hr = make.MembershipFactory(institution=application.offer.institution).user
    return make.admit(application, hr), hr


def decide(application, hr, name="reject", **said):
    return lifecycle.WORKFLOW.run(application, name, actor=hr, reason="Le projet manque de précision.", **said)


def letter_of(application) -> str:
    with documents.obtain(application, Document.Kind.DECISION).file.open("rb") as file:
        return squeezed(" ".join(page_texts(file.read())))


def test_the_letter_bears_the_name_and_quality_of_its_author(admissible):
    application, hr = admissible
    decide(application, hr, author_name="Dominique Fictif", author_quality="Directeur général", appeal="Deux mois.")
    text = letter_of(application)
    for said in (
        "Dominique Fictif",
        "Directeur général",
        "Le projet manque de précision",
        "n’est pas retenue",
        "Deux mois.",
    ):
        assert squeezed(said) in text
    assert "R.421-1" not in text  # the agent wrote something else


def test_by_default_the_agent_decides_for_the_service(admissible):
    application, hr = admissible
    decide(application, hr, "accept")
    text = letter_of(application)
    assert squeezed(str(hr)) in text
    assert squeezed(application.offer.service_name) in text
    assert squeezed("est retenue") in text
    assert "R.421-1" in text


def test_the_letter_cites_the_opinion_of_the_commission(admissible):
    application, hr = admissible
    session = make.SessionFactory()
    session.agenda.create(application=application, opinion="reserved")
    decide(application, hr)
    assert squeezed("avis : favorable avec réserves") in letter_of(application)


def test_there_is_no_letter_before_the_decision(admissible):
    application, hr = admissible
    assert Document.Kind.DECISION not in documents.due(application)
    decide(application, hr)
    application = Application.objects.get(pk=application.pk)
    render_documents(str(application.pk))
    assert application.dossier.frozen.documents.count() == len(Document.Kind)
    assert render_missing_documents() == 0
    document = application.dossier.frozen.documents.get(kind=Document.Kind.DECISION)
    assert verification.of_fingerprint(document.sha256).kind == "Décision"
