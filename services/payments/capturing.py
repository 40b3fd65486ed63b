"""Charges: the order's money is credited once; what is too much or not what was asked goes back. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from services.payments import books, declaring, ledger, refunding, taxing
from services.payments.attempts import LIVE, WANTED, Attempt, State, Word, after
from services.payments.books import stray
from services.payments.commands import Paid
from services.payments.ledger import Book, Parts
from services.payments.moving import moved
from services.payments.payment import Charge, Payment, Step, Use, booked, journal_id
from services.payments.policy import Policy, ShopTerms
from shared.events import payments as facts
from shared.events.values import Valuation
from shared.money import Money


def captured(policy: Policy, payment: Payment, paid: Paid, now: datetime) -> Step:
    """One charge, however often and by whichever way it is told: notification, query, or the answer to a close."""
    if any(charge.transaction_id == paid.transaction_id for charge in payment.charges):
        return Step(payment)
    attempt = payment.attempt_of(paid.out_trade_no)
    proof = books.evidence(payment.order_id, f"paid-{paid.transaction_id}", paid.evidence, now)
    if not _first(payment, attempt):
        step = _duplicated(payment, attempt, paid, now)
    elif paid.amount != attempt.amount:
        step = _mispaid(payment, attempt, paid, now)
    else:
        step = _credited(policy, payment, attempt, paid, now)
    return replace(step, puts=step.puts + proof)


def wanting(payment: Payment) -> bool:
    """The order has no money of its buyer, or all of it went back."""
    held = payment.held
    return held is None or payment.taken_back(held) == held.amount


def _first(payment: Payment, attempt: Attempt) -> bool:
    """A later attempt counts again after all went back; another charge of the same or an earlier one is too much."""
    held = payment.held
    return held is None or (wanting(payment) and attempt.number > held.attempt)


def _credited(policy: Policy, payment: Payment, attempt: Attempt, paid: Paid, now: datetime) -> Step:
    shop = policy.shop(payment.shop)
    book = _book(shop, payment, attempt, paid.amount.currency)
    parts = parts_of(paid.amount, payment.valuation)
    done = ledger.capture_and_hold(book, journal_id(payment.order_id, f"captured-{paid.transaction_id}"), parts)
    told = facts.PaymentCaptured(
        order_id=payment.order_id, seller=payment.seller, attempt=attempt.number, part=attempt.part,
        out_trade_no=attempt.out_trade_no, transaction_id=paid.transaction_id, amount=paid.amount, covered=True,
        paid_at=paid.paid_at,
    )  # fmt: skip
    held = facts.EscrowHeld(order_id=payment.order_id, seller=payment.seller, amount=parts.held)
    step = booked(_charged(payment, attempt, paid, "held"), done, now, books.as_charge)
    step = replace(step, facts=(told, held)).then(lambda p: taxing.owed(p, now))
    step = step.then(lambda p: moved(p, attempt, Word.PAID, now))
    for other in payment.attempts:
        if other.number != attempt.number and other.state in LIVE:
            step = step.then(partial(moved, attempt=other, word=Word.CLOSE, now=now))
    step = step.then(lambda p: returned(p, now))  # a wrong amount that came before: the order needs it no more
    if attempt.state not in WANTED:
        return step  # it lost the race with the closing and will be sent back: customs need not hear of it
    return step.then(lambda p: declaring.start(shop, p, attempt.provider, now))


def _book(shop: ShopTerms, payment: Payment, attempt: Attempt, currency: str) -> Book:
    """A later attempt may be at another provider: what went before is back, so the book goes on with the new one."""
    parties = shop.parties(payment.order_id, attempt.provider, payment.taxed)
    return replace(payment.book, parties=parties) if payment.book else Book.opened(parties, shop.terms, currency)


def _duplicated(payment: Payment, attempt: Attempt, paid: Paid, now: datetime) -> Step:
    fact = facts.PaymentDuplicated(
        order_id=payment.order_id, seller=payment.seller, attempt=attempt.number, out_trade_no=attempt.out_trade_no,
        amount=paid.amount,
    )  # fmt: skip
    step = _unallocated(payment, attempt, paid, now, "duplicate")
    step = replace(step, facts=(fact,)).then(lambda p: moved(p, attempt, Word.PAID, now))
    return step.then(lambda p: returned(p, now))


def _mispaid(payment: Payment, attempt: Attempt, paid: Paid, now: datetime) -> Step:
    """No credit: a person decides. Where the order wants no money any more it goes back at once."""
    fact = facts.PaymentMismatched(
        order_id=payment.order_id, seller=payment.seller, attempt=attempt.number, out_trade_no=attempt.out_trade_no,
        transaction_id=paid.transaction_id, asked=attempt.amount, paid=paid.amount,
    )  # fmt: skip
    case = payment.noting("wrong_amount", f"{attempt.out_trade_no}: {paid.amount}, asked {attempt.amount}", now)
    step = _unallocated(case, attempt, paid, now, "mispaid")
    step = replace(step, facts=(fact,)).then(lambda p: moved(p, attempt, Word.MISPAID, now))
    waits = after(attempt.state, Word.MISPAID) is State.MISPAID
    return step if waits else step.then(lambda p: returned(p, now))


def _unallocated(payment: Payment, attempt: Attempt, paid: Paid, now: datetime, use: Use) -> Step:
    key = journal_id(payment.order_id, f"unallocated-{paid.transaction_id}")
    journal = stray(key, payment.order_id, attempt.provider, paid.amount)
    puts = books.kept(payment.order_id, journal, now, books.as_stray)
    return Step(_charged(payment, attempt, paid, use), puts=puts)


def _charged(payment: Payment, attempt: Attempt, paid: Paid, use: Use) -> Payment:
    charge = Charge(paid.transaction_id, attempt.number, attempt.out_trade_no, paid.amount, paid.paid_at, use)
    return replace(payment, charges=(*payment.charges, charge))


def returned(payment: Payment, now: datetime) -> Step:
    """Every charge that is not the order's and not on its way back goes back, under a number of its own."""
    step = Step(payment)
    for charge in payment.charges:
        if charge.use != "held" and not payment.taken_back(charge):
            step = step.then(partial(refunding.send_stray, charge=charge, now=now))
    return step


def parts_of(amount: Money, valuation: Valuation | None) -> Parts:
    """What a whole payment consists of: as customs' assessment split it, else goods until that is known.

    A difference between the two (there is none where the shop shows its tax) is the goods'.
    """
    if valuation is None or valuation.total.currency != amount.currency:
        return Parts.of(amount.currency, goods=amount.minor)
    freight, tax = valuation.freight + valuation.insurance, valuation.tax
    goods = amount + valuation.discount - freight - tax
    if goods < valuation.discount:
        return Parts.of(amount.currency, goods=amount.minor)
    return Parts(goods, freight, tax, Money.zero(amount.currency), valuation.discount)
