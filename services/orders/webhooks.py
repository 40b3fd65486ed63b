"""The channels' ways in: one door per channel, a connection in its path where it wants one.

What proves authentic is acknowledged and kept; whether it is understood is another question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final

from services.orders.commands import Nothing, OrderNamed, RefundPushed
from services.orders.placing import Connection
from services.orders.providers.base import News, OrderNews, OrderTouched, PrivacyNews, Push, RefundNews
from services.orders.providers.shopify import wire as shopify
from services.orders.providers.standard_webhooks import wire as standard
from services.orders.providers.xiaohongshu import snapshot as xiaohongshu_orders
from services.orders.providers.xiaohongshu import wire as xiaohongshu
from services.orders.store import Connections, Link
from services.orders.store_sealing import Sealer
from shared.errors import BadInput, Failure, Permanent, SignatureRefused, Transient, Unrecognised
from shared.flow.decision import Reply
from shared.flow.items import Poison
from shared.http.app import Inbound, Incoming
from shared.http.problem import TooLarge
from shared.ids import order_id


class PrivacyRequest(Permanent):
    """A person or a leaving shop wants stored data told or erased: an operator answers within the channel's days."""

    code = "orders.privacy_request"


@dataclass(frozen=True)
class ShopDoor:
    """What the doors of all channels have in common."""

    connections: Connections
    sealer: Sealer
    accept_test_orders: bool

    def content(self, push: Push, connection: Connection, parse: Callable[[Push], News]) -> object:
        """What it says, or why a person must look at it. Authentic either way: it is acknowledged and kept."""
        try:
            return self._said(parse(push), push, connection)
        except (BadInput, Unrecognised) as failure:
            return Poison(failure)

    def _said(self, news: News, push: Push, connection: Connection) -> object:
        match news:
            case OrderNews(order=order, test=test):
                ignored = test and not self.accept_test_orders
                return _nothing(push, connection) if ignored else self.sealer.pushed(order, connection)
            case RefundNews(external_order_id=external_id, refund=refund):
                return RefundPushed(order_id(connection.id, external_id), refund)
            case OrderTouched():
                return _nothing(push, connection)
            case PrivacyNews(wish=wish):
                return Poison(PrivacyRequest(wish.value))


def _nothing(push: Push, connection: Connection) -> Nothing:
    return Nothing(order_id(connection.id, push.external_order_id or push.delivery_key))


def status_of(failure: Failure) -> int:
    """Anything but 2xx is sent again."""
    match failure:
        case SignatureRefused():
            return 401
        case TooLarge():
            return 413
        case Transient():
            return 503
        case _:
            return 400


def _empty(status: int) -> Reply:
    return Reply(status, b"", "text/plain")


@dataclass(frozen=True)
class ShopifyDoor(ShopDoor):
    """`/hooks/shopify` for all shops: the shop-domain header picks the candidate secret, the HMAC decides."""

    name: ClassVar[str] = "shopify"
    paths: ClassVar[tuple[str, ...]] = ("/hooks/shopify", "/hooks/shopify/{connection}")
    keeps: ClassVar[tuple[str, ...]] = (
        "x-shopify-topic", "x-shopify-hmac-sha256", "x-shopify-shop-domain", "x-shopify-event-id",
        "x-shopify-webhook-id", "x-shopify-triggered-at",
    )  # fmt: skip

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        link = await self.connections.of_domain(inbound.headers.get("x-shopify-shop-domain", "").strip().lower())
        named = inbound.path.get("connection")
        if link is None or link.connection.channel != self.name or named not in (None, link.connection.id):
            link, candidates = None, {}
        else:
            candidates = {link.connection.domain: link.shop_connection}
        push = shopify.verify(candidates, inbound.headers, inbound.body, now)
        assert link is not None  # nothing verifies without a candidate
        content = self.content(push, link.connection, shopify.parse)
        return Incoming(f"{push.delivery_key}:{push.body_sha256}", content, _empty(200))

    def refusal(self, failure: Failure) -> Reply:
        """Shopify reads nothing but the status."""
        return _empty(status_of(failure))


