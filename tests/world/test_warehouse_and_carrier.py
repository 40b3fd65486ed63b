"""Warehouse and Cainiao at their doors: bookings once per parcel, exits only while authorised."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from deploy.world import link, standard_webhooks, times
from deploy.world.app import World
from deploy.world.books import OrderBook
from deploy.world.plan import plan_of
from services.logistics.providers.cainiao import wire as our_wire

BOOKING = {
    "parcelId": "P1",
    "orderNo": "T1",
    "consignee": "林测试",
    "consigneeTelephone": "10000000001",
    "consigneeAddress": "福建省福州市测试路1号",
    "weight": "0.307",
}


class Logistics:
    """Our logistics service's voice."""

    def __init__(self, doors: httpx.AsyncClient, world: World) -> None:
        self._doors, self.world, self._keys = doors, world, world.core.keys

    async def ask(self, msg_type: str, content: dict[str, Any], *, secret: str = "") -> bytes:
        secret = secret or self._keys.cainiao_secret
        body = link.form(msg_type, content, secret=secret, partner="P", from_code="X")
        return (await self._doors.post("/cainiao/link", content=body)).content

    async def book(self, **more: str) -> str:
        return our_wire.parse_booking("P1", await self.ask("CORRIDOR_WAYBILL_BOOK", {**BOOKING, **more})).waybill_no

    async def void(self) -> bytes:
        return await self.ask("CORRIDOR_WAYBILL_CANCEL", {"parcelId": "P1", "logisticsNo": "x"})

    async def tell_warehouse(self, kind: str, message_id: str, *, secret: str = "") -> int:
        lines = [{"sku": "KE-COF-227", "quantity": 2, "lot": "L"}]
        data = {"order_id": "O1", "parcel_id": "P1", "lines": lines, "dossier_version": 1}
        body = json.dumps({"type": kind, "timestamp": "2026-03-01T00:00:00.000Z", "data": data}).encode()
        headers = standard_webhooks.headers(secret or self._keys.warehouse_secret, message_id, times.epoch(), body)
        return (await self._doors.post("/warehouse/events", content=body, headers=headers)).status_code

    async def wait(self, seconds: float = 0.5) -> None:
        await asyncio.sleep(seconds)

    def shelf(self, name: str) -> list[dict[str, Any]]:
        return self.world.core.books.orders["7"].shelves[name]


@pytest.fixture
def logistics(doors: httpx.AsyncClient, world: World) -> Logistics:
    book = world.core.books.open(OrderBook("7", plan_of(), 12900, "CNY", []))
    for number in ("T1", "O1"):
        world.core.books.alias(book, number)
    return Logistics(doors, world)


async def test_a_parcel_has_one_waybill_however_often_it_is_booked(logistics: Logistics) -> None:
    numbers = {await logistics.book(), await logistics.book(), await logistics.book(consigneeAddress="别处")}
    await logistics.wait()

    assert len(numbers) == len(logistics.shelf("waybills")) == 1
    assert {one["key"] for one in logistics.shelf("documents")} == numbers


async def test_a_voided_waybill_stays_dead_and_the_parcel_gets_a_new_one(logistics: Logistics) -> None:
    first = await logistics.book()
    answers = [await logistics.void(), await logistics.void()]
    second = await logistics.book()

    assert answers == [link.ACCEPTED, link.ACCEPTED]
    assert first != second
    assert [one["voided"] for one in logistics.shelf("waybills")] == [True, False]


async def test_a_booking_without_an_address_is_refused(logistics: Logistics) -> None:
    answer = json.loads(await logistics.ask("CORRIDOR_WAYBILL_BOOK", {**BOOKING, "consigneeAddress": ""}))

    assert (answer["success"], answer["errorCode"]) == ("false", "S03")


async def test_a_wrong_digest_or_an_unknown_type_is_refused(logistics: Logistics) -> None:
    wrong = json.loads(await logistics.ask("CORRIDOR_WAYBILL_BOOK", BOOKING, secret="wrong"))
    unknown = json.loads(await logistics.ask("SOMETHING_ELSE", BOOKING))

    assert (wrong["errorCode"], unknown["errorCode"]) == ("S02", "S05")
    assert logistics.shelf("waybills") == []


async def test_an_authorised_parcel_is_packed_leaves_and_is_carried(logistics: Logistics) -> None:
    await logistics.book()
    assert [await logistics.tell_warehouse("exit.authorised", "m1") for _ in range(2)] == [204, 204]
    await logistics.wait()
    packed = [push.kind for push in logistics.world.core.books.orders["7"].pushes]

    assert "warehouse parcel.packed" in packed
    assert [one["grams"] for one in logistics.shelf("packed")] == [534]
    assert len(logistics.shelf("exit_messages")) == 1


async def test_a_withdrawn_parcel_does_not_leave(logistics: Logistics) -> None:
    await logistics.book()
    await logistics.tell_warehouse("exit.authorised", "m1")
    await logistics.tell_warehouse("exit.withdrawn", "m2")
    await logistics.wait()

    assert (logistics.shelf("exits"), logistics.shelf("packed")) == ([], [])


async def test_the_warehouse_believes_nobody_without_its_secret(logistics: Logistics) -> None:
    wrong = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

    assert await logistics.tell_warehouse("exit.authorised", "m1", secret=wrong) == 401
    assert logistics.shelf("exit_messages") == []
