"""Walks to be taken in every order, or as chance will have it: towns at their first step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from services.orders.commands import CancelAsked, Command
from services.orders.order import ORDER, Order
from services.orders.said import Policy
from tests.flows.house import House
from tests.flows.partners.base import Partner, Says
from tests.flows.shops import CLEARED, CLEARING, LAMU, LAMU_TEA, PAID, Sold, shown
from tests.flows.town import Town

# The hold period is over as soon as it begins: else every reader would have caught up by then.
AT_ONCE = Policy(hold=timedelta(0))
Walk = Callable[[], Town]


def bonded(**partners: Partner) -> Town:
    town = Town.of(AT_ONCE, **partners)
    town.places()
    return town


def direct_mail(**partners: Partner) -> Town:
    town = Town.of(AT_ONCE, **partners)
    town.places(sold=(Sold(LAMU_TEA, 12000),), of=LAMU)
    return town


def xiaohongshu(*stages: dict[str, object], **partners: Partner) -> Town:
    town = Town.of(AT_ONCE, **partners)
    town.names(shown("P1", *(stages or (PAID, CLEARING, CLEARED))))
    return town


def orders_of(house: House) -> list[Order]:
    return [value for value in house.nodes["orders"].states.values() if isinstance(value, Order)]


def at_any_moment(town: Town, asked: Callable[[Order], Command]) -> Town:
    """Somebody asks for something: the letter may be opened at any moment."""
    [order_id] = [key for kind, key in town.node("orders").states if kind == ORDER.name]
    town.acts("orders", town.channel, [Says(asked(town.order(order_id)))])
    return town


def cancelling(order: Order) -> Command:
    return CancelAsked(order.id, order.seller, "buyer", "changed my mind")
