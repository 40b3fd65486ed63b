"""Publishing to Kafka: one idempotent producer, whole batches per partition, and a new producer after any error."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.partitioner import murmur2  # type: ignore[import-untyped]

from shared.broker.kafka_client import BATCH_BYTES, LEAST_LIMIT, KafkaSettings, bounded, let_go
from shared.broker.ports import Message, Oversize

CLOSE_SECONDS: Final = 2.0
Batches = dict[tuple[str, int], deque[Any]]


class KafkaPublisher:
    """Sends a run batch by batch: the next batch of a partition goes only after the one before it was acknowledged."""

    def __init__(self, settings: KafkaSettings, limits: Mapping[str, int]) -> None:
        self._settings, self._limits = settings, limits
        self._producer: Any = None
        self._retiring: set[asyncio.Task[None]] = set()

    async def publish(self, messages: Sequence[Message]) -> None:
        """See the port. After a deadline or a cancellation the outcome is unknown and the producer is dropped."""
        for message in messages:
            self._check_size(message)
        try:
            await bounded(self._send(messages), self._settings.call_seconds, "publish")
        except BaseException:
            # aiokafka takes an idempotent sequence number when a batch is first sent and never gives it back: after a
            # failed batch every later one to that partition is refused until the producer is a new one (#1017).
            self._drop()
            raise

    async def close(self) -> None:
        self._drop()
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=CLOSE_SECONDS)

    def _check_size(self, message: Message) -> None:
        headers = sum(len(name.encode()) + len(value) for name, value in message.headers)
        size = len(message.key.encode()) + len(message.value) + headers
        if size > (limit := self._limits.get(message.topic, LEAST_LIMIT)):
            raise Oversize(message.topic, message.key, size, limit)

    async def _send(self, messages: Sequence[Message]) -> None:
        if self._producer is None:
            self._producer = self._new()
            await self._producer.start()
        producer = self._producer
        waiting = await _batches(producer, messages)
        while waiting:
            acknowledged = [
                await producer.send_batch(batches.popleft(), topic, partition=number)
                for (topic, number), batches in waiting.items()
            ]
            await asyncio.gather(*acknowledged)
            waiting = {partition: batches for partition, batches in waiting.items() if batches}

    def _new(self) -> Any:  # noqa: ANN401 - aiokafka has no types
        return AIOKafkaProducer(
            **self._settings.connection(),
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            compression_type=self._settings.compression,
            linger_ms=0,  # a run comes whole; there is nothing to wait for
        )

    def _drop(self) -> None:
        if (producer := self._producer) is None:
            return
        self._producer = None
        _cut(producer)  # now and not in the task: left alone it would deliver the old run after the new one
        task = asyncio.create_task(_retire(producer))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


def _cut(producer: Any) -> Any:  # noqa: ANN401 - aiokafka has no types
    """Cancels the task that sends, and returns it. There is no public way."""
    if (sender := producer._sender.sender_task) is not None:  # noqa: SLF001
        sender.cancel()
    return sender


async def _retire(producer: Any) -> None:  # noqa: ANN401 - aiokafka has no types
    """What stop() does but for the flush, which never ends while the broker is away (aiokafka #1101)."""
    producer._closed = True  # noqa: SLF001
    await let_go(producer.client.close(), CLOSE_SECONDS / 4)
    if (sender := _cut(producer)) is not None:  # once more: the first time it waits for requests on their way
        await let_go(asyncio.wait({sender}), CLOSE_SECONDS / 4)


async def _batches(producer: Any, messages: Sequence[Message]) -> Batches:  # noqa: ANN401 - aiokafka has no types
    """The run as sealed batches per partition, in order.

    Whole batches because `send` keeps a future and a lock-step per record: three times the CPU for the same bytes.
    """
    counts: dict[str, int] = {}
    batches: Batches = {}
    for message in messages:
        topic = message.topic
        if topic not in counts:
            counts[topic] = len(await producer.partitions_for(topic))
        key = message.key.encode()
        queue = batches.setdefault((topic, _hash(key) % counts[topic]), deque())
        record = {"timestamp": None, "key": key, "value": message.value, "headers": list(message.headers)}
        if not queue or queue[-1].append(**record) is None:
            queue.append(producer.create_batch())
            queue[-1].append(**record)
    for queue in batches.values():
        queue[-1].close()
    return batches


@lru_cache(maxsize=16384)
def _hash(key: bytes) -> int:
    """Java's murmur2, as the default partitioner of Kafka's own clients; remembered, for an order has some 24 facts."""
    return int(murmur2(key)) & 0x7FFFFFFF
