"""Records and requests that mean harm: each is one item's trouble, never its neighbours' and never the service's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from asyncpg import Connection
from hypothesis import given
from hypothesis import strategies as st

from shared.broker.embedded import EmbeddedBroker
from shared.broker.ports import Record
from shared.clock import FrozenClock
from shared.flow.headers import pack, unpack
from shared.flow.items import Fate
from shared.flow.relay import Relay
from shared.flow.runner import Runner
from shared.telemetry import Telemetry
from tests.flow.seen import count, parked, run, spoken, words
from tests.flow.toy import cause, lifted, receipt, record, set_


def forged(changes: Mapping[str, bytes | None], fact: Record | None = None) -> Record:
    """A good record with some headers replaced or (None) left out."""
    good = fact or record(set_("a", "1"))
    kept = tuple((name, value) for name, value in good.headers if name not in changes)
    return replace(good, headers=(*kept, *((name, value) for name, value in changes.items() if value is not None)))


POISON: dict[str, Mapping[str, bytes | None]] = {
    "no type": {"ce_type": None},
    "no id": {"ce_id": None},
    "unknown type": {"ce_type": b"orders.order.blessed"},
    "type of rubbish": {"ce_type": b"\xff\xfe\n\0"},
    "id of rubbish": {"ce_id": b"1; DROP TABLE parked"},
    "time of rubbish": {"ce_time": b"yesterday"},
    "time beyond the calendar": {"ce_time": b"9999-12-31T23:59:59-23:59"},
    "version of tomorrow": {"ce_schemaversion": b"99"},
    "version before the first": {"ce_schemaversion": b"-3"},
    "version of rubbish": {"ce_schemaversion": b"1" * 5000},
    "correlation that is no text": {"ce_correlationid": b"\xff"},
    "aggregate version of rubbish": {"ce_aggregateversion": b"x"},
}


@pytest.mark.parametrize("changes", POISON.values(), ids=POISON.keys())
async def test_a_poison_header_is_a_dead_letter_that_keeps_every_byte(
    changes: Mapping[str, bytes | None], runner: Runner, look: Connection
) -> None:
    poison = forged(changes)

    assert await run(runner, poison, set_("b", "2")) == [Fate.DEAD, Fate.DONE]
    row = await look.fetchrow("SELECT lane, headers, value FROM parked")
    assert row is not None
    assert (row["lane"], unpack(row["headers"]), row["value"]) == ("a", poison.headers, poison.value)


BODIES = {
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "empty": b"",
    "null": b"null",
    "no object": b"[1]",
    "not UTF-8": b'{"order_id":"\xff"}',
    "lone surrogate": rb'{"order_id":"\ud800","seller":"s","hold":"1","reason":""}',
    "a number for a word": b'{"order_id":1,"seller":"s","hold":"1","reason":""}',
    "infinite": b'{"order_id":NaN}',
}


@pytest.mark.parametrize("version", [b"1", b"0"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_poison_body_is_a_dead_letter(body: bytes, version: bytes, runner: Runner, look: Connection) -> None:
    poison = replace(forged({"ce_schemaversion": version}), value=body)

    assert await run(runner, poison, set_("b", "2")) == [Fate.DEAD, Fate.DONE]
    assert await look.fetchval("SELECT value FROM parked") == body


async def test_a_fact_whose_lanes_cannot_be_named_is_a_dead_letter(runner: Runner, look: Connection) -> None:
    assert await run(runner, set_("a", "nowhere"), set_("b", "2")) == [Fate.DEAD, Fate.DONE]
    assert await look.fetchval("SELECT code FROM parked") == "flow.bug"


TRACES = {
    "not UTF-8": b"\xff\xfe",
    "a line break": b"00-1\nce_type\norders.order.completed",
    "zero": b"00-0-0-00",
    "long": b"9" * 9000,
    "negative": b"00--1-1-01",
    "signs": b"00-+1-1_0-01",
    "empty": b"",
}


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES.keys())
async def test_a_forged_trace_header_spoils_no_fact_and_no_header_of_ours(
    trace: bytes, runner: Runner, look: Connection
) -> None:
    # The early one keeps its cause's trace for later: it must not be able to smuggle a header in.
    early = forged({"traceparent": trace}, record(lifted("a", "1")))
    assert await run(runner, early) == [Fate.WAITS]
    assert await run(runner, forged({"traceparent": trace}, cause("a", "1"))) == [Fate.DONE]

    rows = await look.fetch("SELECT headers FROM outbox ORDER BY id")
    for row in rows:
        names = [name for name, _ in unpack(row["headers"])]
        assert len(names) == len(set(names)) == 13
        assert dict(unpack(row["headers"]))["ce_type"] == b"orders.order.completed"
    assert await words(look, "a") == ["1", "-1"]


async def test_of_a_header_that_comes_twice_the_first_counts(runner: Runner, look: Connection) -> None:
    good = record(set_("a", "1"))
    doubled = replace(
        good, headers=(*good.headers, ("ce_id", b"rubbish"), ("ce_type", b"rubbish"), ("traceparent", b"x"))
    )

    assert await run(runner, doubled, good) == [Fate.DONE, Fate.DUPLICATE]
    assert await words(look, "a") == ["1"]


header = st.tuples(st.text(st.characters(codec="utf-8"), max_size=20), st.binary(max_size=40))


@given(st.lists(header, max_size=6).map(tuple))
def test_any_headers_come_back_as_they_were(headers: tuple[tuple[str, bytes], ...]) -> None:
    assert unpack(pack(headers)) == headers


@given(st.lists(st.tuples(st.just("x"), st.sampled_from([b"\n", b"a\nb", b"\0", b"", b"\n\n"])), max_size=4).map(tuple))
def test_line_breaks_in_headers_come_back_as_they_were(headers: tuple[tuple[str, bytes], ...]) -> None:
    assert unpack(pack(headers)) == headers
    assert unpack(pack((("\0name", b"value"), *headers))) == (("\0name", b"value"), *headers)


KEYS = {
    "empty": "",
    "line break": "a\nce_type\nx",
    "quote": "a'; --",
    "percent": "%s{}$1",
    "long": "k" * 2000,
    "wide": "订单🙂",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
async def test_any_text_is_a_lane(
    key: str, runner: Runner, look: Connection, broker: EmbeddedBroker, look_log: Connection
) -> None:
    assert await run(runner, set_(key, "1"), set_(key, "2")) == [Fate.DONE] * 2
    relay = Relay(runner.database, broker, Telemetry("toy"))
    assert await relay.publish_run(look, await broker.publisher()) == 2

    rows = await look_log.fetch("SELECT key, headers FROM log ORDER BY position")
    assert [row["key"] for row in rows] == [key, key]
    assert [dict(unpack(row["headers"]))["ce_subject"].decode() for row in rows] == [key, key]
    assert await words(look, key) == ["1", "2"]


UNSTORABLE = {"NUL": "a\0b", "longer than any index takes": "".join(chr(33 + n * 7919 % 9000) for n in range(9000))}


@pytest.mark.parametrize("key", UNSTORABLE.values(), ids=UNSTORABLE.keys())
async def test_a_lane_that_the_database_cannot_hold_is_a_dead_letter_and_no_endless_loop(
    key: str, runner: Runner, look: Connection
) -> None:
    fates = await run(runner, set_("b", "1"), set_(key, "1"), set_("c", "1"), set_(key, "2"))

    assert fates == [Fate.DONE, Fate.DEAD, Fate.DONE, Fate.WAITS]
    assert [state for _, state in await parked(look)] == ["dead", "blocked"]
    assert await spoken(look) == ["1", "1"]


@pytest.mark.parametrize("key", [*UNSTORABLE.values(), "half a pair \ud800"], ids=[*UNSTORABLE.keys(), "surrogate"])
async def test_a_request_for_such_a_lane_is_stored_in_quarantine(key: str, runner: Runner, look: Connection) -> None:
    results = await runner.run("receipts", [receipt("b", "1"), receipt(key, "1"), receipt("c", "1")])

    assert [result.fate for result in results] == [Fate.DONE, Fate.DEAD, Fate.DONE]
    rows = await look.fetch("SELECT status, body FROM receipts")
    assert sorted(tuple(row) for row in rows) == [("accepted", b"sealed")] * 2 + [("quarantined", b"sealed")]


@pytest.mark.parametrize("word", ["a\0b", "half a pair \ud800"])
async def test_a_word_that_text_columns_refuse_is_only_its_own_trouble(
    word: str, runner: Runner, look: Connection
) -> None:
    results = await runner.run("receipts", [receipt("a", "1"), receipt("a", word), receipt("b", "1")])

    assert [results[0].fate, results[2].fate] == [Fate.DONE, Fate.DONE]
    assert await count(look, "receipts") == 3
    assert (await words(look, "a"))[0] == "1"


async def test_a_reason_that_text_columns_refuse_is_still_a_dead_letter(runner: Runner, look: Connection) -> None:
    assert await run(runner, set_("a", "unsaid"), set_("b", "1")) == [Fate.DEAD, Fate.DONE]
    assert await parked(look) == [("a", "dead")]


async def test_a_dead_letter_with_foreign_headers_is_replayed_with_all_of_them(
    runner: Runner, look: Connection, clock: FrozenClock
) -> None:
    extra = {"x-note": b"line\nbreak\n", "x-empty": b"", "x-nul": b"\0\0"}
    odd = forged({**extra, "ce_time": b"yesterday"})
    await run(runner, odd)
    row = await look.fetchrow("SELECT headers FROM parked")
    assert row is not None
    assert unpack(row["headers"]) == odd.headers
    mended = tuple((name, b"2026-11-25T12:00:00+00:00" if name == "ce_time" else v) for name, v in odd.headers)
    await look.execute("UPDATE parked SET headers = $1", pack(mended))

    await runner.repeat(lambda c: runner.applier.replay(c, ["a"], clock.now()))

    assert await words(look, "a") == ["1"]


async def test_no_fact_that_its_topic_refuses_ever_reaches_the_relay(
    runner: Runner, look: Connection, broker: EmbeddedBroker
) -> None:
    limit = broker.limits["orders.order"]
    key = "订" * 50
    facts = [set_(f"{key}{n}", "w" * (limit - 2400 + 80 * n)) for n in range(30)]

    fates = await run(runner, *facts)

    assert {Fate.DONE, Fate.DEAD} == set(fates)
    assert await look.fetchval("SELECT DISTINCT code FROM parked") == "broker.oversize"
    relay = Relay(runner.database, broker, Telemetry("toy"))
    assert await relay.publish_run(look, await broker.publisher()) == fates.count(Fate.DONE)
