"""A tower with a real database of its own, a settable clock, and tokens for an operator and two sellers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.tower.app import build
from services.tower.attention import Attended, DeadLetter, attended
from services.tower.settings import TowerSettings
from shared.broker.embedded import EmbeddedBroker
from shared.broker.ports import Record
from shared.clock import FrozenClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from shared.db.migrate import migrate
from shared.flow.items import Fate
from shared.http.app import new_app
from shared.security.auth import development_tokens, digest
from shared.service import Resources, Service
from tests.support.tales import NOON, Tale

_NUMBERS = count()
OTHER = "another-seller-token"


@dataclass
class Tower:
    """The service under test, and how tests speak to it."""

    service: Service
    app: FastAPI
    clock: FrozenClock
    tokens: dict[str, str]
    letters: list[DeadLetter]

    async def hears(self, *tales: Tale) -> list[Fate]:
        """Every fact of these tales, as the consumer would hand them over; the clock stands at the last one."""
        records = [record for tale in tales for record in tale.records()]
        self.clock.skip(max(tale.at for tale in tales) - self.clock.now())
        return await self.takes(records)

    async def takes(self, records: Sequence[Record]) -> list[Fate]:
        applier = self.service.applier
        items = [item for record in records if (item := applier.wanted(record)) is not None]
        runner = self.service.runner("test")
        try:
            return [result.fate for result in await runner.run("facts", items)]
        finally:
            runner.drop()

    def client(self, role: str = "", **cookies: str) -> httpx.AsyncClient:
        """A client with the role's bearer token; without a role, one that nobody knows."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://tower", headers=headers, cookies=cookies)

    async def get(self, path: str, role: str = "operator") -> Any:
        async with self.client(role) as client:
            return (await client.get(path)).raise_for_status().json()

    async def page(self, path: str, role: str = "operator", **cookies: str) -> httpx.Response:
        async with self.client(role, **cookies) as client:
            return await client.get(path)


@pytest.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """One migrated database, copied for every test."""
    name = f"tower_template{next(_NUMBERS)}"
    admin = await asyncpg.connect(postgres.dsn())
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    await migrate(postgres.dsn(name), "tower")
    return name


@pytest.fixture
async def dsn(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    name = f"tower{next(_NUMBERS)}"
    admin = await asyncpg.connect(postgres.dsn())
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
    yield postgres.dsn(name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@asynccontextmanager
async def opened(dsn: str, folder: Path, **settings: Any) -> AsyncIterator[Tower]:
    """A tower on this database, with its secrets in `folder`."""
    tokens = {**development_tokens(folder), "other": OTHER}
    known = json.loads((folder / "tokens.json").read_text())
    known[digest(OTHER)] = {"role": "seller", "seller": "lakeside-tea", "name": "dev-other"}
    (folder / "tokens.json").write_text(json.dumps(known))
    told = TowerSettings(secrets=folder, dsn=SecretStr(dsn), **settings)
    clock = FrozenClock(NOON)
    resources = Resources.open("tower", told, EmbeddedBroker(Database(dsn, "log")), clock)
    letters: list[DeadLetter] = []

    async def attention(_: str) -> Attended:
        return attended(letters)

    service = build(resources, told, attention)
    app = new_app("tower")
    app.include_router(service.router)
    yield Tower(service, app, clock, tokens, letters)
    await service.stop()


@pytest.fixture
async def tower(dsn: str, tmp_path: Path) -> AsyncIterator[Tower]:
    async with opened(dsn, tmp_path) as running:
        yield running
