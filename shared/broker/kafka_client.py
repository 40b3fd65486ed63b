"""What every Kafka client here is made of: settings, deadlines, and how one is let go.

Traps named in these modules were read or run in aiokafka 0.14.0 against Apache Kafka 4.3.1 (2026-11).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from aiokafka.errors import (  # type: ignore[import-untyped]
    CorruptRecordException,
    KafkaError,
    RecordTooLargeError,
    UnsupportedCodecError,
)
from aiokafka.helpers import create_ssl_context  # type: ignore[import-untyped]

from shared.broker.ports import BrokerGone

T = TypeVar("T")

BATCH_BYTES: Final = 256 * 1024  # one produce batch; broker and consumers must take it whatever a topic's own limit is
OVERHEAD_BYTES: Final = 16 * 1024  # framing of a batch, a record and some hundred headers
LEAST_LIMIT: Final = 1_000_000  # for topics whose declaration this process has not seen
# What reading raises over bytes: a wrong checksum, an unknown codec, above the fetch size, a header's name not UTF-8.
UNREADABLE: Final = (
    CorruptRecordException,
    RecordTooLargeError,
    UnsupportedCodecError,
    AssertionError,
    LookupError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How to reach the cluster, and how long to wait for it.

    bootstrap: `host:port`, several by comma. security_protocol: PLAINTEXT is for one machine only.
    call_seconds: deadline of a publish, a join, a look at the lag. commit_seconds: of a commit.
    session_seconds: after that long without a heartbeat the group gives a member's partitions away.
    rebalance_seconds: how long the group waits for a member to let go; 60 % of it is left to work in flight.
    stall_seconds: a client that heard nothing for so long is built anew.
    """

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    replicas: int = 1
    min_in_sync: int = 1
    compression: str | None = None
    call_seconds: float = 8.0
    commit_seconds: float = 4.0
    session_seconds: float = 10.0
    rebalance_seconds: float = 15.0
    stall_seconds: float = 40.0

    @property
    def encrypted(self) -> bool:
        """Whether passwords and facts travel under TLS; production refuses to start without."""
        return self.security_protocol in {"SSL", "SASL_SSL"}

    @property
    def revoke_seconds(self) -> float:
        return self.rebalance_seconds * 0.6

    def connection(self) -> dict[str, Any]:
        """Arguments that every aiokafka client takes. Host names in certificates are checked."""
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
            "ssl_context": create_ssl_context(cafile=self.ca_file) if self.encrypted else None,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
            "metadata_max_age_ms": 30_000,
            "request_timeout_ms": 10_000,
        }


def broker_limit(max_bytes: int) -> int:
    """The batch size that broker and consumer must take so that no record of `max_bytes` is refused or skipped."""
    return max(max_bytes, BATCH_BYTES) + OVERHEAD_BYTES


async def bounded(work: Coroutine[Any, Any, T], seconds: float, what: str) -> T:
    """The outcome of `work`, or BrokerGone: after its deadline, on any client error, where the client cancels itself.

    Not `wait_for`: aiokafka swallows a cancellation in places, and it would wait for that. The task is left behind.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(forget)
    if not task.done():
        raise BrokerGone(f"{what}: no answer within {seconds:g} s")
    return outcome(task, what)


def outcome(task: asyncio.Task[T], what: str) -> T:
    """What a finished task brought; what a Kafka client raises, its stray CancelledError too, is BrokerGone."""
    if task.cancelled():
        raise BrokerGone(f"{what}: the client gave up")
    if isinstance(error := task.exception(), (KafkaError, OSError)):
        raise BrokerGone(f"{what}: {error!r}") from error
    return task.result()


async def let_go(work: Coroutine[Any, Any, object], seconds: float) -> bool:
    """Wait for a closing step, at most so long, whatever it raises. True where it ended by itself."""
    task = asyncio.create_task(work)
    task.add_done_callback(forget)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        ended = task.done()
        task.cancel()
    return ended


async def wait_for_event(event: asyncio.Event, until: float) -> bool:
    """Whether the event is set by `until` (monotonic seconds)."""
    if not event.is_set() and (left := until - time.monotonic()) > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), left)
    return event.is_set()


def forget(task: asyncio.Future[Any]) -> None:
    """Take note of an error that nobody waits for any more, so that asyncio does not report it as lost."""
    if not task.cancelled():
        task.exception()
