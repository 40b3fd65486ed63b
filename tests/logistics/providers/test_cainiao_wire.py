from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.milestones import Milestone
from services.logistics.providers.base import (
    DocumentState,
    Eta,
    Tracking,
    WaybillDocument,
)
from services.logistics.providers.cainiao import link, statuses, wire
from services.logistics.providers.cainiao.link import LinkSettings
from services.logistics.tracking import Measured, Reason, ZoneSource
from shared.errors import BadInput, SignatureRefused, Unrecognised
from shared.http.signatures import Secret

NOW = datetime(2026, 3, 9, 12, 40, 9, tzinfo=UTC)
SETTINGS = LinkSettings(provider_id="TWINCITY_TEST")
SECRET = Secret.of_text("current", "cn-test")
EVENT = {
    "logisticsOrderCode": "LP00512345678901",
    "eventTime": "2026-03-09 20:40:00",
    "timeZone": "+8",
    "eventCode": "GTMS_SIGNED",
    "statusCode": "0",
    "location": "福州",
}


def pushed(content: object, msg_type: str = SETTINGS.event_callback, **changes: str) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    form = {"msg_type": msg_type, "data_digest": link.digest(SECRET.key, text.encode()), "logistics_interface": text}
    return urlencode(form | changes).encode()


def said(content: object, msg_type: str = SETTINGS.event_callback) -> Tracking | WaybillDocument:
    return wire.parse(link.open_envelope([SECRET], pushed(content, msg_type), NOW, SETTINGS), SETTINGS)


def tracked(msg_type: str = SETTINGS.event_callback, **changes: Any) -> Tracking:
    found = said(EVENT | changes, msg_type)
    assert isinstance(found, Tracking)
    return found


# The envelope


def test_the_digest_is_the_known_answer() -> None:
    assert link.digest(b"key123", b"hello1234") == "ufYU7rvXhHY3IDyZgyt6SA=="


def test_the_acknowledgements_are_the_partners_to_the_byte() -> None:
    assert link.ACCEPTED == b'{"success":"true"}'
    assert link.REFUSED == b'{"success":"false","errorCode":"S02","errorMsg":"digest check failed"}'


def test_a_rotated_secret_is_accepted_and_named() -> None:
    secrets = [Secret.of_text("next", "other"), SECRET]

    assert link.open_envelope(secrets, pushed(EVENT), NOW, SETTINGS).key_id == "current"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"{}",
        b"msg_type=TRACEPUSH",
        pushed(EVENT, data_digest=""),
        pushed(EVENT, data_digest="AAAA"),
        pushed(EVENT, logistics_interface="{}"),
        pushed(EVENT) + b"&logistics_interface=%7B%7D",
        pushed(EVENT) + b"&data_digest=AAAA",
    ],
    ids=range(9),
)
def test_what_is_no_authentic_form_is_refused_by_one_error(body: bytes) -> None:
    with pytest.raises(SignatureRefused):
        link.open_envelope([SECRET], body, NOW, SETTINGS)


CONTENT = json.dumps(EVENT)


