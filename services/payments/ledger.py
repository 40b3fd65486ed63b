"""Double-entry books of one order, from capture to closing. Pure.

Accounts: `clearing/P` the provider owes us · `escrow/O` held for the order · `costs/O` paid for it, not yet
recovered · `tax/O` collected tax · `chargeback/O` money taken back in a dispute · `seller/S`, `agent/A`,
`service/T`, `marketplace/M`, `carrier/C` what we owe them · `marketplace_receivable/M` their coupons ·
`seller_debt/S` what a seller owes us · `bank/operator`. Debit is positive, credit negative. One journal per fact,
keyed by the fact's id. Fees round half-up, each once; the seller gets the remainder, so no unit is lost. Tax that the
marketplace pays customs is owed to the marketplace: in `marketplace/M`, and not in `tax/O`.

Money on its way back is in `refunds.py`, money that moves outside an order in `settlement.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple

from shared.errors import Permanent
from shared.money import Money

Taxed = Literal["us", "marketplace"]  # who pays customs the tax of an order


class Overdrawn(Permanent):
    """More is asked for than the order's books hold: refused before anything moves."""

    code = "payments.overdrawn"


@dataclass(frozen=True, slots=True)
class Posting:
    """One line: debit positive, credit negative."""

    account: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Journal:
    """All lines of one fact. Cannot exist unbalanced: per currency it sums to zero."""

    id: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        sums: dict[str, int] = {}
        for posting in self.postings:
            sums[posting.amount.currency] = sums.get(posting.amount.currency, 0) + posting.amount.minor
        if any(sums.values()):
            raise ValueError(f"journal {self.id} does not balance: {sums}")

    @classmethod
    def of(cls, journal_id: str, lines: Iterable[tuple[str, Money]]) -> Journal:
        """Lines of nothing are left out; two lines of one account stay two."""
        return cls(journal_id, tuple(Posting(account, amount) for account, amount in lines if amount))


@dataclass(frozen=True, slots=True)
class Terms:
    """Rates as fractions (0.006 is 0.6 %), and what of them comes back with a refund. The corridor profile's."""

    payment_fee: Decimal = Decimal(0)
    fee_returned: bool = True
    commission: Decimal = Decimal(0)
    agent: Decimal = Decimal(0)
    service: Decimal = Decimal(0)
    service_refundable: bool = False


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is who in one order; a percentage applies only where its receiver is named.

    taxed: a platform that declares pays customs too, and is owed that by us.
    """

    order_id: str
    seller: str
    provider: str
    carrier: str = ""
    marketplace: str = ""
    agent: str = ""
    service: str = ""
    taxed: Taxed = "us"

    @property
    def tax_account(self) -> str:
        return f"tax/{self.order_id}" if self.taxed == "us" else f"marketplace/{self.marketplace}"


@dataclass(frozen=True, slots=True)
class Parts:
    """What an amount consists of. `coupon` is the platform's money, `seller_coupon` a price cut of the seller's."""

    goods: Money
    freight: Money
    tax: Money
    coupon: Money
    seller_coupon: Money

    @classmethod
    def of(cls, currency: str, **minor: int) -> Parts:
        """Minor units by part name; what is not named is nothing."""
        nothing = cls(*(Money.zero(currency),) * 5)
        return replace(nothing, **{name: Money(units, currency) for name, units in minor.items()})

    @property
    def price(self) -> Money:
        """Goods at what the seller asks: the base of commissions and of the coupon's shares."""
        return self.goods - self.seller_coupon

    @property
    def held(self) -> Money:
        return self.price + self.freight + self.tax

    @property
    def paid(self) -> Money:
        return self.held - self.coupon

    def __add__(self, other: Parts) -> Parts:
        return Parts(*(getattr(self, name) + getattr(other, name) for name in Parts.__slots__))

    def __sub__(self, other: Parts) -> Parts:
        return Parts(*(getattr(self, name) - getattr(other, name) for name in Parts.__slots__))


@dataclass(frozen=True, slots=True)
class Shares:
    """What others took of the seller's money at release, and of how much."""

    base: Money
    commission: Money
    service: Money
    agent: Money


