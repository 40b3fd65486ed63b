"""What facts do to an order: the track's step, and what the fact tells beside it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from services.orders.order import Order, Paper
from services.orders.tracks import OBSERVED_PAPERS, PAPERS, TRACK_OF, Carriage, Intent, Money, Other, Papers, Track
from shared.events import catalog, customs, logistics, payments
from shared.events.base import Event


def track_of(order: Order, fact: Event) -> Track | None:
    """Papers that the platform declares move by a grid of their own: they are only observed."""
    one = TRACK_OF.get(type(fact))
    return OBSERVED_PAPERS if one is PAPERS and not order.declares else one


def state_of(order: Order, one: Track, fact: Event) -> Any:  # noqa: ANN401  # the track's own enum
    """Where the track is. A parcel that we never asked for is as good as a voided one."""
    match one.name:
        case "money":
            return order.money.state
        case "goods":
            return order.goods.state
        case "papers":
            return order.import_papers.state
        case "funds":
            return order.funds
        case _:
            assert isinstance(fact, logistics.ParcelFact)
            parcel = order.parcels.get(fact.parcel_id)
            return parcel.state if parcel else Carriage.VOIDED


def answer(order: Order, one: Track, fact: Event) -> Any:  # noqa: ANN401  # a state of the track, or one of Other
    """The cell, but for what only the fact's data tell: an earlier attempt's refusal, a part of the money."""
    match fact:
        case customs.DeclarationMismatched() | customs.DeclarationRejected():
            if fact.attempt < order.import_papers.attempt:
                return Other.ABSORBED  # we know, and have asked anew since
        case customs.WithdrawalRefused(kind="cancel") if order.import_papers.state is Papers.RETURNING:
            return Other.ABSORBED  # the release won, and we have asked for the return since
        case payments.PaymentOpened() | payments.PaymentFailed() | payments.PaymentClosed():
            if fact.attempt < order.money.attempt:
                return Other.ABSORBED  # its money went back, or a newer one took its place
        case payments.PaymentDuplicated():
            plan, latest = order.money, fact.attempt == order.money.attempt
            gone = fact.out_trade_no in plan.abandoned or (latest and plan.abandoned and plan.state is Money.NONE)
            if gone or fact.attempt < plan.attempt:
                return Other.ABSORBED  # payments sends it back by itself
        case customs.DeclarationSubmitted(dossier_version=version) if order.import_papers.state is Papers.WITHDRAWN:
            if order.intent is Intent.CLOSING and version > order.import_papers.dossier_version:
                return Papers.SUBMITTED  # built after nothing stood there to withdraw: it is undone, too
        case payments.PaymentCaptured(covered=False):
            return Other.CONFLICT  # every order here is paid in one part
        case _:
            pass
    return one.answer(state_of(order, one, fact), type(fact))


def moved(order: Order, one: Track, cell: Any, fact: Event) -> Order:  # noqa: ANN401
    """The track's step, with what the fact tells of it."""
    match one.name:
        case "money":
            order = order.with_money(replace(order.money, state=cell))
        case "goods":
            order = replace(order, goods=replace(order.goods, state=cell))
        case "papers":
            order = order.with_papers("import", replace(order.import_papers, state=cell))
        case "funds":
            order = replace(order, funds=cell)
        case _:
            assert isinstance(fact, logistics.ParcelFact)
            order = order.with_parcel(fact.parcel_id, replace(order.parcels[fact.parcel_id], state=cell))
    return carrying(order, fact)


def carries(order: Order, fact: Event) -> bool:
    """Facts whose data is news even where their step is not: a new assessment, another milestone, a newer version."""
    match fact:
        case customs.AssessmentMade() | logistics.ParcelAdvanced():
            return True
        case logistics.ParcelPacked(parcel_id=parcel_id):
            return parcel_id in order.live and not order.live[parcel_id].packed
        case customs.AssessmentRefused():
            refused = order.import_papers.state is Papers.INADMISSIBLE
            return refused and order.import_papers.identity != _of_identity(fact)
        case customs.DeclarationStored(invt_no=invt_no):
            return order.import_papers.state is Papers.WITHDRAWING and invt_no != order.import_papers.invt_no
        case customs.DeclarationSubmitted(dossier_version=version):
            return version > order.import_papers.dossier_version
        case logistics.ParcelBooked(parcel_id=parcel_id, waybill_no=waybill_no):
            return parcel_id in order.live and waybill_no != order.live[parcel_id].waybill_no
        case _:
            return False


def carrying(order: Order, fact: Event) -> Order:
    """What a fact tells beside its step."""
    take = _CARRY.get(type(fact))
    return take(order, fact) if take else order


# --- beside the step --------------------------------------------------------------------------------------------------


