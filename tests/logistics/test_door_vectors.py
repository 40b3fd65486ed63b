"""Every Cainiao and 17TRACK case of the vectors folder through the service's own door: the case's secret, clock and
shipment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.logistics.shipment import Booking, Parcel, carrier_alias
from services.logistics.tracking_json import stamp
from shared.clock import FrozenClock
from shared.ids import OrderId, ParcelId
from shared.money import Money
from tests.logistics.conftest import MakeHouse
from tests.logistics.house import House
from tests.logistics.providers.logistics_cases import Case, Step, cases
from tests.logistics.shipments import HERE, ORDER, PARCEL

CAINIAO, SEVENTEENTRACK = cases("cainiao"), cases("17track")
SECRETS = {"cainiao": "cainiao/app_secret.txt", "17track": "17track/api_key.txt"}


def parcel_of(shipment: dict[str, Any], provider: str) -> Parcel:
    """A case's shipment as ours, booked and handed over long ago."""
    first, *_ = shipment["refs"]
    return Parcel(
        PARCEL, "nairobi-roasters", provider, "msa-origin", "T1A1", HERE, "咖啡豆", 980, Money(0, "CNY"), (),
        origin_country=shipment["origin_country"], state=Booking.BOOKED, booked_to=HERE.fingerprint, waybill_no=first,
        refs=tuple(shipment["refs"]), destination_country=shipment["destination_country"],
        handed_over_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


async def known(house: House, case: Case) -> None:
    """Each of the case's shipments under an order of its own."""
    provider = case.id.split("/")[0]
    for number, shipment in enumerate(case.shipments):
        order_id = ORDER if number == 0 else OrderId(f"{ORDER}-{number}")
        parcel = parcel_of(shipment, provider)
        if number:
            parcel = Parcel(
                **{name: getattr(parcel, name) for name in parcel.__slots__} | {"id": ParcelId(f"P{number}")}
            )
        await house.preload(parcel, order_id, [carrier_alias(provider, ref) for ref in shipment["refs"]])


@pytest.mark.parametrize("case", [*CAINIAO, *SEVENTEENTRACK], ids=lambda case: case.id)
async def test_every_case_is_answered_and_stored_as_it_says(
    case: Case, secrets: Path, make_house: MakeHouse, clock: FrozenClock
) -> None:
    (secrets / SECRETS[case.id.split("/")[0]]).write_text(case.secret["value"])
    house = await make_house()
    await known(house, case)

    for step in case.steps:
        await take(house, step, clock)


async def take(house: House, step: Step, clock: FrozenClock) -> None:
    clock.skip(step.now - clock.now())
    before = (await house.shipment(ORDER))["parcels"][0]["events"]

    answer = await house.client.request(step.method, step.path, headers=step.headers, content=step.body)

    after = (await house.shipment(ORDER))["parcels"][0]
    new = after["events"][len(before) :]
    assert (answer.status_code, answer.text) == (step.expect["http_status"], step.expect["ack_body"])
    stored = [{k: v for k, v in event.items() if k in wanted} for event, wanted in paired(new, step)]
    assert stored == [without_words(event) for event in step.expect.get("new_events", [])]
    assert shown(after) == step.expect["shipment"]


def without_words(event: dict[str, Any]) -> dict[str, Any]:
    """What couriers typed is in the sealed receipt only; a place that is more than a town's name is left out."""
    kept = event | {"raw": event["raw"] | {"description": None}} if "raw" in event else event
    place = event.get("location")
    return kept if place is None else kept | {"location": place | {"name": town(place["name"]), "facility": None}}


def town(name: str | None) -> str | None:
    return None if name is None or any(letter.isdigit() for letter in name) else name


def paired(new: list[dict[str, Any]], step: Step) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Our own view says two things more of each event: when it came and whether a newer list left it out."""
    assert all(event["received_at"] == step.now.isoformat() and not event["absent_in_latest"] for event in new)
    return list(zip(new, step.expect.get("new_events", []), strict=True))


def shown(parcel: dict[str, Any]) -> dict[str, Any]:
    last = parcel["last_event_time"]
    return {
        "milestone": parcel["milestone"],
        "status": parcel["status"],
        "last_event_time": last and last.replace("+00:00", "Z"),
    }


async def test_the_same_bytes_again_change_nothing_and_get_the_same_answer(
    secrets: Path, make_house: MakeHouse, clock: FrozenClock
) -> None:
    case = next(case for case in CAINIAO if case.id.startswith("cainiao/01"))
    (secrets / "cainiao" / "app_secret.txt").write_text(case.secret["value"])
    house = await make_house()
    await known(house, case)
    for step in case.steps:
        await take(house, step, clock)
    facts = await house.spoken()

    for step in case.steps:
        clock.skip(timedelta(seconds=1))
        answer = await house.client.request(step.method, step.path, headers=step.headers, content=step.body)
        assert (answer.status_code, answer.text) == (200, '{"success":"true"}')

    assert await house.spoken() == facts
    assert [fact.type for fact in facts if fact.type != "logistics.promise.missed"] == [
        "logistics.parcel.advanced",
        "logistics.parcel.advanced",
        "logistics.parcel.delivered",
    ]
    assert stamp(case.steps[0].now) == "2026-03-02T11:05:15Z"
