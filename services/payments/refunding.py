"""Money on its way back: asked once under a number of ours, booked when it arrived, told when it does not. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.payments import books, ledger, refunds
from services.payments.books import stray
from services.payments.commands import REFUND, REFUND_CHECK, RefundNews, RefundWord, SendBack
from services.payments.ledger import Book, Parts
from services.payments.outcomes import ended
from services.payments.payment import (
    Charge,
    Payment,
    Refund,
    Sending,
    Step,
    UnknownAttempt,
    booked,
    journal_id,
)
from services.payments.policy import BETWEEN_REFUNDS, REFUND_PLAN, SLOWLY, Policy
from shared.events import payments as facts
from shared.events.orders import RefundRequested
from shared.flow.decision import Outcome, Work, WorkName
from shared.ids import out_refund_no
from shared.money import Money

STATES: Final[dict[RefundWord, Sending]] = {
    "processing": Sending.PROCESSING,
    "succeeded": Sending.SUCCEEDED,
    "closed": Sending.CLOSED,
    "abnormal": Sending.ABNORMAL,
}


def requested(payment: Payment, asked: RefundRequested, now: datetime) -> Step:
    """Of the order's money; more than is left of it is refused here, before the provider hears of anything."""
    if any(refund.refund_id == asked.refund_id for refund in payment.refunds):
        return Step(payment)
    held = payment.held
    left = held.amount - payment.taken_back(held) if held else None
    if held is None or left is None or left.currency != asked.amount.currency or not _within(asked.amount, left):
        reason = "nothing was captured" if left is None else f"{asked.amount} is not within the {left} that are left"
        return Step(payment.noting("refund_refused", reason, now), (_stalled(payment, asked, reason),))
    number = out_refund_no(asked.order_id, asked.refund_id)
    return _send(payment, held, asked.refund_id, number, asked.amount, asked.reason, now)


def _within(amount: Money, left: Money) -> bool:
    return 0 < amount.minor <= left.minor


def send_stray(payment: Payment, charge: Charge, now: datetime) -> Step:
    """What nobody asked for goes back whole."""
    number = out_refund_no(payment.order_id, f"stray-{charge.transaction_id}")
    return _send(payment, charge, "", number, charge.amount, "paid twice or not the amount asked", now)


def _send(
    payment: Payment, charge: Charge, refund_id: str, number: str, amount: Money, reason: str, now: datetime
) -> Step:
    task = SendBack(payment.order_id, charge.out_trade_no, number, charge.transaction_id, amount, charge.amount, reason)
    earlier = [r.asked_at for r in payment.refunds if r.task.transaction_id == charge.transaction_id]
    due = max([now, *(at + BETWEEN_REFUNDS for at in earlier)])
    asked = payment.with_refund(Refund(refund_id, task, due))
    return Step(asked, work=(Work(REFUND, payment.order_id, due, task, number),))


def refund_ended(policy: Policy, payment: Payment, task: SendBack, outcome: Outcome, now: datetime) -> Step:
    """The answer to the refund, or to a question about it."""
    if isinstance(outcome.result, RefundNews):
        return told(policy, payment, outcome.result, now)
    refund, how = payment.refund(task.out_refund_no), ended(outcome.result)
    if refund is None or refund.state not in (Sending.SUBMITTED, Sending.PROCESSING):
        return Step(payment)
    step = _stall(payment, refund, how.text, now)
    # Nothing is sent twice by asking on: the same number is the same refund.
    return replace(step, work=(Work(REFUND_CHECK, payment.order_id, now + SLOWLY, task, refund.number),))


