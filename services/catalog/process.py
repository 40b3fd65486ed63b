"""How catalog decides: every line of an order or none, on counters loaded under the SKUs' locks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from services.catalog.commands import Expiry, ProductRevised, StockReceived
from services.catalog.stock import PRODUCT, RESERVATION, STOCK, Held, Product, Reservation, Stock, keys_of, stock_key
from shared.clock import scaled
from shared.errors import Permanent
from shared.events import catalog as facts
from shared.events.base import Event
from shared.events.logistics import ParcelPacked
from shared.events.orders import OrderPlaced, ReservationReleaseRequested, ShipmentRequested
from shared.events.values import OrderLine, StockLine
from shared.flow.decision import (
    NOTHING,
    Answer,
    Decision,
    Due,
    Early,
    Outcome,
    Process,
    Put,
    Reach,
    Reply,
    States,
    Work,
    WorkName,
)
from shared.http.problem import Conflict, NotFound, problem_reply
from shared.ids import OrderId

EXPIRY: Final = "reservation-expiry"
PATIENCE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long stock is set aside for an order that is not paid: longer than any payment attempt may take."""

    reservation_window: timedelta = timedelta(days=4)
    time_scale: float = 1.0


class NotReserved(Permanent):
    """Goods of an order moved that this service never set aside, or has given back."""

    code = "catalog.not_reserved"


class UnknownSku(NotFound):
    """There is no such product: enter it before its stock."""

    code = "catalog.unknown_sku"


class OtherLot(Conflict):
    """A lot is one batch with one date: goods of another date are another lot."""

    code = "catalog.other_lot"


def reach(content: object) -> Reach:
    """An order's lane first, then every SKU of its lines at the location where they lie."""
    match content:
        case OrderPlaced(order_id=order_id, lines=lines, warehouse=warehouse):
            keys = tuple(dict.fromkeys(stock_key(line.sku, warehouse) for line in lines))
            products = tuple(PRODUCT.key(line.sku) for line in lines)
            return Reach((order_id, *keys), (RESERVATION.key(order_id), *map(STOCK.key, keys), *products))
        case ReservationReleaseRequested(order_id=order_id, lines=lines) | ParcelPacked(order_id=order_id, lines=lines):
            return _order_and_stock(order_id, lines)
        case Outcome(task=Expiry(order_id=order_id, lines=lines)):
            return _order_and_stock(order_id, lines)
        case ShipmentRequested(order_id=order_id):
            return Reach((order_id,), (RESERVATION.key(order_id),))
        case ProductRevised(product=product):
            return Reach((product.sku,), (PRODUCT.key(product.sku),))
        case StockReceived(sku=sku, location=location):
            key = stock_key(sku, location)
            return Reach((key,), (STOCK.key(key), PRODUCT.key(sku)))
        case _:
            raise AssertionError(f"catalog does not know {type(content).__name__}")


def _order_and_stock(order_id: str, lines: Sequence[StockLine]) -> Reach:
    keys = keys_of(lines)
    return Reach((order_id, *keys), (RESERVATION.key(order_id), *map(STOCK.key, keys)))


def decide(policy: Policy, states: States, content: object, now: datetime) -> Answer:
    match content:
        case OrderPlaced():
            return reserve(policy, states, content, now)
        case ReservationReleaseRequested():
            return release(states, content)
        case ShipmentRequested():
            # Paid and on its way to be booked: from now on only orders gives the stock back.
            return Decision(cancel=(WorkName(EXPIRY, content.order_id),))
        case ParcelPacked():
            return draw(states, content, now)
        case Outcome(task=Expiry(order_id=order_id), result=Due()):
            return expire(states, order_id)
        case ProductRevised(product=product):
            return Decision((PRODUCT.put(product.sku, product),), reply=Reply(202))
        case StockReceived():
            return receive(states, content)
        case _:
            raise AssertionError(f"catalog does not know {type(content).__name__}")


def reserve(policy: Policy, states: States, placed: OrderPlaced, now: datetime) -> Decision:
    """All lines at the order's warehouse, or none."""
    taken: dict[str, Stock] = {}
    lines: list[StockLine] = []
    short: list[str] = []
    for line in placed.lines:
        key = stock_key(line.sku, placed.warehouse)
        stock = taken.get(key) or states.get(STOCK, key)
        set_aside = stock.reserve(line.quantity) if stock and states.get(PRODUCT, line.sku) else None
        if set_aside is None:
            short.append(line.sku)
            continue
        taken[key] = set_aside[0]
        lines.append(StockLine(line.number, line.sku, line.quantity, placed.warehouse, set_aside[1]))
    if short:
        return _refused(placed, short)
    return _reserved(policy, states, placed, taken, tuple(lines), now)


def _refused(placed: OrderPlaced, short: list[str]) -> Decision:
    refused = Reservation(placed.order_id, placed.seller, Held.REFUSED, ())
    fact = facts.ReservationRefused(
        order_id=placed.order_id, seller=placed.seller, short=tuple(short), reason=f"short of {', '.join(short)}"
    )
    return Decision((RESERVATION.put(placed.order_id, refused),), (fact,))


