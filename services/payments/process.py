"""How payments decides: an order's requests become calls, answers and notifications become facts and journals. Pure.

One order is one lane and one state (`payment.py`); attempts move by the grid of `attempts.py`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from services.payments import declaring, observing, opening, refunding, settling, taxing
from services.payments.capturing import captured
from services.payments.commands import (
    CLOSE,
    QUERY,
    CaseClosed,
    DeclarePayment,
    ExpiredTold,
    OpenAttempt,
    PaidTold,
    RefundTold,
    SendBack,
    SentBackTold,
    WatchAttempt,
)
from services.payments.payment import PAYMENT, Payment, Step, UnknownAttempt
from services.payments.policy import Policy
from shared.events.base import Event
from shared.events.customs import (
    AssessmentMade,
    DeclarationReleased,
    DeclarationReturnedAbroad,
    DeclarationWithdrawn,
)
from shared.events.orders import (
    FundsReleaseAuthorised,
    OrderPlaced,
    PaymentCloseRequested,
    PaymentObserved,
    PaymentRequested,
    RefundRequested,
)
from shared.flow.decision import Answer, Decision, Early, Outcome, Process, Reach, States
from shared.http.closing import NO_SUCH_CASE, left_open
from shared.ids import OrderId


def reach(content: object) -> Reach:
    """An order is one lane. Journals, their lines and evidence are written, never read."""
    order_id = _order_id(content)
    return Reach((order_id,), (PAYMENT.key(order_id),))


def _order_id(content: object) -> OrderId:
    match content:
        case Outcome(lane=lane):
            return OrderId(lane)
        case (
            PaidTold(order_id=order_id)
            | RefundTold(order_id=order_id)
            | ExpiredTold(order_id=order_id)
            | SentBackTold(order_id=order_id)
            | CaseClosed(order_id=order_id)
        ):
            return order_id
        case (
            OrderPlaced(order_id=order_id)
            | PaymentRequested(order_id=order_id)
            | PaymentObserved(order_id=order_id)
            | PaymentCloseRequested(order_id=order_id)
            | RefundRequested(order_id=order_id)
            | FundsReleaseAuthorised(order_id=order_id)
            | AssessmentMade(order_id=order_id)
            | DeclarationReleased(order_id=order_id)
            | DeclarationWithdrawn(order_id=order_id)
            | DeclarationReturnedAbroad(order_id=order_id)
        ):
            return order_id
        case _:
            raise AssertionError(f"payments does not know {type(content).__name__}")


def decide(policy: Policy, states: States, content: object, now: datetime) -> Answer:
    payment = states.get(PAYMENT, _order_id(content))
    if isinstance(content, CaseClosed):
        return _closed(payment, content, now)
    if isinstance(content, Event):
        step = fact_arrived(policy, payment or _new(content), content, now)
    elif payment is None:
        raise UnknownAttempt(f"nothing is known of order {_order_id(content)}")
    elif isinstance(content, Outcome):
        step = call_ended(policy, payment, content, now)
    else:
        step = provider_told(policy, payment, content, now)
    return step if isinstance(step, Early) else step.decision()


def _closed(payment: Payment | None, asked: CaseClosed, now: datetime) -> Decision:
    """A person says that it is settled; no money moves by it."""
    after = payment.closing(asked.number, asked.note, asked.by, now) if payment else None
    if after is None:
        return NO_SUCH_CASE
    left = left_open({"number": number, "code": case.what} for number, case in after.open_cases)
    return replace(Step(after).decision(), reply=left)


def _new(fact: Event) -> Payment:
    assert isinstance(fact, tuple(HANDLES))
    return Payment(_order_id(fact), str(getattr(fact, "seller")))  # noqa: B009


def fact_arrived(policy: Policy, payment: Payment, fact: Event, now: datetime) -> Step | Early:
    match fact:
        case OrderPlaced():
            return taxing.placed(payment, fact)
        case PaymentRequested():
            return opening.requested(policy, payment, fact, now)
        case PaymentObserved():
            return observing.observed(policy, payment, fact, now)
        case PaymentCloseRequested():
            return opening.close_requested(payment, fact, now)
        case RefundRequested():
            return refunding.requested(payment, fact, now)
        case FundsReleaseAuthorised():
            return settling.funds_released(payment, fact, now)
        case AssessmentMade():
            return settling.assessed(payment, fact, now)
        case DeclarationReleased():
            return taxing.released(payment, fact, now)
        case DeclarationWithdrawn() | DeclarationReturnedAbroad():
            return taxing.undone(payment, fact, now)
        case _:
            raise AssertionError(f"payments does not listen to {fact.type}")


def provider_told(policy: Policy, payment: Payment, content: object, now: datetime) -> Step:
    match content:
        case PaidTold(paid=paid):
            return captured(policy, payment, paid, now)
        case RefundTold(news=news):
            return refunding.told(policy, payment, news, now)
        case ExpiredTold(out_trade_no=number):
            return opening.expired(payment, number, now)
        case SentBackTold(out_trade_no=number):
            return refunding.ask_now(payment, number, now)
        case _:
            raise AssertionError(f"payments does not know {type(content).__name__}")


def call_ended(policy: Policy, payment: Payment, outcome: Outcome, now: datetime) -> Step:
    match outcome.task:
        case OpenAttempt() as task:
            return opening.open_ended(policy, payment, task, outcome, now)
        case WatchAttempt() as task if outcome.kind == QUERY:
            return opening.query_ended(policy, payment, task, outcome, now)
        case WatchAttempt() as task if outcome.kind == CLOSE:
            return opening.close_ended(policy, payment, task, outcome, now)
        case SendBack() as task:
            return refunding.refund_ended(policy, payment, task, outcome, now)
        case DeclarePayment() as task:
            return declaring.declare_ended(policy, payment, task, outcome, now)
        case _:
            raise AssertionError(f"payments has no work {outcome.kind}")


HANDLES: Final[frozenset[type[Event]]] = frozenset(
    {
        OrderPlaced,
        PaymentRequested,
        PaymentObserved,
        PaymentCloseRequested,
        RefundRequested,
        FundsReleaseAuthorised,
        AssessmentMade,
        DeclarationReleased,
        DeclarationWithdrawn,
        DeclarationReturnedAbroad,
    }
)


def make_process(policy: Policy) -> Process:
    return Process("payments", HANDLES, reach, partial(decide, policy))
