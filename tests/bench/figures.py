"""The figures by group: each measures the floor and ours in one run and says what they mean."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from deploy.local.installation import ROOT
from shared.broker.ports import Record
from shared.db.embedded import EmbeddedPostgres
from tests.bench import bare, ours
from tests.bench.load import body_of
from tests.bench.meter import Figure
from tests.bench.sink import sink

RUN: Final = 500  # rows of one relay run
MICRO: Final = "µs CPU"
AT_ONCE: Final = 0.0  # orders a second: as fast as they are taken


@dataclass(frozen=True, slots=True)
class Size:
    """How much each figure measures."""

    intakes: int = 10_000
    facts: int = 20_000
    trips: int = 3_000
    signatures: int = 1_000
    orders: int = 400
    over_kafka: int = 200
    counted: int = 40
    first: int = 20
    effects: int = 1_500

    @classmethod
    def quick(cls) -> Self:
        return cls(320, 600, 100, 50, 12, 12, 6, 6, 100)


@dataclass
class Bench:
    """One run. What the floors cost is measured once and kept: whole orders are set beside the same figures."""

    size: Size
    floors: dict[str, float] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    folder: Path = field(init=False)
    postgres: EmbeddedPostgres = field(init=False)
    sink: int = field(init=False)

    async def run(self, names: list[str]) -> None:
        with tempfile.TemporaryDirectory(prefix="corridor-bench-") as folder:
            self.folder = Path(folder)
            self.sink = await asyncio.to_thread(sink)
            async with _postgres(self.folder / "postgres") as self.postgres:
                for name in names:
                    await GROUPS[name](self)

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        print(figure.line(), flush=True)

    def write(self, report: Path) -> None:
        """One JSON object per figure, by its name."""
        content = {figure.name: figure.as_json() for figure in self.figures}
        report.write_text(json.dumps(content, indent=1, ensure_ascii=False))

    async def floor(self, name: str) -> float:
        if name not in self.floors:
            self.floors |= await FLOORS[name](self)
        return self.floors[name]


@asynccontextmanager
async def _postgres(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    postgres = await asyncio.to_thread(EmbeddedPostgres.start, folder)
    try:
        yield postgres
    finally:
        await asyncio.to_thread(postgres.stop)


# --- floors ---------------------------------------------------------------------------------------------------------


async def _bare_intake(bench: Bench) -> dict[str, float]:
    body = body_of(1, "2026-11-25T00:00:00Z")
    return {"intake": await bare.intake(bench.postgres, body, bench.size.intakes)}


async def _bare_loop(bench: Bench) -> dict[str, float]:
    bodies = [record.value for record in ours.records(bench.size.facts)]
    return {"loop": await bare.loop(bench.postgres, bodies, 100)}


async def _bare_trip(bench: Bench) -> dict[str, float]:
    return {
        "call": await bare.round_trip(bench.sink, bench.size.trips),
        "httpx call": await bare.httpx_round_trip(bench.sink, bench.size.trips // 2),
    }


async def _bare_signatures(bench: Bench) -> dict[str, float]:
    signed, verified = bare.signatures(bench.size.signatures)
    return {"sign": signed, "verify": verified}


FLOORS: Final[Mapping[str, Callable[[Bench], Awaitable[dict[str, float]]]]] = {
    "intake": _bare_intake, "loop": _bare_loop, "call": _bare_trip, "httpx call": _bare_trip, "sign": _bare_signatures,
    "verify": _bare_signatures,
}  # fmt: skip


# --- figures --------------------------------------------------------------------------------------------------------


async def intake(bench: Bench) -> None:
    """64 connections from another process, spans and metrics sent: server and PostgreSQL per accepted order."""
    floor = await bench.floor("intake")
    cost, server, seen = await ours.intake(
        bench.folder / "intake", bench.postgres, bench.size.intakes, f"http://127.0.0.1:{bench.sink}"
    )
    rate = bench.size.intakes / seen["seconds"]
    bench.add(Figure(
        "intake", cost, MICRO, floor, 1.8,
        f"server {server:.0f}, PostgreSQL {cost - server:.0f}; {rate:.0f}/s, reply p99 {seen['p99_ms']:.0f} ms",
    ))  # fmt: skip


async def consumer(bench: Bench) -> None:
    """One step of the flow per fact of about 700 bytes: decode, lanes, claim, load, decide, write."""
    facts, floor = ours.records(bench.size.facts), await bench.floor("loop")
    await _step(bench, "consumer_batch_100", facts, 100, floor, 2.0)
    few = facts[: len(facts) // 2]
    await _step(
        bench, "consumer_batch_10", few, 10, await bare.loop(bench.postgres, [fact.value for fact in few], 10), None
    )


async def _step(
    bench: Bench, name: str, facts: Sequence[Record], batch: int, floor: float, bound: float | None
) -> None:
    cost, own = await ours.step(bench.postgres, facts, batch)
    bench.add(Figure(name, cost, MICRO, floor, bound, f"Python {own:.0f}, PostgreSQL {cost - own:.0f}"))


async def relay(bench: Bench) -> None:
    facts = ours.records(bench.size.facts)
    floor = await bare.relay(bench.postgres, [fact.value for fact in facts], RUN)
    bench.add(
        Figure("relay", await ours.relay(bench.postgres, facts), MICRO, floor, 2.0, "the broker's client excluded")
    )


async def log(bench: Bench) -> None:
    """Published in runs of 500, read by one group in batches of 100, each batch's offsets committed."""
    facts = ours.records(bench.size.facts)
    floor = await bare.log(bench.postgres, [fact.value for fact in facts], RUN, 100)
    cost, rate = await ours.log(bench.postgres, facts, RUN, 100)
    bench.add(Figure("embedded_log", cost, MICRO, floor, None, "publish + fetch + commit"))
    bench.add(Figure("embedded_log_rate", rate, "records/s"))


