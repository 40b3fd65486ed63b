"""The step move: records from the broker, in batches, each exactly once; offsets follow what is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from shared.broker.ports import Broker, BrokerGone, Fetched, StaleEpoch, Subscription
from shared.errors import Failure
from shared.flow.apply import BATCH
from shared.flow.fold import Bug
from shared.flow.items import Fate, Result
from shared.flow.runner import Runner
from shared.logs import logger
from shared.telemetry import Telemetry

log = logger("consume")

IDLE_SECONDS: Final = 0.25
LAG_SECONDS: Final = 15.0
BUGS_IN_A_ROW: Final = 25  # more than that and it is the code, not the topic: stop rather than dead-letter everything


class ConsumerStopped(RuntimeError):
    """Too many failures in a row that nobody named: the process ends loudly and the records stay on the topic."""


@dataclass
class Consumer:
    """One member of one service's group."""

    broker: Broker
    topics: Sequence[str]
    runner: Runner
    telemetry: Telemetry
    bugs: int = 0
    measured: float = -LAG_SECONDS

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping` is set: fetch, apply, commit. Leaves the group when it ends."""
        subscription = await self.broker.subscribe(self.runner.applier.process.service, self.topics)
        try:
            while not stopping.is_set():
                await self._turn(subscription)
                await self._measure(subscription)
        finally:
            await subscription.close()
            self.runner.drop()

    async def _turn(self, subscription: Subscription) -> None:
        try:
            fetched = await subscription.fetch(BATCH, IDLE_SECONDS)
            if fetched.records:
                await self._apply(fetched)
                await subscription.commit(fetched.offsets(), fetched.epoch)
        except StaleEpoch:
            log.info("partitions were assigned anew; their new owner reads again")
            self.telemetry.count("messaging.client.commit.stale")
        except BrokerGone as error:
            log.warning("broker away", reason=str(error))
            subscription.rewind()
            await asyncio.sleep(IDLE_SECONDS)

    async def _apply(self, fetched: Fetched) -> None:
        items = [item for record in fetched.records if (item := self.runner.applier.wanted(record)) is not None]
        if items:
            begun = perf_counter()
            self._account(await self.runner.run("facts", items))
            self.telemetry.observe("messaging.process.duration", perf_counter() - begun)

    async def _measure(self, subscription: Subscription) -> None:
        """How far behind, now and then and only where somebody looks: on Kafka it costs a round trip."""
        if self.telemetry.meter is None or perf_counter() < self.measured + LAG_SECONDS:
            return
        self.measured = perf_counter()
        try:
            behind = await subscription.lag()
        except BrokerGone as error:
            log.warning("lag is not known", reason=str(error))
            return
        topics = dict.fromkeys(self.topics, 0)
        for partition, count in behind.items():
            topics[partition.topic] += count
        for topic, count in topics.items():
            self.telemetry.measure("corridor.consumer.lag", count, topic=topic)

    def _account(self, results: Sequence[Result]) -> None:
        for fate in Fate:
            self.telemetry.count("corridor.facts", sum(1 for r in results if r.fate is fate), fate=fate.value)
        for result in results:
            named = result.failure is None or (
                isinstance(result.failure, Failure) and not isinstance(result.failure, Bug)
            )
            # What only waits behind a bug, or came twice, proves nothing.
            self.bugs = 0 if result.fate is Fate.DONE else self.bugs + (not named)
            if result.fate is Fate.DEAD:
                log.error(
                    "dead letter",
                    lane=result.item.lane,
                    item_id=str(result.item.id),
                    exc_info=None if named else result.failure,
                )
        if self.bugs > BUGS_IN_A_ROW:
            raise ConsumerStopped(f"{self.bugs} failures in a row that nobody named")
