"""How logistics decides: what orders asks, what carrier and warehouse say, what our calls brought back. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from services.logistics import (
    booking,
    commands,
    consignments,
    documents,
    following,
    gate,
    recall,
    scans,
    watch,
)
from services.logistics.commands import Arrived, Closed, Departed, Spread
from services.logistics.consignments import CONSIGNMENT, Consignment, Moved
from services.logistics.policy import Policy
from services.logistics.shipment import SHIPMENT, Said, Shipment, UnknownParcel, consignment_alias
from shared.events.base import Event
from shared.events.orders import (
    ExitAuthorised,
    ExitWithdrawn,
    OrderAmended,
    ShipmentCancelRequested,
    ShipmentRequested,
    WaybillAssigned,
)
from shared.flow.decision import NOTHING, Answer, Decision, Early, Outcome, Process, Reach, States
from shared.http.closing import NO_SUCH_CASE, left_open

HANDLES: Final[frozenset[type[Event]]] = frozenset(
    {ShipmentRequested, WaybillAssigned, ShipmentCancelRequested, ExitAuthorised, ExitWithdrawn, OrderAmended}
)
_WHOLE: Final = (Closed, Departed, Arrived)


def reach(content: object) -> Reach:
    """All parcels of an order stand in one row under the order's lane, a consignment in one under its own."""
    if isinstance(content, Outcome) and isinstance(content.task, Spread):
        orders = tuple(dict.fromkeys(member.order_id for member in content.task.members))
        whole = content.task.consignment_id
        return Reach((whole, *orders), (CONSIGNMENT.key(whole), *(SHIPMENT.key(order) for order in orders)))
    if isinstance(content, _WHOLE):
        return Reach((content.consignment_id,), (CONSIGNMENT.key(content.consignment_id),))
    order_id = _order_id(content)
    return Reach((order_id,), (SHIPMENT.key(order_id),))


def _order_id(content: object) -> str:
    return content.lane if isinstance(content, Outcome) else str(getattr(content, "order_id"))  # noqa: B009


def decide(policy: Policy, states: States, content: object, now: datetime) -> Answer:
    if isinstance(content, Outcome) and isinstance(content.task, Spread):
        return _spread(policy, states, content.task, now)
    if isinstance(content, _WHOLE):
        return _whole(states.get(CONSIGNMENT, content.consignment_id), content, now)
    shipment = states.get(SHIPMENT, _order_id(content))
    if isinstance(content, commands.CaseClosed):
        return _closed(shipment, content, now)
    said = step(policy, shipment, content, now)
    if said is None:
        return NOTHING
    said = _followed_up(policy, shipment, said, now)
    return NOTHING if shipment is not None and said == Said(shipment) else said.decision()


def _followed_up(policy: Policy, before: Shipment | None, said: Said, now: datetime) -> Said:
    """What is wanted back and whose clocks run, after any step: both only look at the parcels as they are now."""
    said = _since(before, said, now)
    for parcel in said.shipment.parcels.values():
        if parcel.void_wanted:
            said = said.then(recall.onward(said.shipment, parcel.id, now))
    return watch.kept(policy, before, said, now)


def _closed(shipment: Shipment | None, asked: commands.CaseClosed, now: datetime) -> Decision:
    """A person says that it is settled; nothing else moves by it."""
    after = shipment.closing(asked.number, asked.note, asked.by, now) if shipment else None
    if after is None:
        return NO_SUCH_CASE
    left = left_open({"number": case.number, "code": case.code} for case in after.open_cases)
    return replace(Said(after).decision(), reply=left)


def _since(before: Shipment | None, said: Said, now: datetime) -> Said:
    """Since when a parcel has a number, whoever gave it: what was scanned under it before was another parcel."""
    for parcel in said.shipment.parcels.values():
        was = before.parcels.get(parcel.id) if before else None
        if parcel.waybill_no and not (was and was.waybill_no):
            said = replace(said, shipment=said.shipment.having(replace(parcel, booked_at=now)))
    return said


# --- a whole consignment --------------------------------------------------------------------------------------------


