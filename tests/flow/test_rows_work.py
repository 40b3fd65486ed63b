"""Rows 8, 9 and 10 of the known holes: work rows against steps, leases, a stopped group."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
from asyncpg import Connection

from shared.broker.embedded import EmbeddedBroker
from shared.broker.ports import BrokerGone, Message
from shared.db.engine import Database
from shared.flow.apply import Applier
from shared.flow.runner import Runner
from tests.flow import mutants, toy
from tests.flow.conftest import MakeRunner
from tests.flow.mutants import Break, against, real
from tests.flow.outside import Outside, leased_rows, outcome, worker
from tests.flow.pauses import Paused
from tests.flow.seen import count, done_or_waiting, items, run, until, words
from tests.flow.toy import set_


@against(mutants.work_row_first)
async def test_row_08_an_outcome_and_a_step_that_cancels_it_never_deadlock(
    flow: Break,
    monkeypatch: pytest.MonkeyPatch,
    database: Database,
    applier: Applier,
    runner: Runner,
    look: Connection,
) -> None:
    await run(runner, set_("a", "soon"))
    (rung,) = await leased_rows(runner, applier)
    flow(monkeypatch)
    quick = {"deadlock_timeout": "20"}
    step, call = [await database.connect(role="row8", settings=quick) for _ in range(2)]
    paused = Paused.of(applier, "loaded")
    cancelling = asyncio.create_task(paused.apply(step, "facts", items(applier, set_("a", "no-timer")), toy.NOW))
    await paused.reached.wait()
    applying: asyncio.Task[object] = asyncio.create_task(applier.apply(call, "work", [rung], toy.NOW))
    await done_or_waiting(look, applying)

    paused.go.set()
    ended = await asyncio.gather(cancelling, applying, return_exceptions=True)

    errors = [type(error).__name__ for error in ended if isinstance(error, BaseException)]
    assert errors == ([] if flow is real else ["DeadlockDetectedError"])
    if flow is real:  # the step was first: the timer is gone, its ring finds nothing
        assert (await words(look, "a"), await count(look, "work")) == (["soon", "no-timer"], 0)
    for connection in (step, call):
        await connection.close()


@against(mutants.short_lease)
async def test_row_09_a_call_in_flight_is_not_made_again(
    flow: Break, monkeypatch: pytest.MonkeyPatch, make_runner: MakeRunner, look: Connection
) -> None:
    flow(monkeypatch)
    outside = Outside(seconds=0.3)
    await run(make_runner(), *[set_(str(n), "pay:resend") for n in range(5)])

    async with worker(make_runner, outside):
        await until(lambda: len(outside.answered) >= 5)

    sends = len(outside.asked)
    assert sends == 5 if flow is real else sends > 5
    assert await count(look, "work") == 0


@against(mutants.lease_all)
async def test_row_09_only_what_a_free_slot_can_run_is_leased(
    flow: Break, monkeypatch: pytest.MonkeyPatch, make_runner: MakeRunner, look: Connection
) -> None:
    flow(monkeypatch)
    outside = Outside(open_=False)
    await run(make_runner(), *[set_(str(n), "pay:resend") for n in range(40)])

    async with worker(make_runner, outside):
        await until(lambda: len(outside.asked) >= 32)
        leased = await look.fetchval("SELECT count(*) FROM work WHERE leased_until IS NOT NULL")
        outside.gate.set()
        await until(lambda: len(outside.answered) >= 40)

    assert leased == (32 if flow is real else 40)
    assert len(outside.asked) == 40


@against(mutants.window_of_the_slowest)
async def test_row_10_a_stopped_group_never_delays_another(
    flow: Break, monkeypatch: pytest.MonkeyPatch, broker: EmbeddedBroker
) -> None:
    flow(monkeypatch)
    stopped = await broker.subscribe("stopped", ["orders.order"])
    fast = await broker.subscribe("fast", ["orders.order"])
    assert [(await group.fetch(1, 0)).records for group in (stopped, fast)] == [(), ()]
    publisher = await broker.publisher()

    read: list[bytes] = []
    for n in range(10):
        messages = [Message("orders.order", "a", str(n * 10 + k).encode(), ()) for k in range(10)]
        if await refused(publisher.publish(messages)):
            break
        fetched = await fast.fetch(100, 0)
        await fast.commit(fetched.offsets(), fetched.epoch)
        read += [record.value for record in fetched.records]

    assert read == [str(n).encode() for n in range(100 if flow is real else mutants.WINDOW)]
    caught_up = await stopped.fetch(200, 0)
    assert [record.value for record in caught_up.records] == read
    for group in (stopped, fast):
        await group.close()


async def refused(sending: Awaitable[None]) -> bool:
    try:
        await sending
    except BrokerGone:
        return True
    return False


async def test_an_outcome_of_another_lease_still_counts_once(
    runner: Runner, applier: Applier, look: Connection
) -> None:
    await run(runner, set_("a", "soon"))
    (early,) = await leased_rows(runner, applier)
    await look.execute("UPDATE work SET leased_until = NULL")
    (late,) = await leased_rows(runner, applier)

    assert [result.fate.value for result in await runner.run("work", [early])] == ["done"]
    assert [result.fate.value for result in await runner.run("work", [late, outcome(late, "again")])] == [
        "duplicate",
        "duplicate",
    ]
    assert await words(look, "a") == ["soon", "Due"]
