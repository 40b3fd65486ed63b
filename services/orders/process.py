"""How orders decides: a fact moves one track one step, a command is allowed or refused, then the guards speak. Pure."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final

from services.orders import guards
from services.orders.commands import (
    AddressCorrected,
    CancelAsked,
    ConfirmShipment,
    HoldLiftAsked,
    HoldOver,
    IdentityOverdue,
    IdentitySupplied,
    Nothing,
    PaymentOverdue,
    Pushed,
    RefundPushed,
)
from services.orders.guards import Policy, Said
from services.orders.order import ORDER, Order, Parcel, PaperTrail
from services.orders.placing import SNAPSHOT
from services.orders.providers.base import Disposition
from services.orders.providers.snapshots import attach_refund, take_snapshot
from services.orders.tracks import TRACK_OF, Carriage, Intent, Money, Other, Papers, Track
from shared.errors import Permanent
from shared.events import catalog, customs, logistics, payments
from shared.events import orders as facts
from shared.events.base import Event
from shared.flow.decision import NOTHING, Answer, Decision, Due, Early, Outcome, Process, Reach, Reply, States, Work

PATIENCE: Final = timedelta(minutes=10)  # how long a fact may wait for its cause before it is a dead letter


class UnknownOrder(Permanent):
    """There is no such order, or it is another seller's."""

    code: ClassVar[str] = "not_found"


class TooLate(Permanent):
    """The order is past the point where this can be done; the message says what can be done instead."""

    code: ClassVar[str] = "conflict"


def reach(content: object) -> Reach:
    """An order is one lane; beside its own state stands the channel's last snapshot of it."""
    order_id = content.order.id if isinstance(content, Pushed) else _order_id(content)
    channel = (SNAPSHOT.key(order_id),) if isinstance(content, Pushed | RefundPushed) else ()
    return Reach((order_id,), (ORDER.key(order_id), *channel))


def _order_id(content: object) -> str:
    return content.lane if isinstance(content, Outcome) else str(getattr(content, "order_id"))  # noqa: B009


def decide(policy: Policy, states: States, content: object, now: datetime) -> Answer:
    """One item against one order."""
    if isinstance(content, Nothing):
        return NOTHING
    if isinstance(content, Pushed | RefundPushed):
        return channel_spoke(policy, states, content, now)
    order = states.get(ORDER, _order_id(content))
    if isinstance(content, Event):
        return fact_arrived(policy, order, content, now)
    if order is None:
        raise UnknownOrder(f"no order {_order_id(content)}")
    return commanded(policy, order, content, now)


# --- facts ------------------------------------------------------------------------------------------------------------


def fact_arrived(policy: Policy, order: Order | None, fact: Event, now: datetime) -> Answer:
    """One fact moves one track one step; what waits is early, what cannot be true opens a case."""
    if order is None:
        return Early("the order is not known here", now + PATIENCE)
    one = TRACK_OF.get(type(fact))
    if one is None:
        return _decision(order, guards.settle(noted(order, fact), policy, now))
    state = _state(order, one, fact)
    cell = one.answer(state, type(fact))
    match cell:
        case Other.ABSORBED:
            return _decision(order, guards.settle(carrying(order, fact), policy, now)) if _carries(fact) else NOTHING
        case Other.WAITS:
            return Early(f"{one.name} is {state.value}", now + PATIENCE)
        case Other.CONFLICT:
            return conflict(order, one, state.value, fact)
        case _:
            return _decision(order, guards.settle(moved(order, one, cell, fact), policy, now))


def _state(order: Order, one: Track, fact: Event) -> Any:  # noqa: ANN401  # the track's own enum
    match one.name:
        case "money":
            return order.money.state
        case "goods":
            return order.goods.state
        case "papers":
            return order.import_papers.state
        case "funds":
            return order.funds
        case _:
            assert isinstance(fact, logistics.ParcelFact)
            parcel = order.parcels.get(fact.parcel_id)
            return parcel.state if parcel else Carriage.VOIDED


def conflict(order: Order, one: Track, state: str, fact: Event) -> Decision:
    """Both cannot be true: a person looks, nothing is parked, and nothing irreversible happens meanwhile."""
    case = facts.ConflictFound(
        order_id=order.id,
        seller=order.seller,
        track=one.name,
        state=state,
        fact=fact.type,
        detail=f"{fact.type} while {state}",
    )
    held = replace(order, conflicts=order.conflicts + 1)
    return Decision(puts=(ORDER.put(order.id, held),), facts=(case,))


