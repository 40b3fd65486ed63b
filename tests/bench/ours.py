"""Our own paths under the meter: intake over HTTP, a step of the flow, the relay, the embedded log."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.installation import ROOT, Installation
from shared.broker.embedded import EmbeddedBroker
from shared.broker.ports import Message, Record
from shared.clock import SystemClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from shared.events.orders import HoldSet
from shared.events.topics import specs
from shared.flow.apply import Applier
from shared.flow.decision import Answer, Decision, States
from shared.flow.headers import pack
from shared.flow.relay import Relay
from shared.flow.runner import Runner
from shared.host import Host, broker_of
from shared.service import RoleName
from shared.telemetry import Telemetry
from tests.bench.meter import Meter
from tests.flow import toy

CALLERS: Final = 64
CORRIDOR: Final = "mombasa-fuzhou"
REASON: Final = "an address without its district, written as the buyer typed it; " * 10  # facts of about 700 bytes


# --- intake ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def orders(
    folder: Path, postgres: EmbeddedPostgres, roles: tuple[RoleName, ...], otlp: str
) -> AsyncIterator[tuple[str, Installation]]:
    """The orders service alone, its own HTTP server in this process, spans and metrics sent to `otlp`."""
    installation = await Installation.prepare(folder, postgres)
    broker = broker_of(installation.settings("orders"))
    service = installation.build("orders", broker, otlp_endpoint=otlp)
    host = Host([service], broker, roles)
    await host.prepare()
    await installation.connect_shops(service.resources, "http://127.0.0.1:1")
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(host.run("127.0.0.1", 0, started=listening.set_result))
    try:
        yield f"http://127.0.0.1:{await listening}/hooks/shopify", installation
    finally:
        host.stopping.set()
        await running


async def load(url: str, installation: Installation, first: int, count: int, rate: float = 0.0) -> dict[str, Any]:
    """Webhooks from another process; what it saw."""
    text = {
        name: (installation.secrets / "shopify" / f"{name}.txt").read_text().strip()
        for name in ("shop_domain", "app_secret")
    }
    arguments = [url, text["shop_domain"], text["app_secret"], str(first), str(count), str(CALLERS), str(rate)]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.load", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    seen: dict[str, Any] = json.loads(out)
    assert seen["bad"] == 0, f"{seen['bad']} webhooks were not taken"
    return seen


async def intake(
    folder: Path, postgres: EmbeddedPostgres, count: int, otlp: str
) -> tuple[float, float, dict[str, Any]]:
    """µs of CPU per accepted order: server and PostgreSQL, and the server alone; the load is another process."""
    async with orders(folder, postgres, ("api",), otlp) as (url, installation):
        await load(url, installation, 0, max(count // 5, CALLERS))
        with Meter((postgres.pid,)) as meter, Meter() as server:
            seen = await load(url, installation, 1_000_000, count)
    return meter.cpu / count * 1e6, server.cpu / count * 1e6, seen


# --- step and relay -------------------------------------------------------------------------------------------------


def moved(states: States, content: object, _: datetime) -> Answer:
    """The smallest decision that still reads a state, changes it and speaks a fact of the same size."""
    assert isinstance(content, HoldSet)
    counter = states.get(toy.COUNTER, content.order_id) or toy.Counter()
    return Decision((toy.COUNTER.put(content.order_id, replace(counter, n=counter.n + 1)),), (content,))


PROCESS: Final = replace(toy.PROCESS, decide=moved)


def records(count: int) -> list[Record]:
    """Facts of the real contract, about 700 bytes each, of a thousand orders in turn."""
    return [
        toy.record(toy.set_(f"order-{n % 1000:04d}", "customs").model_copy(update={"reason": REASON}), n)
        for n in range(count)
    ]


async def database(postgres: EmbeddedPostgres, name: str) -> Database:
    """A fresh one with the flow's tables and one table of states."""
    admin = await asyncpg.connect(postgres.dsn())
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    engine = create_async_engine(postgres.dsn(name).replace("postgresql:", "postgresql+asyncpg:", 1))
    async with engine.begin() as connection:
        await connection.run_sync(toy.metadata.create_all)
    await engine.dispose()
    return Database(postgres.dsn(name), name)


async def step(postgres: EmbeddedPostgres, facts: Sequence[Record], batch: int) -> tuple[float, float]:
    """µs of CPU per fact through the whole transaction (decode, lanes, claim, load, decide, write, next fact), and this
    process's own part of it."""
    applier = Applier(PROCESS, toy.TABLES, CORRIDOR, Telemetry("bench"))
    runner = Runner(await database(postgres, "bench_step"), applier, SystemClock(), "bench")
    warm = min(500, len(facts) // 10)
    await runner.run("facts", [applier.read(record) for record in facts[:warm]])
    with Meter((postgres.pid,)) as meter, Meter() as own:
        for start in range(warm, len(facts), batch):
            items = [item for record in facts[start : start + batch] if (item := applier.wanted(record))]
            await runner.run("facts", items)
    runner.drop()
    done = len(facts) - warm
    return meter.cpu / done * 1e6, own.cpu / done * 1e6


class Nowhere:
    """A publisher whose broker takes everything and keeps nothing: what is left is the relay."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Taken."""

    async def close(self) -> None:
        """Nothing is open."""


async def relay(postgres: EmbeddedPostgres, facts: Sequence[Record]) -> float:
    """µs of CPU per fact from the outbox to the publisher and gone."""
    home = await database(postgres, "bench_relay")
    mover = Relay(home, EmbeddedBroker(home), Telemetry("bench"))
    async with home.connected(role="bench") as connection:
        rows = [(f.partition.topic, f.key, pack(f.headers), f.value) for f in facts]
        await connection.copy_records_to_table("outbox", columns=("topic", "key", "headers", "value"), records=rows)
        await connection.execute("ANALYZE outbox")
        with Meter((postgres.pid,)) as meter:
            while await mover.publish_run(connection, Nowhere()):
                pass
    return meter.cpu / len(facts) * 1e6


# --- the embedded log -----------------------------------------------------------------------------------------------


async def log(postgres: EmbeddedPostgres, facts: Sequence[Record], run: int, batch: int) -> tuple[float, float]:
    """µs of CPU per record through the sequenced log (published, read by one group, committed), and records a
    second."""
    broker = EmbeddedBroker(await database(postgres, "bench_log"))
    await broker.ensure(specs())
    publisher, topic = await broker.publisher(), facts[0].partition.topic
    subscription = await broker.subscribe("bench", [topic])
    messages = [Message(topic, f.key, f.value, f.headers) for f in facts]
    await publisher.publish([])
    start, taken = time.perf_counter(), 0
    with Meter((postgres.pid,)) as meter:
        for at in range(0, len(messages), run):
            await publisher.publish(messages[at : at + run])
        while taken < len(messages):
            fetched = await subscription.fetch(batch, 1.0)
            await subscription.commit(fetched.offsets(), fetched.epoch)
            taken += len(fetched.records)
    seconds = time.perf_counter() - start
    await subscription.close()
    await publisher.close()
    return meter.cpu / len(messages) * 1e6, len(messages) / seconds
