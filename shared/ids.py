"""Ids: ours inside (UUIDv7, UUIDv5 for orders), short ones where a partner sets the length.

Everything derived is derived from our own ids, so that a repeat makes the same id and not a second one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from typing import Final, NewType
from uuid import UUID, uuid5

OrderId = NewType("OrderId", str)
ParcelId = NewType("ParcelId", str)
AttemptId = NewType("AttemptId", str)
RefundId = NewType("RefundId", str)

# Namespace of everything derived; drawn once, never changed.
_CORRIDOR: Final = UUID("b0c1a2f0-6f0e-5b53-9d4e-3f0a4c7d1e88")


def uuid7() -> UUID:
    """A time-ordered random id (RFC 9562). Its time is for partitioning only, never for business."""
    milliseconds = time.time_ns() // 1_000_000
    raw = milliseconds.to_bytes(6, "big") + os.urandom(10)
    number = int.from_bytes(raw, "big")
    number = (number & ~(0xF << 76)) | (0x7 << 76)
    number = (number & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=number)


def derived(*parts: str) -> UUID:
    """The same parts give the same id, everywhere and always (UUIDv5)."""
    return uuid5(_CORRIDOR, "\x1f".join(parts))


def order_id(connection: str, external_id: str) -> OrderId:
    """Two pushes of one order meet in one lane because both derive this id before the first read."""
    return OrderId(str(derived("order", connection, external_id)))


def parcel_id(order: OrderId, number: int) -> ParcelId:
    """Parcel `number` (from 1) of an order."""
    return ParcelId(short(20, "parcel", order, str(number)))


def short(length: int, *parts: str) -> str:
    """Up to 32 upper-case letters and digits (base32, 5 bits each) of a digest: for partners that give us 20 or 32
    places."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return base64.b32encode(digest).decode()[:length]


def out_trade_no(order: OrderId, attempt: int) -> str:
    """Merchant order number of one payment attempt: ≤ 32 letters and digits; the suffix keeps attempts apart."""
    return f"{short(26, 'trade', order)}A{attempt}"


def out_refund_no(order: OrderId, refund: str) -> str:
    """Merchant refund number, ≤ 32: the same refund asked again is the same refund."""
    return f"{short(26, 'refund', order, refund)}R"


def cop_no(order: OrderId, role: str, attempt: int) -> str:
    """The enterprise's own number of an inventory, ≤ 20 (CEB621 copNo)."""
    return short(20, "copno", order, role, str(attempt))


def item_no(sku: str) -> str:
    """Item number of an order line, ≤ 20: the SKU itself where it fits."""
    return sku if len(sku) <= 20 and sku.isascii() else short(20, "item", sku)


def ceb_guid(*parts: str) -> str:
    """A CEB message guid: 36 characters, upper case."""
    return str(derived("ceb", *parts)).upper()
