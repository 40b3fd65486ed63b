"""How customs decides: facts fill the dossier, what became possible follows, and customs' words move it. Pure.

No fact is early here: each fills its own part of the dossier, whichever comes first.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from services.customs import assessing, withdrawing
from services.customs.assessing import identity_answered
from services.customs.commands import (
    CheckIdentity,
    CloseCase,
    Heard,
    ReceiptOverdue,
    Sign,
    SignWithdrawal,
    Strays,
    Submit,
    WaybillOverdue,
)
from services.customs.declaring import build, signing_ended, waybill_overdue
from services.customs.dossier import DOSSIER, QUOTA, Dossier, person_lane
from services.customs.filling import FACTS, filled
from services.customs.hearing import give_up, hear
from services.customs.observing import clearance
from services.customs.policy import PersonNeeded, Policy, Said
from services.customs.sending import receipt_overdue, sending_ended
from shared.events import catalog, logistics, orders, payments
from shared.events.base import Event
from shared.flow.decision import Answer, Decision, Due, Early, Outcome, Process, Reach, States, Wider, Work
from shared.http.closing import NO_SUCH_CASE, left_open
from shared.ids import derived

STRAYS: Final = "stray-receipts"
OURS: Final = (orders.OrderFact, catalog.ReservationFact, payments.PaymentFact, logistics.ParcelFact)


def reach(content: object) -> Reach:
    """The order's lane; the person's, too, where the yearly amount may be booked."""
    match content:
        case Heard(parts=parts):
            lanes = tuple(dict.fromkeys(order_id for order_id, _ in parts))
            return Reach(lanes, tuple(map(DOSSIER.key, lanes)))
        case Outcome(task=CheckIdentity(order_id=order_id, person=person)):
            return Reach((order_id,), (DOSSIER.key(order_id),)) + _person(person.fingerprint)
        case Outcome(lane=lane):
            return Reach((lane,), (DOSSIER.key(lane),))
        case CloseCase(order_id=order_id):
            return Reach((order_id,), (DOSSIER.key(order_id),))
        case Event():
            return Reach((content.key,), (DOSSIER.key(content.key),))
        case _:
            raise AssertionError(f"customs does not know {type(content).__name__}")


def _person(fingerprint: str) -> Reach:
    return Reach((person_lane(fingerprint),), (QUOTA.key(fingerprint),))


def decide(policy: Policy, states: States, content: object, now: datetime) -> Answer:
    try:
        return _decided(policy, states, content, now)
    except PersonNeeded as needed:
        return Wider(_person(needed.fingerprint))


def _decided(policy: Policy, states: States, content: object, now: datetime) -> Answer:
    match content:
        case Heard():
            return _heard(policy, states, content, now)
        case Outcome():
            dossier = states.get(DOSSIER, content.lane)
            if dossier is None:
                raise AssertionError(f"work without a dossier: {content.kind}")
            return _decision(_settled(policy, states, _ended(policy, states, dossier, content, now), now))
        case CloseCase():
            return _closed(states.get(DOSSIER, content.order_id), content, now)
        case _:
            assert isinstance(content, OURS)
            dossier = states.get(DOSSIER, content.order_id) or Dossier(content.order_id, content.seller)
            return _decision(_settled(policy, states, filled(policy, states, dossier, content, now), now))


def _closed(dossier: Dossier | None, command: CloseCase, now: datetime) -> Decision:
    """A person says that it is settled; what follows from it is told to whom it concerns, not to us."""
    if dossier is None or not dossier.knows_case(command.code):
        return NO_SUCH_CASE
    closed = dossier.closing(command.code, command.note, command.by, now)
    return replace(_decision(Said(closed)), reply=left_open({"code": case.code} for case in closed.cases))


def _decision(said: Said) -> Decision:
    put = DOSSIER.put(said.dossier.order_id, said.dossier)
    return Decision((put, *said.puts), said.facts, said.work, said.cancel, said.aliases)


def _settled(policy: Policy, states: States, said: Said, now: datetime) -> Said:
    """Whatever became possible, in the order in which one makes the next possible."""
    said = said.then(assessing.start(policy, said.dossier, now))
    said = said.then(clearance(said.dossier, now))
    said = said.then(build(policy, said.dossier, now))
    return said.then(withdrawing.proceed(policy, states, said.dossier, now))


# --- customs, timers and calls ----------------------------------------------------------------------------------------


def _heard(policy: Policy, states: States, heard: Heard, now: datetime) -> Answer:
    """Each part to its order; an order that is named twice sees its first part's result."""
    said: dict[str, Said] = {}
    for order_id, word in heard.parts:
        before = said[order_id].dossier if order_id in said else states.get(DOSSIER, order_id)
        if before is None:
            return Early("the order is not known here", now)
        more = hear(policy, states, before, word, now)
        more = more.then(withdrawing.proceed(policy, states, more.dossier, now))
        said[order_id] = said[order_id].then(more) if order_id in said else more
    return _together([*said.values()], _strays(heard, now))


def _together(said: list[Said], strays: tuple[Work, ...]) -> Decision:
    each = [_decision(one) for one in said]
    return Decision(
        puts=tuple(put for one in each for put in one.puts),
        facts=tuple(fact for one in each for fact in one.facts),
        work=tuple(work for one in each for work in one.work) + strays,
        cancel=tuple(name for one in each for name in one.cancel),
        aliases={name: lane for one in each for name, lane in one.aliases.items()},
    )


def _strays(heard: Heard, now: datetime) -> tuple[Work, ...]:
    """Receipts of nobody yet, looked up again from the lane of a neighbour."""
    if not heard.strays:
        return ()
    order_id = heard.parts[0][0]
    name = str(derived("strays", *(receipt.claim for receipt in heard.strays)))
    return (Work(STRAYS, order_id, now, Strays(order_id, heard.strays), name),)


def _ended(policy: Policy, states: States, dossier: Dossier, outcome: Outcome, now: datetime) -> Said:
    """A call ended or a time came."""
    match outcome.task, outcome.result:
        case CheckIdentity() as task, result:
            return identity_answered(policy, states, dossier, task, result, now)
        case Sign(draft=draft), result:
            return signing_ended(policy, dossier, draft, result, now)
        case SignWithdrawal(draft=undo), result:
            return withdrawing.signing_ended(policy, dossier, undo, result, now)
        case Submit() as task, result:
            return sending_ended(policy, dossier, task, result, now, give_up)
        case ReceiptOverdue() as task, Due():
            return receipt_overdue(policy, dossier, task, now)
        case WaybillOverdue() as task, Due():
            return Said(waybill_overdue(dossier, task, now))
        case Strays(receipts=receipts), result:
            numbers = ", ".join(receipt.business_key for receipt in receipts)
            return Said(dossier.with_case("stray_receipts", f"{numbers}: {result}", now))
        case _:
            raise AssertionError(f"customs has no work {outcome.kind}")


HANDLES: Final = FACTS


def make_process(policy: Policy) -> Process:
    return Process("customs", HANDLES, reach, partial(decide, policy))