def _reserved(
    policy: Policy,
    states: States,
    placed: OrderPlaced,
    taken: dict[str, Stock],
    lines: tuple[StockLine, ...],
    now: datetime,
) -> Decision:
    expires = now + scaled(policy.reservation_window, policy.time_scale)
    held = Reservation(placed.order_id, placed.seller, Held.RESERVED, lines, expires)
    products = [_product(states, line) for line in placed.lines]
    fact = facts.ReservationMade(
        order_id=placed.order_id,
        seller=placed.seller,
        lines=lines,
        goods=tuple(replace(p.goods, line=line.number) for p, line in zip(products, placed.lines, strict=True)),
        product_version=max(product.version for product in products),
        expires_at=expires,
    )
    puts: tuple[Put, ...] = tuple(STOCK.put(key, stock) for key, stock in taken.items())
    work = Work(EXPIRY, placed.order_id, expires, Expiry(placed.order_id, lines))
    return Decision((RESERVATION.put(placed.order_id, held), *puts), (fact,), (work,))


def _product(states: States, line: OrderLine) -> Product:
    product = states.get(PRODUCT, line.sku)
    assert product is not None  # a line without a product is short
    return product


def release(states: States, asked: ReservationReleaseRequested) -> Answer:
    """Give back what is set aside; what was never set aside is answered just the same, so that the order can rest."""
    held = states.get(RESERVATION, asked.order_id)
    if held is None:
        # Placed and this request travel on one topic in order: the refusal or the reservation was decided before.
        raise NotReserved(f"nothing known of {asked.order_id}")
    if held.state in (Held.DRAWN, Held.RELEASED):
        return NOTHING  # said already: orders meets `drawn` where it expects `released`, and opens a case
    return _given_back(states, held)


def expire(states: States, order_id: OrderId) -> Decision:
    held = states.get(RESERVATION, order_id)
    if held is None or held.state is not Held.RESERVED:
        return NOTHING
    return _given_back(states, held)


def _given_back(states: States, held: Reservation) -> Decision:
    puts = _moved(states, held.lines, Stock.release)
    fact = facts.ReservationReleased(order_id=held.order_id, seller=held.seller, lines=held.lines)
    done = replace(held, state=Held.RELEASED)
    return Decision((RESERVATION.put(held.order_id, done), *puts), (fact,), cancel=(WorkName(EXPIRY, held.order_id),))


def draw(states: States, packed: ParcelPacked, now: datetime) -> Answer:
    """The warehouse packed it: the goods leave the shelf and the account book.

    Raises NotReserved where it packed what was not set aside: a person compares shelf and books.
    """
    held = states.get(RESERVATION, packed.order_id)
    if held is None:
        return Early("the reservation is not known yet", now + PATIENCE)
    if held.state is Held.DRAWN:
        return NOTHING
    if held.state is not Held.RESERVED or set(packed.lines) != set(held.lines):
        raise NotReserved(f"packed something else than what is {held.state.value} for {packed.order_id}")
    puts = _moved(states, packed.lines, Stock.draw)
    fact = facts.ReservationDrawn(order_id=packed.order_id, seller=packed.seller, lines=packed.lines)
    done = replace(held, state=Held.DRAWN)
    return Decision(
        (RESERVATION.put(packed.order_id, done), *puts), (fact,), cancel=(WorkName(EXPIRY, packed.order_id),)
    )


def _moved(states: States, lines: Sequence[StockLine], move: Callable[[Stock, StockLine], Stock]) -> tuple[Put, ...]:
    """Two lines of one SKU see each other's result."""
    after: dict[str, Stock] = {}
    for line in lines:
        key = stock_key(line.sku, line.location)
        stock = after.get(key) or states.get(STOCK, key)
        if stock is None:
            raise NotReserved(f"no stock of {key}")
        after[key] = move(stock, line)
    return tuple(STOCK.put(key, stock) for key, stock in after.items())


def receive(states: States, arrived: StockReceived) -> Decision:
    key = stock_key(arrived.sku, arrived.location)
    if states.get(PRODUCT, arrived.sku) is None:
        return Decision(reply=problem_reply(UnknownSku(f"no product {arrived.sku[:60]}")))
    before = states.get(STOCK, key) or Stock(arrived.sku, arrived.location)
    if any(lot.lot == arrived.lot and lot.best_before != arrived.best_before for lot in before.lots):
        return Decision(reply=problem_reply(OtherLot(f"lot {arrived.lot[:60]} has another best-before date")))
    after = before.received(arrived.lot, arrived.best_before, arrived.quantity)
    fact = facts.StockChanged(
        stock_key=key,
        sku=arrived.sku,
        location=arrived.location,
        on_hand=after.on_hand,
        reserved=after.reserved,
        reason="received",
    )
    return Decision((STOCK.put(key, after),), (fact,), reply=Reply(202))


HANDLES: Final[frozenset[type[Event]]] = frozenset(
    {OrderPlaced, ReservationReleaseRequested, ShipmentRequested, ParcelPacked}
)


def make_process(policy: Policy) -> Process:
    return Process("catalog", HANDLES, reach, partial(decide, policy))
