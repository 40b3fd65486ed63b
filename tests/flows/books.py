"""What must be true at the end of every walk, whatever happened in it. Each check names what it found wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from services.catalog.stock import RESERVATION, STOCK, Held, Stock
from services.orders.order import ORDER, Order
from services.orders.tracks import Carriage, Intent, Papers
from services.payments.books import LINE, Line
from shared.events import catalog, customs, logistics, orders, payments
from shared.events.base import Event
from shared.events.values import StockLine
from shared.flow.decision import Kind
from tests.flows.house import House
from tests.flows.partners.bank import Bank
from tests.flows.partners.channel import Channel
from tests.flows.partners.road import Road
from tests.flows.partners.window import Window
from tests.flows.town import Town

# May be said again word for word, after its opposite: two opposites in turn.
TURNS: Final[dict[type[Event], str]] = {
    orders.HoldSet: "hold",
    orders.HoldLifted: "hold",
    orders.ExitAuthorised: "exit",
    orders.ExitWithdrawn: "exit",
}
# One for each charge of the buyer, each document of the carrier, each version that customs tried to put together.
EACH: Final = (
    payments.EscrowHeld, payments.PaymentDuplicated, logistics.WaybillDocumentRefused, customs.DeclarationMismatched,
)  # fmt: skip


def checked(town: Town) -> Town:
    """Everything at rest: the walk is over."""
    found = wrong(town)
    assert not found, "\n".join(found)
    return town


def wrong(town: Town) -> list[str]:
    house = town.house
    return [*town.failures, *at_rest(house), *stock(town), *dispatched(town.said), *twice(town.said)]


def at_rest(house: House) -> list[str]:
    """What can be seen without knowing what was said."""
    return [*waiting(house), *unended(house), *money(house), *settled(house), *declared(house)]


def waiting(house: House) -> Iterator[str]:
    for node in house.nodes.values():
        yield from (f"{node.name} parked {item.content!r:.200}" for item in node.waiting)
        yield from (f"{node.name} put aside {content!r:.200}" for content in node.stored.values())
    yield from (f"{way.reader} never read {fact.type}" for way, facts in house.ways.items() for fact in facts)


def _all(house: House, service: str, kind: Kind[Any]) -> list[Any]:
    return [value for (name, _), value in house.nodes[service].states.items() if name == kind.name]


def unended(house: House) -> Iterator[str]:
    """An order ends, or waits with a reason that people see."""
    for order in _all(house, "orders", ORDER):
        assert isinstance(order, Order)
        if order.intent in (Intent.PLACED, Intent.CLOSING) and not order.holds:
            yield f"{order.external_id} is {order.intent.value} for no reason: money {order.money.state.value}"


def money(house: House) -> Iterator[str]:
    """Zero per currency; what the provider has is what we say that it has; an ended order's escrow is empty."""
    lines = _all(house, "payments", LINE)
    sums: Counter[str] = Counter()
    accounts: Counter[str] = Counter()
    for line in lines:
        assert isinstance(line, Line)
        sums[line.amount.currency] += line.amount.minor
        kept = line.what != "fee" if line.account.startswith("clearing/") else True
        accounts[line.account] += line.amount.minor * kept
    yield from (f"ledger {currency} {minor}" for currency, minor in sums.items() if minor)
    ours = sum(minor for account, minor in accounts.items() if account.startswith("clearing/"))
    bank, channel = house.nodes["payments"].partner, house.nodes["orders"].partner
    assert isinstance(bank, Bank)
    assert isinstance(channel, Channel)
    theirs = 0
    for order in _all(house, "orders", ORDER):
        if order.collected_by == "channel" and (order.conflicts or order.holds):
            ours -= _known(lines, order.id)  # a person compares the channel's word with ours
            continue
        has = channel.balance(order.id) if order.collected_by == "channel" else bank.balance(order.id)
        theirs += has
        if order.intent in (Intent.CANCELLED, Intent.COMPLETED) and accounts[f"escrow/{order.id}"]:
            yield f"{order.external_id} is over, its escrow has {accounts[f'escrow/{order.id}']}"
        if order.intent is Intent.CANCELLED and has:
            yield f"{order.external_id} is cancelled, and the buyer misses {has}"
    if ours != theirs:
        yield f"we say that provider and channel have {ours}, they have {theirs}"


def settled(house: House) -> Iterator[str]:
    """Goods, papers and money of an order that is over say the same."""
    road = house.nodes["logistics"].partner
    assert isinstance(road, Road)
    for order in _all(house, "orders", ORDER):
        assert isinstance(order, Order)
        papers = order.import_papers.state
        if order.intent is Intent.COMPLETED and papers is not Papers.RELEASED:
            yield f"{order.external_id} is completed, its papers are {papers.value}"
        for parcel_id, parcel in order.parcels.items():
            there = road.parcels.get(parcel_id)
            if there is not None and there.out and parcel.state is Carriage.VOIDED:
                yield f"{order.external_id}: {parcel_id} is out, and voided for us"


