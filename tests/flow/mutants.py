"""The flow with one rule taken away: what each hole of the obvious design looks like on the real database.

Each mutant is a function that breaks the flow for one test. A test that runs with `real` and with a mutant asserts
that the rule holds there, and that exactly this hole opens here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from asyncpg import Connection

from shared.broker.embedded import EmbeddedBroker, EmbeddedPublisher
from shared.broker.ports import BrokerGone, Message, Publisher
from shared.flow import apply as applying
from shared.flow import fold as folding
from shared.flow import runner as running
from shared.flow import work as working
from shared.flow.apply import Applier
from shared.flow.decision import Early
from shared.flow.fold import Fold
from shared.flow.items import Fate, Item, Leased, Parked, Result
from shared.flow.relay import Relay, _message
from tests.flow import toy

Break = Callable[[pytest.MonkeyPatch], None]


def real(_: pytest.MonkeyPatch) -> None:
    """The flow as it is."""


def against(mutant: Break) -> pytest.MarkDecorator:
    """Run the test twice: on the flow as it is and on the mutant."""
    return pytest.mark.parametrize("flow", [real, mutant], ids=["real", mutant.__name__])


# --- locks --------------------------------------------------------------------------------------------------------


async def _no_lock(_: Connection, __: Iterable[str], ___: int) -> None:
    return


def no_lane_lock(patch: pytest.MonkeyPatch) -> None:
    """Nothing is locked before the first read."""
    patch.setattr(applying, "lock_lanes", _no_lock)


def state_rows_locked(patch: pytest.MonkeyPatch) -> None:
    """The obvious design: `FOR UPDATE` on what is loaded. The first fact of a key has no row to lock."""

    async def lock_rows(connection: Connection, lanes: Iterable[str], _: int) -> None:
        await connection.fetch("SELECT key FROM counters WHERE key = ANY($1) ORDER BY key FOR UPDATE", list(lanes))

    patch.setattr(applying, "lock_lanes", lock_rows)


def claims_one_by_one(patch: pytest.MonkeyPatch) -> None:
    """Claims in the order of the batch, without lanes before them: `ON CONFLICT` waits while other keys are held."""
    both = asyncio.Barrier(2)
    claimed = Applier._claim_and_load

    async def claim(
        self: Applier, connection: Connection, move: Any, items: Sequence[Item], lanes: frozenset[str]
    ) -> Any:
        for n, item in enumerate(items):
            await connection.execute("INSERT INTO claims VALUES ($1) ON CONFLICT DO NOTHING", item.id)
            if n == 0:
                await both.wait()
        return await claimed(self, connection, move, items, lanes)

    no_lane_lock(patch)
    patch.setattr(Applier, "_claim_and_load", claim)


def lane_of_the_state(patch: pytest.MonkeyPatch) -> None:
    """The key of the state row is locked instead of the broker key, and nobody refuses the fact."""
    patch.setattr(folding.Effects, "refuse_foreign_lanes", lambda *_: None)
    patch.setattr(toy, "attempt_lane", lambda fact: f"{fact.order_id}/{fact.hold}")


def work_row_first(patch: pytest.MonkeyPatch) -> None:
    """An outcome takes its work row before its lane."""
    once = Applier._once

    async def row_first(self: Applier, connection: Connection, move: Any, items: Sequence[Item], now: datetime) -> Any:
        ids = [item.origin.id for item in items if isinstance(item.origin, Leased)]
        await connection.execute("SELECT id FROM work WHERE id = ANY($1) FOR UPDATE", ids)
        return await once(self, connection, move, items, now)

    patch.setattr(Applier, "_once", row_first)


def one_transaction_for_all(patch: pytest.MonkeyPatch) -> None:
    """As many lanes in one transaction as the items happen to name."""
    patch.setattr(running, "LANES", 10**9)


# --- claims and what waits ------------------------------------------------------------------------------------------


def every_copy_counts(patch: pytest.MonkeyPatch) -> None:
    """Claims without keeping the first of each id in the batch."""

    def first(self: Any, items: Sequence[Item]) -> list[Item]:
        return [item for item in items if str(item.id) in self.claimed]

    patch.setattr(applying._Loaded, "first", first)


def no_claims(patch: pytest.MonkeyPatch) -> None:
    """Every delivery counts."""
    patch.setattr(applying._Loaded, "first", lambda _, items: list(items))


_LOCK_AND_LOOK: Final = """
WITH locked AS MATERIALIZED (SELECT count(pg_advisory_xact_lock(h)) AS n FROM (
  SELECT DISTINCT hashtextextended(lane, $2) AS h FROM unnest($1::text[]) AS lane ORDER BY 1) AS sorted)
