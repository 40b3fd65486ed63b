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
from shared.events.values import Components
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
    reason = _why_not(payment, held, asked)
    if held is None or reason:
        return Step(payment.noting("refund_refused", reason, now), (_stalled(payment, asked, reason),))
    number = out_refund_no(asked.order_id, asked.refund_id)
    provider = _who_has(payment, held)
    task = SendBack(
        payment.order_id, held.out_trade_no, number, held.transaction_id, asked.amount, held.amount, asked.reason,
        provider,
    )  # fmt: skip
    refund = Refund(asked.refund_id, task, now, components=asked.components)
    return _observe(payment, refund, now) if held.collector == "channel" else _send(payment, refund, now)


def _why_not(payment: Payment, held: Charge | None, asked: RefundRequested) -> str:
    """Empty where the refund is possible."""
    if held is None:
        return "nothing was captured"
    left = held.amount - payment.taken_back(held)
    if left.currency != asked.amount.currency or not 0 < asked.amount.minor <= left.minor:
        return f"{asked.amount} is not within the {left} that are left"
    if (asked.executor == "channel") != (held.collector == "channel"):
        return f"the {held.collector} has the money, and {asked.executor} was to send it back"
    return ""


def _who_has(payment: Payment, charge: Charge) -> str:
    """The provider of the charge's attempt; of a channel's charge the channel."""
    if charge.collector == "channel":
        assert payment.book is not None  # a channel's money is booked when it is observed
        return payment.book.parties.provider
    return payment.attempt(charge.attempt).provider


def _observe(payment: Payment, refund: Refund, now: datetime) -> Step:
    """The channel sent it back already: it is booked, and nobody is asked for anything."""
    done = replace(refund, state=Sending.SUCCEEDED)
    return _arrived(payment.with_refund(done), done, now)


def send_stray(payment: Payment, charge: Charge, now: datetime) -> Step:
    """What nobody asked for goes back whole."""
    number = out_refund_no(payment.order_id, f"stray-{charge.transaction_id}")
    task = SendBack(
        payment.order_id, charge.out_trade_no, number, charge.transaction_id, charge.amount, charge.amount,
        "paid twice or not the amount asked", _who_has(payment, charge),
    )  # fmt: skip
    return _send(payment, Refund("", task, now), now)


def _send(payment: Payment, refund: Refund, now: datetime) -> Step:
    """`submitted` is said before the first byte leaves: from here on nobody can say that the money is still here."""
    earlier = [r.asked_at for r in payment.refunds if r.task.transaction_id == refund.task.transaction_id]
    due = max([now, *(at + BETWEEN_REFUNDS for at in earlier)])
    asked = payment.with_refund(replace(refund, asked_at=due))
    work = (Work(REFUND, payment.order_id, due, refund.task, refund.number),)
    if not refund.refund_id:
        return Step(asked, work=work)
    fact = facts.RefundSubmitted(
        order_id=payment.order_id, seller=payment.seller, refund_id=refund.refund_id, amount=refund.task.amount
    )
    return Step(asked, (fact,), work=work)


def ask_now(payment: Payment, out_trade_no: str, now: datetime) -> Step:
    """The provider says that money of this attempt went back: every refund on its way is asked about at once.

    None on its way and none arrived: somebody sent it back past us.
    """
    mine = [refund for refund in payment.refunds if refund.task.out_trade_no == out_trade_no]
    waiting = [refund for refund in mine if refund.state in (Sending.SUBMITTED, Sending.PROCESSING, Sending.ABNORMAL)]
    work = tuple(Work(REFUND_CHECK, payment.order_id, now, each.task, each.number) for each in waiting)
    if not waiting and not any(refund.state is Sending.SUCCEEDED for refund in mine):
        return Step(payment.noting("refunded_elsewhere", out_trade_no, now))
    return Step(payment, work=work)


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
            step = _arrived(payment.with_refund(moved), moved, now)
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


def _arrived(payment: Payment, refund: Refund, now: datetime) -> Step:
    key = journal_id(payment.order_id, f"refunded-{refund.number}")
    if not refund.refund_id:
        journal = stray(key, payment.order_id, refund.task.provider, -refund.task.amount)
        return Step(payment, puts=books.kept(payment.order_id, journal, now, books.as_stray))
    book = payment.book
    assert book is not None  # a refund with an id is of money that was credited
    parts = given(book, refund.task.amount, refund.components)
    done = refunds.refund(book, key, parts, payment.earned or book.nothing)
    fact = facts.RefundCompleted(
        order_id=payment.order_id, seller=payment.seller, refund_id=refund.refund_id, amount=refund.task.amount
    )
    step = replace(booked(payment, done, now, books.as_refund), facts=(fact,))
    return step.then(lambda p: _closed(p, key, now))


def given(book: Book, amount: Money, said: Components | None = None) -> Parts:
    """Which parts an amount gives back: all that is left, or as orders says, or goods first, then freight, then tax.

    What orders says counts where it adds up and is there: its split may be older than customs' assessment.
    """
    if amount == book.left.paid:
        return refunds.everything_left(book)
    if said is not None and not book.captured.coupon and _is_there(book, amount, said):
        return Parts.of(amount.currency, goods=said.goods.minor, freight=said.freight.minor, tax=said.tax.minor)
    goods = min(amount, book.left.price)
    freight = min(amount - goods, book.left.freight)
    return Parts.of(amount.currency, goods=goods.minor, freight=freight.minor, tax=(amount - goods - freight).minor)


def _is_there(book: Book, amount: Money, said: Components) -> bool:
    left = book.left
    room = ((said.goods, left.price), (said.freight, left.freight), (said.tax, left.tax))
    return sum((part.minor for part, _ in room), 0) == amount.minor and all(
        0 <= part.minor <= most.minor and part.currency == amount.currency for part, most in room
    )


def _closed(payment: Payment, key: str, now: datetime) -> Step:
    """Nothing is left that could pay what the order cost."""
    book = payment.book
    if book is None or book.released or book.left.paid or not book.costs:
        return Step(payment)
    done = ledger.close_after_full_refund(book, f"{key}-closed", payment.earned or book.nothing)
    return booked(payment, done, now, books.as_money)
