"""Direct mail against the partners' world over real HTTP: origin, hub, flight, supervised site, 17TRACK."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from deploy.world.config import Durations
from shared.events.logistics import ParcelConsolidated, ParcelPacked, WaybillDocumentAccepted
from shared.ids import OrderId, parcel_id
from tests.logistics.house import eventually
from tests.logistics.shipments import ORDER, PARCEL, amended, authorised, cancelled, mailed
from tests.logistics.worldly import Chain, short

FLOWN = [
    "booked", "waybill-document.accepted", "packed", "handed-over", "picked_up", "consignment.closed", "consolidated",
    "consignment.departed", "departed_origin", "consignment.arrived", "arrived_destination",
]  # fmt: skip
LAST_MILE = ["import_customs_released", "in_transit", "out_for_delivery"]


async def has(chain: Chain, *names: str) -> bool:
    return set(names) <= set(await chain.story())


async def quiet(chain: Chain) -> None:
    """Nobody has anything to say or to ask any more."""
    await eventually(lambda: _busy(chain), 0, seconds=20)


async def _busy(chain: Chain) -> int:
    asked = [kind for kind, _ in await chain.house.work() if kind != "watch-parcel"]
    return chain.world.core.sender.busy + len(asked)


async def test_it_is_packed_and_flown_and_waits_at_the_site_until_it_may_leave(chain: Chain) -> None:
    chain.plans()
    await chain.house.hear(mailed(recipient=chain.recipient()))

    await eventually(lambda: has(chain, "arrived_destination", "picked_up"), True)
    await quiet(chain)
    assert sorted(await chain.story()) == sorted(FLOWN)

    await chain.house.hear(authorised())
    await eventually(lambda: has(chain, "delivered"), True)
    await quiet(chain)

    assert sorted(await chain.story()) == sorted([*FLOWN, "exited", *LAST_MILE[::2], "delivered"])
    assert await chain.refused() == []
    assert await chain.house.quarantined() == []
    (parcel,) = (await chain.house.shipment(ORDER))["parcels"]
    assert parcel["consignment"]["master_bill"].startswith("706")
    assert (await chain.house.shipment(ORDER))["cases"] == []


async def test_its_weight_is_what_the_origin_measured(chain: Chain) -> None:
    book = chain.plans()
    await chain.house.hear(mailed(recipient=chain.recipient()))
    await eventually(lambda: has(chain, "packed"), True)

    (packed,) = [fact for fact in await chain.house.spoken() if isinstance(fact, ParcelPacked)]

    assert [packed.gross_grams] == [entry["grams"] for entry in book.shelves["packed"]]


async def test_an_authorisation_that_comes_before_the_flight_lands_is_remembered_by_the_gate(chain: Chain) -> None:
    chain.plans()
    await chain.house.hear(mailed(recipient=chain.recipient()))
    await eventually(lambda: has(chain, "handed-over"), True)

    await chain.house.hear(authorised())
    await eventually(lambda: has(chain, "delivered"), True, seconds=20)

    story = await chain.story()
    assert story.index("consignment.arrived") < story.index("exited")


async def test_a_recipient_corrected_on_the_way_is_declared_anew_under_the_same_number(chain: Chain) -> None:
    chain.plans()
    await chain.house.hear(mailed(recipient=chain.recipient()))
    await eventually(lambda: has(chain, "arrived_destination", "waybill-document.accepted"), True)

    there = chain.recipient("测试路2号")
    await chain.house.hear(amended(there))
    await eventually(lambda: _count(chain, "waybill-document.accepted"), 2)
    await chain.house.hear(authorised())
    await eventually(lambda: has(chain, "delivered"), True)
    await quiet(chain)

    taken = [fact for fact in await chain.house.spoken() if isinstance(fact, WaybillDocumentAccepted)]
    assert (taken[1].recipient_fingerprint, len({fact.waybill_no for fact in taken})) == (there.fingerprint, 1)
    assert (await _count(chain, "booked"), await chain.refused()) == (1, [])
    assert (await chain.house.shipment(ORDER))["cases"] == []


async def test_an_offloaded_parcel_flies_with_the_next_consignment(chain: Chain) -> None:
    book = chain.plans("bag_offloaded")
    await chain.house.hear(mailed(recipient=chain.recipient()))
    await eventually(lambda: has(chain, "arrived_destination"), True, seconds=20)
    await quiet(chain)

    taken = [fact for fact in await chain.house.spoken() if isinstance(fact, ParcelConsolidated)]
    assert len({fact.consignment_id for fact in taken}) == len(taken) == 2
    assert [fact.master_bill for fact in taken] == [one["master_bill"] for one in book.shelves["consolidations"]]
    assert (await chain.story()).count("departed_origin") == 1


async def test_many_parcels_share_a_consignment_of_twenty(chain: Chain) -> None:
    orders = [OrderId(f"{ORDER[:-2]}{number:02d}") for number in range(23)]
    whom = chain.recipient()
    await chain.house.hear(
        *(
            mailed(order_id=order, parcel_id=parcel_id(order, 1), order_no=f"T{order}", recipient=whom)
            for order in orders
        )
    )

    await eventually(lambda: _count(chain, "arrived_destination"), 23, seconds=30)

    sizes = [getattr(fact, "parcels", 0) for fact in await chain.house.spoken()]
    assert sum(sizes) == 23
    assert max(sizes) <= 20


async def _count(chain: Chain, name: str) -> int:
    return (await chain.story()).count(name)


class TestSlow:
    """A day in the hub and at the gate is long enough to change one's mind."""

    @pytest.fixture
    async def durations(self) -> Durations:
        return replace(Durations(), packing=43_200, consolidation=43_200)

    async def test_what_the_origin_has_not_handed_over_goes_back_to_the_shelf(self, chain: Chain) -> None:
        chain.plans()
        await chain.house.hear(mailed(recipient=chain.recipient()))
        await eventually(lambda: has(chain, "booked"), True)

        await chain.house.hear(cancelled())
        await eventually(lambda: has(chain, "voided"), True)
        await quiet(chain)

        assert [name for name in await chain.story() if name != "waybill-document.accepted"] == ["booked", "voided"]

    async def test_what_waits_in_the_hub_is_brought_back_and_never_flies(self, chain: Chain) -> None:
        chain.plans()
        await chain.house.hear(mailed(recipient=chain.recipient()))
        await eventually(lambda: has(chain, "handed-over"), True)

        await chain.house.hear(cancelled())
        await eventually(lambda: has(chain, "returned"), True)
        await quiet(chain)

        assert not await has(chain, "departed_origin")
        assert chain.world.cainiao._by_parcel[PARCEL].state == "returned"


