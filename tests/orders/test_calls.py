"""What orders does outside: the channel hears of the shipment, once, and every ending comes back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from services.orders.commands import ConfirmShipment
from services.orders.order import ORDER as STATE
from services.orders.tables import TABLES
from shared.flow.decision import Work
from tests.orders import facts
from tests.orders.shopfront import Shopfront
from tests.orders.story import Story

LOOK = {
    "data": {
        "order": {
            "fulfillmentOrders": {"nodes": [{"id": "gid://shopify/FulfillmentOrder/1", "status": "OPEN"}]},
            "fulfillments": [],
        }
    }
}
MADE = {
    "data": {
        "fulfillmentCreate": {
            "fulfillment": {"id": "gid://shopify/Fulfillment/1", "status": "SUCCESS"},
            "userErrors": [],
        }
    }
}


class Admin:
    """The shop's Admin API; `refuses` answers every question with 403."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses, self.asked = refuses, list[str]()

    def handle(self, request: httpx.Request) -> httpx.Response:
        body: dict[str, Any] = json.loads(request.content)
        self.asked.append(f"{request.headers['x-shopify-access-token']} {request.url}")
        if self.refuses:
            return httpx.Response(403)
        return httpx.Response(200, json=MADE if "fulfillmentCreate" in body["query"] else LOOK)


async def exited(shop: Shopfront, admin: Admin, connection: str = "") -> None:
    """An order whose parcel left, stored as it would be, and its work done."""
    service = shop.running.service
    service.resources.http._transport, service.resources.http._mounts = httpx.MockTransport(admin.handle), {}
    story = Story.placed().releases()
    story.hears(facts.packed(), facts.exited())
    work = story.work["confirm-shipment", facts.PARCEL]
    if connection:
        assert isinstance(work.task, ConfirmShipment)
        work = Work(work.kind, work.lane, work.due_at, with_connection(work.task, connection), work.name)
    await store(shop, story, work)
    service.start(("work",))
    for _ in range(200):
        if await shop.running.rows("SELECT count(*) FROM work") == [(0,)]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the work is not done")


def with_connection(task: ConfirmShipment, connection: str) -> ConfirmShipment:
    return ConfirmShipment(task.order_id, task.parcel_id, connection, task.external_id, task.carrier, task.waybill_no)


async def store(shop: Shopfront, story: Story, work: Work) -> None:
    key, body, *columns = TABLES[0].row(STATE.key(facts.ORDER)[1], story.order)
    async with shop.running.service.resources.database.connected(role="test") as connection:
        await connection.execute("INSERT INTO orders VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", key, body, *columns)
        await connection.execute(
            "INSERT INTO work (kind, lane, name, task, due_at, cause_id, traceparent)"
            " VALUES ($1, $2, $3, $4, $5, '', '')",
            work.kind, work.lane, work.name, json.dumps(vars_of(work.task)).encode(), work.due_at,
        )  # fmt: skip


def vars_of(task: object) -> dict[str, Any]:
    return {name: getattr(task, name) for name in getattr(task, "__slots__")}  # noqa: B009


async def test_the_shop_hears_of_the_exit_once_with_its_own_token(shop: Shopfront) -> None:
    admin = Admin()

    await exited(shop, admin)

    assert admin.asked == ["shpat https://shop.test/admin/api/2026-01/graphql.json"] * 2  # it looks, then it makes
    order = await shop.order(facts.ORDER)
    assert order["parcels"][facts.PARCEL]["confirmed"] == "yes"
    assert [fact.type for fact in await shop.running.spoken()] == ["orders.order.shipment-confirmed"]


@pytest.mark.parametrize(("connection", "asked"), [("", 1), ("forgotten", 0)])
async def test_a_shop_that_refuses_or_is_forgotten_leaves_a_hold(shop: Shopfront, connection: str, asked: int) -> None:
    admin = Admin(refuses=True)

    await exited(shop, admin, connection)

    assert len(admin.asked) == asked
    order = await shop.order(facts.ORDER)
    assert (order["holds"], order["parcels"][facts.PARCEL]["confirmed"]) == (["shipment_unconfirmed"], "refused")
