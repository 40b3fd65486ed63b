"""Tracking events and what they add up to. Pure: the state of a shipment is a function of all of its events.

It is always computed from scratch: a late event takes its place in the history instead of patching the end.
Source: our logistics reference, "Dedupe key" and "State reduction" (project rules, 2026-03).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from services.logistics.milestones import IMPORT_CUSTOMS, RETURNS, TABLE, Coarse, Milestone, rank

M = Milestone

# A scan that says it happened later than this after we received it is a zone error: kept, not believed until then.
_FUTURE: Final = timedelta(minutes=10)
_REWEIGH_GRAMS: Final = 50
_REWEIGH_PERCENT: Final = 5


# Who speaks for us in a parcel's history: the hub of its consignment, and an operator.
HUB: Final = "warehouse"
OPERATOR: Final = "operator"
OURS: Final = frozenset({HUB, OPERATOR})


class Classifier(StrEnum):
    ACTUAL = "ACTUAL"
    ESTIMATED = "ESTIMATED"
    PLANNED = "PLANNED"


class Reason(StrEnum):
    ADDRESS_INCORRECT = "address_incorrect"
    RECIPIENT_UNAVAILABLE = "recipient_unavailable"
    RECIPIENT_REFUSED = "recipient_refused"
    RECIPIENT_MOVED = "recipient_moved"
    BUSINESS_CLOSED = "business_closed"
    CUSTOMS_DOCUMENTS = "customs_documents"
    CUSTOMS_DUTY_UNPAID = "customs_duty_unpaid"
    CUSTOMS_INSPECTION = "customs_inspection"
    CUSTOMS_PROHIBITED = "customs_prohibited"
    CUSTOMS_OTHER = "customs_other"
    SECURITY = "security"
    DAMAGED = "damaged"
    MISSORTED = "missorted"
    DELAYED_CARRIER = "delayed_carrier"
    DELAYED_EXTERNAL = "delayed_external"
    HELD_FOR_PAYMENT = "held_for_payment"
    PICKUP_NOT_COLLECTED = "pickup_not_collected"
    CARRIER_REJECTED = "carrier_rejected"
    OUT_OF_AREA = "out_of_area"
    WEIGHT_DISCREPANCY = "weight_discrepancy"
    NO_SCAN = "no_scan"
    LOST = "lost"
    OTHER = "other"


class Customs(StrEnum):
    """A customs scan that does not say which border it is about."""

    STARTED = "started"
    HELD = "held"
    RELEASED = "released"


class ZoneSource(StrEnum):
    """How the offset of a local time was known."""

    EXPLICIT = "explicit"
    PROVIDER_DEFAULT = "provider_default"
    CARRIER_DEFAULT = "carrier_default"
    LOCATION_INFERRED = "location_inferred"


@dataclass(frozen=True, slots=True)
class Ref:
    """What the carrier calls the thing: `carrier_tracking_number`, `cainiao_lp`, `container`, `mawb`, `bag` …"""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Location:
    name: str | None = None
    country: str | None = None
    unlocode: str | None = None
    iata: str | None = None
    facility: str | None = None

    def key(self) -> str:
        """What tells two places apart when an event is recognised again."""
        return self.unlocode or self.iata or normalised(self.name or "")


@dataclass(frozen=True, slots=True)
class Raw:
    """The provider's own words, untouched."""

    code: str
    sub_code: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A re-weigh: grams, and centimetres rounded up."""

    weight_g: int
    length_cm: int | None = None
    width_cm: int | None = None
    height_cm: int | None = None


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """One scan in our words. `event_time` is UTC to the second; `offset` ("+08:00") is how it was written.

    `unknown_code`: the provider's code is in no table of ours; it was taken as a movement and a person should look.
    `customs`: the milestone is a guess until `directions.py` has seen the shipment that the scan belongs to.
    """

    provider: str
    ref: Ref
    milestone: Milestone
    event_time: datetime
    received_at: datetime
    offset: str
    zone_source: ZoneSource
    raw: Raw
    dedupe_key: str
    location: Location = field(default_factory=Location)
    classifier: Classifier = Classifier.ACTUAL
    reason: Reason | None = None
    provider_event_id: str | None = None
    unknown_code: bool = False
    measured: Measured | None = None
    customs: Customs | None = None

    @property
    def status(self) -> Coarse | None:
        return TABLE[self.milestone].status


def normalised(text: str) -> str:
    """NFKC, white space collapsed, case folded: how free text is compared."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()