def moved(order: Order, one: Track, cell: Any, fact: Event) -> Order:  # noqa: ANN401
    """The track's step, with what the fact tells of it."""
    match one.name:
        case "money":
            order = order.with_money(replace(order.money, state=cell))
        case "goods":
            order = replace(order, goods=replace(order.goods, state=cell))
        case "papers":
            order = order.with_papers("import", replace(order.import_papers, state=cell))
        case "funds":
            order = replace(order, funds=cell)
        case _:
            assert isinstance(fact, logistics.ParcelFact)
            order = order.with_parcel(fact.parcel_id, replace(order.parcels[fact.parcel_id], state=cell))
    return carrying(order, fact)


def _carries(fact: Event) -> bool:
    """Facts whose data is news even where their step is not: a new assessment, another milestone."""
    return isinstance(fact, customs.AssessmentMade | logistics.ParcelAdvanced)


def carrying(order: Order, fact: Event) -> Order:
    """What a fact tells beside its step."""
    take = _CARRY.get(type(fact))
    return take(order, fact) if take else order


def _opened(order: Order, fact: payments.PaymentOpened) -> Order:
    return order.with_money(
        replace(order.money, qr=fact.qr, out_trade_no=fact.out_trade_no, expires_at=fact.expires_at)
    )


def _captured(order: Order, fact: payments.PaymentCaptured) -> Order:
    plan = replace(
        order.money, captured=fact.amount, transaction_id=fact.transaction_id, out_trade_no=fact.out_trade_no, qr=""
    )
    return order.with_money(plan)


def _reserved(order: Order, fact: catalog.ReservationMade) -> Order:
    gross = sum(g.gross_grams * line.quantity for g, line in zip(fact.goods, fact.lines, strict=True))
    net = sum(g.net_grams * line.quantity for g, line in zip(fact.goods, fact.lines, strict=True))
    return replace(order, goods=replace(order.goods, lines=fact.lines, gross_grams=gross, net_grams=net))


def _booked(order: Order, fact: logistics.ParcelBooked) -> Order:
    parcel = replace(order.parcels[fact.parcel_id], waybill_no=fact.waybill_no, carrier=fact.carrier)
    return order.with_parcel(fact.parcel_id, parcel)


def _advanced(order: Order, fact: logistics.ParcelAdvanced) -> Order:
    parcel = order.parcels.get(fact.parcel_id)
    if parcel is None or fact.late:
        return order
    return order.with_parcel(fact.parcel_id, replace(parcel, milestone=fact.milestone))


def _delivered(order: Order, fact: logistics.ParcelDelivered) -> Order:
    parcel = replace(order.parcels[fact.parcel_id], delivered_at=fact.at, milestone="delivered")
    return order.with_parcel(fact.parcel_id, parcel)


def _assessed(order: Order, fact: customs.AssessmentMade) -> Order:
    return replace(order, valuation=fact.valuation)


def _trail(order: Order, **changes: Any) -> Order:  # noqa: ANN401
    return order.with_papers("import", replace(order.import_papers, **changes))


def _rejected(order: Order, fact: customs.DeclarationRejected) -> Order:
    """Held until somebody corrects what customs refused; the next attempt keeps the order number."""
    return _trail(order, reason=f"{fact.code}: {fact.reason}").holding("customs")


def _mismatched(order: Order, fact: customs.DeclarationMismatched) -> Order:
    return _trail(order, reason="; ".join(finding.fix_en for finding in fact.findings)[:500]).holding("customs")


def _cleared(order: Order, fact: customs.DeclarationReleased) -> Order:
    return _trail(order, released_version=fact.dossier_version, reason="").lifting("customs")


_CARRY: Final[Mapping[type[Event], Callable[[Order, Any], Order]]] = {
    payments.PaymentOpened: _opened,
    payments.PaymentCaptured: _captured,
    payments.PaymentFailed: lambda order, fact: replace(order, reason=f"{fact.code}: {fact.reason}"[:200]),
    catalog.ReservationMade: _reserved,
    logistics.ParcelBooked: _booked,
    logistics.ParcelAdvanced: _advanced,
    logistics.ParcelDelivered: _delivered,
    customs.AssessmentMade: _assessed,
    customs.AssessmentRefused: lambda order, fact: _trail(order, reason=fact.reason),
    customs.DeclarationMismatched: _mismatched,
    customs.DeclarationSubmitted: lambda o, f: _trail(o, cop_no=f.cop_no, dossier_version=f.dossier_version),
    customs.DeclarationStored: lambda order, fact: _trail(order, invt_no=fact.invt_no),
    customs.DeclarationReleased: _cleared,
    customs.DeclarationHeld: lambda order, fact: _trail(order, reason=fact.reason).holding("customs"),
    customs.DeclarationDetained: lambda order, fact: _trail(order, reason=fact.reason).holding("customs"),
    customs.DeclarationRejected: _rejected,
}


