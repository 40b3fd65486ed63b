"""A tracking event as JSON and back: how it is stored and served. Times in UTC to the second."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from services.logistics.milestones import milestone_named
from services.logistics.tracking import (
    Classifier,
    Location,
    Measured,
    Raw,
    Reason,
    Ref,
    TrackingEvent,
    ZoneSource,
)
from shared.errors import Unrecognised
from shared.http.payload import Fields

W = TypeVar("W", bound=StrEnum)

_PLACE = ("name", "country", "unlocode", "iata", "facility")


def as_json(event: TrackingEvent) -> dict[str, Any]:
    """Every key present; `measured` only where something was weighed. Without `received_at`, which is the receipt's."""
    body: dict[str, Any] = {
        "provider": event.provider,
        "tracking_ref": {"type": event.ref.type, "value": event.ref.value},
        "milestone": event.milestone.value,
        "status": event.status.value if event.status else None,
        "classifier": event.classifier.value,
        "event_time": stamp(event.event_time),
        "tz": {"offset": event.offset, "source": event.zone_source.value},
        "location": {name: getattr(event.location, name) for name in _PLACE},
        "raw": {"code": event.raw.code, "sub_code": event.raw.sub_code, "description": event.raw.description},
        "reason_code": event.reason.value if event.reason else None,
        "provider_event_id": event.provider_event_id,
        "dedupe_key": event.dedupe_key,
        "unknown_code": event.unknown_code,
    }
    return body | ({"measured": _measured(event.measured)} if event.measured else {})


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _measured(measured: Measured) -> dict[str, int]:
    names = ("weight_g", "length_cm", "width_cm", "height_cm")
    return {name: value for name in names if (value := getattr(measured, name)) is not None}


def from_json(body: Fields, received_at: datetime) -> TrackingEvent:
    """Read what `as_json` wrote. BadInput or Unrecognised where it does not say an event."""
    ref, zone, raw, place = (body.child(name) for name in ("tracking_ref", "tz", "raw", "location"))
    measured = body.maybe_child("measured")
    return TrackingEvent(
        provider=body.text("provider"),
        ref=Ref(ref.text("type"), ref.text("value")),
        milestone=milestone_named(body.text("milestone")),
        event_time=body.moment("event_time"),
        received_at=received_at,
        offset=zone.text("offset"),
        zone_source=_word(ZoneSource, zone.text("source")),
        raw=Raw(raw.text("code"), raw.maybe_text("sub_code"), raw.maybe_text("description")),
        dedupe_key=body.text("dedupe_key"),
        location=Location(*(place.maybe_text(name) for name in _PLACE)),
        classifier=_word(Classifier, body.text("classifier")),
        reason=_word(Reason, body.text("reason_code")) if body.has("reason_code") else None,
        provider_event_id=body.maybe_text("provider_event_id"),
        unknown_code=body.flag("unknown_code"),
        measured=_read_measured(measured) if measured else None,
    )


def _read_measured(body: Fields) -> Measured:
    sides = (body.integer(name) if body.has(name) else None for name in ("length_cm", "width_cm", "height_cm"))
    return Measured(body.integer("weight_g"), *sides)


def _word(vocabulary: type[W], value: str) -> W:
    try:
        return vocabulary(value)
    except ValueError as error:
        raise Unrecognised(vocabulary.__name__, value) from error
