"""Journals as they are kept: one row per fact, one per line of it; written once, never changed. Pure.

Beside the accounts of `ledger.py`: `unallocated/O` is money that the provider holds for an order without being asked
for it (a second charge, a wrong amount) until it went back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from services.payments.ledger import Journal, Posting
from shared.flow.decision import Kind, Put
from shared.money import Money

What = Literal["money", "fee", "stray"]


@dataclass(frozen=True, slots=True)
class Booked:
    """A journal of one order, and when it was booked."""

    order_id: str
    journal: Journal
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One line: debit positive. `what` tells the order's money, the provider's fee, and unallocated money apart."""

    journal: str
    order_id: str
    account: str
    amount: Money
    what: What


@dataclass(frozen=True, slots=True)
class Evidence:
    """What went over the wire, sealed: announcement 179 of 2018 lets customs ask for it for three years."""

    order_id: str
    what: str
    sealed: str
    at: datetime


JOURNAL: Final = Kind("journal", Booked)
LINE: Final = Kind("posting", Line)
EVIDENCE: Final = Kind("evidence", Evidence)


def kept(order_id: str, journal: Journal, at: datetime, what: Callable[[Posting], What]) -> tuple[Put, ...]:
    """The rows of a journal; of one without lines, none."""
    if not journal.postings:
        return ()
    lines = [Line(journal.id, order_id, each.account, each.amount, what(each)) for each in journal.postings]
    rows = (LINE.put(f"{journal.id}/{number}", line) for number, line in enumerate(lines))
    return (JOURNAL.put(journal.id, Booked(order_id, journal, at)), *rows)


def as_money(_: Posting) -> What:
    return "money"


def as_stray(_: Posting) -> What:
    return "stray"


def as_charge(posting: Posting) -> What:
    """In a capture's journal clearing is debited with the money and credited with the provider's fee."""
    fee = posting.account.startswith("costs/") or (_clearing(posting) and posting.amount.minor < 0)
    return "fee" if fee else "money"


def as_refund(posting: Posting) -> What:
    """In a refund's journal clearing is credited with the money and debited with the fee that comes back."""
    fee = posting.account.startswith("costs/") or (_clearing(posting) and posting.amount.minor > 0)
    return "fee" if fee else "money"


def _clearing(posting: Posting) -> bool:
    return posting.account.startswith("clearing/")


def stray(journal_id: str, order_id: str, provider: str, amount: Money) -> Journal:
    """Money that nobody asked for: it is there, and it is nobody's yet. A negative amount takes it out again."""
    return Journal.of(journal_id, [(f"clearing/{provider}", amount), (f"unallocated/{order_id}", -amount)])


def evidence(order_id: str, what: str, sealed: str, at: datetime) -> tuple[Put, ...]:
    return (EVIDENCE.put(f"{order_id}/{what}", Evidence(order_id, what, sealed, at)),) if sealed else ()
