"""Receipts that were quarantined because their order was not known yet: read again by their door, applied once."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from asyncpg import Connection

from shared.clock import FrozenClock
from shared.db.engine import Database
from shared.errors import Failure, Unrecognised
from shared.flow.decision import Reply
from shared.flow.fold import TooEarly
from shared.flow.intake import Intake
from shared.flow.items import Fate, Poison, Result
from shared.flow.work import Worker
from shared.http.again import RETRIES, receipt_call
from shared.http.app import Inbound, Incoming, Reception
from shared.security.vault import Keyring
from shared.telemetry import Telemetry
from tests.flow import toy
from tests.flow.conftest import MakeRunner
from tests.flow.seen import count, until, words
from tests.flow.toy import Add


@dataclass
class ToyDoor:
    """Knows some lanes; a word for any other is early, an unknown word is nobody's."""

    known: set[str] = field(default_factory=set)
    seen: list[tuple[bytes, datetime, str]] = field(default_factory=list)
    name: str = "toy"
    paths: tuple[str, ...] = ("/toy",)
    keeps: tuple[str, ...] = ("x-kind",)

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        self.seen.append((inbound.body, now, inbound.headers.get("x-kind", "")))
        said = json.loads(inbound.body)
        return Incoming(said["key"], self._content(said["lane"], said["word"]), Reply(200, b"thanks"))

    def _content(self, lane: str, word: str) -> object:
        if lane not in self.known:
            return Poison(TooEarly(f"{lane} is not known yet"))
        return Poison(Unrecognised("word", word)) if word == "odd" else Add(lane, word)

    def refusal(self, _: Failure) -> Reply:
        return Reply(400)


@dataclass
class Lobby:
    """A reception whose intake runs, with its toy door."""

    reception: Reception
    door: ToyDoor

    async def comes(self, lane: str, word: str, key: str = "1") -> Result:
        body = json.dumps({"lane": lane, "word": word, "key": key}).encode()
        now = self.reception.clock.now()
        kept = {"x-kind": "json"}
        incoming = await self.door.read(Inbound(kept, body, {}), now)
        return await self.reception.accept("toy", incoming, body, now, kept)


@pytest.fixture
async def lobby(make_runner: MakeRunner, clock: FrozenClock) -> AsyncIterator[Lobby]:
    keys = Keyring({"dev-1": os.urandom(32)}, "dev-1", os.urandom(32))
    intake, stopping = Intake([make_runner()], Telemetry("toy")), asyncio.Event()
    door = ToyDoor()
    task = asyncio.create_task(intake.run(stopping))
    yield Lobby(Reception(toy.PROCESS, intake, clock, keys, Telemetry("toy"), {"toy": door}), door)
    stopping.set()
    await task


@asynccontextmanager
async def retrying(lobby: Lobby, make_runner: MakeRunner, database: Database) -> AsyncIterator[None]:
    worker = Worker(make_runner(), make_runner(), receipt_call(database, lobby.reception), Telemetry("toy"))
    stopping = asyncio.Event()
    task = asyncio.create_task(worker.run(stopping))
    yield
    stopping.set()
    await task


async def statuses(look: Connection) -> list[tuple[str, str]]:
    return [tuple(row) for row in await look.fetch("SELECT status, reason FROM receipts ORDER BY received_at")]


async def no_work(look: Connection) -> None:
    await until(lambda: look.fetchval("SELECT count(*) = 0 FROM work"))


async def test_an_early_receipt_is_acknowledged_and_applied_when_its_order_is_known(
    lobby: Lobby, make_runner: MakeRunner, database: Database, look: Connection, clock: FrozenClock
) -> None:
    result = await lobby.comes("a", "1")
    assert result.fate is Fate.DEAD
    assert await statuses(look) == [("quarantined", "flow.early: a is not known yet")]
    lobby.door.known.add("a")
    clock.skip(timedelta(seconds=5))

    async with retrying(lobby, make_runner, database):
        await no_work(look)

    assert await words(look, "a") == ["1"]
    assert await statuses(look) == [("accepted", "")]
    # Read again as it was: the stored bytes, the kept headers, the time of its arrival.
    assert lobby.door.seen[0] == lobby.door.seen[1] == (b'{"lane": "a", "word": "1", "key": "1"}', toy.NOW, "json")


async def test_one_that_is_delivered_again_meanwhile_is_applied_once(
    lobby: Lobby, make_runner: MakeRunner, database: Database, look: Connection, clock: FrozenClock
) -> None:
    await lobby.comes("a", "1")
    lobby.door.known.add("a")
    repeated = await lobby.comes("a", "1")
    clock.skip(timedelta(seconds=5))
    async with retrying(lobby, make_runner, database):
        await no_work(look)

    assert repeated.fate is Fate.DUPLICATE
    assert repeated.reply == Reply(200, b"thanks")
    assert await words(look, "a") == ["1"]


async def test_one_whose_order_never_comes_stays_in_quarantine(
    lobby: Lobby, make_runner: MakeRunner, database: Database, look: Connection, clock: FrozenClock
) -> None:
    await lobby.comes("a", "1")
    async with retrying(lobby, make_runner, database):
        for tries in range(1, len(RETRIES) + 2):
            clock.skip(timedelta(minutes=4))
            await until(lambda: len(lobby.door.seen) > tries)  # noqa: B023 - awaited before it changes
            await until(lambda: look.fetchval("SELECT count(leased_until) = 0 FROM work"))
        await no_work(look)

    assert await statuses(look) == [("quarantined", "flow.early: a is not known yet")]
    assert len(lobby.door.seen) == len(RETRIES) + 2


async def test_one_that_turns_out_to_be_unreadable_stays_in_quarantine(
    lobby: Lobby, make_runner: MakeRunner, database: Database, look: Connection, clock: FrozenClock
) -> None:
    await lobby.comes("a", "odd")
    lobby.door.known.add("a")
    clock.skip(timedelta(seconds=5))
    async with retrying(lobby, make_runner, database):
        await no_work(look)

    assert [status for status, _ in await statuses(look)] == ["quarantined"]
    assert await count(look, "counters") == 0


async def test_one_that_cannot_be_applied_is_not_called_accepted(
    lobby: Lobby, make_runner: MakeRunner, database: Database, look: Connection, clock: FrozenClock
) -> None:
    await lobby.comes("a", "bug")
    lobby.door.known.add("a")
    clock.skip(timedelta(seconds=5))
    async with retrying(lobby, make_runner, database):
        await until(lambda: look.fetchval("SELECT count(*) = 1 FROM work WHERE phase = 'stuck'"))

    assert [status for status, _ in await statuses(look)] == ["quarantined"]


async def test_what_nobody_understands_is_quarantined_without_a_retry(lobby: Lobby, look: Connection) -> None:
    lobby.door.known.add("a")
    result = await lobby.comes("a", "odd")

    assert result.fate is Fate.DEAD
    assert [status for status, _ in await statuses(look)] == ["quarantined"]
    assert await count(look, "work") == 0


async def test_a_refusal_of_its_own_is_the_stored_answer_of_an_api(lobby: Lobby, make_runner: MakeRunner) -> None:
    runner = make_runner()
    first = toy.receipt("a", "permanent", key="1")
    refused = [toy.with_refusal(first, Reply(422, b"no")), toy.with_refusal(first, Reply(499, b"another"))]
    results = [*await runner.run("receipts", refused), *await runner.run("receipts", refused[1:])]

    assert [result.reply for result in results] == [Reply(422, b"no")] * 3
