"""Scenario 49: whatever overtakes what between topics, every walk ends the same with nothing parked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from services.logistics.shipment import Shipment
from services.orders.commands import CancelAsked
from services.orders.order import ORDER, Order
from services.orders.said import Policy
from services.payments.payment import PAYMENT
from shared.events.customs import DeclarationReleased
from shared.flow.decision import NOTHING, Answer, Process, States
from tests.flows.books import at_rest, checked
from tests.flows.explore import Explorer
from tests.flows.house import House
from tests.flows.partners.bank import Bank
from tests.flows.partners.bank import Habits as Payers
from tests.flows.partners.base import Partner, Says
from tests.flows.partners.road import BACK, HOME, M, Road
from tests.flows.partners.road import Habits as Carriers
from tests.flows.partners.window import Habits as Officers
from tests.flows.partners.window import Window
from tests.flows.shops import CANCELLED, CLEARED, CLEARING, LAMU, LAMU_TEA, PAID, Sold, shown
from tests.flows.town import Town

# The hold period is over as soon as it begins: else every reader would have caught up by then.
AT_ONCE = Policy(hold=timedelta(0))
Walk = Callable[[], Town]


def bonded() -> Town:
    town = Town.of(AT_ONCE)
    town.places()
    return town


def direct_mail() -> Town:
    town = Town.of(AT_ONCE)
    town.places(sold=(Sold(LAMU_TEA, 12000),), of=LAMU)
    return town


def xiaohongshu() -> Town:
    town = Town.of(AT_ONCE)
    town.names(shown("P1", PAID, CLEARING, CLEARED))
    return town


def settled(value: object) -> object:
    """A parcel's scans are a history in order of arrival: the same ones in another order are the same history."""
    if not isinstance(value, Shipment):
        return value
    parcels = {
        key: replace(
            parcel,
            events=tuple(sorted(parcel.events, key=lambda event: event.dedupe_key)),
            spoken=tuple(sorted(parcel.spoken)),
        )
        for key, parcel in value.parcels.items()
    }
    return replace(value, parcels=parcels)


def different(one: House, other: House) -> list[str]:
    """Where two ends differ, in words short enough to read."""
    found: list[str] = []
    for name, node in one.nodes.items():
        others = other.nodes[name]
        keys = sorted(node.states.keys() | others.states.keys())
        found += [
            f"{name} {kind}"
            for kind, key in keys
            if settled(node.states.get((kind, key))) != settled(others.states.get((kind, key)))
        ]
        if node.spoken != others.spoken:
            found.append(f"{name} spoke {node.spoken} and {others.spoken}")
    return found


@pytest.mark.parametrize("walk", [bonded, direct_mail, xiaohongshu])
def test_49_every_interleaving_of_a_straight_walk_ends_the_same_with_nothing_parked(walk: Walk) -> None:
    explorer = Explorer(walk().house)

    explored = explorer.run()

    for place, end in explored.ends.items():
        assert at_rest(end) == [], "\n".join(explorer.history(place))
    first, *others = explored.ends.values()
    assert [different(first, end) for end in others] == [[] for _ in others]
    assert explored.places > 1000


