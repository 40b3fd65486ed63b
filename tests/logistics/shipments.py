"""What logistics is asked, and partners that answer: samples for its tests. Personal data is invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.logistics.commands import (
    BOOK,
    TELL,
    WATCH,
    Book,
    DocumentAnswered,
    Done,
    Exited,
    HandedOver,
    Packed,
    Scanned,
    Waybill,
)
from services.logistics.milestones import Milestone
from services.logistics.policy import policy_of
from services.logistics.process import make_process
from services.logistics.shipment import SHIPMENT, Answer, Document, Parcel, Shipment
from services.logistics.tracking import Classifier, Location, Raw, Ref, TrackingEvent, ZoneSource, dedupe_key
from shared.corridor import load_corridor
from shared.events.base import Event
from shared.events.orders import (
    ExitAuthorised,
    ExitWithdrawn,
    OrderAmended,
    ShipmentCancelRequested,
    ShipmentRequested,
    WaybillAssigned,
)
from shared.events.values import Sealed, StockLine
from shared.flow.decision import Decision, Outcome, States, Work
from shared.ids import OrderId, parcel_id
from shared.money import Money

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ORDER = OrderId("0f3b6f5c-53f2-5a0e-8a9d-6b1d2f3c4e5f")
PARCEL = parcel_id(ORDER, 1)
PICK = f"{PARCEL}:pick"  # the work row that tells an origin what to pack
SELLER = "highland-coop"
LINES = (StockLine(1, "COFFEE-AA-250", 2, "fz-bonded", "L1"), StockLine(2, "TEA-GREEN-100", 1, "fz-bonded", "L7"))
HERE = Sealed("k1", "c2VhbGVk", "fp-here", "林** 138***00 福建省福州市")
THERE = Sealed("k1", "b3RoZXI=", "fp-there", "林** 138***00 福建省厦门市")
WAYBILL = Waybill("TCX0000000001", ("LP00000000000001",))

CORRIDOR = load_corridor(Path(__file__).parents[2] / "deploy" / "corridors" / "mombasa-fuzhou.toml")
PROCESS = make_process(policy_of(CORRIDOR, {"cainiao"}))


def minutes(number: float) -> datetime:
    return NOW + timedelta(minutes=number)


# --- facts of orders ------------------------------------------------------------------------------------------------


def _shipment() -> dict[str, Any]:
    return {
        "order_id": ORDER, "seller": SELLER, "parcel_id": PARCEL, "shop": "nairobi-roasters", "carrier": "cainiao",
        "warehouse": "fz-bonded", "order_no": "T1A1", "recipient": HERE, "goods": "咖啡豆", "lines": LINES,
        "gross_grams": 900, "net_grams": 700, "freight": Money(1000, "CNY"), "value": Money(11824, "CNY"),
        "flow": "coffee-bonded",
    }  # fmt: skip


def requested(**other: Any) -> ShipmentRequested:
    return ShipmentRequested.model_validate(_shipment() | other)


def mailed(**other: Any) -> ShipmentRequested:
    """Direct mail from the origin: booked with one interface, tracked by another."""
    return requested(
        shop="lamu-tea-house", carrier="cainiao-air", warehouse="msa-origin", flow="coffee-direct", **other
    )


def assigned(number: str = "YT8800000000001") -> WaybillAssigned:
    return WaybillAssigned.model_validate(_shipment() | {"shop": "savanna-red", "waybill_no": number})


def cancelled() -> ShipmentCancelRequested:
    return ShipmentCancelRequested(order_id=ORDER, seller=SELLER, parcel_id=PARCEL)


def authorised(version: int = 1, order: OrderId = ORDER) -> ExitAuthorised:
    return ExitAuthorised(
        order_id=order, seller=SELLER, parcel_id=parcel_id(order, 1), dossier_version=version, warehouse="fz-bonded",
        lines=LINES,
    )  # fmt: skip


def withdrawn(reason: str = "customs") -> ExitWithdrawn:
    return ExitWithdrawn(order_id=ORDER, seller=SELLER, parcel_id=PARCEL, reason=reason)


def amended(recipient: Sealed = THERE) -> OrderAmended:
    return OrderAmended(order_id=ORDER, seller=SELLER, person=None, recipient=recipient, recipient_version=2)


# --- what partners say ----------------------------------------------------------------------------------------------


def packed(grams: int = 980) -> Packed:
    return Packed(ORDER, PARCEL, grams, minutes(30))


def exited() -> Exited:
    return Exited(ORDER, PARCEL, minutes(60))


def handed_over() -> HandedOver:
    return HandedOver(ORDER, PARCEL, minutes(45))


def document(answer: Answer, at: datetime = NOW, code: str = "") -> DocumentAnswered:
    codes = {Answer.PENDING: "2", Answer.ACCEPTED: "120", Answer.REFUSED: "-301"}
    return DocumentAnswered(ORDER, WAYBILL.number, Document(answer, "9999L60004", code or codes[answer], "words", at))


def scan(milestone: Milestone, at: datetime, *, received: datetime | None = None, **other: Any) -> TrackingEvent:
    ref = Ref("cainiao_lp", WAYBILL.also[0])
    key = dedupe_key("cainiao", ref, Classifier.ACTUAL, at, basis=milestone.value, location=Location())
    event = TrackingEvent(
        "cainiao", ref, milestone, at, received or at, "+08:00", ZoneSource.EXPLICIT, Raw(milestone.value), key
    )
    return replace(event, **other)


def scanned(*events: TrackingEvent, snapshot: bool = False) -> Scanned:
    return Scanned(ORDER, "cainiao", (WAYBILL.also[0],), events, snapshot)


# --- a conversation -------------------------------------------------------------------------------------------------


class Story:
    """One order's row through a history of contents; `work` is what stands in its work table."""

    def __init__(self) -> None:
        self.shipment: Shipment | None = None
        self.work: dict[tuple[str, str], Work] = {}
        self.aliases: dict[str, str] = {}

    def hear(self, *contents: object, now: datetime = NOW) -> list[Event]:
        spoken: list[Event] = []
        for content in contents:
            states = States({SHIPMENT.key(ORDER): self.shipment} if self.shipment else {})
            decision = PROCESS.decide(states, content, now)
            assert isinstance(decision, Decision)
            for put in decision.puts:
                assert put.key == SHIPMENT.key(ORDER)
                assert isinstance(put.value, Shipment)
                self.shipment = put.value
            for name in decision.cancel:
                self.work.pop((name.kind, name.name), None)
            self.work |= {(work.kind, work.name): work for work in decision.work}
            self.aliases |= decision.aliases
            spoken += decision.facts
        return spoken

    def ends(self, kind: str, result: object, now: datetime = NOW, name: str = PARCEL) -> list[Event]:
        """The one work row of this kind is done, with this result."""
        return self.hear(self.outcome(kind, result, name), now=now)

    def outcome(self, kind: str, result: object, name: str = PARCEL) -> Outcome:
        work = self.work.pop((kind, name))
        return Outcome(work.kind, work.lane, work.name, work.task, result)

    def task(self, kind: str, name: str = PARCEL) -> Any:
        return self.work[kind, name].task

    @property
    def waiting(self) -> list[str]:
        """What the outside was asked and has not answered."""
        return sorted(kind for kind, _ in self.work if kind != WATCH)

    @property
    def parcel(self) -> Parcel:
        assert self.shipment is not None
        return self.shipment.parcels[PARCEL]

    @property
    def cases(self) -> Sequence[str]:
        assert self.shipment is not None
        return [case.code for case in self.shipment.open_cases]


def names(facts: Sequence[Event]) -> list[str]:
    """What was spoken of a parcel, in short."""
    return [getattr(fact, "milestone", "") or fact.type.removeprefix("logistics.parcel.") for fact in facts]


def booked() -> Story:
    """A story up to the waybill number."""
    story = Story()
    story.hear(requested())
    story.ends(BOOK, WAYBILL)
    return story


def labelled() -> Story:
    """The same of a parcel of direct mail."""
    story = Story()
    story.hear(mailed())
    story.ends(BOOK, WAYBILL)
    return story


def left() -> Story:
    """A story up to the exit, as the warehouse tells it."""
    story = booked()
    story.hear(authorised())
    story.ends(TELL, Done())
    story.hear(packed(), exited())
    return story


def let_out() -> Story:
    """A story up to the exit, at `NOW`."""
    story = booked()
    story.hear(authorised())
    story.ends(TELL, Done())
    story.hear(Exited(ORDER, PARCEL, NOW))
    return story


def book_of(story: Story) -> Book:
    task = story.task(BOOK)
    assert isinstance(task, Book)
    return task
