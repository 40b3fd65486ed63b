"""Connections: hot ones straight from the driver, the rest through SQLAlchemy. Every one asserts what the flow relies
on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import asyncpg
from asyncpg import Connection
from sqlalchemy import pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.errors import Permanent, Transient

# Milliseconds. A lane is waited for at most 3 s; a transaction that nobody ends cannot hold lanes for ever.
SETTINGS: Final = {
    "default_transaction_isolation": "read committed",
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "5000",
    "transaction_timeout": "30000",
    "statement_timeout": "30000",
    "timezone": "UTC",
}


class DatabaseGone(Transient):
    """No connection within the deadline, or it broke: the same call may succeed later."""

    code = "database.gone"


class WrongServer(Permanent):
    """The server cannot give what the flow relies on: too old, or its settings forbid it."""

    code = "database.wrong_server"


@dataclass
class Database:
    """One service's database. `dsn` is a libpq URL; its password never appears in `repr` or errors."""

    dsn: str = field(repr=False)
    name: str
    connect_seconds: float = 3.0

    async def connect(self, *, role: str, settings: dict[str, str] | None = None) -> Connection:
        """A connection of one's own: loops hold theirs, so no pool stands between a batch and its transaction."""
        try:
            connection = await asyncpg.connect(
                self.dsn,
                timeout=self.connect_seconds,
                command_timeout=35,
                server_settings={**SETTINGS, "application_name": f"{self.name}/{role}", **(settings or {})},
            )
        except (
            OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError,
            asyncpg.TooManyConnectionsError, asyncpg.InternalClientError,
        ) as error:  # fmt: skip
            raise DatabaseGone(f"{self.name}: no connection ({type(error).__name__})") from error
        if connection.get_server_version().major < 17:
            await connection.close()
            raise WrongServer(f"{self.name}: PostgreSQL {connection.get_server_version().major}, at least 17 is needed")
        return connection

    @asynccontextmanager
    async def connected(self, *, role: str) -> AsyncIterator[Connection]:
        connection = await self.connect(role=role)
        try:
            yield connection
        finally:
            await connection.close()

    def engine(self) -> AsyncEngine:
        """For tables, migrations and rare paths. Autocommit: a read is one round trip, not three."""
        return create_async_engine(
            self.dsn.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=8,
            max_overflow=0,  # a connection above the pool would be made and thrown away for one statement
            isolation_level="AUTOCOMMIT",
            connect_args={
                "server_settings": {**SETTINGS, "application_name": f"{self.name}/rare"},
                "timeout": self.connect_seconds,
            },
            poolclass=pool.AsyncAdaptedQueuePool,
        )


class ReadTx:
    """A handle that may read and nothing else: queries of APIs and pages."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            # No ping before each use: the first one after a restart fails, and its pool is made anew.
            if error.connection_invalidated:
                raise DatabaseGone("the connection broke while reading") from error
            raise
        except OSError as error:
            raise DatabaseGone("no connection to read with") from error