@given(bit=st.integers(min_value=0, max_value=7 * len(CONTENT) - 1))
def test_any_single_changed_bit_of_the_content_is_refused(bit: int) -> None:
    signs = list(CONTENT)
    signs[bit // 7] = chr(ord(signs[bit // 7]) ^ (1 << bit % 7))
    body = pushed(EVENT, data_digest=link.digest(SECRET.key, CONTENT.encode()), logistics_interface="".join(signs))

    with pytest.raises(SignatureRefused):
        link.open_envelope([SECRET], body, NOW, SETTINGS)


@given(bit=st.integers(min_value=0, max_value=7 * 24 - 1))
def test_any_single_changed_bit_of_the_digest_is_refused(bit: int) -> None:
    signs = list(link.digest(SECRET.key, CONTENT.encode()))
    signs[bit // 7] = chr(ord(signs[bit // 7]) ^ (1 << bit % 7))

    with pytest.raises(SignatureRefused):
        link.open_envelope([SECRET], pushed(CONTENT, data_digest="".join(signs)), NOW, SETTINGS)


def test_the_same_content_under_another_type_is_another_delivery() -> None:
    keys = {
        link.open_envelope([SECRET], pushed(EVENT, msg_type), NOW, SETTINGS).delivery_key
        for msg_type in ("TRACEPUSH", "TRACEPUSH", "OTHER")
    }
    assert len(keys) == 2


def test_gbk_is_read_where_that_was_agreed() -> None:
    settings = LinkSettings("TWINCITY_TEST", encoding="gbk")
    text = json.dumps(EVENT, ensure_ascii=False)
    digest = link.digest(SECRET.key, text.encode("gbk"))
    form = urlencode({"msg_type": "x", "data_digest": digest, "logistics_interface": text}, encoding="gbk").encode()

    assert link.open_envelope([SECRET], form, NOW, settings).content == text


# Events


@pytest.mark.parametrize(
    ("zone", "at", "offset", "source"),
    [
        ("+8", datetime(2026, 3, 9, 12, 40, tzinfo=UTC), "+08:00", ZoneSource.EXPLICIT),
        ("8", datetime(2026, 3, 9, 12, 40, tzinfo=UTC), "+08:00", ZoneSource.EXPLICIT),
        ("-3", datetime(2026, 3, 9, 23, 40, tzinfo=UTC), "-03:00", ZoneSource.EXPLICIT),
        ("+5:30", datetime(2026, 3, 9, 15, 10, tzinfo=UTC), "+05:30", ZoneSource.EXPLICIT),
        ("GMT+0300", datetime(2026, 3, 9, 17, 40, tzinfo=UTC), "+03:00", ZoneSource.EXPLICIT),
        ("", datetime(2026, 3, 9, 12, 40, tzinfo=UTC), "+08:00", ZoneSource.PROVIDER_DEFAULT),
        (None, datetime(2026, 3, 9, 12, 40, tzinfo=UTC), "+08:00", ZoneSource.PROVIDER_DEFAULT),
    ],
)
def test_the_offset_gives_the_time_and_beijing_is_the_default(
    zone: str | None, at: datetime, offset: str, source: ZoneSource
) -> None:
    (event,) = tracked(timeZone=zone).events

    assert (event.event_time, event.offset, event.zone_source) == (at, offset, source)


@pytest.mark.parametrize(
    ("code", "status", "milestone", "reason"),
    [
        ("GTMS_SIGNED", 0, Milestone.DELIVERED, None),
        ("GTMS_SIGNED", "1", Milestone.EXCEPTION, Reason.OTHER),
        ("LAST_MILE_GTMS_SIGNED_CALLBACK", 1, Milestone.DELIVERY_ATTEMPT_FAILED, Reason.OTHER),
        ("CUS_TAX", "0", Milestone.IMPORT_CUSTOMS_HELD, Reason.CUSTOMS_DUTY_UNPAID),
    ],
)
def test_a_status_code_other_than_zero_is_a_failure(
    code: str, status: object, milestone: Milestone, reason: Reason | None
) -> None:
    (event,) = tracked(eventCode=code, statusCode=status).events

    assert (event.milestone, event.reason, event.unknown_code) == (milestone, reason, False)


def test_an_unknown_code_is_unrecognised_and_kept_as_a_movement() -> None:
    with pytest.raises(Unrecognised):
        statuses.meaning("LH_TELEPORT")

    (event,) = tracked(eventCode="LH_TELEPORT").events

    assert (event.milestone, event.unknown_code) == (Milestone.IN_TRANSIT, True)


@pytest.mark.parametrize(
    ("parcel", "measured"),
    [
        ({"weight": 1.25, "weightUnit": "kg"}, Measured(1250)),
        ({"weight": 980, "weightUnit": "g", "length": 32.1, "dimensionUnit": "cm"}, Measured(980, 33)),
        ({"weight": 980, "weightUnit": "g", "height": 121, "dimensionUnit": "mm"}, Measured(980, None, None, 13)),
        ({}, None),
    ],
)
def test_a_reweigh_is_read_in_its_units(parcel: dict[str, Any], measured: Measured | None) -> None:
    (event,) = tracked(eventCode="CHECK_WEIGHT_CALLBACK", extInfo=json.dumps({"parcelList": [parcel]})).events

    assert (event.milestone, event.measured) == (Milestone.INFO_UPDATE, measured)


def test_an_unknown_unit_is_unrecognised() -> None:
    with pytest.raises(Unrecognised):
        tracked(extInfo=json.dumps({"parcelList": [{"weight": 1, "weightUnit": "jin"}]}))


@pytest.mark.parametrize(
    "changes",
    [
        {"eventTime": "2026-03-09T20:40:00"},
        {"eventTime": "0001-01-01 00:00:00"},
        {"timeZone": "+25"},
        {"timeZone": "Shanghai"},
        {"logisticsOrderCode": ""},
        {"eventCode": None},
        {"extInfo": "{"},
        {"extInfo": json.dumps({"parcelList": [{"weight": -1, "weightUnit": "g"}]})},
    ],
)
def test_what_cannot_be_read_is_bad_input(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        tracked(**changes)


@pytest.mark.parametrize("content", ["", "[]", "<xml/>", '{"a":1,"a":2}'])
def test_content_that_is_no_object_is_bad_input(content: str) -> None:
    with pytest.raises(BadInput):
        said(content)


def test_an_unknown_message_type_is_unrecognised() -> None:
    with pytest.raises(Unrecognised):
        said(EVENT, "SOMETHING_ELSE")


# Trace lists


def detail(code: str, second: int, **changes: Any) -> dict[str, Any]:
    return {"time": 1772505000000 + second * 1000, "actionCode": code, "timeZone": "+8"} | changes


def test_a_trace_list_is_oldest_first_and_names_every_number() -> None:
    details = [detail("GTMS_SIGNED", 9), detail("GTMS_DO_DEPART", 5), detail("GTMS_DO_ARRIVE", 5)]
    found = said(
        {"mailNo": "TCX1", "logisticsOrderCode": "LP1", "copyRealMailNo": "SF1", "detailList": details}, "TRACEPUSH"
    )

    assert isinstance(found, Tracking)
    assert (found.refs, found.snapshot) == (("TCX1", "LP1", "SF1"), True)
    assert [event.raw.code for event in found.events] == ["GTMS_DO_ARRIVE", "GTMS_DO_DEPART", "GTMS_SIGNED"]


def test_an_estimate_inside_a_trace_list_is_no_event() -> None:
    eta = {"deliveryMinTime": 1772505000000}
    found = said({"mailNo": "TCX1", "detailList": [], "globalEtaInfo": eta}, "TRACEPUSH")

    assert isinstance(found, Tracking)
    assert (found.events, found.eta) == ((), Eta(datetime(2026, 3, 3, 2, 30, tzinfo=UTC), None))


def test_a_detail_without_epoch_is_read_from_its_wall_clock() -> None:
    one = detail("GOT", 0, time=None, timeStr="2026-03-09 20:40:00", desc="collected", country="Kenya")
    found = said({"logisticsOrderCode": "LP1", "detailList": [one]}, "TRACEPUSH")

    assert isinstance(found, Tracking)
    (event,) = found.events
    assert (event.event_time, event.ref.type, event.location.country) == (NOW.replace(second=0), "cainiao_lp", None)
    assert event.raw.description == "collected"


# The waybill document


RECEIPT = {
    "logisticsCode": "9999L60004",
    "logisticsNo": "TCX1",
    "returnStatus": "120",
    "returnTime": "20260302101112345",
    "returnInfo": "[Code:1800;Desc:逻辑校验通过]",
}


def receipt(**changes: Any) -> WaybillDocument:
    found = said(RECEIPT | changes, SETTINGS.document_answer)
    assert isinstance(found, WaybillDocument)
    return found


def test_customs_word_on_the_waybill_document_is_read() -> None:
    at = datetime(2026, 3, 2, 2, 11, 12, 345000, tzinfo=UTC)

    assert receipt() == WaybillDocument(
        "9999L60004", "TCX1", DocumentState.ACCEPTED, "120", "[Code:1800;Desc:逻辑校验通过]", at
    )


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("2", DocumentState.PENDING),
        (3, DocumentState.PENDING),
        ("4", DocumentState.REFUSED),
        ("100", DocumentState.REFUSED),
        ("-504012", DocumentState.REFUSED),
        ("120", DocumentState.ACCEPTED),
    ],
)
def test_only_stored_by_customs_accepts_it(code: object, state: DocumentState) -> None:
    assert receipt(returnStatus=code).state is state


@pytest.mark.parametrize("code", ["800", "-", "-x", "maybe"])
def test_an_unknown_return_status_is_unrecognised(code: str) -> None:
    with pytest.raises(Unrecognised):
        receipt(returnStatus=code)


@pytest.mark.parametrize("time", ["yesterday", "20261302101112345", "20260302101112xyz"])
def test_a_malformed_return_time_is_bad_input(time: str) -> None:
    with pytest.raises(BadInput):
        receipt(returnTime=time)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TYPES = [SETTINGS.event_callback, SETTINGS.trace_push, SETTINGS.document_answer]


@given(
    member=st.sampled_from([*EVENT, *RECEIPT, "extInfo", "mailNo", "detailList", "globalEtaInfo"]),
    value=JSON | st.lists(st.dictionaries(st.sampled_from(["time", "timeStr", "actionCode"]), JSON), max_size=2),
    msg_type=st.sampled_from(TYPES),
)
def test_whatever_one_member_holds_only_our_own_errors_leave(member: str, value: object, msg_type: str) -> None:
    with suppress(BadInput, Unrecognised, SignatureRefused):
        said(json.dumps(EVENT | RECEIPT | {"mailNo": "1"} | {member: value}), msg_type)


@given(body=st.binary(max_size=80) | st.text(max_size=40).map(lambda text: urlencode({"data_digest": text}).encode()))
def test_whatever_is_pushed_only_our_own_errors_leave(body: bytes) -> None:
    with pytest.raises(SignatureRefused):
        link.open_envelope([SECRET], body, NOW, SETTINGS)
