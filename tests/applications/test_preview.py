"""The preview before filing: the candidate's own, watermarked, made by a worker, never kept for long."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from applications import preview, tasks
from dossiers import on_demand
from dossiers.answers import save_answers
from dossiers.models import Document
from tests import factories as make
from tests.dossiers.test_pdf import page_texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft():
    application = make.ApplicationFactory()
    make.fill_sections(application)
    yield application
    cache.delete(f"preview:{application.pk}")


@pytest.fixture
def queue(monkeypatch) -> list:
    asked: list = []
    monkeypatch.setattr(tasks.render_preview, "apply_async", lambda args, **options: asked.append(args))
    return asked


def test_it_is_asked_for_waited_for_and_read(client, draft, queue, django_capture_on_commit_callbacks):
    client.force_login(draft.candidate)
    page, document = (reverse(f"applications:{name}", args=[draft.pk]) for name in ("preview", "preview_document"))
    assert "Préparer l’aperçu" in client.get(page).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(page)
        client.post(page)  # it is on its way already
    assert queue == [[str(draft.pk)]]
    assert "<progress" in client.get(page).content.decode()
    assert client.get(document).status_code == 404
    tasks.render_preview(str(draft.pk))
    assert "Votre aperçu est prêt" in client.get(page).content.decode()
    response = client.get(document)
    assert "no-store" in response["Cache-Control"]
    assert all("BROUILLON" in text for text in page_texts(response.content))


def test_htmx_gets_the_progress_alone(client, draft, queue):
    preview.ask(draft)
    client.force_login(draft.candidate)
    page = client.get(reverse("applications:preview", args=[draft.pk]), headers={"HX-Request": "true"}).content.decode()
    assert "hx-trigger" in page
    assert "<html" not in page


def test_a_change_makes_it_stale(draft):
    preview.render(draft)
    assert not preview.is_stale(draft, preview.current(draft))
    save_answers(draft.dossier, "needs", {"needs": "Tout autre chose."})
    assert preview.is_stale(draft, preview.current(draft))


def test_a_failure_is_told_and_may_be_tried_again(client, draft, monkeypatch):
    def fail(*args, **options):
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr("dossiers.pdf.render.render_dossier", fail)
        with pytest.raises(MemoryError):
            preview.render(draft)
    client.force_login(draft.candidate)
    assert "Refaire l’aperçu" in client.get(reverse("applications:preview", args=[draft.pk])).content.decode()


def test_it_goes_away_by_itself(draft):
    preview.render(draft)
    connection = cache._cache.get_client()  # Django's cache does not tell how long a key lives
    assert 0 < connection.ttl(cache.make_key(f"preview:{draft.pk}")) <= on_demand.KEPT
    assert not Document.objects.exists()


def test_a_dossier_filed_meanwhile_has_no_preview(draft):
    preview.render(draft)
    application = make.filed(draft)
    preview.render(application)
    assert preview.current(application).state == ""
