"""An applier that stops at a named point until it is told to go on: two transactions meet exactly there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from asyncpg import Connection

from shared.flow.apply import Applier, Move
from shared.flow.fold import Effects
from shared.flow.items import Item

Point = Literal["locked", "loaded", "written"]


@dataclass(frozen=True)
class Paused(Applier):
    at: Point = "loaded"
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, applier: Applier, at: Point) -> Paused:
        return cls(applier.process, applier.tables, applier.corridor, applier.telemetry, at)

    async def _claim_and_load(
        self, connection: Connection, move: Move, items: Sequence[Item], lanes: frozenset[str]
    ) -> Any:
        await self._stop("locked")
        loaded = await super()._claim_and_load(connection, move, items, lanes)
        await self._stop("loaded")
        return loaded

    async def _write(self, connection: Connection, effects: Effects, now: datetime) -> None:
        await super()._write(connection, effects, now)
        await self._stop("written")

    async def _stop(self, point: Point) -> None:
        if point == self.at:
            self.reached.set()
            await self.go.wait()
