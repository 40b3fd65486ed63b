"""Calls to 17TRACK. The only I/O; deadlines are the client's own `timeout=`.

It takes three calls a second and forty numbers in one: whatever is asked meanwhile goes together in the next call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import httpx

from services.logistics.providers.base import CarrierRefused
from services.logistics.providers.seventeentrack import wire
from services.logistics.providers.seventeentrack.wire import MOST_NUMBERS, Numbered
from shared.errors import Failure, Transient, Unknown
from shared.http.client import sending
from shared.http.signatures import Secret

PACE_SECONDS: Final = 0.35
_UNAUTHORISED: Final = 401
_TOO_MANY: Final = 429

Asked = tuple[Numbered, "asyncio.Future[None]"]


class SeventeenTrack:
    def __init__(self, http: httpx.AsyncClient, url: str, key: Secret, carrier: int = 0) -> None:
        self._http, self._url, self._key, self._carrier = http, url, key, carrier
        self._asked: list[Asked] = []
        self._sending: asyncio.Task[None] | None = None

    async def register(self, waybill_no: str, reference: str) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.append((Numbered(waybill_no, reference), answer))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.ensure_future(self._send_all())
        await answer

    async def _send_all(self) -> None:
        while self._asked:
            batch, self._asked = self._asked[:MOST_NUMBERS], self._asked[MOST_NUMBERS:]
            await self._send(batch)
            await asyncio.sleep(PACE_SECONDS)

    async def _send(self, batch: Sequence[Asked]) -> None:
        try:
            answers = wire.parse_registration(await self._post([numbered for numbered, _ in batch]))
        except Failure as failure:
            for _, future in batch:
                _end(future, failure)
            return
        for numbered, future in batch:
            _end(future, answers.get(numbered.number, Unknown("17track.unanswered")))

    async def _post(self, numbers: Sequence[Numbered]) -> bytes:
        headers = {"17token": self._key.key.decode(), "Content-Type": "application/json"}
        body = wire.build_registration(numbers, self._carrier)
        again = Transient("17track.unanswered")  # registering again changes nothing, so nobody needs to know more
        with sending(again, again):
            reply = await self._http.post(f"{self._url}/register", content=body, headers=headers)
        if reply.status_code == _TOO_MANY or reply.status_code >= 500:
            raise Transient(f"17track.answered-{reply.status_code}")
        if reply.status_code == _UNAUTHORISED:
            raise CarrierRefused("401", "the key or our address is not accepted")
        return reply.content


def _end(future: asyncio.Future[None], failure: Failure | None) -> None:
    if future.done():  # nobody waits any more
        return
    if failure is None:
        future.set_result(None)
    else:
        future.set_exception(failure)
