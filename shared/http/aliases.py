"""Whose a partner's number is: name → lane, for the doors. The flow writes the rows before the number leaves the
house."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import asyncpg
from sqlalchemy import column, select, table
from sqlalchemy.exc import SQLAlchemyError

from shared.db.engine import DatabaseGone, ReadTx

_ALIASES: Final = table("aliases", column("name"), column("lane"))


class Aliases:
    """What is once known never changes, so it is kept in memory; what is not known is looked up again."""

    KEPT: Final = 50_000
    SECONDS: Final = 2.5  # for one look
    PAUSES: Final = (0.05, 0.1, 0.2, 0.4)  # seconds; the tightest sender waits 5 s for its answer

    def __init__(self, read: ReadTx) -> None:
        self._read = read
        self._known: OrderedDict[str, str] = OrderedDict()

    async def of(self, names: Collection[str]) -> Mapping[str, str]:
        """Name → lane, for those that are known now.

        Raises DatabaseGone: the sender is told to come again, nothing was taken.
        """
        if asked := [name for name in names if name not in self._known]:
            self._known.update(await self._look(asked))
        found = {name: self._known[name] for name in names if name in self._known}
        while len(self._known) > self.KEPT:
            self._known.popitem(last=False)
        return found

    async def lane(self, names: Iterable[str]) -> str | None:
        """The lane that one of these names leads to; an unknown one is looked up a few times more.

        A partner may push while the answer that names it is still being stored. Without the patience every order of
        such a partner waited five seconds longer, in quarantine.
        """
        wanted = list(dict.fromkeys(names))
        for pause in (*self.PAUSES, None):
            if found := await self.of(wanted):
                return next(found[name] for name in wanted if name in found)
            if pause is not None:
                await asyncio.sleep(pause)
        return None

    async def _look(self, names: Collection[str]) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(self.SECONDS), self._read.begin() as tx:
                rows = await tx.execute(select(_ALIASES).where(_ALIASES.c.name.in_(names)))
                return {row.name: row.lane for row in rows}
        except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise DatabaseGone(f"aliases cannot be read ({type(error).__name__})") from error
