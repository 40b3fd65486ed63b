"""A fresh database with the toy's tables per test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from shared.clock import FrozenClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from shared.flow.apply import Applier
from shared.flow.runner import Runner
from shared.telemetry import Telemetry
from tests.flow import toy

_NUMBERS = count()


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    name = f"toy{next(_NUMBERS)}"
    admin = await asyncpg.connect(postgres.dsn())
    await admin.execute(f"CREATE DATABASE {name}")
    engine = create_async_engine(postgres.dsn(name).replace("postgresql:", "postgresql+asyncpg:", 1))
    async with engine.begin() as connection:
        await connection.run_sync(toy.metadata.create_all)
    await engine.dispose()
    yield Database(postgres.dsn(name), name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
def applier() -> Applier:
    return Applier(toy.PROCESS, toy.TABLES, "mombasa-fuzhou", Telemetry("toy"))


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(toy.NOW)


@pytest.fixture
async def runner(database: Database, applier: Applier, clock: FrozenClock) -> AsyncIterator[Runner]:
    runner = Runner(database, applier, clock, "test")
    yield runner
    runner.drop()
