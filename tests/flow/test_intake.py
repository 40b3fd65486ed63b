"""Requests of the same instant: one transaction, the reply after its commit, an answer in any case."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from asyncpg import Connection

from shared.db.engine import Database, DatabaseGone
from shared.flow import intake as intaking
from shared.flow.apply import Applier
from shared.flow.fold import ForeignLane
from shared.flow.intake import Intake, Overloaded
from shared.flow.items import Fate, Item, Result
from shared.flow.runner import Runner
from shared.telemetry import Telemetry
from tests.flow.conftest import MakeRunner
from tests.flow.pauses import Paused
from tests.flow.proxy import Cut, Proxy
from tests.flow.seen import count, spoken, words
from tests.flow.toy import receipt


@asynccontextmanager
async def taking(*writers: Runner) -> AsyncIterator[Intake]:
    intake, stopping = Intake(writers, Telemetry("toy")), asyncio.Event()
    task = asyncio.create_task(intake.run(stopping))
    yield intake
    stopping.set()
    await task


async def accepted(intake: Intake, *items: Item) -> list[Result]:
    return list(await asyncio.gather(*(intake.accept(item) for item in items)))


async def test_requests_of_one_instant_share_one_commit(runner: Runner, look: Connection) -> None:
    async with taking(runner) as intake:
        results = await accepted(intake, *[receipt(str(n), str(n)) for n in range(60)])

    assert [result.reply.body for result in results if result.reply] == [str(n).encode() for n in range(60)]
    assert await look.fetchval("SELECT count(DISTINCT xmin::text) FROM receipts") == 1


async def test_nobody_is_answered_before_the_commit(
    make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    paused = Paused.of(applier, "written")
    async with taking(make_runner(paused)) as intake:
        asking = asyncio.create_task(intake.accept(receipt("a", "1")))
        await paused.reached.wait()
        assert (asking.done(), await count(look, "receipts")) == (False, 0)
        paused.go.set()
        await asking
        assert await count(look, "receipts") == 1


async def test_what_comes_while_a_batch_is_in_flight_makes_the_next_one(
    make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    paused = Paused.of(applier, "written")
    async with taking(make_runner(paused)) as intake:
        asking = [asyncio.create_task(intake.accept(receipt("a", "0")))]
        await paused.reached.wait()
        asking += [asyncio.create_task(intake.accept(receipt("a", str(n)))) for n in range(1, 30)]
        await asyncio.sleep(0)
        paused.go.set()
        await asyncio.gather(*asking)

    assert await words(look, "a") == [str(n) for n in range(30)]
    assert await look.fetchval("SELECT count(DISTINCT xmin::text) FROM receipts") == 2


async def test_a_delivery_that_comes_three_times_at_once_gets_one_answer_three_times(
    make_runner: MakeRunner, look: Connection
) -> None:
    same = [receipt("a", word, key="delivery") for word in ("1", "2", "3")]
    async with taking(make_runner(), make_runner()) as intake:
        results = await accepted(intake, *same)
        results += await accepted(intake, receipt("a", "4", key="delivery"))

    first = await words(look, "a")  # whichever of the two writers was first
    assert [result.reply.body.decode() for result in results if result.reply] == first * 4
    assert await spoken(look) == first


async def test_a_copy_without_a_reply_of_its_decision_gets_what_the_first_was_promised(
    runner: Runner, look: Connection
) -> None:
    copies = [receipt("a", "permanent", key="delivery", reply=reply) for reply in (201, 202, 203)]
    results = [*await runner.run("receipts", copies[:2]), *await runner.run("receipts", copies[2:])]

    assert [result.fate for result in results] == [Fate.DEAD, Fate.DUPLICATE, Fate.DUPLICATE]
    assert [result.reply.status for result in results[1:] if result.reply] == [201, 201]


async def test_too_many_waiting_requests_are_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, make_runner: MakeRunner, applier: Applier
) -> None:
    monkeypatch.setattr(intaking, "QUEUE", 3)
    paused = Paused.of(applier, "written")
    async with taking(make_runner(paused)) as intake:
        asking = [asyncio.create_task(intake.accept(receipt("a", "0")))]
        await paused.reached.wait()
        asking += [asyncio.create_task(intake.accept(receipt("a", str(n)))) for n in range(3)]
        await asyncio.sleep(0)

        with pytest.raises(Overloaded):
            await asyncio.wait_for(intake.accept(receipt("a", "late")), 0.05)
        paused.go.set()
        await asyncio.gather(*asking)


async def test_a_database_that_is_away_is_said_within_the_budget_and_nothing_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch, applier: Applier, runner: Runner
) -> None:
    monkeypatch.setattr(intaking, "BUDGET_SECONDS", 0.2)
    away = Runner(Database("postgresql://nobody@127.0.0.1:1/none", "away"), applier, runner.clock, "away")
    async with asyncio.timeout(1), taking(away) as intake:
        ended = await asyncio.gather(*(intake.accept(receipt("a", str(n))) for n in range(5)), return_exceptions=True)

    assert [type(error) for error in ended] == [DatabaseGone] * 5


async def test_a_database_that_hangs_is_said_in_time_too_and_a_repeat_gets_the_first_answer(
    monkeypatch: pytest.MonkeyPatch, make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    monkeypatch.setattr(intaking, "ANSWER_SECONDS", 0.1)
    paused = Paused.of(applier, "written")
    async with taking(make_runner(paused)) as intake:
        with pytest.raises(DatabaseGone):
            await intake.accept(receipt("a", "1", key="delivery"))
        with pytest.raises(DatabaseGone):  # waiting in the queue is no better
            await intake.accept(receipt("b", "1"))
        paused.go.set()
        monkeypatch.setattr(intaking, "ANSWER_SECONDS", 3)
        again = await intake.accept(receipt("a", "again", key="delivery"))

    assert again.fate is Fate.DUPLICATE
    assert again.reply is not None
    assert again.reply.body == b"1"
    assert await words(look, "a") == ["1"]


async def test_a_request_that_is_cancelled_harms_no_neighbour_of_its_batch(
    make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    paused = Paused.of(applier, "written")
    async with taking(make_runner(paused)) as intake:
        asking = [asyncio.create_task(intake.accept(receipt(str(n), "1"))) for n in range(4)]
        await paused.reached.wait()
        asking[1].cancel()
        paused.go.set()
        ended = await asyncio.gather(*asking, return_exceptions=True)

    assert [type(end).__name__ for end in ended] == ["Result", "CancelledError", "Result", "Result"]
    assert await count(look, "receipts") == 4


async def test_a_commit_of_which_nobody_knows_is_answered_all_the_same(
    database: Database, make_runner: MakeRunner, look: Connection
) -> None:
    async with Proxy.before(database) as (proxy, behind), taking(make_runner(at=behind)) as intake:
        proxy.cut_at(b"COMMIT", Cut.ANSWER)
        results = await accepted(intake, *[receipt("a", str(n)) for n in range(3)])

    assert proxy.cuts == 1
    assert [result.reply.body for result in results if result.reply] == [b"0", b"1", b"2"]
    assert await words(look, "a") == ["0", "1", "2"]


async def test_what_was_taken_before_the_stop_is_stored(runner: Runner, look: Connection) -> None:
    intake, stopping = Intake([runner], Telemetry("toy")), asyncio.Event()
    asking = [asyncio.create_task(intake.accept(receipt("a", str(n)))) for n in range(5)]
    await asyncio.sleep(0)
    stopping.set()

    await intake.run(stopping)

    assert [result.fate for result in await asyncio.gather(*asking)] == [Fate.DONE] * 5
    assert await count(look, "receipts") == 5


async def test_a_bug_in_a_batch_is_told_to_its_callers_and_the_next_batch_goes_on(
    runner: Runner, look: Connection
) -> None:
    async with taking(runner) as intake:
        with pytest.raises(ForeignLane):
            await intake.accept(receipt("a", "foreign"))
        (result,) = await accepted(intake, receipt("a", "1"))

    assert result.fate is Fate.DONE
    assert await words(look, "a") == ["1"]