def declared(house: House) -> Iterator[str]:
    """The order, the payment and the waybill quote one number, or customs cannot put them together."""
    window, road = house.nodes["customs"].partner, house.nodes["logistics"].partner
    assert isinstance(window, Window)
    assert isinstance(road, Road)
    for draft in window.drafts.values():
        assert draft.waybill is not None
        theirs = road.parcels[str(draft.waybill.parcel_id)].order_no
        if theirs != draft.paid.order_no:
            yield f"declared as {draft.paid.order_no}, booked as {theirs}"


def _known(lines: Sequence[Line], order_id: str) -> int:
    clearing = [line for line in lines if line.order_id == order_id and line.account.startswith("clearing/")]
    return sum(line.amount.minor for line in clearing if line.what != "fee")


# --- goods ------------------------------------------------------------------------------------------------------------


def stock(town: Town) -> Iterator[str]:
    """Shelf and account book: what was there at first, less what went into parcels, more what came back."""
    shelves = {(one.sku, one.location): one for one in _all(town.house, "catalog", STOCK)}
    first = _first()
    gone = _gone(town.said)
    for place, shelf in shelves.items():
        before = first.get(place)
        came = town.delivered[place]
        on_hand, book = (before.on_hand + came, _book(before) + came) if before else (came, came)
        if shelf.on_hand != on_hand - gone[place]:
            yield f"{place}: {shelf.on_hand} on the shelf, {on_hand} less {gone[place]} are right"
        if shelf.bonded and _book(shelf) != book - gone[place]:
            yield f"{place}: {_book(shelf)} in the book, {book} less {gone[place]} are right"
        if not 0 <= shelf.reserved <= shelf.on_hand:
            yield f"{place}: {shelf.reserved} of {shelf.on_hand} reserved"
    held = [each for each in _all(town.house, "catalog", RESERVATION) if each.state is Held.RESERVED]
    reserved = sum(line.quantity for each in held for line in each.lines)
    if (counted := sum(shelf.reserved for shelf in shelves.values())) != reserved:
        yield f"{counted} reserved on the shelves, {reserved} by orders"


@cache
def _first() -> dict[tuple[str, str], Stock]:
    return {(one.sku, one.location): one for one in _all(Town.of().house, "catalog", STOCK)}


def _book(shelf: Stock) -> int:
    return sum(lot.book for lot in shelf.lots)


def _gone(said: Sequence[Event]) -> Counter[tuple[str, str]]:
    """Pieces that left the shelves for good: drawn and not restocked, or written off where they lay."""
    gone: Counter[tuple[str, str]] = Counter()
    drawn: set[str] = set()

    def move(lines: Sequence[StockLine], sign: int) -> None:
        for line in lines:
            gone[line.sku, line.location] += sign * line.quantity

    for fact in said:
        match fact:
            case catalog.ReservationDrawn():
                drawn.add(fact.order_id)
                move(fact.lines, 1)
            case catalog.ReservationRestocked():
                move(fact.lines, -1)
            case catalog.ReservationWrittenOff() if fact.order_id not in drawn:
                move(fact.lines, 1)
            case _:
                continue
    return gone


# --- the order of things ----------------------------------------------------------------------------------------------


def dispatched(said: Sequence[Event]) -> Iterator[str]:
    """Nothing passes the gate before it is paid and released."""
    paid: set[str] = set()
    free: set[str] = set()
    for fact in said:
        match fact:
            case payments.PaymentCaptured() | payments.PaymentConfirmed():
                paid.add(fact.order_id)
            case customs.DeclarationReleased():
                free.add(fact.order_id)
            case customs.DeclarationHeld() | customs.DeclarationDetained():
                free.discard(fact.order_id)
            case logistics.ParcelExited():
                missing = [word for word, there in (("money", paid), ("release", free)) if fact.order_id not in there]
                yield from (f"{fact.parcel_id} left without {word}" for word in missing)
            case _:
                continue


def twice(said: Sequence[Event]) -> Iterator[str]:
    """Word for word again; money is held once for each time that it came."""
    seen: set[str] = set()
    held = sum(isinstance(fact, payments.EscrowHeld) for fact in said)
    came = sum(isinstance(fact, payments.PaymentCaptured | payments.PaymentConfirmed) for fact in said)
    if held > came:
        yield f"held {held} times, paid {came} times"
    last: dict[tuple[str, str], str] = {}
    for fact in said:
        if (turn := TURNS.get(type(fact))) is not None:
            about = getattr(fact, "hold", "") or getattr(fact, "parcel_id", "")
            again = last.get((f"{turn} {about}", fact.key)) == fact.type
            last[f"{turn} {about}", fact.key] = fact.type
        elif isinstance(fact, EACH):
            again = False
        else:
            text = f"{fact.type} {fact!r}"
            again = text in seen
            seen.add(text)
        if again:
            yield f"said twice: {fact!r:.200}"
