"""Whole orders, each kind of run in a process of its own: `python -m tests.bench.whole KIND ORDERS RATE STARTED_AT`.

RATE: orders a second, 0 for all at once. KIND: embedded, kafka (orders from the signed webhook to settled, the world
beside), counted (embedded under cProfile: how many calls and signatures an order needs), effect (webhooks at a rate:
how soon the next service acts).
The last line of its output is JSON.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import logging
import os
import pstats
import sys
import tempfile
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg
import uvloop

from deploy.local.demo import PACE, TIME_SCALE
from deploy.local.house import House, embedded, separate
from deploy.local.usage import family, pss_mb
from deploy.local.world import World, free_port
from shared import logs
from tests.bench.meter import tree_seconds
from tests.bench.ours import load

Json = dict[str, Any]
GIVE_UP_SECONDS: Final = 120.0
# What an order costs outside, as the profiler names it.
CALLS: Final = ("httpx/_client.py", "_build_request_auth")  # once per request; a coroutine counts once per resumption
SIGN: Final = "'sign' of 'cryptography.hazmat.bindings._rust.openssl.rsa.RSAPrivateKey'"
VERIFY: Final = "'verify' of 'cryptography.hazmat.bindings._rust.openssl.rsa.RSAPublicKey'"


class Tally:
    """How many of a service's orders are completed, asked over one connection."""

    def __init__(self, connection: asyncpg.Connection, wanted: int) -> None:
        self._connection, self._wanted = connection, wanted

    async def wait(self, first: bool) -> None:
        wanted, pause = (1, 0.1) if first else (self._wanted, 0.5)
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while (done := await self._completed()) < wanted:
            assert time.monotonic() < deadline, f"only {done} of {wanted} orders completed"
            await asyncio.sleep(pause)

    async def _completed(self) -> int:
        return int(await self._connection.fetchval("SELECT count(*) FROM orders WHERE intent = 'completed'"))


async def journey(kind: str, folder: Path, orders: int, rate: float, started_at: float) -> Json:
    """CPU seconds of services and PostgreSQL from the first webhook to the last order completed, and what was made."""
    world, way = World(free_port()), separate if kind == "kafka" else embedded
    starts = partial(world.start, time_scale=TIME_SCALE, seed=1)
    given: dict[str, Any] = {"time_scale": TIME_SCALE, "told": starts, **PACE}
    async with way(folder, port=0, world_url=world.url, **given) as house:
        try:
            await world.ready()
            ready = time.time() - started_at
            profile = cProfile.Profile() if kind == "counted" else nullcontext()
            tally = Tally(await asyncpg.connect(house.installation.dsns["orders"]), orders)
            before, start = _cpu(house), time.perf_counter()
            with profile:
                await world.run(orders, rate=rate or None, share=0.0, seed=1, only=())
                await tally.wait(first=True)
                first = time.time() - started_at
                await tally.wait(first=False)
            seconds, cpu = time.perf_counter() - start, _cpu(house)
            counts = await _counts(house)
            return {
                "cpu": {name: cpu[name] - before[name] for name in cpu}, "seconds": seconds, "ready_seconds": ready,
                "first_seconds": first, "counts": {name: n / orders for name, n in counts.items()},
                "peak_mb": pss_mb([*house.pids, world.pid, *family(house.postgres.pid)]),
                **({"outside": _outside(profile, orders)} if isinstance(profile, cProfile.Profile) else {}),
            }  # fmt: skip
        finally:
            await world.stop()


def _cpu(house: House) -> dict[str, float]:
    postgres = tree_seconds(house.postgres.pid)
    own = sum(time.process_time() if pid == os.getpid() else tree_seconds(pid) for pid in house.pids)
    return {"services": own, "postgres": postgres}


async def _counts(house: House) -> dict[str, int]:
    """Receipts and API commands, facts published, and their deliveries: one fact may have several readers."""
    counts = {"receipts": 0, "facts": 0, "deliveries": 0}
    asked = {"receipts": "SELECT count(*) FROM receipts", "deliveries": "SELECT count(*) FROM claims"}
    for name, dsn in house.installation.dsns.items():
        connection = await asyncpg.connect(dsn)
        try:
            if name == "broker":
                # On Kafka the log's table does not exist: the facts are then those of the embedded run.
                there = await connection.fetchval("SELECT to_regclass('log') IS NOT NULL")
                counts["facts"] = await connection.fetchval("SELECT count(*) FROM log") if there else 0
                continue
            for what, sql in asked.items():
                counts[what] += await connection.fetchval(sql)
        finally:
            await connection.close()
    return counts


def _outside(profile: cProfile.Profile, orders: int) -> dict[str, float]:
    stats: Any = pstats.Stats(profile)
    made = {"calls": 0, "signed": 0, "verified": 0}
    for (file, _, function), (_, times, *_) in stats.stats.items():
        made["calls"] += times if (file.endswith(CALLS[0]) and function == CALLS[1]) else 0
        made["signed"] += times if SIGN in function else 0
        made["verified"] += times if VERIFY in function else 0
    if dump := os.environ.get("CORRIDOR_BENCH_PROFILE"):
        stats.dump_stats(dump)
    return {name: n / orders for name, n in made.items()}


async def effect(folder: Path, orders: int, rate: float) -> Json:
    """Milliseconds from an order's receipt at the door to catalog's answer in the log, all six services running."""
    async with embedded(folder, port=0, world_url="http://127.0.0.1:1") as house:
        await load(f"{house.urls['orders']}/hooks/shopify", house.installation, 0, 100, 50.0)
        seen = await load(f"{house.urls['orders']}/hooks/shopify", house.installation, 1_000, orders, rate)
        answered = await _answered(house, orders + 100)
        connection = await asyncpg.connect(house.installation.dsns["orders"])
        rows = await connection.fetch("SELECT lane, received_at FROM receipts ORDER BY received_at OFFSET 100")
        await connection.close()
        took = sorted((answered[row["lane"]] - row["received_at"]).total_seconds() * 1e3 for row in rows)
        return {
            "p50_ms": took[len(took) // 2], "p99_ms": took[int(len(took) * 0.99)], "max_ms": took[-1],
            "reply_p99_ms": seen["p99_ms"], "orders": len(took), "seconds": seen["seconds"],
        }  # fmt: skip


async def _answered(house: House, wanted: int) -> dict[str, Any]:
    connection = await asyncpg.connect(house.installation.dsns["broker"])
    deadline = time.monotonic() + GIVE_UP_SECONDS
    try:
        while True:
            rows = await connection.fetch(
                "SELECT key, min(at) FROM log WHERE topic = 'catalog.reservation' GROUP BY key"
            )
            if len(rows) >= wanted:
                return {row[0]: row[1] for row in rows}
            assert time.monotonic() < deadline, f"only {len(rows)} of {wanted} orders were answered"
            await asyncio.sleep(0.5)
    finally:
        await connection.close()


def main(kind: str, orders: int, rate: float, started_at: float) -> None:
    logs.configure(level=logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="corridor-bench-") as folder:
        path = Path(folder)
        going = effect(path, orders, rate) if kind == "effect" else journey(kind, path, orders, rate, started_at)
        print(json.dumps(uvloop.run(going)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
