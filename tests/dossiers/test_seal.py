"""The seal: valid, of the portal's own certificate, time-stamped where a service is named, and broken by any change."""

from __future__ import annotations

import http.server
import io
import stat
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from asn1crypto import x509
from django.core.exceptions import ImproperlyConfigured
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from dossiers.checks import seal_has_a_certificate
from dossiers.pdf import seal as sealing
from dossiers.pdf.render import render_receipt
from tests.dossiers.sample_content import receipt


@pytest.fixture(autouse=True)
def _own_certificate(settings, tmp_path):
    settings.SEAL_FOLDER = tmp_path / "seal"
    sealing._signer.cache_clear()
    yield
    sealing._signer.cache_clear()


@pytest.fixture(scope="module")
def unsealed() -> bytes:
    return render_receipt(receipt())


def sealed(pdf: bytes) -> bytes:
    file = io.BytesIO(pdf)
    sealing.seal(file)
    return file.getvalue()


def status_of(pdf: bytes):
    reader = PdfFileReader(io.BytesIO(pdf))
    [signature] = reader.embedded_signatures
    trusted = ValidationContext(trust_roots=[signature.signer_cert], allow_fetching=False)
    with ThreadPoolExecutor(1) as apart:  # after a browser's tests, this thread has an event loop already
        return signature, apart.submit(validate_pdf_signature, signature, trusted).result()


def common_name(certificate: x509.Certificate) -> str:
    return certificate.subject.native["common_name"]


def test_the_seal_is_valid_and_covers_the_whole_file(unsealed):
    pdf = sealed(unsealed)
    assert pdf.startswith(unsealed)  # sealing only adds: what was rendered is in it, byte for byte
    signature, status = status_of(pdf)
    assert status.intact
    assert status.valid
    assert status.modification_level == ModificationLevel.NONE
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert status.pkcs7_signature_mechanism == "sha256_ecdsa"
    assert signature.docmdp_level.name == "NO_CHANGES"


def test_the_demonstrations_certificate_says_what_it_is_worth_and_is_made_once(unsealed, settings):
    first, _ = status_of(sealed(unsealed))
    sealing._signer.cache_clear()
    second, _ = status_of(sealed(unsealed))
    assert common_name(first.signer_cert) == "Cachet de démonstration (auto-signé, sans valeur)"
    assert first.signer_cert.dump() == second.signer_cert.dump()
    assert stat.S_IMODE((settings.SEAL_FOLDER / "self-signed.pem").stat().st_mode) == 0o600


def test_a_changed_file_breaks_the_seal(unsealed):
    pdf = bytearray(sealed(unsealed))
    for position in range(100, len(unsealed), len(unsealed) // 7):
        changed = bytearray(pdf)
        changed[position] ^= 1
        try:
            _, status = status_of(bytes(changed))
        except Exception:  # the change made the PDF unreadable: seen as well
            continue
        assert not status.intact, position


@pytest.mark.parametrize("form", ["paths", "contents"])
def test_certificate_and_key_come_from_the_settings(unsealed, settings, tmp_path, form):
    """An authority and a certificate that it issued, made by another program."""
    chain, key = issued_by_an_authority(tmp_path)
    if form == "paths":
        settings.SEAL_CERTIFICATE, settings.SEAL_KEY = str(chain), str(key)
    else:  # as an environment file holds them: on one line
        settings.SEAL_CERTIFICATE, settings.SEAL_KEY = (path.read_text().replace("\n", "\\n") for path in (chain, key))
    signature, status = status_of(sealed(unsealed))
    assert status.intact
    assert common_name(signature.signer_cert) == "Cachet du portail"
    assert {common_name(certificate) for certificate in signature.other_embedded_certs} == {"Autorité d’essai"}


def issued_by_an_authority(folder: Path) -> tuple[Path, Path]:
    authority, own, key = folder / "authority.pem", folder / "own.pem", folder / "key.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8", "-days", "30"]
    openssl("req", "-x509", *curve, "-keyout", folder / "ca.key", "-out", authority, "-subj", "/CN=Autorité d’essai")
    issued = ["-CA", authority, "-CAkey", folder / "ca.key", "-addext", "keyUsage=critical,digitalSignature"]
    openssl("req", "-x509", *curve, *issued, "-keyout", key, "-out", own, "-subj", "/CN=Cachet du portail")
    chain = folder / "chain.pem"
    chain.write_text(own.read_text() + authority.read_text())
    return chain, key


def openssl(*arguments) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def test_production_does_without_no_certificate(unsealed, settings):
    settings.SEAL_SELF_SIGNED = False
    assert [error.id for error in seal_has_a_certificate(None)] == ["dossiers.E001"]
    with pytest.raises(ImproperlyConfigured, match="SEAL_CERTIFICATE"):
        sealed(unsealed)


TSA_SETTINGS = """
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@pytest.fixture
def timestamp_service(tmp_path):
    """A real RFC 3161 service: OpenSSL's, behind HTTP."""
    key, certificate, configuration = tmp_path / "tsa.key", tmp_path / "tsa.pem", tmp_path / "tsa.cnf"
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-utf8", "-days", "30", "-subj", "/CN=Horodatage"),
        *("-addext", "extendedKeyUsage=critical,timeStamping", "-keyout", key, "-out", certificate),
    )
    configuration.write_text(TSA_SETTINGS.format(folder=tmp_path))
    (tmp_path / "serial").write_text("01")

    class Service(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            query, reply = tmp_path / "query", tmp_path / "reply"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            signed = ["-signer", certificate, "-inkey", key, "-chain", certificate]
            openssl("ts", "-reply", "-config", configuration, "-queryfile", query, *signed, "-out", reply)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(reply.read_bytes())

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_the_time_is_certified_where_a_service_is_named(unsealed, settings, timestamp_service):
    settings.SEAL_TIMESTAMP_URL = timestamp_service
    _, status = status_of(sealed(unsealed))
    assert status.intact
    assert status.timestamp_validity.intact
    assert common_name(status.timestamp_validity.signing_cert) == "Horodatage"
