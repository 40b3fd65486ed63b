"""Reads of orders for its APIs, and the connections through which orders come."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError

from services.orders.canonical import CanonicalOrder
from services.orders.order import Order
from services.orders.placing import Connection, Snapshot
from services.orders.providers.base import ShopConnection
from services.orders.providers.canonical_json import as_json
from services.orders.tables import CONNECTIONS, ORDERS, SNAPSHOTS
from shared.corridor import Corridor
from shared.db.engine import DatabaseGone, ReadTx
from shared.http.problem import NotFound
from shared.http.signatures import Secret, standard_secret
from shared.security.auth import Principal
from shared.security.vault import Keyring
from shared.service import Resources

_ORDER: Final = TypeAdapter(Order)
_SNAPSHOT: Final = TypeAdapter(Snapshot)
_PEOPLE: Final = "snapshots/people"
PAGE: Final = 100


async def order(read: ReadTx, order_id: str, principal: Principal) -> Order:
    """One order, if the asker may see it; another seller's is as good as none."""
    async with read.begin() as tx:
        body = await tx.scalar(select(ORDERS.c.body).where(ORDERS.c.key == order_id))
    found = _ORDER.validate_json(body) if body is not None else None
    if found is None or not principal.sees(found.seller):
        raise NotFound(f"no order {order_id[:64]}")
    return found


async def orders(
    read: ReadTx,
    principal: Principal,
    *,
    external_id: str | None = None,
    intent: str | None = None,
    hold: str | None = None,
) -> Sequence[Order]:
    """The newest orders that the asker may see, at most PAGE."""
    query = select(ORDERS.c.body).order_by(ORDERS.c.placed_at.desc(), ORDERS.c.key).limit(PAGE)
    if principal.role == "seller":
        query = query.where(ORDERS.c.seller == principal.seller)
    if external_id is not None:
        query = query.where(ORDERS.c.external_id == external_id)
    if intent is not None:
        query = query.where(ORDERS.c.intent == intent)
    if hold is not None:
        query = query.where(ORDERS.c.holds.contains(f" {hold} ", autoescape=True))
    async with read.begin() as tx:
        return [_ORDER.validate_json(body) for body in (await tx.scalars(query)).all()]


def seal_people(columns: Keyring, order: CanonicalOrder) -> str:
    """Buyer and recipient of a snapshot, as one sealed text."""
    whole = as_json(order)
    people = json.dumps({"buyer": whole["buyer"], "recipient": whole["recipient"]}, ensure_ascii=False).encode()
    return base64.b64encode(columns.seal_bytes(people, place=_PEOPLE)).decode()


async def snapshot(read: ReadTx, columns: Keyring, order_id: str) -> dict[str, Any]:
    """The channel's last word on an order, whole, in canonical JSON."""
    async with read.begin() as tx:
        body = await tx.scalar(select(SNAPSHOTS.c.body).where(SNAPSHOTS.c.key == order_id))
    if body is None:
        raise NotFound(f"no snapshot of {order_id[:64]}")
    stored = _SNAPSHOT.validate_json(body)
    people: dict[str, Any] = json.loads(columns.open_bytes(base64.b64decode(stored.personal), place=_PEOPLE))
    return as_json(stored.order) | people


