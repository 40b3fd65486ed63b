"""W3C XML-DSig as the unified-version system asks for it: enveloped, inclusive C14N 1.0, one reference to the whole.

Source: GACC enterprise message specification, edition 202205 (May 2022). RSA-SHA1 is the "general" pair of algorithms
it allows; the national pair (SM2 with SM3) fits behind `Signer` and `Verifier`. SM2 signatures differ each time: sign
once, store the bytes, send those.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from services.customs.providers.ceb.parser import MAX_BYTES, parse
from shared.errors import BadInput, SignatureRefused

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED: Final = DS + "enveloped-signature"
RSA_SHA1: Final = DS + "rsa-sha1"
SHA1: Final = DS + "sha1"
# The national pair, and the spelling that was seen accepted in the field (2023); the digest may be either.
SM2_SM3: Final = ("http://www.chinaport.gov.cn/2022/04/xmldsig#sm2-sm3", DS + "sm2-sm3")
SM3: Final = "http://www.chinaport.gov.cn/2022/04/xmldsig#sm3"

_Q: Final = "{" + DS + "}"


class Signer(Protocol):
    """A declaring enterprise's key. URIs are what stands in the signature; `certificate` is DER in base64."""

    @property
    def method(self) -> str: ...
    @property
    def digest_method(self) -> str: ...
    @property
    def key_name(self) -> str: ...
    @property
    def certificate(self) -> str: ...
    def digest(self, data: bytes) -> bytes: ...
    def sign(self, data: bytes) -> bytes: ...


class Verifier(Protocol):
    """A pinned certificate and the algorithms that we accept under it."""

    @property
    def methods(self) -> frozenset[str]: ...
    @property
    def digests(self) -> frozenset[str]: ...
    def valid_at(self, now: datetime) -> bool: ...
    def digest(self, data: bytes, method: str) -> bytes: ...
    def verifies(self, signature: bytes, data: bytes) -> bool: ...


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()  # the authority's choice, used nowhere else


