"""Batches against a database that fails: what repeats, what is halved, what stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import Final, TypeVar

import asyncpg
from asyncpg import Connection

from shared.clock import Clock
from shared.db.engine import Database, DatabaseGone
from shared.errors import Permanent
from shared.flow.apply import BATCH, Applier, Move
from shared.flow.items import Item, Poison, Result
from shared.logs import logger

log = logger("flow")

T = TypeVar("T")

# Connection, transaction state and rollback, resources, operator intervention, lock not available: not the data's
# fault.
_AGAIN: Final = ("08", "25", "40", "53", "57")
_SPLIT: Final = ("22", "23", "54")  # a value, a constraint, a limit (a key too long for its index)
LANES: Final = 2_000  # of one batch: each is a lock in memory that all transactions share (12,800 at the least)
PAUSES: Final = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)  # seconds between repeats of one batch; the last one repeats


class Remedy(Enum):
    AGAIN = "again"
    SPLIT = "split"
    STOP = "stop"


class Refused(Permanent):
    """The database refuses what was decided for one item (a CHECK, a bad character): a dead letter, not a stopped
    topic."""

    code = "flow.refused_by_database"


def remedy(error: BaseException) -> Remedy:
    """What a failed transaction asks for. The outcome of a commit may be unknown: the same items again, their claims
    decide."""
    match error:
        case asyncpg.ClientConfigurationError():
            return Remedy.STOP
        case asyncpg.InterfaceError() if isinstance(error, ValueError):
            return (
                Remedy.SPLIT
            )  # the driver cannot encode a value: a lone surrogate, a number that the column cannot hold
        case DatabaseGone() | asyncpg.InterfaceError() | asyncpg.InternalClientError() | OSError() | TimeoutError():
            return Remedy.AGAIN
        case asyncpg.InvalidCachedStatementError():
            return Remedy.AGAIN  # a migration ran meanwhile; the new connection plans anew
        case asyncpg.PostgresError(sqlstate=str(state)):
            if state[:2] in _SPLIT:
                return Remedy.SPLIT
            return Remedy.AGAIN if state[:2] in _AGAIN or state == "55P03" else Remedy.STOP
        case _:
            return Remedy.STOP


@dataclass
class Runner:
    """One loop's connection and the batches that go through it, one at a time."""

    database: Database
    applier: Applier
    clock: Clock
    role: str
    committed: Callable[[], None] = lambda: None  # wakes the relay and the worker of this process
    _connection: Connection | None = field(default=None, repr=False)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def run(self, move: Move, items: Sequence[Item], *, give_up_after: float | None = None) -> list[Result]:
        """Apply all items, in order, each exactly once; a refused one is poisoned alone.

        Repeats through connection loss until it succeeds, or raises DatabaseGone after `give_up_after` seconds.
        Shielded: a cancelled caller does not cut a batch in two.
        """
        return await asyncio.shield(asyncio.ensure_future(self._all(move, items, give_up_after)))

    async def _all(self, move: Move, items: Sequence[Item], give_up_after: float | None) -> list[Result]:
        results: list[Result] = []
        for batch in _batches(items):
            results += await self._batch(move, batch, give_up_after)
        return results

    async def _batch(self, move: Move, items: Sequence[Item], give_up_after: float | None) -> list[Result]:
        try:
            results = await self.repeat(lambda c: self.applier.apply(c, move, items, self.clock.now()), give_up_after)
            self.committed()
            return results
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if remedy(error) is not Remedy.SPLIT:
                raise
            if len(items) == 1:
                return await self._batch(move, [self._poisoned(items[0], error)], give_up_after)
            half = len(items) // 2
            # Left, then right, each its own transaction: what is done is always a prefix, and offsets may follow it.
            left = await self._batch(move, items[:half], give_up_after)
            return left + await self._batch(move, items[half:], give_up_after)

    @staticmethod
    def _poisoned(item: Item, error: Exception) -> Item:
        if isinstance(item.content, Poison) and isinstance(item.content.failure, Refused):
            raise error  # not even its dead letter is taken: a bug of ours
        state = getattr(error, "sqlstate", "client")
        log.error("refused by the database", lane=item.lane, item_id=str(item.id), sqlstate=state)
        return item.poisoned(Refused(f"{type(error).__name__} ({state})"))

    async def repeat(self, action: Callable[[Connection], Awaitable[T]], give_up_after: float | None = None) -> T:
        """Run `action(connection)` until the database lets it, or raise DatabaseGone when `give_up_after` seconds are
        over."""
        loop = asyncio.get_running_loop()
        deadline = None if give_up_after is None else loop.time() + give_up_after
        for attempt in count():
            try:
                return await self._attempt(action)
            except Exception as error:
                if remedy(error) is not Remedy.AGAIN:
                    raise
                pause = PAUSES[min(attempt, len(PAUSES) - 1)]
                if deadline is not None and loop.time() + pause > deadline:
                    raise DatabaseGone(f"{self.role}: the database did not take the batch in time") from error
                log.warning("batch repeated", role=self.role, error=type(error).__name__, attempt=attempt + 1)
                await asyncio.sleep(pause)
        raise AssertionError("count() does not end")

    async def _attempt(self, action: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._one:  # one connection: whoever comes meanwhile waits
            try:
                return await action(await self.connection())
            except BaseException:
                self.drop()  # after any error its state is unknown: a new connection costs less than a wrong one
                raise

    async def connection(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self.database.connect(role=self.role)
        return self._connection

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            connection.terminate()


def _batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    """In order, at most BATCH items and LANES lanes each; an item that names more goes alone."""
    batch: list[Item] = []
    lanes = 0
    for item in items:
        if batch and (len(batch) == BATCH or lanes + len(item.reach.lanes) > LANES):
            yield batch
            batch, lanes = [], 0
        batch.append(item)
        lanes += len(item.reach.lanes)
    if batch:
        yield batch
