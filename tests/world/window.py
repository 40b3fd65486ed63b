"""What the customs window's tests begin with: one order, its partners' documents, and what was answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from deploy.world.app import World
from deploy.world.books import OrderBook
from deploy.world.documents import PaymentDocument, WaybillDocument
from deploy.world.plan import plan_of
from services.customs.documents import Kind

ORDER_NO = "TC20251119000007"
ADDRESS = "浙江省宁波市鄞州区测试路1号双城公寓2-301"
Declare = Callable[[Kind, Any], Awaitable[str]]


def receipts(world: World) -> list[str]:
    return [f"{one['type'][3:]}:{'+'.join(one['statuses'])}" for one in filed(world, "receipts")]


def filed(world: World, shelf: str) -> list[dict[str, Any]]:
    return world.core.books.orders["7"].shelves[shelf]


def open_order(world: World, *kinds: str) -> None:
    book = OrderBook("7", plan_of(*kinds), 114524, "CNY", [])
    world.core.books.open(book)
    world.core.books.alias(book, ORDER_NO)


def hear_partners(world: World, *, address: str = ADDRESS, amount: int = 114524) -> None:
    world.customs.take_payment(
        PaymentDocument(
            "9999P60003", "PAY2025111900000007", ORDER_NO, "9999A60001", "999999199003071015", "林测试", amount
        )
    )
    world.customs.take_waybill(
        WaybillDocument("9999L60004", "TCX0000000007", ORDER_NO, "林测试", "10000000001", address, 4300)
    )
