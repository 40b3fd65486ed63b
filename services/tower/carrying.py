"""What a fact tells beside the step of its track: numbers, money, people, documents. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

from services.tower.story import Hold, Parcel, Step, Story
from services.tower.told import amount
from shared.events import catalog, customs, logistics, orders, payments
from shared.events.base import Event
from shared.money import Money


def _received(story: Story, fact: orders.OrderReceived, _: datetime) -> Story:
    story = replace(
        story, connection=fact.connection, shop=fact.shop, channel=fact.channel, external_id=fact.external_id
    )
    return story.named(external_id=fact.external_id)


def _placed(story: Story, fact: orders.OrderPlaced, _: datetime) -> Story:
    by_channel = fact.collected_by == "channel"
    story = replace(
        story, connection=fact.connection, shop=fact.shop, channel=fact.channel, external_id=fact.external_id,
        flow=fact.flow, title=fact.lines[0].title, pieces=sum(line.quantity for line in fact.lines),
        collected_by=fact.collected_by, declared_by=asdict(fact.declared_by),
        purse=replace(story.purse, total=fact.amounts.total, with_channel=by_channel),
    )  # fmt: skip
    # A marketplace's own number stands in its documents; an own shop's is the number of the payment that won.
    story = story.written("order", order_no=fact.external_id if by_channel else "", total=amount(fact.amounts.total))
    return _people(story.named(external_id=fact.external_id), fact)


def _people(story: Story, fact: orders.OrderPlaced | orders.OrderAmended) -> Story:
    buyer, recipient = fact.person.masked if fact.person else story.buyer, fact.recipient.masked
    return replace(story, buyer=buyer, recipient=recipient).written("order", buyer=buyer, recipient=recipient)


def _amended(story: Story, fact: orders.OrderAmended, _: datetime) -> Story:
    return _people(story, fact)


def _leaving(story: Story, fact: orders.CancellationRequested, _: datetime) -> Story:
    return replace(story, left_by=fact.by, left_for=fact.reason)


def _held(story: Story, fact: orders.HoldSet, at: datetime) -> Story:
    return replace(story, holds={**story.holds, fact.hold: Hold(fact.hold, fact.reason, at)})


def _lifted(story: Story, fact: orders.HoldLifted, at: datetime) -> Story:
    return replace(story, holds={**story.holds, fact.hold: Hold(fact.hold, "", at, lifted=True)})


def _conflict(story: Story, fact: orders.ConflictFound, _: datetime) -> Story:
    cases = {**story.open_cases, str(fact.number): fact.detail} if fact.number else story.open_cases
    return replace(story, conflicts=story.conflicts + 1, conflict=fact.detail, open_cases=cases)


def _conflict_closed(story: Story, fact: orders.ConflictClosed, _: datetime) -> Story:
    cases = {number: detail for number, detail in story.open_cases.items() if number != str(fact.number)}
    left = next(reversed(cases.values()), story.conflict if story.conflicts > 1 else "")
    return replace(story, conflicts=max(story.conflicts - 1, 0), conflict=left, open_cases=cases)


def _cancelled(story: Story, fact: orders.OrderCancelled, at: datetime) -> Story:
    return replace(story, ended_at=at, holds={}, left_for=fact.reason or story.left_for)


def _completed(story: Story, _: orders.OrderCompleted, at: datetime) -> Story:
    return replace(story, ended_at=at)


def _opened(story: Story, fact: payments.PaymentOpened, _: datetime) -> Story:
    story = replace(story, purse=replace(story.purse, expires_at=fact.expires_at))
    return story.named(out_trade_no=fact.out_trade_no)


def _captured(story: Story, fact: payments.PaymentCaptured, at: datetime) -> Story:
    if not fact.covered:
        story = story.stepped("money", Step("part", at))
    story = replace(story, purse=replace(story.purse, captured=_plus(story.purse.captured, fact.amount)))
    story = story.written("order", order_no=fact.out_trade_no)
    return story.named(out_trade_no=fact.out_trade_no, transaction_id=fact.transaction_id)


def _observed(story: Story, fact: orders.PaymentObserved, _: datetime) -> Story:
    return story.named(external_no=fact.external_no, customs_no=fact.customs_no)


def _confirmed(story: Story, fact: payments.PaymentConfirmed, _: datetime) -> Story:
    story = replace(story, purse=replace(story.purse, captured=fact.amount, with_channel=True))
    story = story.written(
        "payment", order_no=story.external_id, transaction=fact.customs_no or fact.external_no,
        total=amount(fact.amount),
    )  # fmt: skip
    return story.named(external_no=fact.external_no, customs_no=fact.customs_no)


def _paid_for(story: Story, fact: payments.PaymentDeclared, _: datetime) -> Story:
    story = story.written(
        "payment", order_no=fact.order_no, transaction=fact.pay_transaction_id, total=amount(fact.amount),
        company=f"{fact.pay_name} {fact.pay_code}", payer=fact.identity_check,
    )  # fmt: skip
    known = fact.pay_transaction_id in story.ids
    return story if known else story.named(pay_transaction_id=fact.pay_transaction_id)


def _duplicated(story: Story, fact: payments.PaymentDuplicated, _: datetime) -> Story:
    return story.findable(fact.out_trade_no)


def _misfit(story: Story, fact: payments.PaymentMismatched, _: datetime) -> Story:
    return story.findable(fact.out_trade_no, fact.transaction_id)


def _refunding(story: Story, fact: orders.RefundRequested | payments.RefundSubmitted, _: datetime) -> Story:
    return story.findable(fact.refund_id)


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
    value = fact.valuation
    story = story.written(
        "order", goods=amount(value.goods), freight=amount(value.freight), tax=amount(value.tax),
        discount=amount(value.discount), total=amount(value.total),
    )  # fmt: skip
    return replace(story, purse=replace(story.purse, tax=value.tax))


def _inadmissible(story: Story, fact: customs.AssessmentRefused, _: datetime) -> Story:
    return replace(story, findings=fact.findings)


def _mismatched(story: Story, fact: customs.DeclarationMismatched, _: datetime) -> Story:
    return replace(story, findings=fact.findings, trouble=", ".join(finding.code for finding in fact.findings))


def _submitted(story: Story, fact: customs.DeclarationSubmitted, _: datetime) -> Story:
    story = story.written("inventory", number=fact.cop_no, version=str(fact.dossier_version))
    return replace(story, findings=(), fix_en="", fix_zh="").named(cop_no=fact.cop_no)


def _stored(story: Story, fact: customs.DeclarationStored, _: datetime) -> Story:
    return story.written("inventory", customs_number=fact.invt_no).named(invt_no=fact.invt_no)


def _cleared(story: Story, fact: orders.ClearanceObserved, at: datetime) -> Story:
    state = {"clearing": "clearing", "released": "released", "refused": "rejected"}[fact.status]
    return story.stepped("inventory", Step(state, at))


def _rejected(story: Story, fact: customs.DeclarationRejected, _: datetime) -> Story:
    return replace(story, trouble=f"{fact.code} {fact.reason}".strip(), fix_en=fact.fix_en, fix_zh=fact.fix_zh)


def _shipped(story: Story, fact: orders.Shipment, _: datetime) -> Story:
    story = story.written(
        "waybill", order_no=fact.order_no, recipient=fact.recipient.masked, goods=amount(fact.value),
        freight=amount(fact.freight), grams=str(fact.gross_grams),
    )  # fmt: skip
    # Bonded goods are declared at the weight of the catalogue; direct mail at what the scales say.
    story = story if story.mailed else story.written("inventory", grams=str(fact.gross_grams))
    return story.named(order_no=fact.order_no).findable(fact.parcel_id)


def _assigned(story: Story, fact: orders.WaybillAssigned, at: datetime) -> Story:
    return _shipped(story, fact, at).written("waybill", number=fact.waybill_no).named(waybill_no=fact.waybill_no)


def _booked(story: Story, fact: logistics.ParcelBooked, _: datetime) -> Story:
    parcel = replace(story.parcels[fact.parcel_id], waybill_no=fact.waybill_no, carrier=fact.carrier)
    company = f"{fact.logistics_name} {fact.logistics_code}".strip()
    story = story.written("waybill", number=fact.waybill_no, company=company)
    return story.with_parcel(fact.parcel_id, parcel).named(waybill_no=fact.waybill_no).findable(fact.parcel_id)


def _parcel(story: Story, parcel_id: str) -> Parcel:
    return story.parcels.get(parcel_id, Parcel())


def _packed(story: Story, fact: logistics.ParcelPacked, _: datetime) -> Story:
    story = story.written("inventory", grams=str(fact.gross_grams)) if story.mailed else story
    return story.with_parcel(fact.parcel_id, replace(_parcel(story, fact.parcel_id), grams=fact.gross_grams))


def _consolidated(story: Story, fact: logistics.ParcelConsolidated, _: datetime) -> Story:
    """A bag that was left behind is consolidated again: its last flight counts, both stay findable."""
    known = story.consignments
    if fact.consignment_id not in known:
        story = replace(story, consignments=(*known, fact.consignment_id))
    story = story.findable(fact.consignment_id, fact.master_bill)
    parcel = _parcel(story, fact.parcel_id)
    if parcel.consolidated_at is not None and fact.at < parcel.consolidated_at:
        return story
    parcel = replace(
        parcel, consignment_id=fact.consignment_id, master_bill=fact.master_bill, voyage=fact.voyage,
        vehicle=fact.vehicle, consolidated_at=fact.at,
    )  # fmt: skip
    story = story.written("inventory", master_bill=fact.master_bill, voyage=fact.voyage)
    return story.with_parcel(fact.parcel_id, parcel).named(master_bill=fact.master_bill)


def _advanced(story: Story, fact: logistics.ParcelAdvanced, _: datetime) -> Story:
    parcel = _parcel(story, fact.parcel_id)
    if fact.late or (parcel.milestone_at is not None and fact.at < parcel.milestone_at):
        return story
    parcel = replace(parcel, milestone=fact.milestone, milestone_at=fact.at, late_after="")
    return story.with_parcel(fact.parcel_id, parcel)


def _delayed(story: Story, fact: logistics.ParcelDelayed, _: datetime) -> Story:
    parcel = _parcel(story, fact.parcel_id)
    moved_on = parcel.milestone_at is not None and parcel.milestone_at > fact.since
    return story if moved_on else story.with_parcel(fact.parcel_id, replace(parcel, late_after=fact.after))


def _missed(story: Story, fact: logistics.PromiseMissed, _: datetime) -> Story:
    return story.with_parcel(fact.parcel_id, replace(_parcel(story, fact.parcel_id), broken=fact.promise))


def _short(story: Story, fact: catalog.ReservationRefused, _: datetime) -> Story:
    return replace(story, trouble=", ".join(fact.short) or fact.reason)


def _stalled(story: Story, fact: payments.RefundStalled, _: datetime) -> Story:
    return replace(story, trouble=f"{amount(fact.amount)}: {fact.reason}")


CARRY: Final[Mapping[type[Event], Callable[[Story, Any, datetime], Story]]] = {
    orders.OrderReceived: _received,
    orders.OrderPlaced: _placed,
    orders.OrderAmended: _amended,
    orders.HoldSet: _held,
    orders.HoldLifted: _lifted,
    orders.CancellationRequested: _leaving,
    orders.ConflictFound: _conflict,
    orders.ConflictClosed: _conflict_closed,
    orders.OrderCancelled: _cancelled,
    orders.OrderCompleted: _completed,
    orders.ShipmentRequested: _shipped,
    orders.WaybillAssigned: _assigned,
    orders.PaymentObserved: _observed,
    orders.ClearanceObserved: _cleared,
    orders.RefundRequested: _refunding,
    payments.PaymentOpened: _opened,
    payments.PaymentCaptured: _captured,
    payments.PaymentConfirmed: _confirmed,
    payments.PaymentDuplicated: _duplicated,
    payments.PaymentMismatched: _misfit,
    payments.PaymentDeclared: _paid_for,
    payments.RefundSubmitted: _refunding,
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
    logistics.ParcelPacked: _packed,
    logistics.ParcelConsolidated: _consolidated,
    logistics.ParcelAdvanced: _advanced,
    logistics.ParcelDelayed: _delayed,
    logistics.PromiseMissed: _missed,
    catalog.ReservationRefused: _short,
}
