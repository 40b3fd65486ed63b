"""How customs decides: facts fill the dossier, what became possible follows, and customs' words move it. Pure.

No fact is early here: each fills its own part of the dossier, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from services.customs.assessing import another_person, check_identity, give_back, identity_answered
from services.customs.commands import (
    CheckIdentity,
    Heard,
    ReceiptOverdue,
    Sign,
    Strays,
    Submit,
    WaybillOverdue,
)
from services.customs.declaring import (
    asked_again,
    build,
    cancel_timers,
    mended,
    receipt_overdue,
    restart,
    sending_ended,
    signing_ended,
    waybill_overdue,
)
from services.customs.dossier import DOSSIER, QUOTA, Dossier, Paid, Sale, person_lane
from services.customs.hearing import hear
from services.customs.policy import PersonNeeded, Policy, Said
from shared.events import catalog, logistics, orders, payments
from shared.events.base import Event
from shared.flow.decision import Answer, Decision, Due, Early, Outcome, Process, Reach, States, Wider, Work
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
            return _decision(_settled(policy, _ended(policy, states, dossier, content, now), now))
        case _:
            assert isinstance(content, OURS)
            dossier = states.get(DOSSIER, content.order_id) or Dossier(content.order_id, content.seller)
            return _decision(_settled(policy, _filled(states, dossier, content), now))


def _decision(said: Said) -> Decision:
    put = DOSSIER.put(said.dossier.order_id, said.dossier)
    return Decision((put, *said.puts), said.facts, said.work, said.cancel, said.aliases)


def _settled(policy: Policy, said: Said, now: datetime) -> Said:
    """Whatever became possible, in the order in which one makes the next possible."""
    said = said.then(check_identity(said.dossier, now))
    return said.then(build(policy, said.dossier, now))


# --- facts ------------------------------------------------------------------------------------------------------------


def _filled(states: States, dossier: Dossier, fact: Event) -> Said:
    """One fact into its part of the dossier, and what it makes void."""
    match fact:
        case orders.OrderAmended():
            return _amended(states, dossier, fact)
        case orders.OrderCancelled():
            ended = cancel_timers(replace(dossier, cancelled=True))
            return ended.then(give_back(states, ended.dossier))
        case payments.PaymentDeclared():
            return _paid(dossier, fact)
        case logistics.WaybillDocumentAccepted():
            waybill = replace(dossier.waybill, accepted=True, declared_for=fact.recipient_fingerprint)
            return mended(replace(dossier, waybill=waybill).without_case("waybill_not_redeclared"))
        case _:
            return Said(_FILL[type(fact)](dossier, fact))


def _placed(dossier: Dossier, fact: orders.OrderPlaced) -> Dossier:
    sale = Sale(fact.shop, fact.flow, fact.warehouse, fact.declared_by, fact.lines, fact.amounts, fact.placed_at)
    return replace(
        dossier,
        sale=sale,
        person=fact.person,
        recipient=fact.recipient,
        recipient_version=fact.recipient_version,
    )


def _booked(dossier: Dossier, fact: logistics.ParcelBooked) -> Dossier:
    waybill = replace(
        dossier.waybill,
        parcel_id=fact.parcel_id,
        number=fact.waybill_no,
        code=fact.logistics_code,
        name=fact.logistics_name,
    )
    return replace(dossier, waybill=waybill)


def _asked(dossier: Dossier, fact: orders.DeclarationRequested) -> Dossier:
    return asked_again(dossier, fact.attempt) if fact.role == "import" else dossier


_FILL: Final[Mapping[type[Event], Callable[[Dossier, Any], Dossier]]] = {
    orders.OrderPlaced: _placed,
    orders.DeclarationRequested: _asked,
    catalog.ReservationMade: lambda dossier, fact: replace(dossier, goods=fact.goods),
    logistics.ParcelBooked: _booked,
}


def _amended(states: States, dossier: Dossier, fact: orders.OrderAmended) -> Said:
    """Another person is assessed anew, another recipient needs a new version; what was sent stays as it was sent."""
    person = fact.person if fact.person is not None else dossier.person
    renamed = person != dossier.person
    moved = dossier.recipient is not None and fact.recipient.fingerprint != dossier.recipient.fingerprint
    dossier = replace(dossier, person=person, recipient=fact.recipient, recipient_version=fact.recipient_version)
    if dossier.under_way:
        return Said(dossier)
    said = restart(dossier) if renamed or moved else Said(dossier)
    return said.then(another_person(states, said.dossier)) if renamed else said


def _paid(dossier: Dossier, fact: payments.PaymentDeclared) -> Said:
    paid = Paid(
        fact.order_no,
        fact.pay_code,
        fact.pay_name,
        fact.pay_transaction_id,
        fact.amount,
        fact.identity_check,
        fact.paid_at,
    )
    other = dossier.paid is not None and dossier.paid.order_no != paid.order_no
    dossier = replace(dossier, paid=paid)
    return restart(dossier) if other else mended(dossier)


# --- customs, timers and calls ----------------------------------------------------------------------------------------


def _heard(policy: Policy, states: States, heard: Heard, now: datetime) -> Answer:
    """Each part to its order; an order that is named twice sees its first part's result."""
    said: dict[str, Said] = {}
    for order_id, word in heard.parts:
        before = said[order_id].dossier if order_id in said else states.get(DOSSIER, order_id)
        if before is None:
            return Early("the order is not known here", now)
        more = hear(policy, states, before, word, now)
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
        case Submit() as task, result:
            return sending_ended(policy, dossier, task, result, now)
        case ReceiptOverdue() as task, Due():
            return receipt_overdue(policy, dossier, task, now)
        case WaybillOverdue() as task, Due():
            return Said(waybill_overdue(dossier, task, now))
        case Strays(receipts=receipts), result:
            numbers = ", ".join(receipt.business_key for receipt in receipts)
            return Said(dossier.with_case("stray_receipts", f"{numbers}: {result}", now))
        case _:
            raise AssertionError(f"customs has no work {outcome.kind}")


HANDLES: Final[frozenset[type[Event]]] = frozenset(
    {
        *_FILL,
        orders.OrderAmended,
        orders.OrderCancelled,
        payments.PaymentDeclared,
        logistics.WaybillDocumentAccepted,
    }
)


def make_process(policy: Policy) -> Process:
    return Process("customs", HANDLES, reach, partial(decide, policy))
