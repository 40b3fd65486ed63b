"""What waits too long: early facts whose deadline passed become visible dead letters, or are applied after all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from shared.flow.runner import Runner
from shared.logs import logger

log = logger("sweep")

EVERY_SECONDS: Final = 1.0

# In a lane that a dead letter blocks already they wait for its replay, like everything else there.
_OVERDUE: Final = """
SELECT DISTINCT lane FROM parked AS e WHERE state = 'early' AND deadline <= $1
   AND NOT EXISTS (SELECT FROM parked AS b WHERE b.lane = e.lane AND b.state <> 'early') ORDER BY 1 LIMIT 50"""


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
