"""No log keeps what opens a door: what the portal's own handler writes is read here."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.test import Client

from applications import circuit
from dossiers import signing
from portal import logs
from portal.embedded.processes import Child, free_port
from tests import factories as make

CHECKOUT = Path(__file__).resolve().parents[2]
SECRET = "un-secret-qui-ouvre"


@pytest.fixture
def log():
    """What the console handler of the settings writes."""
    [handler] = [handler for handler in logging.getLogger().handlers if type(handler) is logging.StreamHandler]
    written = io.StringIO()
    former = handler.setStream(written)
    yield written
    handler.setStream(former)


@pytest.mark.django_db
def test_a_link_that_serves_no_more_is_not_written_down(client, log):
    application = make.ApplicationFactory()
    annex = make.invited_annex(application)
    link = signing.link_secret(annex)
    circuit.replace(annex, actor=application.candidate)
    client.get(f"/avis/{link}/")
    assert "/avis/***/" in log.getvalue()
    assert link not in log.getvalue()


@pytest.mark.django_db
def test_a_refused_form_does_not_write_its_address_down(log):
    link = signing.link_secret(make.invited_annex(make.ApplicationFactory()))
    assert Client(enforce_csrf_checks=True).post(f"/avis/{link}/").status_code == 403
    assert "/avis/***/" in log.getvalue()
    assert link not in log.getvalue()


@pytest.mark.parametrize("path", [f"/avis/{SECRET}/", f"/compte/password/reset/key/{SECRET}/"])
def test_a_breakdown_writes_its_traceback_and_no_secret(log, path):
    try:
        raise LookupError(f"nothing at {path}?page=2")
    except LookupError:
        logging.getLogger("django.request").exception("Internal Server Error: %s", path)
    written = log.getvalue()
    assert "Traceback" in written
    assert written.count("/***/") == 2
    assert "?page=2" in written
    assert SECRET not in written


@pytest.mark.parametrize("text", ["/avis/", "/compte/password/reset/", "/offres/avis-de-vacance/", "100 % de /avis"])
def test_the_rest_is_left_as_it_is(text):
    assert logs.without_secrets(text) == text


def test_the_web_server_writes_no_secret_down(servers, tmp_path):
    """gunicorn with its own settings, on a program that breaks down: the access log and the error log."""
    (tmp_path / "broken.py").write_text("def application(environ, start_response):\n    raise RuntimeError('panne')\n")
    port = free_port()
    log = tmp_path / "web.log"
    command = [sys.executable, "-m", "gunicorn", "broken:application", "--pythonpath", str(tmp_path)]
    command += ["--config", "deploy/gunicorn.conf.py", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    server = Child("gunicorn", command, log=log, env=os.environ | {"WEB_ACCESS_LOG": "-"}, cwd=CHECKOUT)
    server.start()
    try:
        server.wait_until(lambda: "Booting worker" in log.read_text())
        address = f"http://127.0.0.1:{port}/avis/{SECRET}/"
        request = urllib.request.Request(address, headers={"Referer": address})
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)
        answer.value.close()
    finally:
        server.stop()
    written = log.read_text()
    assert "Error handling request GET /avis/***/" in written
    assert '"GET /avis/***/ HTTP/1.1" 500' in written
    assert SECRET not in written


def test_it_needs_no_django():
    """The web server reads it before there is a portal."""
    source = "import importlib.util as u, sys; s = u.spec_from_file_location('logs', 'portal/logs.py'); "
    source += "s.loader.exec_module(u.module_from_spec(s)); sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", source], cwd=CHECKOUT, check=True)
