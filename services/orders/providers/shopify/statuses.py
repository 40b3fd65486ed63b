"""Shopify's words as data: status pairs, fulfilments, refunds, topics. A word that is not here is Unrecognised.

Source: our marketplace reference, "Status mapping" and "Shopify" (platform documentation, API version 2026-01).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.orders.canonical import ChannelHold, ChannelStatus, RefundStatus
from services.orders.providers.base import Kind
from shared.errors import Unrecognised

PENDING, PAID = ChannelStatus.PENDING, ChannelStatus.PAID

# financial_status -> status and hold before anything is shipped
FINANCIAL: Final[dict[str, tuple[ChannelStatus, ChannelHold | None]]] = {
    "pending": (PENDING, None),
    "authorized": (PENDING, ChannelHold.PAYMENT_AUDIT),
    "partially_paid": (PENDING, ChannelHold.PRESALE_BALANCE),
    "paid": (PAID, None),
    "partially_refunded": (PAID, None),
    "refunded": (ChannelStatus.REFUNDED, None),
    "voided": (ChannelStatus.CANCELLED, None),
}
COLLECTED: Final = frozenset({"paid", "partially_refunded", "refunded"})  # the buyer's money was taken by the shop

# fulfillment_status -> whether something is on its way; null is written "unfulfilled" in our composite
FULFILMENT: Final[dict[str, bool]] = {"unfulfilled": False, "restocked": False, "partial": True, "fulfilled": True}

# status of one fulfilment -> whether it stands for a shipment
SHIPMENT: Final[dict[str, bool]] = {
    "success": True,
    "pending": False,
    "open": False,
    "cancelled": False,
    "error": False,
    "failure": False,
}

# status of a refund's transaction
TRANSACTION: Final[dict[str, RefundStatus]] = {
    "success": RefundStatus.SUCCEEDED,
    "pending": RefundStatus.APPROVED,
    "failure": RefundStatus.REJECTED,
    "error": RefundStatus.REJECTED,
}

SNAPSHOT_TOPICS: Final = frozenset(
    {
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/fulfilled",
        "orders/partially_fulfilled",  # unconfirmed; its payload is the order in any case
        "orders/cancelled",
    }
)
EDITED: Final = "orders/edited"
REFUND: Final = "refunds/create"
PRIVACY_TOPICS: Final = frozenset({"customers/data_request", "customers/redact", "shop/redact"})

KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(SNAPSHOT_TOPICS | {EDITED}, Kind.ORDER),
    REFUND: Kind.REFUND,
    **dict.fromkeys(PRIVACY_TOPICS, Kind.PRIVACY),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What one order's three status fields mean together."""

    external_status: str
    status: ChannelStatus
    hold: ChannelHold | None
    collected: bool


def composite(financial: str, fulfilment: str | None, *, cancelled: bool) -> str:
    """The raw status as one text: `financial/fulfillment[/cancelled]`."""
    return f"{financial}/{fulfilment or 'unfulfilled'}" + ("/cancelled" if cancelled else "")


def read(financial: str, fulfilment: str | None, *, cancelled: bool) -> Reading:
    if financial not in FINANCIAL:
        raise Unrecognised("financial_status", financial)
    if (fulfilment or "unfulfilled") not in FULFILMENT:
        raise Unrecognised("fulfillment_status", fulfilment or "")
    status, hold = FINANCIAL[financial]
    if cancelled:
        status, hold = ChannelStatus.CANCELLED, None
    elif status is PAID and FULFILMENT[fulfilment or "unfulfilled"]:
        status = ChannelStatus.SHIPPED
    return Reading(composite(financial, fulfilment, cancelled=cancelled), status, hold, financial in COLLECTED)
