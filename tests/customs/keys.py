"""Keys made at run time: an enterprise that declares and a stranger with the same name."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from services.customs.providers.ceb.signature import RsaSha1Signer, RsaSha1Verifier

FIRST_DAY, LAST_DAY = datetime(2025, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Enterprise:
    key: bytes
    certificate: bytes

    @functools.cached_property
    def signer(self) -> RsaSha1Signer:
        return RsaSha1Signer.load(self.key, self.certificate)

    @functools.cached_property
    def verifier(self) -> RsaSha1Verifier:
        return RsaSha1Verifier.pinned(self.certificate)


@functools.cache
def enterprise(number: int = 1) -> Enterprise:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "declarant, for tests")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0xABCDEF + number)
        .not_valid_before(FIRST_DAY)
        .not_valid_after(LAST_DAY)
        .sign(key, hashes.SHA256())
    )
    pkcs8 = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return Enterprise(
        key.private_bytes(serialization.Encoding.PEM, *pkcs8), certificate.public_bytes(serialization.Encoding.PEM)
    )
