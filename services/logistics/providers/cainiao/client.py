"""Calls to Cainiao. The only I/O; deadlines are the client's own `timeout=`."""

from __future__ import annotations

from typing import Final

import httpx

from services.logistics.providers.base import Booked, BookingRequest
from services.logistics.providers.cainiao import wire
from services.logistics.providers.cainiao.link import FORM, LinkSettings
from shared.errors import Transient, Unknown
from shared.http.client import sending
from shared.http.signatures import Secret

_TOO_MANY: Final = 429


class Cainiao:
    """Every call is keyed by our parcel id: after Unknown the same bytes are sent again."""

    def __init__(self, http: httpx.AsyncClient, url: str, secret: Secret, settings: LinkSettings) -> None:
        self._http, self._url, self._secret, self._settings = http, url, secret, settings

    async def book(self, request: BookingRequest) -> Booked:
        reply = await self._send(wire.build_booking(request, self._secret, self._settings))
        return wire.parse_booking(request.parcel_id, reply)

    async def void(self, parcel_id: str, waybill_no: str) -> None:
        wire.parse_taken(await self._send(wire.build_void(parcel_id, waybill_no, self._secret, self._settings)))

    async def intercept(self, parcel_id: str, waybill_no: str) -> None:
        wire.parse_taken(await self._send(wire.build_intercept(parcel_id, waybill_no, self._secret, self._settings)))

    async def _send(self, form: bytes) -> bytes:
        with sending(Transient("cainiao.unreachable"), Unknown("cainiao.unanswered")):
            reply = await self._http.post(self._url, content=form, headers=FORM)
        if reply.status_code == _TOO_MANY:
            raise Transient("cainiao.throttled")
        if reply.status_code >= 500:
            raise Unknown("cainiao.failed")
        return reply.content
