"""An independent library (`wechatpayv3`) beside ours: what it signs, seals and verifies we take, and the other way."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from wechatpayv3 import WeChatPay, WeChatPayType  # type: ignore[import-untyped]
from wechatpayv3 import utils as peer

from services.payments.providers.base import OpenAsk
from services.payments.providers.wechat import wire
from services.payments.providers.wechat.wire import Answer, Call
from shared.errors import SignatureRefused
from shared.money import Money
from tests.payments import wechat_cases as samples
from tests.payments.wechat_provider import NOW, Provider

provider = Provider()
TYPE = {"Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048"}  # the peer insists on it


@pytest.fixture(scope="module")
def library() -> WeChatPay:
    """The same account in the peer's hands, in the public key mode (the other would go to the network at once)."""
    merchant, [platform] = provider.merchant, provider.ring.keys.values()
    pem = merchant.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=merchant.mchid,
        private_key=pem,
        cert_serial_no=merchant.serial_no,
        apiv3_key=provider.apiv3_key,
        appid=merchant.appid,
        public_key=platform.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        public_key_id=platform.serial,
    )


@pytest.mark.parametrize("call", [wire.build_query(provider.merchant, "TC20260301GZ0001"), wire.build_certificates()])
def test_the_peer_signs_a_question_as_we_do(call: Call) -> None:
    assert_signed_alike(call)


def test_the_peer_signs_an_order_as_we_do() -> None:
    ask = OpenAsk(
        "TC20260301GZ0001", Money(28800, "CNY"), "咖啡豆 2袋", NOW + timedelta(hours=1), "https://pay.example/n"
    )
    assert_signed_alike(wire.build_open(provider.merchant, ask))


def assert_signed_alike(call: Call) -> None:
    ours = provider.merchant
    theirs = peer.build_authorization(call.path, call.method, ours.mchid, ours.serial_no, ours.key, call.body.decode())
    told = dict(re.findall(r'(\w+)="([^"]*)"', theirs))
    at = datetime.fromtimestamp(int(told["timestamp"]), UTC)

    assert wire.headers(ours, call, call.path, now=at, nonce=told["nonce_str"])["Authorization"] == theirs


def test_the_peer_reads_the_callback_that_we_read(library: WeChatPay) -> None:
    headers, body = provider.callback("TRANSACTION.SUCCESS", provider.paid("TC20260301GZ0001", 28800))

    ours = wire.notified(headers, body, provider.merchant, provider.ring, NOW)
    theirs = library.callback(headers | TYPE, body.decode())

    assert theirs["resource"] == json.loads(ours.text)


def test_the_peer_refuses_the_callback_that_we_refuse(library: WeChatPay) -> None:
    headers, body = provider.callback("TRANSACTION.SUCCESS", provider.paid("TC20260301GZ0001", 28800))
    forged = body.replace(b"EV-1", b"EV-2")

    assert library.callback(headers | TYPE, forged.decode()) is None
    with pytest.raises(SignatureRefused):
        wire.notified(headers, forged, provider.merchant, provider.ring, NOW)


@pytest.mark.parametrize("case", samples.of_kind("response"), ids=lambda case: case["id"])
def test_the_peer_believes_the_sample_answers_that_we_believe(case: samples.Case) -> None:
    headers, answer = case["headers"], Answer(int(case["status"]), case["headers"], case["body"].encode())
    key = samples.ring().keys[headers["Wechatpay-Serial"]].key
    theirs = peer.rsa_verify(
        headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"], case["body"], headers["Wechatpay-Signature"], key
    )
    try:
        wire.receive(answer, samples.ring(), samples.now(case))
        ours = True
    except SignatureRefused:
        ours = False

    assert theirs is ours


def test_a_field_sealed_by_either_opens_with_the_other() -> None:
    key, [platform] = provider.merchant.key, provider.ring.keys.values()

    assert provider.merchant.decrypt_field(peer.rsa_encrypt("测试甲", key.public_key())) == "测试甲"
    assert peer.rsa_decrypt(platform.encrypt_field("测试甲"), provider.platform_key) == "测试甲"
