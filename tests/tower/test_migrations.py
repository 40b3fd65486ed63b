"""The frozen first migration makes exactly the tables that the code describes."""

from __future__ import annotations

import asyncpg

from services.tower.tables import ENTRIES, STORIES


async def test_columns_and_indexes_are_those_of_the_tables(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for table in (STORIES, ENTRIES):
            columns = await connection.fetch(
                "SELECT column_name FROM information_schema.columns WHERE table_name = $1", table.name
            )
            indexes = await connection.fetch("SELECT indexname FROM pg_indexes WHERE tablename = $1", table.name)

            assert {row[0] for row in columns} == {column.name for column in table.columns}
            assert {row[0] for row in indexes} == {index.name for index in table.indexes} | {f"pk_{table.name}"}
    finally:
        await connection.close()
