"""One database and one role per service, and its migrations. Run at start, safe to run by two processes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
from alembic import command, context
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

ROOT: Final = Path(__file__).resolve().parents[2]
LOCK_TIMEOUT: Final = (
    "SET lock_timeout = '3s'"  # a migration that waits for a busy table must give up, not stop the table
)


async def provision(admin_dsn: str, name: str, password: str) -> str:
    """Make role and database `name` where they are missing; returns the service's own DSN. Nobody else may connect."""
    admin = await asyncpg.connect(admin_dsn)
    try:
        await admin.execute("SELECT pg_advisory_lock(80)")
        if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
            await admin.execute(f"CREATE ROLE {name} LOGIN")
        await admin.execute(f"ALTER ROLE {name} PASSWORD '{password}'")
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await admin.execute(f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0")
            await admin.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
    finally:
        await admin.close()
    return service_dsn(admin_dsn, name, password)


def service_dsn(admin_dsn: str, name: str, password: str) -> str:
    parts = urlsplit(admin_dsn)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"{name}:{quote(password, safe='')}@{host}", f"/{name}", parts.query, ""))


async def migrate(dsn: str, service: str, revision: str = "head") -> None:
    """Bring the service's database to `revision` ("head", "base", or one in between)."""
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run, service, revision)
            await connection.commit()
    finally:
        await engine.dispose()


def revisions(service: str) -> tuple[str, ...]:
    """Every revision of a service, the oldest first."""
    return tuple(one.revision for one in ScriptDirectory.from_config(_config(service)).walk_revisions())[::-1]


def _config(service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "services" / service / "migrations"))
    return config


def _run(connection: Connection, service: str, revision: str) -> None:
    config = _config(service)
    config.attributes["connection"] = connection
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(81)")
    connection.exec_driver_sql(LOCK_TIMEOUT)
    known = ("base", *revisions(service))
    now = MigrationContext.configure(connection).get_current_revision() or "base"
    down = revision in known and now in known and known.index(revision) < known.index(now)
    (command.downgrade if down else command.upgrade)(config, revision)


def run_environment(metadata: MetaData) -> None:
    """What every service's `migrations/env.py` does."""
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
