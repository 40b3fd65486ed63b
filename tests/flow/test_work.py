"""Calls outside and timers: leased, made at most as often as their kind allows, and ended once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from asyncpg import Connection
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.clock import FrozenClock
from shared.errors import Permanent, Transient, Unknown
from shared.flow.apply import Applier
from shared.flow.runner import Runner
from shared.flow.work import Call, Worker
from shared.telemetry import Telemetry
from tests.flow import mutants
from tests.flow.conftest import MakeRunner
from tests.flow.mutants import Break, against, real
from tests.flow.outside import Outside, leased_rows, outcome, worker
from tests.flow.seen import count, run, spoken, until, words
from tests.flow.toy import Pay, set_


async def settled(look: Connection, lane: str, length: int) -> list[str]:
    """The lane's words once there are so many."""
    await until(lambda: look.fetchval("SELECT n >= $2 FROM counters WHERE key = $1", lane, length))
    return await words(look, lane)


async def called(
    make_runner: MakeRunner, look: Connection, outside: Outside, unknown: str, word: str = "pay:1"
) -> list[str]:
    """One call from its decision to its outcome."""
    await run(make_runner(), set_("a", word))
    async with worker(make_runner, outside, unknown):
        return await settled(look, "a", 2)


async def stuck(look: Connection, number: int) -> list[tuple[str, str]]:
    """Name and error of what is set aside, once there are so many."""
    await until(lambda: look.fetchval("SELECT count(*) = $1 FROM work WHERE phase = 'stuck'", number))
    rows = await look.fetch("SELECT name, last_error FROM work WHERE phase = 'stuck' ORDER BY lane")
    return [tuple(row) for row in rows]


async def test_a_call_is_made_once_and_its_outcome_applied_once(make_runner: MakeRunner, look: Connection) -> None:
    outside = Outside()

    assert await called(make_runner, look, outside, "person") == ["pay:1", "paid"]
    assert outside.asked == ["a/1"]
    assert await count(look, "work") == 0
    assert await spoken(look) == ["pay:1", "paid"]


async def test_a_final_no_is_an_outcome_too(make_runner: MakeRunner, look: Connection) -> None:
    outside = Outside(answers=[Permanent("declined")])

    assert await called(make_runner, look, outside, "person") == ["pay:1", "Refused"]


async def test_a_passing_failure_is_tried_again_until_its_tries_are_used_up(
    make_runner: MakeRunner, look: Connection
) -> None:
    passing = Outside(answers=[Transient("busy"), Transient("busy")])
    assert await called(make_runner, look, passing, "person") == ["pay:1", "paid"]
    assert len(passing.asked) == 3

    lasting = Outside(answers=[Transient("busy")] * 9)
    await run(make_runner(), set_("b", "pay:1"))
    async with worker(make_runner, lasting, "person"):
        assert await settled(look, "b", 2) == ["pay:1", "Exhausted"]
    assert len(lasting.asked) == 4


async def test_a_try_again_waits_for_its_time(make_runner: MakeRunner, look: Connection, clock: FrozenClock) -> None:
    outside = Outside(answers=[Transient("busy")])
    await run(make_runner(), set_("a", "pay:1"))
    calls = {**outside.calls(), "pay": Call(Pay, outside.pay, backoff=(30.0,))}
    async with worker(make_runner, outside) as made:
        made.calls = calls
        await until(lambda: len(outside.answered) == 1)
        await until(lambda: look.fetchval("SELECT leased_until IS NULL FROM work"))
        assert await look.fetchval("SELECT due_at FROM work") == clock.now() + timedelta(seconds=30)
        clock.skip(timedelta(seconds=31))
        assert await settled(look, "a", 2) == ["pay:1", "paid"]


# --- unknown ----------------------------------------------------------------------------------------------------------

NO_ANSWER = [Unknown("no answer"), ZeroDivisionError("while reading the answer")]