@dataclass(frozen=True, slots=True)
class RsaSha1Signer:
    """Holds the loaded key: loading costs a hundred signatures, so nobody does it per document."""

    key: rsa.RSAPrivateKey
    key_name: str
    certificate: str
    method: str = RSA_SHA1
    digest_method: str = SHA1

    @classmethod
    def load(cls, key_pem: bytes, certificate_pem: bytes) -> RsaSha1Signer:
        """`key_name` becomes the certificate's serial number in hexadecimal, as the samples have it."""
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        key = serialization.load_pem_private_key(key_pem, None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise BadInput("the signing key is not RSA", where="key")
        if key.public_key() != certificate.public_key():
            raise BadInput("the signing key does not belong to the certificate", where="certificate")
        der = certificate.public_bytes(serialization.Encoding.DER)
        return cls(key, f"{certificate.serial_number:016x}", base64.b64encode(der).decode())

    def digest(self, data: bytes) -> bytes:
        return _sha1(data)

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - RSA-SHA1 is what customs verifies


@dataclass(frozen=True, slots=True)
class RsaSha1Verifier:
    """Never the certificate inside the message: that one proves nothing."""

    key: rsa.RSAPublicKey
    not_before: datetime
    not_after: datetime
    methods: frozenset[str] = frozenset({RSA_SHA1})
    digests: frozenset[str] = frozenset({SHA1})

    @classmethod
    def pinned(cls, certificate_pem: bytes) -> RsaSha1Verifier:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise BadInput("the pinned certificate is not RSA", where="certificate")
        return cls(key, certificate.not_valid_before_utc, certificate.not_valid_after_utc)

    def valid_at(self, now: datetime) -> bool:
        return self.not_before <= now <= self.not_after

    def digest(self, data: bytes, method: str) -> bytes:  # noqa: ARG002 - one algorithm only, already checked
        return _sha1(data)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        try:
            self.key.verify(signature, data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - see RsaSha1Signer
        except InvalidSignature:
            return False
        return True


def canonical(element: etree._Element) -> bytes:
    """Inclusive C14N 1.0 without comments, with the namespaces that are in scope where the element stands."""
    return etree.tostring(element, method="c14n", exclusive=False, with_comments=False)


def _in_scope(root: etree._Element) -> str:
    """Namespace declarations of a direct child, sorted as C14N sorts them: the default first, then by prefix."""
    scope = {prefix or "": uri for prefix, uri in root.nsmap.items()} | {"ds": DS}
    return "".join(f' xmlns{":" + prefix if prefix else ""}="{uri}"' for prefix, uri in sorted(scope.items()))


def _signed_info(signer: Signer, digest: str, namespaces: str) -> str:
    """In canonical form already: start and end tags, double quotes, no white space."""
    return (
        f"<ds:SignedInfo{namespaces}>"
        f'<ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{signer.method}"></ds:SignatureMethod>'
        '<ds:Reference URI=""><ds:Transforms>'
        f'<ds:Transform Algorithm="{ENVELOPED}"></ds:Transform></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{signer.digest_method}"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )


def attach(root: etree._Element, signer: Signer) -> None:
    """Sign the tree as it is and append `ds:Signature` as the root's last child. Nothing may be changed afterwards."""
    digest = base64.b64encode(signer.digest(canonical(root))).decode()
    value = base64.b64encode(signer.sign(_signed_info(signer, digest, _in_scope(root)).encode())).decode()
    signature = (
        f'<ds:Signature xmlns:ds="{DS}">{_signed_info(signer, digest, "")}'
        f"<ds:SignatureValue>{value}</ds:SignatureValue>"
        f"<ds:KeyInfo><ds:KeyName>{signer.key_name}</ds:KeyName><ds:X509Data><ds:X509Certificate>{signer.certificate}"
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    )
    root.append(etree.fromstring(signature))


def _only(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(_Q + name)
    if len(found) != 1:
        raise SignatureRefused(f"{len(found)} {name} elements")
    return found[0]


def _uri(parent: etree._Element, name: str) -> str:
    element = _only(parent, name)
    if len(element):
        raise SignatureRefused(f"{name} has parameters")
    return element.get("Algorithm", "")


def _binary(element: etree._Element) -> bytes:
    """Base64 in its one spelling (line breaks apart), so that a flipped padding bit is no second signature."""
    text = "".join((element.text or "").split())
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureRefused("not base64") from error
    if base64.b64encode(raw).decode() != text or len(element):
        raise SignatureRefused("not canonical base64")
    return raw


def _placed(root: etree._Element) -> etree._Element:
    """The one signature of the document, at the one place where it may stand."""
    everywhere = list(root.iter(_Q + "Signature"))
    if len(everywhere) != 1:
        raise SignatureRefused(f"{len(everywhere)} signatures")
    signature = everywhere[0]
    if signature.getparent() is not root or signature.getnext() is not None:
        raise SignatureRefused("signature not the last child of the root")
    return signature


def _reference(info: etree._Element) -> tuple[str, bytes]:
    """Digest method and value of the only reference, which must mean the whole document."""
    reference = _only(info, "Reference")
    transforms = _only(reference, "Transforms")
    if reference.get("URI") != "" or len(transforms) != 1 or _uri(transforms, "Transform") != ENVELOPED:
        raise SignatureRefused("the reference does not mean the whole document")
    return _uri(reference, "DigestMethod"), _binary(_only(reference, "DigestValue"))


def _accepted(info: etree._Element, signature: bytes, verifiers: Sequence[Verifier], now: datetime) -> Verifier:
    """The pinned certificate under which the value verifies; all are tried, whatever the message says of its key."""
    if _uri(info, "CanonicalizationMethod") != C14N:
        raise SignatureRefused("canonicalisation method")
    method = _uri(info, "SignatureMethod")
    usable = [one for one in verifiers if method in one.methods and one.valid_at(now)]
    if not usable:
        raise SignatureRefused("no certificate for this algorithm and time")
    data = canonical(info)
    accepted = [one for one in usable if one.verifies(signature, data)]
    if not accepted:
        raise SignatureRefused("signature value")
    return accepted[0]


def is_signed(root: etree._Element) -> bool:
    return root.find(_Q + "Signature") is not None


def verified_tree(root: etree._Element, verifiers: Sequence[Verifier], now: datetime) -> etree._Element:
    """The signed content: the same root without its signature. Read nothing but what this returns."""
    signature = _placed(root)
    info = _only(signature, "SignedInfo")
    verifier = _accepted(info, _binary(_only(signature, "SignatureValue")), verifiers, now)
    method, digest = _reference(info)
    if method not in verifier.digests:
        raise SignatureRefused("digest method")
    _remove(signature)
    if verifier.digest(canonical(root), method) != digest:
        raise SignatureRefused("digest")
    return root


def _remove(signature: etree._Element) -> None:
    """Take the signature out but leave the white space after it: the enveloped transform does exactly that."""
    parent, tail, before = signature.getparent(), signature.tail, signature.getprevious()
    if parent is None:
        raise SignatureRefused("signature is the root")
    parent.remove(signature)
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail


def verify(data: bytes, verifiers: Sequence[Verifier], now: datetime, *, limit: int = MAX_BYTES) -> etree._Element:
    """Parse and verify; one error for whatever is wrong with the signature."""
    return verified_tree(parse(data, limit=limit), verifiers, now)
