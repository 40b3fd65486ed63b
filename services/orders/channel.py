"""What the channel says of an order: its first snapshot places it, a newer one yields what it implies. Pure."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime

from services.orders import guards, undoing
from services.orders.canonical import CanonicalOrder, Disposition
from services.orders.commands import IdentityOverdue, Pushed, RefundPushed
from services.orders.order import ORDER, Order
from services.orders.placing import SNAPSHOT
from services.orders.said import IDENTITY_OVERDUE, Policy, Said, decision
from services.orders.snapshots import attach_refund, take_snapshot
from services.orders.tracks import Intent, Money
from services.orders.undoing import TooLate
from shared.events import orders as facts
from shared.flow.decision import NOTHING, Decision, States, Work


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
        answer = decision(order, guards.settle(newer(order, push, before), policy, now))
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
        recipient_version=order.recipient_version, placed_at=order.placed_at,
    )  # fmt: skip
    due = policy.after(now, policy.identity_window)
    said = Said(_held_by_channel(order, push), (fact,))
    if order.person is None:
        overdue = Work(IDENTITY_OVERDUE, order.id, due, IdentityOverdue(order.id))
        said = said.then(Said(said.order.holding("identity_missing"), work=(overdue,)))
    if push.paid_elsewhere:
        said = said.then(Said(said.order.holding("payment_not_declarable")))
    if push.snapshot.order.review:
        said = said.then(Said(questioned(said.order)))
    if push.cancelled is not None:
        return replace(said.then(undoing.close(said.order, "buyer", push.cancelled)), work=(), cancel=())
    return said


def newer(order: Order, push: Pushed, before: CanonicalOrder | None) -> Said:
    """What the newer snapshot implies, once each."""
    if push.cancelled is not None:
        with contextlib.suppress(TooLate):  # of a delivered order it means a return, and is no cancellation
            return undoing.cancel(order, "buyer", push.cancelled)
    if order.intent is not Intent.PLACED:
        return Said(order)
    order = _addressed(_held_by_channel(order, push), push)
    if push.paid_elsewhere and order.money.state in (Money.NONE, Money.ASKED, Money.OPEN):
        order = order.holding("payment_not_declarable")
    if before is not None and _sold(push.snapshot.order) != _sold(before):
        order = questioned(order)
    return Said(order)


def questioned(order: Order) -> Order:
    """The channel's order is no longer the one that was placed here, or does not add up."""
    return order.holding("platform_hold") if order.intent is Intent.PLACED else order


def _held_by_channel(order: Order, push: Pushed) -> Order:
    """The channel's own hold comes and goes with its snapshots; ours of the same name would go with it."""
    if push.hold == order.channel_hold:
        return order
    lifted = order.lifting(order.channel_hold)
    return replace(lifted.holding(push.hold) if push.hold else lifted, channel_hold=push.hold)


def _addressed(order: Order, push: Pushed) -> Order:
    """Another address than the channel told last time; one that is on the order already (corrected here) is no news."""
    if push.address in ("", order.channel_address):
        return order
    told = replace(order, channel_address=push.address)
    return told if push.address == order.recipient.fingerprint else told.holding("address_changed")


def _sold(order: CanonicalOrder) -> object:
    """What was sold for how much: a change of it is for a person."""
    lines = [(line.external_line_id, line.seller_sku, line.quantity, line.left_to_ship) for line in order.lines]
    return lines, order.amounts.total, order.left_to_pay
