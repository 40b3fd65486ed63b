"""Standard Webhooks of generic partners: verify, look, parse; and our own ship-confirm to them. Pure.

Everything that matters is signed: the message's id, the time of the attempt and the body. Any of several secrets may
have signed (they overlap while they rotate), versions other than `v1` are ignored.
Source: our marketplace reference, "Standard Webhooks" (specification 1.0, read 2026-03).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from services.orders.providers.base import OrderNews, Push, ShipmentNotice, ShopConnection
from services.orders.providers.canonical_json import from_json, stamp
from services.orders.providers.standard_webhooks import statuses
from shared.errors import BadInput, Unrecognised
from shared.http.payload import Fields, read_object
from shared.http.signatures import TOLERANCE, Secret, verify_standard
from shared.ids import derived

MARKETPLACE: Final = "standard_webhooks"
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_LONGEST_TOPIC: Final = 120


def verify(
    connections: Sequence[ShopConnection],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> Push:
    """The push, authentic. One connection for a door of its own; for the shared one all, the signature decides which.

    SignatureRefused (Stale beyond the tolerance) and nothing else, so whatever passes can be acknowledged and kept.
    """
    # Key ids are only unique within a connection: here they carry its place in the list.
    candidates = [
        Secret(f"{place}:{secret.key_id}", secret.key)
        for place, connection in enumerate(connections)
        for secret in connection.secrets
    ]
    delivery = verify_standard(candidates, headers, body, now, tolerance)
    place, _, key_id = delivery.key_id.partition(":")
    return _look(connections[int(place)], key_id, delivery.message_id, body, now)


def _look(connection: ShopConnection, key_id: str, message_id: str, body: bytes, now: datetime) -> Push:
    fields = _read(body)
    topic, at, order_id, status = _claims(fields, now)
    return Push(
        connection=connection.connection,
        marketplace=MARKETPLACE,
        shop_id=connection.shop_id,
        key_id=key_id,
        topic=topic,
        kind=statuses.kind_of(topic),
        delivery_key=f"{MARKETPLACE}:{connection.shop_id}:{message_id}",
        effect_key=None if order_id is None else f"{MARKETPLACE}:{connection.shop_id}:order:{order_id}:{topic}:{at}",
        body_sha256=hashlib.sha256(body).hexdigest(),
        triggered_at=at,
        external_order_id=order_id,
        external_status=status,
        body=body,
        fields=fields,
    )


def _read(body: bytes) -> Fields | None:
    try:
        return read_object(body)
    except BadInput:
        return None


def _claims(fields: Fields | None, now: datetime) -> tuple[str, datetime, str | None, str | None]:
    """Type, time, order id and raw status, as far as they can be read without understanding the message."""
    topic, at = "", now
    try:
        if fields is not None:
            topic = fields.text("type")[:_LONGEST_TOPIC]
            at = fields.moment("timestamp")
            data = fields.child("data")
            return topic, at, data.identifier("external_order_id"), data.maybe_text("external_status")
    except BadInput:
        pass
    return topic, at, None, None


def parse(push: Push) -> OrderNews:
    """The order as the partner shows it. Unrecognised for an unknown type or word, BadInput where it cannot be read.

    Both are for quarantine: the message is authentic, so it is acknowledged and kept, and changes nothing.
    """
    fields = push.fields or read_object(push.body)
    topic = fields.text("type")
    if topic not in statuses.ORDER_TYPES:
        raise Unrecognised("type", topic)
    data = fields.child("data")
    if data.text("marketplace") != MARKETPLACE:
        data.refuse("marketplace", MARKETPLACE)
    if data.text("shop_id") != push.shop_id:  # signed, and for another shop: somebody mixed up secrets
        data.refuse("shop_id", "the shop of this connection")
    order = from_json(data)
    if order.recipient.country is not None and not _COUNTRY.fullmatch(order.recipient.country):
        raise Unrecognised("country", order.recipient.country)
    return OrderNews(order, test=False)


# --- ours → theirs ----------------------------------------------------------------------------------------------------


def shipped_id(external_order_id: str, tracking_no: str) -> str:
    """The same shipment is the same message, however often it is sent: the receiver drops repeats by it."""
    return f"msg_{derived('order.shipped', external_order_id, tracking_no).hex}"


def build_shipped(notice: ShipmentNotice, shop_id: str, at: datetime) -> bytes:
    """`order.shipped` with the part of the order that is news (a project rule: the shop has the rest)."""
    shipment = {"carrier": notice.carrier, "tracking_no": notice.tracking_no, "shipped_at": stamp(at)}
    data = {
        "marketplace": MARKETPLACE,
        "shop_id": shop_id,
        "external_order_id": notice.external_order_id,
        "shipments": [shipment],
    }
    body = {"type": statuses.SHIPPED, "timestamp": stamp(at), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
