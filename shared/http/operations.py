"""What a service has set aside or has not got to, for operators: read only, the same in every service."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Header
from sqlalchemy import text

from shared.clock import Clock
from shared.db.engine import ReadTx
from shared.security.auth import Tokens

PATH: Final = "/internal/{service}/operations"
MOST: Final = 100  # rows of one kind; the counts say how many there are
OVERDUE: Final = timedelta(seconds=60)  # real time: work that is due longer than this is nobody's, or too much
TRIES: Final = 3  # after so many a partner is away, and not merely slow

# One statement, the newest of each kind, by the service's own role in its own database.
# `early`: its cause still travels; `blocked` rows are counted behind the dead letter that they wait for.
_SET_ASIDE: Final = text("""
WITH found AS (
  SELECT 'dead' AS kind, lane, topic AS what, code, reason, failed_at AS at, attempts,
         (SELECT count(*) FROM parked AS b WHERE b.lane = p.lane AND b.state = 'blocked') AS behind, deadline AS due
    FROM parked AS p WHERE state = 'dead'
  UNION ALL
  SELECT 'early', lane, topic, code, reason, failed_at, attempts, 0, deadline FROM parked WHERE state = 'early'
  UNION ALL
  SELECT 'quarantine', lane, 'receipt ' || door, split_part(reason, ': ', 1), reason, received_at, 1, 0, NULL
    FROM receipts WHERE status = 'quarantined'
  UNION ALL
  SELECT 'stuck', lane, 'work ' || kind, last_error, 'the outcome cannot be applied', due_at, attempts, 0, due_at
    FROM work WHERE phase = 'stuck'
  UNION ALL
  SELECT 'overdue', lane, 'work ' || kind, last_error, phase, due_at, attempts, 0, due_at
    FROM work WHERE phase <> 'stuck' AND due_at < :overdue AND (leased_until IS NULL OR leased_until < :now)
  UNION ALL
  SELECT 'retrying', lane, 'work ' || kind, last_error, phase, due_at, attempts, 0, due_at
    FROM work WHERE phase <> 'stuck' AND due_at >= :overdue AND attempts >= :tries
), numbered AS (
  SELECT *, row_number() OVER (PARTITION BY kind ORDER BY at DESC) AS n, count(*) OVER (PARTITION BY kind) AS total
    FROM found)
SELECT kind, lane, what, code, reason, at, attempts, behind, due, total FROM numbered WHERE n <= :most
ORDER BY kind, at DESC""")


async def set_aside(read: ReadTx, service: str, now: datetime) -> dict[str, Any]:
    """Everything that waits for a person or longer than it should; `counts` is exact, `rows` at most MOST a kind."""
    given = {"now": now, "overdue": now - OVERDUE, "tries": TRIES, "most": MOST}
    async with read.begin() as tx:
        found = (await tx.execute(_SET_ASIDE, given)).mappings().all()
    return {
        "service": service,
        "asked_at": now,
        "counts": {row["kind"]: row["total"] for row in found},
        "rows": [{name: row[name] for name in row if name != "total"} for row in found],
    }


def router(service: str, read: ReadTx, tokens: Tokens, clock: Clock) -> APIRouter:
    routes = APIRouter(tags=["operations"])

    @routes.get(PATH.format(service=service), include_in_schema=False)
    async def operations(authorization: str = Header("")) -> dict[str, Any]:
        """Dead letters with what waits behind them, early facts, quarantined receipts, work that is stuck or late."""
        tokens.principal(authorization, "operator")
        return await set_aside(read, service, clock.now())

    return routes
