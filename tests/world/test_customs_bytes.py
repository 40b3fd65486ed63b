"""The customs window's eyes on the samples, and its receipts under the schema and the services' own reading."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from deploy.world import ceb, customs_match, dxp, rsa, times, xmldsig
from deploy.world.customs_receipts import NUMBERS, RECEIPTS
from deploy.world.documents import PaymentDocument, WaybillDocument
from deploy.world.keys import Keys
from services.customs.documents import Kind
from services.customs.providers.ceb import dxp as our_dxp
from services.customs.providers.ceb import wire as our_wire
from services.customs.providers.ceb.signature import RsaSha1Verifier
from tests.world import declarations, samples
from tests.world.samples import Case

NOW = datetime(2026, 3, 1, 2, 18, 24, tzinfo=UTC)
WINDOW_RULES = {f"R{number:02d}" for number in (*range(1, 21), 23, 24, 27)} - {"R20"}
CASES: list[Case] = json.loads(samples.read("customs/expected.json"))["cases"]
MATCHED = [
    case
    for case in CASES
    if {"order", "payment", "logistics", "inventory"} <= case["documents"].keys()
    and set(case["findings"]) <= WINDOW_RULES
    and all((samples.ROOT / "customs" / path).exists() for path in case["documents"].values())
]
MISSHAPEN = [
    (case["id"], kind, path)
    for case in CASES
    if "X01" in case["findings"]
    for kind, path in (("311", case["documents"].get("order", "")), ("621", case["documents"].get("inventory", "")))
    if path.startswith("bad/") and (samples.ROOT / "customs" / path).exists()
]
SIGNED = sorted((samples.ROOT / "customs").glob("[bg]*/*/62*.xml"))


def pinned() -> x509.Certificate:
    return x509.load_pem_x509_certificate(samples.read("customs/test-signer.cert.pem"))


def texts(path: str) -> dict[str, str]:
    root = etree.fromstring(samples.read(f"customs/{path}"))
    return {etree.QName(one).localname: one.text or "" for one in root[0][0]}


def payment(path: str) -> PaymentDocument:
    head = texts(path)
    amount = int(Decimal(head["amountPaid"]) * 100)
    return PaymentDocument(
        head["payCode"],
        head["payTransactionId"],
        head["orderNo"],
        head["ebpCode"],
        head["payerIdNumber"],
        head["payerName"],
        amount,
    )


def waybill(path: str) -> WaybillDocument:
    head = texts(path)
    return WaybillDocument(
        head["logisticsCode"],
        head["logisticsNo"],
        head["orderNo"],
        head["consignee"],
        head["consigneeTelephone"],
        head["consigneeAddress"],
        int(Decimal(head["weight"]) * 1000),
    )


@pytest.mark.parametrize("case", MATCHED, ids=samples.ids(MATCHED))
def test_the_window_sends_back_what_does_not_match(case: Case) -> None:
    paths = case["documents"]
    order = ceb.read(samples.read(f"customs/{paths['order']}"), "311")
    inventory = ceb.read(samples.read(f"customs/{paths['inventory']}"), "621")
    by_packages = "R18" in case["findings"] and paths["logistics"].startswith("bad/")

    found = customs_match.findings(inventory, order, payment(paths["payment"]), waybill(paths["logistics"]))

    # Our carrier always sends one package, so the window never sees the other number in a waybill.
    assert bool(found) is (case["decision"] == "block" and not by_packages)


@pytest.mark.parametrize(("name", "kind", "path"), MISSHAPEN)
def test_the_window_refuses_what_has_not_the_shape(name: str, kind: str, path: str) -> None:
    with pytest.raises((ceb.FormatRefused, xmldsig.XmlRefused)):
        ceb.read(samples.read(f"customs/{path}"), kind)


@pytest.mark.parametrize("path", SIGNED, ids=[f"{path.parent.name}-{path.stem}" for path in SIGNED])
def test_a_signature_verifies_unless_the_sample_was_tampered_with(path: Path) -> None:
    content = path.read_bytes()
    root = xmldsig.parse(content)

    assert xmldsig.verifies(root, rsa.public_of(pinned())) is (b"Signature" in content and "s02" not in str(path))


def test_another_key_verifies_nothing(keys: Keys) -> None:
    root = xmldsig.parse(samples.read("customs/good/B-bonded-1210/621-inventory.xml"))

    assert xmldsig.verifies(root, keys.enterprise) is False


def test_a_signature_moved_into_the_document_is_refused() -> None:
    root = xmldsig.parse(samples.read("customs/good/B-bonded-1210/621-inventory.xml"))
    root[0].append(root[-1])

    with pytest.raises(xmldsig.XmlRefused):
        xmldsig.verifies(root, rsa.public_of(pinned()))


def test_a_doctype_is_refused() -> None:
    with pytest.raises(xmldsig.XmlRefused):
        xmldsig.parse(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')


def receipt(kind: str, node: str) -> bytes:
    filled = {name: "31052025I000000007"[: 18 if name in {"preNo", "invtNo"} else 4] for name in NUMBERS[kind]}
    said = {"returnStatus": "120", "returnTime": times.stamp17(NOW), "returnInfo": "x"}
    entry = {"guid": declarations.guid(), **filled, **said}
    return dxp.receipts(kind, node, [entry, entry])


@pytest.mark.parametrize(("kind", "node"), RECEIPTS.values())
def test_receipts_are_valid_by_the_schema_and_read_by_the_services(kind: str, node: str) -> None:
    schema = etree.XMLSchema(etree.fromstring(samples.read("customs/ceb-import.xsd")))
    content = receipt(kind, node)

    schema.assertValid(etree.fromstring(content))
    assert len(our_wire.parse_incoming(content)) == 2


def enveloped(keys: Keys) -> bytes:
    return dxp.message(
        receipt("312", "OrderReturn"),
        message_type="CEB312Message",
        sender=keys.window_dxp,
        receiver=keys.enterprise_dxp,
        key=keys.window,
        certificate=keys.window_certificate,
        at=NOW,
    )


def test_an_envelope_verifies_with_an_independent_library(keys: Keys) -> None:
    allowed = SignatureConfiguration(
        signature_methods=frozenset({SignatureMethod.RSA_SHA1}), digest_algorithms=frozenset({DigestAlgorithm.SHA1})
    )

    found = XMLVerifier().verify(enveloped(keys), x509_cert=keys.window_certificate, expect_config=allowed)

    assert isinstance(found, VerifyResult)
    assert found.signed_xml is not None
    assert found.signed_xml.tag == "{http://www.chinaport.gov.cn/dxp}DxpMsg"


def test_the_services_open_an_envelope_with_the_pinned_certificate(keys: Keys, secrets: Path) -> None:
    window = RsaSha1Verifier.pinned((secrets / "customs/window.cert.pem").read_bytes())

    found = our_dxp.open_envelope(enveloped(keys), [window], times.now())

    assert (found.message_type, found.sender_id) == ("CEB312Message", keys.window_dxp)


def test_an_envelope_of_the_services_is_authentic_and_answered(keys: Keys, secrets: Path) -> None:
    made = declarations.envelope(b"<x/>", Kind.ORDER, secrets)
    found = dxp.read(made, keys.enterprise)
    answer = our_dxp.read_answer(dxp.reply(found, dxp.TAKEN, "", NOW))

    assert (found.authentic, found.message_type, found.data) == (True, "CEB311Message", b"<x/>")
    assert (answer.code, answer.cop_msg_id, answer.noticed_at) == (dxp.TAKEN, found.message_id, NOW)
