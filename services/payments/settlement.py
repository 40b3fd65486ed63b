"""Money that moves outside an order: debts netted, purchases, advances, payouts in another currency; the hold. Pure.

Accounts beside those of `ledger.py`: `advance/S` lent to a seller · `fx/position` · `payout/S` on its way to a
seller · `income/*` the operator's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from services.payments.ledger import Journal, portion
from shared.money import Money, exponent


class Converted(NamedTuple):
    """A payout in another currency: what the seller gets, what the bank gave for it, the difference is ours."""

    journal: Journal
    paid_out: Money
    from_bank: Money


@dataclass(frozen=True, slots=True)
class Advance:
    """Working capital lent against escrow; `daily_rate` is a fraction per day of the principal, simple interest."""

    seller: str
    principal: Money
    daily_rate: Decimal


@dataclass(frozen=True, slots=True)
class Pause:
    """A dispute, customs case or open return stands between delivery and release; `until` None: it still does."""

    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Markup:
    """Buying at the origin and selling dearer, against the commission that would leave the origin the same."""

    sale_price: Money
    cost_budget: Money
    margin: Money
    origin_share_bp: int  # basis points of the sale price
    equivalent_commission_bp: int


def debt_netted(fact_id: str, seller: str, seller_balance: Money, debt: Money) -> Journal:
    """An open debt is taken from what a release just credited, by a journal of its own."""
    netted = Money(max(0, min(seller_balance.minor, debt.minor)), debt.currency)
    return Journal.of(fact_id, [(f"seller/{seller}", netted), (f"seller_debt/{seller}", -netted)])


def own_funds_in(fact_id: str, seller: str, amount: Money) -> Journal:
    return Journal.of(fact_id, [("bank/operator", amount), (f"seller/{seller}", -amount)])


def purchase_settled(fact_id: str, buyer: str, cooperative: str, amount: Money) -> Journal:
    """An agent who resells pays the cooperative from its own balance."""
    return Journal.of(fact_id, [(f"seller/{buyer}", amount), (f"seller/{cooperative}", -amount)])


def advance_disbursed(fact_id: str, advance: Advance) -> Journal:
    lines = [(f"advance/{advance.seller}", advance.principal), (f"seller/{advance.seller}", -advance.principal)]
    return Journal.of(fact_id, lines)


def advance_repaid(fact_id: str, advance: Advance, days: int) -> Journal:
    """Fee first, then principal, out of the release; the fee rounds half-up once."""
    fee = portion(advance.principal, advance.daily_rate * days)
    lines = [
        (f"seller/{advance.seller}", advance.principal + fee),
        ("income/advance_fee", -fee),
        (f"advance/{advance.seller}", -advance.principal),
    ]
    return Journal.of(fact_id, lines)


def payout_fx(fact_id: str, seller: str, amount: Money, to: str, *, locked: Decimal, executed: Decimal) -> Converted:
    """Pay a seller in another currency at the rate that was promised; the bank's better or worse rate is ours.

    locked, executed: units of `to` for one unit of the amount's currency, in major units.
    """
    paid_out, from_bank = convert(amount, to, locked), convert(amount, to, executed)
    lines = [
        (f"seller/{seller}", amount),
        ("fx/position", -amount),
        ("fx/position", paid_out),
        (f"payout/{seller}", -paid_out),
        ("fx/position", amount),
        ("bank/operator", -amount),
        ("bank/operator", from_bank),
        ("fx/position", -paid_out),
        ("income/fx", paid_out - from_bank),
        (f"payout/{seller}", paid_out),
        ("bank/operator", -paid_out),
    ]
    return Converted(Journal.of(fact_id, lines), paid_out, from_bank)


def convert(amount: Money, to: str, rate: Decimal) -> Money:
    """Half-up to the minor unit of `to`."""
    exact = Decimal(amount.minor) * rate * Decimal(10) ** (exponent(to) - exponent(amount.currency))
    return Money(int(exact.quantize(Decimal(1), ROUND_HALF_UP)), to)


def release_due(delivered_at: datetime, hold: timedelta, pauses: Iterable[Pause]) -> datetime | None:
    """When held money is the seller's without anybody's word; None while a pause is open.

    Every pause that began before the due moment reached so far moves it by its length; time that two pauses
    share counts once. A pause that begins after the due moment comes too late to count.
    """
    due, counted = delivered_at + hold, delivered_at
    for pause in sorted(pauses, key=lambda pause: pause.since):
        if pause.since >= due:
            break
        if pause.until is None:
            return None
        due += max(timedelta(0), pause.until - max(pause.since, counted))
        counted = max(counted, pause.until)
    return due


def marked_up(purchase: Money, markup: Decimal, cost_share: Decimal) -> Markup:
    """markup and cost_share: fractions of the purchase price."""
    sale, costs = purchase + portion(purchase, markup), portion(purchase, cost_share)
    origin = Decimal(10_000) * purchase.minor / sale.minor
    share = int(origin.quantize(Decimal(1), ROUND_HALF_UP))
    return Markup(sale, costs, sale - purchase - costs, share, 10_000 - share)
