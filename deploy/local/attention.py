"""What every service of this process has set aside for a person, for the tower's page of dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from services.tower.attention import Attention, DeadLetter
from shared.service import Service

# Dead letters with what waits behind them, receipts that were acknowledged and not understood, outcomes that cannot be
# applied: the newest of each, read by each service's own role in its own database.
_SET_ASIDE: Final = text("""
(SELECT lane, topic AS what, code, reason, failed_at AS at, attempts,
        (SELECT count(*) FROM parked AS b WHERE b.lane = p.lane AND b.state = 'blocked') AS behind
   FROM parked AS p WHERE state = 'dead' ORDER BY seq DESC LIMIT 100)
UNION ALL
(SELECT lane, 'receipt ' || door, split_part(reason, ': ', 1), reason, received_at, 1, 0
   FROM receipts WHERE status = 'quarantined' ORDER BY received_at DESC LIMIT 100)
UNION ALL
(SELECT lane, 'work ' || kind, last_error, 'the outcome cannot be applied', due_at, attempts, 0
   FROM work WHERE phase = 'stuck' LIMIT 100)""")


def reader(services: Sequence[Service]) -> Attention:
    async def set_aside() -> Sequence[DeadLetter]:
        letters: list[DeadLetter] = []
        for service in services:
            async with service.resources.read.begin() as tx:
                rows = (await tx.execute(_SET_ASIDE)).all()
            letters += [DeadLetter(service.name, *row) for row in rows]
        return letters

    return set_aside
