"""What the channel says of an order: its first snapshot places it, a newer one yields what it implies. Pure."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime

from services.orders import guards, observing, undoing
from services.orders.canonical import CanonicalOrder, ChannelStatus, Disposition
from services.orders.commands import FETCH_ORDER, FetchOrder, IdentityOverdue, OrderNamed, Pushed, RefundPushed
from services.orders.order import ORDER, Order
from services.orders.placing import FETCHING, SNAPSHOT, Fetching, clearance, over, paid_at
from services.orders.said import IDENTITY_OVERDUE, Policy, Said, amended, decision
from services.orders.snapshots import attach_refund, take_snapshot
from services.orders.tracks import Intent, Money
from services.orders.undoing import TooLate
from shared.errors import Permanent
from shared.events import orders as facts
from shared.flow.decision import NOTHING, Decision, Exhausted, Outcome, Refused, States, Work


class NotFetched(Permanent):
    """The channel did not show the order, or showed what we do not understand. Its next push asks again."""

    code = "orders.not_fetched"


def order_named(states: States, named: OrderNamed, now: datetime) -> Decision:
    """Ask for it once. The row of a fetch that waits is replaced, so many pushes make one; one that is under way is
    too: what it brings is older than this push, and is asked for anew."""
    known = states.get(FETCHING, named.order_id)
    fetching = (known or Fetching(named.external_id)).claiming(named.claim)
    task = FetchOrder(named.order_id, named.connection.id, named.external_id, fetching.claims)
    news = () if known or states.get(ORDER, named.order_id) else (_received(named),)
    puts = () if fetching == known else (FETCHING.put(named.order_id, fetching),)
    return Decision(puts, news, (Work(FETCH_ORDER, named.order_id, now, task),))


def _received(named: OrderNamed) -> facts.OrderReceived:
    shop = named.connection.shop
    return facts.OrderReceived(
        order_id=named.order_id, seller=shop.seller, connection=named.connection.id, shop=shop.id,
        channel=named.connection.channel, external_id=named.external_id,
    )  # fmt: skip


def fetch_failed(outcome: Outcome) -> Decision:
    """Set aside where people see it; raising keeps the row, and the channel's next push replaces it."""
    match outcome.result:
        case Refused(code=code, message=message) | Exhausted(code=code, message=message):
            raise NotFetched(f"{code}: {message}"[:300])
        case _:
            raise AssertionError("a fetch ends with a snapshot, or not at all")


def order_pushed(policy: Policy, states: States, push: Pushed, now: datetime) -> Decision:
    """Old news never overwrites new, whatever order it comes in."""
    order_id = push.order.id
    stored = states.get(SNAPSHOT, order_id)
    before = stored.order if stored else None
    taken = take_snapshot(before, push.snapshot.order)
    if taken.disposition is Disposition.SUPERSEDED:
        return NOTHING
    order = states.get(ORDER, order_id)
    if order is None:
        answer = decision(push.order, guards.settle(placed(policy, push, now), policy, now))
    else:
        answer = decision(order, guards.settle(newer(order, push, before, now), policy, now))
    snapshot = replace(push.snapshot, order=taken.order)
    return replace(answer, puts=(*answer.puts, SNAPSHOT.put(order_id, snapshot)))


def refund_pushed(policy: Policy, states: States, push: RefundPushed, now: datetime) -> Decision | None:
    """The channel sent money back by itself: kept with its snapshot, and a person compares it with ours.

    None where the order is not known yet.
    """
    stored, order = states.get(SNAPSHOT, push.order_id), states.get(ORDER, push.order_id)
    if stored is None or order is None:
        return None
    taken = attach_refund(stored.order, push.refund)
    if taken.disposition is Disposition.SUPERSEDED:
        return NOTHING
    answer = decision(order, guards.settle(Said(questioned(order)), policy, now))
    return replace(answer, puts=(*answer.puts, SNAPSHOT.put(order.id, replace(stored, order=taken.order))))


def placed(policy: Policy, push: Pushed, now: datetime) -> Said:
    order = push.order
    fact = facts.OrderPlaced(
        order_id=order.id, seller=order.seller, connection=order.connection, shop=order.shop, channel=order.channel,
        external_id=order.external_id, flow=order.flow, direction="sale", kind="normal",
        collected_by=order.collected_by, declared_by=order.declared_by, warehouse=order.warehouse, lines=order.lines,
        amounts=order.amounts, person=order.person, recipient=order.recipient,
        recipient_version=order.recipient_version, placed_at=order.placed_at, ship_by=order.ship_by,
    )  # fmt: skip
    due = policy.after(now, policy.identity_window)
    said = Said(_held_by_channel(order, push), (fact,))
    if order.person is None and order.declares:  # a platform that declares has asked the buyer itself
        overdue = Work(IDENTITY_OVERDUE, order.id, due, IdentityOverdue(order.id))
        said = said.then(Said(said.order.holding("identity_missing"), work=(overdue,)))
    if push.paid_elsewhere:
        said = said.then(Said(said.order.holding("payment_not_declarable")))
    if push.snapshot.order.review:
        said = said.then(Said(questioned(said.order)))
    if _ended(order, push):
        return replace(said.then(undoing.close(said.order, "buyer", _why(push))), work=(), cancel=())
    return said.then(observed(said.order, push.snapshot.order))


