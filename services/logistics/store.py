"""Reads of logistics: shipments for its API, and the lanes behind partners' numbers for its doors."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Final

import asyncpg
from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from services.logistics.shipment import Shipment
from services.logistics.tables import SHIPMENTS, metadata
from shared.db.engine import DatabaseGone, ReadTx
from shared.http.problem import NotFound
from shared.ids import OrderId
from shared.security.auth import Principal

_SHIPMENT: Final = TypeAdapter(Shipment)
_ALIASES: Final = metadata.tables["aliases"]
PAGE: Final = 100


async def shipment(read: ReadTx, order_id: str, principal: Principal) -> Shipment:
    """One order's parcels, if the asker may see them; another seller's are as good as none."""
    async with read.begin() as tx:
        body = await tx.scalar(select(SHIPMENTS.c.body).where(SHIPMENTS.c.key == order_id))
    found = _SHIPMENT.validate_json(body) if body is not None else None
    if found is None or not principal.sees(found.seller):
        raise NotFound(f"no shipment of order {order_id[:64]}")
    return found


async def with_cases(read: ReadTx) -> Sequence[Shipment]:
    """Shipments that a person must look at, at most PAGE."""
    query = select(SHIPMENTS.c.body).where(SHIPMENTS.c.open_cases > 0).order_by(SHIPMENTS.c.key).limit(PAGE)
    async with read.begin() as tx:
        return [_SHIPMENT.validate_json(body) for body in (await tx.scalars(query)).all()]


class Aliases:
    """Partner's number → order. What is once known never changes, so it is kept in memory; what is not known is not.

    A carrier may push the declared waybill while the answer that names it is still being stored: an unknown number is
    looked up a few times more before it is called unknown. Without that every order of the demo waited five seconds
    longer, in quarantine.
    """

    KEPT: Final = 10_000
    SECONDS: Final = 2.5  # for one look
    PAUSES: Final = (0.05, 0.1, 0.2, 0.4)  # seconds; the tightest sender waits 5 s for its answer

    def __init__(self, read: ReadTx) -> None:
        self._read = read
        self._known: OrderedDict[str, OrderId] = OrderedDict()

    async def lane(self, names: Iterable[str]) -> OrderId | None:
        """The order that one of these names leads to."""
        wanted = list(dict.fromkeys(names))
        for pause in self.PAUSES:
            if (found := await self._find(wanted)) is not None:
                return found
            await asyncio.sleep(pause)
        return await self._find(wanted)

    async def _find(self, names: Sequence[str]) -> OrderId | None:
        known = next((self._known[name] for name in names if name in self._known), None)
        return known or await self._look(names)

    async def _look(self, names: Sequence[str]) -> OrderId | None:
        for row in await self._rows(names):
            self._known[row.name] = OrderId(row.lane)
        while len(self._known) > self.KEPT:
            self._known.popitem(last=False)
        return next((self._known[name] for name in names if name in self._known), None)

    async def _rows(self, names: Sequence[str]) -> Sequence[Any]:
        """Raises DatabaseGone: the sender is told to come again, nothing was taken."""
        try:
            async with asyncio.timeout(self.SECONDS), self._read.begin() as tx:
                return (await tx.execute(select(_ALIASES).where(_ALIASES.c.name.in_(names)))).all()
        except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise DatabaseGone(f"aliases cannot be read ({type(error).__name__})") from error
