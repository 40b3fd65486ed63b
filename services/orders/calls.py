"""What orders does outside, and its timers."""

from __future__ import annotations

from collections.abc import Mapping

from services.orders import said
from services.orders.commands import ConfirmShipment, HoldOver, IdentityOverdue, PaymentOverdue
from services.orders.providers.base import ShipmentNotice
from services.orders.providers.shopify.client import ShopAccess, ShopifyShop
from services.orders.settings import OrdersSettings
from services.orders.store import Connections
from shared.errors import Permanent
from shared.flow.items import Leased
from shared.flow.work import Call
from shared.service import Resources


class NoConnection(Permanent):
    """The order came through a connection that is no longer known."""

    code = "orders.no_connection"


def calls(resources: Resources, connections: Connections, settings: OrdersSettings) -> Mapping[str, Call]:
    async def confirm(leased: Leased) -> object:
        """The channel looks first, so the identical call again after an unanswered one does not confirm twice."""
        task = leased.task
        assert isinstance(task, ConfirmShipment)
        link = await connections.by_id(task.connection)
        if link is None:
            raise NoConnection(task.connection)
        shop = ShopifyShop(resources.http, ShopAccess(link.base_url, link.token, settings.shopify_api_version))
        return await shop.confirm_shipment(ShipmentNotice(task.external_id, task.carrier, task.waybill_no))

    return {
        said.CONFIRM_SHIPMENT: Call(ConfirmShipment, confirm, unknown="resend"),
        said.PAYMENT_OVERDUE: Call(PaymentOverdue),
        said.IDENTITY_OVERDUE: Call(IdentityOverdue),
        said.HOLD_OVER: Call(HoldOver),
    }