def newer(order: Order, push: Pushed, before: CanonicalOrder | None, now: datetime) -> Said:
    """What the newer snapshot implies, once each."""
    if _ended(order, push):
        with contextlib.suppress(TooLate):  # of a delivered order it means a return, and is no cancellation
            return _undone(_held_by_channel(order, push), push, now)
    if order.intent is not Intent.PLACED:
        return _too_late(order, push.snapshot.order, before, now)
    said = _addressed(_held_by_channel(order, push), push)
    order = said.order
    if push.paid_elsewhere and order.money.state in (Money.NONE, Money.ASKED, Money.OPEN):
        order = order.holding("payment_not_declarable")
    if before is not None and _sold(push.snapshot.order) != _sold(before):
        order = questioned(order)
    if order.collected_by == "self" and before is not None and _sent_back(push.snapshot.order, before):
        order = questioned(order)
    return said.then(Said(order)).then(observed(order, push.snapshot.order))


def observed(order: Order, snapshot: CanonicalOrder) -> Said:
    """What the channel saw itself: money, customs and waybill where these are its own; the receipt always."""
    said = Said(order)
    if order.collected_by == "channel":
        said = _channels_own(said, snapshot)
    if snapshot.status is ChannelStatus.COMPLETED:
        at = snapshot.completed_at or snapshot.updated_at
        said = said.then(observing.receipt_confirmed(said.order, at))
    return said


def _channels_own(said: Said, snapshot: CanonicalOrder) -> Said:
    at = paid_at(snapshot)
    if at is not None:
        method, external_no, customs_no = _payment(snapshot)
        total = snapshot.amounts.total
        said = said.then(observing.paid(said.order, total, method, external_no, customs_no, at))
    status = clearance(snapshot)
    if status:
        said = said.then(observing.cleared(said.order, status, snapshot.updated_at))
    for shipment in snapshot.shipments[:1]:
        said = said.then(observing.waybill_given(said.order, shipment.carrier or "", shipment.tracking_no or ""))
    return said


def _payment(snapshot: CanonicalOrder) -> tuple[str, str, str]:
    paid = snapshot.payment
    return (paid.method, paid.external_no or "", paid.customs_no or "") if paid else ("unknown", "", "")


def _ended(order: Order, push: Pushed) -> bool:
    """Cancelled; of an order whose money the channel has, also refunded. An own shop's refund is for a person."""
    return push.cancelled is not None or (order.collected_by == "channel" and over(push.snapshot.order))


def _why(push: Pushed) -> str:
    return push.cancelled or "refunded_at_channel"


def _undone(order: Order, push: Pushed, now: datetime) -> Said:
    if order.collected_by == "channel":
        return observing.refunded(order, _why(push), now)
    return undoing.cancel(order, "buyer", _why(push))


def _too_late(order: Order, snapshot: CanonicalOrder, before: CanonicalOrder | None, now: datetime) -> Said:
    """The order is over or on its way out. Only money that comes to the channel all the same needs somebody."""
    paid = paid_at(snapshot) is not None and (before is None or paid_at(before) is None)
    if order.collected_by == "self" or order.money.observed or not paid:
        return Said(order)
    detail = "paid at the channel after it ended here: refund it there"
    return undoing.case(order, "intent", order.intent.value, "channel.paid", detail, now)


def _sent_back(snapshot: CanonicalOrder, before: CanonicalOrder) -> bool:
    """More refunds, or further ones, than the channel told of before."""
    return snapshot.refunds != before.refunds and bool(snapshot.refunds)


def questioned(order: Order) -> Order:
    """The channel's order is no longer the one that was placed here, or does not add up."""
    return order.holding("platform_hold") if order.intent is Intent.PLACED else order


def _held_by_channel(order: Order, push: Pushed) -> Order:
    """The channel's own hold comes and goes with its snapshots; ours of the same name would go with it."""
    if push.hold == order.channel_hold:
        return order
    lifted = order.lifting(order.channel_hold)
    return replace(lifted.holding(push.hold) if push.hold else lifted, channel_hold=push.hold)


def _addressed(order: Order, push: Pushed) -> Said:
    """The first address that the channel tells is the order's. Another one later, unless it is on the order already
    (corrected here), is for a person."""
    if push.address in ("", order.channel_address):
        return Said(order)
    told = replace(order, channel_address=push.address)
    if push.address == order.recipient.fingerprint:
        return Said(told)
    if order.channel_address or order.recipient_version > 1:
        return Said(told.holding("address_changed"))
    known = replace(told, recipient=push.order.recipient, recipient_version=order.recipient_version + 1)
    return Said(known, (amended(known),))


def _sold(order: CanonicalOrder) -> object:
    """What was sold for how much: a change of it is for a person."""
    lines = [(line.external_line_id, line.seller_sku, line.quantity, line.left_to_ship) for line in order.lines]
    return lines, order.amounts.total, order.left_to_pay
