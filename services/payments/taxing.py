"""The order's tax: in escrow until customs releases the goods, owed to who pays customs from then on, back when that is
undone.

Money, assessment and release come on topics of their own, in any order: the tax moves when all three are known. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.payments import books, ledger
from services.payments.payment import Payment, Step, booked, journal_id
from shared.events.customs import DeclarationReleased, DeclarationReturnedAbroad, DeclarationWithdrawn
from shared.events.orders import OrderPlaced


def placed(payment: Payment, fact: OrderPlaced) -> Step:
    """Who declares the inventory pays its tax: it stands here before the money, for one topic brings both."""
    return Step(replace(payment, taxed="marketplace" if fact.declared_by.inventory == "platform" else "us"))


def released(payment: Payment, fact: DeclarationReleased, now: datetime) -> Step:
    """Said again after a hold, nothing is left to move."""
    return owed(replace(payment, cleared=f"{fact.role}-{fact.attempt}-{fact.dossier_version}"), now)


def undone(payment: Payment, fact: DeclarationWithdrawn | DeclarationReturnedAbroad, now: datetime) -> Step:
    """Customs took the declaration back, or sends the goods home: no tax of this order is owed any more."""
    known = replace(payment, cleared="")
    if known.book is None:
        return Step(known)
    key = _key(known, f"untaxed-{fact.role}-{fact.attempt}")
    return _moved(known, ledger.customs_undone(known.book, key), now)


def owed(payment: Payment, now: datetime) -> Step:
    """Whatever of the tax is still in escrow, once customs released the goods and the split is known."""
    if payment.book is None or payment.valuation is None or not payment.cleared:
        return Step(payment)
    done = ledger.customs_released(payment.book, _key(payment, f"tax-{payment.cleared}"))
    return _moved(payment, done, now)


def set_aside(payment: Payment, now: datetime) -> Step:
    """The buyer has the goods although customs had given the declaration back: whose the tax is, people decide.

    Until then it is nobody's share, and not the seller's.
    """
    if payment.book is None or payment.cleared or not payment.tax_moves:
        return Step(payment)
    done = ledger.customs_released(payment.book, _key(payment, "tax-set-aside"))
    if not done.journal.postings:
        return Step(payment)
    return _moved(payment.noting("tax_undecided", f"{done.told['tax']} of a withdrawn declaration", now), done, now)


def _key(payment: Payment, what: str) -> str:
    """Release and withdrawal of one declaration may follow each other more than once."""
    return journal_id(payment.order_id, f"{what}-again-{payment.tax_moves}" if payment.tax_moves else what)


def _moved(payment: Payment, done: ledger.Booked, now: datetime) -> Step:
    if not done.journal.postings:
        return Step(payment)
    return booked(replace(payment, tax_moves=payment.tax_moves + 1), done, now, books.as_money)
