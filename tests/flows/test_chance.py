"""Bad days on top of each other: partners with any habits, people who ask for anything at any time.

What becomes of such an order nobody can say beforehand; that it ends, or waits with a reason, and that money, goods and
books are what they should be, must be true of every one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any, Final

import pytest

from services.logistics.milestones import Milestone
from services.logistics.shipment import Answer
from services.orders.canonical import ChannelHold
from services.orders.commands import AddressCorrected, ReceiptConfirmed
from services.orders.order import ORDER, Order
from services.orders.said import Policy
from shared.events.customs import DeclarationDetained, DeclarationHeld
from shared.ids import OrderId, out_trade_no
from tests.flows import books
from tests.flows.partners.bank import Bank
from tests.flows.partners.bank import Habits as Payers
from tests.flows.partners.base import Partner
from tests.flows.partners.road import BACK, HOME, Road
from tests.flows.partners.road import Habits as Carriers
from tests.flows.partners.window import Habits as Officers
from tests.flows.partners.window import Window
from tests.flows.people import recipient
from tests.flows.shops import (
    CANCELLED,
    CLEARED,
    CLEARING,
    COFFEE,
    COMPLETED,
    LAMU,
    LAMU_TEA,
    NAIROBI,
    PAID,
    SHIPPED,
    Sold,
    canonical,
    pushed,
    shown,
)
from tests.flows.town import Town

M: Final = Milestone
RELEASED: Final = ("2", "120", "800")
INVENTORY: Final = (
    *(RELEASED,) * 5, ("2", "120"), ("2",), ("2", "100"), ("2", "-621018"), ("2", "120", "500"),
    ("2", "120", "500", "800"), ("2", "120", "800", "500", "800"), ("2", "120", "700"), ("2", "120", "501", "800"),
    ("2", "800", "120"), ("2", "120", "800", "500"),
)  # fmt: skip
SCANS: Final = (
    *(HOME,) * 5,
    (M.PICKED_UP, M.LOST),
    (*HOME[:2], *BACK),
    (),
    (M.PICKED_UP,),
    BACK,
    (M.LOST, M.DELIVERED),
)
UNDONE: Final = (*(("2", "120", "399"),) * 3, ("2", "100"), ("2",))
SHOPS: Final = (NAIROBI, NAIROBI, NAIROBI, LAMU, LAMU, None)  # None: the third, which shows its orders stage by stage
SOLD: Final = {NAIROBI.id: (Sold(COFFEE, 12900),), LAMU.id: (Sold(LAMU_TEA, 12000),)}


def often(chance: Random, usual: Any, *rarely: Any) -> Any:
    return chance.choice(rarely) if chance.random() < 0.25 else usual


def partners(chance: Random) -> dict[str, Partner]:
    payers = Payers(
        pays=often(chance, True, False), open_takes=timedelta(seconds=often(chance, 0, 3)),
        declares=(often(chance, "accepted", "accepted", "refused"),),
        identity=often(chance, ("same",), ("different", "same"), ("different",), ("unknown",)),
    )  # fmt: skip
    carriers = Carriers(
        books=often(chance, "", "", "no such district"), packs=often(chance, True, False),
        document=often(chance, Answer.ACCEPTED, Answer.REFUSED, None), leaves=often(chance, True, False),
        consolidates=often(chance, True, False), scans=chance.choice(SCANS),
        recalled=often(chance, BACK, (M.LOST,), ()), pace=timedelta(days=often(chance, 0, 2, 20)),
    )  # fmt: skip
    officers = Officers(
        order=often(chance, ("2", "120"), ("2",), ("2", "100")),
        inventory=tuple(chance.choice(INVENTORY) for _ in range(chance.choice((1, 2)))),
        cancellation=often(chance, UNDONE[0], *UNDONE, ("622:800", "2", "100")), taken_back=often(chance, *UNDONE),
        silent=often(chance, 0, 1, 3, 5), slow=timedelta(seconds=often(chance, 0, 5)),
    )  # fmt: skip
    return {"payments": Bank(payers), "logistics": Road(carriers), "customs": Window(officers)}


def orders(town: Town, chance: Random) -> OrderId:
    shop = chance.choice(SHOPS)
    if shop is not None:
        return town.places(sold=SOLD[shop.id], of=shop)
    stages = [PAID, CLEARING, CLEARED, SHIPPED, COMPLETED]
    if chance.random() < 0.5:
        stages = [*stages[: chance.randrange(1, 5)], CANCELLED]
    return town.names(shown("P1", *stages, stays=chance.randrange(len(stages))))


# --- what people and partners do by themselves ------------------------------------------------------------------------


def cancels(town: Town, order: Order, chance: Random) -> None:
    town.cancels(order.id, chance.choice(("buyer", "operator")))


def receives(town: Town, order: Order, _: Random) -> None:
    town.asks(ReceiptConfirmed(order.id, order.seller))


def corrects(town: Town, order: Order, chance: Random) -> None:
    town.asks(AddressCorrected(order.id, order.seller, recipient(f"测试路{chance.randrange(9)}号")))


def pays(town: Town, order: Order, chance: Random) -> None:
    """Late, twice, or not what was asked."""
    if order.collected_by == "self" and out_trade_no(order.id, order.money.attempt) in town.bank.trades:
        town.pays(order.id, order.money.attempt, short_by=often(chance, 0, 1))


def reviews(town: Town, order: Order, chance: Random) -> None:
    """The channel begins or ends a review."""
    of = {NAIROBI.id: NAIROBI, LAMU.id: LAMU}.get(order.connection)
    if of is not None:
        hold = chance.choice((ChannelHold.RISK_REVIEW, None))
        told = canonical(of, order.external_id, SOLD[of.id], hold=hold, at=town.later(minutes=1))
        town.hears("orders", pushed(of, told))


def settles(town: Town, order: Order, chance: Random) -> None:
    """An operator has looked at what only an operator can settle."""
    for hold in {"payment_audit", "booking_refused", "shipment_unconfirmed"}.intersection(order.holds):
        town.lifts(order.id, hold)


def scans(town: Town, order: Order, chance: Random) -> None:
    parcel = town.road.parcels.get(town.parcel(order.id)) if order.parcels else None
    if parcel is not None and parcel.out:
        town.scans(order.id, *chance.choice((HOME, BACK, (M.LOST,), (M.DELIVERED,))))


def moves_on(town: Town, order: Order, _: Random) -> None:
    """The channel's order reaches its next stage."""
    if order.collected_by == "channel" and len(town.channel.orders["P1"].stages) > 1:
        town.goes_on("P1")


