"""Packing and exit: what the warehouse was told, and what it says that it did. Pure.

Two decisions of one shape: the *pick* order of direct mail at its origin, and the *exit* (in a bonded flow the pick
order too). One message per parcel and decision is on its way at a time, so that a withdrawal never overtakes the
authorisation that it takes back; what was decided meanwhile is told next, and only the newest decision.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.logistics import scans
from services.logistics.commands import TELL, About, Declined, Done, Exited, HandedOver, Packed, Tell
from services.logistics.policy import DIRECT_MAIL, Policy
from services.logistics.shipment import Booking, Gate, Parcel, Said, Shipment
from shared.events import logistics as facts
from shared.events.orders import ExitAuthorised, ExitWithdrawn
from shared.flow.decision import Exhausted, Refused, Work
from shared.ids import derived

# Between two rounds of tries at a silent warehouse: a withdrawal may be waiting. Not business time: never scaled.
NEXT_ROUND: Final = timedelta(seconds=30)
CANCELLED: Final = "cancelled"


def authorise(shipment: Shipment, fact: ExitAuthorised, policy: Policy, now: datetime) -> Said:
    parcel = shipment.parcel(fact.parcel_id)
    before = parcel.gate
    if before and (before.authorised, before.dossier_version, before.lines) == (True, fact.dossier_version, fact.lines):
        return Said(shipment)
    gate = Gate(
        number=_next(before), authorised=True, lines=fact.lines, dossier_version=fact.dossier_version, reason="", at=now
    )
    return _decided(shipment, parcel, "exit", gate, now, _exit_place(parcel, policy, fact.warehouse))


def _exit_place(parcel: Parcel, policy: Policy, warehouse: str) -> str:
    """Direct mail leaves by the supervised site; its warehouse is a continent away."""
    return (policy.site if parcel.kind == DIRECT_MAIL else "") or warehouse


def withdraw(shipment: Shipment, fact: ExitWithdrawn, policy: Policy, now: datetime) -> Said:
    parcel = shipment.parcel(fact.parcel_id)
    before = parcel.gate
    if before is not None and not before.authorised:
        return Said(shipment)
    lines, version = (before.lines, before.dossier_version) if before else (parcel.lines, 0)
    gate = Gate(
        number=_next(before), authorised=False, lines=lines, dossier_version=version, reason=fact.reason, at=now
    )
    if parcel.exited_at is not None:
        detail = f"withdrawn ({fact.reason}), but it had left at {parcel.exited_at.isoformat()}"
        shipment = shipment.opening(parcel.id, "exited_before_withdrawal", detail, now)
        return Said(shipment.having(replace(parcel, gate=replace(gate, told=gate.number))))
    return _decided(shipment, parcel, "exit", gate, now, _exit_place(parcel, policy, parcel.warehouse))


def pick(shipment: Shipment, parcel_id: str, now: datetime) -> Said:
    """The origin packs as soon as there is a label, long before customs hears of the order."""
    parcel = shipment.parcel(parcel_id)
    if parcel.kind != DIRECT_MAIL or parcel.pick is not None or parcel.void_wanted:
        return Said(shipment)
    order = Gate(number=1, authorised=True, lines=parcel.lines, dossier_version=0, reason="", at=now)
    return _decided(shipment, parcel, "pick", order, now, parcel.warehouse)


def leave(shipment: Shipment, parcel_id: str, now: datetime) -> Said:
    """Nobody wants it packed any more."""
    parcel = shipment.parcel(parcel_id)
    if parcel.pick is None or not parcel.pick.authorised:
        return Said(shipment)
    order = replace(parcel.pick, number=_next(parcel.pick), authorised=False, reason=CANCELLED, at=now)
    return _decided(shipment, parcel, "pick", order, now, parcel.warehouse)


def _next(gate: Gate | None) -> int:
    return gate.number + 1 if gate else 1


def _of(parcel: Parcel, about: About) -> Gate | None:
    return parcel.gate if about == "exit" else parcel.pick


def _with(parcel: Parcel, about: About, gate: Gate) -> Parcel:
    return replace(parcel, gate=gate) if about == "exit" else replace(parcel, pick=gate)


def _decided(shipment: Shipment, parcel: Parcel, about: About, gate: Gate, now: datetime, place: str) -> Said:
    before = _of(parcel, about)
    gate = replace(gate, telling=before.telling, told=before.told) if before else gate
    return _tell(shipment.having(_with(parcel, about, gate)), parcel.id, about, now, place)


def _tell(shipment: Shipment, parcel_id: str, about: About, due: datetime, place: str) -> Said:
    """Send the newest decision, unless the warehouse knows it or is being told something."""
    parcel = shipment.parcel(parcel_id)
    gate = _of(parcel, about)
    if gate is None or gate.telling or gate.told >= gate.number:
        return Said(shipment)
    task = Tell(
        shipment.order_id, parcel.id, f"{about}_{derived(about, shipment.order_id, parcel.id, str(gate.number)).hex}",
        gate.number, gate.authorised, gate.lines, gate.dossier_version, gate.reason, gate.at, about, place,
        parcel.waybill_no,
    )  # fmt: skip
    work = Work(TELL, shipment.order_id, due, task, work_name(parcel.id, about))
    return Said(shipment.having(_with(parcel, about, replace(gate, telling=gate.number))), work=(work,))


def work_name(parcel_id: str, about: About) -> str:
    return parcel_id if about == "exit" else f"{parcel_id}:{about}"


def told(shipment: Shipment, task: Tell, result: object, now: datetime) -> Said:
    """A message ended. A silent warehouse is told the newest decision again and again, visibly."""
    parcel = shipment.parcel(task.parcel_id)
    match result:
        case Done():
            over = _over(shipment.settling(parcel.id, "warehouse_silent", now), parcel, task)
            return _tell(over, parcel.id, task.about, now, task.warehouse)
        case Declined(code=code, words=reason) | Refused(code=code, message=reason):
            return _declined(shipment, parcel, task, f"{code}: {reason}", now)
        case Exhausted(code=code):
            shipment = shipment.opening(parcel.id, "warehouse_silent", f"{_what(task)}: {code}", now)
            free = shipment.having(_with(parcel, task.about, replace(_decision(parcel, task), telling=0)))
            return _tell(free, parcel.id, task.about, now + NEXT_ROUND, task.warehouse)
        case _:
            raise AssertionError(f"telling the warehouse cannot end in {type(result).__name__}")


def _declined(shipment: Shipment, parcel: Parcel, task: Tell, why: str, now: datetime) -> Said:
    over = _over(shipment, parcel, task)
    if task.about == "pick" and not task.authorised:
        # Too late to stop it: the pick order stands, and what is on its way can only be brought back.
        stands = over.parcel(parcel.id)
        return Said(over.having(replace(stands, pick=replace(_decision(stands, task), authorised=True))))
    over = over.opening(parcel.id, "warehouse_refused", f"{_what(task)}: {why}", now)
    return _tell(over, parcel.id, task.about, now, task.warehouse)


def _over(shipment: Shipment, parcel: Parcel, task: Tell) -> Shipment:
    return shipment.having(_with(parcel, task.about, replace(_decision(parcel, task), telling=0, told=task.number)))


def _decision(parcel: Parcel, task: Tell) -> Gate:
    gate = _of(parcel, task.about)
    assert gate is not None
    return gate


def _what(task: Tell) -> str:
    kind = "" if task.about == "exit" else " of the pick order"
    return ("authorisation" if task.authorised else "withdrawal") + kind


# --- what the warehouse did -----------------------------------------------------------------------------------------


def packed(shipment: Shipment, told: Packed, now: datetime) -> Said:
    """Also when the exit is known already: catalog draws the stock by it. What was voided went back to the shelf."""
    parcel = shipment.parcel(told.parcel_id)
    if parcel.packed_at is not None:
        return Said(shipment)
    after = replace(parcel, packed_at=told.at, packed_grams=told.gross_grams)
    if parcel.state is Booking.VOIDED:
        return Said(shipment.having(after))
    if not parcel.may_pack:
        detail = "packed while no pick order of ours was valid"
        shipment = shipment.opening(parcel.id, "packed_without_authorisation", detail, now)
    order = parcel.gate or parcel.pick
    fact = facts.ParcelPacked(
        order_id=shipment.order_id,
        seller=shipment.seller,
        parcel_id=parcel.id,
        gross_grams=told.gross_grams,
        lines=order.lines if order else parcel.lines,
        at=told.at,
    )
    return Said(shipment.having(after), (fact,))


def handed_over(shipment: Shipment, told: HandedOver, now: datetime) -> Said:
    """The line-haul has it: from here on it can only be brought back."""
    parcel = shipment.parcel(told.parcel_id)
    if parcel.kind != DIRECT_MAIL:
        return Said(not_of_this_flow(shipment, parcel, "handed over to a line-haul", now))
    if parcel.handed_over_at is not None:
        return _sooner(shipment, parcel, told, now)
    if parcel.state is not Booking.BOOKED:
        detail = f"handed over while its waybill was {parcel.state}"
        shipment = shipment.opening(parcel.id, "handed_over_without_waybill", detail, now)
    fact = facts.ParcelHandedOver(order_id=shipment.order_id, seller=shipment.seller, parcel_id=parcel.id, at=told.at)
    said = Said(shipment.having(replace(parcel, handed_over_at=told.at)), (fact,))
    return said.then(scans.given_away(said.shipment, parcel.id, now))


def _sooner(shipment: Shipment, parcel: Parcel, told: HandedOver, now: datetime) -> Said:
    """Its consignment implied it, and the origin knows better when it was: the carrier may have scanned it between."""
    if parcel.handed_over_at is None or told.at >= parcel.handed_over_at:
        return Said(shipment)
    shipment = shipment.having(replace(parcel, handed_over_at=told.at))
    return scans.given_away(shipment, parcel.id, now)


def not_of_this_flow(shipment: Shipment, parcel: Parcel, what: str, now: datetime) -> Shipment:
    """Only direct mail is handed over at an origin and flies; believed of another parcel, its order waits for ever."""
    detail = f"{what}, but its flow is {parcel.flow or 'none'} ({parcel.kind or 'of no kind'})"
    return shipment.opening_once(parcel.id, "not_of_this_flow", detail, now)


def exited(shipment: Shipment, told: Exited, now: datetime) -> Said:
    """Out is out, whatever we had decided; what should not have been is a case."""
    parcel = shipment.parcel(told.parcel_id)
    if parcel.exited_at is not None:
        return Said(shipment)
    if not parcel.may_exit:
        why = f"withdrawn: {parcel.gate.reason}" if parcel.gate else "never authorised"
        shipment = shipment.opening(parcel.id, "exited_without_authorisation", why, now)
    fact = facts.ParcelExited(order_id=shipment.order_id, seller=shipment.seller, parcel_id=parcel.id, at=told.at)
    said = Said(shipment.having(replace(parcel, exited_at=told.at)), (fact,))
    return said.then(scans.given_away(said.shipment, parcel.id, now))
