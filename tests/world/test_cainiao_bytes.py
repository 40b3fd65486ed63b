"""LINK's digest against the samples, and the carrier's messages as the services read and write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from deploy.world import link
from services.logistics.providers.base import BookingRequest, Consignee, Tracking, WaybillDocument
from services.logistics.providers.cainiao import link as our_link
from services.logistics.providers.cainiao import wire as our_wire
from shared.http.signatures import Secret
from shared.money import Money
from tests.world import samples
from tests.world.samples import Case

NOW = datetime(2026, 3, 1, 2, 18, 24, tzinfo=UTC)
SECRET = "s3cret"
STEPS = [
    (case, step)
    for case in samples.files("logistics/cainiao")
    for step in case["steps"]
    if step["expect"]["auth"] == "ok"
]
SETTINGS = our_link.LinkSettings("CORRIDOR")


def test_the_known_answer_of_the_digest() -> None:
    assert link.digest("hello1234", "key123") == "ufYU7rvXhHY3IDyZgyt6SA=="


@pytest.mark.parametrize(("case", "step"), STEPS)
def test_a_sample_verifies_and_is_rebuilt_to_the_byte(case: Case, step: Case) -> None:
    body, secret = step["request"]["body"], case["secret"]["value"]
    fields = link.parse(body.encode())
    content = json.loads(fields["logistics_interface"])
    made = link.form(fields["msg_type"], content, secret=secret, partner=fields["partner_code"], from_code="CNCTP")

    assert link.verifies(fields, secret)
    assert link.parse(made) == fields


def test_a_changed_sample_does_not_verify() -> None:
    case, step = STEPS[0]
    fields = link.parse(step["request"]["body"].encode())

    changed = fields | {"logistics_interface": fields["logistics_interface"] + " "}

    assert not link.verifies(changed, case["secret"]["value"])


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        (b'{"success":"true"}', True),
        (b'{"success":true}', True),
        (b'{"success":"false"}', False),
        (b"ok", False),
        (b"[]", False),
    ],
)
def test_only_the_word_in_the_body_acknowledges(body: bytes, taken: bool) -> None:
    assert link.accepted(body) is taken


def opened(msg_type: str, content: Case) -> Tracking | WaybillDocument:
    body = link.form(msg_type, content, secret=SECRET, partner="P", from_code="CNCTP")
    envelope = our_link.open_envelope([Secret("1", SECRET.encode())], body, NOW, SETTINGS)
    return our_wire.parse(envelope, SETTINGS)


def test_the_services_read_a_scan() -> None:
    scan = {
        "logisticsOrderCode": "LP1",
        "eventTime": "2026-03-01 10:00:00",
        "timeZone": "+8",
        "eventCode": "GTMS_SIGNED",
        "statusCode": "0",
        "reason": "",
        "location": "福州",
    }
    found = opened(SETTINGS.event_callback, scan)

    assert isinstance(found, Tracking)
    assert [event.milestone for event in found.events] == ["delivered"]


def test_the_services_read_the_receipt_of_the_declared_waybill() -> None:
    receipt = {
        "guid": "G",
        "logisticsCode": "9999L60004",
        "logisticsNo": "TCX1",
        "returnStatus": "120",
        "returnTime": "20260301100000123",
        "returnInfo": "[Code:1800;Desc:逻辑校验通过]",
    }
    found = opened(SETTINGS.document_answer, receipt)

    assert isinstance(found, WaybillDocument)
    assert (found.waybill_no, found.state) == ("TCX1", "accepted")


def test_a_booking_of_the_services_verifies() -> None:
    consignee = Consignee("林测试", "10000000001", "CN", "福建省", "福州市", None, "测试路1号")
    zero = Money(0, "CNY")
    request = BookingRequest("P1", "T1", "fz-bonded", consignee, "咖啡", 307, zero, zero)
    fields = link.parse(our_wire.build_booking(request, Secret("1", SECRET.encode()), SETTINGS))

    assert link.verifies(fields, SECRET)
    assert json.loads(fields["logistics_interface"])["consigneeAddress"] == "福建省福州市测试路1号"
