"""What becomes of held money: split as customs assessed it, and released when the order is over. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.payments import books, ledger, taxing
from services.payments.capturing import parts_of
from services.payments.ledger import Book
from services.payments.payment import Payment, Step, booked, journal_id
from shared.events.customs import AssessmentMade
from shared.events.orders import FundsReleaseAuthorised
from shared.events.payments import EscrowReleased
from shared.flow.decision import Early

PATIENCE: Final = timedelta(minutes=10)  # how long a fact may wait for its cause before it is a dead letter


def assessed(payment: Payment, fact: AssessmentMade, now: datetime) -> Step:
    """The split may come before the money or after it; afterwards it changes no account, only what each part is."""
    known = replace(payment, valuation=fact.valuation)
    book = payment.book
    if book is None or book.released or book.passed or book.refunded.held:
        return Step(known)
    split = replace(known, book=replace(book, captured=parts_of(book.captured.paid, fact.valuation)))
    return taxing.owed(split, now)


def funds_released(payment: Payment, _: FundsReleaseAuthorised, now: datetime) -> Step | Early:
    """Everything that is held goes to those who earned it; the tax has to have left for customs before."""
    book = payment.book
    if book is None:
        return Early("nothing is held for this order", now + PATIENCE)
    if book.released:
        return Step(payment)
    aside = taxing.set_aside(payment, now)
    book = aside.payment.book or book
    if payment.valuation is None or book.left.tax != book.passed:
        return Early("the release by customs is not known here", now + PATIENCE)
    if payment.refunding:
        return Early("a refund is on its way", now + PATIENCE)
    return aside.then(lambda p: _released(p, book, now))


def _released(payment: Payment, book: Book, now: datetime) -> Step:
    done = ledger.release(book, journal_id(payment.order_id, "released"), payment.earned or book.nothing)
    fact = EscrowReleased(
        order_id=payment.order_id, seller=payment.seller, amount=done.told["escrow_released"],
        seller_share=done.told["to_seller"],
    )  # fmt: skip
    return replace(booked(payment, done, now, books.as_money), facts=(fact,))
