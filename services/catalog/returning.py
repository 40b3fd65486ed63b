"""What becomes of goods that were set aside: drawn, given back, put back on the shelf, or written off. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from services.catalog.reserving import EXPIRY, PATIENCE, RETRY
from services.catalog.stock import RESERVATION, STOCK, Held, Reservation, Stock, keys_of, stock_key
from shared.errors import Permanent
from shared.events import catalog as facts
from shared.events.base import Event
from shared.events.logistics import ParcelPacked
from shared.events.orders import ReservationReleaseRequested
from shared.events.values import StockLine
from shared.flow.decision import NOTHING, Answer, Decision, Early, Put, Reach, States, Wider, WorkName
from shared.ids import OrderId

Move = Callable[[Stock, StockLine], Stock]


class NotReserved(Permanent):
    """Goods of an order moved that this service never set aside, or has given back."""

    code = "catalog.not_reserved"


def order_and_stock(order_id: str, lines: Sequence[StockLine]) -> Reach:
    keys = keys_of(lines)
    return Reach((order_id, *keys), (RESERVATION.key(order_id), *map(STOCK.key, keys)))


def release(states: States, asked: ReservationReleaseRequested) -> Answer:
    """Undo a reservation as far as it got; what was never set aside is answered as well, so that the order can rest."""
    held = states.get(RESERVATION, asked.order_id)
    if held is None:
        # Placed and this request travel on one topic in order: the refusal or the reservation was decided before.
        raise NotReserved(f"nothing known of {asked.order_id}")
    if any(states.get(STOCK, key) is None for key in keys_of(held.lines)):
        return Wider(order_and_stock(asked.order_id, held.lines))
    match held.state, asked.disposition:
        case (Held.RESERVED, "back") | (Held.REFUSED, _):
            return _given_back(states, held, Held.RELEASED)
        case Held.DRAWN, "back":
            fact = facts.ReservationRestocked(order_id=held.order_id, seller=held.seller, lines=held.lines)
            return _undone(states, held, Held.RESTOCKED, fact, Stock.restock)
        case Held.RESERVED, "write_off":
            return _undone(states, held, Held.WRITTEN_OFF, _written_off(held), Stock.draw)
        case Held.DRAWN, "write_off":
            return _undone(states, held, Held.WRITTEN_OFF, _written_off(held))
        case _:
            return NOTHING  # said already


def expire(states: States, order_id: OrderId) -> Decision:
    held = states.get(RESERVATION, order_id)
    if held is None or held.state is not Held.RESERVED:
        return NOTHING
    return _given_back(states, held, Held.EXPIRED)


def draw(states: States, packed: ParcelPacked, now: datetime) -> Answer:
    """The warehouse packed it: the goods leave the shelf and the account book.

    A request to undo travels on another topic and may be here first: then these goods are accounted for already, and
    orders, which hears of both, sees to the parcel. Raises NotReserved where the warehouse packed what was not set
    aside: a person compares shelf and books.
    """
    held = states.get(RESERVATION, packed.order_id)
    if held is None:
        return Early("the reservation is not known yet", now + PATIENCE)
    if held.state in (Held.DRAWN, Held.RELEASED, Held.RESTOCKED, Held.WRITTEN_OFF):
        return NOTHING
    if held.state is not Held.RESERVED or set(packed.lines) != set(held.lines):
        raise NotReserved(f"packed something else than what is {held.state.value} for {packed.order_id}")
    fact = facts.ReservationDrawn(order_id=packed.order_id, seller=packed.seller, lines=packed.lines)
    return _undone(states, held, Held.DRAWN, fact, Stock.draw)


def _given_back(states: States, held: Reservation, state: Held) -> Decision:
    fact = facts.ReservationReleased(order_id=held.order_id, seller=held.seller, lines=held.lines)
    return _undone(states, held, state, fact, Stock.release)


def _written_off(held: Reservation) -> Event:
    return facts.ReservationWrittenOff(
        order_id=held.order_id, seller=held.seller, lines=held.lines, reason="the goods do not come back"
    )


def _undone(states: States, held: Reservation, state: Held, fact: Event, move: Move | None = None) -> Decision:
    """The reservation in its new state, its counters moved, its timers gone."""
    puts = _moved(states, held.lines, move) if move else ()
    timers = (WorkName(EXPIRY, held.order_id), WorkName(RETRY, held.order_id))
    done = RESERVATION.put(held.order_id, replace(held, state=state))
    return Decision((done, *puts), (fact,), cancel=timers)


def _moved(states: States, lines: Sequence[StockLine], move: Move) -> tuple[Put, ...]:
    """Two lines of one SKU see each other's result."""
    after: dict[str, Stock] = {}
    for line in lines:
        key = stock_key(line.sku, line.location)
        stock = after.get(key) or states.get(STOCK, key)
        if stock is None:
            raise NotReserved(f"no stock of {key}")
        after[key] = move(stock, line)
    return tuple(STOCK.put(key, stock) for key, stock in after.items())