def told(policy: Policy, payment: Payment, news: RefundNews, now: datetime) -> Step:
    """What the provider says of a refund, by whichever way; success is the last word."""
    refund = payment.refund(news.out_refund_no)
    if refund is None:
        raise UnknownAttempt(f"order {payment.order_id} has no refund {news.out_refund_no[:64]}")
    if news.amount != refund.task.amount:
        detail = f"{refund.number}: {news.amount}, asked {refund.task.amount}"
        return Step(payment.noting("refund_amount", detail, now))
    state = STATES[news.word]
    if refund.state is Sending.SUCCEEDED or (refund.state is state and state is not Sending.PROCESSING):
        return Step(payment)
    moved = replace(refund, state=state)
    no_check = WorkName(REFUND_CHECK, payment.order_id, refund.number)
    match state:
        case Sending.SUCCEEDED:
            step = _arrived(policy, payment.with_refund(moved), moved, now)
            return replace(step, cancel=(no_check,))
        case Sending.PROCESSING:
            return _wait(policy, payment, moved, now)
        case _:
            return replace(_stall(payment, moved, f"the provider says {news.word}", now), cancel=(no_check,))


def _wait(policy: Policy, payment: Payment, refund: Refund, now: datetime) -> Step:
    """Asked again at a slower and slower pace; after the plan's end a person hears of it too."""
    due = policy.check(now, REFUND_PLAN, refund.checks)
    work = Work(REFUND_CHECK, payment.order_id, due, refund.task, refund.number)
    counted = replace(refund, checks=refund.checks + 1)
    late = counted.checks == len(REFUND_PLAN) + 1
    step = _stall(payment, counted, "still processing", now) if late else Step(payment.with_refund(counted))
    return replace(step, work=(work,))


def _stall(payment: Payment, refund: Refund, reason: str, now: datetime) -> Step:
    """Said once; a refund of what nobody asked for is a case of ours and no fact of the order."""
    detail = f"{refund.number}: {reason}"
    noted = payment.with_refund(replace(refund, stalled=True)).noting("refund_stalled", detail, now)
    if refund.stalled or not refund.refund_id:
        return Step(noted)
    fact = facts.RefundStalled(
        order_id=payment.order_id, seller=payment.seller, refund_id=refund.refund_id, amount=refund.task.amount,
        reason=reason[:300],
    )  # fmt: skip
    return Step(noted, (fact,))


def _stalled(payment: Payment, asked: RefundRequested, reason: str) -> facts.RefundStalled:
    return facts.RefundStalled(
        order_id=payment.order_id, seller=payment.seller, refund_id=asked.refund_id, amount=asked.amount, reason=reason
    )


# --- the books ------------------------------------------------------------------------------------


def _arrived(policy: Policy, payment: Payment, refund: Refund, now: datetime) -> Step:
    key = journal_id(payment.order_id, f"refunded-{refund.number}")
    if not refund.refund_id:
        provider = policy.shop(payment.shop).provider
        journal = stray(key, payment.order_id, provider, -refund.task.amount)
        return Step(payment, puts=books.kept(payment.order_id, journal, now, books.as_stray))
    book = payment.book
    assert book is not None  # a refund with an id is of money that was credited
    done = refunds.refund(book, key, given(book, refund.task.amount), payment.earned or book.nothing)
    fact = facts.RefundCompleted(
        order_id=payment.order_id, seller=payment.seller, refund_id=refund.refund_id, amount=refund.task.amount
    )
    step = replace(booked(payment, done, now, books.as_refund), facts=(fact,))
    return step.then(lambda p: _closed(p, key, now))


def given(book: Book, amount: Money) -> Parts:
    """Which parts an amount gives back: all that is left, or goods first, then freight, then tax."""
    if amount == book.left.paid:
        return refunds.everything_left(book)
    goods = min(amount, book.left.price)
    freight = min(amount - goods, book.left.freight)
    return Parts.of(amount.currency, goods=goods.minor, freight=freight.minor, tax=(amount - goods - freight).minor)


def _closed(payment: Payment, key: str, now: datetime) -> Step:
    """Nothing is left that could pay what the order cost."""
    book = payment.book
    if book is None or book.released or book.left.paid or not book.costs:
        return Step(payment)
    done = ledger.close_after_full_refund(book, f"{key}-closed", payment.earned or book.nothing)
    return booked(payment, done, now, books.as_money)
