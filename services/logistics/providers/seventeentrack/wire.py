"""17TRACK API v2: pushes of a number's whole history, and the registration that starts them. Pure.

`sign` = lower-case hex SHA-256 over body + "/" + key: a plain hash, not an HMAC; the key is the one that our own calls
carry in the header `17token`. Source: our logistics reference, "17TRACK push" (2026-03); codes of the registration from
17TRACK's help centre, "Error Codes" (read 2026-11).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from services.logistics.providers.base import CarrierRefused, Eta, Tracking
from services.logistics.providers.seventeentrack import statuses
from services.logistics.tracking import (
    Classifier,
    Location,
    Raw,
    Ref,
    TrackingEvent,
    ZoneSource,
    dedupe_key,
    normalised,
    offset_text,
)
from shared.errors import BadInput, SignatureRefused, Transient, Unknown, Unrecognised
from shared.http.payload import Fields, moment, read_object
from shared.http.signatures import Secret, verify

PROVIDER: Final = "17track"
UPDATED: Final = "TRACKING_UPDATED"
STOPPED: Final = "TRACKING_STOPPED"
MOST_NUMBERS: Final = 40  # per call

_DONE: Final = 0
_ALREADY: Final = -18019901  # registered before: what we wanted
_LATER: Final = frozenset({-18010003})  # its own internal error


class StoppedUnsigned(BadInput):
    """17TRACK's word that it gave up, without a signature: seen in the wild, believed by nobody."""

    code = "logistics.unsigned-stop"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified push, not yet understood. Nothing in it is numbered: its key is the content's digest."""

    delivery_key: str
    key_id: str
    received_at: datetime
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stop:
    """17TRACK follows this number no more."""

    number: str


def signature(key: bytes, message: bytes) -> str:
    return hashlib.sha256(message + b"/" + key).hexdigest()


def open_push(secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery:
    """SignatureRefused for a bad or missing signature; StoppedUnsigned for the one message that comes without."""
    given = {name.lower(): value for name, value in headers.items()}.get("sign", "")
    try:
        key_id = verify(secrets, body, [given], signature)
    except SignatureRefused as refused:
        if not given and _kind(body) == STOPPED:
            raise StoppedUnsigned("a number is said to be followed no more, without a signature") from refused
        raise
    return Delivery(f"{PROVIDER}:{hashlib.sha256(body).hexdigest()}", key_id, now, body)


def _kind(body: bytes) -> str:
    try:
        return read_object(body).text("event")
    except BadInput:
        return ""


def parse(delivery: Delivery) -> Tracking | Stop:
    """What it says. Unrecognised for an unknown event, BadInput where it cannot be read."""
    message = read_object(delivery.body)
    kind, data = message.text("event"), message.child("data")
    number = data.identifier("number")
    if kind == STOPPED:
        return Stop(number)
    if kind != UPDATED:
        raise Unrecognised("17TRACK event", kind)
    return _updated(number, data.child("track_info"), delivery.received_at)


def _updated(number: str, info: Fields, received_at: datetime) -> Tracking:
    """The history of every provider that knows the number, oldest first; newest first on the wire."""
    ref = Ref("carrier_tracking_number", number)
    tracking = info.maybe_child("tracking")
    providers = tracking.children("providers") if tracking else ()
    found = [_event(ref, one, received_at) for provider in providers for one in provider.children("events")[::-1]]
    events = sorted((event for event in found if event is not None), key=lambda event: event.event_time)
    return Tracking((number,), tuple(events), snapshot=True, eta=_eta(info))


def _event(ref: Ref, body: Fields, received_at: datetime) -> TrackingEvent | None:
    """None where it names no time at all: it has no place in a history."""
    when = _when(body)
    if when is None:
        return None
    at, offset, source = when
    sub_status, stage, description = (body.maybe_text(name) for name in ("sub_status", "stage", "description"))
    found, unknown = statuses.meaning(sub_status, stage)
    address = body.maybe_child("address")
    location = Location(body.maybe_text("location"), address.maybe_text("country") if address else None)
    return TrackingEvent(
        provider=PROVIDER,
        ref=ref,
        milestone=found.milestone,
        event_time=at,
        received_at=received_at,
        offset=offset,
        zone_source=source,
        raw=Raw(sub_status or stage or "", None, description),
        # Without the codes: 17TRACK fills them in later, and the scan is the same one.
        dedupe_key=dedupe_key(
            PROVIDER, ref, Classifier.ACTUAL, at, basis=normalised(description or ""), location=location
        ),
        location=location,
        reason=found.reason,
        unknown_code=unknown,
        customs=found.customs,
    )


def _when(body: Fields) -> tuple[datetime, str, ZoneSource] | None:
    """The moment to the second, and the offset that it was written with."""
    iso = body.maybe_text("time_iso")
    if iso is not None:
        at = moment(iso, body.path("time_iso")).replace(microsecond=0)
        return at, offset_text(datetime.fromisoformat(iso).utcoffset() or timedelta()), ZoneSource.EXPLICIT
    if body.has("time_utc"):
        return body.moment("time_utc").replace(microsecond=0), "+00:00", ZoneSource.PROVIDER_DEFAULT
    raw = body.maybe_child("time_raw")
    return _raw_time(raw) if raw else None


def _raw_time(raw: Fields) -> tuple[datetime, str, ZoneSource] | None:
    """The carrier's own words; a missing zone is taken for UTC, a missing time of day for midnight."""
    day, clock, zone = (raw.maybe_text(name) for name in ("date", "time", "timezone"))
    if day is None:
        return None
    at = moment(f"{day}T{clock or '00:00:00'}{zone or '+00:00'}", raw.path("date")).astimezone(UTC)
    source = ZoneSource.EXPLICIT if zone else ZoneSource.PROVIDER_DEFAULT
    return at.replace(microsecond=0), zone or "+00:00", source


def _eta(info: Fields) -> Eta | None:
    metrics = info.maybe_child("time_metrics")
    expected = metrics.maybe_child("estimated_delivery_date") if metrics else None
    if expected is None:
        return None
    times = expected.maybe_moment("from"), expected.maybe_moment("to")
    return Eta(*times) if any(times) else None


# --- registration ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Numbered:
    """A number to follow; `reference` is ours and comes back as `tag`."""

    number: str
    reference: str


def build_registration(numbers: Sequence[Numbered], carrier: int = 0) -> bytes:
    """carrier: 17TRACK's own number of it; 0 lets it find out."""
    named = {"carrier": carrier} if carrier else {}
    asked = [{"number": one.number, **named, "tag": one.reference} for one in numbers]
    return json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()


def parse_registration(body: bytes) -> Mapping[str, CarrierRefused | Transient | None]:
    """Number → None where it is followed now, else why not. Raises Unknown where the answer cannot be read."""
    try:
        answer = read_object(body)
        if _code(answer) != _DONE:
            raise _refused(answer)
        data = answer.child("data")
        accepted = {one.identifier("number"): None for one in data.children("accepted")}
        return accepted | {one.identifier("number"): _why(one.child("error")) for one in data.children("rejected")}
    except BadInput as error:
        raise Unknown("17track.unreadable") from error


def _why(error: Fields) -> CarrierRefused | Transient | None:
    return None if _code(error) == _ALREADY else _refused(error)


def _refused(error: Fields) -> CarrierRefused | Transient:
    code = _code(error)
    if code in _LATER:
        return Transient("17track.failed")
    return CarrierRefused(str(code), error.maybe_text("message") or "")


def _code(body: Fields) -> int:
    return body.integer("code", least=-(10**9))
