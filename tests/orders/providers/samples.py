"""A Shopify order and its signed push, made to measure."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from services.orders.canonical import CanonicalOrder
from services.orders.providers.base import News, OrderNews, Push, ShopConnection
from services.orders.providers.shopify import wire
from shared.http.signatures import Secret

NOW = datetime(2026, 3, 2, 2, 1, 12, tzinfo=UTC)
SHOP = "nairobi-roasters.myshopify.com"
CONNECTION = ShopConnection(
    "highland-coop-shopify", SHOP, (Secret.of_text("2026-01", "s1"), Secret.of_text("old", "s0"))
)


def order(**changes: Any) -> dict[str, Any]:
    """Two lines, tax included, CNY, unpaid; `changes` replace members."""
    body: dict[str, Any] = {
        "id": 5902603020001,
        "created_at": "2026-03-02T05:00:05+03:00",
        "updated_at": "2026-03-02T05:01:10+03:00",
        "cancelled_at": None,
        "test": False,
        "currency": "CNY",
        "financial_status": "pending",
        "fulfillment_status": None,
        "taxes_included": True,
        "total_discounts": "10.00",
        "total_tax": "0.00",
        "total_price": "258.00",
        "total_shipping_price_set": {"shop_money": {"amount": "10.00", "currency_code": "CNY"}},
        "payment_gateway_names": ["manual"],
        "customer": {"id": 7100000000001, "first_name": "晓舟", "last_name": "林"},
        "shipping_address": {
            "name": "林晓舟",
            "address1": "测试路1号",
            "address2": "2单元",
            "city": "福州市",
            "province": "福建省",
            "zip": "350000",
            "country_code": "CN",
            "phone": "+8613800000000",
        },
        "line_items": [line(1, quantity=1, price="129.00"), line(2, quantity=1, price="129.00", share="10.00")],
        "fulfillments": [],
        "refunds": [],
    }
    return body | changes


def line(line_id: int, *, quantity: int, price: str, share: str | None = None, **changes: Any) -> dict[str, Any]:
    allocations = [] if share is None else [{"amount": share, "discount_application_index": 0}]
    body = {"id": line_id, "sku": f"SKU-{line_id}", "title": "咖啡豆", "quantity": quantity, "price": price}
    return body | {"discount_allocations": allocations, "tax_lines": []} | changes


def refund(refund_id: int, amount: str, status: str = "success", **changes: Any) -> dict[str, Any]:
    money = {"kind": "refund", "status": status, "amount": amount, "currency": "CNY"}
    body = {"id": refund_id, "order_id": 5902603020001, "created_at": "2026-03-03T05:00:00+03:00"}
    return body | {"transactions": [money], "refund_line_items": []} | changes


def signed(body: bytes, topic: str = "orders/create", secret: str = "s1", **changes: str) -> dict[str, str]:
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode(),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Event-Id": "e-1",
        "X-Shopify-Webhook-Id": "w-1",
        "X-Shopify-Triggered-At": "2026-03-02T02:01:11.000000000Z",
    }
    return headers | changes


def encoded(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def push(body: object, topic: str = "orders/create", **headers: str) -> Push:
    raw = body if isinstance(body, bytes) else encoded(body)
    return wire.verify({SHOP: CONNECTION}, signed(raw, topic, **headers), raw, NOW)


def news(body: object, topic: str = "orders/create") -> News:
    return wire.parse(push(body, topic))


def snapshot(**changes: Any) -> CanonicalOrder:
    found = news(order(**changes))
    assert isinstance(found, OrderNews)
    return found.order
