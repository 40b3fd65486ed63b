"""What the services' databases and topics say, set beside the partners' books. Set algebra on ids; nothing is
believed."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from deploy.world.journey import CANCELLED, CREATE
from services.orders.said import HOLDS
from shared.broker.ports import Broker, Record
from shared.corridor import load_corridor
from shared.events.topics import TOPICS
from shared.ids import uuid7

Json = dict[str, Any]
PROFILE: Final = Path(__file__).resolve().parents[1] / "corridors" / "mombasa-fuzhou.toml"
READ_SECONDS: Final = 120.0
# As the partners' books name them: an acknowledged one means that there is an order.
ORDER_PUSHES: Final = (
    *(f"shopify {topic}" for topic in (CREATE, CANCELLED)), "standard_webhooks order.created",
    "standard_webhooks order.cancelled", "xiaohongshu msg_fulfillment_status_change",
)  # fmt: skip
# Holds that only a person can lift; the others are lifted by facts that are on their way.
PERSON_ACTS: Final = frozenset(HOLDS) - {"identity_missing"}


@dataclass
class Ours:
    """One look into the services' databases."""

    orders: list[Json] = field(default_factory=list)
    dead_letters: int = 0
    parked: int = 0
    quarantined: int = 0
    open_work: int = 0  # money on its way back: the books of both sides agree only after it
    unpublished: int = 0

    def by_state(self) -> Counter[str]:
        return Counter(state_of(order) for order in self.orders)


def state_of(order: Json) -> str:
    """completed · cancelled · waiting (a person must act) · open."""
    if order["intent"] == "completed":
        return "completed"
    if order["intent"] == "cancelled":
        settled = order["money"]["state"] in ("none", "failed", "closed", "refunded")
        return "cancelled" if settled else "open"
    return "waiting" if set(order["holds"]) & PERSON_ACTS else "open"


def not_completed(ours: Ours, books: Json) -> list[Json]:
    """Every order that is not (yet) completed, by its shop's number: why it ended, or what it waits for.

    `plan`: what its buyer and its partners were told to do, `expected`: how that was to end.
    """
    world = {order["external_id"]: order for order in books["orders"].values()}
    return [
        {
            "external_id": o["external_id"], "shop": o["shop"], "id": o["id"], "state": state_of(o), "why": _why(o),
            "plan": world[o["external_id"]]["plan"], "expected": world[o["external_id"]]["expected"],
        }
        for o in sorted(ours.orders, key=lambda o: (o["shop"], o["external_id"]))
        if state_of(o) != "completed" and o["external_id"] in world
    ]  # fmt: skip


def unplanned(ours: Ours, books: Json) -> list[str]:
    """Orders that ended otherwise than their plan said: the plan may have lost a race, or a rule is wrong."""
    planned = {order["external_id"]: order["expected"].partition(":") for order in books["orders"].values()}
    found = []
    for order in sorted(ours.orders, key=lambda o: str(o["external_id"])):
        state, (wanted, _, hold) = state_of(order), planned.get(order["external_id"], ("", "", ""))
        if wanted and (state != wanted or (hold and hold not in order["holds"])):
            found.append(f"{order['external_id']}: {state} {_why(order) if state != 'completed' else ''}".strip())
    return found


def _why(order: Json) -> str:
    """The reason of an order that ended, the hold of one that waits; of one on its way, where it is."""
    match state_of(order):
        case "cancelled":
            return str(order["reason"] or "cancelled")
        case "waiting":
            return str(next(hold for hold in order["holds"] if hold in PERSON_ACTS))
        case _:
            return " ".join([f"money {order['money']['state']}", f"goods {order['goods']['state']}", *order["holds"]])


_COUNTS: Final = """
SELECT (SELECT count(*) FROM parked WHERE state = 'dead') AS dead, (SELECT count(*) FROM parked) AS parked,
       (SELECT count(*) FROM receipts WHERE status = 'quarantined') AS quarantined,
       (SELECT count(*) FROM work WHERE phase = 'stuck') AS stuck, (SELECT count(*) FROM outbox) AS unpublished,
       (SELECT count(*) FROM work WHERE kind IN ('refund', 'refund-check') AND phase <> 'stuck') AS sending_back"""


async def look(dsns: dict[str, str]) -> Ours:
    ours = Ours()
    for name, dsn in dsns.items():
        if name == "broker":
            continue
        connection = await asyncpg.connect(dsn)
        try:
            if name == "orders":
                ours.orders = [json.loads(row["body"]) for row in await connection.fetch("SELECT body FROM orders")]
            row = await connection.fetchrow(_COUNTS)
            assert row is not None
            ours.dead_letters += row["dead"] + row["stuck"]
            ours.parked += row["parked"] - row["dead"]
            ours.open_work += row["sending_back"]
            ours.quarantined += row["quarantined"]
            ours.unpublished += row["unpublished"]
        finally:
            await connection.close()
    return ours


async def invariants(ours: Ours, books: Json, dsns: dict[str, str], broker: Broker) -> dict[str, int]:
    """Each must be zero."""
    world = {order["external_id"]: order for order in books["orders"].values()}
    return {
        "lost": _lost(ours, world),
        "doubled": _doubled(ours, world),
        "reordered": await _reordered(broker),
        "ledger_imbalance": await _ledger_imbalance(dsns["payments"], world),
        "stock_imbalance": await _stock_imbalance(dsns["catalog"]),
        "documents_differing": sum(document["differs"] or not document["authentic"] for document in _ours_sent(world)),
        "dispatched_before_release": sum(map(_dispatched_early, world.values())),
    }


