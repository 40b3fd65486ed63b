"""Every revision of every service, up and down from every other; at the end the database is what the models say."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from shared.db.embedded import EmbeddedPostgres
from shared.db.migrate import migrate, revisions

SERVICES = ("catalog", "customs", "logistics", "orders", "payments", "tower")
every_service = pytest.mark.parametrize("service", SERVICES)

# Everything that a migration can make: what a column is, every index and constraint by its definition, storage options.
_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
       pg_get_expr(d.adbin, d.adrelid)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'"""
_INDEXES = """
SELECT tablename, indexname, indexdef FROM pg_indexes
 WHERE schemaname = 'public' AND tablename <> 'alembic_version'"""
_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND conrelid <> 'alembic_version'::regclass"""
_OPTIONS = """
SELECT relname, reloptions::text FROM pg_class
 WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"""
_LEFT = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic_version%'
 UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
 UNION ALL SELECT typname FROM pg_type
            WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e') AND typname NOT LIKE '%alembic%'"""

Catalog = dict[str, frozenset[tuple[object, ...]]]


@asynccontextmanager
async def empty(postgres: EmbeddedPostgres, name: str) -> AsyncIterator[str]:
    admin = await asyncpg.connect(postgres.dsn())
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield postgres.dsn(name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


async def catalog(dsn: str) -> Catalog:
    """What is there, as PostgreSQL itself tells it."""
    connection = await asyncpg.connect(dsn)
    try:
        if not await connection.fetchval("SELECT to_regclass('alembic_version')"):
            await connection.execute("CREATE TABLE alembic_version (version_num text)")
        asked = {"columns": _COLUMNS, "indexes": _INDEXES, "constraints": _CONSTRAINTS, "options": _OPTIONS}
        return {what: frozenset(tuple(row) for row in await connection.fetch(sql)) for what, sql in asked.items()}
    finally:
        await connection.close()


async def left(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch(_LEFT)]
    finally:
        await connection.close()


async def modelled(dsn: str, metadata: MetaData) -> Catalog:
    """The same of a database that the models themselves made."""
    engine = create_async_engine(dsn.replace("postgresql:", "postgresql+asyncpg:", 1))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    return await catalog(dsn)


@every_service
async def test_at_head_the_live_catalog_is_what_the_models_say(postgres: EmbeddedPostgres, service: str) -> None:
    metadata: MetaData = importlib.import_module(f"services.{service}.tables").metadata
    async with empty(postgres, f"head_{service}") as migrated, empty(postgres, f"models_{service}") as made:
        await migrate(migrated, service)
        live, wanted = await catalog(migrated), await modelled(made, metadata)

    for what in wanted:
        assert live[what] ^ wanted[what] == frozenset(), what
    assert live["columns"]


@every_service
async def test_every_revision_runs_up_and_down_from_every_other(postgres: EmbeddedPostgres, service: str) -> None:
    steps = ("base", *revisions(service))
    known: dict[str, Catalog] = {}
    async with empty(postgres, f"walk_{service}") as dsn:
        for step in steps[1:]:
            await migrate(dsn, service, step)
            known[step] = await catalog(dsn)
        for one, other in itertools.permutations(steps, 2):
            await migrate(dsn, service, one)
            await migrate(dsn, service, other)
            if other == "base":
                assert await left(dsn) == []
            else:
                assert await catalog(dsn) == known[other], f"{one} to {other}"


@every_service
async def test_down_to_the_base_leaves_nothing_and_up_again_is_the_same(
    postgres: EmbeddedPostgres, service: str
) -> None:
    async with empty(postgres, f"down_{service}") as dsn:
        await migrate(dsn, service)
        before = await catalog(dsn)

        await migrate(dsn, service, "base")
        nothing = await left(dsn)
        await migrate(dsn, service)

        assert (nothing, await catalog(dsn)) == ([], before)


@every_service
async def test_migrating_what_is_at_head_changes_nothing(postgres: EmbeddedPostgres, service: str) -> None:
    async with empty(postgres, f"again_{service}") as dsn:
        await migrate(dsn, service)
        before = await catalog(dsn)

        await migrate(dsn, service)

        assert await catalog(dsn) == before


@every_service
def test_revisions_follow_each_other_in_one_line(service: str) -> None:
    numbers = revisions(service)

    assert numbers == tuple(f"{n:04d}" for n in range(1, len(numbers) + 1))
