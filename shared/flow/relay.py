"""From the outbox to the broker: one contiguous run from the first unpublished row, again from there after any
failure."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from asyncpg import Connection
from asyncpg import Record as Row

from shared.broker.ports import Broker, BrokerGone, Message, Publisher
from shared.db.engine import Database
from shared.flow.headers import unpack
from shared.flow.runner import Remedy, remedy
from shared.logs import logger
from shared.telemetry import Telemetry

log = logger("relay")

RUN: Final = 500
BUSY_SECONDS: Final = 0.2  # poll between processes; in process a commit wakes us at once
AGAIN_SECONDS: Final = 0.5  # after a failure, before all is built anew
LEADER_LOCK: Final = 7_001  # session advisory lock: economy only, order does not rest on it

# No "id > last": ids become visible out of order, a cursor lost 58 % in a test. What is published is deleted.
_UNPUBLISHED: Final = "SELECT id, topic, key, headers, value FROM outbox ORDER BY id LIMIT $1"
_PUBLISHED: Final = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"


@dataclass
class Relay:
    database: Database
    broker: Broker
    telemetry: Telemetry
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`: lead when nobody else does, and publish. Rebuilds its connection and publisher after any
        error."""
        while not stopping.is_set():
            try:
                await self._lead(stopping)
            except BrokerGone as error:
                log.warning("broker away", reason=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception as error:
                if remedy(error) is not Remedy.AGAIN:
                    raise
                log.warning("database away", error=type(error).__name__)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _lead(self, stopping: asyncio.Event) -> None:
        publisher = await self.broker.publisher()
        try:
            connection = await self.database.connect(role="relay")
            await self._leading(connection, publisher, stopping)
        finally:
            await publisher.close()

    async def _leading(self, connection: Connection, publisher: Publisher, stopping: asyncio.Event) -> None:
        try:
            while not stopping.is_set():
                if await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
                    await self._publish_all(connection, publisher, stopping)
                else:
                    await self._pause(1.0)
        finally:
            connection.terminate()

    async def _publish_all(self, connection: Connection, publisher: Publisher, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self.wake.clear()
            if await self.publish_run(connection, publisher) < RUN:
                await self._pause(BUSY_SECONDS)

    async def publish_run(self, connection: Connection, publisher: Publisher) -> int:
        """One run: read, send, delete. The next one is not read before this one is known to be sent."""
        rows = await connection.fetch(_UNPUBLISHED, RUN)
        if rows:
            await publisher.publish([_message(row) for row in rows])
            await connection.execute(_PUBLISHED, [row["id"] for row in rows])
            self.telemetry.count("messaging.client.sent.messages", len(rows))
        return len(rows)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            return


def _message(row: Row) -> Message:
    headers = (*unpack(row["headers"]), ("ce_aggregateversion", str(row["id"]).encode()))
    return Message(row["topic"], row["key"], row["value"], headers)