@pytest.mark.parametrize("answer", NO_ANSWER, ids=["unanswered", "bug"])
async def test_without_an_answer_a_query_finds_out(
    answer: Exception, make_runner: MakeRunner, look: Connection
) -> None:
    outside = Outside(answers=[answer], found="it was paid")

    assert await called(make_runner, look, outside, "query") == ["pay:1", "it was paid"]
    assert (outside.asked, outside.queried) == (["a/1"], ["a/1"])


@pytest.mark.parametrize("answer", NO_ANSWER, ids=["unanswered", "bug"])
async def test_without_an_answer_the_identical_task_is_sent_again(
    answer: Exception, make_runner: MakeRunner, look: Connection
) -> None:
    outside = Outside(answers=[answer])

    assert await called(make_runner, look, outside, "resend") == ["pay:1", "paid"]
    assert (outside.asked, outside.queried) == (["a/1", "a/1"], [])


@pytest.mark.parametrize("answer", NO_ANSWER, ids=["unanswered", "bug"])
async def test_without_an_answer_a_person_is_asked_and_nothing_is_sent_again(
    answer: Exception, make_runner: MakeRunner, look: Connection
) -> None:
    outside = Outside(answers=[answer])

    assert await called(make_runner, look, outside, "person") == ["pay:1", "Exhausted"]
    assert outside.asked == ["a/1"]


async def test_a_query_without_an_answer_is_asked_again_and_never_becomes_a_send(
    make_runner: MakeRunner, look: Connection
) -> None:
    outside = Outside(answers=[Unknown("no answer")], found=Unknown("no answer either"))

    assert await called(make_runner, look, outside, "query") == ["pay:1", "Exhausted"]
    assert (len(outside.asked), len(outside.queried)) == (1, 3)


@pytest.mark.parametrize("unknown", ["query", "resend", "person"])
@against(mutants.blind_retry)
async def test_a_worker_that_went_away_with_its_call_leaves_an_unknown(
    unknown: str,
    flow: Break,
    monkeypatch: pytest.MonkeyPatch,
    make_runner: MakeRunner,
    applier: Applier,
    look: Connection,
) -> None:
    flow(monkeypatch)
    runner = make_runner()
    await run(runner, set_("a", "pay:1"))
    await leased_rows(runner, applier)  # and never heard of again
    await look.execute("UPDATE work SET leased_until = clock_timestamp() - interval '1 second'")
    outside = Outside()
    async with worker(make_runner, outside, unknown):
        seen = await settled(look, "a", 2)

    if flow is real:
        wanted = {"query": ("found", 0), "resend": ("paid", 1), "person": ("Exhausted", 0)}[unknown]
        assert (seen[1], len(outside.asked)) == wanted
    else:
        assert (seen[1], len(outside.asked)) == ("paid", 1)  # a second effect, where the first one reached them


def test_a_kind_that_is_resolved_by_query_has_one() -> None:
    outside = Outside()

    with pytest.raises(ValueError, match="by query"):
        Call(Pay, outside.pay, unknown="query")
    with pytest.raises(ValueError, match="by query"):
        Call(Pay, outside.pay, unknown="resend", query=outside.query)


# --- leases and tokens ------------------------------------------------------------------------------------------------