def offset_text(offset: timedelta) -> str:
    """As `TrackingEvent.offset` has it: "+08:00"."""
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def dedupe_key(
    provider: str, ref: Ref, classifier: Classifier, event_time: datetime, *, basis: str, location: Location
) -> str:
    """Identity of a scan that has no id of its own: lower-case hex SHA-256 over its parts, one a line."""
    at = event_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _digest(provider, f"{ref.type}:{ref.value}", classifier.value, at, basis, location.key())


def native_dedupe_key(provider: str, provider_event_id: str) -> str:
    """Identity of a scan that the provider numbered."""
    return _digest(provider, "id", provider_event_id)


def _digest(*lines: str) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class State:
    """Where the shipment is. `reached`: every milestone that moved it, with its first time, in order."""

    milestone: Milestone | None = None
    status: Coarse | None = None
    last_event_time: datetime | None = None
    reached: tuple[tuple[Milestone, datetime], ...] = ()

    def first(self, milestone: Milestone) -> datetime | None:
        return dict(self.reached).get(milestone)


@dataclass(slots=True)
class _Walk:
    """What the walk remembers besides the state."""

    origin: str | None
    state: State = field(default_factory=State)
    origin_scans: bool = False
    departed: bool = False
    refused: bool = False
    returning: bool = False

    def meets(self, event: TrackingEvent) -> None:
        milestone = self._as_return(event)
        if milestone is M.INFO_UPDATE or not _may_follow(self.state.milestone, milestone):
            return
        if not self._predeclared(milestone):
            self.state = _moved(self.state, milestone, event.event_time)
        self.state = replace(self.state, last_event_time=event.event_time)
        self._remember(event, milestone)

    def _as_return(self, event: TrackingEvent) -> Milestone:
        """A delivery scan after the way back began is the sender's receipt: some carriers use one word for both."""
        return M.RETURNED if event.milestone is M.DELIVERED and self.returning else event.milestone

    def _predeclared(self, milestone: Milestone) -> bool:
        """Import papers are filed before export even starts: no arrival until something proves departure."""
        return milestone in IMPORT_CUSTOMS and self.origin_scans and not self.departed

    def _remember(self, event: TrackingEvent, milestone: Milestone) -> None:
        if milestone in IMPORT_CUSTOMS:
            return  # paper, not a place
        place, at_origin = event.location.country, 200 <= rank(milestone) < 400
        abroad = place is not None and self.origin is not None and place != self.origin
        self.origin_scans |= at_origin
        self.departed |= abroad or 400 <= rank(milestone) < 900
        homeward = at_origin or (place is not None and place == self.origin)
        self.returning |= milestone in RETURNS or (self.refused and homeward)
        self.refused |= event.reason is Reason.RECIPIENT_REFUSED


def reduce(events: Iterable[TrackingEvent], now: datetime, *, origin_country: str | None = None) -> State:
    """The state that all events of one shipment add up to at `now`, whatever order they came in.

    `events` in order of arrival: it breaks ties that time and rank leave. Only ACTUAL ones count; one whose time lies
    ahead of its arrival by more than ten minutes waits until that time has come.
    """
    walk = _Walk(origin_country)
    believed = [event for event in events if event.classifier is Classifier.ACTUAL and not _ahead(event, now)]
    for event in sorted(believed, key=lambda event: (event.event_time, rank(event.milestone))):
        walk.meets(event)
    return walk.state


