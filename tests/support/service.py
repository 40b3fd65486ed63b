"""One service on a migrated database of its own, its HTTP in process, its clock in the test's hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg
import httpx

from shared.broker.embedded import EmbeddedBroker
from shared.clock import FrozenClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from shared.db.migrate import migrate
from shared.events.base import Event
from shared.events.envelope import open_envelope
from shared.flow.decision import Reply
from shared.flow.headers import unpack
from shared.flow.items import Result
from shared.http.app import Incoming, new_app
from shared.ids import uuid7
from shared.security.auth import digest
from shared.service import Resources, RoleName, Service
from shared.settings import Settings

S = TypeVar("S", bound=Settings)
_NUMBERS: Final = count()
# token -> who it is; each token is its own name
TOKENS: Final[Mapping[str, dict[str, str]]] = {
    "operator": {"role": "operator", "seller": "", "name": "operator"},
    "seller": {"role": "seller", "seller": "highland-coop", "name": "seller"},
    "stranger": {"role": "seller", "seller": "another-coop", "name": "stranger"},
    "service": {"role": "service", "seller": "", "name": "service"},
}


@dataclass(frozen=True)
class Running:
    """The service with the roles that the test wanted, and a view into its database."""

    service: Service
    client: httpx.AsyncClient = field(repr=False)
    clock: FrozenClock

    async def ask(
        self, method: str, path: str, token: str = "operator", body: object = None, **headers: str
    ) -> httpx.Response:
        """body: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = named | ({"Authorization": f"Bearer {token}"} if token else {})
        return await self.client.request(method, path, headers=sent, content=content)

    async def hear(self, *contents: object) -> list[Result]:
        """Facts and commands, decided and stored as if they had come the usual way."""
        reception, now = self.service.reception, self.clock.now()
        items = [reception.item("test", Incoming(str(uuid7()), content, Reply(200)), b"", now) for content in contents]
        runner = self.service.runner("test")
        try:
            return await runner.run("receipts", items)
        finally:
            runner.drop()

    async def rows(self, sql: str, *values: object) -> list[Any]:
        async with self.service.resources.database.connected(role="look") as connection:
            return [tuple(row) for row in await connection.fetch(sql, *values)]

    async def spoken(self) -> list[Event]:
        """Facts in the outbox, in order."""
        rows = await self.rows("SELECT headers, value FROM outbox ORDER BY id")
        return [open_envelope(unpack(headers), value).event for headers, value in rows]

    async def receipts(self, door: str) -> list[str]:
        """What became of what came in by one door: `accepted`, or `quarantined` with its code."""
        rows = await self.rows("SELECT status, reason FROM receipts WHERE door = $1 ORDER BY received_at, id", door)
        return [f"{status} {reason.split(':', 1)[0]}".strip() for status, reason in rows]


@asynccontextmanager
async def running(
    postgres: EmbeddedPostgres,
    folder: Path,
    name: str,
    build: Callable[[Resources, S], Service],
    kind: type[S],
    clock: FrozenClock,
    roles: Sequence[RoleName] = ("api",),
    **more: Any,
) -> AsyncIterator[Running]:
    """`more` are settings of the service; its secrets lie in `folder`."""
    (folder / "tokens.json").write_text(json.dumps({digest(token): who for token, who in TOKENS.items()}))
    async with fresh(postgres, name) as dsn:
        settings = kind.model_validate({"secrets": folder, "dsn": dsn, **more})
        service = build(Resources.open(name, settings, EmbeddedBroker(Database(dsn, "no log")), clock), settings)
        app = new_app(name)
        app.include_router(service.router)
        service.start(roles)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://corridor.test") as client:
            yield Running(service, client, clock)
        await service.stop()


@asynccontextmanager
async def fresh(postgres: EmbeddedPostgres, service: str) -> AsyncIterator[str]:
    """The DSN of a migrated, empty database of this service; gone afterwards."""
    template, name = f"template_{service}", f"{service}_{next(_NUMBERS)}"
    admin = await asyncpg.connect(postgres.dsn())
    try:
        if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", template):
            await admin.execute(f"CREATE DATABASE {template}")
            await migrate(postgres.dsn(template), service)
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        yield postgres.dsn(name)
        await asyncio.sleep(0)  # connections that were just dropped
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
