"""Both doors with bad, early, foreign and repeated deliveries: what is answered, and what is in the database then."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asyncpg
import pytest

from services.logistics.commands import BOOK, Book, Exited
from services.logistics.providers.cainiao import link
from services.logistics.providers.cainiao.link import LinkSettings
from shared.clock import FrozenClock
from shared.db.embedded import EmbeddedPostgres
from shared.events.logistics import ParcelPacked
from shared.flow.decision import Outcome
from shared.http.signatures import Secret, sign_standard, standard_secret
from tests.logistics.house import House, eventually
from tests.logistics.shipments import HERE, LINES, ORDER, PARCEL, WAYBILL, authorised, minutes, requested, withdrawn

NAMES = LinkSettings(provider_id="TWINCITY_TEST")
LINK, WAREHOUSE = "/webhooks/logistics/cainiao", "/webhooks/logistics/warehouse"
TAKEN = (200, '{"success":"true"}')
REFUSED = (401, '{"success":"false","errorCode":"S02","errorMsg":"digest check failed"}')
EVENT = NAMES.event_callback


def scan(code: str = "PU_PICKUP_SUCCESS", lp: str = WAYBILL.also[0], **other: Any) -> dict[str, Any]:
    return {
        "logisticsOrderCode": lp, "eventTime": "2026-03-02 20:00:00", "eventCode": code, "statusCode": "0",
        "timeZone": "+8", "location": "福州",
    } | other  # fmt: skip


def receipt(status: str = "120", waybill: str = WAYBILL.number) -> dict[str, Any]:
    return {
        "guid": "11111111-2222-3333-4444-555555555555", "logisticsCode": "9999L60004", "logisticsNo": waybill,
        "returnStatus": status, "returnTime": "20260302200000000", "returnInfo": "[Code:1800;Desc:ok]",
    }  # fmt: skip


def packed(parcel: str = PARCEL, order: str = ORDER, kind: str = "parcel.packed", **other: Any) -> bytes:
    data = {"parcel_id": parcel, "order_id": order, "gross_grams": 980, "packed_at": "2026-03-02T11:30:00Z"}
    data |= {"exited_at": "2026-03-02T12:00:00Z"} | other
    return json.dumps({"type": kind, "timestamp": "2026-03-02T12:30:00Z", "data": data}).encode()


class Partners:
    """Cainiao and the warehouse with their true secrets, pushing to the service's doors."""

    def __init__(self, house: House, secrets: Path) -> None:
        self._house = house
        self._link = Secret.of_text("current", (secrets / "cainiao" / "app_secret.txt").read_text())
        self._warehouse = standard_secret("current", (secrets / "warehouse" / "secret.txt").read_text())

    async def link(self, content: dict[str, Any], msg_type: str = EVENT, **form: str) -> tuple[int, str]:
        body = link.sealed(msg_type, content, self._link, NAMES)
        return await self.post(LINK, body + (f"&{urlencode(form)}".encode() if form else b""), dict(link.FORM))

    async def warehouse(self, body: bytes, message_id: str = "msg_1", at: datetime | None = None) -> tuple[int, str]:
        headers = sign_standard([self._warehouse], message_id, at or self._house.clock.now(), body)
        return await self.post(WAREHOUSE, body, headers)

    async def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
        answer = await self._house.client.post(path, content=body, headers=headers)
        return answer.status_code, answer.text


@pytest.fixture
async def partners(house: House, secrets: Path) -> Partners:
    return Partners(house, secrets)


async def book(house: House) -> None:
    await house.hear(requested())
    task = Book(ORDER, PARCEL, "cainiao", "T1A1", "fz-bonded", HERE, "咖啡豆", 900, requested().freight)
    await house.hear(Outcome(BOOK, ORDER, PARCEL, task, WAYBILL))


async def let_out(house: House) -> None:
    """Booked, and through the gate just now: from here on a carrier's scans are believed."""
    await book(house)
    await house.hear(authorised(), Exited(ORDER, PARCEL, minutes(0)))


