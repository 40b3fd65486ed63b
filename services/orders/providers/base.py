"""What every sales channel speaks to us in: a verified push, its news, and the calls we make to a channel.

What an order is in these words: services/orders/canonical.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.orders.canonical import CanonicalOrder, Refund
from shared.errors import Permanent
from shared.http.payload import Fields
from shared.http.signatures import Secret


class Kind(StrEnum):
    """What a push is about, as far as its topic tells."""

    ORDER = "order"
    REFUND = "refund"
    PRIVACY = "privacy"


@dataclass(frozen=True, slots=True)
class ShopConnection:
    """A seller's shop on one channel and the secrets that may sign for it (several while they rotate)."""

    connection: str
    shop_id: str
    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class Push:
    """A verified push, not yet understood. What it claims here is for receipts and logs; only its news moves anything.

    `delivery_key`: seen before and `body_sha256` the same = duplicate; the same key with another body is judged on.
    `effect_key`: what it says happened, whatever it was delivered as; None where it could not be read.
    `triggered_at`: the channel's word, unsigned; never used for ordering. `fields`: the body as read once, for the
    channel's own parser; None where it is no JSON object.
    """

    connection: str
    marketplace: str
    shop_id: str
    key_id: str
    topic: str
    kind: Kind | None
    delivery_key: str
    effect_key: str | None
    body_sha256: str
    triggered_at: datetime
    external_order_id: str | None
    external_status: str | None
    body: bytes = field(repr=False)
    fields: Fields | None = field(default=None, repr=False, compare=False)
    external_refund_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderNews:
    """The whole order travelled in the push. `test` orders are ignored in production."""

    order: CanonicalOrder
    test: bool


@dataclass(frozen=True, slots=True)
class RefundNews:
    """One refund of an order; the channel's next snapshot of the order carries it too."""

    external_order_id: str
    refund: Refund
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OrderTouched:
    """The order changed, the push does not say how: its next snapshot does, or it must be fetched.

    `claim`: a refund that the push tells of, where the channel shows it nowhere else; no money moves by it.
    """

    external_order_id: str
    what: str
    claim: Refund | None = None


class PrivacyWish(StrEnum):
    DATA_REQUEST = "customers/data_request"
    REDACT_CUSTOMER = "customers/redact"
    REDACT_SHOP = "shop/redact"


@dataclass(frozen=True, slots=True)
class PrivacyNews:
    """A wish of a person or a leaving shop about stored data; an operator answers it within the channel's days."""

    wish: PrivacyWish
    customer_id: str | None
    external_order_ids: tuple[str, ...]


News = OrderNews | RefundNews | OrderTouched | PrivacyNews


@dataclass(frozen=True, slots=True)
class ShipmentNotice:
    """What the channel is told at ship-confirm: the whole order left under one tracking number."""

    external_order_id: str
    carrier: str
    tracking_no: str
    tracking_url: str | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The channel has our shipment; `already` where an earlier, unanswered attempt had done it."""

    external_ids: Sequence[str]
    already: bool


class ConfirmationRefused(Permanent):
    """The channel does not take the confirmation: a person looks, nobody repeats it."""

    code = "orders.confirmation-refused"


class SalesChannel(Protocol):
    async def confirm_shipment(self, notice: ShipmentNotice) -> Confirmation:
        """Tell the channel once; asking again after an unknown outcome finds the first one and does not repeat it.

        Raises Transient (nothing was sent or done), Unknown (ask again), Permanent (refused).
        """
        ...
