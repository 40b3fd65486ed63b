"""A fresh database with the toy's tables per test, and one for the log where a test asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count

import asyncpg
import pytest
import structlog
from asyncpg import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from shared.broker.embedded import EmbeddedBroker
from shared.clock import FrozenClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from shared.events.topics import specs
from shared.flow.apply import Applier
from shared.flow.runner import Runner
from shared.telemetry import Telemetry
from tests.flow import toy

_NUMBERS = count()
MakeRunner = Callable[..., Runner]


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> Iterator[None]:
    """Without the values of local variables: rendering them takes half a second per traceback."""
    structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])
    yield
    structlog.reset_defaults()


@asynccontextmanager
async def fresh(postgres: EmbeddedPostgres, template: str = "template1") -> AsyncIterator[str]:
    name = f"toy{next(_NUMBERS)}"
    admin = await asyncpg.connect(postgres.dsn())
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
    try:
        yield name
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    async with fresh(postgres) as name:
        engine = create_async_engine(postgres.dsn(name).replace("postgresql:", "postgresql+asyncpg:", 1))
        async with engine.begin() as connection:
            await connection.run_sync(toy.metadata.create_all)
        await engine.dispose()
        yield name


@pytest.fixture
async def database(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Database]:
    async with fresh(postgres, template) as name:
        yield Database(postgres.dsn(name), name)


@pytest.fixture
async def look(database: Database) -> AsyncIterator[Connection]:
    """A connection of the test's own, beside those of the flow."""
    async with database.connected(role="look") as connection:
        yield connection


@pytest.fixture
async def log_database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    async with fresh(postgres) as name:
        yield Database(postgres.dsn(name), name)


@pytest.fixture
async def broker(log_database: Database) -> EmbeddedBroker:
    broker = EmbeddedBroker(log_database)
    await broker.ensure(specs())
    return broker


@pytest.fixture
async def look_log(broker: EmbeddedBroker) -> AsyncIterator[Connection]:
    async with broker.database.connected(role="look") as connection:
        yield connection


@pytest.fixture
def applier() -> Applier:
    return Applier(toy.PROCESS, toy.TABLES, "mombasa-fuzhou", Telemetry("toy"))


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(toy.NOW)


@pytest.fixture
async def make_runner(database: Database, applier: Applier, clock: FrozenClock) -> AsyncIterator[MakeRunner]:
    """Runners with connections of their own, as other processes would have them."""
    made: list[Runner] = []

    def make(of: Applier = applier, at: Database = database) -> Runner:
        made.append(Runner(at, of, clock, f"test{len(made)}"))
        return made[-1]

    yield make
    for runner in made:
        runner.drop()


@pytest.fixture
def runner(make_runner: MakeRunner) -> Runner:
    return make_runner()
