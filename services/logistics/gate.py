"""The exit: what the warehouse was told, and what it says that it did. Pure.

One message per parcel is on its way at a time, so that a withdrawal never overtakes the authorisation that it takes
back; what was decided meanwhile is told next, and only the newest decision.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.logistics.commands import TELL, Declined, Done, Exited, Packed, Tell
from services.logistics.shipment import Gate, Parcel, Said, Shipment
from shared.events import logistics as facts
from shared.events.orders import ExitAuthorised, ExitWithdrawn
from shared.flow.decision import Exhausted, Refused, Work
from shared.ids import derived

# Between two rounds of tries at a silent warehouse: a withdrawal may be waiting. Not business time: never scaled.
NEXT_ROUND: Final = timedelta(seconds=30)


def authorise(shipment: Shipment, fact: ExitAuthorised, now: datetime) -> Said:
    parcel = shipment.parcel(fact.parcel_id)
    before = parcel.gate
    if before and (before.authorised, before.dossier_version, before.lines) == (True, fact.dossier_version, fact.lines):
        return Said(shipment)
    gate = Gate(
        number=_next(before), authorised=True, lines=fact.lines, dossier_version=fact.dossier_version, reason="", at=now
    )
    return _decided(shipment, parcel, gate, now)


def withdraw(shipment: Shipment, fact: ExitWithdrawn, now: datetime) -> Said:
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
    return _decided(shipment, parcel, gate, now)


def _next(gate: Gate | None) -> int:
    return gate.number + 1 if gate else 1


def _decided(shipment: Shipment, parcel: Parcel, gate: Gate, now: datetime) -> Said:
    before = parcel.gate
    gate = replace(gate, telling=before.telling, told=before.told) if before else gate
    return _tell(shipment.having(replace(parcel, gate=gate)), parcel.id, now)


def _tell(shipment: Shipment, parcel_id: str, due: datetime) -> Said:
    """Send the newest decision, unless the warehouse knows it or is being told something."""
    parcel = shipment.parcel(parcel_id)
    gate = parcel.gate
    if gate is None or gate.telling or gate.told >= gate.number:
        return Said(shipment)
    task = Tell(
        shipment.order_id, parcel.id, f"exit_{derived('exit', shipment.order_id, parcel.id, str(gate.number)).hex}",
        gate.number, gate.authorised, gate.lines, gate.dossier_version, gate.reason, gate.at,
    )  # fmt: skip
    work = Work(TELL, shipment.order_id, due, task, parcel.id)
    return Said(shipment.having(replace(parcel, gate=replace(gate, telling=gate.number))), work=(work,))


def told(shipment: Shipment, task: Tell, result: object, now: datetime) -> Said:
    """A message ended. A silent warehouse is told the newest decision again and again, visibly."""
    parcel = shipment.parcel(task.parcel_id)
    match result:
        case Done():
            return _tell(_over(shipment.settling(parcel.id, "warehouse_silent", now), parcel, task), parcel.id, now)
        case Declined(code=code, words=reason) | Refused(code=code, message=reason):
            shipment = shipment.opening(parcel.id, "warehouse_refused", f"{_what(task)}: {code}: {reason}", now)
            return _tell(_over(shipment, parcel, task), parcel.id, now)
        case Exhausted(code=code):
            shipment = shipment.opening(parcel.id, "warehouse_silent", f"{_what(task)}: {code}", now)
            assert parcel.gate is not None
            free = shipment.having(replace(parcel, gate=replace(parcel.gate, telling=0)))
            return _tell(free, parcel.id, now + NEXT_ROUND)
        case _:
            raise AssertionError(f"telling the warehouse cannot end in {type(result).__name__}")


def _over(shipment: Shipment, parcel: Parcel, task: Tell) -> Shipment:
    assert parcel.gate is not None
    return shipment.having(replace(parcel, gate=replace(parcel.gate, telling=0, told=task.number)))


def _what(task: Tell) -> str:
    return "authorisation" if task.authorised else "withdrawal"


# --- what the warehouse did -----------------------------------------------------------------------------------------


def packed(shipment: Shipment, told: Packed, now: datetime) -> Said:
    """Also when the exit is known already: catalog draws the stock by it."""
    parcel = shipment.parcel(told.parcel_id)
    if parcel.packed_at is not None:
        return Said(shipment)
    if not parcel.may_exit:
        detail = "packed while no pick order of ours was valid"
        shipment = shipment.opening(parcel.id, "packed_without_authorisation", detail, now)
    fact = facts.ParcelPacked(
        order_id=shipment.order_id,
        seller=shipment.seller,
        parcel_id=parcel.id,
        gross_grams=told.gross_grams,
        lines=parcel.gate.lines if parcel.gate else parcel.lines,
        at=told.at,
    )
    return Said(shipment.having(replace(parcel, packed_at=told.at, packed_grams=told.gross_grams)), (fact,))


def exited(shipment: Shipment, told: Exited, now: datetime) -> Said:
    """Out is out, whatever we had decided; what should not have been is a case."""
    parcel = shipment.parcel(told.parcel_id)
    if parcel.exited_at is not None:
        return Said(shipment)
    if not parcel.may_exit:
        why = f"withdrawn: {parcel.gate.reason}" if parcel.gate else "never authorised"
        shipment = shipment.opening(parcel.id, "exited_without_authorisation", why, now)
    fact = facts.ParcelExited(order_id=shipment.order_id, seller=shipment.seller, parcel_id=parcel.id, at=told.at)
    return Said(shipment.having(replace(parcel, exited_at=told.at)), (fact,))