async def test_a_try_again_of_an_older_lease_changes_nothing(
    make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    runner = make_runner()
    await run(runner, set_("a", "pay:1"))
    outside = Outside(answers=[Transient("busy")], open_=False)
    async with worker(make_runner, outside):
        await until(lambda: len(outside.asked) == 1)
        # Its lease ends meanwhile, and somebody else has the row now.
        await look.execute("UPDATE work SET leased_until = clock_timestamp() - interval '1 second'")
        await leased_rows(runner, applier)
        before = await look.fetchrow("SELECT * FROM work")
        outside.gate.set()
        await until(lambda: len(outside.answered) == 1)

    assert await look.fetchrow("SELECT * FROM work") == before


async def test_a_final_outcome_counts_from_any_lease(
    make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    runner = make_runner()
    await run(runner, set_("a", "pay:1"))
    outside = Outside(open_=False)
    async with worker(make_runner, outside):
        await until(lambda: len(outside.asked) == 1)
        await look.execute("UPDATE work SET leased_until = clock_timestamp() - interval '1 second'")
        (second,) = await leased_rows(runner, applier)
        outside.gate.set()
        assert await settled(look, "a", 2) == ["pay:1", "paid"]

    (late,) = await runner.run("work", [outcome(second, "paid")])
    assert late.fate.value == "duplicate"
    assert await words(look, "a") == ["pay:1", "paid"]


async def test_an_outcome_of_a_replaced_task_claims_nothing(
    make_runner: MakeRunner, applier: Applier, look: Connection
) -> None:
    runner = make_runner()
    await run(runner, set_("a", "pay:1"))
    (old,) = await leased_rows(runner, applier)
    await run(runner, set_("a", "pay:1"))

    (late,) = await runner.run("work", [outcome(old, "paid")])

    assert late.fate.value == "duplicate"
    assert await words(look, "a") == ["pay:1", "pay:1"]
    row = await look.fetchrow("SELECT token, attempts, leased_until, phase FROM work")
    assert row is not None
    assert tuple(row) == (0, 0, None, "send")


async def test_two_workers_share_what_is_due_and_make_no_call_twice(make_runner: MakeRunner, look: Connection) -> None:
    outside = Outside(seconds=0.01)
    await run(make_runner(), *[set_(str(n), "pay:1") for n in range(100)])
    async with worker(make_runner, outside), worker(make_runner, outside):
        await until(lambda: len(outside.answered) == 100)

    assert sorted(outside.asked) == sorted(f"{n}/1" for n in range(100))
    assert await count(look, "work") == 0


async def test_calls_that_fail_all_at_once_need_one_connection_each_worker(
    make_runner: MakeRunner, look: Connection
) -> None:
    outside = Outside(answers=[Transient("busy")] * 60)
    await run(make_runner(), *[set_(str(n), "pay:1") for n in range(30)])
    async with worker(make_runner, outside):
        await until(lambda: len(outside.asked) == 90)
        connections = await look.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'toy%/test%'"
        )
        assert connections <= 3  # the one that decided, the leaser's, the outcomes'


# --- timers -----------------------------------------------------------------------------------------------------------


async def test_a_timer_rings_when_its_time_has_come(
    make_runner: MakeRunner, look: Connection, clock: FrozenClock
) -> None:
    await run(make_runner(), set_("a", "timer"))
    async with worker(make_runner, Outside()) as made:
        assert await made.lease() == 0
        clock.skip(timedelta(hours=1))
        assert await settled(look, "a", 2) == ["timer", "Due"]


async def test_a_cancelled_timer_is_no_row_and_its_late_ring_is_nothing(
    runner: Runner, applier: Applier, look: Connection
) -> None:
    await run(runner, set_("a", "soon"))
    (ring,) = await leased_rows(runner, applier)
    await run(runner, set_("a", "no-timer"), set_("b", "no-timer"))
    assert await count(look, "work") == 0

    assert [result.fate.value for result in await runner.run("work", [ring])] == ["duplicate"]
    assert await words(look, "a") == ["soon", "no-timer"]


async def test_set_cancelled_and_set_again_in_one_batch_is_one_timer(runner: Runner, look: Connection) -> None:
    await run(runner, set_("a", "timer"), set_("a", "no-timer"), set_("a", "timer"), set_("b", "timer"))
    await run(runner, set_("b", "no-timer"), set_("b", "timer"), set_("b", "no-timer"))

    rows = await look.fetch("SELECT lane, token FROM work")
    assert [tuple(row) for row in rows] == [("a", 0)]


# --- what cannot go on ------------------------------------------------------------------------------------------------


async def test_an_outcome_that_cannot_be_applied_is_set_aside_visibly_and_its_neighbours_go_on(
    make_runner: MakeRunner, look: Connection
) -> None:
    outside = Outside()
    await run(make_runner(), set_("a", "pay:bug"), set_("b", "pay:1"), set_("c", "pay:nowhere"))
    async with worker(make_runner, outside):
        assert await settled(look, "b", 2) == ["pay:1", "paid"]
        assert await stuck(look, 2) == [("bug", "Bug: flow.bug"), ("nowhere", "Bug: flow.bug")]

    assert sorted(outside.asked) == ["a/bug", "b/1", "c/nowhere"]  # nothing is sent again


async def test_work_that_this_build_cannot_read_is_set_aside_and_the_rest_goes_on(
    make_runner: MakeRunner, look: Connection
) -> None:
    outside = Outside()
    await run(make_runner(), set_("a", "pay:1"), set_("b", "pay:1"), set_("c", "pay:1"))
    await look.execute("UPDATE work SET kind = 'of another build' WHERE lane = 'a'")
    await look.execute("UPDATE work SET task = '{}' WHERE lane = 'b'")
    async with worker(make_runner, outside):
        assert await settled(look, "c", 2) == ["pay:1", "paid"]
        await stuck(look, 2)

    assert outside.asked == ["c/1"]


async def test_an_outcome_that_is_early_is_found_out_again_without_a_second_effect(
    make_runner: MakeRunner, look: Connection
) -> None:
    outside = Outside(found="paid")
    await run(make_runner(), set_("a", "pay:early"))
    await look.execute("DELETE FROM counters")
    async with worker(make_runner, outside, "query"):
        await until(lambda: len(outside.queried) >= 1)
        await run(make_runner(), set_("a", "1"))
        assert await settled(look, "a", 2) == ["1", "paid"]

    assert outside.asked == ["a/early"]


async def test_outcomes_in_hand_are_applied_before_the_worker_ends(make_runner: MakeRunner, look: Connection) -> None:
    outside = Outside(open_=False)
    await run(make_runner(), *[set_(str(n), "pay:1") for n in range(20)])
    async with worker(make_runner, outside):
        await until(lambda: len(outside.asked) == 20)
        asyncio.get_running_loop().call_later(0.05, outside.gate.set)

    assert await count(look, "work") == 0
    assert len(outside.answered) == 20


async def test_a_worker_whose_outcomes_can_no_longer_be_noted_ends_loudly(
    make_runner: MakeRunner, look: Connection
) -> None:
    await run(make_runner(), set_("a", "pay:bug"))
    await look.execute("ALTER TABLE work DROP COLUMN last_error")
    made = Worker(make_runner(), make_runner(), Outside().calls(), Telemetry("toy"))

    with pytest.raises(asyncpg.UndefinedColumnError):
        await asyncio.wait_for(made.run(asyncio.Event()), 10)


async def test_every_try_is_timed_by_its_kind_and_by_how_it_ended(make_runner: MakeRunner, look: Connection) -> None:
    reader = InMemoryMetricReader()
    telemetry = Telemetry("toy", meter=MeterProvider([reader]).get_meter("toy"))
    outside = Outside(answers=[Transient("busy"), Unknown("?"), "paid"])
    await run(make_runner(), set_("a", "pay:1"))
    stopping = asyncio.Event()

    task = asyncio.create_task(Worker(make_runner(), make_runner(), outside.calls(), telemetry).run(stopping))
    assert await settled(look, "a", 2) == ["pay:1", "paid"]
    stopping.set()
    await task

    data = reader.get_metrics_data()
    assert data is not None
    [timed] = [
        metric for metric in data.resource_metrics[0].scope_metrics[0].metrics
        if metric.name == "corridor.call.duration"
    ]  # fmt: skip
    assert sorted(str((point.attributes or {})["outcome"]) for point in timed.data.data_points) == [
        "answered", "transient", "unknown",
    ]  # fmt: skip
    assert {str((point.attributes or {})["kind"]) for point in timed.data.data_points} == {"pay"}
