"""What each fact does to a story: one row per fact, read aloud. A fact without a row fails a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from services.tower.carrying import CARRY
from services.tower.story import Lane, Level, Parcel, Step, Story
from shared.events import catalog, customs, logistics, orders, payments
from shared.events.base import Event

PARCEL: Final = "parcel"
EXIT: Final = "exit"


@dataclass(frozen=True, slots=True)
class Row:
    """`track` "" moves nothing; PARCEL and EXIT are the parcel's own. `asked`: our request, an answer overrides it."""

    lane: Lane
    level: Level
    track: str = ""
    state: str = ""
    asked: bool = False


def _ok(lane: Lane, track: str = "", state: str = "") -> Row:
    return Row(lane, Level.OK, track, state)


def _run(lane: Lane, track: str = "", state: str = "") -> Row:
    return Row(lane, Level.RUN, track, state, asked=True)


def _warn(lane: Lane, track: str = "", state: str = "") -> Row:
    return Row(lane, Level.WARN, track, state)


def _bad(lane: Lane, track: str = "", state: str = "") -> Row:
    return Row(lane, Level.BAD, track, state)


ORDER, PAYMENT, DOCUMENTS, CUSTOMS, GOODS = Lane

ROWS: Final[Mapping[type[Event], Row]] = {
    orders.OrderReceived: _ok(ORDER, "intent", "received"),
    orders.OrderPlaced: _ok(ORDER, "intent", "placed"),
    orders.OrderAmended: _ok(ORDER),
    orders.HoldSet: _warn(ORDER),
    orders.HoldLifted: _ok(ORDER),
    orders.CancellationRequested: _warn(ORDER, "intent", "closing"),
    orders.ConflictFound: _bad(ORDER),
    orders.ConflictClosed: _ok(ORDER),
    orders.OrderCancelled: _ok(ORDER, "intent", "cancelled"),
    orders.OrderCompleted: _ok(ORDER, "intent", "completed"),
    orders.ShipmentConfirmed: _ok(ORDER),
    orders.ReceiptConfirmed: _ok(ORDER),
    orders.PaymentRequested: _run(PAYMENT, "money", "asked"),
    orders.PaymentCloseRequested: _run(PAYMENT, "money", "closing"),
    orders.RefundRequested: _run(PAYMENT, "money", "refunding"),
    orders.FundsReleaseAuthorised: _run(PAYMENT, "funds", "releasing"),
    orders.PaymentObserved: _run(PAYMENT, "money", "observed"),
    payments.PaymentConfirmed: _ok(PAYMENT, "money", "covered"),
    payments.PaymentOpened: _ok(PAYMENT, "money", "open"),
    payments.PaymentCaptured: _ok(PAYMENT, "money", "covered"),
    payments.PaymentFailed: _bad(PAYMENT, "money", "failed"),
    payments.PaymentClosed: _ok(PAYMENT, "money", "closed"),
    payments.PaymentDuplicated: _warn(PAYMENT),
    payments.PaymentMismatched: _bad(PAYMENT),
    payments.RefundSubmitted: _ok(PAYMENT, "money", "refunding"),
    payments.RefundCompleted: _ok(PAYMENT, "money", "refunded"),
    payments.RefundStalled: _bad(PAYMENT, "money", "stalled"),
    payments.EscrowHeld: _ok(PAYMENT, "funds", "held"),
    payments.EscrowReleased: _ok(PAYMENT, "funds", "released"),
    payments.PaymentDeclared: _ok(DOCUMENTS, "payment_paper", "accepted"),
    payments.PaymentDeclarationRefused: _bad(DOCUMENTS, "payment_paper", "refused"),
    logistics.WaybillDocumentAccepted: _ok(DOCUMENTS, "waybill_paper", "accepted"),
    logistics.WaybillDocumentRefused: _bad(DOCUMENTS, "waybill_paper", "refused"),
    customs.AssessmentMade: _ok(DOCUMENTS, "assessment", "assessed"),
    customs.AssessmentRefused: _bad(DOCUMENTS, "assessment", "inadmissible"),
    orders.DeclarationRequested: _run(CUSTOMS, "inventory", "asked"),
    orders.ClearanceObserved: _ok(CUSTOMS),
    orders.WithdrawalRequested: _run(CUSTOMS, "inventory", "withdrawing"),
    customs.DeclarationMismatched: _bad(CUSTOMS, "inventory", "mismatched"),
    customs.DeclarationSubmitted: _ok(CUSTOMS, "inventory", "submitted"),
    customs.DeclarationStored: _ok(CUSTOMS, "inventory", "stored"),
    customs.DeclarationReleased: _ok(CUSTOMS, "inventory", "released"),
    customs.DeclarationHeld: _warn(CUSTOMS, "inventory", "held"),
    customs.DeclarationDetained: _bad(CUSTOMS, "inventory", "detained"),
    customs.DeclarationRejected: _bad(CUSTOMS, "inventory", "rejected"),
    customs.DeclarationWithdrawn: _ok(CUSTOMS, "inventory", "withdrawn"),
    customs.WithdrawalRefused: _warn(CUSTOMS, "inventory", "withdrawal_refused"),
    customs.DeclarationReturnedAbroad: _bad(CUSTOMS, "inventory", "abroad"),
    catalog.ReservationMade: _ok(GOODS, "goods", "reserved"),
    catalog.ReservationRefused: _bad(GOODS, "goods", "short"),
    catalog.ReservationReleased: _ok(GOODS, "goods", "released"),
    catalog.ReservationDrawn: _ok(GOODS, "goods", "drawn"),
    catalog.ReservationRestocked: _ok(GOODS, "goods", "restocked"),
    catalog.ReservationWrittenOff: _warn(GOODS, "goods", "written_off"),
    catalog.StockChanged: _ok(GOODS),
    catalog.ProductRevised: _ok(GOODS),
    orders.ReservationReleaseRequested: _run(GOODS, "goods", "undoing"),
    orders.ShipmentRequested: _run(GOODS, PARCEL, "asked"),
    orders.WaybillAssigned: _run(GOODS, PARCEL, "asked"),
    orders.ShipmentCancelRequested: _run(GOODS, PARCEL, "recalling"),
    orders.ExitAuthorised: _run(GOODS, EXIT, "authorised"),
    orders.ExitWithdrawn: _warn(GOODS, EXIT, "withdrawn"),
    logistics.ParcelBooked: _ok(GOODS, PARCEL, "booked"),
    logistics.BookingRefused: _bad(GOODS, PARCEL, "refused"),
    logistics.ParcelVoided: _ok(GOODS, PARCEL, "voided"),
    logistics.ParcelPacked: _ok(GOODS, PARCEL, "packed"),
    logistics.ParcelHandedOver: _ok(GOODS, PARCEL, "handed_over"),
    logistics.ParcelConsolidated: _ok(GOODS, PARCEL, "consolidated"),
    logistics.ParcelExited: _ok(GOODS, PARCEL, "exited"),
    logistics.ParcelAdvanced: _ok(GOODS),
    logistics.ParcelDelivered: _ok(GOODS, PARCEL, "delivered"),
    logistics.ParcelLost: _bad(GOODS, PARCEL, "lost"),
    logistics.ParcelReturned: _bad(GOODS, PARCEL, "returned"),
    logistics.ParcelDelayed: _warn(GOODS),
    logistics.PromiseMissed: _warn(GOODS),
    logistics.ConsignmentClosed: _ok(GOODS),
    logistics.ConsignmentDeparted: _ok(GOODS),
    logistics.ConsignmentArrived: _ok(GOODS),
}


