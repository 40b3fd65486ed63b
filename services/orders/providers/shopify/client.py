"""Calls to one Shopify shop. The only I/O; deadlines are the client's own `timeout=`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import httpx

from services.orders.providers.base import Confirmation, ShipmentNotice
from services.orders.providers.shopify import fulfilment
from services.orders.providers.shopify.fulfilment import FulfilmentRefused
from shared.errors import BadInput, Transient, Unknown
from shared.http.client import sending

_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class ShopAccess:
    """`base_url` is `https://<shop domain>`; the token is the shop's Admin API access token."""

    base_url: str
    token: str = field(repr=False)
    api_version: str = "2026-01"

    @property
    def url(self) -> str:
        return f"{self.base_url.rstrip('/')}/admin/api/{self.api_version}/graphql.json"


class ShopifyShop:
    def __init__(self, http: httpx.AsyncClient, access: ShopAccess) -> None:
        self._http, self._access = http, access

    async def confirm_shipment(self, notice: ShipmentNotice) -> Confirmation:
        """Look first, so that asking again after Unknown finds what the lost answer would have said."""
        shipping = await self._look(notice.external_order_id)
        if known := shipping.confirmed.get(notice.tracking_no):
            return Confirmation(known, already=True)
        if not shipping.open_ids:
            raise FulfilmentRefused("nothing of the order is left to fulfil")
        reply = await self._post(fulfilment.build_create(notice, shipping.open_ids))
        if reply.status_code >= 500:  # it may have been made all the same
            raise Unknown("shopify.failed")
        return Confirmation([_created(reply)], already=False)

    async def _look(self, external_order_id: str) -> fulfilment.Shipping:
        """A question changes nothing: whatever went wrong with it may be asked again."""
        try:
            reply = await self._post(fulfilment.build_look(external_order_id))
        except Unknown as error:
            raise Transient("shopify.unanswered") from error
        if reply.status_code >= 500:
            raise Transient("shopify.failed")
        try:
            return fulfilment.parse_look(reply.content)
        except BadInput as error:
            raise Transient("shopify.unreadable") from error

    async def _post(self, content: bytes) -> httpx.Response:
        headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": self._access.token}
        with sending(Transient("shopify.unreachable"), Unknown("shopify.unanswered")):
            reply = await self._http.post(self._access.url, content=content, headers=headers)
        if reply.status_code == _TOO_MANY:
            raise Transient("shopify.throttled")
        if 300 <= reply.status_code < 500:
            raise FulfilmentRefused(f"the shop answered {reply.status_code}")
        return reply


def _created(reply: httpx.Response) -> str:
    """An answer to the mutation that cannot be read leaves open whether it was carried out."""
    try:
        return fulfilment.parse_create(reply.content)
    except BadInput as error:
        raise Unknown("shopify.unreadable") from error