async def types(house: House) -> list[str]:
    return [fact.type.removeprefix("logistics.") for fact in await house.spoken()]


# --- Cainiao ----------------------------------------------------------------------------------------------------------


async def test_a_scan_and_customs_word_are_spoken(house: House, partners: Partners) -> None:
    await let_out(house)

    assert await partners.link(scan()) == TAKEN
    assert await partners.link(receipt(), NAMES.document_answer) == TAKEN

    assert await types(house) == ["parcel.booked", "parcel.exited", "parcel.advanced", "waybill-document.accepted"]


async def test_a_scan_before_the_booking_is_known_waits_for_it(
    house: House, partners: Partners, clock: FrozenClock
) -> None:
    await house.hear(requested())

    assert await partners.link(scan()) == TAKEN
    assert await types(house) == []
    assert await house.quarantined() == ["flow.early"]

    await let_out(house)
    house.service.start(("work",))
    clock.skip(timedelta(seconds=6))
    await eventually(lambda: types(house), ["parcel.booked", "parcel.exited", "parcel.advanced"])
    assert await house.quarantined() == []


async def test_a_push_that_overtakes_our_own_commit_is_not_quarantined(house: House, partners: Partners) -> None:
    await house.hear(requested())

    pushed = asyncio.create_task(partners.link(receipt(), NAMES.document_answer))
    await asyncio.sleep(0.02)
    await book(house)

    assert await pushed == TAKEN
    assert await types(house) == ["parcel.booked", "waybill-document.accepted"]


@pytest.mark.parametrize(
    ("content", "msg_type", "code"),
    [
        (scan(), "SOMETHING_NEW", "input.unrecognised"),
        (receipt("77"), NAMES.document_answer, "input.unrecognised"),
        (scan(eventTime="yesterday"), EVENT, "input.malformed"),
        ({"eventCode": "GOT"}, EVENT, "input.malformed"),
        ({"a": {"b": {}}}, NAMES.trace_push, "input.malformed"),
    ],
    ids=["msg_type", "status", "time", "no reference", "shape"],
)
async def test_authentic_but_not_understood_is_acknowledged_and_quarantined(
    house: House, partners: Partners, content: dict[str, Any], msg_type: str, code: str
) -> None:
    await book(house)

    assert await partners.link(content, msg_type) == TAKEN

    assert await house.quarantined() == [code]
    assert await types(house) == ["parcel.booked"]


async def test_an_unknown_scan_code_is_a_movement_and_a_case(house: House, partners: Partners) -> None:
    await let_out(house)

    assert await partners.link(scan("NEVER_HEARD_OF")) == TAKEN

    assert [case["code"] for case in (await house.shipment(ORDER))["cases"]] == ["unknown_scan_code"]


async def test_forged_and_broken_pushes_are_refused_in_cainiaos_words_and_not_stored(
    house: House, partners: Partners
) -> None:
    foreign = link.sealed(EVENT, scan(), Secret.of_text("current", "somebody else's"), NAMES)

    assert await partners.post(LINK, foreign) == REFUSED
    assert await partners.post(LINK, b"") == REFUSED
    assert await partners.post(LINK, b"\xff\xfe=%%%") == REFUSED
    assert await partners.link(scan(), logistics_interface="{}") == REFUSED
    assert await partners.post(LINK, b"a=" + b"x" * 300_000) == (
        413,
        '{"success":"false","errorCode":"S01","errorMsg":"message too large"}',
    )

    assert await house.rows("SELECT 1 FROM receipts") == []


async def test_the_previous_secret_verifies_while_keys_rotate(secrets: Path, make_house: Any) -> None:
    path = secrets / "cainiao" / "app_secret.txt"
    path.with_suffix(".previous.txt").write_text(path.read_text())
    old = Secret.of_text("old", path.read_text())
    path.write_text("the new one")
    house = await make_house()

    answer = await Partners(house, secrets).post(LINK, link.sealed(EVENT, scan(), old, NAMES))

    assert answer == TAKEN


