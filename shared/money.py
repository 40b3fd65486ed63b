"""Money as integer minor units of an ISO 4217 currency. No floats, one named rounding per computation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

from shared.errors import BadInput, told

# ISO 4217 minor units where they are not 2 (list of 2024-06); providers that disagree say so in their own wire.py.
_EXPONENTS: Final = {
    **dict.fromkeys(["JPY", "KRW", "VND", "CLP", "ISK", "UGX", "RWF", "XOF", "XAF"], 0),
    **dict.fromkeys(["PYG", "BIF", "DJF", "GNF", "KMF"], 0),
    **dict.fromkeys(["KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD"], 3),
}


def exponent(currency: str) -> int:
    """How many decimal places the currency's major unit has (CNY 2, JPY 0, KWD 3)."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount: `minor` units (fen, cents) of `currency` (ISO 4217, upper case)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not self.currency.isascii() or not self.currency.isupper():
            raise BadInput(f"not an ISO 4217 code: {told(self.currency)!r}", where="currency")

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read a plain decimal in major units ("129.00"); more places than the currency has is an error, not a
        rounding."""
        try:
            amount = Decimal(text).scaleb(exponent(currency))
        except InvalidOperation as error:
            raise BadInput(f"not an amount: {told(text)!r}", where="amount") from error
        if not amount.is_finite() or amount != amount.to_integral_value():
            raise BadInput(f"not a whole number of minor units: {told(text)!r} {currency}", where="amount")
        return cls(int(amount), currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.minor

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money(self.minor * quantity, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.currency} {self.major()}"

    def major(self) -> str:
        """The amount as documents print it: "129.00"."""
        places = exponent(self.currency)
        sign, digits = ("-" if self.minor < 0 else ""), str(abs(self.minor)).rjust(places + 1, "0")
        return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"

    def share(self, rate: Decimal) -> Money:
        """A fraction of the amount (0.065 is 6.5 %), rounded half-even to whole minor units, once."""
        exact = Decimal(self.minor) * rate
        return Money(int(exact.quantize(Decimal(1), ROUND_HALF_EVEN)), self.currency)

    def allocate(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Split in proportion to `weights` (non-negative, not all zero) without losing a unit.

        Largest remainders get the left-over units, the earlier weight first where they tie.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights must be non-negative and not all zero")
        sign, amount = (-1 if self.minor < 0 else 1), abs(self.minor)
        floors = [amount * weight // total for weight in weights]
        by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
        for i in by_remainder[: amount - sum(floors)]:
            floors[i] += 1
        return tuple(Money(sign * units, self.currency) for units in floors)


def total(amounts: Sequence[Money], currency: str) -> Money:
    """Sum in one currency; of nothing it is zero."""
    return sum(amounts, Money.zero(currency))
