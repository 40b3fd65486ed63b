"""What orders does outside, and its timers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.orders import said
from services.orders.commands import (
    FETCH_ORDER,
    ConfirmShipment,
    FetchOrder,
    HoldOver,
    IdentityOverdue,
    PaymentOverdue,
    Reminder,
)
from services.orders.providers.base import SalesChannel, ShipmentNotice
from services.orders.providers.shopify.client import ShopAccess, ShopifyShop
from services.orders.providers.standard_webhooks.client import ShopEndpoint, StandardShop
from services.orders.providers.xiaohongshu.client import Seller, Xiaohongshu
from services.orders.providers.xiaohongshu.wire import App
from services.orders.settings import OrdersSettings
from services.orders.store import Connections, Link
from services.orders.store_sealing import Sealer
from shared.errors import Permanent
from shared.flow.items import Leased
from shared.flow.work import Call, Redo
from shared.http.signatures import standard_secret
from shared.service import Resources


class NoConnection(Permanent):
    """The order came through a connection that is no longer known, or of which nothing can be asked."""

    code = "orders.no_connection"


@dataclass(frozen=True)
class Channels:
    """The channels as they can be called, each through a connection's own secrets."""

    resources: Resources
    connections: Connections
    sealer: Sealer
    settings: OrdersSettings

    async def fetch(self, leased: Leased) -> object:
        """The order as the channel shows it now, decided as if it had been pushed. A question: it may be repeated."""
        task = leased.task
        assert isinstance(task, FetchOrder)
        link = await self._link(task.connection)
        if link.connection.channel != "xiaohongshu":
            raise NoConnection(f"{task.connection}: its orders are pushed")
        fetched = await self._xiaohongshu(link, self.resources.clock.now()).fetch(task.external_id, task.claims)
        return Redo(self.sealer.pushed(fetched.order, link.connection, fetched.receiver))

    async def confirm(self, leased: Leased) -> object:
        """Every channel finds an earlier confirmation of ours, so asking again after no answer confirms once."""
        task = leased.task
        assert isinstance(task, ConfirmShipment)
        link = await self._link(task.connection)
        channel = self._channel(link, self.resources.clock.now())
        return await channel.confirm_shipment(ShipmentNotice(task.external_id, task.carrier, task.waybill_no))

    async def _link(self, connection: str) -> Link:
        link = await self.connections.by_id(connection)
        if link is None:
            raise NoConnection(connection)
        return link

    def _channel(self, link: Link, now: datetime) -> SalesChannel:
        http = self.resources.http
        match link.connection.channel:
            case "shopify":
                return ShopifyShop(http, ShopAccess(link.base_url, link.token, self.settings.shopify_api_version))
            case "standard_webhooks":
                signing = (standard_secret("ours", link.token),)
                return StandardShop(http, ShopEndpoint(link.base_url, link.connection.domain, signing), now)
            case "xiaohongshu":
                return self._xiaohongshu(link, now)
            case channel:
                raise NoConnection(f"{link.connection.id}: no calls to {channel}")

    def _xiaohongshu(self, link: Link, now: datetime) -> Xiaohongshu:
        app = App(link.app_key, link.secrets[0].key.decode(), link.token)
        seller = Seller(link.base_url, link.connection.domain, app)
        return Xiaohongshu(self.resources.http, seller, now, self.settings.xiaohongshu_companies)


def calls(
    resources: Resources, connections: Connections, sealer: Sealer, settings: OrdersSettings
) -> Mapping[str, Call]:
    channels = Channels(resources, connections, sealer, settings)
    return {
        FETCH_ORDER: Call(FetchOrder, channels.fetch, unknown="resend"),
        said.CONFIRM_SHIPMENT: Call(ConfirmShipment, channels.confirm, unknown="resend"),
        said.PAYMENT_OVERDUE: Call(PaymentOverdue),
        said.IDENTITY_OVERDUE: Call(IdentityOverdue),
        said.HOLD_OVER: Call(HoldOver),
        said.REMINDER: Call(Reminder),
    }