async def effect(bench: Bench) -> None:
    seen = await child("effect", bench.size.effects, 100.0)
    bench.add(Figure("effect_p50", seen["p50_ms"], "ms"))
    bench.add(Figure(
        "effect_p99", seen["p99_ms"], "ms", None, 1000.0,
        f"{seen['orders']} orders at 100/s, max {seen['max_ms']:.0f} ms; reply p99 {seen['reply_p99_ms']:.0f} ms",
    ))  # fmt: skip


async def whole(bench: Bench) -> None:
    """Orders all the way, at once so that batches fill, on both brokers, against the sum of an order's bare parts."""
    size = bench.size
    outside = (await child("counted", size.counted, 4.0))["outside"]
    run = await child("embedded", size.orders, AT_ONCE)
    parts = outside | run["counts"]
    await _against_parts(bench, "whole_order_embedded", run, parts, size.orders, 2.9)
    bench.add(Figure("memory", run["peak_mb"], "MB PSS", None, 1024.0, "services, world and PostgreSQL, at the end"))
    run = await child("kafka", size.over_kafka, AT_ONCE)
    await _against_parts(bench, "whole_order_kafka", run, parts, size.over_kafka, 5.0)


async def start(bench: Bench) -> None:
    """From an empty folder, as `make demo` does it: databases and topics made, then orders at a calm rate."""
    run = await child("embedded", bench.size.first, 4.0)
    note = f"launch to the first order completed; ready after {run['ready_seconds']:.1f} s"
    bench.add(Figure("first_order", run["first_seconds"], "s", None, 10.0, note))


async def _against_parts(
    bench: Bench, name: str, run: dict[str, Any], parts: dict[str, float], orders: int, bound: float
) -> None:
    floors = {
        "receipts": await bench.floor("intake"), "facts": await bench.floor("loop"), "calls": await bench.floor("call"),
        "signed": await bench.floor("sign"), "verified": await bench.floor("verify"),
    }  # fmt: skip
    floor = sum(parts[what] * cost for what, cost in floors.items())
    made = ", ".join(f"{parts[what]:.1f} {what} × {cost:.0f}" for what, cost in floors.items())
    cpu = {who: seconds / orders * 1e6 for who, seconds in run["cpu"].items()}
    bench.add(Figure(
        name, sum(cpu.values()), MICRO, floor, bound,
        f"services {cpu['services']:.0f}, PostgreSQL {cpu['postgres']:.0f}; {made}; "
        f"{parts['deliveries']:.1f} deliveries of these facts; "
        f"with the HTTP client of the stack a call costs {await bench.floor('httpx call'):.0f}; "
        f"{orders} orders in {run['seconds']:.1f} s",
    ))  # fmt: skip


async def child(kind: str, orders: int, rate: float) -> dict[str, Any]:
    """A run in a process of its own, whose start counts from here."""
    arguments = ["-m", "tests.bench.whole", kind, str(orders), str(rate), str(time.time())]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the run of {kind} orders ended with {process.returncode}")
    seen: dict[str, Any] = json.loads(out.splitlines()[-1])
    return seen


GROUPS: Final[Mapping[str, Callable[[Bench], Awaitable[None]]]] = {
    "intake": intake,
    "consumer": consumer,
    "relay": relay,
    "log": log,
    "effect": effect,
    "start": start,
    "whole": whole,
}
