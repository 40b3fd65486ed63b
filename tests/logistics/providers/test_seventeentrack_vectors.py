"""Every 17TRACK case of the vectors folder on the pure modules, steps in order against an empty store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from services.logistics.directions import directed
from services.logistics.milestones import Milestone
from services.logistics.providers.base import Tracking
from services.logistics.providers.seventeentrack import statuses, wire
from services.logistics.tracking import Customs, State, TrackingEvent, reduce, take
from services.logistics.tracking_json import as_json, from_json, stamp
from shared.errors import SignatureRefused
from shared.http.payload import Fields
from tests.logistics.providers.logistics_cases import Case, Step, cases, table

SEVENTEENTRACK = cases("17track")
# The tables' word for a customs scan that does not name its border.
WORDS = {Customs.STARTED: "customs_started", Customs.HELD: "customs_held", Customs.RELEASED: "customs_released"}


@dataclass
class Store:
    """The events of the case's one shipment, in order of arrival."""

    shipment: dict[str, Any]
    events: list[TrackingEvent] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return str(self.shipment["origin_country"])

    def take(self, tracking: Tracking, step: Step) -> tuple[list[TrackingEvent], int]:
        assert set(tracking.refs) <= set(self.shipment["refs"])
        incoming = directed(self.events, tracking.events, self.origin, self.shipment["destination_country"])
        update = take(self.events, incoming, step.now, origin_country=self.origin)
        self.events.extend(update.new)
        return list(update.new), update.duplicates

    def state(self, step: Step) -> State:
        return reduce(self.events, step.now, origin_country=self.origin)


def answer(case: Case, step: Step, store: Store) -> dict[str, Any]:
    """What one step leads to, in the words of the vectors."""
    try:
        delivery = wire.open_push([case.link_secret()], step.headers, step.body, step.now)
    except SignatureRefused as refused:
        return outcome(refused.reason, 401, [], 0, store, step)
    except wire.StoppedUnsigned:
        return outcome("unsigned_channel", 200, [], 0, store, step)
    tracking = wire.parse(delivery)
    assert isinstance(tracking, Tracking)
    new, duplicates = store.take(tracking, step)
    return outcome("ok", 200, new, duplicates, store, step)


def outcome(
    auth: str, status: int, new: list[TrackingEvent], duplicates: int, store: Store, step: Step
) -> dict[str, Any]:
    state = store.state(step)
    return {
        "auth": auth,
        "http_status": status,
        "ack_body": "",
        "new_events": [as_json(event) for event in new],
        "duplicates": duplicates,
        "shipment": {
            "milestone": state.milestone and state.milestone.value,
            "status": state.status and state.status.value,
            "last_event_time": state.last_event_time and stamp(state.last_event_time),
        },
    }


@pytest.mark.parametrize("case", SEVENTEENTRACK, ids=lambda case: case.id)
def test_every_case_is_answered_and_stored_as_it_says(case: Case) -> None:
    store = Store(case.shipments[0])

    for step in case.steps:
        assert answer(case, step, store) == {"new_events": [], **step.expect}


def test_the_folder_holds_cases() -> None:
    assert SEVENTEENTRACK


def test_every_code_of_the_mapping_means_what_it_says() -> None:
    def word(found: statuses.Meaning) -> str:
        return WORDS[found.customs] if found.customs else found.milestone.value

    exact = {
        code: {"milestone": word(found), "reason_code": found.reason and found.reason.value}
        for code, found in statuses.SUB_STATUS.items()
    }
    stages = {code: found.milestone.value for code, found in statuses.STAGE.items()}
    assert {"sub_status": exact, "stage_fallback": stages} == table("mappings/17track")


@pytest.mark.parametrize(
    ("sub_status", "stage", "milestone", "unknown"),
    [
        (None, "Departure", Milestone.DEPARTED_ORIGIN, False),
        (None, None, Milestone.IN_TRANSIT, False),
        ("InTransit_Teleported", "Departure", Milestone.IN_TRANSIT, True),
        (None, "Teleported", Milestone.IN_TRANSIT, True),
    ],
)
def test_the_stage_counts_only_without_a_sub_status(
    sub_status: str | None, stage: str | None, milestone: Milestone, unknown: bool
) -> None:
    found, strange = statuses.meaning(sub_status, stage)

    assert (found.milestone, strange) == (milestone, unknown)


@pytest.mark.parametrize(
    "event",
    [event for case in SEVENTEENTRACK for step in case.steps for event in step.expect.get("new_events", ())],
    ids=lambda event: event["dedupe_key"][:8],
)
def test_a_stored_event_reads_back_as_it_was(event: dict[str, Any]) -> None:
    received = SEVENTEENTRACK[0].steps[0].now
    assert as_json(from_json(Fields(event), received)) == event
