"""The other half of the contract: what holds while the server goes away and comes back."""

from __future__ import annotations

import asyncio

import pytest

from shared.broker.ports import BrokerGone
from tests.contracts.broker_contract import World, in_order_once, numbered, reads, seconds_of, works

STOP_SECONDS = {"publisher": 2.0, "subscription": 4.0, "broker": 4.0}
SLACK_SECONDS = 0.5


async def away(world: World, *, how: str) -> None:
    await (world.engine.stop_server() if how == "stopped" else world.engine.kill_server())


class BrokerFaults:
    @pytest.mark.parametrize("how", ["stopped", "killed"])
    async def test_a_server_that_restarts_under_both_loses_and_reorders_nothing(self, world: World, how: str) -> None:
        member, seen = await world.member(), list[bytes]()
        consumer = asyncio.create_task(works(member, seen, lambda: len(set(seen)) >= 300))
        await world.insists(numbered(0, 100), key="one")
        publishing = asyncio.create_task(world.insists(numbered(100, 200), key="one"))
        await away(world, how=how)
        await asyncio.sleep(0.5)
        await world.engine.start_server()
        await publishing
        await world.insists(numbered(200, 300), key="one")
        await consumer

        assert in_order_once(seen) == numbered(0, 300)
        assert await world.left_for(member) == []

    async def test_publishing_without_a_server_fails_in_time_and_works_again_after(self, world: World) -> None:
        await world.publishes([b"before"], key="one")
        await away(world, how="stopped")
        with pytest.raises(BrokerGone):
            await world.publishes([b"during"], key="one")
        seconds = await seconds_of(pytest_raises := asyncio.ensure_future(_fails(world)))
        await world.engine.start_server()

        await world.insists([b"during", b"after"], key="one")

        seen: list[bytes] = []
        await works(await world.member(), seen, lambda: b"after" in seen)
        assert pytest_raises.result()
        assert seconds < 10.0
        assert in_order_once(seen) == [b"before", b"during", b"after"]

    async def test_everything_closes_in_time_without_a_server(self, world: World) -> None:
        member, idle = await world.member(), await world.member("idle-" + world.group)
        await world.publishes(numbered(0, 10))
        assert len(await reads(member, 10)) == 10  # in flight when the server goes
        await idle.fetch(1, 0.1)
        await away(world, how="killed")
        await _fails(world)

        seconds = {
            "publisher": await seconds_of(world.publisher.close()),
            "subscription": await seconds_of(member.close()),
            "broker": await seconds_of(idle.close()),
        }

        assert {what: took for what, took in seconds.items() if took > STOP_SECONDS[what] + SLACK_SECONDS} == {}

    async def test_a_commit_without_a_server_is_broker_gone_and_its_records_come_again(self, world: World) -> None:
        member = await world.member()
        await world.publishes(numbered(0, 5), key="one")
        [*_, fetched] = [await member.fetch(10, 10.0)]
        assert len(fetched.records) == 5
        await away(world, how="stopped")

        with pytest.raises(BrokerGone):
            await member.commit(fetched.offsets(), fetched.epoch)

        await member.close()
        await world.engine.start_server()
        assert await world.left_for(await world.member()) == sorted(numbered(0, 5))

    async def test_fetching_without_a_server_ends_in_time_and_goes_on_after(self, world: World) -> None:
        member = await world.member()
        await member.fetch(1, 0.5)
        await away(world, how="stopped")

        for _ in range(3):
            try:
                assert (await asyncio.wait_for(member.fetch(10, 0.2), 10.0)).records == ()
            except BrokerGone:
                await asyncio.sleep(0.1)
        await world.engine.start_server()

        await world.insists([b"after"])
        seen: list[bytes] = []
        await works(member, seen, lambda: b"after" in seen)
        assert seen[-1:] == [b"after"]


async def _fails(world: World) -> bool:
    try:
        await world.publishes([b"during"], key="one")
    except BrokerGone:
        return True
    return False
