"""The sequenced log: a broker inside PostgreSQL, in a database of its own, with Kafka's meaning of offset, group and
lag.

Positions per topic are taken and committed one transaction at a time (under the topic's transaction lock), so a group
that reads `position > cursor` never overlooks one that becomes visible late. One member of a group is active; others
stand by and take over when it goes. A stopped group holds nothing but its own cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import asyncpg
from asyncpg import Connection

from shared.broker.ports import BrokerGone, Fetched, Message, Oversize, Partition, Record, StaleEpoch, TopicSpec
from shared.db.engine import Database, DatabaseGone
from shared.flow.headers import pack, unpack

POLL_SECONDS: Final = 0.2  # between processes; inside one a publish wakes the readers at once

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS log (
  position bigint GENERATED ALWAYS AS IDENTITY, topic text NOT NULL, key text NOT NULL, headers bytea NOT NULL, value
  bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (topic, position));
CREATE TABLE IF NOT EXISTS topics (name text PRIMARY KEY, retention_days int NOT NULL, max_bytes int NOT NULL);
CREATE TABLE IF NOT EXISTS cursors (
  grp text, topic text, position bigint NOT NULL, epoch bigint NOT NULL, PRIMARY KEY (grp, topic));
"""
# One statement: the lock comes first because every row passes through it, and a position is drawn per row behind it.
_APPEND: Final = """
WITH locked AS MATERIALIZED (
  SELECT count(pg_advisory_xact_lock(h)) AS n FROM (
    SELECT DISTINCT hashtextextended(topic, 77) AS h FROM unnest($1::text[]) AS topic ORDER BY 1) AS sorted)
INSERT INTO log (topic, key, headers, value)
SELECT m.topic, m.key, m.headers, m.value
  FROM locked, unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) WITH ORDINALITY AS m (topic, key, headers,
  value, ord)
 WHERE locked.n > 0 ORDER BY m.ord"""
_FETCH: Final = """
SELECT l.* FROM unnest($1::text[], $2::bigint[]) AS c (topic, position) CROSS JOIN LATERAL (
  SELECT topic, position, key, headers, value, (extract(epoch FROM at) * 1000)::bigint AS ms FROM log
   WHERE log.topic = c.topic AND log.position > c.position ORDER BY log.position LIMIT $3) AS l
 ORDER BY l.position LIMIT $3"""
_TAKE_OVER: Final = """
INSERT INTO cursors (grp, topic, position, epoch) SELECT $1, topic, 0, 1 FROM unnest($2::text[]) AS topic
ON CONFLICT (grp, topic) DO UPDATE SET epoch = cursors.epoch + 1 RETURNING topic, position, epoch"""
_COMMIT: Final = """
UPDATE cursors SET position = greatest(cursors.position, t.position) FROM unnest($2::text[], $3::bigint[],
$4::bigint[]) AS t (topic, position, epoch)
 WHERE cursors.grp = $1 AND cursors.topic = t.topic AND cursors.epoch = t.epoch"""
_LAG: Final = """
SELECT c.topic, (SELECT count(*) FROM log WHERE log.topic = c.topic AND log.position > c.position) AS behind
  FROM unnest($1::text[], $2::bigint[]) AS c (topic, position)"""

_GONE: Final = (
    DatabaseGone, asyncpg.PostgresConnectionError, asyncpg.InvalidTransactionStateError,
    asyncpg.TransactionRollbackError, asyncpg.InsufficientResourcesError, asyncpg.OperatorInterventionError,
    asyncpg.LockNotAvailableError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError,
)  # fmt: skip


@dataclass
class EmbeddedBroker:
    """One process's way to the log. Publishing wakes every reader that was made from the same object."""

    database: Database
    limits: dict[str, int] = field(default_factory=dict)
    readers: set[asyncio.Event] = field(default_factory=set)

    async def ensure(self, topics: Sequence[TopicSpec]) -> None:
        async with self.database.connected(role="broker") as connection:
            await connection.execute("SELECT pg_advisory_lock(78)")  # two processes may start at once
            await connection.execute(_SCHEMA)
            await connection.executemany(
                "INSERT INTO topics VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                [(t.name, t.retention_days, t.max_bytes) for t in topics],
            )
        self.limits.update({t.name: t.max_bytes for t in topics})

    async def publisher(self) -> EmbeddedPublisher:
        return EmbeddedPublisher(self)

    async def subscribe(self, group: str, topics: Sequence[str]) -> EmbeddedSubscription:
        subscription = EmbeddedSubscription(self, group, tuple(topics))
        self.readers.add(subscription.wake)
        return subscription

    async def close(self) -> None:
        self.readers.clear()


