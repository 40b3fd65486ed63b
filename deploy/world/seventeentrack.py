"""17TRACK: follows the numbers that were registered and pushes each one's whole history whenever it grows.

Source: our reference page on logistics, section 2.1. The retry schedule is not confirmed by any document.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from deploy.world import sender, times
from deploy.world.cainiao_scans import Scan
from deploy.world.core import SERVER_ERROR, Core
from deploy.world.sender import Delivery

Json = dict[str, Any]

MOST_NUMBERS, CALLS_PER_SECOND = 40, 3
CARRIER: Final = 190271
REGISTERED_ALREADY, TOO_MANY_NUMBERS, BAD_DATA, BAD_KEY = -18019901, -18010014, -18010013, -18010002
# Cainiao's word → 17TRACK's sub-status and stage.
MEANS: Final = {
    "PU_PICKUP_SUCCESS": ("InTransit_PickedUp", "PickedUp"),
    "LH_DEPART": ("InTransit_Departure", "Departure"),
    "LH_ARRIVE": ("InTransit_Arrival", "Arrival"),
    "CC_IM_SUCCESS": ("InTransit_CustomsReleased", None),
    "GTMS_ACCEPT": ("InTransit_Other", None),
    "GTMS_SC_ARRIVE": ("InTransit_Other", None),
    "GTMS_DO_DEPART": ("OutForDelivery_Other", "OutForDelivery"),
    "GTMS_SIGNED": ("Delivered_Other", "Delivered"),
    "GTMS_SIGN_FAILURE": ("DeliveryFailure_Rejected", None),
    "RT_TMS_ACCEPT": ("Exception_Returning", "Returning"),
    "RT_WH_INBOUND": ("Exception_Returned", "Returned"),
    "LOST": ("Exception_Lost", None),
}


@dataclass(slots=True)
class Followed:
    """`scans` in the order in which they became known, which is not always that of time."""

    registered: bool = False
    tag: str = ""
    scans: list[Scan] = field(default_factory=list)


class SeventeenTrack:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._numbers: dict[str, Followed] = {}
        self._calls: deque[float] = deque(maxlen=CALLS_PER_SECOND)

    async def register(self, request: Request) -> Response:
        """POST /17track/track/v2.2/register: a list of at most forty numbers under the header `17token`."""
        body = await request.body()
        if not hmac.compare_digest(request.headers.get("17token", "").encode(), self._core.keys.tracking_key.encode()):
            self._core.distrust("17track", "17token")
            return JSONResponse({"code": BAD_KEY, "data": {"errors": []}}, 401)
        if self._throttled():
            return Response(status_code=429)
        asked = _list(body)
        if asked is None or len(asked) > MOST_NUMBERS:
            return JSONResponse({"code": BAD_DATA if asked is None else TOO_MANY_NUMBERS, "data": {"errors": []}})
        fault = self._core.fault("17track.register", *(str(one.get("number")) for one in asked[:1]))
        if fault == SERVER_ERROR:
            return Response(status_code=503)
        return await self._core.wounded(fault, JSONResponse({"code": 0, "data": self._register(asked)}))

    def tell(self, number: str, lp: str, scans: list[Scan], *, after: float = 0.0) -> None:  # noqa: ARG002
        followed = self._numbers.setdefault(number, Followed())
        followed.scans = list(scans)
        if followed.registered:
            self._push(number, followed, after)

    def _throttled(self) -> bool:
        now = time.monotonic()
        full = len(self._calls) == CALLS_PER_SECOND and now - self._calls[0] < 1.0
        if not full:
            self._calls.append(now)
        return full

    def _register(self, asked: list[Json]) -> Json:
        accepted: list[Json] = []
        rejected: list[Json] = []
        for one in asked:
            number = str(one.get("number") or "")
            followed = self._numbers.setdefault(number, Followed())
            if followed.registered:
                error = {"code": REGISTERED_ALREADY, "message": f"Tracking number '{number}' is already registered."}
                rejected.append({"number": number, "error": error})
                continue
            followed.registered, followed.tag = True, str(one.get("tag") or "")
            accepted.append({"origin": 1, "number": number, "carrier": CARRIER})
            if followed.scans:
                self._push(number, followed, 0.0)
        return {"accepted": accepted, "rejected": rejected}

    def _push(self, number: str, followed: Followed, after: float) -> None:
        key = self._core.keys.tracking_key
        body = json.dumps(_update(number, followed), ensure_ascii=False, separators=(",", ":")).encode()
        sign = hashlib.sha256(body + b"/" + key.encode()).hexdigest()
        headers = {"Content-Type": "application/json", "sign": sign}
        delivery = Delivery(
            self._core.config.doors.seventeentrack,
            lambda: (headers, body),
            sender.SEVENTEENTRACK,
            lambda answer: answer.status == 200,
        )
        name = f"{len(followed.scans)} {followed.scans[-1].code}"
        self._core.send((number,), f"17track {name}", f"{number}:17track {name}", delivery, after=after)


def _list(body: bytes) -> list[Json] | None:
    try:
        asked = json.loads(body)
    except ValueError:
        return None
    good = isinstance(asked, list) and all(isinstance(one, dict) and one.get("number") for one in asked)
    return asked if good else None


def _update(number: str, followed: Followed) -> Json:
    events = [_event(scan) for scan in sorted(followed.scans, key=lambda scan: scan.at, reverse=True)]
    newest = events[0]
    status = {"status": newest["sub_status"].split("_")[0], "sub_status": newest["sub_status"]}
    provider = {"key": CARRIER, "name": "Cainiao", "alias": "Cainiao", "tel": None, "homepage": "", "country": "CN"}
    info = {
        "shipping_info": {"shipper_address": {"country": "KE"}, "recipient_address": {"country": "CN"}},
        "latest_status": {**status, "sub_status_descr": None},
        "latest_event": newest,
        "time_metrics": {"estimated_delivery_date": {"source": None, "from": None, "to": None}},
        "milestone": [],
        "tracking": {
            "providers_hash": 1,
            "providers": [
                {
                    "provider": provider,
                    "latest_sync_status": "Success",
                    "latest_sync_time": times.iso_utc(times.now()),
                    "events": events,
                }
            ],
        },
    }
    data = {"number": number, "carrier": CARRIER, "param": None, "tag": followed.tag, "track_info": info}
    return {"event": "TRACKING_UPDATED", "data": data}


def _event(scan: Scan) -> Json:
    sub_status, stage = MEANS.get(scan.code, ("InTransit_Other", None))
    local = times.rfc3339(scan.at)
    return {
        "time_iso": local,
        "time_utc": scan.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "time_raw": {"date": local[:10], "time": local[11:19], "timezone": local[19:]},
        "description": scan.words,
        "location": "MOMBASA" if scan.abroad else "FUZHOU",
        "stage": stage,
        "sub_status": sub_status,
        "address": {"country": "KE" if scan.abroad else "CN", "state": None, "city": None},
    }
