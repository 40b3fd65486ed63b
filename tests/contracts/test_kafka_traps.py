"""What is Kafka's alone: traps of its client, each reproduced on a real broker (aiokafka 0.14.0, Kafka 4.3.1)."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.record.util import calc_crc32c  # type: ignore[import-untyped]

from shared.broker.kafka import KafkaBroker, KafkaSettings
from shared.broker.ports import BrokerGone, Message, Subscription
from tests.contracts.broker_contract import (
    World,
    comes_true,
    handles,
    made_world,
    numbered,
    reads,
    seconds_of,
    values,
    works,
    world,
)
from tests.support.kafka import KafkaEngine, running_kafka

__all__ = ["world"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine() -> KafkaEngine:
    return KafkaEngine(running_kafka())


@pytest.fixture
async def foreign(engine: KafkaEngine) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that is not ours and knows none of our rules."""
    producer = AIOKafkaProducer(bootstrap_servers=engine.settings.bootstrap)
    await producer.start()
    yield producer
    await producer.stop()


@contextmanager
def frozen(engine: KafkaEngine) -> Iterator[None]:
    """A broker that keeps its connections and answers nothing."""
    assert engine.server.pid
    os.kill(engine.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(engine.server.pid, signal.SIGCONT)


async def test_our_keys_go_where_every_other_kafka_client_sends_them(world: World, foreign: AIOKafkaProducer) -> None:
    keys = ["", "a", "ab", "abc", "订单-7", "018f3a5e-7c1b-7d0e-a3f4-9b8c7d6e5f40"]
    for key in keys:
        await foreign.send_and_wait(world.topic.name, b"theirs", key=key.encode())
    await world.publisher.publish([Message(world.topic.name, key, b"ours", ()) for key in keys])

    records = await reads(await world.member(), 2 * len(keys))

    theirs, ours = ({r.key: r.partition for r in records if r.value == who} for who in (b"theirs", b"ours"))
    assert ours == theirs
    assert set(ours) == set(keys)


async def test_what_a_foreign_producer_leaves_out_is_empty(world: World, foreign: AIOKafkaProducer) -> None:
    await foreign.send_and_wait(world.topic.name, None, key=b"\xff\x00", headers=[("h", None), ("i", b"1")])
    await foreign.send_and_wait(world.topic.name, b"no key", partition=0)

    records = await reads(await world.member(), 2)

    assert {(record.key, record.value, record.headers) for record in records} == {
        ("\\xff\x00", b"", (("h", b""), ("i", b"1"))),
        ("", b"no key", ()),
    }


async def test_bytes_that_the_client_cannot_read_hold_up_their_own_partition_only(
    engine: KafkaEngine, foreign: AIOKafkaProducer
) -> None:
    async with made_world(engine, partitions=10) as world:
        await foreign.send_and_wait(world.topic.name, b"good", partition=0)
        await (await foreign.send_batch(unreadable(foreign), world.topic.name, partition=0))
        for partition in range(1, 10):  # drained in the same call as the bad one, and by the client given up with it
            await foreign.send_and_wait(world.topic.name, b"%d" % partition, partition=partition)
        member = await (await engine.broker()).subscribe(world.group, [world.topic.name])

        seen = await handles(member, 9)
        await foreign.send_and_wait(world.topic.name, b"later", partition=1)
        await works(member, seen, lambda: b"later" in seen)

        assert set(seen) - {b"good"} == {*numbered(1, 10), b"later"}
        assert [partition.number for partition in member.stuck] == [0]


def unreadable(producer: AIOKafkaProducer) -> object:
    """A batch whose header has a name that is no UTF-8, with a right checksum."""
    batch = producer.create_batch()
    batch.append(timestamp=None, key=None, value=b"bad", headers=[("name", b"")])
    data = batch._build()
    data[:] = bytes(data).replace(b"name", b"\xff\xff\xff\xff")
    struct.pack_into(">I", data, 17, calc_crc32c(data[21:]))
    return batch


async def test_full_partitions_starve_no_other(engine: KafkaEngine, foreign: AIOKafkaProducer) -> None:
    async with made_world(engine, partitions=10) as world:
        for number in range(9 * 200):
            await foreign.send(world.topic.name, b"crowd", partition=number % 9)
        await foreign.send(world.topic.name, b"lonely", partition=9)
        await foreign.flush()

        records = await reads(await world.member(), 400, limit=20)

        assert values(records)[:400].count(b"lonely") == 1


async def test_a_cancelled_fetch_loses_nothing(world: World) -> None:
    member = await world.member()
    await world.publishes([b"first"])
    seen = await handles(member, 1)
    for number in range(10):
        fetching = asyncio.create_task(member.fetch(10, 5.0))
        await asyncio.sleep(0.02)
        publishing = asyncio.create_task(world.publishes([b"%d" % number]))
        await asyncio.sleep(number * 0.001)
        fetching.cancel()
        await asyncio.gather(fetching, publishing, return_exceptions=True)
        if not fetching.cancelled():  # the records came first, and the caller has them
            seen += values(fetching.result().records)

    await works(member, seen, lambda: set(seen) >= set(numbered(0, 10)))
    assert sorted(seen) == sorted([b"first", *numbered(0, 10)])


async def test_work_in_flight_is_committed_before_the_partitions_are_let_go(world: World, engine: KafkaEngine) -> None:
    await world.publishes(numbered(0, 10))
    early = await (await engine.broker()).subscribe(world.group, [world.topic.name])
    fetched = await early.fetch(10, 10.0)
    while len(fetched.records) < 10:
        early.rewind()
        fetched = await early.fetch(10, 1.0)
    late = await engine.rebalance(world.group, [world.topic.name])
    assert await comes_true(lambda: asyncio.sleep(0, not early._assigned.is_set()))
    await asyncio.sleep(0.2)  # the group waits for us

    await early.commit(fetched.offsets(), fetched.epoch)

    seen: list[bytes] = []
    await world.publishes(marks := [b"mark %d" % last for last in range(10)])
    await asyncio.gather(*(works(one, seen, lambda: set(seen) >= set(marks)) for one in (early, late)))
    assert sorted(seen) == sorted(marks)


async def test_a_process_that_is_killed_gives_its_records_to_the_next(world: World, engine: KafkaEngine) -> None:
    await world.publishes(numbered(0, 10))
    arguments = ["-c", VICTIM, engine.settings.bootstrap, world.group, world.topic.name]
    victim = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert victim.stdout
    assert await victim.stdout.readline() == b"10\n"
    victim.kill()
    await victim.wait()

    assert set(await handles(await world.member(), 10)) == set(numbered(0, 10))


VICTIM = """
import asyncio, sys
from shared.broker.kafka import KafkaBroker, KafkaSettings

async def main(bootstrap, group, topic):
    member = await KafkaBroker(KafkaSettings(bootstrap, session_seconds=6.0)).subscribe(group, [topic])
    count = 0
    while count < 10:
        count += len((await member.fetch(10, 1.0)).records)
    print(count, flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_broker_that_answers_nothing_delays_no_deadline_and_no_stop(world: World, engine: KafkaEngine) -> None:
    member = await world.member()
    await world.publishes(numbered(0, 10))
    fetched = await member.fetch(10, 10.0)
    assert fetched.records
    seconds = {}
    with frozen(engine):
        seconds["publish"] = await seconds_of(refused(world.publishes([b"unknown"])))
        seconds["commit"] = await seconds_of(refused(member.commit(fetched.offsets(), fetched.epoch)))
        seconds["publisher.close"] = await seconds_of(world.publisher.close())
        seconds["member.close"] = await seconds_of(member.close())
        seconds["subscribe"] = await seconds_of(refused(KafkaBroker(engine.settings).subscribe("other", ["any.topic"])))

    limits = {"publish": 5.5, "commit": 2.5, "publisher.close": 2.5, "member.close": 4.5, "subscribe": 9.5}
    assert {what: took for what, took in seconds.items() if took > limits[what]} == {}


async def refused(work: object) -> None:
    with pytest.raises(BrokerGone):
        await work  # type: ignore[misc]


async def test_a_client_that_hears_nothing_for_long_is_built_anew(engine: KafkaEngine, world: World) -> None:
    impatient = KafkaSettings(engine.settings.bootstrap, call_seconds=2.0, session_seconds=6.0, stall_seconds=1.0)
    member = await KafkaBroker(impatient).subscribe(world.group, [world.topic.name])
    await world.publishes([b"before"])
    await handles(member, 1)
    with frozen(engine):
        await refused(works_until_refused(member))

    await world.insists([b"after"])
    assert b"after" in await handles(member, 1)
    await member.close()


async def works_until_refused(member: Subscription) -> None:
    for _ in range(40):
        await member.fetch(10, 0.1)


async def test_passwords_are_not_shown_and_a_plain_connection_says_so() -> None:
    settings = KafkaSettings("broker:9092", security_protocol="SASL_SSL", sasl_username="u", sasl_password="hidden")

    assert "hidden" not in repr(settings)
    assert settings.encrypted
    assert not KafkaSettings("broker:9092", security_protocol="SASL_PLAINTEXT").encrypted
