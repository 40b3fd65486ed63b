from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from services.logistics.providers.base import (
    CarrierRefused,
    ConsignmentArrived,
    ConsignmentClosed,
    ConsignmentDeparted,
    ConsignmentEvent,
    ExitAuthorised,
    ExitWithdrawn,
    ParcelEvent,
    ParcelExited,
    ParcelHandedOver,
    ParcelPacked,
    PickLine,
    PickRequested,
    PickWithdrawn,
)
from services.logistics.providers.warehouse import wire
from services.logistics.providers.warehouse.client import PartnerWarehouse
from shared.clock import FrozenClock
from shared.errors import BadInput, SignatureRefused, Stale, Transient, Unrecognised
from shared.http.signatures import sign_standard, standard_secret

TEXT = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
SECRET = standard_secret("current", TEXT)
NOW = datetime(2026, 3, 2, 2, 1, 12, tzinfo=UTC)
AT = "2026-03-02T10:01:00.000+08:00"
PACKED = {"parcel_id": "P1", "order_id": "O1", "gross_grams": 307, "packed_at": AT}
EXITED = {"parcel_id": "P1", "order_id": "O1", "gross_grams": 307, "exited_at": AT}
ORDER = ExitAuthorised("O1", "P1", (PickLine("KE-COF-227", 2, "L1"),), 3, NOW, "fz-bonded", "TCX1")


def told(kind: str, data: object) -> ParcelEvent | ConsignmentEvent:
    body = json.dumps({"type": kind, "timestamp": AT, "data": data}).encode()
    return wire.parse(wire.verify([SECRET], sign_standard([SECRET], "msg_1", NOW, body), body, NOW))


def test_packed_and_exited_are_read() -> None:
    at = datetime(2026, 3, 2, 2, 1, tzinfo=UTC)

    assert told("parcel.packed", PACKED) == ParcelPacked("P1", "O1", 307, at)
    assert told("parcel.exited", EXITED) == ParcelExited("P1", "O1", at)


KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "parcel.packed": ("packed_at", PACKED),
    "parcel.handed_over": ("handed_over_at", {"parcel_id": "P1", "order_id": "O1"}),
    "parcel.exited": ("exited_at", EXITED),
    "consignment.closed": (
        "closed_at",
        {"consignment_id": "C1", "master_bill": "1", "voyage": "K", "vehicle": "5", "parcels": ["P1"]},
    ),
    "consignment.departed": ("departed_at", {"consignment_id": "C1"}),
    "consignment.arrived": ("arrived_at", {"consignment_id": "C1"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_happened_is_never_to_come(kind: str) -> None:
    name, data = KINDS[kind]
    near, far = (NOW + timedelta(minutes=10), NOW + timedelta(minutes=10, seconds=1))

    assert told(kind, {**data, name: near.isoformat()}).at == NOW
    assert told(kind, {**data, name: (NOW - timedelta(days=9)).isoformat()}).at == NOW - timedelta(days=9)
    for at in (far.isoformat(), "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        with pytest.raises(BadInput):
            told(kind, {**data, name: at})


def test_a_hand_over_and_a_consignments_way_are_read() -> None:
    at = datetime(2026, 3, 2, 2, 1, tzinfo=UTC)
    flight = {"consignment_id": "C1", "master_bill": "70612345675", "voyage": "KQ886", "vehicle": "5Y-KZA"}

    handed = told("parcel.handed_over", {"parcel_id": "P1", "order_id": "O1", "handed_over_at": AT})
    closed = told("consignment.closed", {**flight, "parcels": ["P1", "P2", "P1"], "closed_at": AT})
    departed = told("consignment.departed", {"consignment_id": "C1", "offloaded": ["P2"], "departed_at": AT})
    whole = told("consignment.departed", {"consignment_id": "C1", "departed_at": AT})

    assert handed == ParcelHandedOver("P1", "O1", at)
    assert closed == ConsignmentClosed("C1", "70612345675", "KQ886", "5Y-KZA", ("P1", "P2"), at)
    assert (departed, whole) == (ConsignmentDeparted("C1", ("P2",), at), ConsignmentDeparted("C1", (), at))
    assert told("consignment.arrived", {"consignment_id": "C1", "arrived_at": AT}) == ConsignmentArrived("C1", at)


@pytest.mark.parametrize("parcels", ["P1", [1], [""], ["x" * 65], [str(number) for number in range(10_001)]])
def test_a_list_that_is_none_of_parcel_ids_is_bad_input(parcels: object) -> None:
    flight = {"consignment_id": "C1", "master_bill": "7061", "voyage": "KQ886", "vehicle": "5Y-KZA", "closed_at": AT}

    with pytest.raises(BadInput):
        told("consignment.closed", flight | {"parcels": parcels})


def test_a_retry_is_the_same_delivery() -> None:
    body = b"{}"
    keys = {
        wire.verify(
            [SECRET], sign_standard([SECRET], "msg_1", NOW + timedelta(seconds=s), body), body, NOW
        ).delivery_key
        for s in (0, 30)
    }
    assert keys == {"warehouse:msg_1"}


def test_a_forged_and_an_old_event_are_refused() -> None:
    other = standard_secret("other", "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2A=")

    with pytest.raises(SignatureRefused):
        wire.verify([SECRET], sign_standard([other], "msg_1", NOW, b"{}"), b"{}", NOW)
    with pytest.raises(Stale):
        wire.verify([SECRET], sign_standard([SECRET], "msg_1", NOW, b"{}"), b"{}", NOW + timedelta(minutes=6))


def test_an_unknown_type_is_unrecognised() -> None:
    with pytest.raises(Unrecognised):
        told("parcel.teleported", PACKED)


@pytest.mark.parametrize(
    "changes",
    [{"gross_grams": 0}, {"gross_grams": "307"}, {"gross_grams": 10**9}, {"packed_at": "now"}, {"order_id": None}],
)
def test_what_cannot_be_read_is_bad_input(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        told("parcel.packed", PACKED | changes)


@given(body=st.binary(max_size=80))
def test_whatever_is_signed_only_our_own_errors_leave(body: bytes) -> None:
    delivery = wire.verify([SECRET], sign_standard([SECRET], "msg_1", NOW, body), body, NOW)
    with suppress(BadInput, Unrecognised):
        wire.parse(delivery)


class Receiver:
    """The warehouse's side: what arrived, checked by the peer library, and the answers it gives in turn."""

    def __init__(self, *replies: httpx.Response | httpx.TransportError) -> None:
        self.replies, self.bodies, self.ids = list(replies), list[Any](), list[str]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(Webhook(TEXT).verify(request.content, dict(request.headers)))
        self.ids.append(request.headers["webhook-id"])
        reply = self.replies.pop(0)
        if isinstance(reply, httpx.TransportError):
            raise reply
        return reply


async def sends(receiver: Receiver, *orders: ExitAuthorised | ExitWithdrawn) -> None:
    now = datetime.now(UTC)  # the peer library has no clock to hand in
    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as http:
        warehouse = PartnerWarehouse(http, "https://warehouse.example.org/events", [SECRET], FrozenClock(now))
        for order in orders:
            if isinstance(order, ExitAuthorised):
                await warehouse.authorise_exit("exit_P1_3", order)
            else:
                await warehouse.withdraw_exit("withdraw_P1_3", order)


async def test_the_pick_order_and_its_withdrawal_arrive_signed() -> None:
    receiver = Receiver(httpx.Response(204), httpx.Response(204))

    await sends(receiver, ORDER, ExitWithdrawn("O1", "P1", "held by customs", NOW, "fz-bonded"))

    assert receiver.bodies == [
        {
            "type": "exit.authorised",
            "timestamp": "2026-03-02T02:01:12.000Z",
            "data": {
                "order_id": "O1",
                "parcel_id": "P1",
                "warehouse": "fz-bonded",
                "lines": [{"sku": "KE-COF-227", "quantity": 2, "lot": "L1"}],
                "dossier_version": 3,
                "waybill_no": "TCX1",
            },
        },
        {
            "type": "exit.withdrawn",
            "timestamp": "2026-03-02T02:01:12.000Z",
            "data": {"order_id": "O1", "parcel_id": "P1", "warehouse": "fz-bonded", "reason": "held by customs"},
        },
    ]


async def test_the_origin_is_asked_to_pack_and_to_stop() -> None:
    receiver = Receiver(httpx.Response(204), httpx.Response(409))
    line = PickLine("LM-TEA-100", 2, "L1")

    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as http:
        clock = FrozenClock(datetime.now(UTC))
        warehouse = PartnerWarehouse(http, "https://warehouse.example.org/events", [SECRET], clock)
        await warehouse.request_pick("pick_1", PickRequested("O1", "P1", (line,), "msa-origin", "TCX1", NOW))
        with pytest.raises(CarrierRefused):
            await warehouse.withdraw_pick("pick_2", PickWithdrawn("O1", "P1", "msa-origin", "cancelled", NOW))

    asked, stopped = receiver.bodies
    assert (asked["type"], stopped["type"]) == ("pick.requested", "pick.withdrawn")
    assert asked["data"] == {
        "order_id": "O1",
        "parcel_id": "P1",
        "warehouse": "msa-origin",
        "lines": [{"sku": "LM-TEA-100", "quantity": 2, "lot": "L1"}],
        "waybill_no": "TCX1",
    }
    named = {"order_id": "O1", "parcel_id": "P1", "warehouse": "msa-origin"}
    assert stopped["data"] == {**named, "reason": "cancelled"}


async def test_a_repeat_is_the_same_message() -> None:
    receiver = Receiver(httpx.Response(204), httpx.Response(204))

    await sends(receiver, ORDER, ORDER)

    assert receiver.ids == ["exit_P1_3", "exit_P1_3"]
    assert receiver.bodies[0] == receiver.bodies[1]


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (httpx.Response(503), Transient),
        (httpx.Response(429), Transient),
        (httpx.ConnectError("refused"), Transient),
        (httpx.ReadTimeout("silent"), Transient),  # its id makes a repeat harmless
        (httpx.Response(401), CarrierRefused),
        (httpx.Response(410), CarrierRefused),
    ],
    ids=range(6),
)
async def test_what_was_not_taken_is_sent_again_or_shown_to_a_person(
    reply: httpx.Response | httpx.TransportError, failure: type[Exception]
) -> None:
    with pytest.raises(failure):
        await sends(Receiver(reply), ORDER)
