"""One member of one consumer group: explicit offsets, assignment epochs, a client that is built anew when in doubt."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition  # type: ignore[import-untyped]
from aiokafka.coordinator.assignors.range import RangePartitionAssignor  # type: ignore[import-untyped]
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError  # type: ignore[import-untyped]

from shared.broker.kafka_client import UNREADABLE, KafkaSettings, bounded, forget, let_go, wait_for_event
from shared.broker.kafka_ledger import Ledger
from shared.broker.ports import BrokerGone, Fetched, Partition, StaleEpoch

CLOSE_SECONDS: Final = 4.0
FETCH_BYTES: Final = 4 * 1024 * 1024  # one answer of the broker: some 5,000 facts, decoded in about 15 ms
FETCH_WAIT_MS: Final = 200  # a partition that was full joins the next request; with the default it waits half a second
NEVER_MS: Final = 10 * 365 * 86_400_000
log = logging.getLogger(__name__)


class KafkaSubscription:
    """Not shared between tasks. `fetched_at` (monotonic seconds) is for the watchdog of whoever runs the loop.

    The epoch ends when partitions are taken away and when the client is built anew; what was handed out in it is not
    committed after. The client's own watchdog (`max_poll_interval_ms`) is off: after one error it counts no more, and a
    member that leaves in the middle of a slow batch hands the same batch to the next one, for ever (aiokafka #848).
    """

    def __init__(self, settings: KafkaSettings, group: str, topics: Sequence[str], fetch_bytes: int) -> None:
        self._settings, self._group, self._topics, self._fetch_bytes = settings, group, tuple(topics), fetch_bytes
        self._ledger = Ledger()
        self._epoch = self._generation = 0
        self._consumer: Any = None
        self._polling: asyncio.Task[None] | None = None
        self._committing: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._assigned, self._drained, self._resumed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._resumed.set()
        self._closed = self._careful = False
        self._stuck: dict[Partition, str] = {}
        self._heard = (0, time.monotonic())  # the client's stamp of its last answer, and when we saw it change
        self.fetched_at = time.monotonic()

    async def fetch(self, limit: int, wait_seconds: float) -> Fetched:
        """See the port. A broker that is away looks like one without records; after `stall_seconds`, BrokerGone."""
        until = time.monotonic() + wait_seconds
        consumer = await self._started()
        if await wait_for_event(self._resumed, until) and await wait_for_event(self._assigned, until):
            await self._read(consumer, until)
        if self._ledger.empty:
            self._check_alive(consumer)
        open_now = self._resumed.is_set() and self._assigned.is_set()
        records = self._ledger.take(limit) if open_now else ()
        if records:
            self._drained.clear()
        self.fetched_at = time.monotonic()
        return Fetched(records, self._epoch)

    async def commit(self, offsets: Mapping[Partition, int], epoch: int) -> None:
        """See the port. A deadline that passes leaves the client as it is: it recovers when the broker does."""
        # aiokafka commits under the generation of the call, not of the fetch: old work could move the group back.
        if epoch != self._epoch or self._consumer is None or _generation(self._consumer) != self._generation:
            raise StaleEpoch(f"epoch {epoch} of {self._group} is over")
        if not (forward := self._ledger.ahead(offsets)):
            return
        work = self._consumer.commit({TopicPartition(*partition): offset for partition, offset in forward.items()})
        task = self._committing = asyncio.create_task(work)
        try:
            await asyncio.wait({task}, timeout=self._settings.commit_seconds)
        finally:
            self._committing = None
            if not task.done():
                task.cancel()
                task.add_done_callback(forget)
        self._judge(task, epoch)
        if epoch == self._epoch:
            self._ledger.committed(forward)
            self._tell_drained()

    def rewind(self) -> None:
        assigned = self._consumer.assignment() if self._consumer else ()
        for partition, offset in self._ledger.rewind().items():
            if partition in assigned:
                self._consumer.seek(TopicPartition(*partition), offset)
        self._tell_drained()

    def pause(self) -> None:
        self._resumed.clear()

    def resume(self) -> None:
        self._resumed.set()

    async def lag(self) -> Mapping[Partition, int]:
        """Records that are not committed yet, handed out or not, per assigned partition."""
        consumer = await self._started()
        return await bounded(self._lag(consumer), self._settings.call_seconds, "lag")

    async def join(self) -> None:
        """Have a client that is on its way into the group; does not wait until the group has settled."""
        await self._started()

    async def close(self) -> None:
        self._closed = True
        self._drop()
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=CLOSE_SECONDS)

    @property
    def stuck(self) -> Mapping[Partition, str]:
        """Partitions whose next record the client itself cannot read, and why: left alone so that the others go on."""
        return dict(self._stuck)

    async def revoked(self, consumer: object) -> None:
        """Let work in flight be committed while we still own it, and only then end the epoch."""
        if consumer is self._consumer:
            self._assigned.clear()
            if self._ledger.in_flight and _generation(consumer) == self._generation:  # a lost member cannot commit
                await wait_for_event(self._drained, time.monotonic() + self._settings.revoke_seconds)
        if consumer is self._consumer:
            self._end_epoch()

    def assigned(self, consumer: object) -> None:
        if consumer is self._consumer:
            self._generation = _generation(consumer)
            self._stuck.clear()
            self._assigned.set()

    async def _started(self) -> Any:  # noqa: ANN401 - aiokafka has no types
        if self._closed:
            raise BrokerGone(f"the subscription of {self._group} is closed")
        if self._consumer is None:
            consumer = _consumer(self._settings, self._group, self._fetch_bytes)
            try:
                await bounded(consumer.start(), self._settings.call_seconds, f"joining {self._group}")
            except BaseException:
                self._retire(consumer)
                raise
            self._consumer, self._heard = consumer, (0, time.monotonic())
            consumer.subscribe(topics=self._topics, listener=_Listener(self, consumer))
        return self._consumer

    async def _read(self, consumer: Any, until: float) -> None:  # noqa: ANN401 - aiokafka has no types
        """Top up the queues that are empty; wait for records only where all are."""
        if self._careful:
            await self._read_apart(consumer, until)
            return
        self._reap()
        if self._polling is None and not self._ledger.empty:
            # No task around it: without time to wait and with a settled assignment getmany never suspends.
            if hungry := self._hungry(consumer):
                await self._poll(consumer, hungry, 0)
        elif self._ledger.empty:
            await self._poll_until(consumer, until)

    async def _poll(self, consumer: Any, hungry: Collection[TopicPartition], wait_ms: int) -> None:  # noqa: ANN401
        """What is drained stands in the ledger in the same instant, so that it belongs to the epoch that read it."""
        try:
            read = await consumer.getmany(*hungry, timeout_ms=wait_ms)
        except (KafkaError, *UNREADABLE) as error:
            if consumer is self._consumer:
                # Whatever else was drained in that call is lost for the client, its position is beyond: only a new one
                # reads it again (seen: with one broken record none of its neighbours was ever handed out).
                self._careful = self._careful or isinstance(error, UNREADABLE)
                self._drop()
            raise BrokerGone(f"reading failed: {error!r}") from error
        if consumer is self._consumer:
            self._ledger.add(read)

    async def _poll_until(self, consumer: Any, until: float) -> None:  # noqa: ANN401 - aiokafka has no types
        """In a task that outlives us: a cancelled getmany loses its records, and in a rebalance it has no deadline."""
        seconds = max(0.0, until - time.monotonic())
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll(consumer, (), int(seconds * 1000)))
        await asyncio.wait({self._polling}, timeout=seconds + 0.01)
        self._reap()

    def _reap(self) -> None:
        """Raise what the poll in the background came to; what it read stands in the ledger already."""
        if self._polling and self._polling.done():
            polling, self._polling = self._polling, None
            if not polling.cancelled():
                polling.result()

    async def _read_apart(self, consumer: Any, until: float) -> None:  # noqa: ANN401 - aiokafka has no types
        """Partition by partition, so that a record that cannot be read holds up no other partition than its own."""
        while self._assigned.is_set():
            for where in self._hungry(consumer):
                try:
                    self._ledger.add(await consumer.getmany(where, timeout_ms=0))
                except UNREADABLE as error:
                    self._stuck[Partition(*where)] = repr(error)
                    log.exception("unreadable record: %s %s stands still for %s", *where, self._group)
            if not self._ledger.empty or (left := until - time.monotonic()) <= 0:
                return
            await asyncio.sleep(min(left, 0.05))

    def _hungry(self, consumer: Any) -> tuple[TopicPartition, ...]:  # noqa: ANN401 - aiokafka has no types
        full = self._ledger.waiting
        return tuple(where for where in consumer.assignment() if not full(where) and where not in self._stuck)

    async def _lag(self, consumer: Any) -> dict[Partition, int]:  # noqa: ANN401 - aiokafka has no types
        assigned = consumer.assignment()
        ends = await consumer.end_offsets(assigned) if assigned else {}
        lags = {}
        for where, end in ends.items():
            partition = Partition(*where)
            floor = self._ledger.floor(partition)
            lags[partition] = end - (await consumer.position(where) if floor is None else floor)
        return lags

    def _judge(self, task: asyncio.Task[None], epoch: int) -> None:
        """Raise what a commit came to, unless it succeeded."""
        if not task.done():
            raise BrokerGone(f"commit: no answer within {self._settings.commit_seconds:g} s")
        error = None if task.cancelled() else task.exception()
        if isinstance(error, CommitFailedError) and epoch == self._epoch:
            # Normal in a rebalance. The client joins again by itself; until then nothing more is handed out.
            self._assigned.clear()
            self._end_epoch()
        if epoch != self._epoch or isinstance(error, IllegalStateError):
            raise StaleEpoch(f"epoch {epoch} of {self._group} is over") from error
        if error or task.cancelled():
            self._drop()
            raise BrokerGone(f"commit: {error!r}") from error

    def _check_alive(self, consumer: Any) -> None:  # noqa: ANN401 - aiokafka has no types
        """A client may run and hear nothing, for ever, after trouble with its broker (aiokafka #712, #847)."""
        assigned = consumer.assignment()
        newest = max((consumer.last_poll_timestamp(where) or 0 for where in assigned), default=0)
        idle = self._assigned.is_set() and not assigned  # more members than partitions: nothing to hear
        if newest != self._heard[0] or idle:
            self._heard = (newest, time.monotonic())
        elif time.monotonic() - self._heard[1] > self._settings.stall_seconds:
            self._drop()
            raise BrokerGone(f"{self._group} heard nothing for {self._settings.stall_seconds:g} s")

    def _end_epoch(self) -> None:
        self._epoch += 1
        self._ledger.clear()
        self._drained.set()
        if self._committing:
            self._committing.cancel()

    def _tell_drained(self) -> None:
        if not self._ledger.in_flight:
            self._drained.set()

    def _drop(self) -> None:
        """Part with the client; the next call builds another, which goes on from the committed offsets."""
        self._assigned.clear()
        self._end_epoch()
        if self._polling:
            self._polling.cancel()
            self._polling = None
        if (consumer := self._consumer) is not None:
            self._consumer = None
            self._retire(consumer)

    def _retire(self, consumer: Any) -> None:  # noqa: ANN401 - aiokafka has no types
        task = asyncio.create_task(_stop(consumer))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Bound to one client, so that a client we parted with tells us nothing more."""

    def __init__(self, subscription: KafkaSubscription, consumer: object) -> None:
        self._subscription, self._consumer = subscription, consumer

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002 - all, always
        await self._subscription.revoked(self._consumer)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:  # noqa: ARG002 - the client knows
        self._subscription.assigned(self._consumer)


def _consumer(settings: KafkaSettings, group: str, fetch_bytes: int) -> Any:  # noqa: ANN401 - aiokafka has no types
    """Built without topics: `start` with topics would wait, without a deadline, until the group has settled."""
    own = {
        # A join is answered when all members have come, so a request must outlive a rebalance.
        "request_timeout_ms": int((settings.rebalance_seconds + 10) * 1000),
        "session_timeout_ms": int(settings.session_seconds * 1000),
        "heartbeat_interval_ms": int(settings.session_seconds * 1000 / 5),
        "rebalance_timeout_ms": int(settings.rebalance_seconds * 1000),
    }
    return AIOKafkaConsumer(
        **{**settings.connection(), **own},
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        partition_assignment_strategy=(RangePartitionAssignor,),
        max_poll_interval_ms=NEVER_MS,
        max_partition_fetch_bytes=fetch_bytes,  # a larger record would be skipped without a word (aiokafka #1173)
        fetch_max_bytes=max(FETCH_BYTES, fetch_bytes),
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )


async def _stop(consumer: Any) -> None:  # noqa: ANN401 - aiokafka has no types
    """stop() may wait long for an answer to its farewell, or end by a CancelledError of its own (aiokafka #647)."""
    await let_go(consumer.stop(), CLOSE_SECONDS * 0.6)
    if consumer._fetcher is not None:  # noqa: SLF001 - there is no public way
        await let_go(consumer._fetcher.close(), CLOSE_SECONDS * 0.1)  # noqa: SLF001
    await let_go(consumer._client.close(), CLOSE_SECONDS * 0.1)  # noqa: SLF001


def _generation(consumer: Any) -> int:  # noqa: ANN401 - aiokafka has no types
    """The group's generation as the client knows it, -1 where it lost its membership. There is no public way to it."""
    return int(consumer._coordinator.generation)  # noqa: SLF001
