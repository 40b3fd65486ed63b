"""A partner warehouse over Standard Webhooks, both ways. Pure.

In: `parcel.packed`, `parcel.exited`. Out: `exit.authorised` (the pick order), `exit.withdrawn`. Payloads are this
project's own: {"type", "timestamp", "data"}, the frame that the Standard Webhooks specification advises.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from services.logistics.providers.base import ExitAuthorised, ExitWithdrawn, ParcelExited, ParcelPacked
from shared.errors import Unrecognised
from shared.http.payload import Fields, read_object
from shared.http.signatures import Secret, sign_standard, verify_standard

PACKED: Final = "parcel.packed"
EXITED: Final = "parcel.exited"
AUTHORISED: Final = "exit.authorised"
WITHDRAWN: Final = "exit.withdrawn"

_HEAVIEST_GRAMS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified event of the warehouse, not yet understood. `delivery_key` is the same on every retry."""

    delivery_key: str
    key_id: str
    sent_at: datetime
    body: bytes = field(repr=False)


def verify(secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery:
    """SignatureRefused for a bad or missing signature, Stale outside of five minutes; nothing else."""
    delivery = verify_standard(secrets, headers, body, now)
    return Delivery(f"warehouse:{delivery.message_id}", delivery.key_id, delivery.sent_at, body)


def parse(delivery: Delivery) -> ParcelPacked | ParcelExited:
    """What it says. Unrecognised for an unknown type, BadInput where it cannot be read."""
    message = read_object(delivery.body)
    match message.text("type"):
        case "parcel.packed":
            return _packed(message.child("data"))
        case "parcel.exited":
            return _exited(message.child("data"))
        case other:
            raise Unrecognised("warehouse event", other)


def _packed(data: Fields) -> ParcelPacked:
    grams = data.integer("gross_grams", least=1, most=_HEAVIEST_GRAMS)
    return ParcelPacked(data.identifier("parcel_id"), data.identifier("order_id"), grams, data.moment("packed_at"))


def _exited(data: Fields) -> ParcelExited:
    return ParcelExited(data.identifier("parcel_id"), data.identifier("order_id"), data.moment("exited_at"))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One attempt at one message: the body never changes between attempts, time and signature do."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def build_authorised(order: ExitAuthorised) -> bytes:
    return _message(
        AUTHORISED,
        order.at,
        {
            "order_id": order.order_id,
            "parcel_id": order.parcel_id,
            "lines": [asdict(line) for line in order.lines],
            "dossier_version": order.dossier_version,
        },
    )


def build_withdrawn(order: ExitWithdrawn) -> bytes:
    return _message(
        WITHDRAWN, order.at, {"order_id": order.order_id, "parcel_id": order.parcel_id, "reason": order.reason}
    )


def signed(secrets: Sequence[Secret], message_id: str, body: bytes, now: datetime) -> Outgoing:
    """`message_id` derives from our own ids: a repeat is the same message to the receiver."""
    headers = {"Content-Type": "application/json", **sign_standard(secrets, message_id, now, body)}
    return Outgoing(headers, body)


def _message(kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {"type": kind, "timestamp": stamp, "data": data}, ensure_ascii=False, separators=(",", ":")
    ).encode()
