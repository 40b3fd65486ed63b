"""The event types of generic partners as data. A type that is not here is Unrecognised.

The statuses themselves are our own canonical words: canonical.py. Source: our marketplace reference, "Standard
Webhooks" (project types, 2026-03).
"""

from __future__ import annotations

from typing import Final

from services.orders.providers.base import Kind

ORDER_TYPES: Final = frozenset(
    {
        "order.created",
        "order.paid",
        "order.declared",
        "order.shipped",
        "order.completed",
        "order.cancelled",
        "order.refund_requested",
        "order.refunded",
    }
)
SHIPPED: Final = "order.shipped"  # also what we send to the shop at ship-confirm


def kind_of(topic: str) -> Kind | None:
    """As far as the topic tells: whatever begins with `order.` is about an order, known to us or not."""
    return Kind.ORDER if topic.startswith("order.") else None
