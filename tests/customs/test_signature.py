"""Signing and verifying: with an independent library both ways, and against everything that must not pass."""

from __future__ import annotations

import base64
import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from services.customs.providers.ceb import wire
from services.customs.providers.ceb.parser import parse
from services.customs.providers.ceb.signature import RsaSha1Signer, attach, canonical, is_signed, verify
from shared.errors import BadInput, Failure, SignatureRefused
from tests.customs import cases, papers
from tests.customs.keys import enterprise

NOW = papers.AT
SIGNED = wire.build(papers.inventory(), papers.TRANSFER, enterprise().signer)
DS = "{http://www.w3.org/2000/09/xmldsig#}"
CEB = "{http://www.chinaport.gov.cn/ceb}"
VECTORS = [path for path in sorted(cases.ROOT.glob("good/**/*.xml")) if b"ds:Signature" in path.read_bytes()]


class OldAlgorithms(XMLSigner):
    """The library signs with SHA-1 only when told that it is wanted."""

    def check_deprecated_methods(self) -> None:
        return


def opened(data: bytes, at: datetime = NOW) -> etree._Element:
    return verify(data, [enterprise().verifier], at)


def refused(data: bytes) -> str:
    with pytest.raises(SignatureRefused) as error:
        opened(data)
    return error.value.reason


def test_what_we_sign_an_independent_library_verifies() -> None:
    config = SignatureConfiguration(
        signature_methods=frozenset({SignatureMethod.RSA_SHA1}), digest_algorithms=frozenset({DigestAlgorithm.SHA1})
    )
    certificate = x509.load_pem_x509_certificate(enterprise().certificate)
    result = XMLVerifier().verify(SIGNED, x509_cert=certificate, expect_config=config)

    assert not isinstance(result, list)
    assert result.signed_xml is not None
    assert canonical(result.signed_xml) == canonical(opened(SIGNED))


@pytest.mark.parametrize("kind", ["message", "envelope"])
def test_what_an_independent_library_signs_we_verify(kind: str) -> None:
    namespace = {"ceb": CEB[1:-1]} if kind == "message" else {None: "http://www.chinaport.gov.cn/dxp"}
    uri = next(iter(namespace.values()))
    root = etree.Element(f"{{{uri}}}Root", nsmap=namespace, ver="1.0")
    root.text = "\n  "
    etree.SubElement(root, f"{{{uri}}}Data").text = "数据 & < >"
    signer = OldAlgorithms(
        signature_algorithm=SignatureMethod.RSA_SHA1,
        digest_algorithm=DigestAlgorithm.SHA1,
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    signed = signer.sign(
        root, key=enterprise().key, cert=enterprise().certificate.decode(), exclude_c14n_transform_element=True
    )

    assert opened(etree.tostring(signed))[0].text == "数据 & < >"


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_vectors_signatures_verify_against_their_pinned_certificate_only(path: Path) -> None:
    assert len(verify(path.read_bytes(), [cases.pinned()], cases.NOW))
    with pytest.raises(SignatureRefused):
        opened(path.read_bytes())


def test_two_certificates_may_be_pinned_at_once() -> None:
    other = enterprise(2)

    assert len(verify(SIGNED, [other.verifier, enterprise().verifier], NOW))
    with pytest.raises(SignatureRefused):
        verify(SIGNED, [other.verifier], NOW)


@pytest.mark.parametrize("at", [datetime(2024, 12, 31, tzinfo=UTC), datetime(2030, 1, 2, tzinfo=UTC)])
def test_a_certificate_counts_only_within_its_time(at: datetime) -> None:
    with pytest.raises(SignatureRefused):
        opened(SIGNED, at)


def test_the_signature_is_the_roots_last_child_and_comes_off_in_reading() -> None:
    root = parse(SIGNED)

    assert root[-1].tag == f"{DS}Signature"
    assert [element.text for element in root[-1].iter(f"{DS}KeyName")] == ["0000000000abcdf0"]
    assert not is_signed(opened(SIGNED))


def test_empty_elements_and_attribute_quotes_may_be_written_either_way_but_blanks_may_not() -> None:
    assert len(opened(SIGNED.replace(b'version="1.0">', b"version='1.0' >", 1)))
    assert refused(SIGNED.replace(b"<ceb:BaseTransfer>", b" <ceb:BaseTransfer>")) == "digest"


def test_a_comment_inside_a_value_does_not_cut_it() -> None:
    commented = SIGNED.replace(b"9999A60001</ceb:ebpCode>", b"9999<!-- -->A60001</ceb:ebpCode>")
    read = wire.read(opened(commented)).documents[0]

    assert read == papers.inventory()


def test_a_key_of_somebody_else_is_refused_whatever_certificate_it_brings() -> None:
    stranger = wire.build(papers.inventory(), papers.TRANSFER, enterprise(3).signer)

    assert refused(stranger) == "signature value"


def test_a_key_that_does_not_belong_to_its_certificate_is_not_loaded() -> None:
    with pytest.raises(BadInput):
        RsaSha1Signer.load(enterprise().key, enterprise(2).certificate)


def test_an_unsigned_document_is_refused() -> None:
    assert refused(wire.build(papers.order(), papers.TRANSFER)) == "0 signatures"


# --- wrapping: a true signature, moved or doubled, over something else than what is read


def forged() -> etree._Element:
    root = parse(SIGNED)
    for name in root.iter(f"{CEB}buyerName"):
        name.text = "伪造"
    return root


def signature_of(root: etree._Element) -> etree._Element:
    return root[-1]


def test_a_true_document_hidden_inside_a_forged_one_is_refused() -> None:
    outer, inner = forged(), parse(SIGNED)
    outer.remove(signature_of(outer))
    etree.SubElement(outer, f"{CEB}ExtendMessage").append(inner)

    assert refused(etree.tostring(outer)) == "signature not the last child of the root"


def test_a_true_document_kept_in_an_object_of_its_signature_is_refused() -> None:
    outer, inner = forged(), parse(SIGNED)
    inner.remove(signature_of(inner))
    etree.SubElement(signature_of(outer), f"{DS}Object").append(inner)

    assert refused(etree.tostring(outer)) == "digest"


def test_a_reference_to_a_part_is_refused_even_if_the_part_is_true() -> None:
    for new in (b'URI="#part"', b'URI="#xpointer(/)"', b'Id="x"'):
        assert refused(SIGNED.replace(b'URI=""', new)) in {
            "signature value", "the reference does not mean the whole document",
        }  # fmt: skip


def resigned(edit: tuple[str, str]) -> bytes:
    """A signature by the right key over a SignedInfo of another shape: what a careless partner might send."""
    root = parse(SIGNED)
    info = etree.tostring(signature_of(root)[0], method="c14n").decode()
    changed = info.replace(*edit)
    assert changed != info
    whole = etree.tostring(root).decode()
    start, end = whole.index("<ds:SignedInfo>"), whole.index("</ds:SignedInfo>") + len("</ds:SignedInfo>")
    plain = re.sub(r' xmlns:(ceb|ds)="[^"]*"', "", changed)
    draft = etree.fromstring(whole[:start] + plain + whole[end:])
    value = draft.find(f"{DS}Signature/{DS}SignatureValue")
    assert value is not None
    old = value.text or ""
    data = etree.tostring(signature_of(draft)[0], method="c14n")
    new = base64.b64encode(enterprise().signer.sign(data)).decode()
    return etree.tostring(draft).replace(old.encode(), new.encode())


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (("REC-xml-c14n-20010315", "REC-xml-c14n-20010315#WithComments"), "canonicalisation method"),
        (("xmldsig#rsa-sha1", "xmldsig#hmac-sha1"), "no certificate for this algorithm and time"),
        (("xmldsig#sha1", "xmldsig#md5"), "digest method"),
        (("enveloped-signature", "base64"), "the reference does not mean the whole document"),
        (
            ("</ds:Transforms>", '<ds:Transform Algorithm="x"></ds:Transform></ds:Transforms>'),
            "the reference does not mean the whole document",
        ),
        (('Reference URI=""', 'Reference URI="#a"'), "the reference does not mean the whole document"),
        (("</ds:SignedInfo>", '<ds:Reference URI=""></ds:Reference></ds:SignedInfo>'), "2 Reference elements"),
    ],
)
def test_only_the_one_shape_of_signature_is_taken_even_from_the_right_key(edit: tuple[str, str], reason: str) -> None:
    assert refused(resigned(edit)) == reason


