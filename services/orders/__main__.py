from services.orders.app import build
from services.orders.settings import OrdersSettings
from shared.main import main

main("orders", OrdersSettings, build)
