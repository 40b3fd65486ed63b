"""Every Cainiao case of the vectors folder on the pure modules, steps in order against an empty store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from services.logistics.milestones import TABLE, Milestone
from services.logistics.providers.base import Tracking
from services.logistics.providers.cainiao import link, statuses, wire
from services.logistics.providers.cainiao.link import LinkSettings
from services.logistics.tracking import State, TrackingEvent, reduce, take
from services.logistics.tracking_json import as_json, from_json, stamp
from shared.errors import SignatureRefused
from shared.http.payload import Fields
from tests.logistics.providers.logistics_cases import Case, Step, cases, table

SETTINGS = LinkSettings(provider_id="TWINCITY_TEST")
CAINIAO = cases("cainiao")


@dataclass
class Store:
    """The events of the case's one shipment, in order of arrival."""

    refs: frozenset[str]
    origin: str
    events: list[TrackingEvent] = field(default_factory=list)

    def take(self, tracking: Tracking, step: Step) -> tuple[list[TrackingEvent], int]:
        assert self.refs & set(tracking.refs)
        update = take(self.events, tracking.events, step.now, origin_country=self.origin)
        self.events.extend(update.new)
        return list(update.new), update.duplicates


def answer(case: Case, step: Step, store: Store) -> dict[str, Any]:
    """What one step leads to, in the words of the vectors."""
    try:
        envelope = link.open_envelope([case.link_secret()], step.body, step.now, SETTINGS)
    except SignatureRefused as refused:
        return outcome(refused.reason, 401, link.REFUSED, [], 0, store, step)
    tracking = wire.parse(envelope, SETTINGS)
    assert isinstance(tracking, Tracking)
    new, duplicates = store.take(tracking, step)
    return outcome("ok", 200, link.ACCEPTED, new, duplicates, store, step)


def outcome(
    auth: str, status: int, ack: bytes, new: list[TrackingEvent], duplicates: int, store: Store, step: Step
) -> dict[str, Any]:
    return {
        "auth": auth,
        "http_status": status,
        "ack_body": ack.decode(),
        "new_events": [as_json(event) for event in new],
        "duplicates": duplicates,
        "shipment": shown(reduce(store.events, step.now, origin_country=store.origin)),
    }


def shown(state: State) -> dict[str, Any]:
    return {
        "milestone": state.milestone and state.milestone.value,
        "status": state.status and state.status.value,
        "last_event_time": state.last_event_time and stamp(state.last_event_time),
    }


@pytest.mark.parametrize("case", CAINIAO, ids=lambda case: case.id)
def test_every_case_is_answered_and_stored_as_it_says(case: Case) -> None:
    shipment = case.shipments[0]
    store = Store(frozenset(shipment["refs"]), shipment["origin_country"])

    for step in case.steps:
        assert answer(case, step, store) == step.expect


def test_the_folder_holds_cases() -> None:
    assert CAINIAO


def test_every_code_of_the_mapping_means_what_it_says() -> None:
    ours = {
        code: {"milestone": found.milestone.value, "reason_code": found.reason and found.reason.value}
        for code, found in statuses.ACTIONS.items()
    }
    assert ours == table("mappings/cainiao")


def test_the_milestone_table_is_the_vectors_table() -> None:
    ours = [
        {"milestone": m.value, "rank": row.rank, "status": row.status and row.status.value}
        | {"terminal": row.terminal, "scope": row.scope.value}
        for m, row in TABLE.items()
    ]
    theirs = [{k: row[k] for k in ours[0]} for row in table("mappings/milestones")]
    assert ours == theirs
    assert set(TABLE) == set(Milestone)


def events_of(case: Case, step: Step) -> list[TrackingEvent]:
    """The events that a step of any provider must store, of the first shipment's own references."""
    mine = case.shipments[0]["refs"]
    events = [from_json(Fields(event), step.now) for event in step.expect.get("new_events") or []]
    return [event for event in events if event.ref.value in mine]


PROVIDERS = ("17track", "aftership", "kuaidi100", "sf", "cainiao", "dhl", "karrio", "chinapost")


@pytest.mark.parametrize(
    "case", [case for provider in PROVIDERS for case in cases(provider) if case.shipments], ids=lambda case: case.id
)
def test_the_events_of_any_provider_add_up_to_the_state_that_its_case_says(case: Case) -> None:
    """Also of providers that have no wire module yet: the state is a function of canonical events alone."""
    origin, history = case.shipments[0].get("origin_country"), list[TrackingEvent]()

    for step in case.steps:
        history += events_of(case, step)
        wanted = step.expect.get("shipment")
        if wanted is not None:
            got = shown(reduce(history, step.now, origin_country=origin))
            assert {k: got[k] for k in wanted if k in got} == {k: v for k, v in wanted.items() if k in got}


@pytest.mark.parametrize(
    "event",
    [event for case in CAINIAO for step in case.steps for event in step.expect["new_events"]],
    ids=lambda event: event["dedupe_key"][:8],
)
def test_a_stored_event_reads_back_as_it_was(event: dict[str, Any]) -> None:
    received = CAINIAO[0].steps[0].now
    assert as_json(from_json(Fields(event), received)) == event