TROUBLES: dict[str, tuple[dict[str, Partner], str]] = {
    "paid by another, then by the buyer": ({"payments": Bank(Payers(identity=("different", "same")))}, "completed"),
    "inspected and released": ({"customs": Window(Officers(inventory=(("2", "120", "500", "800"),)))}, "completed"),
    "released, inspected, released": (
        {"customs": Window(Officers(inventory=(("2", "120", "800", "500", "800"),)))},
        "completed",
    ),
    "sent abroad": ({"customs": Window(Officers(inventory=(("2", "120", "700"),)))}, "cancelled"),
    "over the year": ({"customs": Window(Officers(inventory=(("2", "-621018"),)))}, "cancelled"),
    "refused at the door": ({"logistics": Road(Carriers(scans=(*HOME[:2], *BACK)))}, "cancelled"),
    "lost": ({"logistics": Road(Carriers(scans=(M.PICKED_UP, M.LOST)))}, "placed"),
    "not to be booked": ({"logistics": Road(Carriers(books="no such district"))}, "placed"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_49_every_interleaving_of_a_troubled_walk_ends_in_the_same_state(trouble: str) -> None:
    partners, intent = TROUBLES[trouble]
    town = Town.of(AT_ONCE, **partners)
    town.places()
    explorer = Explorer(town.house)

    explored = explorer.run()

    for place, end in explored.ends.items():
        assert at_rest(end) == [], "\n".join(explorer.history(place))
    ended = [order for end in explored.ends.values() for order in orders_of(end)]
    assert {order.intent for order in ended} == {intent}
    assert len({(order.holds, order.money.state, order.goods.state) for order in ended}) == 1


def forgetful(process: Process) -> Process:
    """Payments that owes customs nothing where it hears of the release before it knows the tax."""

    def decide(states: States, content: object, now: datetime) -> Answer:
        payment = states.get(PAYMENT, content.key) if isinstance(content, DeclarationReleased) else None
        untaxed = payment is not None and payment.valuation is None
        return NOTHING if untaxed else process.decide(states, content, now)

    return replace(process, decide=decide)


def test_walking_every_order_finds_what_only_one_order_shows() -> None:
    town = bonded()
    node = town.node("payments")
    nodes = {**town.house.nodes, "payments": replace(node, process=forgetful(node.process))}
    plain = Town(replace(town.house, nodes=nodes)).ends()
    assert at_rest(plain.house) == []
    explorer = Explorer(replace(town.house, nodes=nodes))

    found = {place: wrong for place, end in explorer.run().ends.items() if (wrong := at_rest(end))}

    [(place, wrong)] = found.items()
    assert wrong[0].startswith("payments parked FundsReleaseAuthorised")
    history = explorer.history(place)
    late, early = "payments reads customs.assessment.made", "payments reads customs.declaration.released"
    assert history.index(early) < history.index(late)


def cancelling(town: Town) -> Town:
    """The buyer changes her mind: her letter may be opened at any moment."""
    [order_id] = [key for kind, key in town.node("orders").states if kind == ORDER.name]
    letter = CancelAsked(town.order(order_id).id, town.order(order_id).seller, "buyer", "changed my mind")
    town.acts("orders", town.channel, [Says(letter)])
    return town


def test_49_a_cancellation_at_every_moment_of_every_interleaving_ends_cancelled_or_completed_and_clean() -> None:
    explorer = Explorer(cancelling(bonded()).house)

    explored = explorer.run()

    ends = {order.intent for end in explored.ends.values() for order in orders_of(end)}
    assert ends == {"cancelled", "completed"}
    for place, end in explored.ends.items():
        assert at_rest(end) == [], "\n".join(explorer.history(place))


def orders_of(house: House) -> list[Order]:
    return [value for value in house.nodes["orders"].states.values() if isinstance(value, Order)]


@pytest.mark.parametrize("walk", [bonded, direct_mail])
def test_49_a_cancellation_after_so_many_steps_ends_clean_whatever_chance_brings(walk: Walk) -> None:
    for seed in range(80):
        Town.seed = seed
        town = at_chance(walk(), seed)
        cancelling(town).ends()
        checked(town)


def test_49_a_cancellation_at_the_channel_after_so_many_steps_ends_clean_whatever_chance_brings() -> None:
    for seed in range(80):
        Town.seed = seed
        town = Town.of(AT_ONCE)
        town.names(shown("P1", PAID, CLEARING, CLEARED, CANCELLED, stays=1))
        at_chance(town, seed).goes_on("P1")
        town.ends()
        checked(town)


def at_chance(town: Town, seed: int) -> Town:
    """Some steps further."""
    for _ in range(Random(seed).randrange(80)):
        if not (moves := town.house.moves()):
            break
        town.does(Random(seed).choice(moves))
    return town