# --- connections ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """A connection with what proves and opens it.

    `token` opens the channel's own door: an access token, or (Standard Webhooks) the secret that we sign with.
    `app_key` names our application on the channel, where there is one.
    """

    connection: Connection
    secrets: tuple[Secret, ...] = field(repr=False)
    token: str = field(repr=False)
    base_url: str
    app_key: str = ""

    @property
    def shop_connection(self) -> ShopConnection:
        return ShopConnection(self.connection.id, self.connection.domain, self.secrets)


class Connections:
    """All connections, kept in memory: read again after a while, and at once where an unknown one is asked for."""

    AGAIN_SECONDS: Final = 60.0  # secrets change in another process too
    UNKNOWN_SECONDS: Final = 5.0  # anybody can ask for shops that do not exist

    def __init__(self, resources: Resources) -> None:
        self._read, self._columns, self._corridor = resources.read, resources.columns, resources.corridor
        self._engine = resources.engine
        self._links: dict[str, Link] = {}
        self._read_at = float("-inf")

    async def of_domain(self, domain: str) -> Link | None:
        """By shop domain, lower case."""
        return await self._find(lambda link: link.connection.domain == domain)

    async def by_id(self, connection: str) -> Link | None:
        return await self._find(lambda link: link.connection.id == connection)

    async def of_channel(self, channel: str, connection: str | None = None) -> Sequence[Link]:
        """All of one channel, or the one of it that is named."""
        return await self._all(
            lambda link: link.connection.channel == channel and connection in (None, link.connection.id)
        )

    async def _find(self, wanted: Callable[[Link], bool]) -> Link | None:
        return next(iter(await self._all(wanted)), None)

    async def _all(self, wanted: Callable[[Link], bool]) -> Sequence[Link]:
        found = list(filter(wanted, self._links.values()))
        if time.monotonic() - self._read_at <= (self.AGAIN_SECONDS if found else self.UNKNOWN_SECONDS):
            return found
        await self._load()
        return list(filter(wanted, self._links.values()))

    async def _load(self) -> None:
        """Raises DatabaseGone: a door answers 503 then, and the sender comes again."""
        try:
            async with self._read.begin() as tx:
                rows = (await tx.execute(select(CONNECTIONS))).all()
        except (DBAPIError, OSError, TimeoutError) as error:
            raise DatabaseGone("orders: the connections cannot be read") from error
        self._links = {row.id: self._link(row) for row in rows}
        self._read_at = time.monotonic()

    def _link(self, row: Any) -> Link:  # noqa: ANN401  # a row of SQLAlchemy
        raw = json.loads(self._columns.open_bytes(row.secrets, place=f"connections/{row.id}"))
        make = SECRETS.get(row.channel, Secret.of_text)
        secrets = tuple(make(key_id, text) for key_id, text in raw["secrets"].items())
        connection = _connection(self._corridor, row.id, row.channel, row.domain, row.shop)
        return Link(connection, secrets, raw["token"], row.base_url, raw.get("app_key", ""))

    async def add(
        self,
        *,
        id: str,  # noqa: A002  # the column's own name
        channel: str,
        shop: str,
        domain: str,
        base_url: str,
        secret: str,
        token: str,
        old_secret: str = "",
        app_key: str = "",
    ) -> None:
        """Store a connection, or replace what is known of it; its secrets are sealed before they reach the database.

        domain: what the channel calls the shop (shop domain, shop id, seller id). token: what opens the channel's own
        door; with Standard Webhooks the secret that we sign with. old_secret: accepted as well while secrets rotate.
        Raises BadInput where the profile does not know the shop, or a secret is none of the channel's.
        """
        _connection(self._corridor, id, channel, domain, shop)
        texts = {"current": secret} | ({"old": old_secret} if old_secret else {})
        make = SECRETS.get(channel, Secret.of_text)
        for key_id, text in texts.items():
            make(key_id, text)
        raw = json.dumps({"secrets": texts, "token": token, "app_key": app_key}).encode()
        sealed = self._columns.seal_bytes(raw, place=f"connections/{id}")
        called = domain.lower() if channel == "shopify" else domain  # host names know no case, seller ids do
        known = {"channel": channel, "shop": shop, "domain": called, "base_url": base_url, "secrets": sealed}
        put = upsert(CONNECTIONS).values(id=id, **known).on_conflict_do_update(index_elements=["id"], set_=known)
        async with self._engine.begin() as tx:
            await tx.execute(put)
        self._read_at = float("-inf")


# How the text of a channel's secret becomes a key; the text itself, unless it says otherwise.
SECRETS: Final = {"standard_webhooks": standard_secret}


def _connection(corridor: Corridor, connection: str, channel: str, domain: str, shop: str) -> Connection:
    of = corridor.shop_of(shop)
    return Connection(connection, channel, domain, of, corridor.flow_of(of.flows[0]))
