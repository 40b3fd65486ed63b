"""Early facts and replay: who waits for whom, how long, and in which order they go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asyncpg import Connection

from shared.clock import FrozenClock
from shared.flow.items import Fate, Result
from shared.flow.runner import Runner
from shared.flow.sweep import Sweeper
from tests.flow.seen import parked, run, words
from tests.flow.toy import OTHER_TOPIC, PATIENCE, cause, lifted, record, set_


@pytest.fixture
def sweeper(runner: Runner) -> Sweeper:
    return Sweeper(runner)


async def replay(runner: Runner, *lanes: str, limit: int = 100) -> list[Result]:
    return await runner.repeat(lambda c: runner.applier.replay(c, lanes, runner.clock.now(), limit=limit))


async def mend(look: Connection, word: str, value: bytes) -> None:
    """Repair the parked record whose hold was `word`."""
    await look.execute("UPDATE parked SET value = $2 WHERE convert_from(value, 'UTF8') LIKE $1", f'%"{word}"%', value)


async def test_an_early_fact_holds_its_own_topic_only_and_follows_its_cause(runner: Runner, look: Connection) -> None:
    assert await run(runner, lifted("a", "1")) == [Fate.WAITS]
    # The same topic waits behind it; another topic of the lane goes on and brings the cause.
    assert await run(runner, lifted("a", "2")) == [Fate.WAITS]
    assert await run(runner, cause("a", "1")) == [Fate.DONE]

    assert await words(look, "a") == ["1", "-1"]
    assert await parked(look) == [("a", "early")]
    assert await run(runner, cause("a", "2")) == [Fate.DONE]
    assert await words(look, "a") == ["1", "-1", "2", "-2"]
    assert await parked(look) == []


async def test_early_facts_of_two_topics_pull_each_other_along_to_a_fixed_point(
    runner: Runner, look: Connection
) -> None:
    await run(runner, lifted("a", "-1"), record(lifted("a", "1"), topic=OTHER_TOPIC))

    await run(runner, record(set_("a", "1"), topic="payments.payment"))

    assert await words(look, "a") == ["1", "-1", "--1"]
    assert await parked(look) == []


async def test_an_early_fact_whose_cause_comes_in_the_same_batch_is_not_even_parked(
    runner: Runner, look: Connection
) -> None:
    assert await run(runner, lifted("a", "1"), cause("a", "1")) == [Fate.WAITS, Fate.DONE]

    assert await words(look, "a") == ["1", "-1"]
    assert await parked(look) == []


async def test_an_early_fact_past_its_deadline_is_a_visible_dead_letter(
    runner: Runner, clock: FrozenClock, sweeper: Sweeper, look: Connection
) -> None:
    await run(runner, lifted("a", "1"))
    clock.skip(PATIENCE - timedelta(seconds=1))
    assert await sweeper.sweep() == 0
    clock.skip(timedelta(seconds=1))

    assert await sweeper.sweep() == 1

    row = await look.fetchrow("SELECT state, code, reason FROM parked")
    assert row is not None
    assert tuple(row) == ("dead", "flow.early", "its cause never came: 1 is not set yet")
    assert await sweeper.sweep() == 0


async def test_who_waits_behind_an_early_fact_gets_its_own_patience(
    runner: Runner, clock: FrozenClock, sweeper: Sweeper, look: Connection
) -> None:
    await run(runner, lifted("a", "1"), lifted("a", "2"))
    clock.skip(PATIENCE / 2)
    await run(runner, cause("a", "1"))  # the second comes to the front here
    clock.skip(PATIENCE / 2 + timedelta(seconds=1))
    assert await sweeper.sweep() == 0
    assert await parked(look) == [("a", "early")]

    clock.skip(PATIENCE / 2)

    assert await sweeper.sweep() == 1
    assert await parked(look) == [("a", "dead")]


async def test_the_sweep_retries_no_dead_letter(
    runner: Runner, clock: FrozenClock, sweeper: Sweeper, look: Connection
) -> None:
    await run(runner, lifted("a", "1"), cause("a", "permanent"))
    clock.skip(PATIENCE * 2)

    assert [await sweeper.sweep() for _ in range(3)] == [0, 0, 0]
    assert await look.fetchval("SELECT array_agg(attempts) FROM parked") == [1, 1]
    assert await parked(look) == [("a", "early"), ("a", "dead")]


async def test_a_clock_that_jumps_back_makes_nothing_overdue_and_nothing_lost(
    runner: Runner, clock: FrozenClock, sweeper: Sweeper, look: Connection
) -> None:
    await run(runner, lifted("a", "1"))
    clock.skip(-timedelta(days=400))

    assert await sweeper.sweep() == 0
    assert await run(runner, cause("a", "1")) == [Fate.DONE]
    assert await words(look, "a") == ["1", "-1"]


async def test_replay_goes_by_sequence_and_stops_at_the_next_failure(runner: Runner, look: Connection) -> None:
    await run(runner, set_("a", "bug"), set_("a", "2"), set_("a", "permanent"), set_("a", "4"))
    await mend(look, "bug", record(set_("a", "healed")).value)

    await replay(runner, "a")

    assert await words(look, "a") == ["healed", "2"]
    assert await parked(look) == [("a", "dead"), ("a", "blocked")]


async def test_replay_of_interleaved_lanes_stops_each_at_its_own_failure(runner: Runner, look: Connection) -> None:
    await run(runner, set_("a", "permanent"), set_("b", "bug"), set_("a", "2"), set_("b", "3"), set_("a", "4"))
    await mend(look, "bug", record(set_("b", "healed")).value)

    fates = [result.fate for result in await replay(runner, "a", "b")]

    assert fates == [Fate.DEAD, Fate.DONE, Fate.WAITS, Fate.DONE, Fate.WAITS]
    assert await words(look, "a") == []
    assert await words(look, "b") == ["healed", "3"]
    assert await parked(look) == [("a", "dead"), ("a", "blocked"), ("a", "blocked")]


async def test_a_limited_replay_leaves_the_rest_behind_the_lane(runner: Runner, look: Connection) -> None:
    await run(runner, set_("a", "bug"), set_("a", "2"), set_("a", "3"))
    await mend(look, "bug", record(set_("a", "healed")).value)

    await replay(runner, "a", limit=2)

    assert await words(look, "a") == ["healed", "2"]
    assert await run(runner, set_("a", "4")) == [Fate.WAITS]
    await replay(runner, "a")
    assert await words(look, "a") == ["healed", "2", "3", "4"]


async def test_a_replayed_early_fact_goes_before_those_that_waited_behind_it(
    runner: Runner, clock: FrozenClock, sweeper: Sweeper, look: Connection
) -> None:
    await run(runner, lifted("a", "1"), lifted("a", "2"))
    clock.skip(PATIENCE)
    await sweeper.sweep()
    assert await parked(look) == [("a", "dead"), ("a", "early")]
    await run(runner, cause("a", "2"), cause("a", "1"))

    await replay(runner, "a")

    assert await words(look, "a") == ["2", "1", "-1", "-2"]
    assert await parked(look) == []


async def test_a_replay_that_needs_more_lanes_gets_them(runner: Runner, look: Connection) -> None:
    await run(runner, set_("wide", "1"), set_("a", "permanent"))
    await mend(look, "permanent", record(set_("a", "wider")).value)

    await replay(runner, "a")

    assert await words(look, "a") == ["wider"]
    assert await parked(look) == []


async def test_a_blocked_lane_costs_its_neighbours_nothing_to_read(runner: Runner, look: Connection) -> None:
    await run(runner, set_("a", "permanent"), *[set_("a", str(n)) for n in range(99)])
    loaded: list[int] = []
    parked_rows = runner.applier._parked

    async def noting(connection: Connection, lanes: list[str]) -> object:
        rows = await parked_rows(connection, lanes)
        loaded.append(len(rows))
        return rows

    object.__setattr__(runner.applier, "_parked", noting)
    assert await run(runner, set_("a", "100"), set_("b", "1")) == [Fate.WAITS, Fate.DONE]

    assert sum(loaded) == 0
