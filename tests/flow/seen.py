"""What tests look at: the database as it is, and who waits for whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from inspect import isawaitable

from asyncpg import Connection

from shared.broker.ports import Record
from shared.events.base import Event
from shared.flow.apply import Applier
from shared.flow.items import Fate, Item
from shared.flow.runner import Runner
from tests.flow import toy


def items(applier: Applier, *facts: Event | Record) -> list[Item]:
    return [applier.read(fact if isinstance(fact, Record) else toy.record(fact)) for fact in facts]


async def run(runner: Runner, *facts: Event | Record) -> list[Fate]:
    return [result.fate for result in await runner.run("facts", items(runner.applier, *facts))]


async def words(connection: Connection, lane: str) -> list[str]:
    """What the lane's counter saw, in order."""
    body = await connection.fetchval("SELECT convert_from(body, 'UTF8') FROM counters WHERE key = $1", lane)
    return [] if body is None else list(json.loads(body)["seen"])


async def spoken(connection: Connection) -> list[str]:
    rows = await connection.fetch("SELECT value FROM outbox ORDER BY id")
    return [json.loads(row["value"])["seller"] for row in rows]


async def parked(connection: Connection) -> list[tuple[str, str]]:
    rows = await connection.fetch("SELECT lane, state FROM parked ORDER BY seq")
    return [(row["lane"], row["state"]) for row in rows]


async def count(connection: Connection, table: str) -> int:
    number = await connection.fetchval(f"SELECT count(*) FROM {table}")
    assert isinstance(number, int)
    return number


async def until(done: Callable[[], object], seconds: float = 10.0) -> None:
    """Ask every few milliseconds until the answer (awaited where it has to be) is true."""
    async with asyncio.timeout(seconds):
        while True:
            answer = done()
            if await answer if isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.005)


async def done_or_waiting(connection: Connection, *tasks: asyncio.Task[object]) -> None:
    """Until every task is done or (counted) waits for a lock in this database. Looks again every few milliseconds."""
    while (open_tasks := sum(not task.done() for task in tasks)) > await _waiting(connection):
        assert open_tasks
        await asyncio.sleep(0.005)


async def _waiting(connection: Connection) -> int:
    number = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    assert isinstance(number, int)
    return number


async def published(connection: Connection) -> list[tuple[str, int]]:
    """Word and aggregate version of what the log holds, in its order."""
    rows = await connection.fetch("SELECT headers, value FROM log ORDER BY position")
    return [(json.loads(row["value"])["seller"], _version(row["headers"])) for row in rows]


def _version(headers: bytes) -> int:
    return int(headers.split(b"ce_aggregateversion\n", 1)[1].split(b"\n", 1)[0])


def first_seen(published_words: Sequence[tuple[str, int]]) -> list[str]:
    return list(dict.fromkeys(word for word, _ in published_words))