@dataclass(frozen=True, slots=True)
class Book:
    """Where the money of one order stands. Every amount is in the order's one currency."""

    parties: Parties
    terms: Terms
    captured: Parts
    refunded: Parts
    fee: Money  # charged by the provider on what was paid
    fee_back: Money
    costs: Money  # balance of costs/O
    tax: Money  # what is owed of the tax, in tax/O or as a part of marketplace/M
    disputed: Money  # balance of chargeback/O
    passed: Money  # tax that left escrow and was not given back
    released: Shares | None = None
    back: Shares | None = None  # of `released`, what refunds reversed so far; its base is the goods refunded since

    @classmethod
    def opened(cls, parties: Parties, terms: Terms, currency: str) -> Book:
        nothing, parts = Money.zero(currency), Parts.of(currency)
        return cls(parties, terms, parts, parts, *(nothing,) * 6)

    @property
    def left(self) -> Parts:
        """Captured and not given back."""
        return self.captured - self.refunded

    @property
    def escrow(self) -> Money:
        """Balance of escrow/O, as a positive amount."""
        return self.nothing if self.released else self.left.held - self.passed

    @property
    def nothing(self) -> Money:
        return Money.zero(self.fee.currency)


class Booked(NamedTuple):
    """The book after a fact, its journal, and the amounts by name that facts and people are told."""

    book: Book
    journal: Journal
    told: Mapping[str, Money]


def balances(postings: Iterable[Posting]) -> dict[str, dict[str, int]]:
    """Account → currency → minor units, without what is zero. Over all journals every currency sums to zero."""
    sums: dict[str, dict[str, int]] = {}
    for posting in postings:
        of = sums.setdefault(posting.account, {})
        of[posting.amount.currency] = of.get(posting.amount.currency, 0) + posting.amount.minor
    left = {account: {currency: minor for currency, minor in of.items() if minor} for account, of in sums.items()}
    return {account: of for account, of in left.items() if of}


def portion(amount: Money, rate: Decimal) -> Money:
    """A fraction of an amount, half-up: fees are rounded as invoices round them, not half-even."""
    exact = Decimal(amount.minor) * rate
    return Money(int(exact.quantize(Decimal(1), ROUND_HALF_UP)), amount.currency)


