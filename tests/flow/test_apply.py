"""The one transaction, on a real PostgreSQL: what is applied, absorbed, parked, refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.clock import FrozenClock
from shared.flow.fold import ForeignLane
from shared.flow.items import Fate
from shared.flow.runner import Runner
from shared.ids import uuid7
from tests.flow.toy import lifted, record, set_


async def words(runner: Runner, lane: str) -> list[str]:
    connection = await runner.connection()
    body = await connection.fetchval("SELECT convert_from(body, 'UTF8') FROM counters WHERE key = $1", lane)
    import json

    return [] if body is None else json.loads(body)["seen"]


async def spoken(runner: Runner) -> list[str]:
    connection = await runner.connection()
    rows = await connection.fetch("SELECT value FROM outbox ORDER BY id")
    import json

    return [json.loads(row["value"])["seller"] for row in rows]


async def parked(runner: Runner) -> list[tuple[str, str]]:
    connection = await runner.connection()
    return [(row["lane"], row["state"]) for row in await connection.fetch("SELECT lane, state FROM parked ORDER BY seq")]


async def run(runner: Runner, *facts: object) -> list[Fate]:
    items = [runner.applier.read(fact if hasattr(fact, "offset") else record(fact)) for fact in facts]  # type: ignore[arg-type]
    return [result.fate for result in await runner.run("facts", items)]


async def test_a_batch_is_applied_in_order_and_speaks_in_order(runner: Runner) -> None:
    fates = await run(runner, set_("a", "1"), set_("b", "2"), set_("a", "3"))

    assert fates == [Fate.DONE] * 3
    assert await words(runner, "a") == ["1", "3"]
    assert await spoken(runner) == ["1", "2", "3"]


async def test_the_same_event_twice_in_a_batch_and_again_later_happens_once(runner: Runner) -> None:
    once = record(set_("a", "1"), event_id=uuid7())

    assert await run(runner, once, once) == [Fate.DONE, Fate.DUPLICATE]
    assert await run(runner, once) == [Fate.DUPLICATE]
    assert await words(runner, "a") == ["1"]
    assert await spoken(runner) == ["1"]


async def test_a_permanent_failure_blocks_its_lane_and_no_other(runner: Runner) -> None:
    fates = await run(runner, set_("a", "permanent"), set_("a", "2"), set_("b", "3"))

    assert fates == [Fate.DEAD, Fate.WAITS, Fate.DONE]
    assert await run(runner, set_("a", "4")) == [Fate.WAITS]
    assert await parked(runner) == [("a", "dead"), ("a", "blocked"), ("a", "blocked")]
    assert await words(runner, "a") == []


async def test_an_early_fact_holds_its_own_topic_only_and_follows_its_cause(runner: Runner) -> None:
    fates = await run(runner, lifted("a", "1"))
    assert fates == [Fate.WAITS]

    # The same topic waits behind it, another topic of the lane goes on and brings the cause.
    assert await run(runner, record(lifted("a", "2"))) == [Fate.WAITS]
    assert await run(runner, record(set_("a", "1"), topic="catalog.reservation")) == [Fate.DONE]

    assert await words(runner, "a") == ["1", "-1"]
    assert await parked(runner) == [("a", "early")]
    assert await run(runner, record(set_("a", "2"), topic="catalog.reservation")) == [Fate.DONE]
    assert await words(runner, "a") == ["1", "-1", "2", "-2"]
    assert await parked(runner) == []


async def test_an_early_fact_whose_cause_comes_in_the_same_batch_is_not_even_parked(runner: Runner) -> None:
    await run(runner, lifted("a", "1"), record(set_("a", "1"), topic="catalog.reservation"))

    assert await words(runner, "a") == ["1", "-1"]
    assert await parked(runner) == []


async def test_an_early_fact_past_its_deadline_is_a_visible_dead_letter(runner: Runner, clock: FrozenClock) -> None:
    await run(runner, lifted("a", "1"))
    clock.skip(timedelta(minutes=11))

    await runner.repeat(lambda c: runner.applier.replay(c, ["a"], clock.now()))

    assert await parked(runner) == [("a", "dead")]


async def test_replay_goes_by_sequence_and_stops_at_the_next_failure(runner: Runner, clock: FrozenClock) -> None:
    await run(runner, set_("a", "bug"), set_("a", "2"), set_("a", "permanent"), set_("a", "4"))
    connection = await runner.connection()
    healed = record(set_("a", "healed"))
    await connection.execute("UPDATE parked SET value = $1 WHERE state = 'dead'", healed.value)

    await runner.repeat(lambda c: runner.applier.replay(c, ["a"], clock.now()))

    assert await words(runner, "a") == ["healed", "2"]
    assert await parked(runner) == [("a", "dead"), ("a", "blocked")]


async def test_a_fact_outside_the_locked_lanes_is_refused_and_nothing_is_written(runner: Runner) -> None:
    with pytest.raises(ForeignLane):
        await run(runner, set_("a", "foreign"))

    assert await words(runner, "a") == []


async def test_what_the_database_refuses_is_one_dead_letter_and_its_neighbours_go_on(runner: Runner) -> None:
    fates = await run(runner, set_("a", "1"), set_("b", "huge"), set_("b", "huge"), set_("c", "3"))

    assert fates == [Fate.DONE, Fate.DONE, Fate.DEAD, Fate.DONE]
    assert await words(runner, "b") == ["huge"]
    assert await parked(runner) == [("b", "dead")]


async def test_bytes_that_cannot_be_read_are_kept_unchanged(runner: Runner) -> None:
    from dataclasses import replace

    poison = replace(record(set_("a", "1")), value=b"\xff{not json")

    assert await run(runner, poison, set_("b", "2")) == [Fate.DEAD, Fate.DONE]
    connection = await runner.connection()
    row = await connection.fetchrow("SELECT value, state FROM parked")
    assert row is not None
    assert (row["value"], row["state"]) == (b"\xff{not json", "dead")
