"""The tower's own dead letters: facts that it could not read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select

from services.tower.attention import MOST, DeadLetter
from services.tower.tables import metadata
from shared.db.engine import ReadTx

_PARKED: Final = metadata.tables["parked"]


async def parked(read: ReadTx) -> Sequence[DeadLetter]:
    """The oldest first, with what waits behind each."""
    blocked = (
        select(_PARKED.c.lane, func.count().label("behind"))
        .where(_PARKED.c.state == "blocked")
        .group_by(_PARKED.c.lane)
        .subquery()
    )
    query = (
        select(_PARKED, func.coalesce(blocked.c.behind, 0).label("behind"))
        .outerjoin(blocked, blocked.c.lane == _PARKED.c.lane)
        .where(_PARKED.c.state == "dead")
        .order_by(_PARKED.c.seq)
        .limit(MOST)
    )
    async with read.begin() as tx:
        rows = (await tx.execute(query)).all()
    return [DeadLetter("tower", r.lane, r.topic, r.code, r.reason, r.failed_at, r.attempts, r.behind) for r in rows]