def proportion(original: Money, part: Money, whole: Money) -> Money:
    """original × part ÷ whole, half-up; of a whole of nothing, nothing. Amounts are not negative."""
    if not whole:
        return Money.zero(original.currency)
    return Money((2 * original.minor * part.minor + whole.minor) // (2 * whole.minor), original.currency)


def capture_and_hold(book: Book, fact_id: str, parts: Parts) -> Booked:
    """The buyer paid: the provider owes us, the order holds; the provider's fee is a cost of the order at once."""
    fee = portion(parts.paid, book.terms.payment_fee)
    after = replace(book, captured=book.captured + parts, fee=book.fee + fee, costs=book.costs + fee)
    lines = [
        (_clearing(book), parts.paid),
        (f"marketplace_receivable/{book.parties.marketplace}", parts.coupon),
        (_own("escrow", book), -parts.held),
        *payment_fee(book, fee),
    ]
    return Booked(after, Journal.of(fact_id, lines), {"paid": parts.paid, "payment_fee": fee})


def payment_fee(book: Book, fee: Money) -> list[tuple[str, Money]]:
    return [(_own("costs", book), fee), (_clearing(book), -fee)]


def dispatch_cost(book: Book, fact_id: str, freight: Money) -> Booked:
    """What the carrier will bill us for the parcel."""
    lines = [(_own("costs", book), freight), (f"carrier/{book.parties.carrier}", -freight)]
    return Booked(replace(book, costs=book.costs + freight), Journal.of(fact_id, lines), {})


def customs_released(book: Book, fact_id: str) -> Booked:
    """The tax that is left becomes owed to who pays customs; it is refundable only until its bill is paid."""
    tax = book.left.tax - book.passed
    lines = [(_own("escrow", book), tax), (book.parties.tax_account, -tax)]
    after = replace(book, tax=book.tax + tax, passed=book.passed + tax)
    return Booked(after, Journal.of(fact_id, lines), {"tax": tax})


def customs_undone(book: Book, fact_id: str) -> Booked:
    """Customs gave the declaration back: what of the tax is still here is the order's again. After the release the
    seller bore it already."""
    tax = book.nothing if book.released else book.tax
    lines = [(book.parties.tax_account, tax), (_own("escrow", book), -tax)]
    after = replace(book, tax=book.tax - tax, passed=book.passed - tax)
    return Booked(after, Journal.of(fact_id, lines), {"tax": tax})


def tax_bill_paid(book: Book, fact_id: str) -> Booked:
    lines = [(book.parties.tax_account, book.tax), ("bank/operator", -book.tax)]
    return Booked(replace(book, tax=book.nothing), Journal.of(fact_id, lines), {})


def release(book: Book, fact_id: str, seller_balance: Money) -> Booked:
    """All that is held goes to those who earned it, the remainder to the seller.

    seller_balance: what we owe the seller before this; it is touched only where costs exceed the escrow.
    """
    if book.released or book.disputed:
        raise Overdrawn("released already, or in dispute")
    base, terms, who = book.left.price, book.terms, book.parties
    shares = Shares(
        base,
        portion(base, terms.commission) if who.marketplace else book.nothing,
        portion(base, terms.service) if who.service else book.nothing,
        portion(base, terms.agent) if who.agent else book.nothing,
    )
    rest = book.escrow - shares.commission - shares.service - shares.agent - book.costs
    lines = [
        (_own("escrow", book), book.escrow),
        *_share_lines(book, -shares.commission, -shares.service, -shares.agent),
        (_own("costs", book), -book.costs),
        *charged(who.seller, -rest, seller_balance),
    ]
    told = {
        "escrow_released": book.escrow,
        "commission": shares.commission,
        "service_fee": shares.service,
        "agent_commission": shares.agent,
        "costs_recovered": book.costs,
        "to_seller": rest,
    }
    back = Shares(*(book.nothing,) * 4)
    after = replace(book, released=shares, back=back, costs=book.nothing)
    return Booked(after, Journal.of(fact_id, lines), told)


def close_after_full_refund(book: Book, fact_id: str, seller_balance: Money) -> Booked:
    """Nothing is left that could pay the costs: they are the seller's."""
    if book.escrow or book.disputed:
        raise Overdrawn("something is still held")
    lines = [*charged(book.parties.seller, book.costs, seller_balance), (_own("costs", book), -book.costs)]
    after = replace(book, costs=book.nothing)
    return Booked(after, Journal.of(fact_id, lines), {"charged_to_seller": book.costs})


def deposit_forfeited(book: Book, fact_id: str) -> Booked:
    """The buyer let the balance run out: the deposit is the seller's less the costs, without commission."""
    held = book.escrow
    lines = [
        (_own("escrow", book), held),
        (_own("costs", book), -book.costs),
        (f"seller/{book.parties.seller}", book.costs - held),
    ]
    zero = Shares(*(book.nothing,) * 4)
    after = replace(book, released=replace(zero, base=book.left.price), back=zero, costs=book.nothing)
    return Booked(after, Journal.of(fact_id, lines), {"to_seller": held - book.costs})


def charged(seller: str, amount: Money, seller_balance: Money) -> list[tuple[str, Money]]:
    """What a seller must bear: from what we owe the seller first, the rest becomes debt. Negative: a credit."""
    own = Money(min(amount.minor, max(0, seller_balance.minor)), amount.currency)
    return [(f"seller/{seller}", own), (f"seller_debt/{seller}", amount - own)]


def _share_lines(book: Book, commission: Money, service: Money, agent: Money) -> list[tuple[str, Money]]:
    who = book.parties
    return [
        (f"marketplace/{who.marketplace}", commission),
        (f"service/{who.service}", service),
        (f"agent/{who.agent}", agent),
    ]


def _clearing(book: Book) -> str:
    return f"clearing/{book.parties.provider}"


def _own(account: str, book: Book) -> str:
    return f"{account}/{book.parties.order_id}"