def _opened(order: Order, fact: payments.PaymentOpened) -> Order:
    plan = replace(order.money, qr=fact.qr, out_trade_no=fact.out_trade_no, expires_at=fact.expires_at)
    return order.with_money(plan)


def _captured(order: Order, fact: payments.PaymentCaptured) -> Order:
    plan = replace(
        order.money, captured=fact.amount, transaction_id=fact.transaction_id, out_trade_no=fact.out_trade_no, qr=""
    )
    return order.with_money(plan)


def _confirmed(order: Order, fact: payments.PaymentConfirmed) -> Order:
    plan = replace(order.money, captured=fact.amount, transaction_id=fact.customs_no or fact.external_no, observed=True)
    return order.with_money(plan)


def _failed(order: Order, fact: payments.PaymentFailed) -> Order:
    return replace(order.with_money(replace(order.money, qr="")), reason=f"{fact.code}: {fact.reason}"[:200])


def _closed(order: Order, _: payments.PaymentClosed) -> Order:
    return order.with_money(replace(order.money, qr=""))


def _reserved(order: Order, fact: catalog.ReservationMade) -> Order:
    weights = list(zip(fact.goods, fact.lines, strict=True))
    goods = replace(
        order.goods,
        lines=fact.lines,
        gross_grams=sum(each.gross_grams * line.quantity for each, line in weights),
        net_grams=sum(each.net_grams * line.quantity for each, line in weights),
        expires_at=fact.expires_at,
        reason="",
    )
    return replace(order, goods=goods)


def _short(order: Order, fact: catalog.ReservationRefused) -> Order:
    return replace(order, goods=replace(order.goods, reason=fact.reason[:200]))


def _booked(order: Order, fact: logistics.ParcelBooked) -> Order:
    parcel = replace(order.parcels[fact.parcel_id], waybill_no=fact.waybill_no, carrier=fact.carrier)
    return order.with_parcel(fact.parcel_id, parcel)


def _not_booked(order: Order, fact: logistics.BookingRefused) -> Order:
    """Nobody will carry it as it is. Where the order is over anyway, that is all there is to it."""
    return held(replace(order, reason=f"{fact.code}: {fact.reason}"[:200]), "booking_refused")


def _advanced(order: Order, fact: logistics.ParcelAdvanced) -> Order:
    parcel = order.parcels.get(fact.parcel_id)
    if parcel is None or fact.late:
        return order
    return order.with_parcel(fact.parcel_id, replace(parcel, milestone=fact.milestone))


def _packed(order: Order, fact: logistics.ParcelPacked) -> Order:
    return order.with_parcel(fact.parcel_id, replace(order.parcels[fact.parcel_id], packed=True))


def _returned(order: Order, _: logistics.ParcelReturned) -> Order:
    """It is back: what customs refused to undo while it was out can be asked for again."""
    again = order if not order.import_papers.refused else _trail(order, refused="").lifting("customs")
    return again.lifting("parcel_lost")


def _delivered(order: Order, fact: logistics.ParcelDelivered) -> Order:
    parcel = replace(order.parcels[fact.parcel_id], delivered_at=fact.at, milestone="delivered")
    return order.with_parcel(fact.parcel_id, parcel)


def _trail(order: Order, **changes: Any) -> Order:  # noqa: ANN401
    return order.with_papers("import", replace(order.import_papers, **changes))


def _not_admitted(order: Order, fact: customs.AssessmentRefused) -> Order:
    identity = _of_identity(fact)
    reason = "; ".join(finding.fix_en for finding in fact.findings) if identity else fact.reason
    return _trail(order, reason=reason[:500], identity=identity)


def _of_identity(fact: customs.AssessmentRefused) -> bool:
    """Nothing else is wrong than the buyer's identity, which can be supplied anew (R24 of the rule table)."""
    return bool(fact.findings) and all(finding.code == "R24" for finding in fact.findings)


def _mismatched(order: Order, fact: customs.DeclarationMismatched) -> Order:
    return _trail(order, reason="; ".join(finding.fix_en for finding in fact.findings)[:500]).holding("customs")


def _rejected(order: Order, fact: customs.DeclarationRejected) -> Order:
    """Held until somebody corrects what customs refused; the next attempt keeps the order number."""
    return _trail(order, reason=f"{fact.code}: {fact.reason}"[:500], final=fact.final).holding("customs")


def _cleared(order: Order, fact: customs.DeclarationReleased) -> Order:
    refused = "" if order.import_papers.refused == "cancel" else order.import_papers.refused
    cleared = _trail(order, released_version=fact.dossier_version, reason="", refused=refused)
    return cleared if refused else cleared.lifting("customs")


def _not_withdrawn(order: Order, fact: customs.WithdrawalRefused) -> Order:
    """It stands. Where the release comes yet, that goes on by itself; else a person asks customs why."""
    told = _trail(order, reason=f"{fact.code}: {fact.reason}"[:500], refused=fact.kind)
    return told.holding("customs") if order.intent is Intent.CLOSING else told


