"""Facts into the dossier: each fills its own part, and makes void what was built from another value. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from services.customs import withdrawing
from services.customs.assessing import another_person, give_back
from services.customs.declaring import asked_again, cancel_timers, mended, restart
from services.customs.documents import TradeMode
from services.customs.dossier import Dossier
from services.customs.observing import observe
from services.customs.parts import Paid, Sale
from services.customs.policy import Policy, Said
from shared.errors import BadInput
from shared.events import catalog, logistics, orders, payments
from shared.events.base import Event
from shared.flow.decision import States


def filled(policy: Policy, states: States, dossier: Dossier, fact: Event, now: datetime) -> Said:
    """One fact into its part of the dossier, and what it makes void."""
    match fact:
        case orders.OrderPlaced():
            return Said(_placed(policy, dossier, fact))
        case orders.OrderAmended():
            return _amended(states, dossier, fact)
        case orders.OrderCancelled():
            ended = cancel_timers(replace(dossier, cancelled=True))
            return ended.then(give_back(states, ended.dossier))
        case payments.PaymentDeclared():
            return _paid(dossier, fact)
        case orders.WithdrawalRequested():
            return withdrawing.requested(dossier, fact, now)
        case logistics.ParcelPacked():
            return _packed(dossier, fact)
        case logistics.ParcelConsolidated():
            return _consolidated(dossier, fact, now)
        case logistics.WaybillDocumentAccepted():
            waybill = replace(dossier.waybill, accepted=True, declared_for=fact.recipient_fingerprint)
            after = replace(dossier, waybill=waybill)
            told = after.without_case("waybill_not_redeclared") if waybill.declared(dossier.recipient) else after
            return mended(told)
        case _:
            return Said(_FILL[type(fact)](dossier, fact))


def _placed(policy: Policy, dossier: Dossier, fact: orders.OrderPlaced) -> Dossier:
    sale = Sale(
        fact.shop,
        fact.flow,
        fact.warehouse,
        fact.declared_by,
        fact.lines,
        fact.amounts,
        fact.placed_at,
        _mode(policy, fact.flow),
    )
    return replace(
        dossier,
        sale=sale,
        person=fact.person,
        recipient=fact.recipient,
        recipient_version=fact.recipient_version,
    )


def _mode(policy: Policy, flow: str) -> str:
    """A flow that the profile does not have is refused by the goods list, which names flows."""
    try:
        return policy.trade_mode(flow)
    except BadInput:
        return TradeMode.BONDED


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
    orders.DeclarationRequested: _asked,
    catalog.ReservationMade: lambda dossier, fact: replace(dossier, goods=fact.goods),
    logistics.ParcelBooked: _booked,
    orders.ClearanceObserved: observe,
}
FACTS: Final[frozenset[type[Event]]] = frozenset(
    {
        *_FILL,
        orders.OrderPlaced,
        orders.OrderAmended,
        orders.OrderCancelled,
        orders.WithdrawalRequested,
        payments.PaymentDeclared,
        logistics.ParcelPacked,
        logistics.ParcelConsolidated,
        logistics.WaybillDocumentAccepted,
    }
)


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


# --- direct mail ------------------------------------------------------------------------------------------------------


def _direct(dossier: Dossier) -> bool:
    """Facts of another topic may be here before the order: what they say is kept until it is known."""
    return dossier.sale is None or dossier.sale.direct


def _packed(dossier: Dossier, fact: logistics.ParcelPacked) -> Said:
    """Bonded goods are packed after their release, and weigh what their products weigh."""
    if not _direct(dossier) or dossier.cargo.gross_grams == fact.gross_grams:
        return Said(dossier)
    return restart(replace(dossier, cargo=replace(dossier.cargo, gross_grams=fact.gross_grams)))


def _consolidated(dossier: Dossier, fact: logistics.ParcelConsolidated, now: datetime) -> Said:
    """Its flight; another one when its bag was left behind. What customs has already says the old one: a person."""
    flown = replace(
        dossier.cargo,
        consignment_id=fact.consignment_id,
        master_bill=fact.master_bill,
        voyage=fact.voyage,
        vehicle=fact.vehicle,
    )
    if not _direct(dossier) or flown == dossier.cargo:
        return Said(dossier)
    moved = replace(dossier, cargo=flown)
    if dossier.under_way and dossier.said != "released":
        return Said(moved.with_case("flight_changed", f"{dossier.cargo.master_bill}, now {fact.master_bill}", now))
    return restart(moved)
