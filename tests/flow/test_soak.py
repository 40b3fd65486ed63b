"""Two services, the log between them, and somebody who ends connections at random: nothing lost, doubled or reordered.

The checker is tried on mutants too: a campaign that finds nothing there would prove nothing here.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import pytest
from asyncpg import Connection

from shared.broker.embedded import EmbeddedBroker
from shared.clock import FrozenClock
from shared.db.engine import Database, DatabaseGone
from shared.events.orders import OrderCompleted
from shared.flow.apply import Applier
from shared.flow.consume import Consumer
from shared.flow.decision import Answer, Decision, Process, Reach, States
from shared.flow.intake import Intake, Overloaded
from shared.flow.items import Item, Result
from shared.flow.relay import Relay
from shared.flow.runner import Runner
from shared.telemetry import Telemetry
from tests.flow import mutants, toy
from tests.flow.conftest import Spares
from tests.flow.mutants import Break, real
from tests.flow.seen import until, words
from tests.flow.toy import COUNTER, Counter, receipt

LANES = "abcd"
SENDERS = "xyz"  # of each lane, at the same time
WORDS, KILLS = 15, 30  # at least so many of each sender, and at least so many ended connections


def hears(states: States, content: object, _: datetime) -> Answer:
    """The reader's side: notes the words of each lane in the order in which they come."""
    assert isinstance(content, OrderCompleted)
    counter = states.get(COUNTER, content.key) or Counter()
    return Decision((COUNTER.put(content.key, Counter(counter.n + 1, (*counter.seen, content.seller))),))


def _lane(content: object) -> Reach:
    assert isinstance(content, OrderCompleted)
    return Reach((content.key,), (COUNTER.key(content.key),))


READER = Process("tower", frozenset({OrderCompleted}), _lane, hears)


@dataclass
class Campaign:
    """`acknowledged` is the senders' own book."""

    source: Database
    sink: Database
    broker: EmbeddedBroker
    seed: int
    intake: Intake
    acknowledged: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    killed: int = 0

    async def send(self, lane: str, sender: str) -> None:
        """One word after the other, each again until it is acknowledged; some twice at once, as partners do."""
        chance = random.Random(f"{self.seed}{lane}{sender}")
        for n in range(1000):
            if n >= WORDS and self.killed >= KILLS:
                return
            word = f"{sender}{n}"
            copies = [receipt(lane, word, key=f"{lane}{word}")] * (2 if chance.random() < 0.2 else 1)
            await until(partial(self._taken, copies))
            self.acknowledged[lane, sender].append(word)

    async def _taken(self, copies: list[Item]) -> bool:
        ended = await asyncio.gather(*(self.intake.accept(item) for item in copies), return_exceptions=True)
        assert all(isinstance(end, (Result, DatabaseGone, Overloaded)) for end in ended)
        return all(isinstance(end, Result) for end in ended)

    async def kill(self, connections: Sequence[Connection], done: asyncio.Event) -> None:
        chance = random.Random(self.seed)
        while not done.is_set():
            await asyncio.sleep(chance.uniform(0.002, 0.03))
            ended = await chance.choice(connections).fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND application_name LIKE '%/%' ORDER BY random() LIMIT 1"
            )
            self.killed += len(ended)

    async def breaks(self, source: Connection, sink: Connection) -> list[str]:
        """What the three books disagree about."""
        found = []
        for lane in LANES:
            kept, heard = await words(source, lane), await words(sink, lane)
            if kept != heard:
                found.append(f"{lane}: kept {kept}, heard {heard}")
            for sender in SENDERS:
                told = self.acknowledged[lane, sender]
                if told != (known := [word for word in kept if word.startswith(sender)]):
                    found.append(f"{lane}: acknowledged {told}, kept {known}")
        return found


async def quiet(source: Connection, log: Connection) -> None:
    """Outbox empty and every record behind the reader's cursor."""
    lag = "SELECT max(log.position) = (SELECT max(position) FROM cursors) FROM log"
    await until(lambda: source.fetchval("SELECT count(*) = 0 FROM outbox"))
    await until(lambda: log.fetchval(lag))


@asynccontextmanager
async def running(campaign: Campaign, clock: FrozenClock, applier: Applier) -> AsyncIterator[None]:
    """Two relays, two consumers and the intake, until the block ends."""
    reader = Applier(READER, toy.TABLES, applier.corridor, applier.telemetry)
    parts = [
        campaign.intake.run,
        *[Relay(campaign.source, campaign.broker, Telemetry("toy")).run for _ in range(2)],
        *[
            Consumer(
                campaign.broker, ["orders.order"], Runner(campaign.sink, reader, clock, "consume"), Telemetry("toy")
            ).run
            for _ in range(2)
        ],
    ]
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(part(stopping)) for part in parts]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


SEEDED = [(real, 1), (real, 2), (mutants.no_claims, 3), (mutants.no_lane_lock, 4)]


@pytest.mark.parametrize(("flow", "seed"), SEEDED, ids=[f"{flow.__name__}-{seed}" for flow, seed in SEEDED])
async def test_nothing_is_lost_doubled_or_reordered(
    flow: Break,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    spares: Spares,
    template: str,
    database: Database,
    broker: EmbeddedBroker,
    applier: Applier,
    clock: FrozenClock,
) -> None:
    flow(monkeypatch)
    monkeypatch.setattr("shared.flow.relay.AGAIN_SECONDS", 0.02)
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(spares.database(template))
        books = [await stack.enter_async_context(at.connected(role="look")) for at in (database, sink, broker.database)]
        for book in books:
            await book.execute("SET application_name TO 'book'")  # the killer spares it
        intake = Intake([Runner(database, applier, clock, f"intake{n}") for n in range(2)], Telemetry("toy"))
        campaign = Campaign(database, sink, broker, seed, intake)
        done = asyncio.Event()
        async with running(campaign, clock, applier):
            killing = asyncio.create_task(campaign.kill(books, done))
            await asyncio.gather(*(campaign.send(lane, sender) for lane in LANES for sender in SENDERS))
            done.set()
            await killing
            await quiet(books[0], books[2])
        found = await campaign.breaks(books[0], books[1])

    assert campaign.killed >= KILLS
    assert (found == []) is (flow is real), found
