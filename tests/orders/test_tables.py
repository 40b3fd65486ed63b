"""What orders keeps: migrations and tables agree, and an order with a whole history is read back as it was."""

from __future__ import annotations

import json

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.orders import observing
from services.orders.order import ORDER, Order
from services.orders.placing import SNAPSHOT
from services.orders.tables import TABLES, metadata
from shared.db.embedded import EmbeddedPostgres
from shared.db.migrate import migrate
from tests.orders import facts
from tests.orders.story import Story
from tests.support.service import fresh

LEFT = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"


def differs(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_the_migrations_make_the_tables_and_take_them_away(postgres: EmbeddedPostgres) -> None:
    async with fresh(postgres, "orders") as dsn:
        engine = create_async_engine(dsn.replace("postgresql:", "postgresql+asyncpg:", 1))
        async with engine.connect() as connection:
            assert await connection.run_sync(differs) == []
        await engine.dispose()

        await migrate(dsn, "orders", "base")

        look = await asyncpg.connect(dsn)
        assert await look.fetchval(LEFT) == 0
        await look.close()


def test_an_order_with_a_whole_history_is_read_back_as_it_was() -> None:
    story = Story.placed().delivers()
    story.hears(facts.mispaid())

    key, body, *columns = TABLES[0].row(facts.ORDER, story.order)

    assert isinstance(body, bytes)
    read: Order = TABLES[0].codec.validate_json(body)
    assert read == story.order
    placed = ["nairobi-roasters-shopify", "5902603020001", "placed", " payment_audit ", story.order.placed_at]
    assert (key, columns) == (facts.ORDER, [facts.SELLER, *placed])


def test_an_order_of_the_channel_that_is_being_undone_is_read_back_as_it_was() -> None:
    story = Story.channels()
    story.observes(observing.waybill_given, "cainiao", "CN0001")
    story.observes(observing.cleared, "released", facts.NOW)
    story.hears(facts.short(), facts.made(), facts.assessed(), facts.confirmed(), facts.booked(), facts.released(1, 0))
    story.hears(facts.packed(), facts.exited())
    story.observes(observing.refunded, "not wanted", facts.NOW)

    _, body, *_ = TABLES[0].row(facts.ORDER, story.order)

    assert isinstance(body, bytes)
    assert TABLES[0].codec.validate_json(body) == story.order


def test_an_order_of_before_cases_were_kept_by_name_still_reads_and_counts_on() -> None:
    story = Story.placed().releases()
    story.hears(facts.STRAY)
    _, body, *_ = TABLES[0].row(facts.ORDER, story.order)
    assert isinstance(body, bytes)
    old = json.loads(body)
    for younger in ("cases", "awaited", "heard_at"):
        del old[younger]

    story.states.take((ORDER.put(facts.ORDER, TABLES[0].codec.validate_python(old)),))
    assert (story.order.conflicts, story.order.cases) == (1, ())
    story.hears(facts.STRAY)
    assert [case.number for case in story.order.cases] == [2]


def test_a_snapshot_is_read_back_as_it_was_and_holds_no_people() -> None:
    snapshot = Story.placed().states.get(SNAPSHOT, facts.ORDER)
    assert snapshot is not None

    _, body = TABLES[1].row(facts.ORDER, snapshot)

    assert isinstance(body, bytes)
    assert TABLES[1].codec.validate_json(body) == snapshot
    assert "林" not in body.decode()
