"""A shop that speaks Standard Webhooks both ways: it pushes its orders, and takes our `order.shipped`.

Source: our reference page on marketplaces, section 22 (specification 1.0).
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from deploy.world import sender, standard_webhooks, standard_wire, times
from deploy.world.books import OrderBook, Push
from deploy.world.core import SERVER_ERROR, Core
from deploy.world.sender import Built, Delivery
from deploy.world.shop_wire import ShopOrder

SOMEBODY_ELSE = "whsec_" + "QQ" * 21 + "Q="  # a key of 32 bytes that nobody agreed on


class StandardShop:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._seen: set[str] = set()

    def delivery(
        self, topic: str, order: ShopOrder, *, at: datetime | None = None, forged: bool = False, lost: int = 0
    ) -> tuple[str, Delivery]:
        """Message id and delivery. A retry has the same id and body, its own time and signature."""
        core, message_id = self._core, f"msg_{uuid4().hex}"
        body = standard_wire.event(topic, order, core.keys.standard_shop_id, at or order.created_at)
        secret = SOMEBODY_ELSE if forged else core.keys.standard_secret

        def build() -> Built:
            return standard_webhooks.headers(secret, message_id, times.epoch(), body), body

        return message_id, Delivery(core.config.doors.standard, build, sender.STANDARD, timeout=15.0, lost=lost)

    async def push(
        self,
        book: OrderBook,
        topic: str,
        order: ShopOrder,
        *,
        cancelled_at: datetime | None = None,
        forged: bool = False,
        lost: int = 0,
    ) -> bool:
        """Until acknowledged; a duplicate, where planned, goes out after the first was taken."""
        message_id, delivery = self.delivery(topic, order, at=cancelled_at, forged=forged, lost=lost)
        name = f"standard_webhooks {standard_wire.EVENTS[topic][0]}"
        push = Push(name, message_id, wanted="refusal" if forged else "ack")
        taken = await self._core.sender.deliver(self._core.books.push((book.external_id,), push), delivery)
        if "duplicate_pushes" in book.plan and not forged:
            again = self._core.books.push((book.external_id,), Push(name, message_id))
            self._core.sender.start(again, delivery)
        return taken

    async def door(self, request: Request) -> Response:
        """POST /standard/webhooks: 2xx once believed and kept; the same webhook-id again changes nothing."""
        body = await request.body()
        why = standard_webhooks.refuse(request.headers, body, self._core.keys.standard_ours, times.epoch())
        if why is not None:
            self._core.distrust("standard_shop", why)
            return Response(why, 401)
        message_id = request.headers["webhook-id"]
        told = _shipped(body)
        book = self._core.books.find(told[0]) if told else None
        if told is None or book is None:
            return Response("no such order", 422)
        fault = self._core.fault("standard.shipped", message_id, book.external_id)
        if fault == SERVER_ERROR:
            return Response(status_code=503)
        if message_id not in self._seen:
            self._seen.add(message_id)
            self._core.books.file("fulfilments", (book.external_id,), {"id": message_id, **told[1]})
            book.mark("fulfilled")
        return await self._core.wounded(fault, Response(status_code=204))


def _shipped(body: bytes) -> tuple[str, dict[str, Any]] | None:
    """Which order, and what it left with; None where it says something else."""
    try:
        event = json.loads(body)
        data, shipment = event["data"], event["data"]["shipments"][0]
        told = {"tracking_no": str(shipment["tracking_no"]), "company": str(shipment["carrier"])}
        return (str(data["external_order_id"]), told) if event["type"] == "order.shipped" else None
    except (ValueError, KeyError, IndexError, TypeError):
        return None
