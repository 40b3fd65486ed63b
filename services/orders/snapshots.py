"""Snapshots of one order against each other. Pure; the same rules for every channel.

No channel promises order, and their clocks tick in seconds: a newer `updated_at` wins, and within one tick the snapshot
that is further along, whatever came first. Nothing goes back within a tick. Source: our marketplace reference,
"Ordering" (project rule, 2026-03).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from services.orders.canonical import CanonicalOrder, ChannelStatus, Disposition, Refund, RefundStatus
from shared.money import total

_STATUS_RANK: Final = {
    ChannelStatus.PENDING: 0,
    ChannelStatus.PAID: 4,
    ChannelStatus.DECLARED: 6,
    ChannelStatus.SHIPPED: 8,
    ChannelStatus.COMPLETED: 10,
    ChannelStatus.REFUNDING: 12,
    ChannelStatus.CANCELLED: 14,
    ChannelStatus.REFUNDED: 14,
}
_REFUND_RANK: Final = {
    RefundStatus.REQUESTED: 1,
    RefundStatus.APPROVED: 2,
    RefundStatus.REJECTED: 3,
    RefundStatus.CLOSED: 3,
    RefundStatus.SUCCEEDED: 4,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one piece of news, and the order as it is stored afterwards."""

    disposition: Disposition
    order: CanonicalOrder


def take_snapshot(stored: CanonicalOrder | None, new: CanonicalOrder) -> Taken:
    """Apply a snapshot, or keep what is stored. Refunds that an earlier message brought stay attached."""
    if stored is None:
        return Taken(Disposition.APPLIED, new)
    if new.updated_at < stored.updated_at:
        return Taken(Disposition.SUPERSEDED, stored)
    if new.updated_at == stored.updated_at and not further_along(new, stored):
        return Taken(Disposition.SUPERSEDED, stored)
    return Taken(Disposition.APPLIED, _with_refunds(new, stored.refunds))


def attach_refund(stored: CanonicalOrder, refund: Refund) -> Taken:
    """A refund that came on its own. The same refund again, or an older state of it, changes nothing."""
    grown = _with_refunds(stored, (refund,))
    return Taken(Disposition.SUPERSEDED if grown == stored else Disposition.APPLIED, grown)


def further_along(new: CanonicalOrder, stored: CanonicalOrder) -> bool:
    """True where nothing went back and something went on."""
    now, before = _progress(new), _progress(stored)
    return now != before and all(a >= b for a, b in zip(now, before, strict=True))


def _progress(order: CanonicalOrder) -> tuple[int, ...]:
    # A held pending order is one whose money is on its way; a held paid one is not yet free to go.
    held = 1 if order.hold is not None else 0
    rank = _STATUS_RANK[order.status] + (held if order.status is ChannelStatus.PENDING else -held)
    refunds = sum(_REFUND_RANK[refund.status] for refund in order.refunds)
    return rank, order.amounts.refunded.minor, refunds, len(order.shipments), int(order.cancelled_at is not None)


def channel_rank(order: CanonicalOrder) -> int:
    """How far along, as one number, for whoever stores no snapshot: what is further along always ranks higher."""
    status, _refunded, refunds, shipments, cancelled = _progress(order)
    return status * 10_000 + min(refunds, 99) * 100 + min(shipments, 49) * 2 + cancelled


def _with_refunds(order: CanonicalOrder, more: tuple[Refund, ...]) -> CanonicalOrder:
    known = {refund.external_refund_id: refund for refund in order.refunds}
    for refund in more:
        mine = known.get(refund.external_refund_id)
        if mine is None or _REFUND_RANK[refund.status] > _REFUND_RANK[mine.status]:
            known[refund.external_refund_id] = refund
    refunds = tuple(known.values())
    if refunds == order.refunds:
        return order
    paid_back = total([r.amount for r in refunds if r.status is RefundStatus.SUCCEEDED], order.currency)
    amounts = replace(order.amounts, refunded=max(order.amounts.refunded, paid_back))
    return replace(order, refunds=refunds, amounts=amounts)