@dataclass(frozen=True)
class StandardDoor(ShopDoor):
    """`/hooks/standard_webhooks/{connection}`; without a connection the signature alone says whose it is."""

    tolerance: timedelta

    name: ClassVar[str] = standard.MARKETPLACE
    paths: ClassVar[tuple[str, ...]] = (
        "/hooks/standard", "/hooks/standard/{connection}",
        "/hooks/standard_webhooks", "/hooks/standard_webhooks/{connection}",
    )  # fmt: skip
    keeps: ClassVar[tuple[str, ...]] = ("webhook-id", "webhook-timestamp", "webhook-signature")

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        links = await self.connections.of_channel(self.name, inbound.path.get("connection"))
        candidates = [link.shop_connection for link in links]
        push = standard.verify(candidates, inbound.headers, inbound.body, now, self.tolerance)
        connection = next(link.connection for link in links if link.connection.id == push.connection)
        content = self.content(push, connection, standard.parse)
        return Incoming(f"{push.delivery_key}:{push.body_sha256}", content, _empty(204))

    def refusal(self, failure: Failure) -> Reply:
        return _empty(status_of(failure))


class UrlTest(Failure):
    """The platform asks whether the address answers. Nothing of it is kept: anybody could ask."""

    code = "orders.url_test"


@dataclass(frozen=True)
class XiaohongshuDoor(ShopDoor):
    """`/hooks/xiaohongshu/{connection}`; without a connection the app key picks the secret, the seller the connection.

    A push names orders; what becomes of them is fetched.
    """

    max_age: timedelta

    name: ClassVar[str] = xiaohongshu_orders.MARKETPLACE
    path: ClassVar[str] = "/hooks/xiaohongshu"
    paths: ClassVar[tuple[str, ...]] = (path, path + "/{connection}")
    keeps: ClassVar[tuple[str, ...]] = ("app-key", "timestamp", "sign")

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        if xiaohongshu.is_url_test(inbound.body):
            raise UrlTest
        named = inbound.path.get("connection")
        links = await self.connections.of_channel(self.name, named)
        links = [link for link in links if link.app_key == inbound.headers.get("app-key")]
        secrets = list({secret.key: secret for link in links for secret in link.secrets}.values())
        path = self.path if named is None else f"{self.path}/{named}"
        key_id = xiaohongshu.verify(secrets, path, inbound.query, inbound.headers, now, self.max_age)
        return self._split(inbound, links, key_id, now)

    def _split(self, inbound: Inbound, links: Sequence[Link], key_id: str, now: datetime) -> Incoming:
        """One delivery per message, each kept as a push of its own: the body is not signed, so it still verifies."""
        sellers = {link.connection.domain: link.connection for link in links}
        names = {seller: connection.id for seller, connection in sellers.items()}
        try:
            pushes = xiaohongshu.read(inbound.body, names, key_id, now)
        except BadInput as failure:
            return Incoming(hashlib.sha256(inbound.body).hexdigest(), Poison(failure), _ACCEPTED)
        first, *others = [self._incoming(push, sellers.get(push.shop_id)) for push in pushes]
        return replace(first, body=first.body if others else None, more=tuple(others))

    def _incoming(self, push: Push, connection: Connection | None) -> Incoming:
        body = b"[" + push.body + b"]"
        return Incoming(f"{push.delivery_key}:{push.body_sha256}", _named(push, connection), _ACCEPTED, body)

    def refusal(self, failure: Failure) -> Reply:
        """Anything but `success` is sent once more, after five minutes."""
        if isinstance(failure, UrlTest):
            return _ACCEPTED
        if isinstance(failure, SignatureRefused):
            return Reply(401, xiaohongshu.refused(failure))
        return _empty(status_of(failure))


_ACCEPTED: Final = Reply(200, xiaohongshu.ACK)


def _named(push: Push, connection: Connection | None) -> object:
    try:
        touched = xiaohongshu.parse(push)
    except (BadInput, Unrecognised) as failure:
        return Poison(failure)
    assert connection is not None  # parse refuses a seller without one
    external_id = touched.external_order_id
    return OrderNamed(order_id(connection.id, external_id), connection, external_id, touched.claim)
