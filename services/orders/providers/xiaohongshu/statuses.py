"""Xiaohongshu's words as data. A number or tag that is not here is Unrecognised.

Source: our marketplace reference, "Status mapping" and "Xiaohongshu" (open platform documentation, read 2026-03).
"""

from __future__ import annotations

from typing import Final, TypeVar

from services.orders.canonical import ChannelHold, ChannelStatus, LineRefund, OrderKind, RefundStatus, RefundType
from services.orders.providers.base import Kind
from shared.errors import Unrecognised

T = TypeVar("T")

# orderStatus -> status and hold; 4 (to ship) depends on the way through customs, 8 and 9 on what went back
ORDER: Final[dict[int, tuple[ChannelStatus, ChannelHold | None]]] = {
    1: (ChannelStatus.PENDING, None),
    2: (ChannelStatus.PAID, ChannelHold.PLATFORM_HOLD),
    3: (ChannelStatus.DECLARED, ChannelHold.CUSTOMS),
    4: (ChannelStatus.PAID, None),
    5: (ChannelStatus.SHIPPED, None),
    6: (ChannelStatus.SHIPPED, None),
    7: (ChannelStatus.COMPLETED, None),
    8: (ChannelStatus.CANCELLED, None),
    9: (ChannelStatus.CANCELLED, None),
    10: (ChannelStatus.REFUNDING, None),
}
TO_SHIP: Final = 4
CLOSED: Final = frozenset({8, 9})
SHIPPED: Final = frozenset({5, 6, 7})

# logisticsMode -> the canonical customs mode; None is domestic
CUSTOMS_MODE: Final[dict[int, str | None]] = {1: None, 2: "bbc_bonded", 3: "bc_direct", 4: "cc_personal"}
CLEARED: Final = frozenset({2, 3})  # modes in which status 4 says that customs has released

# orderAfterSalesStatus and skuAfterSaleStatus
REFUND: Final[dict[int, RefundStatus | None]] = {
    1: None,
    2: RefundStatus.REQUESTED,
    3: RefundStatus.SUCCEEDED,
    4: RefundStatus.REJECTED,
    5: RefundStatus.CLOSED,
    6: RefundStatus.REQUESTED,  # the platform stepped in: open all the same
    7: RefundStatus.CLOSED,
}
LINE_REFUND: Final = {RefundStatus.REQUESTED: LineRefund.REQUESTED, RefundStatus.SUCCEEDED: LineRefund.REFUNDED}

# returnType; nobody says what 3 means
RETURN_TYPE: Final[dict[int, RefundType]] = {
    1: RefundType.RETURN_REFUND,
    2: RefundType.EXCHANGE,
    4: RefundType.REFUND_ONLY,
    5: RefundType.REFUND_ONLY,
}

# orderType
KIND: Final[dict[int, OrderKind]] = {
    1: OrderKind.NORMAL,
    2: OrderKind.PRESALE,
    3: OrderKind.PRESALE,
    4: OrderKind.PRESALE,
    5: OrderKind.REISSUE,
}

PAYMENT: Final[dict[int, str]] = {
    1: "alipay",
    2: "wechat",
    3: "apple_iap",
    4: "apple_pay",
    5: "huabei",
    7: "alipay",
    8: "unionpay",
    -1: "other",
}

COUNTRY: Final = {"中国": "CN"}

# msgTag -> what it is about; each of them names an order, which is fetched
STATUS_CHANGE: Final = "msg_fulfillment_status_change"
AFTER_SALE: Final = frozenset({"msg_after_sale_create", "msg_after_sale_transfer"})
TAGS: Final[dict[str, Kind]] = {
    STATUS_CHANGE: Kind.ORDER,
    "msg_fulfillment_receiver_change": Kind.ORDER,
    "msg_fulfillment_seller_remark_change": Kind.ORDER,  # the reference abbreviates this name and the next one
    "msg_fulfillment_delivery_time_change": Kind.ORDER,
    **dict.fromkeys(AFTER_SALE, Kind.REFUND),
}


def read_order(order: int, after_sales: int, mode: int, *, paid: bool) -> tuple[ChannelStatus, ChannelHold | None]:
    """What the order's status, its after-sales status and its way through customs mean together."""
    known(ORDER, order, "orderStatus")
    refund = known(REFUND, after_sales, "orderAfterSalesStatus")
    known(CUSTOMS_MODE, mode, "logisticsMode")
    if order in CLOSED:
        gone = paid and refund is RefundStatus.SUCCEEDED
        return (ChannelStatus.REFUNDED if gone else ChannelStatus.CANCELLED), None
    if refund is RefundStatus.REQUESTED:
        return ChannelStatus.REFUNDING, None
    if order == TO_SHIP and mode in CLEARED:
        return ChannelStatus.DECLARED, None
    return ORDER[order]


def known(table: dict[int, T], number: int, what: str) -> T:
    if number not in table:
        raise Unrecognised(what, str(number))
    return table[number]
