"""Which holds an operator may not lift, and what is to be done instead: no order waits without a reason. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.orders.order import DECLARABLE, Order
from services.orders.tracks import Carriage, Intent, Money, Papers


def unsettled(order: Order, hold: str) -> str:
    """What still has to happen before this hold can go; "" where an operator's word is enough."""
    match hold:
        case "identity_missing":
            return "customs needs the identity: PUT /v1/orders/{id}/identity, or cancel the order"
        case "payment_not_declarable" if order.amounts.total.currency != DECLARABLE:
            return f"only {DECLARABLE} can be declared: let the buyer order anew in it, or cancel the order"
        case "payer_mismatch" | "refund_stalled" if order.money.state in (Money.REFUNDING, Money.CASE):
            return "the buyer's money is not back yet: settle the refund with the provider, its completion lifts this"
        case "parcel_lost" if any(parcel.state is Carriage.LOST for parcel in order.live.values()):
            return "the parcel is still lost: cancel the order to refund it, or wait for the carrier to bring it back"
        case "customs":
            return _papers(order)
        case _:
            return ""


def _papers(order: Order) -> str:
    """A closing order whose withdrawal was refused asks once more; anything else customs or a correction answers."""
    if order.intent is Intent.PLACED and order.left_undeclared:
        return "the goods are out and customs has not released them: have it settled there, the release lifts this"
    return _ANSWER.get(order.import_papers.state, "")


_CORRECT: Final = (
    "correct it by PUT /v1/orders/{id}/identity or POST /v1/orders/{id}/address (the same again declares it anew), "
    "or cancel the order"
)
_WAIT: Final = "ask the customs broker; its release lifts this, or cancel the order"
_ANSWER: Final[Mapping[Papers, str]] = {
    Papers.HELD: f"customs holds the goods: {_WAIT}",
    Papers.DETAINED: f"customs has detained the goods: {_WAIT}",
    Papers.REJECTED: f"customs rejected the declaration: {_CORRECT}",
    Papers.MISMATCHED: f"the documents do not agree: {_CORRECT}",
    Papers.INADMISSIBLE: f"the order cannot be declared as it is: {_CORRECT}",
}