# --- the warehouse ----------------------------------------------------------------------------------------------------


async def test_packed_and_exited_are_spoken_with_the_authorised_lines(house: House, partners: Partners) -> None:
    await book(house)
    await house.hear(authorised())

    assert await partners.warehouse(packed(), "msg_1") == (204, "")
    assert await partners.warehouse(packed(), "msg_1") == (204, "")
    assert await partners.warehouse(packed(kind="parcel.exited"), "msg_2") == (204, "")

    facts = await house.spoken()
    assert [fact.type for fact in facts[1:]] == ["logistics.parcel.packed", "logistics.parcel.exited"]
    assert facts[1] == ParcelPacked(
        order_id=ORDER, seller="highland-coop", parcel_id=PARCEL, gross_grams=980, lines=LINES, at=minutes(-30)
    )
    assert (await house.shipment(ORDER))["cases"] == []


async def test_an_exit_after_the_withdrawal_is_spoken_and_seen_by_operators(house: House, partners: Partners) -> None:
    await book(house)
    await house.hear(authorised(), withdrawn())

    assert await partners.warehouse(packed(kind="parcel.exited")) == (204, "")

    assert await types(house) == ["parcel.booked", "parcel.exited"]
    open_cases = (await house.ask("/v1/shipments/cases")).json()["cases"]
    assert [(case["order_id"], case["code"]) for case in open_cases] == [(ORDER, "exited_without_authorisation")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (packed(kind="parcel.eaten"), "input.unrecognised"),
        (packed(gross_grams=-1), "input.malformed"),
        (packed(packed_at="2026-03-02T12:10:01Z"), "input.malformed"),
        (packed(kind="parcel.exited", exited_at="0001-01-01T00:00:00Z"), "input.malformed"),
        (packed(order="another"), "logistics.other_order"),
        (packed(parcel="NOBODYS"), "flow.early"),
        (b"{not json", "input.malformed"),
    ],
    ids=["type", "weight", "ahead", "year", "order", "parcel", "json"],
)
async def test_an_authentic_event_that_cannot_be_applied_is_acknowledged_and_quarantined(
    house: House, partners: Partners, body: bytes, code: str
) -> None:
    await book(house)

    assert await partners.warehouse(body) == (204, "")

    assert await house.quarantined() == [code]
    assert await types(house) == ["parcel.booked"]


async def test_a_forged_or_stale_event_is_a_problem_document_and_not_stored(house: House, partners: Partners) -> None:
    stale = await partners.warehouse(packed(), at=minutes(-6))
    unsigned = await partners.post(WAREHOUSE, packed())

    assert (stale[0], json.loads(stale[1])["code"]) == (401, "signature.stale")
    assert (unsigned[0], json.loads(unsigned[1])["code"]) == (401, "signature.refused")
    assert await house.rows("SELECT 1 FROM receipts") == []


async def test_without_a_database_the_senders_are_told_to_come_again(
    house: House, partners: Partners, postgres: EmbeddedPostgres
) -> None:
    name = (await house.rows("SELECT current_database() AS name"))[0]["name"]
    await let_out(house)
    admin = await asyncpg.connect(postgres.dsn())
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)

    gone = [await partners.link(scan()), await partners.warehouse(packed())]
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await admin.close()

    assert gone[0] == (503, '{"success":"false","errorCode":"S07","errorMsg":"try again"}')
    assert (gone[1][0], json.loads(gone[1][1])["code"]) == (503, "database.gone")
    assert await partners.link(scan()) == TAKEN
    assert await types(house) == ["parcel.booked", "parcel.exited", "parcel.advanced"]


# --- the API ----------------------------------------------------------------------------------------------------------


