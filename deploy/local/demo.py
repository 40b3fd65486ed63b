"""`make demo`: orders from signed webhooks to delivered and settled, partners that misbehave, and the books
compared."""

from __future__ import annotations

import asyncio
import json
import os
import textwrap
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from deploy.kafka.local import first_records
from deploy.local import books as checking
from deploy.local.books import Ours
from deploy.local.house import House, embedded, separate
from deploy.local.installation import sign_in
from deploy.local.usage import cpu_seconds, family, pss_mb
from deploy.local.view import View
from deploy.local.world import World, free_port
from shared.errors import BadInput

TIME_SCALE: Final = 86_400.0  # a day is a second
# Business time that a demo can watch: half a minute to pay (a QR's end has whole seconds), a minute for stock to wait,
# one second of hold; identities come late only where the machine is, and receipts are missed after three seconds;
# who says nothing for three quarters of a minute is called silent.
PACE: Final = {
    "payment_window_minutes": 43_200, "reservation_window_hours": 1_440, "identity_window_hours": 7_200, "hold_days": 1,
    "payment_document_silent_hours": 1_080, "waybill_silent_hours": 1_080, "warehouse_silent_hours": 1_080,
    "customs_silent_hours": 1_080, "channel_silent_hours": 1_080, "carrier_silent_hours": 1_080,
    "receipt_patience_minutes": 4_320, "stored_patience_minutes": 28_800, "waybill_patience_minutes": 28_800,
}  # fmt: skip
STALLED_SECONDS: Final = 60.0
_INDENT: Final[dict[str, Any]] = {"initial_indent": "  ", "subsequent_indent": "      "}
LOOK_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    orders: int
    share: float
    seed: int
    folder: Path
    port: int
    stay: bool
    report: Path | None
    rate: float | None
    only: tuple[str, ...] = ()
    otlp: str = ""  # where spans and metrics of the services go; nowhere without it


@dataclass
class Run:
    """What was seen while the orders ran."""

    started_at: float
    first_completed_at: float = 0.0
    ended_at: float = 0.0
    peak_mb: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    ours: Ours = field(default_factory=Ours)
    status: dict[str, Any] = field(default_factory=dict)


def _way(broker: str) -> Any:  # noqa: ANN401  # one of the two houses
    try:
        return {"embedded": embedded, "kafka": separate}[broker]
    except KeyError:
        raise BadInput(f"no broker {broker!r}", where="BROKER", fix="BROKER=kafka, or leave it out") from None


async def demo(wish: Wish) -> int:
    """Returns the exit code: 0 only when nothing is open and every invariant is zero."""
    way = _way(os.environ.get("BROKER") or "embedded")
    if way is separate:
        print("looking for Kafka's parts; the first time they are fetched …", flush=True)
        await asyncio.to_thread(first_records)
    started_at = time.monotonic()
    print("starting PostgreSQL, the services and the partners' world …", flush=True)
    world = World(free_port())
    more = {"time_scale": TIME_SCALE, "otlp_endpoint": wish.otlp, **PACE}
    starts = partial(world.start, time_scale=TIME_SCALE, seed=wish.seed)
    try:
        async with way(wish.folder, port=wish.port, world_url=world.url, told=starts, **more) as house:
            await world.ready()
            return await _run(wish, house, world, started_at)
    finally:
        await world.stop()


async def _run(wish: Wish, house: House, world: World, started_at: float) -> int:
    file = house.installation.serve_file(house.urls["orders"])
    tower = house.urls["tower"]
    print(f"the tower: {sign_in(tower, file['tokens']['operator'])}", flush=True)
    run = Run(started_at)
    before = _cpu(house, world)
    await world.run(wish.orders, rate=wish.rate, share=wish.share, seed=wish.seed, only=wish.only)
    await _watch(wish, house, world, run)
    run.cpu = {name: seconds - before[name] for name, seconds in _cpu(house, world).items()}
    truth = await world.books()
    report = await _report(wish, house, run, truth)
    _tell(report, wish)
    if wish.report is not None:
        wish.report.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    if wish.stay:
        print(f"\nthe tower stays until Ctrl-C: {sign_in(tower, file['tokens']['operator'])}", flush=True)
        await asyncio.wait({house.ended})
    good = report["orders"]["open"] == 0 and not any(report["invariants"].values())
    return 0 if good else 1