def noted(order: Order, fact: Event) -> Order:
    """Facts that move no track but may hold the order."""
    match fact:
        case payments.PaymentDeclared(identity_check="different"):
            return order.holding("payer_mismatch")
        case payments.PaymentDeclarationRefused():
            return order.holding("payment_not_declarable")
        case logistics.WaybillDocumentRefused():
            return order.holding("customs")
        case _:
            return order


# --- what comes from outside --------------------------------------------------------------------------------------------


def channel_spoke(policy: Policy, states: States, content: Pushed | RefundPushed, now: datetime) -> Answer:
    """A channel's snapshot: the first one places the order, a newer one yields what it implies, an older one nothing."""
    if isinstance(content, RefundPushed):
        stored = states.get(SNAPSHOT, content.order_id)
        if stored is None:
            return Early("a refund of an order that is not known yet", now + PATIENCE)
        grown = replace(stored, order=attach_refund(stored.order, content.refund).order)
        return Decision((SNAPSHOT.put(content.order_id, grown),))
    order_id, new = content.order.id, content.snapshot
    stored = states.get(SNAPSHOT, order_id)
    taken = take_snapshot(stored.order if stored else None, new.order)
    if taken.disposition is Disposition.SUPERSEDED:
        return NOTHING  # old news never overwrites new
    order = states.get(ORDER, order_id)
    decision = place(policy, content, now) if order is None else pushed(policy, order, content, now)
    return replace(decision, puts=(*decision.puts, SNAPSHOT.put(order_id, replace(new, order=taken.order))))


def pushed(policy: Policy, order: Order, push: Pushed, now: datetime) -> Decision:
    said = Said(order)
    if push.cancelled is not None:
        with contextlib.suppress(TooLate):  # the channel's word about a delivered order is a return, not a cancellation
            said = cancel(order, "buyer", push.cancelled)
    elif push.paid_elsewhere and order.money.state is Money.NONE:
        said = Said(order.holding("payment_not_declarable"))
    return _decision(order, _settled(said, policy, now))


def place(policy: Policy, push: Pushed, now: datetime) -> Decision:
    order = push.order
    placed = facts.OrderPlaced(
        order_id=order.id, seller=order.seller, connection=order.connection, shop=order.shop, channel=order.channel,
        external_id=order.external_id, flow=order.flow, direction="sale", kind="normal", collected_by=order.collected_by,
        declared_by=order.declared_by, warehouse=order.warehouse, lines=order.lines, amounts=order.amounts, person=order.person,
        recipient=order.recipient, recipient_version=order.recipient_version, placed_at=order.placed_at,
    )  # fmt: skip
    due = policy.after(now, policy.identity_window)
    overdue = () if order.person else (Work(guards.IDENTITY_OVERDUE, order.id, due, IdentityOverdue(order.id)),)
    held = order if order.person else order.holding("identity_missing")
    held = held.holding("payment_not_declarable") if push.paid_elsewhere else held
    said = Said(held, (placed,), overdue)
    if push.cancelled is not None:
        closing = guards.close(held, "buyer", push.cancelled)
        said = Said(closing.order, said.facts + closing.facts)
    return replace(_decision(order, _settled(said, policy, now)), aliases={order.external_id: order.id})


def commanded(policy: Policy, order: Order, content: object, now: datetime) -> Decision:
    match content:
        case IdentitySupplied() | AddressCorrected() | CancelAsked() if (
            content.seller and content.seller != order.seller
        ):
            raise UnknownOrder(f"no order {order.id}")
        case IdentitySupplied(person=person):
            said = _amended(replace(order, person=person), "identity_missing")
        case AddressCorrected(recipient=recipient):
            said = _address(order, recipient)
        case CancelAsked(by=by, reason=reason):
            said = cancel(order, by, reason)
        case HoldLiftAsked(hold=hold):
            said = _lifted(order, hold)
        case Outcome():
            said = outcome(order, content)
        case _:
            raise AssertionError(f"orders does not know {type(content).__name__}")
    decision = _decision(order, _settled(said, policy, now))
    return decision if isinstance(content, Outcome) else replace(decision, reply=_accepted(said.order))


def outcome(order: Order, done: Outcome) -> Said:
    """A timer's time came, or a call ended."""
    match done.task, done.result:
        case PaymentOverdue(attempt=attempt), Due():
            late = order.money.attempt == attempt and order.money.state in (Money.ASKED, Money.OPEN)
            return (
                guards.close(order, "system", "payment_overdue")
                if late and order.intent is Intent.PLACED
                else Said(order)
            )
        case IdentityOverdue(), Due():
            missing = order.person is None and order.intent is Intent.PLACED
            return guards.close(order, "system", "identity_missing") if missing else Said(order)
        case HoldOver(), Due():
            return Said(replace(order, hold_over=True))
        case ConfirmShipment(parcel_id=parcel_id), result:
            return _confirmed(order, parcel_id, ok=type(result).__name__ == "Confirmation")
        case _:
            raise AssertionError(f"orders has no work {done.kind}")


