from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import create_async_engine

from services.logistics.milestones import Milestone
from services.logistics.shipment import Answer, Shipment
from services.logistics.tables import TABLES, metadata
from shared.db.embedded import EmbeddedPostgres
from shared.db.migrate import migrate
from tests.logistics.conftest import fresh
from tests.logistics.shipments import (
    ORDER,
    amended,
    authorised,
    booked,
    document,
    exited,
    minutes,
    packed,
    scan,
    scanned,
)


def _differs(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


def _tables(connection: Connection) -> list[str]:
    return [name for name in inspect(connection).get_table_names() if name != "alembic_version"]


async def test_the_migrations_make_the_tables_and_take_them_away(postgres: EmbeddedPostgres) -> None:
    async with fresh(postgres) as name:
        await migrate(postgres.dsn(name), "logistics")
        engine = create_async_engine(postgres.dsn(name).replace("postgresql:", "postgresql+asyncpg:", 1))
        async with engine.connect() as connection:
            assert await connection.run_sync(_differs) == []
        await migrate(postgres.dsn(name), "logistics", "base")
        async with engine.connect() as connection:
            assert await connection.run_sync(_tables) == []
        await engine.dispose()


def test_a_shipment_with_a_whole_history_is_read_back_as_it_was() -> None:
    story = booked()
    story.hear(document(Answer.ACCEPTED), amended(), document(Answer.ACCEPTED), authorised(), packed(), exited())
    story.hear(scanned(scan(Milestone.DELIVERED, minutes(61)), snapshot=True))
    assert story.shipment is not None
    table = TABLES[0]

    key, body, seller, cases = table.row(ORDER, story.shipment)

    assert isinstance(body, bytes)
    read: Shipment = table.codec.validate_json(body)
    assert read == story.shipment
    assert (key, seller, cases) == (ORDER, "highland-coop", 0)
