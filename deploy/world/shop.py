"""The shop's side: pushes about orders, and the Admin API that takes fulfilments.

Source: our reference page on marketplaces, section 19. Field names of the GraphQL Admin API are unconfirmed against a
live shop.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from deploy.world import sender, shop_wire, times
from deploy.world.books import OrderBook, Push
from deploy.world.core import SERVER_ERROR, Core
from deploy.world.sender import Delivery
from deploy.world.shop_wire import ShopOrder

Json = dict[str, Any]


class Shop:
    def __init__(self, core: Core) -> None:
        self._core = core

    def delivery(
        self, topic: str, order: ShopOrder, *, cancelled_at: datetime | None = None, forged: bool = False, lost: int = 0
    ) -> tuple[str, Delivery]:
        """Event id and delivery. Retries carry the same bytes and the same headers, whatever time it is by then."""
        core, event_id = self._core, str(uuid4())
        body = shop_wire.encode(shop_wire.payload(order, cancelled_at=cancelled_at))
        headers = shop_wire.headers(
            topic,
            body,
            secret=b"shpss_somebody_else" if forged else core.keys.app_secret,
            shop=core.keys.shop_domain,
            version=core.config.shop.api_version,
            event_id=event_id,
            at=times.now(),
        )
        return event_id, Delivery(core.config.doors.shopify, lambda: (headers, body), sender.SHOPIFY, lost=lost)

    async def push(self, book: OrderBook, topic: str, order: ShopOrder, **more: Any) -> bool:  # noqa: ANN401
        """Until acknowledged; a duplicate, where planned, goes out after the first was taken."""
        event_id, delivery = self.delivery(topic, order, **more)
        wanted = "refusal" if more.get("forged") else "ack"
        push = self._core.books.push((book.external_id,), Push(f"shopify {topic}", event_id, wanted=wanted))
        taken = await self._core.sender.deliver(push, delivery)
        if "duplicate_pushes" in book.plan and wanted == "ack":
            again = self._core.books.push((book.external_id,), Push(f"shopify {topic}", event_id))
            self._core.sender.start(again, delivery)
        return taken

    async def graphql(self, request: Request) -> Response:
        """POST /admin/api/<version>/graphql.json: the order's shipping, and fulfillmentCreate."""
        if request.headers.get("x-shopify-access-token") != self._core.keys.admin_token:
            self._core.distrust("shopify", "access token")
            return _json({"errors": "[API] Invalid API key or access token"}, 401)
        asked = _object(await request.body())
        query, variables = str(asked.get("query", "")), asked.get("variables")
        if not isinstance(variables, dict):
            return _json({"errors": [{"message": "variables missing"}]})
        if "fulfillmentCreate" in query:
            return await self._create(variables)
        if "fulfillmentOrders" in query:
            return _json({"data": {"order": self._shipping(str(variables.get("id", "")))}})
        return _json({"errors": [{"message": "unknown query"}]})

    def _shipping(self, gid: str) -> Json | None:
        """One fulfilment order per order, under the order's own number."""
        book = self._core.books.find(_number(gid))
        if book is None:
            return None
        made = book.shelves["fulfilments"]
        node = {"id": f"gid://shopify/FulfillmentOrder/{book.external_id}", "status": "CLOSED" if made else "OPEN"}
        done = [
            {"id": one["id"], "status": "SUCCESS", "trackingInfo": [{"number": one["tracking_no"]}]} for one in made
        ]
        return {"fulfillmentOrders": {"nodes": [node]}, "fulfillments": done}

    async def _create(self, variables: Json) -> Response:
        wish = variables.get("fulfillment") or {}
        items = wish.get("lineItemsByFulfillmentOrder") or [{}]
        book = self._core.books.find(_number(str(items[0].get("fulfillmentOrderId", ""))))
        if book is None:
            return _refused("fulfillment order does not exist")
        fault = self._core.fault("shopify.fulfil", book.external_id)
        if fault == SERVER_ERROR:
            return Response(status_code=503)
        if book.shelves["fulfilments"]:
            book.notes.append("a second fulfilment was asked for and refused")
            return _refused("fulfillment order is not in an open state")
        return await self._core.wounded(fault, self._fulfil(book, wish.get("trackingInfo") or {}))

    def _fulfil(self, book: OrderBook, tracking: Json) -> Response:
        entry = {
            "id": f"gid://shopify/Fulfillment/{book.external_id}1",
            "tracking_no": str(tracking.get("number", "")),
            "company": str(tracking.get("company", "")),
        }
        self._core.books.file("fulfilments", (book.external_id,), entry)
        book.mark("fulfilled")
        made = {"id": entry["id"], "status": "SUCCESS"}
        return _json({"data": {"fulfillmentCreate": {"fulfillment": made, "userErrors": []}}})


def _number(gid: str) -> str:
    return gid.rsplit("/", 1)[-1]


def _object(body: bytes) -> Json:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _refused(message: str) -> Response:
    errors = [{"field": ["fulfillment"], "message": message}]
    return _json({"data": {"fulfillmentCreate": {"fulfillment": None, "userErrors": errors}}})


def _json(value: Json, status: int = 200) -> Response:
    return Response(json.dumps(value, ensure_ascii=False).encode(), status, media_type="application/json")
