"""What a generic partner sends: the whole order in the receiver's canonical words, as a Standard Webhooks event.

Source: our reference page on marketplaces, sections 3 and 22.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from deploy.world import times
from deploy.world.shop_wire import Line, ShopOrder

# What the journey calls it (in Shopify's words) -> type and status of this shop.
EVENTS: Final = {
    "orders/create": ("order.created", "pending"),
    "orders/cancelled": ("order.cancelled", "cancelled"),
    "orders/completed": ("order.completed", "completed"),
    "orders/teleported": ("order.teleported", "teleported"),
}


def event(topic: str, order: ShopOrder, shop_id: str, at: datetime) -> bytes:
    """at: when it happened, which is also when the order changed last."""
    kind, status = EVENTS[topic]
    status = "paid" if order.paid and status == "pending" else status
    body = {"type": kind, "timestamp": times.iso_utc(at), "data": payload(order, shop_id, status, at)}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def payload(order: ShopOrder, shop_id: str, status: str, at: datetime) -> dict[str, Any]:
    """Every key is there; what the shop does not say is null. Tax is inside the prices."""
    stamp = times.iso_utc(at)
    return {
        "marketplace": "standard_webhooks",
        "shop_id": shop_id,
        "external_order_id": order.external_id,
        "external_status": status,
        "status": status,
        "hold": None,
        "shippable": status == "paid",
        "order_kind": "normal",
        "currency": order.currency,
        "amounts": _amounts(order),
        "lines": [_line(order, index, line) for index, line in enumerate(order.lines, start=1)],
        "buyer": {"external_id": str(order.buyer.customer_id), "display_name": None},
        "recipient": _recipient(order),
        "payment": {"method": "mpesa", "external_no": f"MP{order.id}", "customs_no": None} if order.paid else None,
        "customs": None,
        "shipments": [],
        "refunds": [],
        "created_at": times.iso_utc(order.created_at),
        "paid_at": times.iso_utc(order.created_at) if order.paid else None,
        "shipped_at": None,
        "completed_at": stamp if status == "completed" else None,
        "cancelled_at": stamp if status == "cancelled" else None,
        "updated_at": stamp,
    }


def _amounts(order: ShopOrder) -> dict[str, Any]:
    return {
        "items_gross": order.items_minor,
        "discount_seller": 0,
        "discount_platform": 0,
        "shipping": order.freight_minor,
        "shipping_discount": 0,
        "tax": 0,
        "tax_included": True,
        "adjustment": 0,
        "total": order.total_minor,
        "refunded": 0,
    }


def _line(order: ShopOrder, index: int, line: Line) -> dict[str, Any]:
    return {
        "external_line_id": f"{order.external_id}-{index}",
        "external_product_id": str(line.sku.product_id),
        "external_sku_id": str(line.sku.variant_id),
        "seller_sku": line.sku.sku,
        "title": line.sku.title,
        "quantity": line.quantity,
        "unit_price": line.sku.price_minor,
        "gross": line.total_minor,
        "discount": 0,
        "tax": 0,
        "total": line.total_minor,
        "refund_status": "none",
    }


def _recipient(order: ShopOrder) -> dict[str, Any]:
    place = order.buyer.address
    return {
        "name": order.buyer.name,
        "phone": order.buyer.phone,
        "country": "CN",
        "province": place.province,
        "city": place.city,
        "district": place.district,
        "street": place.street,
        "postal_code": place.zip,
        "protection": "plain",
        "ref": None,
    }
