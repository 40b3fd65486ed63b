"""Promise clocks, delay alarms, consolidation and identifiers against whatever cases the vectors folder holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.logistics import consolidation, delays, identifiers, promise
from services.logistics.milestones import Milestone
from services.logistics.tracking import Ref
from services.logistics.tracking_json import stamp
from tests.logistics.providers.logistics_cases import VECTORS, table


def named(folder: str, **by: str) -> list[Any]:
    """Every case of the files of one folder, with a readable id."""
    files = [table(f"{folder}/{path.stem}") for path in sorted((VECTORS / folder).glob("*.json"))]
    found = [case for file in files for case in file.get("cases", ()) if all(key in case for key in by.values())]
    return [pytest.param(case, id=str(case.get("case") or case.get("value"))) for case in found]


def at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def offset(text: str) -> timedelta:
    whole = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return -whole if text[0] == "-" else whole


@pytest.mark.parametrize("case", named("sla", key="promise"))
def test_a_promise_is_due_and_judged_as_its_case_says(case: dict[str, Any]) -> None:
    terms = promise.Terms(promise.Promise(case["promise"]), offset(case["destination_offset"]))
    pauses = [
        promise.Pause(datetime.fromisoformat(pause["from"]), datetime.fromisoformat(pause["to"]))
        for pause in case.get("pauses", ())
    ]
    stopped = datetime.fromisoformat(case["stop_event"]["event_time"])

    due = promise.due_at(terms, datetime.fromisoformat(case["clock_start"]), pauses)

    assert stamp(due) == case["due_at"]
    assert promise.judge(due, stopped, stopped).value == case["result"]
    assert Milestone(case["stop_event"]["milestone"]) in promise.STOPS


@pytest.mark.parametrize("case", named("sla", key="alarm"))
def test_silence_alarms_as_its_case_says(case: dict[str, Any]) -> None:
    milestone, mode = Milestone(case["milestone"]), delays.Mode(case["mode"])
    watched = delays.Watched(
        milestone, mode, at(case.get("last_scan_at")), at(case.get("eta")), at(case.get("previous_eta"))
    )

    raised = delays.alarm(watched, datetime.fromisoformat(case["now"]))

    assert (raised and raised.value) == case["alarm"]
    allowed = delays.limit(milestone, mode)
    assert (allowed and allowed.hours) == case.get("limit_hours", allowed and allowed.hours)
    assert delays.slip(watched) == timedelta(hours=case.get("slip_hours", 0))


@pytest.mark.parametrize("case", named("identifiers", key="valid"))
def test_an_identifier_is_valid_as_its_case_says(case: dict[str, Any]) -> None:
    assert identifiers.is_valid(case["type"], case["value"]) is case["valid"]


def ref(raw: dict[str, str]) -> Ref:
    return Ref(raw["type"], raw["value"])


@pytest.mark.parametrize("path", sorted((VECTORS / "journey").glob("*.json")), ids=lambda path: path.stem)
def test_parts_inherit_only_while_they_are_inside(path: Any) -> None:
    case, links = table(f"journey/{path.stem}"), tuple[consolidation.Link, ...]()
    for record in case["aggregations"]:
        change = {"ADD": consolidation.opened, "DELETE": consolidation.closed}[record["action"]]
        children = [ref(child) for child in record["children"]]
        links = change(links, ref(record["parent"]), children, datetime.fromisoformat(record["time"]))

    got: dict[str, list[dict[str, str]]] = {value: [] for value in case["expect_inherited"]}
    for event in case["parent_events"]:
        milestone, time = Milestone(event["milestone"]), datetime.fromisoformat(event["event_time"])
        for one in consolidation.inherited(links, ref(event["ref"]), milestone, time):
            if one.ref.value in got:
                told = {"milestone": one.milestone.value, "event_time": stamp(one.at)}
                got[one.ref.value].append(told | {"inherited_from": one.inherited_from.value})

    assert got == case["expect_inherited"]


def test_the_folders_hold_cases() -> None:
    assert named("sla", key="promise")
    assert named("sla", key="alarm")
    assert named("identifiers", key="valid")
    assert list((VECTORS / "journey").glob("*.json"))
