"""Where orders is put together."""

from __future__ import annotations

from services.orders import api
from services.orders.calls import calls
from services.orders.process import make_process
from services.orders.said import Policy
from services.orders.settings import OrdersSettings
from services.orders.store import Connections
from services.orders.tables import TABLES
from services.orders.webhooks import ShopifyDoor
from shared.service import Parts, Resources, Service


def build(resources: Resources, settings: OrdersSettings) -> Service:
    policy = Policy(settings.payment_window, settings.identity_window, settings.hold, settings.time_scale)
    connections = Connections(resources)
    parts = Parts(make_process(policy), TABLES, calls(resources, connections, settings))
    service = Service(resources, parts)
    door = ShopifyDoor(connections, resources.facts, resources.columns, settings.takes_test_orders)
    service.reception.add(service.router, door)
    service.router.include_router(api.router(service))
    return service
