"""RSA PKCS#1 v1.5, in base64. Keys come in as loaded objects: parsing a PEM costs a hundred signatures."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey


def sign_sha256(key: RSAPrivateKey, data: bytes) -> str:
    return base64.b64encode(key.sign(data, padding.PKCS1v15(), hashes.SHA256())).decode()


def sign_sha1(key: RSAPrivateKey, data: bytes) -> str:
    """XML-DSig of the customs window: its general algorithm is rsa-sha1, whatever one thinks of SHA-1."""
    return base64.b64encode(key.sign(data, padding.PKCS1v15(), hashes.SHA1())).decode()  # noqa: S303


def verifies(key: RSAPublicKey, signature: str, data: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        raw = base64.b64decode("".join(signature.split()), validate=True)
        key.verify(raw, data, padding.PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def load_private(path: Path) -> RSAPrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{path} holds no RSA key")
    return key


def load_certificate(path: Path) -> x509.Certificate:
    return load_certificate_bytes(path.read_bytes())


def load_certificate_bytes(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def public_of(certificate: x509.Certificate) -> RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise TypeError("the certificate holds no RSA key")
    return key


def serial_of(certificate: x509.Certificate) -> str:
    """40 upper-case hex digits, as WeChat writes the serial of a certificate."""
    return f"{certificate.serial_number:040X}"
