"""Shopify's way in. One path serves every shop: the shop-domain header picks the candidate secret, the HMAC decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from services.orders.canonical import CanonicalOrder, Protection
from services.orders.canonical import Recipient as ChannelRecipient
from services.orders.commands import Nothing, Pushed, RefundPushed
from services.orders.placing import (
    Connection,
    Snapshot,
    cancelled,
    hold_of,
    order_of,
    paid_elsewhere,
    without_people,
)
from services.orders.providers.base import OrderNews, OrderTouched, PrivacyNews, Push, RefundNews
from services.orders.providers.shopify import wire
from services.orders.store import Connections, seal_people
from shared.errors import BadInput, Failure, Permanent, SignatureRefused, Transient, Unrecognised
from shared.flow.decision import Reply
from shared.flow.items import Poison
from shared.http.app import Inbound, Incoming
from shared.http.problem import TooLarge
from shared.ids import order_id
from shared.security.personal import Recipient, seal_recipient
from shared.security.vault import Keyring

RECEIVED: Final = Reply(200, b"", "text/plain")


class PrivacyRequest(Permanent):
    """A person or a leaving shop wants stored data told or erased: an operator answers within the channel's days."""

    code = "orders.privacy_request"


@dataclass(frozen=True)
class ShopifyDoor:
    """`/hooks/shopify` for all shops, `/hooks/shopify/{connection}` for one."""

    connections: Connections
    facts: Keyring
    columns: Keyring
    accept_test_orders: bool

    name: ClassVar[str] = "shopify"
    paths: ClassVar[tuple[str, ...]] = ("/hooks/shopify", "/hooks/shopify/{connection}")
    keeps: ClassVar[tuple[str, ...]] = (
        "x-shopify-topic", "x-shopify-hmac-sha256", "x-shopify-shop-domain", "x-shopify-event-id",
        "x-shopify-webhook-id", "x-shopify-triggered-at",
    )  # fmt: skip

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        link = await self.connections.of_domain(inbound.headers.get("x-shopify-shop-domain", "").strip().lower())
        named = inbound.path.get("connection")
        if link is None or named not in (None, link.connection.id):
            link, candidates = None, {}
        else:
            candidates = {link.connection.domain: link.shop_connection}
        push = wire.verify(candidates, inbound.headers, inbound.body, now)
        assert link is not None  # nothing verifies without a candidate
        return Incoming(f"{push.delivery_key}:{push.body_sha256}", self._content(push, link.connection), RECEIVED)

    def _content(self, push: Push, connection: Connection) -> object:
        """What it says, or why a person must look at it. Authentic either way: it is acknowledged and kept."""
        try:
            news = wire.parse(push)
            match news:
                case OrderNews(order=order, test=test):
                    ignored = test and not self.accept_test_orders
                    return self._nothing(push, connection) if ignored else self._pushed(order, connection)
                case RefundNews(external_order_id=external_id, refund=refund):
                    return RefundPushed(order_id(connection.id, external_id), refund)
                case OrderTouched():
                    return self._nothing(push, connection)
                case PrivacyNews(wish=wish):
                    return Poison(PrivacyRequest(wish.value))
        except (BadInput, Unrecognised) as failure:
            return Poison(failure)

    @staticmethod
    def _nothing(push: Push, connection: Connection) -> Nothing:
        return Nothing(order_id(connection.id, push.external_order_id or push.delivery_key))

    def _pushed(self, order: CanonicalOrder, connection: Connection) -> Pushed:
        recipient = seal_recipient(self.facts, _recipient(order.recipient))
        return Pushed(
            order_of(order, connection, recipient),
            Snapshot(without_people(order), seal_people(self.columns, order)),
            cancelled(order),
            paid_elsewhere(order),
            hold_of(order),
            "" if order.recipient.protection is Protection.ABSENT else recipient.fingerprint,
        )

    def refusal(self, failure: Failure) -> Reply:
        """Shopify reads nothing but the status: anything but 2xx is sent again."""
        match failure:
            case SignatureRefused():
                return Reply(401, b"", "text/plain")
            case TooLarge():
                return Reply(413, b"", "text/plain")
            case Transient():
                return Reply(503, b"", "text/plain")
            case _:
                return Reply(400, b"", "text/plain")


def _recipient(given: ChannelRecipient) -> Recipient:
    return Recipient(
        name=given.name or "",
        phone=given.phone or "",
        country=given.country or "",
        province=given.province or "",
        city=given.city or "",
        district=given.district or "",
        street=given.street or "",
        postal_code=given.postal_code or "",
    )
