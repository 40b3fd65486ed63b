"""What each fact does to a story: one row per fact, read aloud. A fact without a row fails a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from services.tower.story import Hold, Lane, Level, Parcel, Step, Story
from services.tower.told import amount
from shared.events import catalog, customs, logistics, orders, payments
from shared.events.base import Event
from shared.money import Money

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
    orders.OrderPlaced: _ok(ORDER, "intent", "placed"),
    orders.OrderAmended: _ok(ORDER),
    orders.HoldSet: _warn(ORDER),
    orders.HoldLifted: _ok(ORDER),
    orders.CancellationRequested: _warn(ORDER, "intent", "closing"),
    orders.ConflictFound: _bad(ORDER),
    orders.OrderCancelled: _ok(ORDER, "intent", "cancelled"),
    orders.OrderCompleted: _ok(ORDER, "intent", "completed"),
    orders.ShipmentConfirmed: _ok(ORDER),
    orders.PaymentRequested: _run(PAYMENT, "money", "asked"),
    orders.PaymentCloseRequested: _run(PAYMENT, "money", "closing"),
    orders.RefundRequested: _run(PAYMENT, "money", "refunding"),
    orders.FundsReleaseAuthorised: _run(PAYMENT, "funds", "releasing"),
    payments.PaymentOpened: _ok(PAYMENT, "money", "open"),
    payments.PaymentCaptured: _ok(PAYMENT, "money", "covered"),
    payments.PaymentFailed: _bad(PAYMENT, "money", "failed"),
    payments.PaymentClosed: _ok(PAYMENT, "money", "closed"),
    payments.PaymentDuplicated: _warn(PAYMENT),
    payments.PaymentMismatched: _bad(PAYMENT),
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
    customs.DeclarationMismatched: _bad(CUSTOMS, "inventory", "mismatched"),
    customs.DeclarationSubmitted: _ok(CUSTOMS, "inventory", "submitted"),
    customs.DeclarationStored: _ok(CUSTOMS, "inventory", "stored"),
    customs.DeclarationReleased: _ok(CUSTOMS, "inventory", "released"),
    customs.DeclarationHeld: _warn(CUSTOMS, "inventory", "held"),
    customs.DeclarationDetained: _bad(CUSTOMS, "inventory", "detained"),
    customs.DeclarationRejected: _bad(CUSTOMS, "inventory", "rejected"),
    catalog.ReservationMade: _ok(GOODS, "goods", "reserved"),
    catalog.ReservationRefused: _bad(GOODS, "goods", "short"),
    catalog.ReservationReleased: _ok(GOODS, "goods", "released"),
    catalog.ReservationDrawn: _ok(GOODS, "goods", "drawn"),
    catalog.StockChanged: _ok(GOODS),
    orders.ReservationReleaseRequested: _run(GOODS, "goods", "undoing"),
    orders.ShipmentRequested: _run(GOODS, PARCEL, "asked"),
    orders.ShipmentCancelRequested: _run(GOODS, PARCEL, "voiding"),
    orders.ExitAuthorised: _run(GOODS, EXIT, "authorised"),
    orders.ExitWithdrawn: _warn(GOODS, EXIT, "withdrawn"),
    logistics.ParcelBooked: _ok(GOODS, PARCEL, "booked"),
    logistics.BookingRefused: _bad(GOODS, PARCEL, "refused"),
    logistics.ParcelVoided: _ok(GOODS, PARCEL, "voided"),
    logistics.ParcelPacked: _ok(GOODS, PARCEL, "packed"),
    logistics.ParcelExited: _ok(GOODS, PARCEL, "exited"),
    logistics.ParcelAdvanced: _ok(GOODS),
    logistics.ParcelDelivered: _ok(GOODS, PARCEL, "delivered"),
    logistics.ParcelLost: _bad(GOODS, PARCEL, "lost"),
    logistics.ParcelReturned: _bad(GOODS, PARCEL, "returned"),
}


def told_by(story: Story, fact: Event, at: datetime) -> Story:
    """The story with this fact in it."""
    row = ROWS[type(fact)]
    step = Step(row.state, at, row.asked)
    if row.track in (PARCEL, EXIT):
        story = _parcel_stepped(story, fact, row.track, step)
    elif row.track:
        story = story.stepped(row.track, step)
    if row.level is Level.BAD:
        story = replace(story, trouble=str(getattr(fact, "reason", "") or getattr(fact, "detail", "")))
    carry = _CARRY.get(type(fact))
    return carry(story, fact, at) if carry else story


def _parcel_stepped(story: Story, fact: Any, track: str, step: Step) -> Story:  # noqa: ANN401  # every fact with a parcel
    parcel = story.parcels.get(fact.parcel_id, Parcel())
    field = "exit" if track == EXIT else "carriage"
    if not step.follows(getattr(parcel, field)):
        return story
    moved = replace(parcel, exit=step) if track == EXIT else replace(parcel, carriage=step)
    return story.with_parcel(fact.parcel_id, moved)


# --- what a fact tells beside its step ------------------------------------------------------------------------------


def _placed(story: Story, fact: orders.OrderPlaced, _: datetime) -> Story:
    story = replace(
        story, connection=fact.connection, shop=fact.shop, channel=fact.channel, external_id=fact.external_id,
        flow=fact.flow, title=fact.lines[0].title, pieces=sum(line.quantity for line in fact.lines),
        purse=replace(story.purse, total=fact.amounts.total),
    )  # fmt: skip
    return _people(story.named(external_id=fact.external_id), fact)


def _people(story: Story, fact: orders.OrderPlaced | orders.OrderAmended) -> Story:
    return replace(story, buyer=fact.person.masked if fact.person else story.buyer, recipient=fact.recipient.masked)


def _amended(story: Story, fact: orders.OrderAmended, _: datetime) -> Story:
    return _people(story, fact)


def _held(story: Story, fact: orders.HoldSet, at: datetime) -> Story:
    return replace(story, holds={**story.holds, fact.hold: Hold(fact.hold, fact.reason, at)})


def _lifted(story: Story, fact: orders.HoldLifted, at: datetime) -> Story:
    return replace(story, holds={**story.holds, fact.hold: Hold(fact.hold, "", at, lifted=True)})


def _conflict(story: Story, fact: orders.ConflictFound, _: datetime) -> Story:
    return replace(story, conflicts=story.conflicts + 1, conflict=fact.detail)


def _cancelled(story: Story, _: orders.OrderCancelled, at: datetime) -> Story:
    return replace(story, ended_at=at, holds={})


def _completed(story: Story, _: orders.OrderCompleted, at: datetime) -> Story:
    return replace(story, ended_at=at)


def _opened(story: Story, fact: payments.PaymentOpened, _: datetime) -> Story:
    story = replace(story, purse=replace(story.purse, expires_at=fact.expires_at))
    return story.named(out_trade_no=fact.out_trade_no)


def _captured(story: Story, fact: payments.PaymentCaptured, at: datetime) -> Story:
    if not fact.covered:
        story = story.stepped("money", Step("part", at))
    story = replace(story, purse=replace(story.purse, captured=_plus(story.purse.captured, fact.amount)))
    return story.named(out_trade_no=fact.out_trade_no, transaction_id=fact.transaction_id)


def _refunded(story: Story, fact: payments.RefundCompleted, _: datetime) -> Story:
    return replace(story, purse=replace(story.purse, refunded=_plus(story.purse.refunded, fact.amount)))


def _escrowed(story: Story, fact: payments.EscrowHeld, _: datetime) -> Story:
    return replace(story, purse=replace(story.purse, held=fact.amount))


def _paid_out(story: Story, fact: payments.EscrowReleased, _: datetime) -> Story:
    purse = replace(story.purse, released=fact.amount, seller_share=fact.seller_share)
    return replace(story, purse=purse)


def _plus(so_far: Money | None, more: Money) -> Money:
    return more if so_far is None or so_far.currency != more.currency else so_far + more


def _assessed(story: Story, fact: customs.AssessmentMade, _: datetime) -> Story:
    return replace(story, purse=replace(story.purse, tax=fact.valuation.tax))


def _inadmissible(story: Story, fact: customs.AssessmentRefused, _: datetime) -> Story:
    return replace(story, findings=fact.findings)


def _mismatched(story: Story, fact: customs.DeclarationMismatched, _: datetime) -> Story:
    return replace(story, findings=fact.findings, trouble=", ".join(finding.code for finding in fact.findings))


def _submitted(story: Story, fact: customs.DeclarationSubmitted, _: datetime) -> Story:
    return replace(story, findings=(), fix_en="", fix_zh="").named(cop_no=fact.cop_no)


def _stored(story: Story, fact: customs.DeclarationStored, _: datetime) -> Story:
    return story.named(invt_no=fact.invt_no)


def _rejected(story: Story, fact: customs.DeclarationRejected, _: datetime) -> Story:
    return replace(story, trouble=f"{fact.code} {fact.reason}".strip(), fix_en=fact.fix_en, fix_zh=fact.fix_zh)


def _shipped(story: Story, fact: orders.ShipmentRequested, _: datetime) -> Story:
    return story.named(order_no=fact.order_no)


def _booked(story: Story, fact: logistics.ParcelBooked, _: datetime) -> Story:
    parcel = replace(story.parcels[fact.parcel_id], waybill_no=fact.waybill_no, carrier=fact.carrier)
    return story.with_parcel(fact.parcel_id, parcel).named(waybill_no=fact.waybill_no)


def _advanced(story: Story, fact: logistics.ParcelAdvanced, _: datetime) -> Story:
    parcel = story.parcels.get(fact.parcel_id, Parcel())
    if fact.late or (parcel.milestone_at is not None and fact.at < parcel.milestone_at):
        return story
    return story.with_parcel(fact.parcel_id, replace(parcel, milestone=fact.milestone, milestone_at=fact.at))


def _short(story: Story, fact: catalog.ReservationRefused, _: datetime) -> Story:
    return replace(story, trouble=", ".join(fact.short) or fact.reason)


def _stalled(story: Story, fact: payments.RefundStalled, _: datetime) -> Story:
    return replace(story, trouble=f"{amount(fact.amount)}: {fact.reason}")


_CARRY: Final[Mapping[type[Event], Callable[[Story, Any, datetime], Story]]] = {
    orders.OrderPlaced: _placed,
    orders.OrderAmended: _amended,
    orders.HoldSet: _held,
    orders.HoldLifted: _lifted,
    orders.ConflictFound: _conflict,
    orders.OrderCancelled: _cancelled,
    orders.OrderCompleted: _completed,
    orders.ShipmentRequested: _shipped,
    payments.PaymentOpened: _opened,
    payments.PaymentCaptured: _captured,
    payments.RefundCompleted: _refunded,
    payments.RefundStalled: _stalled,
    payments.EscrowHeld: _escrowed,
    payments.EscrowReleased: _paid_out,
    customs.AssessmentMade: _assessed,
    customs.AssessmentRefused: _inadmissible,
    customs.DeclarationMismatched: _mismatched,
    customs.DeclarationSubmitted: _submitted,
    customs.DeclarationStored: _stored,
    customs.DeclarationRejected: _rejected,
    logistics.ParcelBooked: _booked,
    logistics.ParcelAdvanced: _advanced,
    catalog.ReservationRefused: _short,
}