def _ahead(event: TrackingEvent, now: datetime) -> bool:
    return event.event_time > event.received_at + _FUTURE and event.event_time > now


def _may_follow(before: Milestone | None, milestone: Milestone) -> bool:
    """What may still change the state after an end was reached."""
    if before is M.DELIVERED:
        return milestone in RETURNS
    if before in {M.RETURNED, M.DESTROYED}:
        return False
    if before in {M.LOST, M.CANCELLED}:
        return 200 <= rank(milestone) < 900 or milestone is M.DESTROYED
    return True


def _moved(state: State, milestone: Milestone, at: datetime) -> State:
    if milestone is M.IN_TRANSIT:
        return _drifted(state, at)
    known = milestone in dict(state.reached)
    reached = state.reached if known else (*state.reached, (milestone, at))
    return replace(state, milestone=milestone, status=TABLE[milestone].status, reached=reached)


def _drifted(state: State, at: datetime) -> State:
    """A bare movement scan: it clears a trouble, and is the milestone only where there is none yet."""
    if state.milestone is None:
        return replace(state, milestone=M.IN_TRANSIT, status=Coarse.IN_TRANSIT, reached=((M.IN_TRANSIT, at),))
    clears = state.status in {Coarse.PENDING, Coarse.EXCEPTION, Coarse.DELIVERY_FAILED}
    return replace(state, status=Coarse.IN_TRANSIT) if clears else state


@dataclass(frozen=True, slots=True)
class Advanced:
    """A milestone reached for the first time; `late`: something later was known already."""

    milestone: Milestone
    at: datetime
    late: bool


@dataclass(frozen=True, slots=True)
class Update:
    """What some incoming events changed: those to store (oldest first), how many were known, the state, the news."""

    new: tuple[TrackingEvent, ...]
    duplicates: int
    state: State
    advanced: tuple[Advanced, ...]


def take(
    history: Sequence[TrackingEvent],
    incoming: Sequence[TrackingEvent],
    now: datetime,
    *,
    origin_country: str | None = None,
    believes: Callable[[TrackingEvent], bool] = lambda _: True,
) -> Update:
    """Add what came to what is stored (`history` in order of arrival). `believes`: which events count for the state;
    the others are stored all the same."""
    new = _unknown(history, incoming)
    before = reduce(filter(believes, history), now, origin_country=origin_country)
    after = reduce(filter(believes, [*history, *new]), now, origin_country=origin_country)
    known = dict(before.reached)
    advanced = tuple(Advanced(m, at, _is_late(at, before)) for m, at in after.reached if m not in known)
    return Update(new, len(incoming) - len(new), after, advanced)


def _is_late(at: datetime, before: State) -> bool:
    return before.last_event_time is not None and at < before.last_event_time


def _unknown(history: Sequence[TrackingEvent], incoming: Sequence[TrackingEvent]) -> tuple[TrackingEvent, ...]:
    seen = {event.dedupe_key for event in history}
    new: dict[str, TrackingEvent] = {}
    for event in incoming:
        if event.dedupe_key not in seen:
            new.setdefault(event.dedupe_key, event)
    return tuple(sorted(new.values(), key=lambda event: event.event_time))


def absent(history: Iterable[TrackingEvent], snapshot: Iterable[TrackingEvent]) -> frozenset[str]:
    """Keys of stored events that a newer full snapshot of the same provider leaves out: kept, and flagged."""
    latest = tuple(snapshot)
    sources = {(event.provider, event.ref) for event in latest}
    stored = {event.dedupe_key for event in history if (event.provider, event.ref) in sources}
    return frozenset(stored - {event.dedupe_key for event in latest})


def weight_discrepancy(declared_g: int, verified_g: int) -> bool:
    """True where a re-weigh differs by more than 50 g and more than 5 % of what was declared."""
    return abs(verified_g - declared_g) * 100 > max(_REWEIGH_GRAMS * 100, declared_g * _REWEIGH_PERCENT)
