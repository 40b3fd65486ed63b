"""One step of one attempt, with what it means to others: the fact, the next call, the questions that end. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.payments.attempts import Attempt, State, Word, after
from services.payments.commands import CLOSE, QUERY, WatchAttempt
from services.payments.payment import Payment, Step
from services.payments.policy import QUERY_PLAN
from shared.events import payments as facts
from shared.flow.decision import Work, WorkName


def moved(
    payment: Payment, attempt: Attempt, word: Word, now: datetime, reason: str = "", code: str = "payments.refused"
) -> Step:
    """One step of one attempt, with what the step means to others."""
    next_ = after(attempt.state, word)
    if next_ is attempt.state:
        return Step(payment)
    stood = payment.with_attempt(replace(attempt, state=next_))
    order_id, seller, number = payment.order_id, payment.seller, attempt.number
    no_query = WorkName(QUERY, order_id, str(number))
    match next_:
        case State.OPEN:
            opened = facts.PaymentOpened(
                order_id=order_id, seller=seller, attempt=number, out_trade_no=attempt.out_trade_no, qr=attempt.qr,
                amount=attempt.amount, expires_at=attempt.expires_at,
            )  # fmt: skip
            return Step(stood, (opened,), work=(query(payment, attempt, now, 0),))
        case State.CLOSING:
            work = Work(CLOSE, order_id, now, watch(payment, attempt), str(number))
            return Step(stood, work=(work,), cancel=(no_query,))
        case State.CLOSED:
            closed = facts.PaymentClosed(order_id=order_id, seller=seller, attempt=number)
            return Step(stood, (closed,), cancel=(no_query,))
        case State.FAILED:
            failed = facts.PaymentFailed(order_id=order_id, seller=seller, attempt=number, code=code, reason=reason)
            return Step(stood, (failed,), cancel=(no_query,))
        case _:
            return Step(stood, cancel=(no_query,))


def query(payment: Payment, attempt: Attempt, now: datetime, round_: int) -> Work:
    """Ask whether it was paid, for the case that no notification comes."""
    task = watch(payment, attempt, round_)
    return Work(QUERY, payment.order_id, now + QUERY_PLAN[round_], task, str(attempt.number))


def watch(payment: Payment, attempt: Attempt, round_: int = 0) -> WatchAttempt:
    return WatchAttempt(payment.order_id, attempt.number, attempt.out_trade_no, round_, attempt.provider)
