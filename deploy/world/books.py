"""Ground truth: what the partners know to have happened, order by order.

Partners know an order by different numbers (external id, our order id, merchant order number, waybill); what arrives
under a number that no order is known by yet is kept and joins its order as soon as the number is learned.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from deploy.world import times
from deploy.world.plan import Plan

Entry = dict[str, Any]
SHELVES = (
    "captures",
    "refunds",
    "payment_declarations",
    "documents",
    "receipts",
    "waybills",
    "packed",
    "handovers",
    "consolidations",
    "exits",
    "recalls",
    "exit_messages",
    "fulfilments",
    "faults",
    "trades",
    "channel_payments",  # what a marketplace collected itself
    "channel_refunds",
)


@dataclass(slots=True)
class Push:
    """One message to the services and every attempt at it. `acked_at` is None until a receiver took it."""

    kind: str
    id: str
    attempts: list[Entry] = field(default_factory=list)
    acked_at: str | None = None
    wanted: str = "ack"  # "refusal": a forgery or a probe, which nobody may acknowledge

    @property
    def settled(self) -> bool:
        refused = self.acked_at is None and bool(self.attempts)
        return refused if self.wanted == "refusal" else self.acked_at is not None


@dataclass(slots=True)
class OrderBook:
    external_id: str
    plan: Plan
    total_minor: int
    currency: str
    lines: list[Entry]
    shop: str = "nairobi-roasters"
    sent_at: str = ""
    order_id: str = ""
    out_trade_nos: list[str] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)  # first time of: accepted, identified, qr_seen, released …
    notes: list[str] = field(default_factory=list)
    shelves: dict[str, list[Entry]] = field(default_factory=lambda: {name: [] for name in SHELVES})

    def mark(self, what: str) -> None:
        self.marks.setdefault(what, times.iso_utc(times.now()))

    def as_json(self) -> Entry:
        """The plan flattened, pushes with their attempts, one list per kind of event."""
        return {
            "external_id": self.external_id,
            "shop": self.shop,
            "order_id": self.order_id or None,
            "out_trade_nos": self.out_trade_nos,
            "plan": sorted(self.plan.kinds),
            "expected": self.plan.expected,
            "expected_reason": self.plan.reason or None,
            "total_minor": self.total_minor,
            "currency": self.currency,
            "lines": self.lines,
            "sent_at": self.sent_at or None,
            "marks": self.marks,
            "notes": self.notes,
            "done": self.done,
            "pushes": [asdict(push) for push in self.pushes],
            **self.shelves,
        }

    @property
    def done(self) -> bool:
        """Nothing more will come from outside, and everything that was sent was answered as it should be."""
        if not self.sent_at or not all(push.settled for push in self.pushes):
            return False
        if self.plan.expected == "completed":
            return "delivered" in self.marks and bool(self.shelves["fulfilments"])
        if self.plan.expected == "cancelled":
            return self._at_rest()
        return "script_ended" in self.marks

    def _at_rest(self) -> bool:
        """All money is back; or it came too late, and the parcel is with the buyer after all."""
        if "delivered" in self.marks:
            return bool(self.shelves["fulfilments"])
        captured = sum(entry["amount"] for entry in self.shelves["captures"])
        back = sum(entry["amount"] for entry in self.shelves["refunds"] if entry["status"] == "SUCCESS")
        owed = sum(entry["amount"] for entry in self.shelves["channel_payments"])
        owed -= sum(entry["amount"] for entry in self.shelves["channel_refunds"])
        return "script_ended" in self.marks and captured == back and owed == 0


class Books:
    def __init__(self) -> None:
        self.orders: dict[str, OrderBook] = {}
        self._by: dict[str, OrderBook] = {}
        self._waiting: defaultdict[str, list[tuple[str, Entry]]] = defaultdict(list)
        self._pushes: defaultdict[str, list[Push]] = defaultdict(list)
        self._same: defaultdict[str, set[str]] = defaultdict(set)
        self.refused_calls: list[Entry] = []  # requests of ours that a partner did not believe

    def open(self, book: OrderBook) -> OrderBook:
        self.orders[book.external_id] = book
        self.alias(book, book.external_id)
        return book

    def alias(self, book: OrderBook, number: str) -> None:
        """From now on this number means this order; what waited under it is filed."""
        if not number or number in self._by:
            return
        self._by[number] = book
        for shelf, entry in self._waiting.pop(number, []):
            book.shelves[shelf].append(entry)
        book.pushes.extend(self._pushes.pop(number, []))
        for other in self._same.pop(number, ()):
            self.alias(book, other)

    def find(self, *numbers: str) -> OrderBook | None:
        return next((self._by[number] for number in numbers if number in self._by), None)

    def file(self, shelf: str, numbers: tuple[str, ...], entry: Entry) -> Entry:
        """Put an entry (the same object is kept, so that it may be updated) on the order's shelf; stamps `at`."""
        entry.setdefault("at", times.iso_utc(times.now()))
        book = self.find(*numbers)
        if book is None:
            self._waiting[numbers[0]].append((shelf, entry))
        else:
            book.shelves[shelf].append(entry)
        self.same(*numbers)
        return entry

    def same(self, *numbers: str) -> None:
        """These numbers mean one order, whichever it is."""
        book = self.find(*numbers)
        for number in numbers:
            if book is not None:
                self.alias(book, number)
            else:
                self._same[number].update(other for other in numbers if other != number)

    def push(self, numbers: tuple[str, ...], push: Push) -> Push:
        book = self.find(*numbers)
        (book.pushes if book else self._pushes[numbers[0]]).append(push)
        return push

    def unlinked(self) -> Entry:
        return {number: [shelf for shelf, _ in entries] for number, entries in self._waiting.items()}

    def as_json(self) -> Entry:
        return {
            "orders": {external_id: book.as_json() for external_id, book in self.orders.items()},
            "unlinked": self.unlinked(),
            "refused_calls": self.refused_calls,
        }


def attempt(at: datetime, status: int | str, milliseconds: float) -> Entry:
    return {"at": times.iso_utc(at), "status": status, "ms": round(milliseconds, 1)}