def _lost(ours: Ours, world: dict[str, Json]) -> int:
    """Acknowledged by us, and yet no order; or an order that nobody sent."""
    known = {order["external_id"] for order in ours.orders}
    acked = {e for e, order in world.items() if any(map(_acked_order, order["pushes"]))}
    refused_only = {e for e, order in world.items() if order["expected"] == "refused"}
    return len((acked - refused_only) - known) + len(known & refused_only) + len(known - world.keys())


def acknowledged(books: Json) -> int:
    """How many orders the partners saw acknowledged: with none there is nothing to compare."""
    return sum(any(map(_acked_order, order["pushes"])) for order in books["orders"].values())


def _acked_order(push: Json) -> bool:
    return push["kind"] in ORDER_PUSHES and push["acked_at"] is not None and push["wanted"] == "ack"


def _doubled(ours: Ours, world: dict[str, Json]) -> int:
    """Anything that may happen once to an order and happened twice: orders, refunds, exits, confirmations, money kept
    twice."""
    twice = sum(count - 1 for count in Counter(order["external_id"] for order in ours.orders).values())
    for order in world.values():
        twice += _kept(order) < 0
        twice += max(0, len({exit_["parcel_id"] for exit_ in order["exits"]}) - 1) + max(0, len(order["exits"]) - 1)
        twice += max(0, len(order["fulfilments"]) - 1)
        twice += max(0, len({waybill["waybill_no"] for waybill in order["waybills"]}) - 1)
    return twice


async def _reordered(broker: Broker) -> int:
    """First appearances per topic and key, as a reader from zero meets them: their outbox ids must rise.

    Raises TimeoutError where the topics cannot be read to their end: an unread topic is not an ordered one.
    """
    subscription = await broker.subscribe(f"demo-checker-{uuid7()}", [topic.name for topic in TOPICS])
    last: dict[tuple[str, str], int] = {}
    seen: set[bytes] = set()
    try:
        async with asyncio.timeout(READ_SECONDS):
            breaks, behind = 0, True
            while behind:
                fetched = await subscription.fetch(1000, 1.0)
                breaks += sum(_overtaken(record, last, seen) for record in fetched.records)
                if fetched.records:
                    await subscription.commit(fetched.offsets(), fetched.epoch)
                else:
                    lag = await subscription.lag()  # nothing is assigned while the group is being joined
                    behind = not lag or any(lag.values())
            return breaks
    finally:
        await subscription.close()


def _overtaken(record: Record, last: dict[tuple[str, str], int], seen: set[bytes]) -> bool:
    headers = dict(record.headers)
    if headers["ce_id"] in seen:
        return False
    seen.add(headers["ce_id"])
    version, key = int(headers["ce_aggregateversion"]), (record.partition.topic, record.key)
    overtaken, last[key] = version <= last.get(key, 0), version
    return overtaken


async def _ledger_imbalance(dsn: str, world: dict[str, Json]) -> int:
    """Fen by which the ledger does not sum to zero, or says something else than the provider's own books.

    Everything that the provider took and has not given back is in clearing, credited to an order or not; its fee is
    not.
    """
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT currency, sum(minor)::bigint AS minor FROM postings GROUP BY 1")
        clearing = await connection.fetchval(
            "SELECT coalesce(sum(minor), 0)::bigint FROM postings WHERE account LIKE 'clearing/%' AND what <> 'fee'"
        )
    finally:
        await connection.close()
    held = sum(_kept(order) for order in world.values() if order["expected"] != "refused")  # of which nobody told us
    return int(sum(abs(row["minor"]) for row in rows) + abs(clearing - held))


def _kept(order: Json) -> int:
    """What provider or marketplace took for an order and has not sent back."""
    back = sum(refund["amount"] for refund in order["refunds"] if refund["status"] == "SUCCESS")
    back += sum(refund["amount"] for refund in order["channel_refunds"])
    taken = sum(entry["amount"] for shelf in ("captures", "channel_payments") for entry in order[shelf])
    return int(taken - back)


async def _stock_imbalance(dsn: str) -> int:
    """Pieces set aside that no open reservation explains, counters below zero, account books beside the shelf."""
    kept = [warehouse.id for warehouse in load_corridor(PROFILE).warehouse if warehouse.ems_no]
    connection = await asyncpg.connect(dsn)
    try:
        bodies = await connection.fetch("SELECT body FROM reservations WHERE state = 'reserved'")
        reserved = await connection.fetchval("SELECT coalesce(sum(reserved), 0)::bigint FROM stock")
        negative = await connection.fetchval("SELECT count(*) FROM stock WHERE reserved < 0 OR on_hand < reserved")
        unbooked = await connection.fetchval(
            "SELECT count(*) FROM stock WHERE book <> CASE WHEN location = ANY($1) THEN on_hand ELSE 0 END", kept
        )
    finally:
        await connection.close()
    held = sum(line["quantity"] for row in bodies for line in json.loads(row["body"])["lines"])
    return int(abs(reserved - held) + negative + unbooked)


def _ours_sent(world: dict[str, Json]) -> list[Json]:
    return [d for order in world.values() for d in order["documents"] if d["type"] in ("CEB311", "CEB621")]


def _dispatched_early(order: Json) -> bool:
    """Out of the gate without a release, or before it."""
    released = order["marks"].get("released")
    return any(released is None or exit_["at"] < released for exit_ in order["exits"])
