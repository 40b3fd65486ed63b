"""Journals as they are kept: one row per fact, one per line of it; written once, never changed. Pure.

Beside the accounts of `ledger.py`: `unallocated/O` is money that the provider holds for an order without being asked
for it (a second charge, a wrong amount) until it went back.
"""

from __future__ import annotations

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


def kept(order_id: str, journal: Journal, at: datetime, fee_sign: int = 0) -> tuple[Put, ...]:
    """The rows of a journal; of one without lines, none.

    fee_sign: which side of the clearing account is the provider's fee in this journal (−1 when it is charged,
    1 when it comes back).
    """
    if not journal.postings:
        return ()
    lines = [Line(journal.id, order_id, p.account, p.amount, _what(p, fee_sign)) for p in journal.postings]
    rows = (LINE.put(f"{journal.id}/{number}", line) for number, line in enumerate(lines))
    return (JOURNAL.put(journal.id, Booked(order_id, journal, at)), *rows)


def _what(posting: Posting, fee_sign: int) -> What:
    account = posting.account.split("/", 1)[0]
    if account == "unallocated" or fee_sign == 0:
        return "stray" if fee_sign == 0 and account in ("unallocated", "clearing") else "money"
    fee_side = posting.amount.minor * fee_sign > 0
    return "fee" if account == "costs" or (account == "clearing" and fee_side) else "money"


def stray(journal_id: str, order_id: str, provider: str, amount: Money) -> Journal:
    """Money that nobody asked for: it is there, and it is nobody's yet. A negative amount takes it out again."""
    return Journal.of(journal_id, [(f"clearing/{provider}", amount), (f"unallocated/{order_id}", -amount)])


def evidence(order_id: str, what: str, sealed: str, at: datetime) -> tuple[Put, ...]:
    return (EVIDENCE.put(f"{order_id}/{what}", Evidence(order_id, what, sealed, at)),) if sealed else ()
