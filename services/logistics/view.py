"""A shipment as people are shown it. Pure; personal data only masked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.logistics.consignments import Consignment
from services.logistics.promises import Promises, Standing
from services.logistics.seen import kept
from services.logistics.shipment import Case, Document, Gate, Parcel, Shipment, Travels
from services.logistics.tracking import TrackingEvent, reduce, weight_discrepancy
from services.logistics.tracking_json import as_json

Json = dict[str, Any]


def shown(shipment: Shipment, promises: Promises, now: datetime) -> Json:
    return {
        "order_id": shipment.order_id,
        "seller": shipment.seller,
        "parcels": [_parcel(parcel, promises, now) for parcel in shipment.parcels.values()],
        "cases": [_case(case) for case in shipment.cases],
    }


def cases(shipment: Shipment) -> list[Json]:
    """What is open, each with the order that it belongs to."""
    return [{"order_id": shipment.order_id, **_case(case)} for case in shipment.open_cases]


def _parcel(parcel: Parcel, promises: Promises, now: datetime) -> Json:
    state = reduce(parcel.believed, now, origin_country=parcel.origin_country)
    weighed = parcel.measured_grams or parcel.packed_grams
    standing = promises.standing(parcel, now)
    return {
        "parcel_id": parcel.id,
        "state": parcel.state.value,
        "carrier": parcel.carrier,
        "tracked_by": parcel.tracked_by or parcel.interface,
        "adopted": parcel.adopted,
        "flow": parcel.flow,
        "warehouse": parcel.warehouse,
        "order_no": parcel.order_no,
        "waybill_no": parcel.waybill_no,
        "refs": list(parcel.refs),
        "recipient": parcel.recipient.masked,
        "weight": {
            "declared_grams": parcel.gross_grams,
            "packed_grams": parcel.packed_grams,
            "measured_grams": parcel.measured_grams,
            "discrepancy": bool(weighed) and weight_discrepancy(parcel.gross_grams, weighed),
        },
        "document": _document(parcel.document),
        "pick": _gate(parcel.pick),
        "exit": _gate(parcel.gate),
        "recall": parcel.recall and parcel.recall.value,
        "packed_at": _time(parcel.packed_at),
        "handed_over_at": _time(parcel.handed_over_at),
        "consignment": _travels(parcel.travels),
        "exited_at": _time(parcel.exited_at),
        "milestone": state.milestone and state.milestone.value,
        "status": state.status and state.status.value,
        "last_event_time": _time(state.last_event_time),
        "eta": _time(parcel.eta),
        "milestones": [{"milestone": milestone.value, "at": _time(at)} for milestone, at in state.reached],
        "events": [_event(parcel, event) for event in parcel.events],
        "promise": _promise(standing) if standing else None,
        "delayed_after": [milestone.value for milestone in parcel.delayed],
    }


def consignment(found: Consignment) -> Json:
    return {
        "consignment_id": found.id,
        "master_bill": found.master_bill,
        "voyage": found.voyage,
        "vehicle": found.vehicle,
        "closed_at": _time(found.closed_at),
        "departed_at": _time(found.departed_at),
        "arrived_at": _time(found.arrived_at),
        "parcels": [{"order_id": member.order_id, "parcel_id": member.parcel_id} for member in found.members],
        "offloaded": list(found.offloaded),
        "strays": list(found.strays),
    }


def _travels(travels: Travels | None) -> Json | None:
    if travels is None:
        return None
    return {
        "consignment_id": travels.consignment_id,
        "master_bill": travels.master_bill,
        "voyage": travels.voyage,
        "vehicle": travels.vehicle,
        "since": _time(travels.at),
    }


def _event(parcel: Parcel, event: TrackingEvent) -> Json:
    return {
        **as_json(kept(event)),
        "received_at": _time(event.received_at),
        "absent_in_latest": event.dedupe_key in parcel.absent,
        "believed": parcel.believes(event),
    }


def _document(document: Document | None) -> Json | None:
    if document is None:
        return None
    return {"answer": document.answer.value, "code": document.code, "info": document.info, "at": _time(document.at)}


def _gate(gate: Gate | None) -> Json | None:
    if gate is None:
        return None
    return {
        "authorised": gate.authorised,
        "dossier_version": gate.dossier_version,
        "reason": gate.reason,
        "decided_at": _time(gate.at),
        "warehouse_knows": gate.told == gate.number,
    }


def _promise(standing: Standing) -> Json:
    return {
        "id": standing.promise.value,
        "started_at": _time(standing.started_at),
        "due_at": _time(standing.due_at),
        "verdict": standing.verdict.value,
    }


def _case(case: Case) -> Json:
    return {
        "number": case.number,
        "parcel_id": case.parcel_id,
        "code": case.code,
        "detail": case.detail,
        "opened_at": _time(case.opened_at),
        "closed_at": _time(case.closed_at),
        "closed_by": case.closed_by,
        "note": case.note,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
