"""WeChat Pay's bytes against the samples, and against the services' own reading of them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deploy.world import rsa, times, wechat_v2, wechat_wire
from deploy.world.keys import Keys
from deploy.world.people import buyer
from deploy.world.wechat_trades import Charge, Trade, paid
from services.payments.providers.base import Capture
from services.payments.providers.wechat import customs as our_customs
from services.payments.providers.wechat import wire as our_wire
from services.payments.providers.wechat.keys import KeyRing, Merchant, PlatformKey
from shared.errors import SignatureRefused
from tests.world import samples
from tests.world.samples import Case

NOW = datetime(2026, 3, 1, 2, 18, 24, tzinfo=UTC)
SIGNED = [case for case in samples.wechat() if "signing_key" in case and "http" in case]
SEALED = [case for case in samples.wechat_of("callback") if case["expect"].startswith("accept")]
V2 = [case for case in samples.wechat() if case["kind"] in {"v2_xml", "v2_xml_response"} and case["algorithm"] == "MD5"]


def refused(case: Case, body: bytes, *, late: int = 0) -> str | None:
    account, url = samples.wechat_account(), case["http"]["url"]
    return wechat_wire.refuse_request(
        case["http"]["headers"]["Authorization"],
        case["http"]["method"],
        "/" + url.split("/", 3)[3],
        body,
        merchant=samples.private_key("wechat_merchant").public_key(),
        mchid=account["mchid"],
        serial=account["merchant_cert_serial"],
        epoch=int(case["timestamp"]) + late,
    )


@pytest.mark.parametrize("case", SIGNED, ids=samples.ids(SIGNED))
def test_a_signed_request_is_believed_and_no_other(case: Case) -> None:
    body = case["http"].get("body", "").encode()

    assert refused(case, body) is None
    assert refused(case, body + b" ") == "signature does not match"
    assert refused(case, body, late=301) == "timestamp outside five minutes"


@pytest.mark.parametrize("case", SEALED, ids=samples.ids(SEALED))
def test_a_notification_is_sealed_as_in_the_sample(case: Case) -> None:
    resource, key = json.loads(case["body"])["resource"], samples.wechat_account()["apiv3_key"].encode()
    plaintext = case["plaintext"].encode()

    assert wechat_wire.encrypt(key, plaintext, resource["associated_data"], resource["nonce"]) == resource["ciphertext"]


def test_signing_gives_the_bytes_of_the_sample() -> None:
    case = next(case for case in samples.wechat_of("callback") if "platform_cert" in case["verify_key"])

    assert rsa.sign_sha256(samples.private_key("wechat_platform"), case["message"].encode()) == case["signature"]


@pytest.mark.parametrize("case", V2, ids=samples.ids(V2))
def test_v2_signs_and_reads_as_in_the_sample(case: Case) -> None:
    key = samples.wechat_account()["apiv2_key"]

    assert wechat_v2.sign(case["params"], key) == case["sign"]
    assert wechat_v2.parse(case["xml"].encode()) == case["params"] | {"sign": case["sign"]}
    assert wechat_v2.build(case["params"], key).decode() == case["xml"]


@pytest.mark.parametrize("body", [b"", b"<xml>", b"<xml><a>1</b></xml>", b"<xml><a>1</a><a>2</a></xml>", b"\xff"])
def test_v2_refuses_what_is_not_flat(body: bytes) -> None:
    assert wechat_v2.parse(body) is None


def merchant_of(keys: Keys, secrets: Path) -> Merchant:
    return Merchant.load(
        appid=keys.appid,
        mchid=keys.mchid,
        serial_no=keys.merchant_serial,
        apiv3_key=keys.api_v3.decode(),
        key=rsa.load_private(secrets / "wechat/merchant.key.pem"),
        apiv2_key=keys.api_v2,
    )


def notification(keys: Keys) -> bytes:
    trade = Trade(
        {"out_trade_no": "TC1A1", "mchid": keys.mchid, "appid": keys.appid, "amount": {"total": 12900}}, "weixin://"
    )
    content = paid(trade, Charge("4200009999202603010000000001", 12900, buyer(7), NOW), "SUCCESS")
    return wechat_wire.callback(
        keys.api_v3,
        event_id="EV1",
        event_type="TRANSACTION.SUCCESS",
        summary="支付成功",
        kind="transaction",
        content=content,
        at=NOW,
    )


def test_the_services_believe_and_read_a_notification(keys: Keys, secrets: Path) -> None:
    body = notification(keys)
    headers = wechat_wire.signed_headers(keys.platform, keys.platform_serial, body, int(NOW.timestamp()))
    ring = KeyRing.of([PlatformKey.from_certificate(keys.platform_pem)])

    found = our_wire.notified(headers, body, merchant_of(keys, secrets), ring, NOW)

    assert isinstance(found.content, Capture)
    assert (found.content.out_trade_no, found.content.amount.minor) == ("TC1A1", 12900)


def test_the_services_refuse_a_probe(keys: Keys, secrets: Path) -> None:
    headers = wechat_wire.probe_headers(keys.platform_serial, int(NOW.timestamp()))
    ring = KeyRing.of([PlatformKey.from_certificate(keys.platform_pem)])

    with pytest.raises(SignatureRefused):
        our_wire.notified(headers, notification(keys), merchant_of(keys, secrets), ring, NOW)


def test_the_certificate_list_opens_with_the_apiv3_key(keys: Keys) -> None:
    body = wechat_wire.certificates(keys.api_v3, keys.platform_pem, keys.platform_serial, NOW, times.now())
    sealed = json.loads(body)["data"][0]["encrypt_certificate"]

    opened = AESGCM(keys.api_v3).decrypt(
        sealed["nonce"].encode(), base64.b64decode(sealed["ciphertext"]), b"certificate"
    )

    assert opened == keys.platform_pem
    assert rsa.serial_of(rsa.load_certificate_bytes(opened)) == keys.platform_serial


def test_v2_text_is_the_services_text(keys: Keys) -> None:
    fields = {"appid": keys.appid, "name": "林测试", "sign_type": "MD5", "empty": ""}

    assert wechat_v2.sign(fields, keys.api_v2) == our_customs.sign(fields, keys.api_v2)


def test_a_signature_that_is_not_base64_verifies_nothing(keys: Keys) -> None:
    assert rsa.verifies(keys.merchant, "WECHATPAY/SIGNTEST/%%", b"", hashes.SHA256()) is False
