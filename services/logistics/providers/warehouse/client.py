"""Messages to the partner warehouse. The only I/O; deadlines are the client's own `timeout=`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httpx

from services.logistics.providers.base import (
    CarrierRefused,
    ExitAuthorised,
    ExitWithdrawn,
    PickRequested,
    PickWithdrawn,
)
from services.logistics.providers.warehouse import wire
from shared.clock import Clock
from shared.errors import Transient
from shared.http.client import sending
from shared.http.signatures import Secret

_TOO_MANY: Final = 429


class PartnerWarehouse:
    """Every message has an id that the receiver remembers, so an unanswered one is simply sent again."""

    def __init__(self, http: httpx.AsyncClient, url: str, secrets: Sequence[Secret], clock: Clock) -> None:
        self._http, self._url, self._secrets, self._clock = http, url, secrets, clock

    async def request_pick(self, message_id: str, order: PickRequested) -> None:
        await self._send(message_id, wire.build_pick(order))

    async def withdraw_pick(self, message_id: str, order: PickWithdrawn) -> None:
        await self._send(message_id, wire.build_pick_withdrawn(order))

    async def authorise_exit(self, message_id: str, order: ExitAuthorised) -> None:
        await self._send(message_id, wire.build_authorised(order))

    async def withdraw_exit(self, message_id: str, order: ExitWithdrawn) -> None:
        await self._send(message_id, wire.build_withdrawn(order))

    async def _send(self, message_id: str, body: bytes) -> None:
        message = wire.signed(self._secrets, message_id, body, self._clock.now())
        again = Transient("warehouse.unanswered")
        with sending(again, again):
            reply = await self._http.post(self._url, content=message.body, headers=dict(message.headers))
        if reply.is_success:
            return
        if reply.status_code >= 500 or reply.status_code == _TOO_MANY:
            raise Transient(f"warehouse.answered-{reply.status_code}")
        raise CarrierRefused(str(reply.status_code), "the warehouse does not take the message")
