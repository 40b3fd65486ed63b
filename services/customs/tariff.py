"""Retail-import limits and tax: one article or many, to the fen.

Source: tax circulars Cai Guan Shui [2016] 18 and [2018] 49, as restated by Ningbo Customs (public questions and
answers, November 2025). Apportionment, residue and rounding level are project rules: no document of customs names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from shared.errors import BadInput
from shared.money import Money

CNY: Final = "CNY"
NOTHING: Final = Money(0, CNY)
ONE: Final = Decimal(1)
REDUCED_SHARE: Final = Decimal("0.7")  # of VAT and consumption tax within the limits; duty is 0 there


@dataclass(frozen=True, slots=True)
class Limits:
    """Duty-paid value (goods + freight + insurance, without tax) of one transaction and of one person's calendar year.

    That freight counts towards the limits rests on memory of the 2018 circular (unconfirmed).
    """

    single: Money
    annual: Money


_BY_FIRST_DAY: Final = (
    (date(2019, 1, 1), Limits(Money(500_000, CNY), Money(2_600_000, CNY))),
    (date(2016, 4, 8), Limits(Money(200_000, CNY), Money(2_000_000, CNY))),
)
LIMITS: Final = _BY_FIRST_DAY[0][1]


def limits_on(day: date) -> Limits:
    """The limits in force on a day of China's calendar; before the scheme began (2016-04-08) there are none to pass."""
    for first, limits in _BY_FIRST_DAY:
        if day >= first:
            return limits
    return Limits(Money(0, CNY), Money(0, CNY))


class Treatment(StrEnum):
    """How an admitted order is taxed: `reduced` (duty 0, 70 % of the rest) or, one article over the limit, `full`."""

    REDUCED = "reduced"
    FULL = "full"


class Refusal(StrEnum):
    """Why an order is no retail import (customs' own -621005, -621018), or its tax-included total is none."""

    SINGLE_LIMIT = "single_limit"
    ANNUAL_LIMIT = "annual_limit"
    NO_GOODS_VALUE = "no_goods_value"


def treatment_of(base: Money, articles: int, limits: Limits = LIMITS) -> Treatment | None:
    """By the duty-paid value and the number of pieces in the order; None where several pieces exceed the limit."""
    if base <= limits.single:
        return Treatment.REDUCED
    return Treatment.FULL if articles == 1 else None


def admit(base: Money, articles: int, used: Money, limits: Limits = LIMITS) -> Treatment | Refusal:
    """`used` is what the person has declared this year, as far as we know: customs' own count decides."""
    treatment = treatment_of(base, articles, limits)
    if treatment is None:
        return Refusal.SINGLE_LIMIT
    return treatment if used + base <= limits.annual else Refusal.ANNUAL_LIMIT


@dataclass(frozen=True, slots=True)
class Rates:
    """Fractions, not percent (13 % is 0.13). `specific`: consumption tax in yuan per unit of `specific_quantity`."""

    vat: Decimal
    consumption: Decimal = Decimal(0)
    duty: Decimal = Decimal(0)
    specific: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Taxable:
    """One line: price x quantity before any voucher, in fen, and the rates of its commodity code."""

    total: Money
    rates: Rates
    specific_quantity: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """A line with its shares; `base` is its duty-paid value."""

    base: Money
    freight: Money
    insurance: Money
    discount: Money
    duty: Money
    consumption: Money
    vat: Money

    @property
    def tax(self) -> Money:
        return self.duty + self.consumption + self.vat


@dataclass(frozen=True, slots=True)
class Taxed:
    """A whole order; header amounts are sums of lines."""

    treatment: Treatment
    goods: Money
    freight: Money
    insurance: Money
    discount: Money
    lines: tuple[TaxedLine, ...]

    @property
    def base(self) -> Money:
        return self.goods + self.freight + self.insurance

    @property
    def duty(self) -> Money:
        return _sum(line.duty for line in self.lines)

    @property
    def consumption(self) -> Money:
        return _sum(line.consumption for line in self.lines)

    @property
    def vat(self) -> Money:
        return _sum(line.vat for line in self.lines)

    @property
    def tax(self) -> Money:
        return _sum(amount for line in self.lines for amount in (line.duty, line.consumption, line.vat))

    @property
    def paid(self) -> Money:
        """What the documents call actually paid: goods + freight + insurance + tax - discount."""
        return _sum((self.goods, self.freight, self.insurance, self.tax, -self.discount))


def _sum(amounts: Iterable[Money]) -> Money:
    # One Money for a whole sum: taking a price apart sums some hundred times.
    return Money(sum(amount.minor for amount in amounts), CNY)


def half_up(exact_fen: Decimal) -> int:
    """Whole fen, half away from zero: customs' general valuation rule."""
    return int(exact_fen.quantize(ONE, ROUND_HALF_UP))


def apportion(amount: Money, weights: Sequence[Money]) -> tuple[Money, ...]:
    """Split by weight, each share half-up, the whole residue (either sign) on the first of the largest weights.

    Differs from `Money.allocate` on purpose: the vectors fix this rule. A weight of 0 (a gift) gets nothing.
    """
    if not amount:
        return (amount,) * len(weights)
    whole = sum(weight.minor for weight in weights)
    if whole <= 0:
        raise BadInput("freight or discount without any priced line", where="lines")
    shares = [half_up(Decimal(amount.minor * weight.minor) / whole) for weight in weights]
    largest = max(range(len(weights)), key=lambda index: (weights[index].minor, -index))
    shares[largest] += amount.minor - sum(shares)
    return tuple(Money(share, CNY) for share in shares)


def line_taxes(
    base: Money, rates: Rates, specific_quantity: Decimal, treatment: Treatment
) -> tuple[Money, Money, Money]:
    """Duty, consumption tax and VAT of one line, each rounded half-up once.

    VAT stands on the consumption tax before the 70 % factor. Each tax is one division of exact numbers, so that a true
    half rounds up and not down by a digit lost before.
    """
    share = REDUCED_SHARE if treatment is Treatment.REDUCED else ONE
    duty = Decimal(0) if treatment is Treatment.REDUCED else base.minor * rates.duty
    specific = rates.specific * 100 * specific_quantity
    rest = ONE - rates.consumption
    consumption = share * ((base.minor + duty) * rates.consumption + specific) / rest
    vat = share * rates.vat * (base.minor + duty + specific) / rest
    return Money(half_up(duty), CNY), Money(half_up(consumption), CNY), Money(half_up(vat), CNY)


def tax(
    lines: Sequence[Taxable],
    *,
    freight: Money,
    treatment: Treatment,
    insurance: Money = NOTHING,
    discount: Money = NOTHING,
) -> Taxed:
    """Tax an order. `discount` (vouchers, points) never lowers the base: they are a way of paying (unconfirmed)."""
    if not lines or min(line.total.minor for line in lines) < 0:
        raise BadInput("an order has lines, and none below zero", where="lines")
    weights = [line.total for line in lines]
    shares = [apportion(amount, weights) for amount in (freight, insurance, discount)]
    taxed = []
    for line, of_freight, of_insurance, of_discount in zip(lines, *shares, strict=True):
        base = _sum((line.total, of_freight, of_insurance))
        duty, consumption, vat = line_taxes(base, line.rates, line.specific_quantity, treatment)
        taxed.append(TaxedLine(base, of_freight, of_insurance, of_discount, duty, consumption, vat))
    return Taxed(treatment, _sum(weights), freight, insurance, discount, tuple(taxed))