async def test_a_parcel_at_the_site_is_brought_back_without_passing_the_gate(chain: Chain) -> None:
    chain.plans()
    await chain.house.hear(mailed(recipient=chain.recipient()))
    await eventually(lambda: has(chain, "consignment.arrived"), True)

    await chain.house.hear(cancelled())
    await eventually(lambda: has(chain, "returned"), True)
    await chain.house.hear(authorised())
    await asyncio.sleep(0.2)
    await quiet(chain)

    assert not await has(chain, "exited")


ENDS = {
    "refused_at_door": ["delivery_attempt_failed", "return_in_transit", "returned"],
    "lost_parcel": ["lost"],
    "lost_and_found": ["lost", "delivered"],
    "tracking_reversed": ["delivered"],
    "slow_booking": ["delivered"],
}


async def test_the_last_mile_ends_as_the_world_plans(chain: Chain) -> None:
    orders = {OrderId(f"{ORDER[:-1]}{number}"): plan for number, plan in enumerate(ENDS)}
    whom = chain.recipient()
    for order, plan in orders.items():
        chain.plans(plan, order=order)
        asked = mailed(order_id=order, parcel_id=parcel_id(order, 1), order_no=f"T-{order}", recipient=whom)
        await chain.house.hear(asked, authorised(order=order))

    wanted = {str(order): ENDS[plan] for order, plan in orders.items()}
    await eventually(lambda: _ends(chain), wanted, seconds=40)
    await quiet(chain)

    assert await _ends(chain) == wanted
    assert await chain.refused() == []


async def _ends(chain: Chain) -> dict[str, list[str]]:
    """How each order's parcel ended, in the order of the words."""
    known, ends = {name for names in ENDS.values() for name in names}, dict[str, list[str]]()
    for fact in await chain.house.spoken():
        if (name := short(fact)) in known:
            ends.setdefault(getattr(fact, "order_id", ""), []).append(name)
    return ends
