"""The one transaction, on a real PostgreSQL: what is applied, absorbed, parked, refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asyncpg import Connection

from shared.flow.fold import ForeignLane
from shared.flow.items import Fate
from shared.flow.runner import Runner
from shared.ids import uuid7
from tests.flow.seen import count, parked, run, spoken, words
from tests.flow.toy import WIDE, cause, lifted, receipt, record, set_


async def test_a_batch_is_applied_in_order_and_speaks_in_order(runner: Runner, look: Connection) -> None:
    fates = await run(runner, set_("a", "1"), set_("b", "2"), set_("a", "3"))

    assert fates == [Fate.DONE] * 3
    assert await words(look, "a") == ["1", "3"]
    assert await spoken(look) == ["1", "2", "3"]


async def test_the_same_event_twice_in_a_batch_and_again_later_happens_once(runner: Runner, look: Connection) -> None:
    once = record(set_("a", "1"), event_id=uuid7())

    assert await run(runner, once, once) == [Fate.DONE, Fate.DUPLICATE]
    assert await run(runner, once) == [Fate.DUPLICATE]
    assert await words(look, "a") == ["1"]
    assert await spoken(look) == ["1"]


async def test_a_permanent_failure_blocks_its_lane_and_no_other(runner: Runner, look: Connection) -> None:
    fates = await run(runner, set_("a", "permanent"), set_("a", "2"), set_("b", "3"))

    assert fates == [Fate.DEAD, Fate.WAITS, Fate.DONE]
    assert await run(runner, set_("a", "4"), set_("b", "5")) == [Fate.WAITS, Fate.DONE]
    assert await parked(look) == [("a", "dead"), ("a", "blocked"), ("a", "blocked")]
    assert await words(look, "a") == []
    assert await words(look, "b") == ["3", "5"]


async def test_a_receipt_is_applied_even_where_facts_of_its_lane_are_blocked(runner: Runner, look: Connection) -> None:
    await run(runner, set_("a", "permanent"))
    await runner.run("receipts", [receipt("a", "by hand")])

    assert await words(look, "a") == ["by hand"]
    assert await parked(look) == [("a", "dead")]


async def test_a_fact_outside_the_locked_lanes_is_refused_and_nothing_is_written(
    runner: Runner, look: Connection
) -> None:
    with pytest.raises(ForeignLane):
        await run(runner, set_("a", "1"), set_("a", "foreign"))

    assert await words(look, "a") == []
    assert await count(look, "claims") == 0


async def test_bytes_that_cannot_be_read_are_kept_unchanged(runner: Runner, look: Connection) -> None:
    poison = replace(record(set_("a", "1")), value=b"\xff{not json", offset=7)

    assert await run(runner, poison, set_("b", "2")) == [Fate.DEAD, Fate.DONE]
    row = await look.fetchrow('SELECT topic, partition, "offset", value, state, attempts FROM parked')
    assert row is not None
    assert tuple(row) == ("orders.order", 0, 7, b"\xff{not json", "dead", 1)


async def test_poison_that_is_handed_out_again_is_one_dead_letter(runner: Runner, look: Connection) -> None:
    poison = replace(record(set_("a", "1")), value=b"{}")
    await run(runner, poison)

    assert await run(runner, poison) == [Fate.DUPLICATE]
    assert await parked(look) == [("a", "dead")]
    assert await run(runner, replace(poison, offset=1)) == [Fate.WAITS]


async def test_a_decision_that_needs_more_lanes_starts_again_with_them(runner: Runner, look: Connection) -> None:
    await run(runner, set_(WIDE, "1"))

    assert await run(runner, set_("b", "0"), set_("a", "wider"), set_("a", "2")) == [Fate.DONE] * 3
    assert await words(look, "a") == ["wider", "2"]
    assert await words(look, "b") == ["0"]


async def test_an_early_fact_that_needs_more_lanes_gets_them_when_its_cause_comes(
    runner: Runner, look: Connection
) -> None:
    await run(runner, set_(WIDE, "1"), lifted("a", "wider"))

    assert await run(runner, cause("a", "wider")) == [Fate.DONE]
    assert await words(look, "a") == ["wider", "-wider"]


async def test_asking_for_what_is_there_already_is_a_bug_and_not_a_loop(runner: Runner, look: Connection) -> None:
    with pytest.raises(RuntimeError, match="locked and loaded already"):
        await run(runner, set_("a", "greedy"))

    assert await count(look, "claims") == 0


async def test_a_batch_never_holds_more_than_a_hundred_items(runner: Runner, look: Connection) -> None:
    await run(runner, *[set_(str(n % 7), str(n)) for n in range(250)])

    transactions = await look.fetchval("SELECT count(DISTINCT xmin::text) FROM claims")
    assert (transactions, await count(look, "claims")) == (3, 250)
    assert await spoken(look) == [str(n) for n in range(250)]
