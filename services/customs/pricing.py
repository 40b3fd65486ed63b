"""A tax-included price taken apart: which goods value, with its freight and tax, makes the total that the buyer saw.

The buyer pays exactly the total. The goods value is the smallest whose goods + freight + tax reaches it; what is
over (a fen or so, from rounding) stands in the document's `discount`. Price x quantity must hold on every line, so a
line that does not divide becomes two whose prices are one fen apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Final

from services.customs.tariff import (
    CNY,
    LIMITS,
    NOTHING,
    Limits,
    Rates,
    Refusal,
    Taxable,
    Taxed,
    Treatment,
    admit,
    apportion,
    tax,
    treatment_of,
)
from shared.money import Money

# More than this over the total per line is no rounding: no goods value gives this total.
RESIDUE_PER_LINE: Final = 3


@dataclass(frozen=True, slots=True)
class Sold:
    """A line as the buyer saw it. `payable` is price x quantity, tax included, before vouchers; `quantity` in pieces.

    `specific_per_piece`: units of the specific consumption tax in one piece (litres of spirits).
    """

    payable: Money
    quantity: int
    rates: Rates
    specific_per_piece: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line of the documents: `source` is the index of the sold line that it (or half of it) stands for."""

    source: int
    quantity: int
    price: Money
    rates: Rates
    specific_per_piece: Decimal = Decimal(0)

    @property
    def total(self) -> Money:
        return self.price * self.quantity

    def taxable(self) -> Taxable:
        return Taxable(self.total, self.rates, self.specific_per_piece * self.quantity)


@dataclass(frozen=True, slots=True)
class Priced:
    """The lines of the documents with their tax; `taxed.discount` holds vouchers and residue."""

    lines: tuple[PricedLine, ...]
    taxed: Taxed


def split(source: int, line: Sold, value: Money) -> Iterator[PricedLine]:
    """`value` as one line, or as two whose unit prices differ by one fen."""
    low, dear = divmod(value.minor, line.quantity)
    for quantity, price in ((line.quantity - dear, low), (dear, low + 1)):
        if quantity:
            yield PricedLine(source, quantity, Money(price, CNY), line.rates, line.specific_per_piece)


def priced(sold: Sequence[Sold], goods: Money, *, freight: Money, discount: Money, treatment: Treatment) -> Priced:
    """The documents' lines for a given goods value, spread over the sold lines by what they cost."""
    values = apportion(goods, [line.payable for line in sold])
    parts = zip(count(), sold, values)
    lines = tuple(line for source, seen, value in parts for line in split(source, seen, value))
    taxed = tax([line.taxable() for line in lines], freight=freight, discount=discount, treatment=treatment)
    return Priced(lines, taxed)


def guess(reaches: Callable[[int], int], wanted: int) -> int:
    """Near the answer in two or three steps: what is over shrinks in proportion, except where the tax jumps."""
    x = max(wanted, 1)
    for _ in range(6):
        reached = reaches(x)
        step = (reached - wanted) * x // reached if reached > 0 else 0
        if not step:
            break
        x = max(x - step, 1)
    return x


def smallest(reaches: Callable[[int], int], wanted: int, slack: int) -> int:
    """The least x >= 1 with reaches(x) >= wanted; the function rises, but may wobble by a few fen within `slack`."""
    near = guess(reaches, wanted)
    low, high = max(near - 2, 1), near + 2
    if not (reaches(low) < wanted <= reaches(high)):
        low, high = 1, max(wanted, 1)
    while low < high:
        middle = (low + high) // 2
        if reaches(middle) >= wanted:
            high = middle
        else:
            low = middle + 1
    return next((x for x in range(max(low - slack, 1), low) if reaches(x) >= wanted), low)


def wobble(sold: Sequence[Sold]) -> int:
    """How far rounding may bend the total back: half a fen per tax of a line, before and after, twice where it splits.

    One piece on one line never bends: each fen of goods adds at least a fen to the total.
    """
    if len(sold) == 1 and sold[0].quantity == 1:
        return 0
    taxes = ((line, 1 + bool(line.rates.consumption or line.rates.specific) + bool(line.rates.duty)) for line in sold)
    return sum(count * (2 if line.quantity > 1 else 1) for line, count in taxes)


def from_included(
    sold: Sequence[Sold],
    total_paid: Money,
    *,
    freight: Money,
    used: Money,
    discount: Money = NOTHING,
    limits: Limits = LIMITS,
) -> Priced | Refusal:
    """Take `total_paid` apart; `discount` is what vouchers settled of the lines' payable sum.

    `no_goods_value`: freight and its tax eat the total, or it lies where the tax jumps as one article passes the limit.
    """
    articles = sum(line.quantity for line in sold)

    @cache
    def build(goods: int) -> Priced:
        value = Money(goods, CNY)
        treatment = treatment_of(value + freight, articles, limits) or Treatment.REDUCED
        return priced(sold, value, freight=freight, discount=discount, treatment=treatment)

    goods = smallest(lambda x: build(x).taxed.paid.minor, total_paid.minor, wobble(sold))
    found = build(goods)
    residue = found.taxed.paid - total_paid
    match admit(found.taxed.base, articles, used, limits):
        case Refusal() as refusal:
            return refusal
        case _ if residue.minor > RESIDUE_PER_LINE * len(found.lines):
            return Refusal.NO_GOODS_VALUE
        case treatment:
            return priced(sold, Money(goods, CNY), freight=freight, discount=discount + residue, treatment=treatment)
