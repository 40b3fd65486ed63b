"""From the outbox to the log: everything, in order per key, whatever fails meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from asyncpg import Connection

from shared.broker.embedded import EmbeddedBroker
from shared.broker.ports import BrokerGone, Message, Publisher
from shared.db.engine import Database
from shared.flow.apply import Applier
from shared.flow.headers import unpack
from shared.flow.relay import LEADER_LOCK, Relay
from shared.telemetry import Telemetry
from tests.flow import mutants
from tests.flow.conftest import MakeRunner
from tests.flow.mutants import Break, against, real
from tests.flow.pauses import Paused
from tests.flow.proxy import Cut, Proxy
from tests.flow.seen import first_seen, published, run, until
from tests.flow.toy import set_


@asynccontextmanager
async def relaying(*relays: Relay) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(relay.run(stopping)) for relay in relays]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.flow.relay.AGAIN_SECONDS", 0.02)


@pytest.fixture
def relay(database: Database, broker: EmbeddedBroker) -> Relay:
    return Relay(database, broker, Telemetry("toy"))


async def emptied(look: Connection) -> None:
    await until(lambda: look.fetchval("SELECT count(*) = 0 FROM outbox"))


@against(mutants.cursor_relay)
async def test_a_row_that_becomes_visible_late_is_not_overlooked(
    flow: Break,
    monkeypatch: pytest.MonkeyPatch,
    make_runner: MakeRunner,
    applier: Applier,
    relay: Relay,
    look: Connection,
    look_log: Connection,
) -> None:
    flow(monkeypatch)
    publisher = await relay.broker.publisher()
    paused = Paused.of(applier, "written")
    late = asyncio.create_task(run(make_runner(paused), set_("a", "late")))
    await paused.reached.wait()
    await run(make_runner(), set_("b", "soon"))
    await relay.publish_run(look, publisher)
    paused.go.set()
    await late
    await relay.publish_run(look, publisher)

    assert first_seen(await published(look_log)) == (["soon", "late"] if flow is real else ["soon"])


@dataclass
class Held:
    """The real publisher, that waits before it sends."""

    publisher: Publisher
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self, messages: Sequence[Message]) -> None:
        self.reached.set()
        await self.go.wait()
        await self.publisher.publish(messages)

    async def close(self) -> None:
        await self.publisher.close()


@against(mutants.relays_share)
async def test_two_relays_without_a_leader_may_repeat_but_not_reorder(
    flow: Break,
    monkeypatch: pytest.MonkeyPatch,
    make_runner: MakeRunner,
    relay: Relay,
    database: Database,
    look: Connection,
    look_log: Connection,
) -> None:
    flow(monkeypatch)
    await run(make_runner(), set_("a", "1"), set_("a", "2"))
    slow = Held(await relay.broker.publisher())
    async with database.connected(role="other relay") as other:
        one = asyncio.create_task(relay.publish_run(other, slow))
        await slow.reached.wait()
        await relay.publish_run(look, await relay.broker.publisher())
        slow.go.set()
        await one
    await relay.publish_run(look, slow)

    assert first_seen(await published(look_log)) == (["1", "2"] if flow is real else ["2", "1"])


async def test_facts_arrive_in_the_order_of_their_ids_and_carry_them(
    make_runner: MakeRunner, relay: Relay, look: Connection, look_log: Connection
) -> None:
    async with relaying(relay):
        await run(make_runner(), *[set_("ab"[n % 2], str(n)) for n in range(150)])
        await emptied(look)

    assert await published(look_log) == [(str(n), n + 1) for n in range(150)]


@pytest.mark.parametrize("cut", [Cut.REQUEST, Cut.ANSWER])
async def test_after_a_failed_send_the_run_starts_again_from_its_first_row(
    cut: Cut,
    make_runner: MakeRunner,
    database: Database,
    broker: EmbeddedBroker,
    look: Connection,
    look_log: Connection,
) -> None:
    async with Proxy.before(broker.database) as (proxy, behind):
        relay = Relay(database, EmbeddedBroker(behind, broker.limits), Telemetry("toy"))
        await run(make_runner(), *[set_("a", str(n)) for n in range(5)])
        proxy.cut_at(b"INSERT INTO log", cut)
        async with relaying(relay):
            await emptied(look)

    seen = await published(look_log)
    assert proxy.cuts == 1
    assert first_seen(seen) == ["0", "1", "2", "3", "4"]
    assert len(seen) == 5


async def test_a_send_that_was_not_noted_is_repeated_with_the_same_ids(
    make_runner: MakeRunner, database: Database, broker: EmbeddedBroker, look: Connection, look_log: Connection
) -> None:
    await run(make_runner(), *[set_("a", str(n)) for n in range(3)])
    async with Proxy.before(database) as (proxy, behind):
        proxy.cut_at(b"DELETE FROM outbox", Cut.REQUEST)
        async with relaying(Relay(behind, broker, Telemetry("toy"))):
            await emptied(look)

    seen = await published(look_log)
    assert proxy.cuts == 1
    assert seen == [("0", 1), ("1", 2), ("2", 3)] * 2
    rows = await look_log.fetch("SELECT headers FROM log ORDER BY position")
    ids = [dict(unpack(row["headers"]))["ce_id"] for row in rows]
    assert ids[:3] == ids[3:]


async def test_one_relay_leads_and_another_takes_over_when_it_goes(
    make_runner: MakeRunner, database: Database, broker: EmbeddedBroker, look: Connection, look_log: Connection
) -> None:
    relays = [Relay(database, broker, Telemetry("toy")) for _ in range(2)]
    async with relaying(*relays):
        await run(make_runner(), set_("a", "1"))
        await emptied(look)
        assert await leaders(look) == 1
        ended = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1"
        await look.fetch(ended, LEADER_LOCK)
        await run(make_runner(), set_("a", "2"))
        await emptied(look)
        assert await leaders(look) == 1

    assert first_seen(await published(look_log)) == ["1", "2"]


async def leaders(look: Connection) -> object:
    return await look.fetchval(
        "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        LEADER_LOCK,
    )


class Away:
    """A broker without a way out, as when its servers cannot be reached."""

    def __init__(self) -> None:
        self.asked = 0

    async def publisher(self) -> Publisher:
        self.asked += 1
        raise BrokerGone("no server answers")


async def test_a_broker_that_is_away_costs_no_connections(
    monkeypatch: pytest.MonkeyPatch, database: Database, broker: EmbeddedBroker, look: Connection
) -> None:
    away = Away()
    monkeypatch.setattr(EmbeddedBroker, "publisher", lambda _: away.publisher())
    stopping = asyncio.Event()
    running = asyncio.create_task(Relay(database, broker, Telemetry("toy")).run(stopping))
    await until(lambda: away.asked >= 2)

    assert await look.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%/relay'") == 0
    stopping.set()
    await running


async def test_a_commit_wakes_the_relay_of_its_process(
    monkeypatch: pytest.MonkeyPatch, make_runner: MakeRunner, relay: Relay, look: Connection
) -> None:
    monkeypatch.setattr("shared.flow.relay.BUSY_SECONDS", 60)
    runner = make_runner()
    runner.committed = relay.wake.set
    async with relaying(relay):
        await run(runner, set_("a", "1"))
        await emptied(look)
        await run(runner, set_("a", "2"))
        await emptied(look)
        relay.wake.set()