@dataclass
class _Link:
    """A connection that is made when needed and thrown away at the first trouble."""

    database: Database
    role: str
    settings: dict[str, str] | None = None
    _connection: Connection | None = None

    async def get(self) -> tuple[Connection, bool]:
        """The connection, and whether it is a new one."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection, False
        self._connection = await self.database.connect(role=self.role, settings=self.settings)
        return self._connection, True

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            connection.terminate()


class EmbeddedPublisher:
    def __init__(self, broker: EmbeddedBroker) -> None:
        self._broker = broker
        self._link = _Link(broker.database, "broker/publish")

    async def publish(self, messages: Sequence[Message]) -> None:
        rows = [(m.topic, m.key, pack(m.headers), m.value) for m in messages]
        for topic, key, headers, value in rows:
            limit = self._broker.limits.get(topic)
            if limit is not None and (size := len(key) + len(headers) + len(value)) > limit:
                raise Oversize(topic, key, size, limit)
        if not rows:
            return
        try:
            connection, _ = await self._link.get()
            await connection.fetch(_APPEND, *(list(column) for column in zip(*rows, strict=True)))
        except _GONE as error:
            self._link.drop()
            raise BrokerGone(f"the log did not take {len(rows)} records ({type(error).__name__})") from error
        for wake in self._broker.readers:
            wake.set()

    async def close(self) -> None:
        self._link.drop()


class EmbeddedSubscription:
    """Active while it holds the group's session lock; the epoch in the cursor rows fences whoever lost it."""

    def __init__(self, broker: EmbeddedBroker, group: str, topics: tuple[str, ...]) -> None:
        self._broker, self._group, self._topics = broker, group, topics
        # A cursor that is some milliseconds old after a power cut means records read twice, which claims absorb.
        self._link = _Link(broker.database, f"broker/{group}", {"synchronous_commit": "off"})
        self._epochs: dict[str, int] = {}
        self._committed: dict[str, int] = {}
        self._position: dict[str, int] = {}
        self._paused = False
        self.wake = asyncio.Event()
        self.generation = 0

    async def fetch(self, limit: int, wait_seconds: float) -> Fetched:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        while True:
            self.wake.clear()
            records = () if self._paused else await self._read(limit)
            left = deadline - loop.time()
            if records or left <= 0:
                return Fetched(records, self.generation)
            await self._sleep(min(left, POLL_SECONDS))

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            return

    async def _read(self, limit: int) -> tuple[Record, ...]:
        try:
            connection = await self._active()
            if connection is None:
                return ()
            rows = await connection.fetch(_FETCH, list(self._position), list(self._position.values()), limit)
        except _GONE as error:
            self._lost()
            raise BrokerGone(f"the log cannot be read ({type(error).__name__})") from error
        for row in rows:
            self._position[row["topic"]] = row["position"]
        return tuple(
            Record(Partition(r["topic"], 0), r["position"], r["key"], r["value"], unpack(r["headers"]), r["ms"])
            for r in rows
        )

    async def _active(self) -> Connection | None:
        """The connection while this member leads its group; None while another does."""
        connection, new = await self._link.get()
        if new:
            self._epochs.clear()
        if not self._epochs:
            if not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 79))", self._group):
                return None
            rows = await connection.fetch(_TAKE_OVER, self._group, list(self._topics))
            self._epochs = {row["topic"]: row["epoch"] for row in rows}
            self._committed = {row["topic"]: row["position"] for row in rows}
            self._position = dict(self._committed)
            self.generation += 1
        return connection

    async def commit(self, offsets: Mapping[Partition, int], epoch: int) -> None:
        if epoch != self.generation or not self._epochs:
            raise StaleEpoch(f"{self._group}: assigned anew since the fetch")
        topics = [partition.topic for partition in offsets]
        positions = [offset - 1 for offset in offsets.values()]
        try:
            connection, new = await self._link.get()
            status = (
                ""
                if new
                else await connection.execute(
                    _COMMIT, self._group, topics, positions, [self._epochs[t] for t in topics]
                )
            )
        except _GONE as error:
            self._lost()
            raise BrokerGone(f"the offsets were not stored ({type(error).__name__})") from error
        if status != f"UPDATE {len(topics)}":
            self._lost()
            raise StaleEpoch(f"{self._group}: another member leads")
        for topic, position in zip(topics, positions, strict=True):
            self._committed[topic] = max(self._committed[topic], position)

    def _lost(self) -> None:
        self._link.drop()
        self._epochs.clear()

    def rewind(self) -> None:
        self._position = dict(self._committed)

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self.wake.set()

    async def lag(self) -> Mapping[Partition, int]:
        try:
            connection = await self._active()
            if connection is None:
                return {}
            rows = await connection.fetch(_LAG, list(self._committed), list(self._committed.values()))
        except _GONE as error:
            self._lost()
            raise BrokerGone("the log cannot be read") from error
        return {Partition(row["topic"], 0): row["behind"] for row in rows}

    async def close(self) -> None:
        self._broker.readers.discard(self.wake)
        self._lost()
