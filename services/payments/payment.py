"""All that payments knows of one order's money, in one value, and how a step changes it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from services.payments import books, ledger
from services.payments.attempts import Attempt
from services.payments.books import What
from services.payments.commands import DeclarePayment, SendBack
from services.payments.ledger import Book, Posting, Taxed
from shared.errors import Permanent
from shared.events.base import Event
from shared.events.values import Components, Sealed, Valuation
from shared.flow.decision import Decision, Kind, Put, Work, WorkName
from shared.ids import OrderId
from shared.money import Money

# held: the order's money. duplicate: a second one. mispaid: not the amount that was asked.
Use = Literal["held", "duplicate", "mispaid"]
Identity = Literal["", "same", "different", "unknown"]  # "": nobody told yet
# Who has the buyer's money: the provider whom we asked to collect it, or the channel that sold.
Collector = Literal["provider", "channel"]


class UnknownAttempt(Permanent):
    """A fact or an answer about an attempt or refund that this service never made."""

    code = "payments.unknown_attempt"


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge of a buyer, as its collector reports it; `transaction_id` is the collector's number of it.

    A channel's charge belongs to no attempt of ours: attempt 0, no out_trade_no.
    """

    transaction_id: str
    attempt: int
    out_trade_no: str
    amount: Money
    paid_at: datetime
    use: Use
    collector: Collector = "provider"


class Sending(StrEnum):
    """A refund on its way. Only `closed` gives the amount free again."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    ABNORMAL = "abnormal"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Refund:
    """`refund_id` is what orders calls it; empty where we send back by ourselves what nobody asked for.

    components: what the amount consists of, where orders says it.
    """

    refund_id: str
    task: SendBack
    asked_at: datetime
    state: Sending = Sending.SUBMITTED
    checks: int = 0
    stalled: bool = False
    components: Components | None = None

    @property
    def number(self) -> str:
        return self.task.out_refund_no


class Papers(StrEnum):
    ASKED = "asked"
    PENDING = "pending"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Declaration:
    """The payment document of the charge that holds, with what any answer told of it."""

    task: DeclarePayment
    paid_at: datetime
    state: Papers = Papers.ASKED
    checks: int = 0
    identity_check: Identity = ""
    explanation: str = ""
    clearing_transaction_id: str = ""
    pay_code: str = ""
    pay_transaction_id: str = ""
    ver_dept: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Something that a person must look at. Listed until closed; what goes on meanwhile goes on.

    `note`, `closed_by`: how it was settled and who says so.
    """

    what: str
    detail: str
    at: datetime
    closed_at: datetime | None = None
    note: str = ""
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """`earned`: what the seller's account gained by this order alone, a lower bound of what we owe the seller.

    `taxed` is who pays customs; `cleared` names the release by customs that stands; `tax_moves` counts the journals
    between escrow and tax.
    """

    order_id: OrderId
    seller: str
    shop: str = ""
    person: Sealed | None = None
    attempts: tuple[Attempt, ...] = ()
    charges: tuple[Charge, ...] = ()
    refunds: tuple[Refund, ...] = ()
    declaration: Declaration | None = None
    valuation: Valuation | None = None
    book: Book | None = None
    earned: Money | None = None
    cases: tuple[Case, ...] = ()
    cleared: str = ""
    tax_moves: int = 0
    taxed: Taxed = "us"

    def attempt(self, number: int) -> Attempt:
        found = next((each for each in self.attempts if each.number == number), None)
        if found is None:
            raise UnknownAttempt(f"order {self.order_id} has no attempt {number}")
        return found

    def attempt_of(self, out_trade_no: str) -> Attempt:
        found = next((each for each in self.attempts if each.out_trade_no == out_trade_no), None)
        if found is None:
            raise UnknownAttempt(f"order {self.order_id} has no attempt {out_trade_no[:64]}")
        return found

    def with_attempt(self, attempt: Attempt) -> Payment:
        others = (each for each in self.attempts if each.number != attempt.number)
        return replace(self, attempts=(*others, attempt))

    def refund(self, number: str) -> Refund | None:
        return next((each for each in self.refunds if each.number == number), None)

    def with_refund(self, refund: Refund) -> Payment:
        others = (each for each in self.refunds if each.number != refund.number)
        return replace(self, refunds=(*others, refund))

    @property
    def held(self) -> Charge | None:
        """The order's money: the last charge that counted, gone back or not."""
        return next((each for each in reversed(self.charges) if each.use == "held"), None)

    def taken_back(self, charge: Charge) -> Money:
        """What of a charge is back or on its way back: unknown counts as submitted."""
        gone = [each for each in self.refunds if each.state is not Sending.CLOSED]
        amounts = (each.task.amount for each in gone if each.task.transaction_id == charge.transaction_id)
        return sum(amounts, Money.zero(charge.amount.currency))

    @property
    def refunding(self) -> bool:
        """The order's money is on its way back and has not arrived."""
        return any(r.refund_id and r.state not in (Sending.SUCCEEDED, Sending.CLOSED) for r in self.refunds)

    def noting(self, what: str, detail: str, at: datetime) -> Payment:
        """A case, once per kind and detail while it is open."""
        detail = detail[:300]
        if any(case.what == what and case.detail == detail and case.closed_at is None for case in self.cases):
            return self
        return replace(self, cases=(*self.cases, Case(what, detail, at)))

    def closing(self, number: int, note: str, by: str, at: datetime) -> Payment | None:
        """Case `number` (from 1) is settled; what was closed before stays as it was. None: there is no such case."""
        if not 1 <= number <= len(self.cases):
            return None
        case = self.cases[number - 1]
        if case.closed_at is not None:
            return self
        closed = replace(case, closed_at=at, note=note, closed_by=by)
        return replace(self, cases=(*self.cases[: number - 1], closed, *self.cases[number:]))

    @property
    def open_cases(self) -> tuple[tuple[int, Case], ...]:
        return tuple((number, case) for number, case in enumerate(self.cases, 1) if case.closed_at is None)


PAYMENT: Final = Kind("payment", Payment)


@dataclass(frozen=True, slots=True)
class Step:
    """The money after a step, and what the step says and asks for."""

    payment: Payment
    facts: tuple[Event, ...] = ()
    puts: tuple[Put, ...] = ()
    work: tuple[Work, ...] = ()
    cancel: tuple[WorkName, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def then(self, next_: Callable[[Payment], Step]) -> Step:
        more = next_(self.payment)
        return Step(
            more.payment, self.facts + more.facts, self.puts + more.puts, self.work + more.work,
            self.cancel + more.cancel, {**self.aliases, **more.aliases},
        )  # fmt: skip

    def decision(self) -> Decision:
        own = PAYMENT.put(self.payment.order_id, self.payment)
        return Decision((own, *self.puts), self.facts, self.work, self.cancel, self.aliases)


def booked(payment: Payment, done: ledger.Booked, at: datetime, what: Callable[[Posting], What]) -> Step:
    """The book after a fact of the ledger, its journal kept, the seller's account counted on."""
    account = f"seller/{payment.seller}"
    gained = [-each.amount for each in done.journal.postings if each.account == account]
    earned = sum(gained, payment.earned or done.book.nothing)
    puts = books.kept(payment.order_id, done.journal, at, what)
    return Step(replace(payment, book=done.book, earned=earned), puts=puts)


def journal_id(order_id: str, what: str) -> str:
    return f"{order_id}/{what}"
