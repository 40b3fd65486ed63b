"""Scenario 49 on bad days: every interleaving of what a trouble brings, and people who ask at every moment of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from services.logistics.milestones import Milestone
from services.orders.commands import AddressCorrected, Command, ReceiptConfirmed
from services.orders.order import Order
from tests.flows.books import at_rest, checked
from tests.flows.explore import Explorer
from tests.flows.partners.bank import Bank
from tests.flows.partners.bank import Habits as Payers
from tests.flows.partners.road import BACK, HOME, Road
from tests.flows.partners.road import Habits as Carriers
from tests.flows.partners.window import Habits as Officers
from tests.flows.partners.window import Window
from tests.flows.people import recipient
from tests.flows.shops import CANCELLED, CLEARED, CLEARING, COMPLETED, PAID, SHIPPED, shown
from tests.flows.town import Town
from tests.flows.walks import AT_ONCE, Walk, at_any_moment, bonded, cancelling, direct_mail, orders_of, xiaohongshu


def customs(*inventory: tuple[str, ...]) -> Window:
    return Window(Officers(inventory=inventory))


def road(*scans: Milestone) -> Road:
    return Road(Carriers(scans=scans))


REFUSED = (*HOME[:2], *BACK)
PAYER = Payers(identity=("different", "same"))

# Whatever overtakes what, it ends in one way.
TROUBLES: dict[str, tuple[Walk, str]] = {
    "paid by another, then by the buyer": (lambda: bonded(payments=Bank(PAYER)), "completed"),
    "inspected and released": (lambda: bonded(customs=customs(("2", "120", "500", "800"))), "completed"),
    "released, inspected, released": (
        lambda: bonded(customs=customs(("2", "120", "800", "500", "800"))),
        "completed",
    ),
    "sent abroad": (lambda: bonded(customs=customs(("2", "120", "700"))), "cancelled"),
    "over the year": (lambda: bonded(customs=customs(("2", "-621018"))), "cancelled"),
    "refused at the door": (lambda: bonded(logistics=road(*REFUSED)), "cancelled"),
    "lost": (lambda: bonded(logistics=road(Milestone.PICKED_UP, Milestone.LOST)), "placed"),
    "not to be booked": (lambda: bonded(logistics=Road(Carriers(books="no such district"))), "placed"),
    "direct mail sent back": (lambda: direct_mail(customs=customs(("2", "120", "700"))), "cancelled"),
    "direct mail over the year": (lambda: direct_mail(customs=customs(("2", "-621018"))), "cancelled"),
    "cancelled at the channel": (lambda: xiaohongshu(PAID, CANCELLED), "cancelled"),
    "completed by the channel": (lambda: xiaohongshu(PAID, CLEARED, SHIPPED, COMPLETED), "completed"),
    "lost, paid at the channel": (
        lambda: xiaohongshu(PAID, CLEARED, logistics=road(Milestone.PICKED_UP, Milestone.LOST)), "placed",
    ),
    "refused, paid at the channel": (lambda: xiaohongshu(PAID, CLEARED, logistics=road(*REFUSED)), "placed"),
}  # fmt: skip


def ended(walk: Walk) -> Iterator[Order]:
    """Every end of every order of things, each checked."""
    explorer = Explorer(walk().house)
    for place, end in explorer.run().ends.items():
        assert at_rest(end) == [], "\n".join(explorer.history(place))
        yield from orders_of(end)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_49_every_interleaving_of_a_troubled_walk_ends_in_the_same_state(trouble: str) -> None:
    walk, intent = TROUBLES[trouble]

    ends = list(ended(walk))

    assert {order.intent for order in ends} == {intent}
    assert len({(order.holds, order.money.state, order.goods.state) for order in ends}) == 1


def correcting(order: Order) -> Command:
    return AddressCorrected(order.id, order.seller, recipient("测试路10号"))


def confirming(order: Order) -> Command:
    return ReceiptConfirmed(order.id, order.seller)


EITHER = {"cancelled", "completed"}

# Somebody asks for something at any moment: how it may end then.
ASKED: dict[str, tuple[Walk, Callable[[Order], Command], set[str]]] = {
    "cancelled": (bonded, cancelling, EITHER),
    "cancelled, and inspected": (lambda: bonded(customs=customs(("2", "120", "500", "800"))), cancelling, EITHER),
    "cancelled, and sent abroad": (lambda: bonded(customs=customs(("2", "120", "700"))), cancelling, {"cancelled"}),
    "cancelled, and over the year": (lambda: bonded(customs=customs(("2", "-621018"))), cancelling, {"cancelled"}),
    "another address": (bonded, correcting, {"completed"}),
    # One that is corrected before customs finds it unclear is not what customs means: that order waits for another.
    "address unclear": (
        lambda: bonded(customs=customs(("2", "100"), ("2", "120", "800"))), correcting, {"completed", "placed"},
    ),
    "received": (bonded, confirming, {"completed"}),
}  # fmt: skip


@pytest.mark.parametrize("asked", ASKED)
def test_49_what_is_asked_at_every_moment_of_every_interleaving_ends_clean(asked: str) -> None:
    walk, command, intents = ASKED[asked]

    ends = ended(lambda: at_any_moment(walk(), command))

    assert {order.intent.value for order in ends} == intents


@pytest.mark.parametrize("walk", [bonded, direct_mail])
def test_49_a_cancellation_after_so_many_steps_ends_clean_whatever_chance_brings(walk: Walk) -> None:
    for seed in range(80):
        Town.seed = seed
        checked(at_any_moment(walk().steps(Random(seed).randrange(80)), cancelling).ends())


def test_49_a_cancellation_at_the_channel_after_so_many_steps_ends_clean_whatever_chance_brings() -> None:
    for seed in range(80):
        Town.seed = seed
        town = Town.of(AT_ONCE)
        town.names(shown("P1", PAID, CLEARING, CLEARED, CANCELLED, stays=1))
        town.steps(Random(seed).randrange(80)).goes_on("P1")
        checked(town.ends())
