"""What waits too long: early facts whose deadline passed, and quarantined receipts whose cause may have come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.db.engine import Database
from shared.errors import Transient
from shared.flow.fold import RETRY_RECEIPT, RetryReceipt, TooEarly
from shared.flow.items import Leased, Poison
from shared.flow.runner import Runner
from shared.flow.work import Call, Redo
from shared.logs import logger

if TYPE_CHECKING:
    from shared.http.app import Reception

log = logger("sweep")

EVERY_SECONDS: Final = 1.0
RETRIES: Final = (5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 180.0)  # about seven minutes

# In a lane that a dead letter blocks already they wait for its replay, like everything else there.
_OVERDUE: Final = """
SELECT DISTINCT lane FROM parked AS e WHERE state = 'early' AND deadline <= $1
   AND NOT EXISTS (SELECT FROM parked AS b WHERE b.lane = e.lane AND b.state <> 'early') ORDER BY 1 LIMIT 50"""
_RECEIPT: Final = "SELECT door, received_at, headers, body FROM receipts WHERE id = $1"


@dataclass
class Sweeper:
    """Turns overdue early facts into visible dead letters (or applies them, where their cause came)."""

    runner: Runner

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self.sweep()
            try:
                async with asyncio.timeout(EVERY_SECONDS):
                    await stopping.wait()
            except TimeoutError:
                continue
        self.runner.drop()

    async def sweep(self) -> int:
        now = self.runner.clock.now()
        rows = await self.runner.repeat(lambda c: c.fetch(_OVERDUE, now))
        if rows:
            lanes = [row["lane"] for row in rows]
            # Limit 0: only what is early; no scheduler retries a dead letter.
            for result in await self.runner.repeat(lambda c: self.runner.applier.replay(c, lanes, now, limit=0)):
                log.error("dead letter", lane=result.item.lane, item_id=str(result.item.id), error=str(result.failure))
            self.runner.committed()
        return len(rows)


def receipt_call(database: Database, reception: Reception) -> Mapping[str, Call]:
    """The work that reads a quarantined receipt again, as its door read it the first time."""

    async def again(leased: Leased) -> object:
        from shared.http.app import Inbound  # the doors are known only where HTTP is

        task = leased.task
        assert isinstance(task, RetryReceipt)
        async with database.connected(role="receipt") as connection:
            row = await connection.fetchrow(_RECEIPT, task.receipt_id)
            assert row is not None
            body = reception.columns.open_bytes(row["body"], place=f"receipts/{task.receipt_id}")
            kept = json.loads(row["headers"])
            incoming = await reception.doors[row["door"]].read(
                Inbound(kept, body, {}, kept.get(":query", "")), row["received_at"]
            )
            if isinstance(incoming.content, Poison):
                if isinstance(incoming.content.failure, TooEarly):
                    raise StillEarly(str(incoming.content.failure))
                raise incoming.content.failure
        return Redo(incoming.content)

    return {RETRY_RECEIPT: Call(RetryReceipt, again, unknown="resend", backoff=RETRIES)}


class StillEarly(Transient):
    """What the receipt names is not known yet."""

    code = "flow.early"