def test_a_second_signature_is_refused() -> None:
    root = parse(SIGNED)
    attach(root, enterprise().signer)

    assert refused(etree.tostring(root)) == "2 signatures"


def test_a_signature_that_is_not_last_is_refused() -> None:
    root = parse(SIGNED)
    root.insert(0, signature_of(root))

    assert refused(etree.tostring(root)) == "signature not the last child of the root"


def test_base64_has_one_spelling() -> None:
    value = re.search(rb"<ds:DigestValue>([^<]+)<", SIGNED)
    assert value is not None
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = value[1][-2]
    same_bytes = value[1][:-2] + bytes([alphabet[alphabet.index(last) ^ 1]]) + b"="

    assert refused(SIGNED.replace(value[1], same_bytes)) in {"signature value", "not canonical base64"}


def flips(data: bytes, count: int) -> list[bytes]:
    random_bits = random.Random(20260302)
    changed = []
    for _ in range(count):
        position, bit = random_bits.randrange(len(data)), random_bits.randrange(8)
        copy = bytearray(data)
        copy[position] ^= 1 << bit
        changed.append(bytes(copy))
    return changed


def test_no_single_bit_changes_what_a_verified_document_says() -> None:
    """Refused, or it reads exactly as before: the bit stood in KeyInfo, which proves nothing, or in the declaration."""
    before, taken = canonical(opened(SIGNED)), 0
    for data in flips(SIGNED, 3000):
        try:
            after = canonical(opened(data))
        except Failure:
            continue
        taken += 1
        assert after == before

    key_info = len(SIGNED) - SIGNED.index(b"<ds:KeyInfo>")
    assert taken < 3000 * (key_info + 40) / len(SIGNED) * 1.2


def test_every_bit_of_the_content_counts() -> None:
    start, end = SIGNED.index(b"<ceb:InventoryHead>"), SIGNED.index(b"<ds:Signature")
    for data in flips(SIGNED[start:end], 1500):
        with pytest.raises(Failure):
            opened(SIGNED[:start] + data + SIGNED[end:])
