"""What every broker engine promises. A test module binds it: `class TestX(BrokerContract)` and a fixture `engine`."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from shared.broker.ports import (
    Broker,
    BrokerGone,
    Fetched,
    Message,
    Oversize,
    Publisher,
    Record,
    StaleEpoch,
    Subscription,
    TopicSpec,
)

PATIENCE_SECONDS = 30.0  # a broken promise fails then; a kept one takes a fraction of it


class Engine(ABC):
    """One server and any number of processes that use it. Servers come back with the same address and data."""

    name: str

    @abstractmethod
    async def broker(self) -> Broker:
        """A connection as another process would have it; `close_brokers` closes them all."""

    @abstractmethod
    async def close_brokers(self) -> None: ...

    @abstractmethod
    async def stop_server(self) -> None: ...

    @abstractmethod
    async def kill_server(self) -> None: ...

    @abstractmethod
    async def start_server(self) -> None: ...

    @abstractmethod
    async def rebalance(self, group: str, topics: Sequence[str]) -> Subscription:
        """A new member; whoever owned the partitions before owns them no more, or in a later epoch."""


class World:
    """One topic and one group of a test's own, and the words that the tests are written in."""

    def __init__(self, engine: Engine, topic: TopicSpec, broker: Broker, publisher: Publisher) -> None:
        self.engine, self.topic, self.broker, self.publisher = engine, topic, broker, publisher
        self.group = f"group-{uuid4().hex}"

    async def publishes(self, values: Iterable[bytes], *, key: str | None = None) -> None:
        await self.publisher.publish([self.message(value, key=key) for value in values])

    async def insists(self, values: Sequence[bytes], *, key: str | None = None) -> int:
        """As a relay does: the same run again from its first message until it is taken. Says how often that failed."""
        for failed in range(1000):
            try:
                await self.publishes(values, key=key)
            except BrokerGone:
                await asyncio.sleep(0.1)
            else:
                return failed
        raise AssertionError("the broker never came back")

    async def left_for(self, member: Subscription) -> list[bytes]:
        """What its group has not committed: everything that comes before marks set behind it in every partition."""
        marks = [b"mark %d" % last for last in range(10)]  # ten keys reach all of three partitions
        await self.publishes(marks)
        seen: list[bytes] = []
        await works(member, seen, lambda: set(seen) >= set(marks))
        assert set(seen) >= set(marks)
        return sorted(value for value in seen if value not in marks)

    def message(self, value: bytes, *, key: str | None = None) -> Message:
        return Message(self.topic.name, f"key-{value[-1:].decode(errors='replace')}" if key is None else key, value, ())

    async def member(self, group: str | None = None) -> Subscription:
        broker = await self.engine.broker()
        await broker.ensure([self.topic])
        return await broker.subscribe(group or self.group, [self.topic.name])


def numbered(first: int, last: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, last)]


async def reads(member: Subscription, count: int, *, limit: int = 50) -> list[Record]:
    """Fetches until it has so many records, commits nothing."""
    return [record for fetched in await fetches(member, count, limit=limit) for record in fetched.records]


async def fetches(member: Subscription, count: int, *, limit: int = 50) -> list[Fetched]:
    found: list[Fetched] = []
    until = time.monotonic() + PATIENCE_SECONDS
    while sum(len(fetched.records) for fetched in found) < count and time.monotonic() < until:
        found.append(await member.fetch(limit, 0.5))
    return found