def _confirmed(order: Order, parcel_id: Any, *, ok: bool) -> Said:  # noqa: ANN401
    parcel: Parcel = replace(order.parcels[parcel_id], confirmed="yes" if ok else "refused")
    told = order.with_parcel(parcel_id, parcel)
    if not ok:
        return Said(told.holding("shipment_unconfirmed"))
    fact = facts.ShipmentConfirmed(
        order_id=order.id, seller=order.seller, parcel_id=parcel_id, waybill_no=parcel.waybill_no
    )
    return Said(told, (fact,))


def cancel(order: Order, by: str, reason: str) -> Said:
    """By the deepest gate passed: before the declaration everything is undone; behind it, it waits for customs."""
    if order.intent in (Intent.CLOSING, Intent.CANCELLED):
        return Said(order)
    if order.intent is Intent.COMPLETED or order.delivered:
        raise TooLate("delivered: open a return instead")
    if order.may_cancel():
        return guards.close(order, by, reason)
    return Said(replace(order, reason=reason).holding("cancel_requested"))


def _lifted(order: Order, hold: str) -> Said:
    if hold not in order.holds:
        raise TooLate(f"the order is not held by {hold}")
    return Said(order.lifting(hold))


def _address(order: Order, recipient: Any) -> Said:  # noqa: ANN401
    if any(parcel.state not in (Carriage.ASKED, Carriage.BOOKED) for parcel in order.parcels.values()):
        raise TooLate("the parcel is on its way: the address can no longer be changed here")
    if order.import_papers.state not in (Papers.NONE, Papers.ASSESSED, Papers.MISMATCHED, Papers.REJECTED):
        raise TooLate("the declaration is under way: wait for its answer")
    trail: PaperTrail = order.import_papers
    if trail.state is Papers.MISMATCHED:
        order = order.with_papers("import", replace(trail, state=Papers.ASSESSED))
    corrected = replace(order, recipient=recipient, recipient_version=order.recipient_version + 1)
    return _amended(corrected, "customs")


def _amended(order: Order, lifts: str) -> Said:
    if order.intent is not Intent.PLACED:
        raise TooLate(f"the order is {order.intent.value}")
    amended = facts.OrderAmended(
        order_id=order.id, seller=order.seller, person=order.person, recipient=order.recipient,
        recipient_version=order.recipient_version,
    )  # fmt: skip
    return Said(order.lifting(lifts), (amended,))


# --- the end of every decision ------------------------------------------------------------------------------------------


def _settled(said: Said, policy: Policy, now: datetime) -> Said:
    more = guards.settle(said.order, policy, now)
    return Said(more.order, said.facts + more.facts, said.work + more.work, said.cancel + more.cancel)


# Why each hold is there and what lifts it, for people; the tower has the same words in Chinese.
HOLDS: Final = {
    "identity_missing": "customs asks who buys: the shop supplies the identity",
    "payment_not_declarable": "paid abroad or not declarable: ask for a payment in CNY, or refuse the order",
    "payer_mismatch": "who paid is not who bought: refund and pay again from the buyer's own wallet",
    "customs": "customs refused, holds or questions the papers: correct them or wait for its answer",
    "cancel_requested": "a cancellation came after the declaration: an operator decides",
    "shipment_unconfirmed": "the channel did not take the fulfilment: confirm it by hand",
}


def _decision(before: Order, said: Said) -> Decision:
    """The order as it now is, what was said, and every hold that came or went."""
    order = said.order
    set_ = [name for name in order.holds if name not in before.holds]
    gone = [name for name in before.holds if name not in order.holds]
    came = [facts.HoldSet(order_id=order.id, seller=order.seller, hold=name, reason=HOLDS[name]) for name in set_]
    went = [facts.HoldLifted(order_id=order.id, seller=order.seller, hold=name) for name in gone]
    return Decision((ORDER.put(order.id, order),), (*said.facts, *came, *went), said.work, said.cancel)


def _accepted(order: Order) -> Reply:
    body = {"order_id": order.id, "intent": order.intent.value, "holds": list(order.holds)}
    return Reply(202, json.dumps(body).encode())


HANDLES: Final[frozenset[type[Event]]] = frozenset(TRACK_OF) | {
    payments.PaymentDeclared,
    payments.PaymentDeclarationRefused,
    logistics.WaybillDocumentAccepted,
    logistics.WaybillDocumentRefused,
}


def make_process(policy: Policy) -> Process:
    return Process("orders", HANDLES, reach, partial(decide, policy))
