"""The logistics service as it is, on a database of its own: doors, intake and calls are real, time stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from deploy.world.config import Durations
from deploy.world.keys import make_keys
from services.logistics.settings import LogisticsSettings
from shared.broker.embedded import EmbeddedBroker
from shared.clock import FrozenClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from shared.db.migrate import migrate
from tests.logistics.house import House
from tests.logistics.shipments import NOW
from tests.logistics.worldly import Chain, chained

_NUMBERS = count()
MakeHouse = Callable[[], Awaitable[House]]


@asynccontextmanager
async def fresh(postgres: EmbeddedPostgres, template: str = "template1") -> AsyncIterator[str]:
    name = f"logistics{next(_NUMBERS)}"
    admin = await asyncpg.connect(postgres.dsn())
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        yield name
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    async with fresh(postgres) as name:
        await migrate(postgres.dsn(name), "logistics")
        yield name


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Keys of both sides. A test may write its own before it asks for the house."""
    make_keys(tmp_path)
    return tmp_path


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
async def make_house(
    postgres: EmbeddedPostgres, template: str, secrets: Path, clock: FrozenClock
) -> AsyncIterator[MakeHouse]:
    async with fresh(postgres, template) as name:
        houses: list[House] = []

        async def make() -> House:
            dsn = postgres.dsn(name)
            settings = LogisticsSettings(secrets=secrets, dsn=SecretStr(dsn), world_url="http://world.test")
            houses.append(House.open(settings, EmbeddedBroker(Database(dsn, "broker")), clock))
            return houses[-1]

        yield make
        for house in houses:
            await house.close()


@pytest.fixture
async def house(make_house: MakeHouse) -> House:
    return await make_house()


@pytest.fixture
async def durations() -> Durations:
    """How long things take in the partners' world; a class of tests may have its own."""
    return Durations()


@pytest.fixture
async def chain(postgres: EmbeddedPostgres, template: str, secrets: Path, durations: Durations) -> AsyncIterator[Chain]:
    async with fresh(postgres, template) as name, chained(postgres.dsn(name), secrets, durations) as made:
        yield made