def _withdrawn(order: Order, _: customs.DeclarationWithdrawn) -> Order:
    return _trail(order, reason="", refused="").lifting("customs")


def _sent_abroad(order: Order, fact: customs.DeclarationReturnedAbroad) -> Order:
    return _trail(order, reason=fact.reason[:500]).holding("customs")


_CARRY: Final[Mapping[type[Event], Callable[[Order, Any], Order]]] = {
    payments.PaymentOpened: _opened,
    payments.PaymentCaptured: _captured,
    payments.PaymentConfirmed: _confirmed,
    payments.PaymentFailed: _failed,
    payments.PaymentClosed: _closed,
    payments.RefundStalled: lambda order, _: order.holding("refund_stalled"),
    payments.RefundCompleted: lambda order, _: order.lifting("refund_stalled"),
    catalog.ReservationMade: _reserved,
    catalog.ReservationRefused: _short,
    logistics.ParcelBooked: _booked,
    logistics.BookingRefused: _not_booked,
    logistics.ParcelAdvanced: _advanced,
    logistics.ParcelPacked: _packed,
    logistics.ParcelDelivered: _delivered,
    logistics.ParcelLost: lambda order, _: order.holding("parcel_lost"),
    logistics.ParcelReturned: _returned,
    customs.AssessmentMade: lambda order, fact: replace(order, valuation=fact.valuation),
    customs.AssessmentRefused: _not_admitted,
    customs.DeclarationMismatched: _mismatched,
    customs.DeclarationSubmitted: lambda o, f: _trail(o, cop_no=f.cop_no, dossier_version=f.dossier_version),
    customs.DeclarationStored: lambda order, fact: _trail(order, invt_no=fact.invt_no),
    customs.DeclarationReleased: _cleared,
    customs.DeclarationHeld: lambda order, fact: _trail(order, reason=fact.reason[:500]).holding("customs"),
    customs.DeclarationDetained: lambda order, fact: _trail(order, reason=fact.reason[:500]).holding("customs"),
    customs.DeclarationRejected: _rejected,
    customs.DeclarationWithdrawn: _withdrawn,
    customs.WithdrawalRefused: _not_withdrawn,
    customs.DeclarationReturnedAbroad: _sent_abroad,
}


# --- facts that move no track -----------------------------------------------------------------------------------------


def noted(order: Order, fact: Event) -> Order:
    """Documents of partners, and questions about money: they move no track but may hold the order."""
    match fact:
        case payments.PaymentMismatched():
            return order.holding("payment_audit")  # also of an order that is over: somebody's money is somewhere
        case payments.PaymentDeclared(order_no=order_no) if order_no in order.money.abandoned:
            return order  # its money went back
        case payments.PaymentDeclared(identity_check="different"):
            return held(_payment_paper(order, "refused"), "payer_mismatch")
        case payments.PaymentDeclared():
            lifts = ("payer_mismatch", "payment_not_declarable") if order.money.paper == "refused" else ()
            return _payment_paper(order, "accepted").lifting(*lifts)
        case payments.PaymentDeclarationRefused():
            return held(_payment_paper(order, "refused"), "payment_not_declarable")
        case logistics.WaybillDocumentAccepted():
            return _waybill_accepted(order, fact)
        case logistics.WaybillDocumentRefused():
            return held(_waybill_paper(order, fact, "refused"), "customs")
        case _:
            raise AssertionError(f"orders does not know {fact.type}")


def held(order: Order, hold: str) -> Order:
    """An order that is over, or on its way out, is not held up by anything."""
    return order.holding(hold) if order.intent is Intent.PLACED else order


def _payment_paper(order: Order, paper: Paper) -> Order:
    return order.with_money(replace(order.money, paper=paper))


def _waybill_paper(order: Order, fact: logistics.ParcelFact, paper: Paper, named: str = "") -> Order:
    """It may be accepted before `booked` is read here: the parcel stands there from the request on."""
    parcel = order.parcels.get(fact.parcel_id)
    if parcel is None:
        return order
    return order.with_parcel(fact.parcel_id, replace(parcel, paper=paper, paper_for=named))


def _waybill_accepted(order: Order, fact: logistics.WaybillDocumentAccepted) -> Order:
    """After a refusal it lifts the hold, unless customs has a word of its own to be answered."""
    parcel = order.parcels.get(fact.parcel_id)
    again = parcel is not None and parcel.paper == "refused" and order.import_papers.state not in _ANSWERED
    told = _waybill_paper(order, fact, "accepted", fact.recipient_fingerprint)
    return told.lifting("customs") if again else told


_ANSWERED: Final = (Papers.INADMISSIBLE, Papers.MISMATCHED, Papers.REJECTED, Papers.HELD, Papers.DETAINED)
