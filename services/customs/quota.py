"""One person's yearly amount: a forecast. Customs keeps the true count; the buyer may shop elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from services.customs.documents import BEIJING
from services.customs.tariff import NOTHING
from shared.money import Money


@dataclass(frozen=True, slots=True)
class Quota:
    """Duty-paid value, without tax, declared in one calendar year of China's clock. Never below zero."""

    year: int
    used: Money = NOTHING

    @classmethod
    def at(cls, now: datetime) -> Quota:
        return cls(now.astimezone(BEIJING).year)

    def in_year_of(self, now: datetime) -> Quota:
        """The same count, or a fresh one when the year has turned."""
        fresh = Quota.at(now)
        return self if fresh.year == self.year else fresh

    def booked(self, base: Money) -> Quota:
        return replace(self, used=self.used + base)

    def given_back(self, base: Money) -> Quota:
        """After cancellation, withdrawal or return abroad, or when another person buys; a rejection keeps it."""
        return replace(self, used=max(self.used - base, NOTHING, key=lambda amount: amount.minor))

    def at_least(self, known: Money) -> Quota:
        """Customs told us a used amount: our count is never lower."""
        return replace(self, used=max(self.used, known, key=lambda amount: amount.minor))
