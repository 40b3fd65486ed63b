"""What catalog keeps: migrations and tables agree, and states are read back as they were."""

from __future__ import annotations

from typing import Any

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.catalog.tables import TABLES, metadata
from shared.db.embedded import EmbeddedPostgres
from shared.db.migrate import migrate
from shared.flow.tables import StateTable
from tests.catalog.shelf import COFFEE, Shelf, placed, product
from tests.support.service import fresh

LEFT = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"


def differs(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_the_migrations_make_the_tables_and_take_them_away(postgres: EmbeddedPostgres) -> None:
    async with fresh(postgres, "catalog") as dsn:
        engine = create_async_engine(dsn.replace("postgresql:", "postgresql+asyncpg:", 1))
        async with engine.connect() as connection:
            assert await connection.run_sync(differs) == []
        await engine.dispose()

        await migrate(dsn, "catalog", "base")

        look = await asyncpg.connect(dsn)
        assert await look.fetchval(LEFT) == 0
        await look.close()


async def test_stock_of_before_the_account_books_counter_was_all_in_the_book(postgres: EmbeddedPostgres) -> None:
    old = (
        b'{"sku":"S","location":"L","lots":[{"lot":"A","best_before":"2027-09-30","on_hand":7,"reserved":2,"book":7}]}'
    )
    async with fresh(postgres, "catalog") as dsn:
        await migrate(dsn, "catalog", "0001")
        look = await asyncpg.connect(dsn)
        await look.execute("INSERT INTO stock VALUES ('S@L', $1, 'S', 'L', 7, 2)", old)

        await migrate(dsn, "catalog")

        row = await look.fetchrow("SELECT body, book FROM stock")
        await look.close()
    assert row is not None
    read = TABLES[0].codec.validate_json(row["body"])
    assert (row["book"], read.bonded, read.book) == (7, True, 7)


def test_states_are_read_back_as_they_were() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 2)))
    rows: list[tuple[StateTable[Any], object]] = [
        (TABLES[0], shelf.stock(COFFEE)),
        (TABLES[1], product(COFFEE)),
        (TABLES[2], shelf.reservation(1)),
    ]

    for table, state in rows:
        _, body, *_ = table.row("k", state)
        assert isinstance(body, bytes)
        assert table.codec.validate_json(body) == state
