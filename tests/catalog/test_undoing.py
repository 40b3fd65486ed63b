"""What becomes of goods that an order no longer needs, and of orders that wait for goods."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.catalog.reserving import EXPIRY, RETRY, Policy
from services.catalog.stock import RESERVATION, Held
from shared.events import catalog
from shared.events.base import Event
from shared.events.orders import PaymentObserved
from shared.events.payments import PaymentConfirmed
from shared.flow.decision import NOTHING, Decision, States, Wider
from shared.money import Money
from tests.catalog.shelf import (
    COFFEE,
    NOW,
    ORIGIN,
    PLACE,
    SELLER,
    TEA,
    Shelf,
    arrival,
    id_of,
    packed,
    placed,
    release,
)  # fmt: skip


def drawn(place: str = PLACE) -> Shelf:
    shelf = Shelf.stocked()
    shelf.hears(arrival(COFFEE, 5, place=ORIGIN), arrival(TEA, 5, place=ORIGIN))
    shelf.hears(placed(1, (COFFEE, 2), (TEA, 1), place=place))
    shelf.hears(packed(1, *shelf.lines(1)))
    return shelf


def paid(number: int) -> PaymentObserved:
    return PaymentObserved(
        order_id=id_of(number), seller=SELLER, amount=Money(6900, "CNY"), method="alipay", external_no="1",
        customs_no="", paid_at=NOW,
    )  # fmt: skip


def confirmed(number: int) -> PaymentConfirmed:
    return PaymentConfirmed(
        order_id=id_of(number), seller=SELLER, amount=Money(6900, "CNY"), basis="order", external_no="1",
        customs_no="", paid_at=NOW,
    )  # fmt: skip


def test_goods_of_the_origin_leave_the_shelf_and_no_account_book() -> None:
    shelf = drawn(ORIGIN)

    assert (shelf.counters(COFFEE, ORIGIN), shelf.counters(COFFEE)) == ((3, 0, 0), (5, 0, 5))


@pytest.mark.parametrize(("place", "book"), [(PLACE, 5), (ORIGIN, 0)])
def test_what_comes_back_lies_in_its_lot_again_on_the_shelf_and_in_the_account_book(place: str, book: int) -> None:
    shelf = drawn(place)

    [restocked] = shelf.hears(release(1, *shelf.lines(1)))

    assert isinstance(restocked, catalog.ReservationRestocked)
    assert restocked.lines == shelf.lines(1)
    assert (shelf.counters(COFFEE, place), shelf.reservation(1).state) == ((5, 0, book), Held.RESTOCKED)
    assert shelf.decides(release(1, *shelf.lines(1))) == NOTHING


def test_what_will_not_come_back_is_written_off_and_no_counter_moves_again() -> None:
    shelf = drawn()

    [gone] = shelf.hears(release(1, *shelf.lines(1), disposition="write_off"))

    assert isinstance(gone, catalog.ReservationWrittenOff)
    assert (shelf.counters(COFFEE), shelf.counters(TEA)) == ((3, 0, 3), (4, 0, 4))
    assert shelf.decides(release(1, *shelf.lines(1))) == NOTHING


def test_goods_sent_abroad_before_they_were_packed_leave_shelf_and_account_book() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 2)))

    [gone] = shelf.hears(release(1, *shelf.lines(1), disposition="write_off"))

    assert isinstance(gone, catalog.ReservationWrittenOff)
    assert (shelf.counters(COFFEE), shelf.work) == ((3, 0, 3), {})


@pytest.mark.parametrize("disposition", ["back", "write_off"])
def test_packed_and_undone_end_in_the_same_counters_whichever_is_heard_first(disposition: str) -> None:
    ends = []
    for order in ("packed first", "undone first"):
        shelf = Shelf.stocked()
        shelf.hears(placed(1, (COFFEE, 2), (TEA, 1)))
        lines = shelf.lines(1)
        undone = release(1, *lines, disposition="back" if disposition == "back" else "write_off")
        shelf.hears(*([packed(1, *lines), undone] if order == "packed first" else [undone, packed(1, *lines)]))
        ends.append((shelf.counters(COFFEE), shelf.counters(TEA)))

    assert ends[0] == ends[1] == (((5, 0, 5), (5, 0, 5)) if disposition == "back" else ((3, 0, 3), (4, 0, 4)))


def test_an_undoing_that_does_not_name_all_goods_asks_for_their_lanes() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 2), (TEA, 1)))
    loaded = States({RESERVATION.key(id_of(1)): shelf.reservation(1)})

    answer = shelf.process.decide(loaded, release(1), NOW)

    assert isinstance(answer, Wider)
    assert answer.reach.lanes == (id_of(1), f"{COFFEE}@{PLACE}", f"{TEA}@{PLACE}")


def test_scenario_11_a_marketplace_paid_order_waits_for_goods_and_goes_on_when_they_come() -> None:
    shelf = Shelf.stocked(coffee=1)
    wait = Policy().retry_after

    [refused] = shelf.hears(placed(1, (COFFEE, 2), (TEA, 1), collected_by="channel"))
    assert isinstance(refused, catalog.ReservationRefused)
    assert shelf.looks_again(1) == []
    shelf.hears(arrival(COFFEE, 1, "B"))
    assert shelf.looks_again(1) == []  # a line is one lot
    shelf.hears(arrival(COFFEE, 2, "C"))
    [made] = shelf.looks_again(1)

    assert isinstance(made, catalog.ReservationMade)
    assert [line.lot for line in made.lines] == ["C", "A"]
    assert (shelf.now, shelf.work[id_of(1)].kind) == (NOW + 3 * wait, EXPIRY)
    assert shelf.counters(COFFEE) == (4, 2, 4)


def test_an_own_shops_order_that_is_short_does_not_wait() -> None:
    shelf = Shelf.stocked(coffee=1)

    shelf.hears(placed(1, (COFFEE, 2)))

    assert shelf.work == {}


def test_an_order_that_is_given_up_looks_for_goods_no_longer() -> None:
    shelf = Shelf.stocked(coffee=1)
    shelf.hears(placed(1, (COFFEE, 2), collected_by="channel"))
    late = shelf.work[id_of(1)]

    [released] = shelf.hears(release(1))

    assert isinstance(released, catalog.ReservationReleased)
    assert (released.lines, shelf.work) == ((), {})
    shelf.hears(arrival(COFFEE, 9, "B"))
    shelf.work[id_of(1)] = late  # leased before it was cancelled
    assert shelf.looks_again(1) == []


@pytest.mark.parametrize("told", [paid(1), confirmed(1)], ids=["by the channel", "by payments"])
def test_a_channels_paid_order_does_not_expire(told: Event) -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 2), collected_by="channel"), told)

    assert shelf.work == {}


def test_an_order_that_was_paid_while_it_was_short_does_not_expire_either() -> None:
    shelf = Shelf.stocked(coffee=1)
    shelf.hears(placed(1, (COFFEE, 2), collected_by="channel"), paid(1))
    assert shelf.work[id_of(1)].kind == RETRY
    shelf.hears(arrival(COFFEE, 9, "B"))

    [made] = shelf.looks_again(1)

    assert isinstance(made, catalog.ReservationMade)
    assert shelf.work == {}


def test_the_window_and_the_looks_are_business_time() -> None:
    policy = Policy(timedelta(days=4), timedelta(minutes=15), time_scale=60)
    shelf = Shelf.stocked(coffee=1, policy=policy)

    shelf.hears(placed(1, (COFFEE, 1)), placed(2, (COFFEE, 1), collected_by="channel"))

    assert shelf.work[id_of(1)].due_at == NOW + timedelta(hours=1, minutes=36)
    assert shelf.work[id_of(2)].due_at == NOW + timedelta(seconds=15)


def test_a_retry_that_is_answered_already_does_nothing() -> None:
    shelf = Shelf.stocked(coffee=1)
    shelf.hears(placed(1, (COFFEE, 2), collected_by="channel"))
    late = shelf.work[id_of(1)]
    shelf.hears(arrival(COFFEE, 2, "B"))
    shelf.looks_again(1)

    shelf.work[id_of(1)] = late
    assert shelf.looks_again(1) == []
    assert isinstance(shelf.decides(release(1, *shelf.lines(1))), Decision)
    assert shelf.counters(COFFEE) == (3, 2, 3)
