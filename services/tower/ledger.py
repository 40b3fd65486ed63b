"""One order's journals as payments tells them: every line with its reason, and sums that must be zero. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.tower.timeline import Line
from shared.money import Money

# A journal is named `<order>/<what>-<number>`; the fact that it belongs to is told under another name.
_FACTS: Final = {
    "captured": "payments.payment.captured",
    "observed": "payments.payment.confirmed",
    "unallocated": "payments.payment.duplicated",
    "refunded": "payments.refund.completed",
    "tax": "customs.declaration.released",
    "untaxed": "customs.declaration.withdrawn",
    "released": "payments.escrow.released",
}


@dataclass(frozen=True, slots=True)
class Posting:
    """Debit positive, credit negative. `kind` is the account's first word, `owner` whose it is."""

    kind: str
    owner: str
    what: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Journal:
    """The lines of one fact: `name` says of which kind, `n` is its line in the story, None where it is not in it."""

    name: str
    at: datetime
    n: int | None
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    kind: str
    owner: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Ledger:
    """`balances`: what each account of this order holds now. `sums`: per currency, all zero or the books are wrong."""

    journals: tuple[Journal, ...]
    balances: tuple[Balance, ...]
    sums: tuple[Money, ...]

    @property
    def balanced(self) -> bool:
        return not any(self.sums)


@dataclass(frozen=True, slots=True)
class Call:
    """Something that is asked of the provider and was not answered yet."""

    kind: str
    tries: int
    error: str
    next_at: datetime | None


def calls(answer: Mapping[str, Any]) -> tuple[Call, ...]:
    """Those that were tried in vain; a question that nobody has asked yet is nobody's worry."""
    return tuple(
        Call(str(row["kind"]), int(row["tries"]), str(row["last_error"] or ""), _time(row.get("next_try_at")))
        for row in answer.get("calls", ())
        if row.get("last_error") or row.get("stuck")
    )


def ledger(answer: Mapping[str, Any], lines: Sequence[Line]) -> Ledger:
    """Raises KeyError, TypeError or ValueError for an answer that is not payments'."""
    journals = tuple(_journal(row, lines) for row in answer.get("journals", ()))
    accounts: dict[tuple[str, str, str], int] = {}
    for posting in (posting for journal in journals for posting in journal.postings):
        key = (posting.kind, posting.owner, posting.amount.currency)
        accounts[key] = accounts.get(key, 0) + posting.amount.minor
    currencies = dict.fromkeys(currency for _, _, currency in accounts)
    return Ledger(
        journals,
        tuple(
            Balance(kind, owner, Money(minor, currency)) for (kind, owner, currency), minor in accounts.items() if minor
        ),
        tuple(Money(sum(m for (_, _, c), m in accounts.items() if c == currency), currency) for currency in currencies),
    )


def _journal(row: Mapping[str, Any], lines: Sequence[Line]) -> Journal:
    name = str(row["journal"]).partition("/")[2].partition("-")[0]
    at = datetime.fromisoformat(row["booked_at"])
    near = [line for line in lines if line.entry.type == _FACTS.get(name)]
    line = min(near, key=lambda line: abs(line.entry.at - at), default=None)
    return Journal(name, at, line.n if line else None, tuple(_posting(each) for each in row["lines"]))


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _posting(line: Mapping[str, Any]) -> Posting:
    kind, _, owner = str(line["account"]).partition("/")
    return Posting(kind, owner, str(line.get("what", "")), Money(int(line["minor"]), str(line["currency"])))
