"""Calls to Xiaohongshu for one seller. The only I/O; deadlines are the client's own `timeout=`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from services.orders.canonical import CanonicalOrder, Recipient, Refund
from services.orders.providers.base import Confirmation, ConfirmationRefused, ShipmentNotice
from services.orders.providers.xiaohongshu import ciphers, statuses, wire
from services.orders.providers.xiaohongshu.snapshot import read_order, read_receiver
from services.orders.providers.xiaohongshu.wire import App, ChannelRefused
from shared.errors import BadInput, Transient, Unknown
from shared.http.client import sending
from shared.http.payload import Fields

ORDER_DETAIL: Final = "order.getOrderDetail"
RECEIVER: Final = "order.getOrderReceiverInfo"
DECRYPT: Final = "data.batchDecrypt"
DELIVER: Final = "order.orderDeliver"
PATH: Final = "/ark/open_api/v3/common_controller"
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Fetched:
    """The order as it is shown, and its receiver while it is to be shipped (before and after, nobody is told)."""

    order: CanonicalOrder
    receiver: Recipient | None


@dataclass(frozen=True, slots=True)
class Seller:
    """One seller's shop; `base_url` is the platform's."""

    base_url: str
    shop_id: str
    app: App

    @property
    def url(self) -> str:
        return self.base_url.rstrip("/") + PATH


class Xiaohongshu:
    """`now` is the time of this attempt: the signature carries it. `companies`: their code of each carrier of ours."""

    def __init__(
        self, http: httpx.AsyncClient, seller: Seller, now: datetime, companies: Mapping[str, str] | None = None
    ) -> None:
        self._http, self._seller, self._now, self._companies = http, seller, now, companies or {}

    async def fetch(self, external_order_id: str, claims: Sequence[Refund] = ()) -> Fetched:
        """The order as it stands. Transient where the platform is away, busy, or its address changed meanwhile."""
        order = read_order(await self._detail(external_order_id), self._seller.shop_id, claims)
        if order.external_order_id != external_order_id:
            raise BadInput("the platform told of another order", where="orderId")
        to_ship = order.external_status == str(statuses.TO_SHIP) and order.recipient.ref is not None
        return Fetched(order, await self._receiver(order) if to_ship else None)

    async def _detail(self, external_order_id: str) -> Fields:
        return (await self._ask(ORDER_DETAIL, {"orderId": external_order_id})).child("data")

    async def _receiver(self, order: CanonicalOrder) -> Recipient:
        query = {"orderId": order.external_order_id, "openAddressId": order.recipient.ref}
        answer = await self._ask(RECEIVER, {"receiverQueries": [query], "isReturn": False})
        receiver = read_receiver(answer.child("data"), order)
        if receiver is None:
            raise Transient("xiaohongshu.address-changed")
        hidden = ciphers.of(receiver)
        if not hidden:
            return receiver
        plain = await self._ask(DECRYPT, ciphers.build(order.external_order_id, hidden))
        return ciphers.opened(receiver, plain.child("data"), hidden)

    async def confirm_shipment(self, notice: ShipmentNotice) -> Confirmation:
        """Look first: an earlier, unanswered delivery is found by its number; before status 4 it is too early."""
        detail = await self._detail(notice.external_order_id)
        order = read_order(detail, self._seller.shop_id)
        numbers = {shipment.tracking_no for shipment in order.shipments}
        if int(order.external_status) in statuses.SHIPPED:
            if notice.tracking_no in numbers:
                return Confirmation([notice.tracking_no], already=True)
            raise ConfirmationRefused("the channel has it shipped under another number")
        if int(order.external_status) in (2, 3):
            raise Transient("xiaohongshu.not-to-ship-yet")
        await self._deliver(notice)
        return Confirmation([notice.tracking_no], already=False)

    async def _deliver(self, notice: ShipmentNotice) -> None:
        parameters = {
            "orderId": notice.external_order_id,
            "expressNo": notice.tracking_no,
            "expressCompanyCode": self._companies.get(notice.carrier, notice.carrier),
            "deliveringTime": int(self._now.timestamp() * 1000),
            "unpack": False,
        }
        reply = await self._post(DELIVER, parameters)
        if reply.status_code >= 500:  # it may have been done all the same
            raise Unknown("xiaohongshu.failed")
        try:
            wire.parse_answer(reply.content)
        except BadInput as error:
            raise Unknown("xiaohongshu.unreadable") from error

    async def _ask(self, method: str, parameters: Mapping[str, Any]) -> Fields:
        """A question changes nothing: whatever went wrong with it may be asked again."""
        try:
            reply = await self._post(method, parameters)
        except Unknown as error:
            raise Transient("xiaohongshu.unanswered") from error
        if reply.status_code >= 500:
            raise Transient("xiaohongshu.failed")
        try:
            return wire.parse_answer(reply.content)
        except BadInput as error:
            raise Transient("xiaohongshu.unreadable") from error

    async def _post(self, method: str, parameters: Mapping[str, Any]) -> httpx.Response:
        content = wire.build(self._seller.app, method, parameters, self._now)
        headers = {"Content-Type": "application/json;charset=utf-8"}
        with sending(Transient("xiaohongshu.unreachable"), Unknown("xiaohongshu.unanswered")):
            reply = await self._http.post(self._seller.url, content=content, headers=headers)
        if reply.status_code == _TOO_MANY:
            raise Transient("xiaohongshu.throttled")
        if 300 <= reply.status_code < 500:
            raise ChannelRefused(f"the platform answered {reply.status_code}")
        return reply
