"""The wire breaks at every single message, before it arrives or before its answer does: as if it never had."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from asyncpg import Connection

from shared.broker.embedded import EmbeddedBroker
from shared.broker.ports import BrokerGone, StaleEpoch
from shared.db.engine import Database, DatabaseGone
from shared.flow.intake import Intake
from shared.flow.relay import Relay
from shared.telemetry import Telemetry
from tests.flow.conftest import MakeRunner
from tests.flow.outside import Outside, worker
from tests.flow.proxy import Cut, Proxy
from tests.flow.seen import count, first_seen, parked, published, run, until, words
from tests.flow.toy import lifted, receipt, set_

both = pytest.mark.parametrize("cut", Cut)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.flow.runner.PAUSES", (0.0,))
    monkeypatch.setattr("shared.flow.relay.AGAIN_SECONDS", 0.0)
    for polling in ("relay.BUSY_SECONDS", "work.IDLE_SECONDS"):
        monkeypatch.setattr(f"shared.flow.{polling}", 0.01)


async def each_message(proxy: Proxy, cut: Cut, scene: Callable[[str], Awaitable[None]]) -> int:
    """Play the scene with the wire broken at its 1st, 2nd … message, until it ends before that. Says how often."""
    for n in range(1, 200):
        proxy.cut_at(n, cut)
        async with asyncio.timeout(10):
            await scene(f"lane{n}")
        if proxy.cuts < n:
            return n - 1
    raise AssertionError("a scene of 200 messages")


@both
async def test_a_batch_of_facts(cut: Cut, database: Database, make_runner: MakeRunner, look: Connection) -> None:
    async def scene(lane: str) -> None:
        runner = make_runner(at=behind)
        await run(runner, set_(lane, "1"), set_(lane, "timer"), lifted(lane, "2"), set_(lane + "x", "permanent"))
        runner.drop()
        assert await words(look, lane) == ["1", "timer"]

    async with Proxy.before(database) as (proxy, behind):
        cuts = await each_message(proxy, cut, scene)

    assert cuts > 8
    scenes = cuts + 1
    assert await count(look, "outbox") == 2 * scenes
    assert await count(look, "work") == scenes
    assert sorted({state for _, state in await parked(look)}) == ["dead", "early"]
    assert len(await parked(look)) == 2 * scenes


@both
async def test_a_replay(cut: Cut, database: Database, make_runner: MakeRunner, look: Connection) -> None:
    async def scene(lane: str) -> None:
        await run(make_runner(), set_(lane, "permanent"), set_(lane, "2"), set_(lane, "permanent"))
        await look.execute(
            "UPDATE parked SET value = $2 WHERE seq = (SELECT min(seq) FROM parked WHERE lane = $1)",
            lane,
            set_(lane, "1").model_dump_json().encode(),
        )
        runner = make_runner(at=behind)
        await runner.repeat(lambda c: runner.applier.replay(c, [lane], runner.clock.now()))
        runner.drop()
        assert await words(look, lane) == ["1", "2"]
        assert await look.fetchval("SELECT string_agg(state, ',') FROM parked WHERE lane = $1", lane) == "dead"

    async with Proxy.before(database) as (proxy, behind):
        assert await each_message(proxy, cut, scene) > 6


@both
async def test_a_request_that_is_sent_until_it_is_answered(
    cut: Cut, database: Database, make_runner: MakeRunner, look: Connection
) -> None:
    async def scene(lane: str) -> None:
        runner, stopping = make_runner(at=behind), asyncio.Event()
        intake = Intake([runner], Telemetry("toy"))
        task = asyncio.create_task(intake.run(stopping))
        result = await intake.accept(receipt(lane, "1", key=lane))
        assert result.reply is not None
        assert result.reply.body == b"1"
        stopping.set()
        await task
        assert await words(look, lane) == ["1"]

    async with Proxy.before(database) as (proxy, behind):
        cuts = await each_message(proxy, cut, scene)

    assert cuts > 8
    assert await count(look, "receipts") == await count(look, "outbox") == cuts + 1


@both
async def test_a_call_and_its_outcome(
    cut: Cut, monkeypatch: pytest.MonkeyPatch, database: Database, make_runner: MakeRunner, look: Connection
) -> None:
    monkeypatch.setattr("shared.flow.work.LEASE", timedelta(seconds=0.5))  # one whose answer was lost has to run out
    outside = Outside()

    async def scene(lane: str) -> None:
        await run(make_runner(), set_(lane, "pay:1"))
        async with worker(lambda: make_runner(at=behind), outside):
            await until(lambda: look.fetchval("SELECT n = 2 FROM counters WHERE key = $1", lane))
        assert await words(look, lane) == ["pay:1", "paid"]

    async with Proxy.before(database) as (proxy, behind):
        cuts = await each_message(proxy, cut, scene)

    assert cuts > 10
    assert await count(look, "work") == 0
    # How often one is sent is row 9's business (the lease here is short); that it took effect once is shown above.
    assert set(outside.asked) == {f"lane{n}/1" for n in range(1, cuts + 2)}


async def published_once(relay: Relay, look: Connection) -> None:
    stopping = asyncio.Event()
    task = asyncio.create_task(relay.run(stopping))
    await until(lambda: look.fetchval("SELECT count(*) = 0 FROM outbox"))
    stopping.set()
    await task


@both
async def test_a_relay_and_its_database(
    cut: Cut,
    database: Database,
    broker: EmbeddedBroker,
    make_runner: MakeRunner,
    look: Connection,
    look_log: Connection,
) -> None:
    async def scene(lane: str) -> None:
        await run(make_runner(), set_(lane, f"{lane}.1"), set_(lane, f"{lane}.2"))
        await published_once(Relay(behind, broker, Telemetry("toy")), look)

    async with Proxy.before(database) as (proxy, behind):
        cuts = await each_message(proxy, cut, scene)

    assert cuts > 4
    wanted = [f"lane{n}.{k}" for n in range(1, cuts + 2) for k in (1, 2)]
    assert first_seen(await published(look_log)) == wanted


@both
async def test_a_relay_and_its_log(
    cut: Cut,
    database: Database,
    broker: EmbeddedBroker,
    make_runner: MakeRunner,
    look: Connection,
    look_log: Connection,
) -> None:
    async def scene(lane: str) -> None:
        await run(make_runner(), set_(lane, f"{lane}.1"), set_(lane, f"{lane}.2"))
        await published_once(Relay(database, EmbeddedBroker(behind, broker.limits), Telemetry("toy")), look)

    async with Proxy.before(broker.database) as (proxy, behind):
        cuts = await each_message(proxy, cut, scene)

    assert cuts > 3
    wanted = [f"lane{n}.{k}" for n in range(1, cuts + 2) for k in (1, 2)]
    assert first_seen(await published(look_log)) == wanted


@both
async def test_a_group_that_reads_the_log(cut: Cut, broker: EmbeddedBroker, look_log: Connection) -> None:
    async def scene(lane: str) -> None:
        group = f"group of {lane}"
        subscription = await EmbeddedBroker(behind, broker.limits).subscribe(group, ["orders.order"])
        while await look_log.fetchval("SELECT max(position) FROM cursors WHERE grp = $1", group) != 3:
            try:
                fetched = await subscription.fetch(10, 0.05)
                if fetched.records:
                    assert [record.offset for record in fetched.records][-1] == 3
                    await subscription.commit(fetched.offsets(), fetched.epoch)
            except (BrokerGone, StaleEpoch):
                subscription.rewind()
        await subscription.close()

    await look_log.execute(
        "INSERT INTO log (topic, key, headers, value) SELECT 'orders.order', 'a', '', '' FROM generate_series(1, 3)"
    )
    async with Proxy.before(broker.database) as (proxy, behind):
        assert await each_message(proxy, cut, scene) > 6


@both
async def test_connecting_itself(cut: Cut, database: Database) -> None:
    @asynccontextmanager
    async def connected(at: Database) -> AsyncIterator[Connection]:
        connection = await at.connect(role="connecting")
        yield connection
        await connection.close()

    async def scene(_: str) -> None:
        try:
            async with connected(behind):
                return
        except DatabaseGone:
            return

    async with Proxy.before(database) as (proxy, behind):
        assert await each_message(proxy, cut, scene) >= 3
