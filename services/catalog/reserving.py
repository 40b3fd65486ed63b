"""Every line of an order or none, on counters loaded under the SKUs' locks. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from services.catalog.commands import Expiry, Wanted, WantedLine
from services.catalog.stock import PRODUCT, RESERVATION, STOCK, Held, Product, Reservation, Stock, stock_key
from shared.clock import scaled
from shared.events import catalog as facts
from shared.events.orders import OrderPlaced
from shared.events.values import StockLine
from shared.flow.decision import NOTHING, Decision, Early, Put, Reach, States, Work, WorkName
from shared.ids import OrderId

EXPIRY: Final = "reservation-expiry"
RETRY: Final = "reservation-retry"
PATIENCE: Final = timedelta(minutes=10)  # how long a fact may wait for its cause before it is a dead letter


@dataclass(frozen=True, slots=True)
class Policy:
    """reservation_window: how long stock is set aside for an order that is not paid; longer than any payment may take.

    retry_after: between two looks for goods of an order that waits. shelf_life: how long goods must still keep when
    they are set aside. bonded: locations with an account book. Durations are business time, but for the shelf's.
    """

    reservation_window: timedelta = timedelta(days=4)
    retry_after: timedelta = timedelta(minutes=15)
    shelf_life: timedelta = timedelta(days=30)
    bonded: frozenset[str] = frozenset({"fz-bonded"})
    time_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why nothing is set aside: SKUs that this seller does not have, and SKUs of which there is too little."""

    unknown: tuple[str, ...]
    short: tuple[str, ...]

    @property
    def reason(self) -> str:
        said = (("unknown sku", self.unknown), ("short of", self.short))
        return "; ".join(f"{what} {', '.join(skus)}" for what, skus in said if skus)


@dataclass(frozen=True, slots=True)
class Taken:
    """All lines, with the lots that they come from, and the counters as they are then."""

    stocks: dict[str, Stock]
    lines: tuple[StockLine, ...]


def wanted_by(placed: OrderPlaced) -> Wanted:
    lines = tuple(WantedLine(line.number, line.sku, line.quantity) for line in placed.lines)
    return Wanted(placed.order_id, placed.seller, placed.warehouse, lines, waits=placed.collected_by == "channel")


def reach_of(wanted: Wanted) -> Reach:
    """An order's lane first, then every SKU of its lines at the location where they lie."""
    keys = tuple(dict.fromkeys(stock_key(line.sku, wanted.warehouse) for line in wanted.lines))
    products = tuple(PRODUCT.key(line.sku) for line in wanted.lines)
    return Reach((wanted.order_id, *keys), (RESERVATION.key(wanted.order_id), *map(STOCK.key, keys), *products))


def reserve(policy: Policy, states: States, wanted: Wanted, now: datetime) -> Decision:
    """All lines at the order's warehouse, or none, said either way."""
    match attempt(policy, states, wanted, now):
        case Taken() as taken:
            return _reserved(policy, states, wanted, taken, now)
        case Shortage() as shortage:
            return _refused(policy, wanted, shortage, now)


def retry(policy: Policy, states: States, wanted: Wanted, now: datetime) -> Decision:
    """Once more for an order that waits; as long as it is short nothing is said again."""
    held = states.get(RESERVATION, wanted.order_id)
    if held is None or held.state is not Held.REFUSED:
        return NOTHING
    match attempt(policy, states, wanted, now):
        case Taken() as taken:
            return _reserved(policy, states, wanted, taken, now, paid=held.paid)
        case Shortage():
            return Decision(work=_next_look(policy, wanted, now))


def attempt(policy: Policy, states: States, wanted: Wanted, now: datetime) -> Taken | Shortage:
    taken: dict[str, Stock] = {}
    lines: list[StockLine] = []
    unknown: dict[str, None] = {}
    short: dict[str, None] = {}
    keeps_until = (now + policy.shelf_life).date()
    for line in wanted.lines:
        key = stock_key(line.sku, wanted.warehouse)
        product = states.get(PRODUCT, line.sku)
        if product is None or product.seller != wanted.seller:
            unknown[line.sku] = None
        elif (found := _set_aside(taken.get(key) or states.get(STOCK, key), line, keeps_until)) is None:
            short[line.sku] = None
        else:
            taken[key], lot = found
            lines.append(StockLine(line.number, line.sku, line.quantity, wanted.warehouse, lot))
    return Shortage(tuple(unknown), tuple(short)) if unknown or short else Taken(taken, tuple(lines))


def _set_aside(stock: Stock | None, line: WantedLine, keeps_until: date) -> tuple[Stock, str] | None:
    return stock.reserve(line.quantity, keeps_until) if stock else None


def _refused(policy: Policy, wanted: Wanted, shortage: Shortage, now: datetime) -> Decision:
    refused = Reservation(wanted.order_id, wanted.seller, Held.REFUSED, ())
    fact = facts.ReservationRefused(
        order_id=wanted.order_id, seller=wanted.seller, short=shortage.short, reason=shortage.reason
    )
    return Decision((RESERVATION.put(wanted.order_id, refused),), (fact,), _next_look(policy, wanted, now))


def _next_look(policy: Policy, wanted: Wanted, now: datetime) -> tuple[Work, ...]:
    # Each order looks for itself: a list of who waits for a SKU would be read and written with every one of them.
    due = now + scaled(policy.retry_after, policy.time_scale)
    return (Work(RETRY, wanted.order_id, due, wanted),) if wanted.waits else ()


def _reserved(
    policy: Policy, states: States, wanted: Wanted, taken: Taken, now: datetime, *, paid: bool = False
) -> Decision:
    expires = now + scaled(policy.reservation_window, policy.time_scale)
    held = Reservation(wanted.order_id, wanted.seller, Held.RESERVED, taken.lines, expires, paid)
    products = [_product(states, line) for line in wanted.lines]
    fact = facts.ReservationMade(
        order_id=wanted.order_id,
        seller=wanted.seller,
        lines=taken.lines,
        goods=tuple(replace(p.goods, line=line.number) for p, line in zip(products, wanted.lines, strict=True)),
        product_version=max(product.version for product in products),
        expires_at=expires,
    )
    puts: tuple[Put, ...] = tuple(STOCK.put(key, stock) for key, stock in taken.stocks.items())
    work = () if paid else (Work(EXPIRY, wanted.order_id, expires, Expiry(wanted.order_id, taken.lines)),)
    return Decision((RESERVATION.put(wanted.order_id, held), *puts), (fact,), work)


def keep(states: States, order_id: OrderId, now: datetime) -> Decision | Early:
    """Somebody has the buyer's money: from now on only orders gives the stock back, however long the order is held."""
    held = states.get(RESERVATION, order_id)
    if held is None:
        return Early("the order is not known yet", now + PATIENCE)
    waiting = held.state is Held.REFUSED and not held.paid
    puts = (RESERVATION.put(order_id, replace(held, paid=True)),) if waiting else ()
    return Decision(puts, cancel=(WorkName(EXPIRY, order_id),))


def _product(states: States, line: WantedLine) -> Product:
    product = states.get(PRODUCT, line.sku)
    assert product is not None  # a line without a product is unknown
    return product
