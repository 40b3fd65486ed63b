"""Where orders is put together."""

from __future__ import annotations

from services.orders import api
from services.orders.calls import calls
from services.orders.process import make_process
from services.orders.said import Policy
from services.orders.settings import OrdersSettings
from services.orders.store import Connections
from services.orders.store_sealing import Sealer
from services.orders.tables import TABLES
from services.orders.webhooks import ShopifyDoor, StandardDoor, XiaohongshuDoor
from shared.service import Parts, Resources, Service


def build(resources: Resources, settings: OrdersSettings) -> Service:
    sealer = Sealer(resources.facts, resources.columns)
    policy = Policy(
        settings.payment_window, settings.identity_window, settings.hold, settings.time_scale,
        settings.shortage_window, settings.payer_attempts, settings.windows,
    )  # fmt: skip
    connections = Connections(resources)
    parts = Parts(make_process(policy), TABLES, calls(resources, connections, sealer, settings))
    service = Service(resources, parts)
    common = (connections, sealer, settings.takes_test_orders)
    service.reception.add(service.router, ShopifyDoor(*common))
    service.reception.add(service.router, StandardDoor(*common, settings.standard_webhooks_tolerance))
    service.reception.add(service.router, XiaohongshuDoor(*common, settings.xiaohongshu_max_age))
    service.router.include_router(api.router(service))
    return service
