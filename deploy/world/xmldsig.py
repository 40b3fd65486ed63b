"""Enveloped XML signatures, rsa-sha1, inclusive C14N 1.0, without a signature library.

Verifying: one canonical form of the whole document is made; the signature is cut out of those bytes (that is the
enveloped transform) and SignedInfo is cut out and given the namespaces it inherits. Signing: what we build is already
canonical text, so no parser takes part. Source: our reference page on customs, section 1.5.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509 import Certificate
from lxml import etree

from deploy.world import rsa

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
MAX_BYTES: Final = 1_000_000


class XmlRefused(Exception):
    """Not well-formed, too big, or carrying what no declaration carries (a DOCTYPE)."""


def parse(body: bytes) -> etree._Element:
    if len(body) > MAX_BYTES or b"<!DOCTYPE" in body:
        raise XmlRefused("too big, or a DOCTYPE")
    try:
        root: etree._Element = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise XmlRefused(str(error)) from error
    return root


def signature_of(root: etree._Element) -> etree._Element | None:
    """The one signature, a child of the root; anywhere else it would sign something that nobody reads."""
    found = root.findall(f".//{{{DS}}}Signature")
    if len(found) > 1:
        raise XmlRefused("more than one signature")
    if found and found[0].getparent() is not root:
        raise XmlRefused("the signature is not a child of the root")
    return found[0] if found else None


def verifies(root: etree._Element, key: RSAPublicKey) -> bool:
    """True when the root carries one valid signature over all of itself, made with `key` (never with KeyInfo's)."""
    signature = signature_of(root)
    if signature is None or not _plain(signature):
        return False
    canonical = etree.tostring(root, method="c14n")
    prefix = f"{signature.prefix}:".encode() if signature.prefix else b""
    start = canonical.index(b"<" + prefix + b"Signature")
    close = b"</" + prefix + b"Signature>"
    end = canonical.index(close, start) + len(close)
    digest = base64.b64encode(hashlib.sha1(canonical[:start] + canonical[end:]).digest())  # noqa: S324
    if not hmac.compare_digest(digest, _text(signature, "SignedInfo/Reference/DigestValue").encode()):
        return False
    signed = _signed_info(canonical[start:end], signature)
    return rsa.verifies(key, _text(signature, "SignatureValue"), signed, hashes.SHA1())  # noqa: S303


def signed(root_start: str, content: str, root_name: str, key: RSAPrivateKey, certificate: Certificate) -> bytes:
    """`root_start + content + signature + end`, which must be canonical text already.

    root_start: the start tag as C14N writes it, with exactly one namespace, the default one.
    """
    end = f"</{root_name}>"
    namespace = root_start.split('xmlns="', 1)[1].split('"', 1)[0]
    digest = base64.b64encode(hashlib.sha1((root_start + content + end).encode()).digest()).decode()  # noqa: S324
    info = _SIGNED_INFO.format(digest=digest)
    inherited = f'<ds:SignedInfo xmlns="{namespace}" xmlns:ds="{DS}">'
    value = rsa.sign_sha1(key, info.replace("<ds:SignedInfo>", inherited, 1).encode())
    der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    return (
        root_start
        + content
        + _SIGNATURE.format(info=info, value=value, serial=f"{certificate.serial_number:x}", der=der)
        + end
    ).encode()


def _plain(signature: etree._Element) -> bool:
    """Exactly the algorithms of the window: one reference to the whole document, one enveloped transform."""
    algorithms = [
        (_attribute(signature, "SignedInfo/CanonicalizationMethod"), C14N),
        (_attribute(signature, "SignedInfo/SignatureMethod"), f"{DS}rsa-sha1"),
        (_attribute(signature, "SignedInfo/Reference/DigestMethod"), f"{DS}sha1"),
        (_attribute(signature, "SignedInfo/Reference/Transforms/Transform"), f"{DS}enveloped-signature"),
    ]
    references = signature.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
    transforms = signature.findall(f".//{{{DS}}}Transform")
    return (
        all(found == wanted for found, wanted in algorithms)
        and len(references) == len(transforms) == 1
        and references[0].get("URI") == ""
    )


def _signed_info(block: bytes, signature: etree._Element) -> bytes:
    """SignedInfo as its own apex: every namespace in scope is written on its start tag."""
    found = re.search(rb"<((?:[\w.-]+:)?SignedInfo)([^>]*)>.*</\1>", block, re.DOTALL)
    if found is None:
        raise XmlRefused("SignedInfo missing")
    info = signature.find(f"{{{DS}}}SignedInfo")
    scope: Mapping[str | None, str] = info.nsmap if info is not None else {}
    declared = sorted((prefix or "", uri) for prefix, uri in scope.items())
    names = "".join(f' xmlns:{prefix}="{uri}"' if prefix else f' xmlns="{uri}"' for prefix, uri in declared)
    attributes = re.sub(rb' xmlns(:[\w.-]+)?="[^"]*"', b"", found[2])
    rest = found[0][found[0].index(b">") + 1 :]
    return b"<" + found[1] + names.encode() + attributes + b">" + rest


def _path(path: str) -> str:
    return "/".join(f"{{{DS}}}{name}" for name in path.split("/"))


def _text(signature: etree._Element, path: str) -> str:
    return "".join((signature.findtext(_path(path)) or "").split())


def _attribute(signature: etree._Element, path: str) -> str | None:
    found = signature.find(_path(path))
    return None if found is None else found.get("Algorithm")


_SIGNED_INFO: Final = (
    "<ds:SignedInfo>"
    f'<ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
    f'<ds:SignatureMethod Algorithm="{DS}rsa-sha1"></ds:SignatureMethod>'
    '<ds:Reference URI=""><ds:Transforms>'
    f'<ds:Transform Algorithm="{DS}enveloped-signature"></ds:Transform>'
    f'</ds:Transforms><ds:DigestMethod Algorithm="{DS}sha1"></ds:DigestMethod>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)
_SIGNATURE: Final = (
    f'<ds:Signature xmlns:ds="{DS}">{{info}}<ds:SignatureValue>{{value}}</ds:SignatureValue><ds:KeyInfo>'
    "<ds:KeyName>{serial}</ds:KeyName><ds:X509Data><ds:X509Certificate>{der}</ds:X509Certificate></ds:X509Data>"
    "</ds:KeyInfo></ds:Signature>"
)
