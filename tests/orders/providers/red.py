"""A Xiaohongshu order as the platform shows it, and its signed push, made to measure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.orders.canonical import CanonicalOrder, Refund
from services.orders.providers.base import OrderTouched, Push
from services.orders.providers.xiaohongshu import wire
from services.orders.providers.xiaohongshu.snapshot import read_order
from shared.http.payload import read_object
from shared.http.signatures import Secret

Json = dict[str, Any]
NOW: Final = datetime(2026, 3, 2, 2, 1, 12, tzinfo=UTC)
PAID_AT: Final = 1772416870000  # 02:01:10
APP_KEY, SECRET, TOKEN, SELLER = "5f0tc1", "s1", "token", "6100seller"
PATH: Final = "/hooks/xiaohongshu/savanna-red-xiaohongshu"
ORDER: Final = "P726030201"


def detail(status: int = 2, **changes: Any) -> Json:
    """Two bags of coffee at 129.00 with the tax inside, bonded, paid unless it stands before that."""
    body: Json = {
        "orderId": ORDER,
        "orderType": 1,
        "orderStatus": status,
        "orderAfterSalesStatus": 1,
        "createdTime": PAID_AT - 65000,
        "paidTime": 0 if status == 1 else PAID_AT,
        "updateTime": PAID_AT + 1000 * status,
        "receiverCountryName": "中国",
        "receiverProvinceName": "福建省",
        "receiverCityName": "福州市",
        "receiverDistrictName": "鼓楼区",
        "skuList": [sku()],
        "totalPayAmount": 25800,
        "totalShippingFree": 0,
        "totalMerchantDiscount": 0,
        "totalRedDiscount": 0,
        "openAddressId": "oa-1",
        "expressTrackingNo": "",
        "logisticsMode": 2,
        "customsCode": "3500",
        "paymentType": 1,
        "outTradeNo": "2026030222001",
        "userId": "u-1",
        "boundExtendInfo": {"payNo": "2026030222001C", "taxAmount": 2152},
    }
    return body | changes


def sku(**changes: Any) -> Json:
    article = {"quantity": 2, "rawPricePerSku": 12900}
    body: Json = {
        "skuId": "66a1",
        "itemId": "66b1",
        "skuName": "烘焙咖啡豆",
        "erpcode": "KE-COF-227",
        "skuQuantity": 2,
        "totalTaxAmount": 2152,
        "totalMerchantDiscount": 0,
        "totalRedDiscount": 0,
        "skuAfterSaleStatus": 1,
        "skuDetailList": [article],
    }
    return body | changes


def snapshot(status: int = 2, claims: Sequence[Refund] = (), **changes: Any) -> CanonicalOrder:
    return read_order(read_object(json.dumps(detail(status, **changes)).encode()), SELLER, claims)


def message(order: str = ORDER, status: int = 2, tag: str = "msg_fulfillment_status_change", **more: Any) -> Json:
    data = {"orderId": order, "orderStatus": status, "updateTime": PAID_AT} | more
    return {"msgTag": tag, "sellerId": SELLER, "data": json.dumps({k: v for k, v in data.items() if v is not None})}


def signed(path: str = PATH, query: str = "shop=gz01", at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    """`query` in the order in which it is signed."""
    own = [pair.split("=", 1) for pair in query.split("&") if pair]
    pairs = sorted([*own, ["app-key", APP_KEY], ["timestamp", _s(at)]])
    text = path + "?" + "&".join("=".join(pair) for pair in pairs) + secret
    return {"app-key": APP_KEY, "timestamp": _s(at), "sign": hashlib.md5(text.encode()).hexdigest()}


def _s(at: datetime) -> str:
    return str(int(at.timestamp()))


def pushes(*messages: Json) -> tuple[Push, ...]:
    body = json.dumps(list(messages)).encode()
    return wire.read(body, {SELLER: "savanna-red-xiaohongshu"}, "current", NOW)


def touched(given: Json) -> OrderTouched:
    (push,) = pushes(given)
    return wire.parse(push)


def verifies(headers: dict[str, str], query: str = "shop=gz01", after: timedelta = timedelta()) -> str:
    secrets = [Secret.of_text("current", SECRET), Secret.of_text("old", "s0")]
    return wire.verify(secrets, PATH, query, headers, NOW + after)
