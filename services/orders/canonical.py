"""The canonical order: what every sales channel's order is translated into. Pure values.

It is the channel's snapshot, stored and served as it is; our own order moves by facts, not by it.
Field meanings: our marketplace reference, "Canonical order" (read 2026-03).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.errors import BadInput
from shared.money import Money

_MOST: Final = 10**15  # minor units; keeps every sum inside a bigint


class ChannelStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    DECLARED = "declared"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class ChannelHold(StrEnum):
    """What keeps a paid order from leaving, or a pending one from being paid."""

    GROUP_PENDING = "group_pending"
    PRESALE_BALANCE = "presale_balance"
    RISK_REVIEW = "risk_review"
    CUSTOMS = "customs"
    PLATFORM_HOLD = "platform_hold"
    CANCEL_REQUESTED = "cancel_requested"
    PAYMENT_AUDIT = "payment_audit"
    PAYMENT_FAILED = "payment_failed"


class OrderKind(StrEnum):
    NORMAL = "normal"
    GROUP_BUY = "group_buy"
    PRESALE = "presale"
    B2B = "b2b"
    REISSUE = "reissue"


class Protection(StrEnum):
    """How readable the recipient is."""

    PLAIN = "plain"
    MASKED = "masked"
    ENCRYPTED = "encrypted"
    VIRTUAL = "virtual"
    ABSENT = "absent"


class LineRefund(StrEnum):
    NONE = "none"
    REQUESTED = "requested"
    REFUNDED = "refunded"


class RefundType(StrEnum):
    REFUND_ONLY = "refund_only"
    RETURN_REFUND = "return_refund"
    EXCHANGE = "exchange"


class RefundStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUCCEEDED = "succeeded"
    CLOSED = "closed"


class Disposition(StrEnum):
    """What became of an authentic message."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Amounts:
    """`tax` is None where the channel does not itemise it; `adjustment` is signed: manual changes, tips, remainders."""

    items_gross: Money
    discount_seller: Money
    discount_platform: Money
    shipping: Money
    shipping_discount: Money
    tax: Money | None
    tax_included: bool
    adjustment: Money
    total: Money
    refunded: Money

    def expected_total(self) -> Money:
        """What the parts say; the invariant is that the total says the same."""
        # In integers: this runs twice for every push.
        goods = self.items_gross.minor - self.discount_seller.minor - self.discount_platform.minor
        tax = 0 if self.tax_included or self.tax is None else self.tax.minor
        rest = self.shipping.minor - self.shipping_discount.minor + self.adjustment.minor
        return Money(goods + tax + rest, self.total.currency)


@dataclass(frozen=True, slots=True)
class Line:
    """`quantity`, `gross` and `discount` stay what was first ordered; `left_to_ship` is what edits and refunds left."""

    external_line_id: str
    external_product_id: str | None
    external_sku_id: str | None
    seller_sku: str | None
    title: str
    quantity: int
    left_to_ship: int
    unit_price: Money | None
    gross: Money
    discount: Money
    tax: Money
    total: Money
    refund_status: LineRefund = LineRefund.NONE
    unit_price_exact: str | None = None  # where the unit price is not a whole minor unit


@dataclass(frozen=True, slots=True)
class Buyer:
    external_id: str
    display_name: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Personal throughout. `ref` is what the channel wants back before it shows the rest."""

    name: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    country: str | None
    province: str | None
    city: str | None
    district: str | None
    street: str | None = field(repr=False)
    postal_code: str | None = field(repr=False)
    protection: Protection
    ref: str | None = field(default=None, repr=False)

    @classmethod
    def absent(cls) -> Recipient:
        return cls(None, None, None, None, None, None, None, None, Protection.ABSENT)


@dataclass(frozen=True, slots=True)
class Payment:
    """How the buyer paid through the channel; `customs_no` is the number to declare, where the channel tells it."""

    method: str
    external_no: str | None = None
    customs_no: str | None = None


@dataclass(frozen=True, slots=True)
class CustomsNote:
    """What the channel says of clearance; `id_ref` is a cipher, never the number."""

    mode: str
    id_verified: bool | None
    id_ref: str | None = field(repr=False)
    declared_tax: Money | None
    port: str | None


@dataclass(frozen=True, slots=True)
class Shipment:
    carrier: str | None
    tracking_no: str | None
    shipped_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refund:
    external_refund_id: str
    type: RefundType
    status: RefundStatus
    amount: Money


@dataclass(frozen=True, slots=True)
class CanonicalOrder:
    """One order as one channel shows it at `updated_at`. Making one that breaks the money invariant is BadInput.

    `left_to_pay` is the total after edits where the channel tells it; `review` says why a person should look; `ship_by`
    is when the channel wants to hear of the hand-over at the latest.
    """

    marketplace: str
    shop_id: str
    external_order_id: str
    external_status: str
    status: ChannelStatus
    hold: ChannelHold | None
    order_kind: OrderKind
    currency: str
    amounts: Amounts
    lines: tuple[Line, ...]
    buyer: Buyer | None
    recipient: Recipient
    payment: Payment | None
    customs: CustomsNote | None
    shipments: tuple[Shipment, ...]
    refunds: tuple[Refund, ...]
    created_at: datetime
    updated_at: datetime
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    left_to_pay: Money | None = None
    review: str | None = None
    ship_by: datetime | None = None

    def __post_init__(self) -> None:
        check_money(self)

    @property
    def shippable(self) -> bool:
        return self.status in {ChannelStatus.PAID, ChannelStatus.DECLARED} and self.hold is None


def check_money(order: CanonicalOrder) -> None:
    """The invariant of the canonical order: lines add up to `items_gross`, the parts add up to the total."""
    amounts = order.amounts
    if sum(line.gross.minor for line in order.lines) != amounts.items_gross.minor:
        raise BadInput("the lines do not add up to the goods' value", where="lines")
    if amounts.expected_total() != amounts.total:
        raise BadInput("the parts do not add up to the total", where="amounts.total")
    parts = _never_negative(order)
    if any(not 0 <= part.minor <= _MOST for part in parts):
        raise BadInput("an amount below zero or beyond all sense", where="amounts")
    if any(part.currency != order.currency for part in (amounts.adjustment, *parts)):
        raise BadInput("an amount in another currency", where="amounts")


def _never_negative(order: CanonicalOrder) -> list[Money]:
    amounts = order.amounts
    discounts = [amounts.discount_seller, amounts.discount_platform, amounts.shipping_discount]
    sums = [amounts.items_gross, amounts.shipping, amounts.total, amounts.refunded]
    of_lines = [part for line in order.lines for part in (line.gross, line.discount, line.tax)]
    return [*discounts, *sums, *of_lines, *([] if amounts.tax is None else [amounts.tax])]
