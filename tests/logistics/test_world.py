"""Against the partners' world over real HTTP: waybill, gate, corrections and taking back in the bonded flow."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from deploy.world.config import Durations
from tests.logistics.house import eventually
from tests.logistics.shipments import ORDER, PARCEL, amended, assigned, authorised, cancelled, requested, withdrawn
from tests.logistics.worldly import SCALE, Chain

SCANS = ["picked_up", "arrived_destination", "destination_hub_in", "out_for_delivery"]
BOOKED = ["booked", "waybill-document.accepted"]


async def test_one_parcel_from_the_booking_to_the_delivery(chain: Chain) -> None:
    await chain.house.hear(requested(recipient=chain.recipient()))
    await eventually(chain.story, BOOKED)
    await chain.house.hear(authorised())
    await eventually(lambda: _count(chain), 9)

    story = await chain.story()
    assert story[:4] == [*BOOKED, "packed", "exited"]
    assert sorted(story[4:]) == sorted([*SCANS, "delivered"])
    assert await chain.refused() == []
    assert await chain.house.work() == []
    assert await chain.house.quarantined() == []
    assert (await chain.house.shipment(ORDER))["cases"] == []


async def _count(chain: Chain) -> int:
    return len(await chain.story())


async def test_a_corrected_address_is_declared_anew(chain: Chain) -> None:
    await chain.house.hear(requested(recipient=chain.recipient()))
    await eventually(chain.story, BOOKED)

    there = chain.recipient("测试路2号")
    await chain.house.hear(amended(there))

    await eventually(chain.story, [*BOOKED, "waybill-document.accepted"])
    told = [getattr(fact, "recipient_fingerprint", "") for fact in await chain.house.spoken()]
    assert told[-1] == there.fingerprint != told[1]
    assert await chain.refused() == []


async def test_a_waybill_is_voided_at_the_carrier(chain: Chain) -> None:
    await chain.house.hear(requested(recipient=chain.recipient()), cancelled())

    await eventually(lambda: _tail(chain), ["booked", "voided"])

    assert chain.world.cainiao._by_parcel[PARCEL].state == "void"
    assert await chain.house.work() == []


async def _open(chain: Chain) -> int:
    return len(await chain.house.work())


async def _tail(chain: Chain) -> list[str]:
    return [name for name in await chain.story() if name != "waybill-document.accepted"]


async def test_a_parcel_that_left_is_brought_back(chain: Chain) -> None:
    await chain.house.hear(requested(recipient=chain.recipient()))
    await eventually(chain.story, BOOKED)
    await chain.house.hear(authorised())
    await eventually(lambda: _has(chain, "exited"), True)

    await chain.house.hear(cancelled())

    await eventually(lambda: _has(chain, "returned"), True)
    assert await _has(chain, "delivered") is False
    assert await _open(chain) == 0
    assert await chain.refused() == []


async def _has(chain: Chain, name: str) -> bool:
    return name in await chain.story()


async def test_a_parcel_refused_at_the_door_comes_back(chain: Chain) -> None:
    chain.plans("refused_at_door")
    await chain.house.hear(requested(recipient=chain.recipient()))
    await eventually(chain.story, BOOKED)
    await chain.house.hear(authorised())

    await eventually(lambda: _has(chain, "returned"), True)

    assert (await chain.story())[4:] == [*SCANS, "delivery_attempt_failed", "return_in_transit", "returned"]


async def test_the_channels_own_waybill_is_followed_by_its_number(chain: Chain) -> None:
    chain.plans()
    number = chain.world.cainiao.assign(f"ext-{ORDER}")
    await chain.house.hear(assigned(number), authorised())

    await eventually(lambda: _has(chain, "delivered"), True)

    assert sorted((await chain.story())[:3]) == ["booked", "exited", "packed"]
    assert chain.world.core.books.orders[f"ext-{ORDER}"].shelves["documents"] == []
    assert await chain.refused() == []


class TestWithdrawn:
    @pytest.fixture
    async def durations(self) -> Durations:
        return replace(Durations(), packing=0.2 * SCALE, exit=0.2 * SCALE)

    async def test_a_withdrawn_exit_stops_the_parcel_at_the_gate(self, chain: Chain) -> None:
        await chain.house.hear(requested(recipient=chain.recipient()))
        await eventually(chain.story, BOOKED)

        await chain.house.hear(authorised(), withdrawn())
        await eventually(lambda: _open(chain), 0)
        await asyncio.sleep(0.6)  # longer than packing and the gate take

        assert await chain.story() == BOOKED
        assert chain.world.warehouse._parcels[PARCEL].state == "withdrawn"
        exit_shown = (await chain.house.shipment(ORDER))["parcels"][0]["exit"]
        assert (exit_shown["authorised"], exit_shown["warehouse_knows"]) == (False, True)
