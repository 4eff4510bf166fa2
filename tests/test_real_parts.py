"""The tests run on what production runs on: these fail when a part is only simulated."""

import urllib.error
import urllib.request

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.mail import send_mail
from django.db import connection


@pytest.mark.django_db
def test_postgresql_speaks_french():
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_tsvector('french', 'les magistrats') @@ to_tsquery('french', 'magistrat')")
        assert cursor.fetchone() == (True,)


def test_mail_goes_through_smtp(smtp_sink):
    send_mail("Accusé de réception", "Reçu.", "portail@example.org", ["candidate@example.org"])
    [message] = smtp_sink.wait_for(1, to="candidate@example.org")
    assert message["Subject"] == "Accusé de réception"


def test_a_storage_that_does_not_answer_is_not_waited_for():
    config = default_storage.connection.meta.client.meta.config
    assert (config.connect_timeout, config.read_timeout, config.signature_version) == (3, 20, "s3v4")
    assert config.s3["addressing_style"] == "path"
    assert config.retries["total_max_attempts"] == 3


def test_private_files_need_a_signed_link(s3_server):
    name = default_storage.save("essai/pièce.txt", ContentFile("privé".encode()))
    link = default_storage.url(name)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    assert opener.open(link).read() == "privé".encode()
    unsigned = link.partition("?")[0]
    tampered = link.replace("pi%C3%A8ce", "autre")
    assert tampered != link
    for refused in (unsigned, tampered):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            opener.open(refused)
        assert refusal.value.code in {400, 403}
        refusal.value.close()


@pytest.mark.e2e
def test_a_browser_sees_the_portal(page, live_portal, axe):
    response = page.goto(live_portal)
    assert response.status == 200
    axe(page)


@pytest.mark.e2e
def test_a_worker_takes_its_work_from_the_queue(celery_worker_process):
    from portal.celery import app

    answers = app.control.ping(timeout=5, limit=1)
    assert [list(answer.values()) for answer in answers] == [[{"ok": "pong"}]]
