"""The hub's and 17TRACK's ways in: consignments that reach many orders, histories of numbers, what nobody believes."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.logistics.commands import BOOK, Book, HandedOver
from services.logistics.providers.seventeentrack import wire
from shared.clock import FrozenClock
from shared.flow.decision import Outcome
from shared.http.again import RETRIES
from shared.http.aliases import Aliases
from shared.http.signatures import sign_standard, standard_secret
from shared.ids import OrderId, parcel_id
from tests.logistics.house import House, eventually
from tests.logistics.shipments import HERE, NOW, ORDER, PARCEL, WAYBILL, mailed

WAREHOUSE, TRACKER = "/webhooks/logistics/warehouse", "/webhooks/logistics/17track"
OTHER = OrderId(f"{ORDER[:-1]}0")


class Partners:
    """Hub and tracker with their true secrets, pushing to the service's doors."""

    def __init__(self, house: House, secrets: Path) -> None:
        self._house = house
        self._warehouse = standard_secret("current", (secrets / "warehouse" / "secret.txt").read_text())
        self._key = (secrets / "17track" / "api_key.txt").read_text().encode()

    async def hub(self, kind: str, **data: Any) -> int:
        body = json.dumps({"type": kind, "timestamp": "2026-03-02T12:30:00Z", "data": data}).encode()
        message_id = f"msg_{kind.rsplit('.', maxsplit=1)[-1]}_{data['consignment_id']}"
        headers = sign_standard([self._warehouse], message_id, self._house.clock.now(), body)
        return (await self._house.client.post(WAREHOUSE, content=body, headers=headers)).status_code

    async def close(self, *parcels: str, name: str = "C1") -> int:
        flight = {"master_bill": f"706{name}", "voyage": "KQ886", "vehicle": "5Y-KZA"}
        at = "2026-03-02T12:00:00Z"
        return await self.hub("consignment.closed", consignment_id=name, **flight, parcels=list(parcels), closed_at=at)

    async def track(self, message: dict[str, Any], *, signed: bool = True) -> int:
        body = json.dumps(message).encode()
        headers = {"sign": wire.signature(self._key, body)} if signed else {}
        return (await self._house.client.post(TRACKER, content=body, headers=headers)).status_code


@pytest.fixture
async def partners(house: House, secrets: Path) -> Partners:
    return Partners(house, secrets)


async def book(house: House, order: OrderId = ORDER, number: str = WAYBILL.number) -> None:
    parcel = parcel_id(order, 1)
    asked = mailed(order_id=order, parcel_id=parcel)
    task = Book(order, parcel, "cainiao", "T1A1", "msa-origin", HERE, "咖啡豆", 900, asked.freight)
    await house.hear(asked, Outcome(BOOK, order, parcel, task, type(WAYBILL)(number)))


async def types(house: House) -> list[str]:
    return [fact.type.removeprefix("logistics.") for fact in await house.spoken()]


def delivered(number: str = WAYBILL.number) -> dict[str, Any]:
    event = {"time_iso": "2026-03-02T20:00:00+08:00", "sub_status": "Delivered_Other", "description": "Delivered"}
    info = {"tracking": {"providers": [{"events": [event]}]}}
    return {"event": "TRACKING_UPDATED", "data": {"number": number, "track_info": info}}


async def test_a_closed_consignment_reaches_every_order_that_it_names(house: House, partners: Partners) -> None:
    await book(house)
    await book(house, OTHER, "TCX2")

    assert await partners.close(PARCEL, parcel_id(OTHER, 1), "P-of-nobody") == 204
    house.service.start(("work",))

    await eventually(lambda: _count(house, "parcel.consolidated"), 2)
    shown = json.loads((await house.ask("/v1/consignments/C1")).content)
    assert ([one["order_id"] for one in shown["parcels"]], shown["strays"]) == ([ORDER, OTHER], ["P-of-nobody"])
    (parcel,) = (await house.shipment(OTHER))["parcels"]
    assert (parcel["consignment"]["consignment_id"], parcel["consignment"]["master_bill"]) == ("C1", "706C1")


async def _count(house: House, name: str) -> int:
    return (await types(house)).count(name)


async def test_a_departure_that_overtakes_its_list_waits_for_it(
    house: House, partners: Partners, clock: FrozenClock
) -> None:
    await book(house)

    assert await partners.hub("consignment.departed", consignment_id="C1", departed_at="2026-03-02T12:00:30Z") == 204
    assert await house.quarantined() == ["flow.early"]
    assert await partners.close(PARCEL) == 204
    house.service.start(("work",))
    clock.skip(timedelta(seconds=60))

    await eventually(lambda: _count(house, "consignment.departed"), 1)
    await eventually(lambda: _count(house, "parcel.advanced"), 1)
    assert await house.quarantined() == []


