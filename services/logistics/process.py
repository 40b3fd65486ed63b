"""How logistics decides: what orders asks, what carrier and warehouse say, what our calls brought back. Pure."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from services.logistics import booking, documents, gate, scans
from services.logistics.booking import Policy
from services.logistics.commands import (
    Ahead,
    Book,
    CaseClosed,
    DocumentAnswered,
    Exited,
    Packed,
    Scanned,
    Tell,
    Void,
)
from services.logistics.shipment import SHIPMENT, Said, Shipment, UnknownParcel
from shared.events.base import Event
from shared.events.orders import (
    ExitAuthorised,
    ExitWithdrawn,
    OrderAmended,
    ShipmentCancelRequested,
    ShipmentRequested,
)
from shared.flow.decision import NOTHING, Answer, Outcome, Process, Reach, States

HANDLES: Final[frozenset[type[Event]]] = frozenset(
    {ShipmentRequested, ShipmentCancelRequested, ExitAuthorised, ExitWithdrawn, OrderAmended}
)


def reach(content: object) -> Reach:
    """All parcels of an order stand in one row under the order's lane."""
    order_id = _order_id(content)
    return Reach((order_id,), (SHIPMENT.key(order_id),))


def _order_id(content: object) -> str:
    return content.lane if isinstance(content, Outcome) else str(getattr(content, "order_id"))  # noqa: B009


def decide(policy: Policy, states: States, content: object, now: datetime) -> Answer:
    shipment = states.get(SHIPMENT, _order_id(content))
    said = step(policy, shipment, content, now)
    nothing = said is None or (shipment is not None and said == Said(shipment))
    return NOTHING if said is None or nothing else said.decision()


def step(policy: Policy, shipment: Shipment | None, content: object, now: datetime) -> Said | None:
    """None: nothing of ours is concerned."""
    if isinstance(content, ShipmentRequested):
        return booking.request(shipment, content, policy, now)
    if shipment is None:
        if isinstance(content, OrderAmended):
            return None  # corrected before anything was to be shipped
        raise UnknownParcel(f"nothing was to be shipped for {_order_id(content)}")
    match content:
        case OrderAmended():
            return booking.amend(shipment, content, now)
        case ShipmentCancelRequested():
            return booking.cancel(shipment, content, now)
        case ExitAuthorised():
            return gate.authorise(shipment, content, now)
        case ExitWithdrawn():
            return gate.withdraw(shipment, content, now)
        case Outcome():
            return outcome(policy, shipment, content, now)
        case _:
            return heard(shipment, content, now)


def heard(shipment: Shipment, content: object, now: datetime) -> Said:
    """What came through a door."""
    match content:
        case Scanned():
            return scans.scanned(shipment, content, now)
        case DocumentAnswered():
            return documents.answered(shipment, content, now)
        case Packed():
            return gate.packed(shipment, content, now)
        case Exited():
            return gate.exited(shipment, content, now)
        case CaseClosed(number=number):
            return Said(shipment.closing(number, now))
        case _:
            raise AssertionError(f"logistics does not know {type(content).__name__}")


def outcome(policy: Policy, shipment: Shipment, done: Outcome, now: datetime) -> Said:
    match done.task:
        case Book() as task:
            return booking.booked(shipment, task, done.result, policy, now)
        case Void() as task:
            return booking.voided(shipment, task, done.result, now)
        case Tell() as task:
            return gate.told(shipment, task, done.result, now)
        case Ahead() as task:
            return scans.time_came(shipment, task, now)
        case _:
            raise AssertionError(f"logistics has no work of {type(done.task).__name__}")


def make_process(policy: Policy) -> Process:
    return Process("logistics", HANDLES, reach, partial(decide, policy))
