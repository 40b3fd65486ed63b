"""What a receiver keeps between deliveries, and how its answers are compared with a case's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from services.orders.canonical import CanonicalOrder
from services.orders.providers.base import Push
from services.orders.snapshots import take_snapshot
from shared.errors import BadInput, Unrecognised


@dataclass
class Store:
    """Body digests by delivery key, one snapshot per order."""

    seen: dict[str, str] = field(default_factory=dict)
    orders: dict[str, CanonicalOrder] = field(default_factory=dict)

    def take(self, push: Push, read: Callable[[], CanonicalOrder]) -> str:
        """The disposition of one message; `read` says what it leads to, and may refuse to understand it."""
        if self.seen.get(push.delivery_key) == push.body_sha256:
            return "duplicate"
        self.seen[push.delivery_key] = push.body_sha256
        try:
            order = read()
        except (Unrecognised, BadInput):
            return "quarantined"
        taken = take_snapshot(self.orders.get(order.external_order_id), order)
        self.orders[taken.order.external_order_id] = taken.order
        return taken.disposition.value


def named(answer: dict[str, Any], expect: dict[str, Any]) -> dict[str, Any]:
    """The answer with only those members of its messages that the case names."""
    pairs = zip(answer["messages"], expect["messages"], strict=True)
    return answer | {"messages": [{key: given[key] for key in wanted} for given, wanted in pairs]}