async def test_a_departure_whose_list_never_comes_is_quarantined_and_leaves_no_work(
    house: House, partners: Partners, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Aliases, "PAUSES", ())
    assert await partners.hub("consignment.departed", consignment_id="C1", departed_at="2026-03-02T12:00:00Z") == 204
    house.service.start(("work",))

    for seconds in (6, *RETRIES):
        clock.skip(timedelta(seconds=seconds + 1))
        await asyncio.sleep(0.5)

    await eventually(lambda: _waiting(house), 0)
    assert await house.quarantined() == ["flow.early"]


async def _waiting(house: House) -> int:
    return len(await house.work())


async def test_too_large_a_push_is_told_so(house: House) -> None:
    answer = await house.client.post(TRACKER, content=b"x" * 300_000, headers={"sign": "x"})

    assert (answer.status_code, await house.rows("SELECT 1 FROM receipts")) == (413, [])


async def test_only_operators_see_a_consignment_and_an_unknown_one_is_not_found(house: House) -> None:
    assert (await house.ask("/v1/consignments/C9")).status_code == 404
    assert (await house.ask("/v1/consignments/C9", role="seller")).status_code == 403


async def test_a_number_is_followed_under_the_trackers_name(house: House, partners: Partners) -> None:
    await book(house)
    await house.hear(HandedOver(ORDER, PARCEL, NOW - timedelta(hours=2)))

    assert await partners.track(delivered()) == 200

    assert await types(house) == ["parcel.booked", "parcel.handed-over", "parcel.delivered"]


async def test_an_unknown_number_is_acknowledged_and_quarantined(house: House, partners: Partners) -> None:
    assert await partners.track(delivered("LZ000")) == 200
    assert await house.quarantined() == ["flow.early"]


async def test_a_push_that_nobody_signed_is_refused_and_not_stored(house: House, partners: Partners) -> None:
    await book(house)

    assert await partners.track(delivered(), signed=False) == 401
    assert await types(house) == ["parcel.booked"]
    assert await house.rows("SELECT 1 FROM receipts WHERE door = '17track'") == []


async def test_a_signed_stop_is_a_case_and_an_unsigned_one_changes_nothing(house: House, partners: Partners) -> None:
    await book(house)
    stop = {"event": "TRACKING_STOPPED", "data": {"number": WAYBILL.number}}

    assert await partners.track(stop, signed=False) == 200
    assert (await house.shipment(ORDER))["cases"] == []
    assert await house.rows("SELECT 1 FROM receipts WHERE door = '17track'") == []
    assert await partners.track(stop) == 200
    assert [case["code"] for case in (await house.shipment(ORDER))["cases"]] == ["tracking_stopped"]


async def test_only_an_operator_declares_a_parcel_lost_and_only_one_that_left(house: House, partners: Partners) -> None:
    await book(house)
    path = f"/v1/orders/{ORDER}/shipment/parcels/{PARCEL}/lost"
    letter: dict[str, Any] = {"content": b'{"reason": "claim 4711"}'}  # without a content type

    assert (await house.ask(path, role="seller", method="POST", **letter)).status_code == 403
    assert (await house.ask(path, method="POST", content=b'{"reason": ""}')).status_code == 400
    assert (await house.ask(path.replace(PARCEL, "OTHER"), method="POST", **letter)).status_code == 404
    assert (await house.ask(path, method="POST", **letter)).status_code == 409
    handed = {"parcel_id": PARCEL, "order_id": ORDER, "handed_over_at": "2026-03-02T11:59:00Z"}
    assert await partners.hub("parcel.handed_over", consignment_id="-", **handed) == 204
    assert (await house.ask(path, method="POST", **letter)).status_code == 202

    assert (await types(house))[-1] == "parcel.lost"


async def test_a_number_that_is_nobodys_is_not_repeated_in_what_is_said_of_it(house: House, partners: Partners) -> None:
    """The bytes are kept sealed; the reason is read by operators and stands in the log."""
    assert await partners.track(delivered("13800138000")) == 200

    [(reason,)] = await house.rows("SELECT reason FROM receipts WHERE door = '17track'")
    assert reason.startswith("flow.early: no parcel of ours is known as sha256:")
    assert "13800138000" not in reason
