"""CloudEvents 1.0 in Kafka's binary mode: `ce_*` headers, plain `traceparent`, value = JSON data.

Our extensions: aggregateversion (the outbox row's id: rises within key and topic, gaps mean nothing), correlationid,
causationid, schemaversion, corridor.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from shared.errors import BadInput
from shared.events.base import Event, read

Headers = tuple[tuple[str, bytes], ...]

SPECIFICATION: Final = "1.0"
_UNSET: Final = "00-00000000000000000000000000000000-0000000000000000-00"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something happens: the id of what led to it, the conversation it belongs to, and the trace of the step
    before."""

    id: str
    correlation_id: str
    traceparent: str = _UNSET


@dataclass(frozen=True, slots=True)
class Envelope:
    """One fact as it travels."""

    id: UUID
    event: Event
    time: datetime
    cause: Cause
    corridor: str
    aggregate_version: int = 0

    def causing(self, traceparent: str) -> Cause:
        """What a step that this fact leads to says as its cause."""
        return Cause(str(self.id), self.cause.correlation_id, traceparent)


@cache
def _fixed(cls: type[Event]) -> Headers:
    return (
        ("content-type", b"application/json"),
        ("ce_specversion", SPECIFICATION.encode()),
        ("ce_type", cls.type.encode()),
        ("ce_source", f"/corridor/{cls.type.split('.', 1)[0]}".encode()),
        ("ce_schemaversion", str(cls.version).encode()),
    )


def write_headers(envelope: Envelope) -> Headers:
    """All headers but aggregateversion, which the relay adds: it is the id of the outbox row."""
    key = envelope.event.key.encode()
    return (
        *_fixed(type(envelope.event)),
        ("ce_id", str(envelope.id).encode()),
        ("ce_time", envelope.time.isoformat().encode()),
        ("ce_subject", key),
        ("ce_partitionkey", key),
        ("ce_correlationid", envelope.cause.correlation_id.encode()),
        ("ce_causationid", envelope.cause.id.encode()),
        ("ce_corridor", envelope.corridor.encode()),
        ("traceparent", envelope.cause.traceparent.encode()),
    )


def open_envelope(headers: Headers, value: bytes) -> Envelope:
    """Read one record back.

    Raises BadInput (malformed headers or data) or UnknownFact (type or version): both make a dead letter.
    """
    # The first of a repeated name wins: a second traceparent is some library's addition.
    fields = dict(reversed(headers))
    try:
        text = {name: fields[name].decode() for name in _REQUIRED}
        _refuse_other_specification(text["ce_specversion"])
        event = read(text["ce_type"], int(text["ce_schemaversion"]), value)
        return Envelope(
            id=UUID(text["ce_id"]),
            event=event,
            time=_moment(text["ce_time"]),
            cause=Cause(
                text["ce_causationid"],
                text["ce_correlationid"],
                fields.get("traceparent", b"").decode(errors="replace"),
            ),
            corridor=fields.get("ce_corridor", b"").decode(),
            aggregate_version=int(fields.get("ce_aggregateversion", b"0")),
        )
    except KeyError as error:
        raise BadInput(
            f"header {error.args[0]} is missing", where="headers", fix="send CloudEvents 1.0 binary mode"
        ) from error
    except ValidationError as error:
        raise BadInput(_first_problem(error.errors()), where="data") from error
    except ValueError as error:
        raise BadInput(f"unreadable header: {error}", where="headers") from error


_REQUIRED: Final = (
    "ce_specversion", "ce_type", "ce_id", "ce_time", "ce_schemaversion", "ce_correlationid", "ce_causationid",
)  # fmt: skip


def _refuse_other_specification(version: str) -> None:
    if version != SPECIFICATION:
        raise ValueError(f"ce_specversion is not {SPECIFICATION}")


def _moment(text: str) -> datetime:
    """RFC 3339, as UTC. Without an offset nobody knows whose time it is: this machine's zone would be a guess."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("ce_time has no offset")
    return at.astimezone(UTC)


def _first_problem(errors: Iterable[object]) -> str:
    """Where and what, never the value: it may be personal."""
    for problem in errors:
        if isinstance(problem, dict):
            return f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
    return "unreadable data"
