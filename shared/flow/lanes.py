"""The one place that locks. Lanes are broker keys; they are locked before anything is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from asyncpg import Connection

# Sorted and distinct *by hash*, so two batches never wait for each other in a circle. Advisory and not FOR UPDATE:
# the first fact of a key has no row to lock (two writers both created it; measured).
_LOCK_SORTED: Final = """
SELECT pg_advisory_xact_lock(h) FROM (
  SELECT DISTINCT hashtextextended(lane, $2) AS h FROM unnest($1::text[]) AS lane ORDER BY 1) AS sorted
"""

# One constant per service: services that share a server must not share locks by accident of equal keys.
SEEDS: Final = {"catalog": 11, "orders": 12, "payments": 13, "logistics": 14, "customs": 15, "tower": 16}


async def lock_lanes(connection: Connection, lanes: Iterable[str], seed: int) -> None:
    """Hold these lanes until the transaction ends. A statement of its own: what is read must be read after the wait."""
    await connection.fetch(_LOCK_SORTED, list(set(lanes)), seed)
