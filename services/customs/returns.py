"""Cancelling before release, returning after it: what is allowed, and the tax that comes back.

Source: GACC Announcement 2020 No. 45: apply within 30 days of release, goods back within 45.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from services.customs.documents import InventoryDocument, Kind, ReturnDocument
from services.customs.findings import Cited, Finding, Severity
from services.customs.receipts import CANCELLABLE, State
from services.customs.tariff import CNY, Rates, TaxedLine, Treatment, half_up, line_taxes
from shared.money import Money

APPLY_WITHIN_DAYS: Final = 30


def _finding(
    rule: str, kind: Kind, field: str, value: object, wanted: tuple[str, object], line: int | None = None
) -> Finding:
    name, right = wanted
    return Finding(rule, Severity.BLOCK, Cited(kind, field, str(value)), Cited(kind, name, str(right)), line=line)


def check_cancellation(state: State) -> tuple[Finding, ...]:
    """R29: customs must have it (a cancellation names the invtNo) and must not have released it."""
    return (
        ()
        if state in CANCELLABLE
        else (_finding("R29", Kind.CANCELLATION, "state", state, ("one of", " ".join(sorted(CANCELLABLE)))),)
    )


def _return_lines(
    inventory: InventoryDocument, asked: ReturnDocument, returned: Mapping[int, Decimal]
) -> Iterator[Finding]:
    lines = {item.number: item for item in inventory.items}
    left = {number: item.qty - returned.get(number, Decimal(0)) for number, item in lines.items()}
    for item in asked.items:
        line = lines.get(item.number)
        if line is None or line.hs_code != item.hs_code:
            declared = ("declared", line.hs_code if line else "no such line")
            yield _finding("R28", Kind.RETURN, "hs_code", item.hs_code, declared, item.number)
        elif not 0 < item.qty <= left[item.number]:
            yield _finding("R28", Kind.RETURN, "qty", item.qty, ("left", left[item.number]), item.number)
        else:
            left[item.number] -= item.qty


def check_return(
    inventory: InventoryDocument,
    asked: ReturnDocument,
    *,
    returned: Mapping[int, Decimal],
    released_on: date,
    today: date,
) -> tuple[Finding, ...]:
    """R28 and R30. `returned`: quantity by line number in returns that are open or approved; dates are China's."""
    found = list(_return_lines(inventory, asked, returned))
    days = (today - released_on).days
    if days > APPLY_WITHIN_DAYS:
        found.append(_finding("R30", Kind.RETURN, "days_after_release", days, ("at most", APPLY_WITHIN_DAYS)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Restored:
    """What an approved return gives back once the goods are there; `base` is also the yearly amount restored."""

    base: Money
    duty: Money
    consumption: Money
    vat: Money

    @property
    def tax(self) -> Money:
        return self.duty + self.consumption + self.vat


def part_of(amount: Money, quantity: int, of: int) -> Money:
    """A share by pieces, half-up to the fen."""
    return Money(half_up(Decimal(amount.minor) * quantity / of), CNY)


def restored(
    line: TaxedLine,
    rates: Rates,
    *,
    treatment: Treatment,
    quantity: int,
    kept: int,
    specific_kept: Decimal = Decimal(0),
) -> Restored:
    """Tax of the pieces that come back: the kept ones are taxed anew, what is over returns, so no fen is lost.

    `quantity` pieces were declared, `kept` of them stay; `specific_kept` is their quantity for the specific tax.
    """
    base = part_of(line.base, kept, quantity)
    duty, consumption, vat = line_taxes(base, rates, specific_kept, treatment)
    return Restored(line.base - base, line.duty - duty, line.consumption - consumption, line.vat - vat)
