"""Whatever happens in whatever order: counters are what the reservations say, on the shelf and in the account book."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.catalog.commands import StockReceived
from services.catalog.stock import Held
from tests.catalog.shelf import COFFEE, ORIGIN, PLACE, TEA, Shelf, arrival, id_of, packed, placed, release

Step = tuple[str, int, int]
WHAT = ["place", "release", "draw", "expire", "arrive", "write_off", "look"]
STEPS = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 7), st.integers(1, 4)))


@given(STEPS, st.sampled_from([PLACE, ORIGIN]))
def test_whatever_happens_the_counters_are_what_the_reservations_say(steps: list[Step], place: str) -> None:
    shelf = Shelf.stocked(coffee=0, tea=0)
    shelf.hears(arrival(COFFEE, 6, place=place), arrival(TEA, 6, place=place))
    arrived = Counter({COFFEE: 6, TEA: 6})
    known: set[int] = set()

    for what, number, quantity in steps:
        step(shelf, known, what, number, quantity, place)
        arrived[COFFEE] += quantity if what == "arrive" else 0

    for sku in (COFFEE, TEA):
        reserved, gone = held(shelf, known, sku, Held.RESERVED), held(shelf, known, sku, Held.DRAWN, Held.WRITTEN_OFF)
        on_hand, in_stock, book = shelf.counters(sku, place)
        assert (in_stock, on_hand) == (reserved, arrived[sku] - gone)
        assert book == (on_hand if place == PLACE else 0)
        assert all(0 <= lot.reserved <= lot.on_hand for lot in shelf.stock(sku, place).lots)


def held(shelf: Shelf, known: set[int], sku: str, *states: Held) -> int:
    """Pieces in reservations of these states; what was never set aside has no lines."""
    all_of = [shelf.reservation(number) for number in known]
    return sum(line.quantity for one in all_of if one.state in states for line in one.lines if line.sku == sku)


def step(shelf: Shelf, known: set[int], what: str, number: int, quantity: int, place: str) -> None:
    kind = shelf.work[id_of(number)].kind if id_of(number) in shelf.work else ""
    match what:
        case "place" if number not in known:
            known.add(number)
            wanted = (COFFEE, quantity), (TEA, 1)
            shelf.hears(placed(number, *wanted, place=place, collected_by="channel" if number % 2 else "self"))
        case "release" if number in known:
            shelf.hears(release(number, *shelf.lines(number)))
        case "write_off" if number in known:
            shelf.hears(release(number, *shelf.lines(number), disposition="write_off"))
        case "draw" if number in known and shelf.reservation(number).state not in (Held.EXPIRED, Held.REFUSED):
            shelf.hears(packed(number, *shelf.lines(number)))
        case "expire" if kind == "reservation-expiry":
            shelf.expires(number)
        case "look" if kind == "reservation-retry":
            shelf.looks_again(number)
        case "arrive":
            shelf.hears(StockReceived(COFFEE, place, f"L{number}", date(2027, 1, 1 + number), quantity))
        case _:
            pass
