"""What one member of a group has read, handed out and committed since its partitions were assigned. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, cast

from shared.broker.ports import Headers, Partition, Record


class Ledger:
    """Records wait here in one queue per partition and leave in turns, so that a full partition starves no other."""

    def __init__(self) -> None:
        self._queues: dict[Partition, deque[Any]] = {}
        self._floor: dict[Partition, int] = {}  # committed, or where reading began
        self._handed: dict[Partition, int] = {}  # one after the last record that was handed out

    def clear(self) -> None:
        """A new assignment: its owner reads from the committed offsets again."""
        self._queues.clear()
        self._floor.clear()
        self._handed.clear()

    def add(self, read: Mapping[Any, Sequence[Any]]) -> None:
        for where, records in read.items():
            partition = Partition(*where)
            self._floor.setdefault(partition, records[0].offset)
            self._queues.setdefault(partition, deque()).extend(records)

    def take(self, limit: int) -> tuple[Record, ...]:
        """Up to `limit` records, in order within each partition; partitions served now are last the next time."""
        taken: list[Record] = []
        for partition in list(self._queues):
            if len(taken) < limit:
                taken += self._serve(partition, limit - len(taken))
        return tuple(taken)

    def _serve(self, partition: Partition, most: int) -> list[Record]:
        queue = self._queues.pop(partition)
        served = [_record(partition, queue.popleft()) for _ in range(min(most, len(queue)))]
        self._handed[partition] = served[-1].offset + 1
        if queue:
            self._queues[partition] = queue
        return served

    def waiting(self, partition: tuple[str, int]) -> bool:
        return partition in self._queues

    @property
    def empty(self) -> bool:
        return not self._queues

    @property
    def in_flight(self) -> bool:
        """Whether anything was handed out that is not yet committed."""
        return any(offset > self._floor[partition] for partition, offset in self._handed.items())

    def ahead(self, offsets: Mapping[Partition, int]) -> dict[Partition, int]:
        """Those offsets that move a partition forward; the others are done already and must not move it back."""
        return {partition: offset for partition, offset in offsets.items() if offset > self._floor.get(partition, 0)}

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        self._floor.update(offsets)

    def rewind(self) -> dict[Partition, int]:
        """Forget what was read beyond the committed offsets; says from where to read again."""
        self._queues.clear()
        self._handed.clear()
        return dict(self._floor)

    def floor(self, partition: Partition) -> int | None:
        """Everything below it is committed; None while nothing was read of this partition."""
        return self._floor.get(partition)


def _record(partition: Partition, raw: Any) -> Record:  # noqa: ANN401 - aiokafka has no types
    """As it came: an absent key or value is an empty one, a key that is no UTF-8 shows its bytes as escapes."""
    key: str = raw.key.decode(errors="backslashreplace") if raw.key else ""
    return Record(partition, raw.offset, key, raw.value or b"", _headers(raw.headers), raw.timestamp)


def _headers(raw: tuple[tuple[str, bytes | None], ...]) -> Headers:
    for _, value in raw:
        if value is None:  # we never send that; a foreign producer may
            return tuple((name, value or b"") for name, value in raw)
    return cast("Headers", raw)
