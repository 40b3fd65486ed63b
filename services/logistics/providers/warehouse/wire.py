"""Partner warehouses over Standard Webhooks, both ways. Pure.

In: `parcel.packed`, `parcel.handed_over`, `parcel.exited`, `consignment.closed`, `consignment.departed`,
`consignment.arrived`. Out: `pick.requested` and `pick.withdrawn` (an origin), `exit.authorised` and `exit.withdrawn` (a
gate; for a bonded warehouse the pick order too). Payloads are this project's own: {"type", "timestamp", "data"}, the
frame that the Standard Webhooks specification advises.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.logistics.providers.base import (
    ConsignmentArrived,
    ConsignmentClosed,
    ConsignmentDeparted,
    ConsignmentEvent,
    ExitAuthorised,
    ExitWithdrawn,
    ParcelEvent,
    ParcelExited,
    ParcelHandedOver,
    ParcelPacked,
    PickLine,
    PickRequested,
    PickWithdrawn,
)
from shared.errors import Unrecognised
from shared.http.payload import Fields, read_object
from shared.http.signatures import Secret, sign_standard, verify_standard

PACKED: Final = "parcel.packed"
HANDED_OVER: Final = "parcel.handed_over"
EXITED: Final = "parcel.exited"
CLOSED: Final = "consignment.closed"
DEPARTED: Final = "consignment.departed"
ARRIVED: Final = "consignment.arrived"
PICK: Final = "pick.requested"
PICK_WITHDRAWN: Final = "pick.withdrawn"
AUTHORISED: Final = "exit.authorised"
WITHDRAWN: Final = "exit.withdrawn"

_HEAVIEST_GRAMS: Final = 100_000
_MOST_PARCELS: Final = 10_000
_AHEAD: Final = timedelta(minutes=10)
_LONGEST_ID: Final = 64


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified event of the warehouse, not yet understood. `delivery_key` is the same on every retry."""

    delivery_key: str
    key_id: str
    sent_at: datetime
    received_at: datetime
    body: bytes = field(repr=False)


def verify(secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery:
    """SignatureRefused for a bad or missing signature, Stale outside of five minutes; nothing else."""
    delivery = verify_standard(secrets, headers, body, now)
    return Delivery(f"warehouse:{delivery.message_id}", delivery.key_id, delivery.sent_at, now, body)


def parse(delivery: Delivery) -> ParcelEvent | ConsignmentEvent:
    """What it says. Unrecognised for an unknown type, BadInput where it cannot be read."""
    message = read_object(delivery.body)
    kind = message.text("type")
    if kind not in _READERS:
        raise Unrecognised("warehouse event", kind)
    return _READERS[kind](message.child("data"), delivery.received_at)


def _happened(data: Fields, name: str, now: datetime) -> datetime:
    """When it happened. A clock that runs a little ahead of ours is put back to now: what has happened is not to come,
    and the next event of the same parcel must not lie before it. Raises BadInput beyond that."""
    at = data.moment(name)
    return min(at, now) if at <= now + _AHEAD else data.refuse(name, "a time that has come")


def _packed(data: Fields, now: datetime) -> ParcelPacked:
    grams, at = data.integer("gross_grams", least=1, most=_HEAVIEST_GRAMS), _happened(data, "packed_at", now)
    return ParcelPacked(data.identifier("parcel_id"), data.identifier("order_id"), grams, at)


def _handed_over(data: Fields, now: datetime) -> ParcelHandedOver:
    at = _happened(data, "handed_over_at", now)
    return ParcelHandedOver(data.identifier("parcel_id"), data.identifier("order_id"), at)


def _exited(data: Fields, now: datetime) -> ParcelExited:
    at = _happened(data, "exited_at", now)
    return ParcelExited(data.identifier("parcel_id"), data.identifier("order_id"), at)


def _closed(data: Fields, now: datetime) -> ConsignmentClosed:
    return ConsignmentClosed(
        data.identifier("consignment_id"),
        data.identifier("master_bill"),
        data.identifier("voyage"),
        data.identifier("vehicle"),
        _parcels(data, "parcels"),
        _happened(data, "closed_at", now),
    )


def _departed(data: Fields, now: datetime) -> ConsignmentDeparted:
    offloaded = _parcels(data, "offloaded")
    return ConsignmentDeparted(data.identifier("consignment_id"), offloaded, _happened(data, "departed_at", now))


def _arrived(data: Fields, now: datetime) -> ConsignmentArrived:
    return ConsignmentArrived(data.identifier("consignment_id"), _happened(data, "arrived_at", now))


def _parcels(data: Fields, name: str) -> tuple[str, ...]:
    """Our parcel ids, each once."""
    named = tuple(dict.fromkeys(data.texts(name)))
    if len(named) > _MOST_PARCELS or any(not 0 < len(one) <= _LONGEST_ID for one in named):
        data.refuse(name, f"at most {_MOST_PARCELS} parcel ids")
    return named


_READERS: Final[Mapping[str, Callable[[Fields, datetime], ParcelEvent | ConsignmentEvent]]] = {
    PACKED: _packed,
    HANDED_OVER: _handed_over,
    EXITED: _exited,
    CLOSED: _closed,
    DEPARTED: _departed,
    ARRIVED: _arrived,
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One attempt at one message: the body never changes between attempts, time and signature do."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def build_pick(order: PickRequested) -> bytes:
    return _message(PICK, order.at, _named(order) | {"lines": _lines(order.lines), "waybill_no": order.waybill_no})


def build_pick_withdrawn(order: PickWithdrawn) -> bytes:
    return _message(PICK_WITHDRAWN, order.at, _named(order) | {"reason": order.reason})


def build_authorised(order: ExitAuthorised) -> bytes:
    more = {
        "lines": _lines(order.lines),
        "dossier_version": order.dossier_version,
        "waybill_no": order.waybill_no,
    }
    return _message(AUTHORISED, order.at, _named(order) | more)


def build_withdrawn(order: ExitWithdrawn) -> bytes:
    return _message(WITHDRAWN, order.at, _named(order) | {"reason": order.reason})


def _named(order: PickRequested | PickWithdrawn | ExitAuthorised | ExitWithdrawn) -> dict[str, Any]:
    return {"order_id": order.order_id, "parcel_id": order.parcel_id, "warehouse": order.warehouse}


def _lines(lines: Sequence[PickLine]) -> list[dict[str, Any]]:
    return [asdict(line) for line in lines]


def signed(secrets: Sequence[Secret], message_id: str, body: bytes, now: datetime) -> Outgoing:
    """`message_id` derives from our own ids: a repeat is the same message to the receiver."""
    headers = {"Content-Type": "application/json", **sign_standard(secrets, message_id, now, body)}
    return Outgoing(headers, body)


def _message(kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {"type": kind, "timestamp": stamp, "data": data}, ensure_ascii=False, separators=(",", ":")
    ).encode()
