"""What becomes of held money: split as customs assessed it, its tax owed to customs, the rest released. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.payments import books, ledger
from services.payments.capturing import parts_of
from services.payments.payment import Payment, Step, booked, journal_id
from shared.events.customs import AssessmentMade, DeclarationReleased
from shared.events.orders import FundsReleaseAuthorised
from shared.events.payments import EscrowReleased
from shared.flow.decision import Early

PATIENCE: Final = timedelta(minutes=10)  # how long a fact may wait for its cause before it is a dead letter


def assessed(payment: Payment, fact: AssessmentMade) -> Step:
    """The split may come before the money or after it; afterwards it changes no account, only what each part is."""
    known = replace(payment, valuation=fact.valuation)
    book = payment.book
    if book is None or book.released or book.passed or book.refunded.held:
        return Step(known)
    return Step(replace(known, book=replace(book, captured=parts_of(book.captured.paid, fact.valuation))))


def tax_owed(payment: Payment, fact: DeclarationReleased, now: datetime) -> Step:
    """Customs released the goods: the tax in escrow is owed to it. Said again after a hold, nothing is left to move."""
    if payment.book is None:
        return Step(payment)  # the marketplace collects; its statements tell us later
    key = journal_id(payment.order_id, f"tax-{fact.role}-{fact.attempt}-{fact.dossier_version}")
    done = ledger.customs_released(payment.book, key)
    return booked(payment, done, now, books.as_money) if done.journal.postings else Step(payment)


def funds_released(payment: Payment, _: FundsReleaseAuthorised, now: datetime) -> Step | Early:
    """Everything that is held goes to those who earned it; the tax has to have left for customs before."""
    book = payment.book
    if book is None:
        return Early("nothing is held for this order", now + PATIENCE)
    if book.released:
        return Step(payment)
    if payment.valuation is None or book.left.tax != book.passed:
        return Early("the release by customs is not known here", now + PATIENCE)
    if payment.refunding:
        return Early("a refund is on its way", now + PATIENCE)
    done = ledger.release(book, journal_id(payment.order_id, "released"), payment.earned or book.nothing)
    fact = EscrowReleased(
        order_id=payment.order_id, seller=payment.seller, amount=done.told["escrow_released"],
        seller_share=done.told["to_seller"],
    )  # fmt: skip
    return replace(booked(payment, done, now, books.as_money), facts=(fact,))