def level_of(fact: Event) -> Level:
    """How a fact's line looks: its row's level, but for two that bring good or bad news under one name."""
    match fact:
        case orders.ClearanceObserved(status="refused"):
            return Level.BAD
        case payments.PaymentDeclared(identity_check="different"):
            return Level.WARN
        case _:
            return ROWS[type(fact)].level


def told_by(story: Story, fact: Event, at: datetime) -> Story:
    """The story with this fact in it."""
    row = ROWS[type(fact)]
    step = Step(row.state, at, row.asked)
    if row.track in (PARCEL, EXIT):
        story = _parcel_stepped(story, fact, row.track, step)
    elif row.track:
        story = story.stepped(row.track, step)
    if level_of(fact) is Level.BAD:
        story = replace(story, trouble=str(getattr(fact, "reason", "") or getattr(fact, "detail", "")))
    carry = CARRY.get(type(fact))
    return carry(story, fact, at) if carry else story


def _parcel_stepped(story: Story, fact: Any, track: str, step: Step) -> Story:  # noqa: ANN401  # every fact with a parcel
    parcel = story.parcels.get(fact.parcel_id, Parcel())
    field = "exit" if track == EXIT else "carriage"
    if not step.follows(getattr(parcel, field)):
        return story
    moved = replace(parcel, exit=step) if track == EXIT else replace(parcel, carriage=step)
    return story.with_parcel(fact.parcel_id, moved)
