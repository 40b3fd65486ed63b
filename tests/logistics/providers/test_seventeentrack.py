"""17TRACK beyond the vectors: what is absent or odd in a push, and the registration."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.providers.base import CarrierRefused, Eta, Tracking
from services.logistics.providers.seventeentrack import client, wire
from services.logistics.providers.seventeentrack.client import SeventeenTrack
from services.logistics.providers.seventeentrack.wire import Numbered, Stop
from services.logistics.tracking import ZoneSource
from shared.errors import BadInput, SignatureRefused, Transient, Unknown, Unrecognised
from shared.http.signatures import Secret

KEY = Secret.of_text("current", "TESTKEY")
NOW = datetime(2026, 3, 8, 11, 0, tzinfo=UTC)


def pushed(message: dict[str, Any]) -> Tracking | Stop:
    body = json.dumps(message).encode()
    return wire.parse(wire.open_push([KEY], {"Sign": wire.signature(KEY.key, body)}, body, NOW))


def updated(*events: dict[str, Any], **more: Any) -> Tracking:
    info = {"tracking": {"providers": [{"events": [event]} for event in events]}, **more}
    tracking = pushed({"event": wire.UPDATED, "data": {"number": "LZ1", "track_info": info}})
    assert isinstance(tracking, Tracking)
    return tracking


def test_the_signature_is_a_plain_hash_over_body_slash_key() -> None:
    # Computed with another tool: printf 'hello/key' | sha256sum
    assert wire.signature(b"key", b"hello") == "d274720f65c6aca0d78cc5524ff423133f3c69c50bea51acfadfa41b9fde2de7"


def test_scans_of_two_providers_are_one_history_oldest_first() -> None:
    later = {"time_iso": "2026-03-04T08:00:00+08:00", "description": "b", "sub_status": "InTransit_Other"}
    first = {"time_iso": "2026-03-03T08:00:00+03:00", "description": "a", "sub_status": "InTransit_PickedUp"}

    assert [event.raw.description for event in updated(later, first).events] == ["a", "b"]


@pytest.mark.parametrize(
    ("times", "at", "offset", "source"),
    [
        ({"time_utc": "2026-03-03T05:00:00Z"}, "2026-03-03T05:00:00+00:00", "+00:00", ZoneSource.PROVIDER_DEFAULT),
        (
            {"time_raw": {"date": "2026-03-03", "time": "08:00:00", "timezone": "+03:00"}},
            "2026-03-03T05:00:00+00:00", "+03:00", ZoneSource.EXPLICIT,
        ),
        (
            {"time_raw": {"date": "2026-03-03", "time": None, "timezone": None}},
            "2026-03-03T00:00:00+00:00", "+00:00", ZoneSource.PROVIDER_DEFAULT,
        ),
    ],
)  # fmt: skip
def test_the_best_time_that_is_there_counts(times: dict[str, Any], at: str, offset: str, source: ZoneSource) -> None:
    (event,) = updated({"time_iso": None, **times, "description": "x", "stage": "PickedUp"}).events

    assert (event.event_time.isoformat(), event.offset, event.zone_source) == (at, offset, source)


def test_a_scan_without_any_time_has_no_place_and_spoils_nothing() -> None:
    timed = {"time_iso": "2026-03-03T08:00:00+08:00", "description": "x", "sub_status": None, "stage": None}

    assert len(updated({"description": "nowhen"}, timed).events) == 1


def test_the_estimate_of_the_delivery_is_kept() -> None:
    day = {"from": "2026-03-09T00:00:00+08:00", "to": None}

    assert updated(time_metrics={"estimated_delivery_date": day}).eta == Eta(datetime(2026, 3, 8, 16, tzinfo=UTC), None)
    assert updated(time_metrics={"estimated_delivery_date": {"from": None, "to": None}}).eta is None


def test_a_code_that_is_filled_in_later_is_the_same_scan() -> None:
    scan = {"time_iso": "2026-03-03T08:00:00+08:00", "description": "Accepted  here", "location": "YIWU"}
    (bare,) = updated(scan).events
    (named,) = updated(scan | {"sub_status": "InTransit_PickedUp", "description": "accepted here"}).events

    assert bare.dedupe_key == named.dedupe_key


def test_a_signed_stop_is_heard_and_an_unknown_event_is_not() -> None:
    assert pushed({"event": wire.STOPPED, "data": {"number": "LZ1"}}) == Stop("LZ1")
    with pytest.raises(Unrecognised):
        pushed({"event": "TRACKING_TELEPORTED", "data": {"number": "LZ1"}})


@pytest.mark.parametrize("body", [b"{}", b"", b'{"event":"TRACKING_UPDATED"}', b'{"event":"TRACKING_STOPPED"}'])
def test_only_an_unsigned_stop_is_let_pass(body: bytes) -> None:
    with pytest.raises((SignatureRefused, wire.StoppedUnsigned)) as refused:
        wire.open_push([KEY], {}, body, NOW)
    assert isinstance(refused.value, wire.StoppedUnsigned) == (b"STOPPED" in body)
    with pytest.raises(SignatureRefused):
        wire.open_push([KEY], {"sign": "0" * 64}, body, NOW)


@given(body=st.binary(max_size=80))
def test_whatever_is_signed_only_our_own_errors_leave(body: bytes) -> None:
    delivery = wire.open_push([KEY], {"sign": wire.signature(KEY.key, body)}, body, NOW)
    with suppress(BadInput, Unrecognised):
        wire.parse(delivery)


# --- registration ---------------------------------------------------------------------------------------------------


def test_numbers_are_registered_with_our_reference() -> None:
    asked = json.loads(wire.build_registration([Numbered("LZ1", "P1"), Numbered("LZ2", "P2")], 190271))

    assert asked == [
        {"number": "LZ1", "carrier": 190271, "tag": "P1"},
        {"number": "LZ2", "carrier": 190271, "tag": "P2"},
    ]
    assert json.loads(wire.build_registration([Numbered("LZ1", "P1")])) == [{"number": "LZ1", "tag": "P1"}]


def reply(*, accepted: tuple[str, ...] = (), rejected: dict[str, int] | None = None) -> dict[str, Any]:
    no = [{"number": n, "error": {"code": code, "message": "words"}} for n, code in (rejected or {}).items()]
    return {"code": 0, "data": {"accepted": [{"origin": 1, "number": n} for n in accepted], "rejected": no}}


async def registered(answer: Callable[[httpx.Request], httpx.Response], *numbers: str) -> list[BaseException | None]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        tracker = SeventeenTrack(http, "https://track.example.org/track/v2.2", KEY)
        calls = (tracker.register(number, f"P-{number}") for number in numbers)
        return list(await asyncio.gather(*calls, return_exceptions=True))


async def test_each_number_gets_its_own_answer_and_one_that_is_known_is_followed_already() -> None:
    answer = reply(accepted=("A",), rejected={"B": -18019901, "C": -18019903, "D": -18010003})

    a, b, c, d, e = await registered(lambda _: httpx.Response(200, json=answer), "A", "B", "C", "D", "E")

    assert (a, b) == (None, None)
    assert isinstance(c, CarrierRefused)
    assert (c.refusal, c.words) == ("-18019903", "words")
    assert (type(d), type(e)) == (Transient, Unknown)


async def test_numbers_asked_together_go_in_calls_of_forty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PACE_SECONDS", 0)
    sizes: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.url.path, request.headers["17token"]) == ("/track/v2.2/register", "TESTKEY")
        asked = [one["number"] for one in json.loads(request.content)]
        sizes.append(len(asked))
        return httpx.Response(200, json=reply(accepted=tuple(asked)))

    ended = await registered(answer, *(f"N{number}" for number in range(50)))

    assert (sizes, set(ended)) == ([40, 10], {None})


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (httpx.Response(429), Transient),
        (httpx.Response(503), Transient),
        (httpx.ReadTimeout("silent"), Transient),
        (httpx.Response(401), CarrierRefused),
        (httpx.Response(200, content=b"<html>"), Unknown),
        (httpx.Response(200, json={"code": -18010002, "data": {}}), CarrierRefused),
    ],
    ids=range(6),
)
async def test_a_call_that_fails_fails_for_all_of_its_numbers(
    answer: httpx.Response | httpx.TransportError, failure: type[Exception]
) -> None:
    def answering(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, httpx.Response):
            return answer
        raise answer

    assert [type(one) for one in await registered(answering, "A", "B")] == [failure, failure]
