"""Our own paths under the meter: intake over HTTP, a step of the flow, whole orders."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.installation import ROOT, Installation
from shared.clock import SystemClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from shared.flow.apply import Applier
from shared.flow.runner import Runner
from shared.host import Host, broker_of
from shared.service import RoleName
from shared.telemetry import Telemetry
from tests.bench.meter import Meter
from tests.flow import toy

CALLERS: Final = 64


@asynccontextmanager
async def orders(folder: Path, postgres: EmbeddedPostgres, roles: tuple[RoleName, ...]) -> AsyncIterator[tuple[str, Installation]]:
    """The orders service alone, its own HTTP server in this process, tracing on as it comes."""
    installation = await Installation.prepare(folder, postgres)
    broker = broker_of(installation.settings("orders"))
    service = installation.build("orders", broker)
    host = Host([service], broker, roles)
    await host.prepare()
    await installation.connect_shop(service.resources, "http://127.0.0.1:1")
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(host.run("127.0.0.1", 0, started=listening.set_result))
    try:
        yield f"http://127.0.0.1:{await listening}/hooks/shopify", installation
    finally:
        host.stopping.set()
        await running


async def load(url: str, installation: Installation, first: int, count: int, rate: float = 0.0) -> dict[str, Any]:
    """Webhooks from another process; what it saw."""
    text = {name: (installation.secrets / "shopify" / f"{name}.txt").read_text() for name in ("shop_domain", "app_secret")}
    arguments = [url, text["shop_domain"], text["app_secret"], str(first), str(count), str(CALLERS), str(rate)]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.load", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    seen: dict[str, Any] = json.loads(out)
    assert seen["bad"] == 0, f"{seen['bad']} webhooks were not taken"
    return seen


async def intake(folder: Path, postgres: EmbeddedPostgres, count: int) -> tuple[float, dict[str, Any]]:
    """µs of CPU (server and PostgreSQL) per accepted order; the load is another process and does not count."""
    async with orders(folder, postgres, ("api",)) as (url, installation):
        await load(url, installation, 0, 2_000)
        with Meter((postgres.pid,)) as meter:
            seen = await load(url, installation, 2_000, count)
    return meter.cpu / count * 1e6, seen


async def step(postgres: EmbeddedPostgres, count: int, batch: int) -> float:
    """µs of CPU per fact through the whole transaction: decode, lanes, claim, load, decide, write, next fact."""
    name = f"bench_step_{batch}"
    admin = await asyncpg.connect(postgres.dsn())
    await admin.execute(f"DROP DATABASE IF EXISTS {name}")
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    engine = create_async_engine(postgres.dsn(name).replace("postgresql:", "postgresql+asyncpg:", 1))
    async with engine.begin() as connection:
        await connection.run_sync(toy.metadata.create_all)
    await engine.dispose()
    applier = Applier(toy.PROCESS, toy.TABLES, "mombasa-fuzhou", Telemetry("bench"))
    runner = Runner(Database(postgres.dsn(name), name), applier, SystemClock(), "bench")
    records = [toy.record(toy.set_(f"order-{n % 1000:04d}", f"w{n % 7}"), n) for n in range(count)]
    await runner.run("facts", [applier.read(record) for record in records[:500]])
    with Meter((postgres.pid,)) as meter:
        for start in range(500, count, batch):
            items = [item for record in records[start : start + batch] if (item := applier.wanted(record))]
            await runner.run("facts", items)
    runner.drop()
    return meter.cpu / (count - 500) * 1e6
