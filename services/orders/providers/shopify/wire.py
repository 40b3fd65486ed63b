"""Shopify webhooks: verify, look, parse. Pure.

The HMAC covers the body and nothing else. Shop domain, topic, ids and times are headers that anybody could change on a
replay, so they may pick a secret and a reader and name a delivery, but only the signed body moves an order.
Source: our marketplace reference, "Shopify" (platform documentation, API version 2026-01).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from services.orders.providers.base import (
    Kind,
    News,
    OrderNews,
    OrderTouched,
    PrivacyNews,
    PrivacyWish,
    Push,
    RefundNews,
    ShopConnection,
)
from services.orders.providers.shopify import statuses
from services.orders.providers.shopify.snapshot import MARKETPLACE, read_order, read_refund
from shared.errors import BadInput, Unrecognised
from shared.http.payload import Fields, moment, read_object
from shared.http.signatures import lower_cased, verify_base64

_LONGEST_HEADER: Final = 255


def verify(connections: Mapping[str, ShopConnection], headers: Mapping[str, str], body: bytes, now: datetime) -> Push:
    """The push, authentic. `connections` by shop domain, lower case: one for a door of its own, all for the shared one.

    SignatureRefused for a bad or missing signature and for a shop that is not among them; nothing else is raised, so
    whatever passes can be acknowledged and kept.
    """
    given = lower_cased(headers)
    connection = connections.get(given.get("x-shopify-shop-domain", "").strip().lower())
    secrets = connection.secrets if connection else ()
    key_id = verify_base64(secrets, body, given.get("x-shopify-hmac-sha256"))
    assert connection is not None  # without one there are no secrets, and without secrets nothing verifies
    return _look(connection, key_id, given, body, now)


def _look(connection: ShopConnection, key_id: str, given: Mapping[str, str], body: bytes, now: datetime) -> Push:
    topic = given.get("x-shopify-topic", "")[:_LONGEST_HEADER]
    digest = hashlib.sha256(body).hexdigest()
    event = given.get("x-shopify-event-id") or given.get("x-shopify-webhook-id") or digest
    kind = statuses.KINDS.get(topic)
    fields = _read(body)
    order_id, status, effect = _claims(kind, fields, connection.shop_id)
    return Push(
        connection=connection.connection,
        marketplace=MARKETPLACE,
        shop_id=connection.shop_id,
        key_id=key_id,
        topic=topic,
        kind=kind,
        delivery_key=f"{MARKETPLACE}:{connection.shop_id}:{topic}:{event[:_LONGEST_HEADER]}",
        effect_key=effect,
        body_sha256=digest,
        triggered_at=_triggered_at(given, now),
        external_order_id=order_id,
        external_status=status,
        body=body,
        fields=fields,
    )


def _triggered_at(given: Mapping[str, str], now: datetime) -> datetime:
    try:
        return moment(given.get("x-shopify-triggered-at", ""), "X-Shopify-Triggered-At")
    except BadInput:  # unsigned and only for show: its absence refuses nothing
        return now


def _read(body: bytes) -> Fields | None:
    try:
        return read_object(body)
    except BadInput:
        return None


def _claims(kind: Kind | None, fields: Fields | None, shop_id: str) -> tuple[str | None, str | None, str | None]:
    """Order id, raw status and effect key, each as far as it can be read without understanding the message."""
    if fields is None:
        return None, None, None
    try:
        if kind is Kind.REFUND:
            order_id = fields.identifier("order_id")
            return order_id, None, f"{MARKETPLACE}:{shop_id}:refund:{order_id}:{fields.identifier('id')}"
        if kind is not Kind.ORDER:
            return None, None, None
        if edit := fields.maybe_child("order_edit"):
            return edit.identifier("order_id"), None, f"{MARKETPLACE}:{shop_id}:edit:{edit.identifier('id')}"
        return _order_claims(fields, shop_id)
    except BadInput:
        return None, None, None


def _order_claims(fields: Fields, shop_id: str) -> tuple[str, str, str]:
    order_id = fields.identifier("id")
    status = statuses.composite(
        fields.text("financial_status"), fields.maybe_text("fulfillment_status"), cancelled=fields.has("cancelled_at")
    )
    return order_id, status, f"{MARKETPLACE}:{shop_id}:order:{order_id}:{fields.maybe_text('updated_at')}:{status}"


def parse(push: Push) -> News:
    """What the push says. Unrecognised for an unknown topic or word, BadInput where the body cannot be read.

    Both are for quarantine: the message is authentic, so it is acknowledged and kept, and changes nothing.
    """
    if push.topic not in statuses.KINDS:
        raise Unrecognised("topic", push.topic)
    fields = push.fields or read_object(push.body)
    if push.topic == statuses.REFUND:
        return _refund(fields)
    if push.topic in statuses.PRIVACY_TOPICS:
        return _privacy(push.topic, fields)
    if push.topic == statuses.EDITED and fields.has("order_edit"):
        return OrderTouched(fields.child("order_edit").identifier("order_id"), "edited")
    return OrderNews(read_order(fields, push.shop_id), fields.flag("test"))


def _refund(fields: Fields) -> RefundNews | OrderTouched:
    """The payload is the refund with its order's id (unconfirmed); its currency is that of its transactions."""
    transactions = fields.children("transactions")
    if not transactions:
        return OrderTouched(fields.identifier("order_id"), "restocked")
    refund = read_refund(fields, transactions[0].text("currency"))
    return RefundNews(fields.identifier("order_id"), refund, fields.moment("created_at"))


def _privacy(topic: str, fields: Fields) -> PrivacyNews:
    customer = fields.maybe_child("customer")
    orders = fields.values.get("orders_requested") or fields.values.get("orders_to_redact") or []
    if not isinstance(orders, list) or not all(type(order) in {int, str} for order in orders):
        fields.refuse("orders", "a list of ids")
    ids = tuple(str(order) for order in orders)
    return PrivacyNews(PrivacyWish(topic), customer.maybe_identifier("id") if customer else None, ids)
