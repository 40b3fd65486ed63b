"""Kafka as the broker: aiokafka behind our port. Scale by partitions and by more processes per group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from aiokafka.errors import for_code  # type: ignore[import-untyped]

from shared.broker.kafka_client import LEAST_LIMIT, KafkaSettings, bounded, broker_limit, let_go
from shared.broker.kafka_publisher import KafkaPublisher
from shared.broker.kafka_subscription import KafkaSubscription
from shared.broker.ports import TopicSpec
from shared.errors import Permanent

__all__ = ["KafkaBroker", "KafkaPublisher", "KafkaSettings", "KafkaSubscription", "TopicRefused"]

DAY_MS: Final = 86_400_000
CREATED: Final = {0, 36}  # no error, exists already
PASSING: Final = {5, 7, 13, 14, 15, 41}  # no leader yet, timed out, network, no controller yet


class TopicRefused(Permanent):
    """The cluster will not have this topic (its name, its replicas, a policy): a setting is wrong."""

    code = "broker.topic_refused"


class KafkaBroker:
    """One process's connection. It learns the topics' limits from `ensure`, so call that before anything else."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._limits: dict[str, int] = {}
        self._open: list[KafkaPublisher | KafkaSubscription] = []

    async def ensure(self, topics: Sequence[TopicSpec]) -> None:
        """See the port. Returns when each topic has its leaders; a topic that exists keeps its own settings."""
        self._limits.update({topic.name: topic.max_bytes for topic in topics})
        admin = AIOKafkaAdminClient(**self._settings.connection())
        try:
            await bounded(self._ensure(admin, topics), self._settings.call_seconds, "topics")
        finally:
            await let_go(admin.close(), 1.0)

    async def publisher(self) -> KafkaPublisher:
        """Connects with its first message."""
        self._open.append(publisher := KafkaPublisher(self._settings, self._limits))
        return publisher

    async def subscribe(self, group: str, topics: Sequence[str]) -> KafkaSubscription:
        """See the port. Raises BrokerGone where no broker answers; does not wait until the group has settled."""
        largest = max((self._limits.get(topic, LEAST_LIMIT) for topic in topics), default=LEAST_LIMIT)
        subscription = KafkaSubscription(self._settings, group, topics, broker_limit(largest))
        try:
            await subscription.join()
        except BaseException:
            await subscription.close()
            raise
        self._open.append(subscription)
        return subscription

    async def close(self) -> None:
        """Whatever is still open, together: within 4 s whatever the broker does."""
        await asyncio.gather(*(one.close() for one in self._open))
        self._open.clear()

    async def _ensure(self, admin: Any, topics: Sequence[TopicSpec]) -> None:  # noqa: ANN401 - aiokafka has no types
        await admin.start()
        waiting = {topic.name: topic for topic in topics}
        while waiting:
            await self._create(admin, waiting.values())
            for found in await admin.describe_topics(list(waiting)):
                if found["error_code"] == 0 and all(one["leader"] >= 0 for one in found["partitions"]):
                    del waiting[found["topic"]]
            await asyncio.sleep(0.05 if waiting else 0)

    async def _create(self, admin: Any, topics: Iterable[TopicSpec]) -> None:  # noqa: ANN401 - aiokafka has no types
        try:
            reply = await admin.create_topics([self._new(topic) for topic in topics])
        except AttributeError:  # the client asks its metadata for a controller that a starting broker does not name yet
            return
        for name, code, reason in reply.topic_errors:
            if code not in CREATED | PASSING:
                raise TopicRefused(f"{name}: {for_code(code).__name__} {reason or ''}")

    def _new(self, topic: TopicSpec) -> NewTopic:
        return NewTopic(
            topic.name,
            topic.partitions,
            self._settings.replicas,
            topic_configs={
                "cleanup.policy": "delete",
                "retention.ms": str(topic.retention_days * DAY_MS or -1),
                "message.timestamp.type": "LogAppendTime",
                "max.message.bytes": str(broker_limit(topic.max_bytes)),
                "min.insync.replicas": str(self._settings.min_in_sync),
            },
        )
