"""Rows 4, 6 and 7 of the known holes: repeats inside a batch, early facts, replay."""

from __future__ import annotations

import pytest
from asyncpg import Connection

from shared.clock import FrozenClock
from shared.flow.items import Fate
from shared.flow.runner import Runner
from shared.ids import uuid7
from tests.flow import mutants
from tests.flow.mutants import Break, against, real
from tests.flow.seen import parked, run, spoken, words
from tests.flow.toy import cause, lifted, record, set_


@against(mutants.every_copy_counts)
async def test_row_04_of_the_same_id_in_a_batch_the_first_counts(
    flow: Break, monkeypatch: pytest.MonkeyPatch, runner: Runner, look: Connection
) -> None:
    flow(monkeypatch)
    one, two = record(set_("a", "1"), event_id=uuid7()), record(set_("b", "2"))
    await run(runner, one, two, one)

    assert await words(look, "a") == (["1"] if flow is real else ["1", "1"])
    assert await spoken(look) == (["1", "2"] if flow is real else ["1", "2", "1"])


@against(mutants.no_claims)
async def test_row_04_a_record_that_is_handed_out_again_changes_nothing(
    flow: Break, monkeypatch: pytest.MonkeyPatch, runner: Runner, look: Connection
) -> None:
    flow(monkeypatch)
    once = record(set_("a", "1"))
    await run(runner, once)
    await run(runner, once)

    assert await words(look, "a") == (["1"] if flow is real else ["1", "1"])


@against(mutants.early_is_permanent)
async def test_row_06_an_early_fact_does_not_hold_back_its_own_cause(
    flow: Break, monkeypatch: pytest.MonkeyPatch, runner: Runner, look: Connection, clock: FrozenClock
) -> None:
    flow(monkeypatch)
    await run(runner, lifted("a", "1"))

    fates = await run(runner, cause("a", "1"))

    if flow is real:
        assert fates == [Fate.DONE]
        assert (await words(look, "a"), await parked(look)) == (["1", "-1"], [])
        return
    # Nobody moves, and a replay does not help: the cause stands behind what waits for it.
    await runner.repeat(lambda c: runner.applier.replay(c, ["a"], clock.now()))
    assert (await words(look, "a"), await parked(look)) == ([], [("a", "dead"), ("a", "blocked")])


async def mended(runner: Runner, look: Connection, clock: FrozenClock, *wanted: str) -> list[Fate]:
    """What made the first row of the lane fail is repaired, and the lane replayed."""
    first = "UPDATE parked SET value = $1 WHERE seq = (SELECT min(seq) FROM parked)"
    await look.execute(first, record(set_("a", wanted[0])).value)
    return [result.fate for result in await runner.repeat(lambda c: runner.applier.replay(c, ["a"], clock.now()))]


@against(mutants.replay_by_claim)
async def test_row_07_a_replayed_record_is_its_own_claim(
    flow: Break, monkeypatch: pytest.MonkeyPatch, runner: Runner, look: Connection, clock: FrozenClock
) -> None:
    await run(runner, set_("a", "bug"), set_("a", "2"))
    flow(monkeypatch)

    fates = await mended(runner, look, clock, "healed")

    # The mutant finds every claim taken: both facts are gone, and their rows too.
    assert fates == ([Fate.DONE] * 2 if flow is real else [Fate.DUPLICATE] * 2)
    assert await words(look, "a") == (["healed", "2"] if flow is real else [])
    assert await parked(look) == []


@against(mutants.next_failure_stays_waiting)
async def test_row_07_the_first_that_fails_again_is_the_dead_letter(
    flow: Break, monkeypatch: pytest.MonkeyPatch, runner: Runner, look: Connection, clock: FrozenClock
) -> None:
    await run(runner, set_("a", "bug"), set_("a", "2"), set_("a", "permanent"), set_("a", "4"))
    flow(monkeypatch)

    fates = await mended(runner, look, clock, "healed")

    assert fates == [Fate.DONE, Fate.DONE, Fate.DEAD, Fate.WAITS]
    assert await words(look, "a") == ["healed", "2"]
    # The mutant leaves a lane that waits for a dead letter which nobody can find.
    assert await parked(look) == [("a", "dead" if flow is real else "blocked"), ("a", "blocked")]
