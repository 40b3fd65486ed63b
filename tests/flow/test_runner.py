"""A failing database: what repeats, what is halved, what stops; and the commit of which nobody knows."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from asyncpg import Connection

from shared.db.engine import Database, DatabaseGone
from shared.flow.apply import Applier
from shared.flow.items import Fate, Item
from shared.flow.runner import Remedy, Runner, remedy
from shared.ids import uuid7
from tests.flow.conftest import MakeRunner
from tests.flow.pauses import Paused
from tests.flow.proxy import Cut, Proxy
from tests.flow.seen import count, done_or_waiting, items, parked, run, spoken, until, words
from tests.flow.toy import receipt, record, set_

CLASSES = {
    Remedy.AGAIN: ["08006", "08003", "25P03", "25P04", "25006", "40001", "40P01", "53100", "53200", "53300", "57014",
                   "57P01", "57P02", "57P03", "55P03"],
    Remedy.SPLIT: ["22001", "22003", "22021", "23502", "23505", "23514"],
    Remedy.STOP: ["42P01", "42703", "42501", "28P01", "3D000", "XX000", "55000"],
}  # fmt: skip
CONNECTED = "FROM pg_stat_activity WHERE application_name LIKE '%/{}'"


@pytest.mark.parametrize(
    ("state", "wanted"), [(state, wanted) for wanted, states in CLASSES.items() for state in states]
)
def test_a_sqlstate_says_what_is_done(state: str, wanted: Remedy) -> None:
    assert remedy(asyncpg.PostgresError.new({"C": state, "M": "as the server says it"})) is wanted


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (asyncpg.InternalClientError("got result for unknown protocol state"), Remedy.AGAIN),
        (asyncpg.InterfaceError("connection is closed"), Remedy.AGAIN),
        (ConnectionResetError(), Remedy.AGAIN),
        (TimeoutError(), Remedy.AGAIN),
        (DatabaseGone("no connection"), Remedy.AGAIN),
        (asyncpg.ClientConfigurationError("no such option"), Remedy.STOP),
        (ZeroDivisionError(), Remedy.STOP),
        (ValueError(), Remedy.STOP),
    ],
)
def test_a_client_error_says_what_is_done(error: Exception, wanted: Remedy) -> None:
    assert remedy(error) is wanted


async def test_what_the_database_refuses_is_one_dead_letter_and_its_neighbours_go_on(
    runner: Runner, look: Connection
) -> None:
    fates = await run(runner, set_("a", "1"), set_("b", "huge"), set_("b", "huge"), set_("c", "3"), set_("b", "4"))

    assert fates == [Fate.DONE, Fate.DONE, Fate.DEAD, Fate.DONE, Fate.WAITS]
    assert await words(look, "b") == ["huge"]
    assert await parked(look) == [("b", "dead"), ("b", "blocked")]
    assert await look.fetchval("SELECT code FROM parked ORDER BY seq LIMIT 1") == "flow.refused_by_database"


async def test_a_value_that_the_driver_cannot_send_is_one_dead_letter_and_no_endless_loop(
    runner: Runner, look: Connection
) -> None:
    async with asyncio.timeout(5):
        fates = await run(runner, set_("a", "1"), set_("b", "beyond"), set_("c", "2"))

    assert fates == [Fate.DONE, Fate.DEAD, Fate.DONE]
    assert await parked(look) == [("b", "dead")]


async def test_halves_are_committed_left_to_right_so_that_what_is_done_is_a_prefix(
    runner: Runner, look: Connection
) -> None:
    await run(runner, *[set_(str(n), "huge" if n == 5 else "1") for n in range(8)], set_("5", "huge"))

    written = [row["x"] for row in await look.fetch("SELECT xmin::text::bigint AS x FROM outbox ORDER BY id")]
    assert written == sorted(written)
    assert len(set(written)) > 1
    assert await spoken(look) == ["1"] * 5 + ["huge"] + ["1"] * 2


async def test_a_refused_receipt_is_stored_and_quarantined(runner: Runner, look: Connection) -> None:
    results = await runner.run("receipts", [receipt("a", "1"), receipt("b", "beyond"), receipt("c", "2")])

    assert [result.fate for result in results] == [Fate.DONE, Fate.DEAD, Fate.DONE]
    rows = await look.fetch("SELECT lane, status, body FROM receipts ORDER BY lane")
    assert [tuple(row) for row in rows] == [
        ("a", "accepted", b"sealed"), ("b", "quarantined", b"sealed"), ("c", "accepted", b"sealed"),
    ]  # fmt: skip


async def test_a_lane_that_is_held_too_long_is_waited_for_again_and_nothing_is_a_dead_letter(
    make_runner: MakeRunner, applier: Applier, database: Database, look: Connection
) -> None:
    paused = Paused.of(applier, "written")
    holding = asyncio.create_task(run(make_runner(paused), set_("a", "1")))
    await paused.reached.wait()
    impatient = make_runner()
    impatient._connection = await database.connect(role="impatient", settings={"lock_timeout": "20"})
    waiting = asyncio.create_task(run(impatient, set_("a", "2")))
    await until(lambda: look.fetchval(f"SELECT count(*) = 0 {CONNECTED.format('impatient')}"))

    paused.go.set()

    assert (await holding, await waiting) == ([Fate.DONE], [Fate.DONE])
    assert await words(look, "a") == ["1", "2"]
    assert await parked(look) == []


@pytest.mark.parametrize("limit", ["idle_in_transaction_session_timeout", "transaction_timeout"])
async def test_a_transaction_that_the_server_ends_is_made_again(
    limit: str, make_runner: MakeRunner, applier: Applier, database: Database, look: Connection
) -> None:
    paused = Paused.of(applier, "loaded")
    slow = make_runner(paused)
    slow._connection = await database.connect(role="slow", settings={limit: "30"})
    running = asyncio.create_task(run(slow, set_("a", "1")))
    await paused.reached.wait()
    await until(lambda: look.fetchval(f"SELECT count(*) = 0 {CONNECTED.format('slow')}"))

    paused.go.set()

    assert await running == [Fate.DONE]
    assert await words(look, "a") == ["1"]


async def test_a_statement_that_a_migration_overtook_is_planned_anew(runner: Runner, look: Connection) -> None:
    await run(runner, set_("a", "1"))
    await look.execute("ALTER TABLE receipts ALTER reply_type TYPE varchar(80)")
    await look.execute("ALTER TABLE counters ADD note text")

    await runner.run("receipts", [receipt("a", "2")])
    assert await run(runner, set_("a", "3")) == [Fate.DONE]

    assert await words(look, "a") == ["1", "2", "3"]


# --- the commit of which nobody knows ---------------------------------------------------------------------------------


@pytest.fixture
def first_and_repeat() -> tuple[Item, Item]:
    """One delivery, and the same sent again with what its sender would like to be told now."""
    return receipt("a", "first", key="delivery"), receipt("a", "again", key="delivery", reply=299)


@pytest.mark.parametrize("cut", [Cut.REQUEST, Cut.ANSWER])
async def test_a_commit_without_an_answer_is_asked_again_and_its_claims_decide(
    cut: Cut, database: Database, make_runner: MakeRunner, look: Connection, first_and_repeat: tuple[Item, Item]
) -> None:
    async with Proxy.before(database) as (proxy, behind):
        runner = make_runner(at=behind)
        proxy.cut_at(b"COMMIT", cut)
        (result,) = await runner.run("receipts", [first_and_repeat[0]])

    # Lost before the server saw it: done now. Lost after: the claim is there, and so is the first answer.
    assert result.fate is (Fate.DONE if cut is Cut.REQUEST else Fate.DUPLICATE)
    assert result.reply is not None
    assert (result.reply.status, result.reply.body) == (202, b"first")
    assert (await words(look, "a"), await spoken(look)) == (["first"], ["first"])
    assert proxy.cuts == 1


async def test_facts_whose_commit_is_unknown_are_applied_once(
    database: Database, make_runner: MakeRunner, look: Connection
) -> None:
    async with Proxy.before(database) as (proxy, behind):
        runner = make_runner(at=behind)
        proxy.cut_at(b"COMMIT", Cut.ANSWER)
        fates = await run(runner, set_("a", "1"), set_("a", "permanent"), set_("b", "2"))

    assert fates == [Fate.DUPLICATE] * 3
    assert (await words(look, "a"), await words(look, "b")) == (["1"], ["2"])
    assert await parked(look) == [("a", "dead")]


async def test_a_repeat_gets_the_first_answer(
    runner: Runner, look: Connection, first_and_repeat: tuple[Item, Item]
) -> None:
    first, again = first_and_repeat
    results = [*await runner.run("receipts", [first, again]), *await runner.run("receipts", [again])]

    assert [result.fate for result in results] == [Fate.DONE, Fate.DUPLICATE, Fate.DUPLICATE]
    assert [result.reply.body if result.reply else None for result in results] == [b"first"] * 3
    assert await words(look, "a") == ["first"]


async def test_a_cancelled_caller_does_not_cut_its_batch_in_two(
    make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    paused = Paused.of(applier, "loaded")
    runner = make_runner(paused)
    cancelled = asyncio.create_task(run(runner, set_("a", "1")))
    await paused.reached.wait()
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    after = asyncio.create_task(run(runner, set_("a", "2")))  # the same connection, while the first is still in it

    paused.go.set()

    assert await after == [Fate.DONE]
    assert await words(look, "a") == ["1", "2"]


async def test_many_callers_of_one_runner_share_one_connection_in_turn(runner: Runner, look: Connection) -> None:
    asked = [runner.repeat(lambda c: c.fetchval("SELECT pg_backend_pid()")) for _ in range(20)]
    pids = set(await asyncio.gather(*asked))

    assert len(pids) == 1
    open_ = await look.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%/test%'")
    assert open_ == 1


async def test_without_a_database_the_batch_is_given_up_within_its_budget(applier: Applier, runner: Runner) -> None:
    away = Runner(Database("postgresql://nobody@127.0.0.1:1/none", "away"), applier, runner.clock, "away")
    started = asyncio.get_running_loop().time()

    with pytest.raises(DatabaseGone):
        await away.run("receipts", [receipt("a", "1")], give_up_after=0.3)

    assert asyncio.get_running_loop().time() - started < 0.5


async def test_what_a_bug_raises_is_raised_and_nothing_is_written(
    make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    await look.execute("ALTER TABLE outbox DROP COLUMN value")

    with pytest.raises(asyncpg.UndefinedColumnError):
        await run(make_runner(), record(set_("a", "1"), event_id=uuid7()))

    assert await count(look, "claims") == 0


async def test_two_runners_at_one_lane_wait_for_each_other(
    make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    paused = Paused.of(applier, "locked")
    one = asyncio.create_task(make_runner(paused).run("facts", items(applier, set_("a", "1"), set_("b", "1"))))
    await paused.reached.wait()
    same = asyncio.create_task(make_runner().run("facts", items(applier, set_("a", "2"))))
    other = asyncio.create_task(make_runner().run("facts", items(applier, set_("c", "1"))))
    await done_or_waiting(look, same, other)

    assert (same.done(), other.done()) == (False, True)
    paused.go.set()
    await asyncio.gather(one, same)
    assert await words(look, "a") == ["1", "2"]
