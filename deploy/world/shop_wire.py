"""What Shopify sends: an order as JSON with the headers of the real thing.

Source: our reference page on marketplaces, section 19 (API version 2026-01).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from deploy.world import times
from deploy.world.config import Sku
from deploy.world.people import Buyer


@dataclass(frozen=True, slots=True)
class Line:
    sku: Sku
    quantity: int

    @property
    def total_minor(self) -> int:
        return self.sku.price_minor * self.quantity


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """id: the shop's own number, behind its prefix. Paid abroad: money and currency of the origin country, collected by
    the shop."""

    id: int
    number: int
    lines: tuple[Line, ...]
    buyer: Buyer
    freight_minor: int
    created_at: datetime
    currency: str = "CNY"
    paid: bool = False
    prefix: str = ""

    @property
    def external_id(self) -> str:
        return f"{self.prefix}{self.id}"

    @property
    def items_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)

    @property
    def total_minor(self) -> int:
        return self.items_minor + self.freight_minor


def payload(order: ShopOrder, *, cancelled_at: datetime | None = None) -> dict[str, Any]:
    """The whole order, as every order topic carries it. Tax is inside the prices and not itemised."""
    created = times.rfc3339(order.created_at)
    return {
        "id": order.id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order.id}",
        "name": f"#{order.number}",
        "order_number": order.number,
        "created_at": created,
        "updated_at": times.rfc3339(cancelled_at) if cancelled_at else created,
        "processed_at": created,
        "cancelled_at": times.rfc3339(cancelled_at) if cancelled_at else None,
        "cancel_reason": "customer" if cancelled_at else None,
        "closed_at": None,
        "test": False,
        "currency": order.currency,
        "presentment_currency": order.currency,
        "financial_status": "paid" if order.paid else "voided" if cancelled_at else "pending",
        "fulfillment_status": None,
        "taxes_included": True,
        "total_line_items_price": _yuan(order.items_minor),
        "total_discounts": "0.00",
        "subtotal_price": _yuan(order.items_minor),
        "total_tax": "0.00",
        "total_price": _yuan(order.total_minor),
        "total_shipping_price_set": _money_set(order.freight_minor, order.currency),
        "shipping_lines": [],
        "discount_applications": [],
        "payment_gateway_names": ["mpesa"] if order.paid else ["manual"],
        "customer": {"id": order.buyer.customer_id, "first_name": order.buyer.given, "last_name": order.buyer.surname},
        "shipping_address": _address(order.buyer),
        "line_items": [_line(order, index, line) for index, line in enumerate(order.lines, start=1)],
        "fulfillments": [],
        "refunds": [],
    }


def headers(
    topic: str, body: bytes, *, secret: bytes, shop: str, version: str, event_id: str, at: datetime
) -> dict[str, str]:
    """A new delivery id each time it is called; the event id is the caller's and stays."""
    return {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": hmac_base64(secret, body),
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-API-Version": version,
        "X-Shopify-Webhook-Id": str(uuid4()),
        "X-Shopify-Event-Id": event_id,
        "X-Shopify-Triggered-At": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z",
    }


def hmac_base64(secret: bytes, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()


def encode(order: dict[str, Any]) -> bytes:
    return json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()


def after(at: datetime, seconds: int) -> datetime:
    return at + timedelta(seconds=seconds)


def summary(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [{"sku": one.sku.sku, "quantity": one.quantity, "price_minor": one.sku.price_minor} for one in lines]


def _line(order: ShopOrder, index: int, line: Line) -> dict[str, Any]:
    return {
        "id": order.id * 10 + index,
        "product_id": line.sku.product_id,
        "variant_id": line.sku.variant_id,
        "sku": line.sku.sku,
        "title": line.sku.title,
        "name": line.sku.title,
        "quantity": line.quantity,
        "current_quantity": line.quantity,
        "price": _yuan(line.sku.price_minor),
        "total_discount": "0.00",
        "discount_allocations": [],
        "tax_lines": [],
        "taxable": True,
        "grams": line.sku.grams,
        "requires_shipping": True,
        "fulfillment_status": None,
    }


def _address(buyer: Buyer) -> dict[str, Any]:
    place = buyer.address
    return {
        "first_name": buyer.given,
        "last_name": buyer.surname,
        "name": buyer.name,
        "address1": f"{place.district}{place.street}",
        "address2": "",
        "city": place.city,
        "province": place.province,
        "province_code": None,
        "zip": place.zip,
        "country": "China",
        "country_code": "CN",
        "phone": buyer.phone,
    }


def _money_set(minor: int, currency: str) -> dict[str, Any]:
    money = {"amount": _yuan(minor), "currency_code": currency}
    return {"shop_money": money, "presentment_money": money}


def _yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
