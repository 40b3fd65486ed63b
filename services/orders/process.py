"""How orders decides: a fact moves one track one step, a command is allowed or refused, then the guards speak. Pure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from services.orders import amending, channel, guards, news, undoing
from services.orders.commands import Command, FetchOrder, Nothing, OrderNamed, Pushed, RefundPushed
from services.orders.order import ORDER, Order
from services.orders.placing import FETCHING, SNAPSHOT
from services.orders.said import Policy, Said, decision
from services.orders.tracks import TRACK_OF, Other, Track
from services.orders.undoing import TooLate
from shared.events import logistics, payments
from shared.events.base import Event
from shared.flow.decision import NOTHING, Answer, Decision, Early, Outcome, Process, Reach, Reply, States
from shared.http.problem import NotFound, problem_reply

PATIENCE: Final = timedelta(minutes=10)  # how long a fact may wait for its cause before it is a dead letter


class UnknownOrder(NotFound):
    """There is no such order, or it is another seller's."""


def reach(content: object) -> Reach:
    """An order is one lane; beside its own state stands the channel's last snapshot of it."""
    order_id = _order_id(content)
    channels = (SNAPSHOT.key(order_id),) if isinstance(content, Pushed | RefundPushed) else ()
    if isinstance(content, OrderNamed):
        channels = (FETCHING.key(order_id),)
    return Reach((order_id,), (ORDER.key(order_id), *channels))


def _order_id(content: object) -> str:
    match content:
        case Pushed(order=order):
            return order.id
        case Outcome(lane=lane):
            return lane
        case Event():
            return content.key
        case _ if isinstance(content, RefundPushed | OrderNamed | Nothing | Command):
            return content.order_id
        case _:
            raise AssertionError(f"orders does not know {type(content).__name__}")


def decide(policy: Policy, states: States, content: object, now: datetime) -> Answer:
    """One item against one order."""
    order = states.get(ORDER, _order_id(content))
    match content:
        case Nothing():
            return NOTHING
        case OrderNamed():
            return channel.order_named(states, content, now)
        case Pushed():
            return channel.order_pushed(policy, states, content, now)
        case RefundPushed():
            return channel.refund_pushed(policy, states, content, now) or _early("the order is not known here", now)
        case Event():
            return _early("the order is not known here", now) if order is None else told(policy, order, content, now)
        case Outcome(task=FetchOrder()):
            return channel.fetch_failed(content)
        case Outcome():
            return ended(policy, order, content, now)
        case _:
            assert isinstance(content, Command)
            return commanded(policy, order, content, now)


def _early(reason: str, now: datetime) -> Early:
    return Early(reason, now + PATIENCE)


def told(policy: Policy, order: Order, fact: Event, now: datetime) -> Answer:
    """One fact moves one track one step; what waits is early, what cannot be true opens a case."""
    one = news.track_of(order, fact)
    if one is None:
        return decision(order, guards.settle(Said(news.noted(order, fact)), policy, now))
    cell = news.answer(order, one, fact)
    match cell:
        case Other.ABSORBED if not news.carries(order, fact):
            return NOTHING
        case Other.ABSORBED:
            return decision(order, guards.settle(Said(news.carrying(order, fact)), policy, now))
        case Other.WAITS:
            return _early(f"{one.name} is {news.state_of(order, one, fact).value}", now)
        case Other.CONFLICT:
            return conflict(order, one, fact, now)
        case _:
            return decision(order, guards.settle(Said(news.moved(order, one, cell, fact)), policy, now))


def conflict(order: Order, one: Track, fact: Event, now: datetime) -> Decision:
    """Both cannot be true: a person looks. Nothing is parked and nothing moves."""
    state = news.state_of(order, one, fact).value
    return decision(order, undoing.case(order, one.name, state, fact.type, f"{fact.type} while {state}", now))


def commanded(policy: Policy, order: Order | None, command: Command, now: datetime) -> Decision:
    """What is refused is answered like what is done: a repeat gets the same answer.

    Raises UnknownOrder, which says the same of an order of another seller as of none.
    """
    if order is None or command.seller not in ("", order.seller):
        raise UnknownOrder(f"no order {command.order_id[:64]}")
    try:
        said = guards.settle(amending.obeyed(order, command, now), policy, now)
    except TooLate as refused:
        return Decision(reply=problem_reply(refused))
    return replace(decision(order, said), reply=_accepted(said.order))


def ended(policy: Policy, order: Order | None, outcome: Outcome, now: datetime) -> Decision:
    """A timer's time came, or a call ended."""
    if order is None:
        raise UnknownOrder(f"no order {outcome.lane[:64]}")
    return decision(order, guards.settle(amending.outcome(order, outcome, policy, now), policy, now))


def _accepted(order: Order) -> Reply:
    body = {"order_id": order.id, "intent": order.intent.value, "holds": list(order.holds)}
    return Reply(202, json.dumps(body).encode())


HANDLES: Final[frozenset[type[Event]]] = frozenset(TRACK_OF) | {
    payments.PaymentMismatched,
    payments.PaymentDeclared,
    payments.PaymentDeclarationRefused,
    logistics.WaybillDocumentAccepted,
    logistics.WaybillDocumentRefused,
}


def make_process(policy: Policy) -> Process:
    return Process("orders", HANDLES, reach, partial(decide, policy))
