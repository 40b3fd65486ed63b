"""The broker as a port: publish a run, fetch, commit with an epoch. Two engines (`embedded`, `kafka`), one contract
suite.

First rule of the contract: a stopped group never delays another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from shared.errors import Failure, Permanent, Transient

Headers = tuple[tuple[str, bytes], ...]


class Partition(NamedTuple):
    """One ordered sequence of records; the embedded log has one per topic."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Message:
    """What a relay publishes. Records of one key keep the order in which they were published."""

    topic: str
    key: str
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Record:
    """What a group receives. `offset` rises within the partition; `timestamp_ms` is the broker's."""

    partition: Partition
    offset: int
    key: str
    value: bytes
    headers: Headers
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """Records in order within each partition, as assigned in `epoch`."""

    records: tuple[Record, ...]
    epoch: int

    def offsets(self) -> dict[Partition, int]:
        """What to commit once all of them are done: last offset + 1 per partition."""
        return {record.partition: record.offset + 1 for record in self.records}


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as the manifest declares it. `retention_days` 0 keeps for ever; `max_bytes` bounds key + value +
    headers."""

    name: str
    partitions: int
    retention_days: int
    max_bytes: int


class BrokerGone(Transient):
    """The broker did not answer in time, or the client had to be rebuilt: the same call may succeed later."""

    code = "broker.gone"


class StaleEpoch(Failure):
    """The partitions were assigned anew since the fetch: drop the commit and carry on, their new owner re-reads."""

    code = "broker.stale_epoch"


class Oversize(Permanent):
    """A message above its topic's limit: refused before anything is sent."""

    code = "broker.oversize"

    def __init__(self, topic: str, key: str, size: int, limit: int) -> None:
        super().__init__(f"message for {topic} has {size} bytes, the topic takes {limit}")
        self.topic, self.key, self.size, self.limit = topic, key, size, limit


class Publisher(Protocol):
    """One relay's way out. Not shared between tasks."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append the whole run in order, durably, or raise.

        After BrokerGone nobody knows which of them arrived: the caller sends the same run again from its first
        message (consumers absorb what came twice) and never a later one before it.
        Oversize is raised before any message of the run is sent.
        """
        ...

    async def close(self) -> None:
        """Let go within 2 s whatever the broker does; never raises."""
        ...


class Subscription(Protocol):
    """One member of one group. Not shared between tasks."""

    async def fetch(self, limit: int, wait_seconds: float) -> Fetched:
        """Up to `limit` records over all assigned partitions, empty after `wait_seconds` without any.

        A record is handed out once per assignment; nothing is skipped, whatever its size or bytes.
        """
        ...

    async def commit(self, offsets: Mapping[Partition, int], epoch: int) -> None:
        """Store, durably, that everything below these offsets is done. Never moves a partition back.

        Raises StaleEpoch where the assignment changed since `epoch`, BrokerGone where nobody answered.
        """
        ...

    def rewind(self) -> None:
        """Forget what was handed out beyond the committed offsets: the next fetch reads it again."""
        ...

    def pause(self) -> None:
        """Hand out nothing until `resume`; stays a member of the group."""
        ...

    def resume(self) -> None: ...

    async def lag(self) -> Mapping[Partition, int]:
        """Records behind the end, per assigned partition."""
        ...

    async def close(self) -> None:
        """Leave the group within 4 s whatever the broker does; never raises."""
        ...


class Broker(Protocol):
    """One process's connection to the broker."""

    async def ensure(self, topics: Sequence[TopicSpec]) -> None:
        """Create what is missing; leave what is there."""
        ...

    async def publisher(self) -> Publisher: ...

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Join `group`, reading from the group's committed offsets, from the first record where it has none."""
        ...

    async def close(self) -> None: ...
