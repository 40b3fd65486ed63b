"""Xiaohongshu's API as a partner would answer it: signed requests only, orders as they are put into it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

Json = dict[str, Any]


@dataclass
class Platform:
    """`asked` are the methods in turn; `trouble` answers the next calls instead, one each."""

    app_key: str
    app_secret: str
    token: str
    orders: dict[str, Json] = field(default_factory=dict)
    receivers: dict[str, Json] = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    delivered: list[Json] = field(default_factory=list)
    trouble: list[httpx.Response | Exception] = field(default_factory=list)
    refused: int = 0

    def answers(self, request: httpx.Request) -> httpx.Response:
        body: Json = json.loads(request.content)
        self.asked.append(body["method"])
        if not self._believes(body):
            self.refused += 1
            return _no(1001)
        acts: dict[str, Callable[[Json], Json | None]] = {
            "order.getOrderDetail": lambda ask: self.orders.get(ask["orderId"]),
            "order.getOrderReceiverInfo": self._receiver,
            "data.batchDecrypt": self._decrypt,
            "order.orderDeliver": self._deliver,
        }
        trouble = self.trouble.pop(0) if self.trouble else None
        if isinstance(trouble, httpx.Response):
            return trouble
        data = acts[body["method"]](body)
        if isinstance(trouble, Exception):  # done, and the answer is lost
            raise trouble
        return (
            _no(-9030) if data is None else httpx.Response(200, json={"error_code": 0, "success": True, "data": data})
        )

    def _believes(self, body: Json) -> bool:
        text = f"{body['method']}?appId={self.app_key}&timestamp={body['timestamp']}&version=2.0{self.app_secret}"
        return bool(body["sign"] == hashlib.md5(text.encode()).hexdigest() and body["accessToken"] == self.token)

    def _receiver(self, ask: Json) -> Json:
        (query,) = ask["receiverQueries"]
        default = {"matched": True, "receiverName": "林晓舟", "receiverPhone": "13800000000"}
        info = default | {"receiverAddress": "测试路1号"} | self.receivers.get(query["orderId"], {})
        return {"receiverInfos": [{"orderId": query["orderId"], **info}]}

    def _decrypt(self, ask: Json) -> Json:
        texts = [info["encryptedData"] for info in ask["baseInfos"]]
        return {"dataInfoList": [{"encryptedData": text, "decryptedData": self.plain.get(text)} for text in texts]}

    def _deliver(self, ask: Json) -> Json | None:
        order = self.orders[ask["orderId"]]
        if order["orderStatus"] != 4:
            return None
        self.delivered.append(ask)
        self.orders[ask["orderId"]] = order | {"orderStatus": 6, "expressTrackingNo": ask["expressNo"]}
        return {}


def _no(code: int) -> httpx.Response:
    return httpx.Response(200, json={"error_code": code, "success": False, "error_msg": "no"})
