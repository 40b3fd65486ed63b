"""Keys and certificates of an Alipay account: what we sign with, and whose signatures we believe. Pure.

Source: Alipay Open Platform documentation of signing, verification and public key certificates, as of mid 2026.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from shared.errors import BadInput, SignatureRefused

_RSA_SIGNATURES: Final = "1.2.840.113549.1.1"
_MAX_CHAIN: Final = 4


class UnknownCertificate(SignatureRefused):
    """Signed with a certificate that is not loaded: fetch it once, check its chain and look again."""

    code: ClassVar[str] = "signature.unknown_key"

    def __init__(self, sn: str) -> None:
        super().__init__(f"certificate {sn[:32]}")
        self.sn = sn


@dataclass(frozen=True, slots=True)
class Account:
    """Our application. The serial digests are set exactly in the certificate mode; both are signed with the rest.

    `seller_id` (2088…) and `seller_email` are the payee that notifications must name.
    """

    app_id: str
    seller_id: str
    key: RSAPrivateKey = field(repr=False)
    app_cert_sn: str = ""
    root_cert_sn: str = ""
    seller_email: str = ""
    app_auth_token: str = field(default="", repr=False)

    def sign(self, text: bytes) -> str:
        """RSA2: SHA256withRSA (PKCS#1 v1.5), Base64 without line breaks. Same text, same signature."""
        return base64.b64encode(self.key.sign(text, padding.PKCS1v15(), SHA256())).decode("ascii")


@dataclass(frozen=True, slots=True)
class Trust:
    """Alipay's public keys by the digest of their certificate ("" in the public key mode); who vouches for more.

    `authorities` are certificates of our own folder: roots, and what stands between them and Alipay's certificate.
    """

    keys: Mapping[str, RSAPublicKey] = field(repr=False)
    roots: tuple[x509.Certificate, ...] = field(default=(), repr=False)
    authorities: tuple[x509.Certificate, ...] = field(default=(), repr=False)

    @classmethod
    def of_key(cls, key: RSAPublicKey) -> Self:
        return cls({"": key})

    @classmethod
    def of_certificates(cls, own: bytes, roots: bytes, between: bytes = b"") -> Self:
        """PEM texts; `own` is Alipay's certificate, with its issuers after it or in `between`."""
        [leaf, *more] = certificates(own)
        middle = (*more, *(certificates(between) if between else ()))
        return cls({certificate_sn(leaf): public_key(leaf)}, certificates(roots), middle)

    def verify(self, text: bytes, signature: str, sn: str = "") -> None:
        """By the named certificate's key, else by any: the key usually stays when the certificate is renewed.

        Raises SignatureRefused, UnknownCertificate where a certificate that we do not have could explain it.
        """
        known = [self.keys[sn]] if sn in self.keys else list(self.keys.values())
        if any(verifies(key, text, signature) for key in known):
            return
        raise UnknownCertificate(sn) if sn and sn not in self.keys and self.roots else SignatureRefused("signature")

    def including(self, pem: bytes, now: datetime) -> Self:
        """With a certificate that a root of ours vouches for, now. Raises SignatureRefused."""
        chain = certificates(pem)
        self._vouched(chain, now)
        return replace(self, keys={**self.keys, certificate_sn(chain[0]): public_key(chain[0])})

    def _vouched(self, chain: Sequence[x509.Certificate], now: datetime) -> None:
        """From the first certificate up to a root. Who came with the chain must be an authority by its own words."""
        issuers = (*self.roots, *self.authorities, *(each for each in chain[1:] if _is_authority(each)))
        current = chain[0]
        for _ in range(_MAX_CHAIN):
            if not current.not_valid_before_utc <= now <= current.not_valid_after_utc:
                raise SignatureRefused("a certificate of the chain is out of its time")
            issuer = next((each for each in issuers if _issued(current, each)), None)
            if issuer is None:
                break
            if issuer in self.roots:
                return
            current = issuer
        raise SignatureRefused("no root of ours vouches for the certificate")


def verifies(key: RSAPublicKey, text: bytes, signature: str) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), text, padding.PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """At least one."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise BadInput("not a certificate", where="certificate") from error


def public_key(certificate: x509.Certificate) -> RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise BadInput("the certificate's key is not RSA", where="certificate")
    return key


def certificate_sn(certificate: x509.Certificate) -> str:
    """Alipay's digest of a certificate: MD5 over the issuer's name (CN first) and the serial number in decimal."""
    text = certificate.issuer.rfc4514_string() + str(certificate.serial_number)
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest()


def root_sn(roots: Iterable[x509.Certificate]) -> str:
    """The digests of the bundle's roots with an RSA signature, joined by `_`; SM2 and ECDSA ones are skipped."""
    rsa = (each for each in roots if each.signature_algorithm_oid.dotted_string.startswith(_RSA_SIGNATURES))
    return "_".join(map(certificate_sn, rsa))


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