async def test_a_shipment_is_shown_to_its_seller_and_to_operators_only(house: House) -> None:
    await book(house)

    path = f"/v1/orders/{ORDER}/shipment"
    assert (await house.ask(path, "seller")).json()["parcels"][0]["waybill_no"] == WAYBILL.number
    assert (await house.ask(path, "service")).status_code == 403
    assert (await house.client.get(path)).status_code == 401
    assert (await house.ask("/v1/orders/nobody/shipment")).json()["code"] == "not_found"
    assert (await house.ask("/v1/shipments/cases", "seller")).status_code == 403


async def test_another_sellers_shipment_is_as_good_as_none(house: House) -> None:
    await house.hear(requested(seller="somebody-else"))

    assert (await house.ask(f"/v1/orders/{ORDER}/shipment", "seller")).status_code == 404


async def test_personal_data_is_shown_masked_only(house: House) -> None:
    await book(house)

    text = (await house.ask(f"/v1/orders/{ORDER}/shipment")).text
    assert HERE.masked in text
    assert HERE.ciphertext not in text


async def test_what_a_courier_typed_is_neither_kept_nor_shown(house: House, partners: Partners) -> None:
    await let_out(house)
    number = "110101199003070134"
    typed = {"reason": f"林晓舟 {number}", "location": "测试路1号 13800000000", "statusCode": f"Z_{number}"}

    assert await partners.link(scan(**typed)) == TAKEN

    (row,) = await house.rows("SELECT body FROM shipments")
    shown = (await house.ask(f"/v1/orders/{ORDER}/shipment")).text
    for text in (row["body"].decode(), shown):
        assert all(word not in text for word in (number, "13800000000", "林晓舟"))
    (event,) = json.loads(shown)["parcels"][0]["events"]
    assert (event["raw"]["code"], event["location"]["name"], event["believed"]) == ("PU_PICKUP_SUCCESS", None, True)


async def test_a_clock_that_runs_a_little_ahead_is_put_back_to_now(house: House, partners: Partners) -> None:
    await book(house)

    assert await partners.warehouse(packed(kind="parcel.exited", exited_at="2026-03-02T12:09:00Z")) == (204, "")

    assert (await house.shipment(ORDER))["parcels"][0]["exited_at"] == "2026-03-02T12:00:00+00:00"


async def test_the_promise_runs_from_the_first_possession_scan(
    house: House, partners: Partners, clock: FrozenClock
) -> None:
    await let_out(house)
    assert await standing(house) == (None, None, "running")

    await partners.link(scan())
    assert await standing(house) == ("2026-03-02T12:00:00+00:00", "2026-03-05T12:00:00+00:00", "running")

    clock.skip(timedelta(days=4))
    assert (await standing(house))[2] == "missed"


async def standing(house: House) -> tuple[str | None, str | None, str]:
    promise = (await house.shipment(ORDER))["parcels"][0]["promise"]
    assert promise["id"] == "domestic_flat"
    return promise["started_at"], promise["due_at"], promise["verdict"]


async def test_an_operator_closes_a_case(house: House, partners: Partners) -> None:
    await book(house)
    await partners.warehouse(packed(kind="parcel.exited"))

    answer = await close(house)
    unknown, nobody, unsaid = await close(house, 9), await close(house, order="nobody"), await close(house, note=" ")
    again = await close(house, note="once more")

    assert [each.status_code for each in (answer, unknown, nobody, unsaid, again)] == [200, 404, 404, 400, 200]
    assert (answer.json(), again.json(), unknown.json()["code"]) == ({"cases": []}, {"cases": []}, "not_found")
    (case,) = (await house.shipment(ORDER))["cases"]
    assert (case["note"], case["closed_by"]) == ("the gate had the letter", "dev-operator")
    assert (await house.ask("/v1/shipments/cases")).json() == {"cases": []}


async def close(house: House, number: int = 1, *, note: str = "the gate had the letter", order: str = ORDER) -> Any:
    """Without a content type, as a script sends it."""
    path = f"/v1/orders/{order}/shipment/cases/{number}/close"
    return await house.ask(path, method="POST", content=json.dumps({"note": note}).encode())
