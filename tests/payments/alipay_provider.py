"""Alipay from the other side, written from the protocol and not from our code: it checks what we sign, and signs.

Keys are made here at run time. `handle` answers HTTP requests as `httpx.MockTransport` wants it; what it answers is
said by the test, what it was asked is kept in `calls` (the method) and `asked` (the business parameters).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import httpx
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

URL: Final = "https://alipay.test/gateway.do"
Answering = Callable[[str, httpx.Request], httpx.Response]


class AlipayPeer:
    """One application at Alipay, and what it says. A request with a wrong signature fails the test."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.app_key = rsa.generate_private_key(65537, 2048)
        self.public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.app_id, self.seller_id = "2021000000000001", "2088000000000001"
        self.calls: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.answers: list[Answering] = []

    def sign(self, text: str) -> str:
        return base64.b64encode(self.key.sign(text.encode(), padding.PKCS1v15(), SHA256())).decode()

    def handle(self, request: httpx.Request) -> httpx.Response:
        values = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        values |= dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        signature = base64.b64decode(values.pop("sign"))
        text = "&".join(f"{name}={values[name]}" for name in sorted(values))
        self.app_key.public_key().verify(signature, text.encode(), padding.PKCS1v15(), SHA256())
        self.calls.append(values["method"].removeprefix("alipay."))
        self.asked.append(json.loads(values["biz_content"]))
        return self.answers.pop(0)(values["method"], request)

    def says(self, **fields: Any) -> None:
        """The next call succeeds with these."""
        self._says({"code": "10000", "msg": "Success", **fields})

    def refuses(self, sub_code: str, code: str = "40004") -> None:
        self._says({"code": code, "msg": "Business Failed", "sub_code": sub_code, "sub_msg": "no"})

    def _says(self, fields: Mapping[str, Any]) -> None:
        def answer(method: str, _: httpx.Request) -> httpx.Response:
            node = json.dumps(fields, ensure_ascii=False)
            name = f"{method.replace('.', '_')}_response"
            return httpx.Response(200, text=f'{{"{name}":{node},"sign":"{self.sign(node)}"}}')

        self.answers.append(answer)

    def breaks(self, error: type[httpx.TransportError]) -> None:
        def answer(_: str, request: httpx.Request) -> httpx.Response:
            raise error("broken", request=request)

        self.answers.append(answer)

    def trade(self, out_trade_no: str, total: str, **more: str) -> dict[str, str]:
        told = {"out_trade_no": out_trade_no, "trade_no": "2026030122001400000000000001", "total_amount": total}
        return told | {"trade_status": "TRADE_SUCCESS", "send_pay_date": "2026-03-01 10:15:22"} | more

    def notification(self, out_trade_no: str, total: str, **more: str) -> bytes:
        """A form, signed; `more` changes or adds fields."""
        values = {
            "notify_time": "2026-03-01 10:15:23", "notify_type": "trade_status_sync", "notify_id": "N-1",
            "charset": "utf-8", "version": "1.0", "app_id": self.app_id, "auth_app_id": self.app_id,
            "seller_id": self.seller_id, "gmt_payment": "2026-03-01 10:15:22",
            "subject": "\u8336 & +1% = {tea}", **self.trade(out_trade_no, total), **more,
        }  # fmt: skip
        values.pop("send_pay_date")
        values = {name: value for name, value in values.items() if value}
        text = "&".join(f"{name}={values[name]}" for name in sorted(values))
        return urlencode(values | {"sign_type": "RSA2", "sign": self.sign(text)}).encode()
