"""The portal's electronic seal on what it prints: whoever holds a document can tell where it comes from.

PAdES, invisible, added to the bytes that were rendered: the file stays PDF/A-3a and PDF/UA-1.
"""

from __future__ import annotations

import fcntl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import BinaryIO

from asn1crypto import keys, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    CertificateBuilder,
    KeyUsage,
    Name,
    NameAttribute,
    load_pem_x509_certificates,
    random_serial_number,
)
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.timestamps import HTTPTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

FIELD = "Cachet"
SELF_SIGNED_NAME = "Cachet de démonstration (auto-signé, sans valeur)"
SELF_SIGNED_YEARS = 10
READ_AT_ONCE = 1024**2  # bytes: a volume weighs fifty million
SIGNATURE_ROOM = 8192  # bytes, beside the certificates: twice what a signature with its attributes has ever taken


def seal(file: BinaryIO) -> None:
    """Seal the PDF in place. Any later change to it then shows in every reader of PDFs."""
    metadata = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        name=settings.SITE_NAME,
        reason="Document établi par le portail",
    )
    field = SigFieldSpec(FIELD, readable_field_name="Cachet électronique du portail")
    url = settings.SEAL_TIMESTAMP_URL
    signer = PdfSigner(metadata, _signer(), timestamper=HTTPTimeStamper(url) if url else None, new_field_spec=field)
    file.seek(0)
    writer = IncrementalPdfFileWriter(file)
    with ThreadPoolExecutor(1) as apart:  # pyHanko starts an event loop, and the caller's thread may have one
        options = {"in_place": True, "chunk_size": READ_AT_ONCE, "bytes_reserved": None if url else _room()}
        apart.submit(signer.sign_pdf, writer, **options).result()


def _room() -> int:
    """Hexadecimal digits kept for the seal; otherwise pyHanko seals twice, to measure, as it must for a time stamp."""
    signer = _signer()
    certificates = [signer.signing_cert, *signer.cert_registry]
    return 2 * (SIGNATURE_ROOM + sum(len(certificate.dump()) for certificate in certificates))


@cache
def _signer() -> SimpleSigner:
    """The first certificate is the seal's own; those after it lead to its authority."""
    certificate_pem, key_pem = _pem(settings.SEAL_CERTIFICATE), _pem(settings.SEAL_KEY)
    if not (certificate_pem and key_pem):
        certificate_pem, key_pem = _self_signed()
    own, *chain = (_for_pyhanko(certificate) for certificate in load_pem_x509_certificates(certificate_pem))
    store = SimpleCertificateStore()
    store.register_multiple(chain)
    key = load_pem_private_key(key_pem, password=None)
    bare = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return SimpleSigner(own, keys.PrivateKeyInfo.load(bare), store)


def _for_pyhanko(certificate: Certificate) -> x509.Certificate:
    return x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _pem(setting: str) -> bytes:
    """A setting is the PEM itself (line ends may be written \\n) or the path of its file."""
    if not setting or "-----BEGIN" in setting:
        return setting.replace("\\n", "\n").encode()
    return Path(setting).read_bytes()


def _self_signed() -> tuple[bytes, bytes]:
    """The demonstration's certificate and key, made once, by whichever process comes first."""
    if not settings.SEAL_SELF_SIGNED:
        raise ImproperlyConfigured("SEAL_CERTIFICATE and SEAL_KEY are needed to seal documents.")
    folder = Path(settings.SEAL_FOLDER)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pair = folder / "self-signed.pem"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not pair.exists():
            new = pair.with_suffix(".new")
            new.write_bytes(_new_pair())
            new.chmod(0o600)
            new.replace(pair)
    both = pair.read_bytes()
    split = both.index(b"-----BEGIN CERTIFICATE")
    return both[split:], both[:split]


def _new_pair() -> bytes:
    """An EC P-256 key, then its certificate, which says what it is worth."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = Name(
        [
            NameAttribute(NameOID.ORGANIZATION_NAME, settings.SITE_NAME),
            NameAttribute(NameOID.COMMON_NAME, SELF_SIGNED_NAME),
        ]
    )
    now = datetime.now(UTC)
    usage = dict.fromkeys(KEY_USES, False) | {"digital_signature": True, "content_commitment": True}
    certificate = (
        CertificateBuilder(name, name, key.public_key(), random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * SELF_SIGNED_YEARS))
        .add_extension(BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(KeyUsage(**usage), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


KEY_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
