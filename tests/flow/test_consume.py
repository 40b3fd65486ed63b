"""Records from the log: each once, offsets behind what is committed, and a consumer that knows when to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from asyncpg import Connection
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.broker.embedded import EmbeddedBroker
from shared.broker.ports import BrokerGone, Message, Record, StaleEpoch
from shared.db.engine import Database
from shared.events.orders import OrderCompleted
from shared.flow.apply import Applier
from shared.flow.consume import BUGS_IN_A_ROW, Consumer, ConsumerStopped
from shared.flow.runner import Runner
from shared.ids import OrderId
from shared.telemetry import Telemetry
from tests.flow import seen, toy
from tests.flow.conftest import MakeRunner
from tests.flow.pauses import Paused
from tests.flow.proxy import Cut, Proxy
from tests.flow.seen import count, parked, words
from tests.flow.toy import record, set_

TOPIC = "orders.order"


async def publish(broker: EmbeddedBroker, *records: Record) -> None:
    publisher = await broker.publisher()
    await publisher.publish([Message(r.partition.topic, r.key, r.value, r.headers) for r in records])
    await publisher.close()


@asynccontextmanager
async def consuming(*consumers: Consumer) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(consumer.run(stopping)) for consumer in consumers]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


@pytest.fixture
def make_consumer(broker: EmbeddedBroker, make_runner: MakeRunner) -> Callable[..., Consumer]:
    def make(at: EmbeddedBroker = broker, runner: Runner | None = None) -> Consumer:
        return Consumer(at, [TOPIC, toy.OTHER_TOPIC], runner or make_runner(), Telemetry("toy"))

    return make


async def until(look: Connection, sql: str, wanted: object) -> None:
    async def reached() -> bool:
        return bool(await look.fetchval(sql) == wanted)

    await seen.until(reached)


async def committed(look_log: Connection) -> list[tuple[str, int]]:
    """Records per topic that the group has not committed."""
    rows = await look_log.fetch(
        "SELECT topic, (SELECT count(*) FROM log WHERE log.topic = c.topic AND log.position > c.position) AS behind"
        " FROM cursors AS c WHERE grp = 'orders' ORDER BY topic"
    )
    return [tuple(row) for row in rows]


NOTHING_BEHIND = [("catalog.reservation", 0), (TOPIC, 0)]


async def test_records_are_applied_in_order_and_their_offsets_follow(
    make_consumer: Callable[..., Consumer], broker: EmbeddedBroker, look: Connection, look_log: Connection
) -> None:
    await publish(broker, *[record(set_("ab"[n % 2], str(n))) for n in range(250)])
    async with consuming(make_consumer()):
        await until(look, "SELECT count(*) FROM claims", 250)

    assert await words(look, "a") == [str(n) for n in range(0, 250, 2)]
    assert await words(look, "b") == [str(n) for n in range(1, 250, 2)]
    assert await committed(look_log) == NOTHING_BEHIND


async def test_facts_that_the_service_does_not_handle_pass_by(
    make_consumer: Callable[..., Consumer], broker: EmbeddedBroker, look: Connection, look_log: Connection
) -> None:
    await publish(broker, record(OrderCompleted(order_id=OrderId("a"), seller="s")), record(set_("a", "1")))
    async with consuming(make_consumer()):
        await until(look, "SELECT count(*) FROM claims", 1)

    assert await words(look, "a") == ["1"]
    assert await committed(look_log) == NOTHING_BEHIND


async def test_a_poison_record_blocks_its_lane_only_and_the_offsets_go_on(
    make_consumer: Callable[..., Consumer], broker: EmbeddedBroker, look: Connection, look_log: Connection
) -> None:
    poison = replace(record(set_("a", "1")), value=b"[" * 100_000)
    await publish(broker, poison, record(set_("b", "1")), record(set_("a", "2")), record(set_("b", "2")))
    async with consuming(make_consumer()):
        await until(look, "SELECT count(*) FROM claims", 4)

    assert await words(look, "b") == ["1", "2"]
    assert await parked(look) == [("a", "dead"), ("a", "blocked")]
    assert await committed(look_log) == NOTHING_BEHIND


async def test_offsets_that_were_not_stored_mean_records_read_twice_and_applied_once(
    make_consumer: Callable[..., Consumer], broker: EmbeddedBroker, look: Connection, look_log: Connection
) -> None:
    await publish(broker, *[record(set_("a", str(n))) for n in range(5)])
    async with Proxy.before(broker.database) as (proxy, behind):
        remote = EmbeddedBroker(behind, broker.limits)
        proxy.cut_at(b"UPDATE cursors", Cut.REQUEST)
        async with consuming(make_consumer(at=remote)):
            await until(look_log, "SELECT min(position) > 0 FROM cursors WHERE topic = 'orders.order'", True)
        proxy.cut_all()

    assert proxy.cuts == 1
    assert await words(look, "a") == [str(n) for n in range(5)]
    assert await committed(look_log) == NOTHING_BEHIND


async def test_a_stale_epoch_commits_nothing_and_the_next_owner_reads_again(
    broker: EmbeddedBroker, make_runner: MakeRunner, applier: Applier, look: Connection, look_log: Connection
) -> None:
    await publish(broker, *[record(set_("a", str(n))) for n in range(3)])
    paused = Paused.of(applier, "written")
    slow = Consumer(broker, [TOPIC, toy.OTHER_TOPIC], make_runner(paused), Telemetry("toy"))
    next_ = Consumer(broker, [TOPIC, toy.OTHER_TOPIC], make_runner(), Telemetry("toy"))
    async with consuming(slow):
        await paused.reached.wait()
        # The slow one's session to the log ends while its batch is still open: another member takes over.
        await end_sessions(look_log, "%/broker/orders")
        async with consuming(next_):
            await until(look_log, "SELECT max(epoch) FROM cursors", 2)
            paused.go.set()
            await until(look_log, "SELECT min(position) > 0 FROM cursors WHERE topic = 'orders.order'", True)

    assert await words(look, "a") == ["0", "1", "2"]
    assert await count(look, "outbox") == 3
    assert await committed(look_log) == NOTHING_BEHIND


async def end_sessions(look: Connection, application: str) -> None:
    ended = "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE application_name LIKE $1"
    assert await look.fetch(ended, application)


async def test_a_commit_for_an_older_assignment_is_refused(broker: EmbeddedBroker, look_log: Connection) -> None:
    await publish(broker, record(set_("a", "1")))
    old = await broker.subscribe("orders", [TOPIC])
    fetched = await old.fetch(10, 1)
    await end_sessions(look_log, "%/broker/orders")
    new = await broker.subscribe("orders", [TOPIC])
    await new.commit((await new.fetch(10, 1)).offsets(), 1)

    with pytest.raises((StaleEpoch, BrokerGone)):
        await old.commit(fetched.offsets(), fetched.epoch)
    assert (await old.fetch(10, 0)).records == ()
    for member in (old, new):
        await member.close()


async def test_two_consumers_of_one_service_share_the_records_and_nothing_happens_twice(
    make_consumer: Callable[..., Consumer],
    broker: EmbeddedBroker,
    look: Connection,
    look_log: Connection,
) -> None:
    async with consuming(make_consumer(), make_consumer()):
        for n in range(0, 120, 10):
            await publish(broker, *[record(set_("abc"[k % 3], str(k))) for k in range(n, n + 10)])
            if n in (30, 80):
                await until(look, "SELECT count(*) > 20 FROM claims", True)
                await end_sessions(look_log, "%/broker/orders")
        await until(look, "SELECT count(*) FROM claims", 120)
        await until(look_log, "SELECT max(position) FROM cursors", 120)

    for k, lane in enumerate("abc"):
        assert await words(look, lane) == [str(n) for n in range(k, 120, 3)]


async def test_too_many_bugs_in_a_row_stop_the_consumer(
    make_consumer: Callable[..., Consumer], broker: EmbeddedBroker, look: Connection
) -> None:
    # Two facts of each lane: what only waits behind a bug must not count as a good one.
    for n in range(60):
        await publish(broker, record(set_(str(n), "bug")), record(set_(str(n), "2")))
    consumer = make_consumer()

    with pytest.raises(ConsumerStopped):
        await asyncio.wait_for(consumer.run(asyncio.Event()), 10)

    assert consumer.bugs > BUGS_IN_A_ROW
    assert await count(look, "parked") == 100  # the batch in which it was too much; the rest stays on the topic


async def test_bugs_between_good_records_are_dead_letters_and_stop_nothing(
    make_consumer: Callable[..., Consumer], broker: EmbeddedBroker, look: Connection
) -> None:
    for n in range(30):
        await publish(broker, record(set_(f"bad{n}", "bug")), record(set_(f"good{n}", "1")))
    async with consuming(make_consumer()):
        await until(look, "SELECT count(*) FROM claims", 60)

    assert await count(look, "parked") == 30


async def test_a_consumer_outlives_its_database_and_its_log(
    database: Database, broker: EmbeddedBroker, make_runner: MakeRunner, look: Connection, look_log: Connection
) -> None:
    async with Proxy.before(database) as (wire, behind), Proxy.before(broker.database) as (log_wire, log_behind):
        consumer = Consumer(
            EmbeddedBroker(log_behind, broker.limits),
            [TOPIC, toy.OTHER_TOPIC],
            make_runner(at=behind),
            Telemetry("toy"),
        )
        async with consuming(consumer):
            for n in range(12):
                await publish(broker, record(set_("a", str(n))))
                (wire if n % 2 else log_wire).cut_all()
                await asyncio.sleep(0.02)
            await until(look, "SELECT count(*) FROM claims", 12)
            await until(look_log, "SELECT max(position) FROM cursors", 12)

    assert await words(look, "a") == [str(n) for n in range(12)]


async def test_a_consumer_that_stops_leaves_no_connection_behind(
    make_consumer: Callable[..., Consumer], broker: EmbeddedBroker, look: Connection, look_log: Connection
) -> None:
    await publish(broker, record(set_("a", "1")))
    async with consuming(make_consumer()):
        await until(look, "SELECT count(*) FROM claims", 1)

    await until(look, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'toy%/test%'", 0)
    await until(look_log, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%/broker/%'", 0)


async def test_batches_are_timed_and_what_is_behind_is_told_while_somebody_looks(
    broker: EmbeddedBroker, make_consumer: Callable[..., Consumer], look: Connection
) -> None:
    reader = InMemoryMetricReader()
    consumer = replace(make_consumer(), telemetry=Telemetry("toy", meter=MeterProvider([reader]).get_meter("toy")))
    await publish(broker, record(set_("a", "1")), record(set_("b", "1")))

    async with consuming(consumer):
        await until(look, "SELECT count(*) FROM counters", 2)

    data = reader.get_metrics_data()
    assert data is not None
    told = {metric.name: metric.data.data_points for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    assert len(told["messaging.process.duration"]) == 1
    assert {(point.attributes or {})["topic"] for point in told["corridor.consumer.lag"]} == {TOPIC, toy.OTHER_TOPIC}
