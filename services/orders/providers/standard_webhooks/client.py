"""Our outgoing webhook to a shop. The only I/O; deadlines are the client's own `timeout=`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx

from services.orders.providers.base import Confirmation, ConfirmationRefused, ShipmentNotice
from services.orders.providers.standard_webhooks import wire
from shared.errors import Transient, Unknown
from shared.http.client import sending
from shared.http.signatures import Secret, sign_standard

_LATER: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class ShopEndpoint:
    """Where the shop listens and what we sign with (two secrets while ours rotate)."""

    url: str
    shop_id: str
    secrets: tuple[Secret, ...] = field(repr=False)


class StandardShop:
    """`now` is the time of this attempt: the signature carries it."""

    def __init__(self, http: httpx.AsyncClient, endpoint: ShopEndpoint, now: datetime) -> None:
        self._http, self._endpoint, self._now = http, endpoint, now

    async def confirm_shipment(self, notice: ShipmentNotice) -> Confirmation:
        """Any 2xx is a yes. The message keeps its id, so sending it again after Unknown does not confirm twice."""
        message_id = wire.shipped_id(notice.external_order_id, notice.tracking_no)
        body = wire.build_shipped(notice, self._endpoint.shop_id, self._now)
        signed = sign_standard(self._endpoint.secrets, message_id, self._now, body)
        headers = {"Content-Type": "application/json", **signed}
        with sending(Transient("standard_webhooks.unreachable"), Unknown("standard_webhooks.unanswered")):
            reply = await self._http.post(self._endpoint.url, content=body, headers=headers)
        if reply.status_code >= 500 or reply.status_code in _LATER:
            raise Transient("standard_webhooks.failed")
        if not reply.is_success:
            raise ConfirmationRefused(f"the shop answered {reply.status_code}")
        return Confirmation([message_id], already=False)