def waits(town: Town, _: Order, chance: Random) -> None:
    town.passes(days=chance.choice((0.01, 0.1, 1, 5, 12)))


Act = Callable[[Town, Order, Random], None]
ACTS: Final[tuple[Act, ...]] = (
    cancels, cancels, receives, corrects, pays, pays, reviews, reviews, settles, scans, moves_on, waits, waits, waits,
)  # fmt: skip


def lived(seed: int) -> tuple[Town, OrderId]:
    """Some steps, somebody does something, some more steps; at last everything comes to rest."""
    chance = Random(seed)
    Town.seed = seed
    town = Town.of(Policy(hold=timedelta(days=chance.choice((0, 15)))), **partners(chance))
    order_id = orders(town, chance)
    for _ in range(chance.randrange(12)):
        town.steps(chance.randrange(60))
        if ORDER.key(order_id) in town.node("orders").states:
            chance.choice(ACTS)(town, town.order(order_id), chance)
    return town.ends(), order_id


def wrong(town: Town) -> list[str]:
    """What customs says after the release may cross with the parcel that leaves."""
    said = [fact for fact in town.said if not isinstance(fact, DeclarationHeld | DeclarationDetained)]
    found = [*town.failures, *books.at_rest(town.house), *books.stock(town)]
    return [*found, *books.dispatched(said), *books.twice(town.said)]


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_whatever_comes_together_an_order_ends_or_waits_with_a_reason_and_the_books_are_right(first: int) -> None:
    for seed in range(first, first + 50):
        town, order_id = lived(seed)
        assert wrong(town) == [], f"seed {seed}: {town.end(order_id)}"


def test_chance_brings_every_kind_of_end() -> None:
    ends = Counter(town.order(order_id).intent.value for town, order_id in map(lived, range(60)))

    assert ends.keys() == {"placed", "closing", "cancelled", "completed"}