SELECT DISTINCT parked.lane FROM locked, parked WHERE locked.n > 0 AND parked.lane = ANY($1)"""


def looked_while_locking(patch: pytest.MonkeyPatch) -> None:
    """What is parked is read by the statement that waits for the lock: it sees the world before the wait."""
    sorted_out = Applier._sorted_out
    looked: dict[asyncio.Task[Any] | None, set[str]] = {}

    async def lock_and_look(connection: Connection, lanes: Iterable[str], seed: int) -> None:
        rows = await connection.fetch(_LOCK_AND_LOOK, list(lanes), seed)
        looked[asyncio.current_task()] = {row["lane"] for row in rows}

    def believed(self: Applier, rows: Any) -> Any:
        loaded = sorted_out(self, rows)
        loaded.blocked = looked[asyncio.current_task()]
        return loaded

    patch.setattr(applying, "lock_lanes", lock_and_look)
    patch.setattr(Applier, "_sorted_out", believed)


def early_is_permanent(patch: pytest.MonkeyPatch) -> None:
    """What is only early blocks its lane, and with it its own cause."""

    def too_early(self: Fold, item: Item, early: Early) -> Result:
        return self._failed(item, folding.TooEarly(early.reason))

    patch.setattr(Fold, "_too_early", too_early)


def replay_by_claim(patch: pytest.MonkeyPatch) -> None:
    """A parked record goes through its old claim again."""

    async def replay(
        self: Applier, connection: Connection, lanes: Sequence[str], now: datetime, **_: int
    ) -> list[Result]:
        waiting = await self._parked(connection, lanes)
        await connection.execute("DELETE FROM parked WHERE lane = ANY($1)", lanes)
        return await self.apply(connection, "facts", waiting, now)

    patch.setattr(Applier, "replay", replay)


def next_failure_stays_waiting(patch: pytest.MonkeyPatch) -> None:
    """A row that fails in a replay keeps its mark: nobody sees a dead letter, nobody replays, the lane is stuck."""
    hold = Fold._hold

    def held(self: Fold, item: Item, state: str, **more: Any) -> Result:
        parked = isinstance(item.origin, Parked)
        return Result(item, Fate.DEAD) if parked and state == "dead" else hold(self, item, state, **more)

    patch.setattr(Fold, "_hold", held)


# --- work -----------------------------------------------------------------------------------------------------------


def short_lease(patch: pytest.MonkeyPatch) -> None:
    """A lease that ends before the call does."""
    patch.setattr(working, "LEASE", timedelta(milliseconds=40))


def lease_all(patch: pytest.MonkeyPatch) -> None:
    """Everything due is leased, whoever has a free hand for it."""
    patch.setattr(working, "SLOTS", 10_000)


def blind_retry(patch: pytest.MonkeyPatch) -> None:
    """A call without an answer is simply made again."""

    async def ask(self: working.Call, leased: Leased) -> object:
        assert self.run is not None
        return await self.run(leased)

    patch.setattr(working.Call, "ask", ask)


# --- broker and relay -----------------------------------------------------------------------------------------------

_BEHIND: Final = "SELECT count(*) FROM log WHERE position > (SELECT min(position) FROM cursors)"
WINDOW: Final = 20


class _Windowed(EmbeddedPublisher):
    async def publish(self, messages: Sequence[Message]) -> None:
        connection, _ = await self._link.get()
        if await connection.fetchval(_BEHIND) + len(messages) > WINDOW:
            raise BrokerGone("the window is full until every group has taken its part")
        await super().publish(messages)


def window_of_the_slowest(patch: pytest.MonkeyPatch) -> None:
    """The broker takes nothing while its slowest group has a window full to read."""

    async def publisher(self: EmbeddedBroker) -> EmbeddedPublisher:
        return _Windowed(self)

    patch.setattr(EmbeddedBroker, "publisher", publisher)


def cursor_relay(patch: pytest.MonkeyPatch) -> None:
    """`id > last`: ids become visible out of order."""
    last = 0

    async def publish_run(_: Relay, connection: Connection, publisher: Publisher) -> int:
        nonlocal last
        rows = await connection.fetch("SELECT * FROM outbox WHERE id > $1 ORDER BY id", last)
        await publisher.publish([_message(row) for row in rows])
        last = max([last, *(row["id"] for row in rows)])
        return len(rows)

    patch.setattr(Relay, "publish_run", publish_run)


def relays_share(patch: pytest.MonkeyPatch) -> None:
    """Several relays, each with rows of its own by SKIP LOCKED."""

    async def publish_run(_: Relay, connection: Connection, publisher: Publisher) -> int:
        async with connection.transaction():
            rows = await connection.fetch("SELECT * FROM outbox ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
            await publisher.publish([_message(row) for row in rows])
            await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", [row["id"] for row in rows])
        return len(rows)

    patch.setattr(Relay, "publish_run", publish_run)
