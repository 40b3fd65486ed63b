"""Money that the channel collected: it owes it to us by its own word, and nobody is asked for anything. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.payments import books, ledger, taxing
from services.payments.capturing import parts_of
from services.payments.ledger import Book
from services.payments.payment import Charge, Payment, Step, booked, journal_id
from services.payments.policy import Policy
from shared.events.orders import PaymentObserved
from shared.events.payments import EscrowHeld, PaymentConfirmed


def observed(policy: Policy, payment: Payment, fact: PaymentObserved, now: datetime) -> Step:
    """The order shows that it is paid: booked once. Told again it changes nothing; told otherwise it is a case."""
    number = fact.external_no or f"channel-{fact.order_id}"
    held = payment.held
    if held is not None:
        same = (held.transaction_id, held.amount) == (number, fact.amount)
        detail = f"{number}: {fact.amount}, booked {held.transaction_id}: {held.amount}"
        return Step(payment if same else payment.noting("observed_otherwise", detail, now))
    shop = policy.observed(fact.shop, fact.seller)
    charge = Charge(number, 0, "", fact.amount, fact.paid_at, "held", "channel")
    known = replace(payment, shop=shop, charges=(*payment.charges, charge))
    terms, parts = policy.shop(shop), parts_of(fact.amount, payment.valuation)
    book = Book.opened(terms.parties(payment.order_id, taxed=payment.taxed), terms.terms, fact.amount.currency)
    done = ledger.capture_and_hold(book, journal_id(payment.order_id, f"observed-{number}"), parts)
    told = PaymentConfirmed(
        order_id=payment.order_id, seller=payment.seller, amount=fact.amount, basis="order", external_no=number,
        customs_no=fact.customs_no, paid_at=fact.paid_at,
    )  # fmt: skip
    holding = EscrowHeld(order_id=payment.order_id, seller=payment.seller, amount=parts.held)
    step = replace(booked(known, done, now, books.as_charge), facts=(told, holding))
    return step.then(lambda p: taxing.owed(p, now))
