"""Rows 1, 2, 3, 5 and 13 of the known holes, each on the flow as it is and on a mutant that shows the hole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import asyncpg
import pytest
from asyncpg import Connection

from shared.broker.embedded import EmbeddedBroker
from shared.db.engine import Database, DatabaseGone
from shared.flow.apply import Applier
from shared.flow.fold import ForeignLane
from shared.flow.items import Fate, Item
from shared.flow.relay import Relay
from shared.flow.runner import LANES, Runner
from shared.telemetry import Telemetry
from tests.flow import mutants, toy
from tests.flow.conftest import MakeRunner
from tests.flow.mutants import Break, against, real
from tests.flow.pauses import Paused, Point
from tests.flow.seen import count, done_or_waiting, items, parked, published, run, words
from tests.flow.toy import receipt, set_


async def meeting(
    look: Connection, make_runner: MakeRunner, applier: Applier, at: Point, first: Item, second: Item
) -> tuple[Fate, Fate]:
    """The first transaction stops at a point; the second comes until it is done or waits; then the first goes on."""
    paused = Paused.of(applier, at)
    one = asyncio.create_task(make_runner(paused).run("facts", [first]))
    await paused.reached.wait()
    two = asyncio.create_task(make_runner(applier).run("facts", [second]))
    await done_or_waiting(look, two)
    paused.go.set()
    (left,), (right,) = await asyncio.gather(one, two)
    return left.fate, right.fate


@pytest.mark.parametrize("flow", [real, mutants.no_lane_lock, mutants.state_rows_locked])
async def test_row_01_the_first_facts_of_a_key_are_both_kept(
    flow: Break, monkeypatch: pytest.MonkeyPatch, make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    flow(monkeypatch)
    fates = await meeting(look, make_runner, applier, "loaded", *items(applier, set_("a", "1"), set_("a", "2")))

    # The mutants claim both and believe that both were done; one effect is gone for good.
    assert fates == (Fate.DONE, Fate.DONE)
    assert await count(look, "claims") == 2
    assert await words(look, "a") == (["1", "2"] if flow is real else ["1"])


@against(mutants.claims_one_by_one)
async def test_row_02_the_same_events_in_opposite_order_never_deadlock(
    flow: Break, monkeypatch: pytest.MonkeyPatch, database: Database, applier: Applier, look: Connection
) -> None:
    flow(monkeypatch)
    batch = items(applier, set_("a", "1"), set_("b", "2"))
    rounds = 5 if flow is real else 1

    found = [await _opposed(database, applier, batch) for _ in range(rounds)]

    if flow is real:
        assert found == [[]] * rounds
        assert (await words(look, "a"), await words(look, "b")) == (["1"], ["2"])
    else:
        assert found == [["DeadlockDetectedError"]]


async def _opposed(database: Database, applier: Applier, batch: list[Item]) -> list[str]:
    """What two transactions raise that take the same events from either end."""
    quick = {"deadlock_timeout": "20"}
    connections = [await database.connect(role="opposed", settings=quick) for _ in range(2)]
    ways: list[Awaitable[object]] = [
        applier.apply(connection, "facts", way, toy.NOW)
        for connection, way in zip(connections, (batch, batch[::-1]), strict=True)
    ]
    ended = await asyncio.gather(*ways, return_exceptions=True)
    for connection in connections:
        await connection.close()
    return [type(error).__name__ for error in ended if isinstance(error, BaseException)]


@against(mutants.lane_of_the_state)
async def test_row_03_facts_of_one_key_are_published_in_the_order_of_their_ids(
    flow: Break,
    monkeypatch: pytest.MonkeyPatch,
    make_runner: MakeRunner,
    applier: Applier,
    look: Connection,
    broker: EmbeddedBroker,
    look_log: Connection,
) -> None:
    flow(monkeypatch)
    attempts = replace(applier, process=toy.ATTEMPTS)
    relay, publisher = Relay(make_runner().database, broker, Telemetry("toy")), await broker.publisher()
    paused = Paused.of(attempts, "written")
    one = asyncio.create_task(make_runner(paused).run("facts", items(attempts, set_("a", "1"))))
    await paused.reached.wait()
    two = asyncio.create_task(make_runner(attempts).run("facts", items(attempts, set_("a", "2"))))
    await done_or_waiting(look, two)

    await relay.publish_run(look, publisher)
    paused.go.set()
    await asyncio.gather(one, two)
    await relay.publish_run(look, publisher)

    assert await published(look_log) == ([("1", 1), ("2", 2)] if flow is real else [("2", 2), ("1", 1)])


async def test_row_03_a_lane_that_is_not_the_broker_key_is_refused(
    monkeypatch: pytest.MonkeyPatch, applier: Applier, make_runner: MakeRunner
) -> None:
    monkeypatch.setattr(toy, "attempt_lane", lambda fact: f"{fact.order_id}/{fact.hold}")

    with pytest.raises(ForeignLane):
        await run(make_runner(replace(applier, process=toy.ATTEMPTS)), set_("a", "1"))


@against(mutants.looked_while_locking)
async def test_row_05_what_is_parked_is_read_after_the_wait(
    flow: Break, monkeypatch: pytest.MonkeyPatch, make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    flow(monkeypatch)
    batch = items(applier, set_("a", "permanent"), set_("a", "2"))
    fates = await meeting(look, make_runner, applier, "written", *batch)

    # The mutant answers from before the wait: the fact overtakes the dead letter of its lane.
    assert fates == (Fate.DEAD, Fate.WAITS if flow is real else Fate.DONE)
    assert await words(look, "a") == ([] if flow is real else ["2"])
    assert (await parked(look))[0] == ("a", "dead")


@against(mutants.one_transaction_for_all)
async def test_row_13_no_batch_takes_more_locks_than_the_server_has(
    flow: Break, monkeypatch: pytest.MonkeyPatch, runner: Runner, look: Connection
) -> None:
    flow(monkeypatch)
    each = [tuple(f"{n}/{lane}" for lane in range(LANES - 1)) for n in range(70)]
    batch = [receipt(str(n), "1", others=others) for n, others in enumerate(each)]
    assert await look.fetchval("SHOW max_locks_per_transaction") == "256"

    if flow is real:
        assert [result.fate for result in await runner.run("receipts", batch)] == [Fate.DONE] * 70
    else:
        with pytest.raises(DatabaseGone) as gone:
            await runner.run("receipts", batch, give_up_after=0.1)
        assert isinstance(gone.value.__cause__, asyncpg.OutOfMemoryError)  # 53200, out of shared memory


async def test_two_events_that_forged_one_id_in_two_lanes_end_as_one(
    make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    one = items(applier, set_("a", "1"), set_("b", "1"))
    two = [replace(one[1], id=one[0].id), replace(one[0], id=one[1].id)]
    await asyncio.gather(make_runner().run("facts", one), make_runner().run("facts", two))

    assert await count(look, "claims") == 2
    assert len(await words(look, "a")) + len(await words(look, "b")) == 2