async def _watch(wish: Wish, house: House, world: World, run: Run) -> None:
    """Until every order is settled and the partners have nothing more to say, or nothing moves any more."""
    view, before, moved_at = View(wish.orders), "", time.monotonic()
    while not house.ended.done():
        run.ours, run.status = await checking.look(house.installation.dsns), await world.status()
        now, states = time.monotonic(), run.ours.by_state()
        if states["completed"] and not run.first_completed_at:
            run.first_completed_at = now
        run.peak_mb = max(run.peak_mb, _memory(house, world))
        forged = run.status["expected"].get("refused", 0)  # no such order may ever be
        settled = states["completed"] + states["cancelled"] + states["waiting"] + forged
        view.show(now, _lines(run, now), settled)
        if (picture := repr((states, run.status, run.ours.unpublished, run.ours.open_work))) != before:
            before, moved_at = picture, now
        at_rest = not states["open"] and not run.ours.open_work
        if not run.status["running"] and at_rest and run.status["done"] >= run.status["sent"]:
            break
        if now - moved_at > STALLED_SECONDS:
            print("nothing has moved for a minute: ending here", flush=True)
            break
        await asyncio.sleep(LOOK_SECONDS)
    run.ended_at = time.monotonic()
    await asyncio.sleep(1.0)  # the last facts on their way to the tower
    run.ours = await checking.look(house.installation.dsns)


def _cpu(house: House, world: World) -> dict[str, float]:
    postgres = cpu_seconds(house.postgres.pid)
    services = sum(time.process_time() if pid == os.getpid() else cpu_seconds(pid) for pid in house.pids)
    return {"services": services, "postgres": postgres, "world": cpu_seconds(world.pid)}


def _memory(house: House, world: World) -> float:
    mine = [*house.pids, world.pid, *family(house.postgres.pid)]
    return pss_mb(mine)


def _lines(run: Run, now: float) -> dict[str, str]:
    states = run.ours.by_state()
    elapsed = max(now - run.started_at, 0.001)
    captured = sum(o["money"]["captured"]["minor"] for o in run.ours.orders if o["money"].get("captured"))
    tracks = Counter(o["money"]["state"] for o in run.ours.orders)
    return {
        "states": " ".join(f"{name} {count}" for name, count in sorted(states.items())) or "-",
        "money": f"CNY {captured / 100:,.2f} captured · " + " ".join(f"{n} {c}" for n, c in sorted(tracks.items())),
        "rate": f"{states['completed'] / elapsed:.1f} completed/s",
        "trouble": f"dead {run.ours.dead_letters} · parked {run.ours.parked} · quarantined {run.ours.quarantined}",
        "partners": f"sent {run.status.get('sent', 0)} · done {run.status.get('done', 0)}",
    }


async def _report(wish: Wish, house: House, run: Run, truth: dict[str, Any]) -> dict[str, Any]:
    states = run.ours.by_state()
    others = checking.not_completed(run.ours, truth)
    total = run.ended_at - run.started_at
    return {
        "orders": {
            "sent": run.status["sent"],
            "acknowledged": checking.acknowledged(truth),  # as the partners saw it: what `lost` is measured against
            "accepted": len(run.ours.orders),
            "completed": states["completed"],
            "ended_otherwise": dict(Counter(o["why"] for o in others if o["state"] == "cancelled")),
            "waiting": dict(Counter(o["why"] for o in others if o["state"] == "waiting")),
            "not_completed": others,
            "unplanned": checking.unplanned(run.ours, truth),
            "forged_and_refused": sum(order["expected"] == "refused" for order in truth["orders"].values()),
            "open": states["open"],
        },
        "invariants": await checking.invariants(run.ours, truth, house.installation.dsns, house.broker),
        "seconds": {
            "to_first_order": round(max(run.first_completed_at - run.started_at, 0), 2),
            "total": round(total, 2),
        },
        "orders_per_second": round(states["completed"] / max(total, 0.001), 2),
        "cpu_seconds": {name: round(seconds, 2) for name, seconds in run.cpu.items()},
        "peak_rss_mb": round(run.peak_mb, 1),
        "dead_letters": run.ours.dead_letters,
        "parked": run.ours.parked,
        "quarantined": run.ours.quarantined,
        "settings": {"orders": wish.orders, "misbehaving_share": wish.share, "seed": wish.seed},
    }


def _tell(report: dict[str, Any], wish: Wish) -> None:
    orders = report["orders"]
    took = f"{report['seconds']['total']} s (seed {wish.seed})"
    print(f"\n{orders['completed']} of {wish.orders} orders completed in {took}")
    for title, state in (("ended otherwise", "cancelled"), ("waiting", "waiting"), ("open", "open")):
        named: dict[str, list[str]] = {}
        for order in orders["not_completed"]:
            if order["state"] == state:
                named.setdefault(order["why"], []).append(order["external_id"])
        for why, numbers in sorted(named.items()):
            print(textwrap.fill(f"{title}: {len(numbers)} {why}: {' '.join(numbers)}", 118, **_INDENT))
    if orders["unplanned"]:
        print(textwrap.fill(f"ended otherwise than planned: {' · '.join(orders['unplanned'])}", 118, **_INDENT))
    if orders["forged_and_refused"]:
        print(f"  refused at the door: {orders['forged_and_refused']} forged")
    trouble = f"dead letters {report['dead_letters']} · quarantined {report['quarantined']}"
    print(f"  open: {orders['open']} · {trouble} · peak {report['peak_rss_mb']} MB")
    for name, value in report["invariants"].items():
        print(f"  {'ok ' if value == 0 else 'BAD'} {name.replace('_', ' ')}: {value}", flush=True)
