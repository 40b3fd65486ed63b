"""The database as the migrations make it is the one that the code writes to."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import create_async_engine

from services.customs.tables import metadata
from shared.db.embedded import EmbeddedPostgres
from shared.db.migrate import migrate
from tests.support.service import fresh

Shape = dict[str, set[tuple[str, bool]]]


def shape(connection: Connection) -> Shape:
    """Columns of every table, and whether they may be null."""
    looked = inspect(connection)
    return {
        table: {(column["name"], column["nullable"]) for column in looked.get_columns(table)}
        for table in looked.get_table_names()
        if table != "alembic_version"
    }


async def test_the_migrations_make_what_the_tables_say(postgres: EmbeddedPostgres) -> None:
    declared = {
        table.name: {(column.name, bool(column.nullable)) for column in table.columns}
        for table in metadata.tables.values()
    }
    async with fresh(postgres, "customs") as dsn:
        engine = create_async_engine(dsn.replace("postgresql:", "postgresql+asyncpg:", 1))
        async with engine.connect() as connection:
            assert await connection.run_sync(shape) == declared
        await engine.dispose()


async def test_the_migrations_go_down_and_up_again(postgres: EmbeddedPostgres) -> None:
    async with fresh(postgres, "customs") as dsn:
        await migrate(dsn, "customs", "base")
        connection = await asyncpg.connect(dsn)
        left = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert [row["tablename"] for row in left] == ["alembic_version"]
        await connection.close()
        await migrate(dsn, "customs")


async def test_a_yearly_amount_below_zero_is_refused_by_the_database_itself(postgres: EmbeddedPostgres) -> None:
    async with fresh(postgres, "customs") as dsn:
        connection = await asyncpg.connect(dsn)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("INSERT INTO quotas VALUES ('p', '{}', 2026, -1)")
        await connection.close()
