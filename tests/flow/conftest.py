"""An empty database with the toy's tables per test, and one for the log where a test asks for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
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

MakeRunner = Callable[..., Runner]


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> Iterator[None]:
    """Without the values of local variables: rendering them takes half a second per traceback."""
    structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])
    yield
    structlog.reset_defaults()


_SHAPE = """
SELECT md5(string_agg(concat_ws(' ', c.relname, a.attname, a.atttypid, a.attnotnull), ',' ORDER BY c.relname, a.attnum))
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace"""
_ALONE = """
SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
_RESTART = "SELECT setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences WHERE schemaname = 'public'"


@dataclass
class Spares:
    """Databases made after a template.

    One that a test leaves is emptied and used again (making one costs a quarter of a second), unless the test changed
    its shape.
    """

    dsn: Callable[[str], str]
    free: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    numbers: Iterator[int] = field(default_factory=count)

    @asynccontextmanager
    async def database(self, template: str) -> AsyncIterator[Database]:
        name = self.free[template].pop() if self.free[template] else await self.make(template)
        yield Database(self.dsn(name), name)
        if await self._emptied(name) == await self._shape(template):
            self.free[template].append(name)

    async def make(self, template: str = "template1") -> str:
        name = f"toy{next(self.numbers)}"
        async with self._connected("postgres") as admin:
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        return name

    async def _emptied(self, name: str) -> object:
        async with self._connected(name) as connection:
            await connection.fetch(_ALONE)
            for row in await connection.fetch(_TABLES):
                await connection.execute(f"DELETE FROM {row['tablename']}")
            await connection.fetch(_RESTART)
            return await connection.fetchval(_SHAPE)

    async def _shape(self, name: str) -> object:
        async with self._connected(name) as connection:
            return await connection.fetchval(_SHAPE)

    @asynccontextmanager
    async def _connected(self, name: str) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(self.dsn(name))
        yield connection
        await connection.close()


@pytest.fixture(scope="session")
async def spares(postgres: EmbeddedPostgres) -> Spares:
    """Databases of a role that connects quickly (one round of hashing, not 4,096: these tests open thousands of
    connections) and does not wait for the disk: here processes die, machines do not.
    """
    admin = await asyncpg.connect(postgres.dsn())
    await admin.execute("SET scram_iterations = 1; CREATE ROLE flow SUPERUSER LOGIN PASSWORD 'flow'")
    await admin.execute("ALTER ROLE flow SET synchronous_commit TO off")
    await admin.close()
    return Spares(lambda name: postgres.dsn(name, "flow", "flow"))


@pytest.fixture(scope="session")
async def template(spares: Spares) -> str:
    """The name of a database with the toy's tables."""
    name = await spares.make()
    engine = create_async_engine(spares.dsn(name).replace("postgresql:", "postgresql+asyncpg:", 1))
    async with engine.begin() as connection:
        await connection.run_sync(toy.metadata.create_all)
    await engine.dispose()
    return name


@pytest.fixture(scope="session")
async def log_template(spares: Spares) -> str:
    name = await spares.make()
    await EmbeddedBroker(Database(spares.dsn(name), name)).ensure(specs())
    return name


@pytest.fixture
async def database(spares: Spares, template: str) -> AsyncIterator[Database]:
    async with spares.database(template) as made:
        yield made


@pytest.fixture
async def look(database: Database) -> AsyncIterator[Connection]:
    """A connection of the test's own, beside those of the flow."""
    async with database.connected(role="look") as connection:
        yield connection


@pytest.fixture
async def broker(spares: Spares, log_template: str) -> AsyncIterator[EmbeddedBroker]:
    async with spares.database(log_template) as made:
        broker = EmbeddedBroker(made)
        await broker.ensure(specs())
        yield broker


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