async def works(member: Subscription, seen: list[bytes], enough: Callable[[], bool]) -> None:
    """The loop of a consumer: fetch, note, commit; what the port calls normal is no end of it."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not enough() and time.monotonic() < until:
        try:
            fetched = await member.fetch(20, 0.1)
            seen += values(fetched.records)
            await member.commit(fetched.offsets(), fetched.epoch)
        except (StaleEpoch, BrokerGone):
            await asyncio.sleep(0.05)


async def handles(member: Subscription, count: int) -> list[bytes]:
    seen: list[bytes] = []
    await works(member, seen, lambda: len(set(seen)) >= count)
    return seen


async def comes_true(question: Callable[[], Awaitable[bool]]) -> bool:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if await question():
            return True
        await asyncio.sleep(0.05)
    return False


def values(records: Iterable[Record]) -> list[bytes]:
    return [record.value for record in records]


def in_order_once(seen: Iterable[bytes]) -> list[bytes]:
    """What a consumer that absorbs repeats has seen."""
    return list(dict.fromkeys(seen))


async def seconds_of(work: Awaitable[object]) -> float:
    begun = time.monotonic()
    await work
    return time.monotonic() - begun


@asynccontextmanager
async def made_world(engine: Engine, *, partitions: int = 3, max_bytes: int = 100_000) -> AsyncIterator[World]:
    topic = TopicSpec(f"tests.{uuid4().hex}", partitions, 1, max_bytes)
    broker = await engine.broker()
    await broker.ensure([topic])
    try:
        yield World(engine, topic, broker, await broker.publisher())
    finally:
        await engine.start_server()
        await engine.close_brokers()


@pytest.fixture
async def world(engine: Engine) -> AsyncIterator[World]:
    async with made_world(engine) as made:
        yield made


class BrokerContract:
    """The calm half: what holds while the server is there."""

    async def test_a_stopped_group_never_delays_another(self, world: World) -> None:
        stopped, running = await world.member("stopped-" + world.group), await world.member()
        await world.publishes(numbered(0, 10))
        assert len(await reads(stopped, 10)) == 10  # and never commits, never fetches again

        seconds = []
        for number in range(10, 20):
            begun = time.monotonic()
            await world.publishes([b"%d" % number])
            seen: list[bytes] = []
            await works(running, seen, lambda wanted=b"%d" % number, seen=seen: wanted in seen)  # type: ignore[misc]
            seconds.append(time.monotonic() - begun)

        assert sorted(seconds)[len(seconds) // 2] < 1.0

    async def test_records_of_one_key_keep_their_order(self, world: World) -> None:
        for run in range(5):
            await world.publishes(numbered(run * 40, run * 40 + 40))  # ten keys, taken in turn

        records = await reads(await world.member(), 200)

        assert len(records) == 200
        by_key, by_partition = defaultdict(list), defaultdict(list)
        for record in records:
            by_key[record.key].append(int(record.value))
            by_partition[record.partition].append(record.offset)
        assert by_key == {f"key-{last}": list(range(last, 200, 10)) for last in range(10)}
        assert all(offsets == sorted(set(offsets)) for offsets in by_partition.values())

    async def test_keys_headers_and_values_come_back_byte_for_byte(self, world: World) -> None:
        headers = (("ce_id", b"1"), ("empty", b""), ("bytes", bytes(range(256))), ("ce_id", b"again"), ("名", b"\xff"))
        sent = Message(world.topic.name, "订单 1/é", bytes(range(256)) * 9, headers)
        await world.publisher.publish([sent])

        [record] = await reads(await world.member(), 1)

        assert (record.partition.topic, record.key, record.value, record.headers) == (
            sent.topic,
            sent.key,
            sent.value,
            sent.headers,
        )
        assert abs(record.timestamp_ms - time.time() * 1000) < 60_000

    async def test_a_record_that_is_no_message_of_ours_comes_as_it_is(self, world: World) -> None:
        odd = [b"before", b"\x00\xff{not json", b"", b"\xed\xa0\x80", b"after"]
        headers = (("", b""), ("traceparent", b"\xff\x00"), ("traceparent", b"two"))
        await world.publisher.publish([Message(world.topic.name, "one", value, headers) for value in odd])

        records = await reads(await world.member(), 5)

        assert values(records) == odd
        assert {record.headers for record in records} == {headers}

    async def test_an_empty_fetch_takes_its_time_and_a_full_one_stops_at_its_limit(self, world: World) -> None:
        member = await world.member()
        await world.publishes(numbered(0, 10))
        await handles(member, 10)

        seconds = await seconds_of(empty := asyncio.ensure_future(member.fetch(5, 0.5)))
        await world.publishes(numbered(0, 10))
        sizes = [len(fetched.records) for fetched in await fetches(member, 10, limit=4)]

        assert empty.result().records == ()
        assert 0.4 < seconds < 2.0
        assert (max(sizes), sum(sizes)) == (4, 10)

    async def test_what_was_not_committed_comes_again_after_a_crash_and_nothing_else(self, world: World) -> None:
        await world.publishes(numbered(0, 20))
        crashing = await world.member()
        fetched = await fetches(crashing, 20, limit=20)
        records = [record for one in fetched for record in one.records]
        done = Fetched(tuple(records[:7]), fetched[-1].epoch)
        await crashing.commit(done.offsets(), done.epoch)
        await crashing.close()

        assert await world.left_for(await world.member()) == sorted(values(records[7:]))

    async def test_rewinding_hands_out_again_what_was_not_committed(self, world: World) -> None:
        await world.publishes(numbered(0, 20))
        member = await world.member()
        first = (await fetches(member, 5, limit=5))[-1]
        await member.commit(first.offsets(), first.epoch)
        rest = await reads(member, 15)

        member.rewind()

        again = await reads(member, 15)
        assert sorted(values(again)) == sorted(values(rest))
        assert not (await member.fetch(10, 0.3)).records

    async def test_committing_an_older_offset_moves_nothing_back(self, world: World) -> None:
        await world.publishes(numbered(0, 10), key="one")
        member = await world.member()
        [*_, last] = await fetches(member, 10)
        await member.commit(last.offsets(), last.epoch)

        await member.commit(dict.fromkeys(last.offsets(), 1), last.epoch)

        await member.close()
        assert await world.left_for(await world.member()) == []

    async def test_two_members_share_or_hand_over_and_nothing_is_lost(self, world: World) -> None:
        seen: list[bytes] = []
        one, other = await world.member(), await world.member()
        loops = [asyncio.create_task(works(member, seen, lambda: len(set(seen)) >= 200)) for member in (one, other)]
        for run in range(10):
            await world.publishes(numbered(run * 20, run * 20 + 20))
            await asyncio.sleep(0.05)
        await asyncio.gather(*loops)
        await one.close()
        await world.publishes(numbered(200, 250))

        left = await handles(other, 50)

        assert set(seen) == set(numbered(0, 200))
        assert set(left) >= set(numbered(200, 250))

    async def test_a_commit_of_an_older_epoch_is_refused_and_nothing_moves_back(self, world: World) -> None:
        await world.publishes(numbered(0, 10))
        early = await world.member()
        [*_, taken] = await fetches(early, 10)
        assert taken.records

        late = await world.engine.rebalance(world.group, [world.topic.name])
        seen: list[bytes] = []
        await asyncio.gather(*(works(one, seen, lambda: len(set(seen)) >= 10) for one in (early, late)))
        oldest = Fetched(taken.records[:1], taken.epoch)
        with pytest.raises(StaleEpoch):
            await early.commit(oldest.offsets(), oldest.epoch)

        await asyncio.gather(early.close(), late.close())
        assert set(seen) == set(numbered(0, 10))
        assert await world.left_for(await world.member()) == []

    async def test_a_new_group_catches_up_from_the_first_record(self, world: World) -> None:
        await world.publishes(numbered(0, 1000))
        await world.publishes(numbered(1000, 2000))

        records = await reads(await world.member(), 2000, limit=100)

        assert sorted(int(value) for value in values(records)) == list(range(2000))

    async def test_lag_is_what_is_not_committed(self, world: World) -> None:
        await world.publishes(numbered(0, 30))
        member = await world.member()

        async def behind(count: int) -> bool:
            return sum((await member.lag()).values()) == count

        assert await comes_true(lambda: behind(30))
        first = (await fetches(member, 1, limit=10))[-1]
        assert await behind(30)
        await member.commit(first.offsets(), first.epoch)
        assert await behind(30 - len(first.records))
        await handles(member, 30 - len(first.records))
        assert await behind(0)

    async def test_a_paused_member_hands_out_nothing_until_it_is_resumed(self, world: World) -> None:
        member = await world.member()
        await world.publishes([b"before"])
        await handles(member, 1)

        member.pause()
        await world.publishes(numbered(0, 5))
        paused = await member.fetch(10, 0.5)
        member.resume()

        assert paused.records == ()
        assert set(await handles(member, 5)) == set(numbered(0, 5))

    async def test_an_oversize_message_is_refused_before_anything_is_sent(self, world: World) -> None:
        run = [world.message(b"first"), world.message(b"x" * 100_001), world.message(b"last")]
        with pytest.raises(Oversize) as refused:
            await world.publisher.publish(run)
        assert (refused.value.topic, refused.value.limit) == (world.topic.name, 100_000)

        assert await world.left_for(await world.member()) == []

    async def test_records_near_the_limit_are_never_skipped(self, engine: Engine) -> None:
        sizes = [5, 899_000, 7, 850_000, 899_500, 3, 640_000, 9, 899_999, 4]
        async with made_world(engine, max_bytes=900_000) as world:
            for key, size in enumerate(sizes):
                await world.publishes([b"x" * size], key=str(key))

            records = await reads(await world.member(), len(sizes))

            assert sorted(len(record.value) for record in records) == sorted(sizes)