def _whole(before: Consignment | None, told: object, now: datetime) -> Answer:
    match told:
        case Closed():
            moved: Moved | Early | None = consignments.closed(before, told, now)
        case Departed():
            moved = consignments.departed(before, told, now)
        case Arrived():
            moved = consignments.arrived(before, told, now)
        case _:
            raise AssertionError(f"no consignment says {type(told).__name__}")
    if moved is None or isinstance(moved, Early):
        return moved or NOTHING
    put = CONSIGNMENT.put(moved.consignment.id, moved.consignment)
    spoken = (moved.fact,) if moved.fact else ()
    known = {consignment_alias(moved.consignment.id): moved.consignment.id}
    return Decision((put,), spoken, moved.spread, aliases=known)


def _spread(policy: Policy, states: States, task: Spread, now: datetime) -> Answer:
    """Each parcel of a chunk, in the row of its order; two of one order see each other's step."""
    consignment = states.get(CONSIGNMENT, task.consignment_id)
    assert consignment is not None  # its row was written with the work
    whole, shipments = NOTHING, {member.order_id: states.get(SHIPMENT, member.order_id) for member in task.members}
    catch_up = consignments.passed_over if task.ignored else consignments.caught_up
    for member in task.members:
        before = shipments[member.order_id]
        if before is None:
            continue
        said = _followed_up(policy, before, catch_up(consignment, before, member, now), now)
        if said != Said(before):
            shipments[member.order_id] = said.shipment
            whole = _joined(whole, said.decision())
    return whole


def _joined(first: Decision, second: Decision) -> Decision:
    return Decision(
        first.puts + second.puts,
        first.facts + second.facts,
        first.work + second.work,
        first.cancel + second.cancel,
        {**first.aliases, **second.aliases},
    )


# --- one order's parcels --------------------------------------------------------------------------------------------


def step(policy: Policy, shipment: Shipment | None, content: object, now: datetime) -> Said | None:
    """None: nothing of ours is concerned."""
    match content:
        case ShipmentRequested():
            return booking.request(shipment, content, policy, now)
        case WaybillAssigned():
            return booking.adopt(shipment, content, policy, now)
        case OrderAmended() if shipment is None:
            return None  # corrected before anything was to be shipped
    if shipment is None:
        raise UnknownParcel(f"nothing was to be shipped for {_order_id(content)}")
    match content:
        case OrderAmended():
            return booking.amend(shipment, content, now)
        case ShipmentCancelRequested():
            return recall.cancel(shipment, content, now)
        case ExitAuthorised():
            return gate.authorise(shipment, content, policy, now)
        case ExitWithdrawn():
            return gate.withdraw(shipment, content, policy, now)
        case Outcome():
            return outcome(policy, shipment, content, now)
        case _:
            return heard(shipment, content, now)


_HEARD: Final[dict[type, Callable[..., Said]]] = {
    commands.Scanned: scans.scanned,
    commands.DocumentAnswered: documents.answered,
    commands.Packed: gate.packed,
    commands.HandedOver: gate.handed_over,
    commands.Exited: gate.exited,
    commands.Stopped: following.stopped,
    commands.DeclaredLost: scans.declared_lost,
}
_DONE: Final[dict[type, Callable[..., Said]]] = {
    commands.Void: recall.voided,
    commands.Recall: recall.recalled,
    commands.Register: following.registered,
    commands.Tell: gate.told,
}


def heard(shipment: Shipment, content: object, now: datetime) -> Said:
    """What came through a door."""
    answer = _HEARD.get(type(content))
    if answer is None:
        raise AssertionError(f"logistics does not know {type(content).__name__}")
    return answer(shipment, content, now)


def outcome(policy: Policy, shipment: Shipment, done: Outcome, now: datetime) -> Said:
    match done.task:
        case commands.Book() as task:
            return booking.booked(shipment, task, done.result, policy, now)
        case commands.Ahead() as task:
            return scans.time_came(shipment, task, now)
        case commands.Watch() as task:
            return watch.looked(policy, shipment, task, now)
        case _:
            return _done(shipment, done, now)


def _done(shipment: Shipment, done: Outcome, now: datetime) -> Said:
    answer = _DONE.get(type(done.task))
    if answer is None:
        raise AssertionError(f"logistics has no work of {type(done.task).__name__}")
    return answer(shipment, done.task, done.result, now)


def make_process(policy: Policy) -> Process:
    return Process("logistics", HANDLES, reach, partial(decide, policy))
