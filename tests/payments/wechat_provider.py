"""The other side, written from the protocol and not from our code: it signs, seals and checks like WeChat Pay.

Keys are made here at run time. `handle` answers HTTP requests as `httpx.MockTransport` wants it; what it answers
is said by the test, what it received is kept in `calls`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from services.payments.providers.wechat.keys import KeyRing, Merchant, PlatformKey

NOW: Final = datetime(2026, 3, 1, 2, 15, 30, tzinfo=UTC)
Answering = Callable[[httpx.Request], httpx.Response]


class Provider:
    """One account at the provider, and what it says."""

    SERIAL: Final = "PUB_KEY_ID_0000000000000000000000000000000001"
    REFUNDED: Final[Mapping[str, Any]] = {
        "out_refund_no": "R-1",
        "refund_id": "50000000001",
        "refund_status": "SUCCESS",
    }

    def __init__(self) -> None:
        self.platform_key = rsa.generate_private_key(65537, 2048)
        self.apiv3_key = "0123456789abcdefghijklmnopqrstuv"
        self.merchant = Merchant.load(
            appid="wxc0ffee0000000001",
            mchid="1900000001",
            serial_no="A" * 40,
            key=rsa.generate_private_key(65537, 2048),
            apiv3_key=self.apiv3_key,
            apiv2_key="v2-key-of-32-characters-for-test",
        )
        self.ring = KeyRing.of([PlatformKey(self.SERIAL, self.platform_key.public_key())])
        self.calls: list[str] = []
        self.answers: list[Answering] = []

    def sign(self, body: bytes, at: datetime = NOW) -> dict[str, str]:
        timestamp, nonce = str(int(at.timestamp())), "593BEC0C930BF1AFEB40B4A08C8FB242"
        signature = self.platform_key.sign(
            f"{timestamp}\n{nonce}\n".encode() + body + b"\n", padding.PKCS1v15(), SHA256()
        )
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": self.SERIAL,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
        }

    def paid(self, out_trade_no: str, total: int) -> dict[str, Any]:
        return {
            "mchid": self.merchant.mchid,
            "appid": self.merchant.appid,
            "out_trade_no": out_trade_no,
            "transaction_id": "4200000000000000000000000001",
            "trade_state": "SUCCESS",
            "success_time": "2026-03-01T10:15:22+08:00",
            "payer": {"openid": "o-1"},
            "amount": {
                "total": total,
                "payer_total": total,
                "currency": "CNY",
                "payer_currency": "CNY",
                "refund": total,
            },
        }

    def callback(self, event_type: str, content: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        sealed = AESGCM(self.apiv3_key.encode()).encrypt(b"TESTnonce001", json.dumps(content).encode(), b"transaction")
        resource = {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": "TESTnonce001",
            "associated_data": "transaction",
            "ciphertext": base64.b64encode(sealed).decode(),
        }
        told: dict[str, Any] = {"id": "EV-1", "create_time": "2026-03-01T10:15:23+08:00", "event_type": event_type}
        told |= {"resource_type": "encrypt-resource", "summary": "?", "resource": resource}
        body = json.dumps(told).encode()
        return self.sign(body), body

    def says(self, content: Mapping[str, Any] | None, status: int = 200) -> None:
        """The next answer: signed where it is a success."""
        body = b"" if content is None else json.dumps(content).encode()
        headers = self.sign(body) if status < 300 else {}
        self.answers.append(lambda _request: httpx.Response(status, headers=headers, content=body))

    def says_bytes(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.answers.append(lambda _request: httpx.Response(200, headers=headers or {}, content=body))

    def breaks(self, error: type[httpx.TransportError]) -> None:
        """The next call ends in this transport error."""

        def fail(request: httpx.Request) -> httpx.Response:
            raise error("broken", request=request)

        self.answers.append(fail)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.raw_path.decode()}")
        if request.url.path.startswith("/v3/"):
            self._check(request)
        return self.answers.pop(0)(request)

    def _check(self, request: httpx.Request) -> None:
        """As the provider does: the merchant's signature over what really arrived."""
        scheme, _, pairs = request.headers["Authorization"].partition(" ")
        told = {name: value.strip('"') for name, _, value in (pair.partition("=") for pair in pairs.split(","))}
        text = f"{request.method}\n{request.url.raw_path.decode()}\n{told['timestamp']}\n{told['nonce_str']}\n"
        signed = text.encode() + request.content + b"\n"
        self.merchant.key.public_key().verify(base64.b64decode(told["signature"]), signed, padding.PKCS1v15(), SHA256())
        assert (scheme, told["serial_no"]) == ("WECHATPAY2-SHA256-RSA2048", "A" * 40)
        assert request.headers["Accept"] == "application/json"
