"""What is in the tables: journals that are written once, sums that are zero, and what may be seen of them by whom."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.payments.commands import PaidTold
from services.payments.tables import metadata
from shared.db.migrate import migrate
from shared.events.customs import AssessmentMade, DeclarationReleased
from shared.events.orders import FundsReleaseAuthorised
from shared.events.values import Valuation
from shared.ids import OrderId
from tests.payments.house import House
from tests.payments.till import NOW, ORDER, SELLER, TOTAL, number, paid, yuan

VERSIONS = "alembic_version"
SPLIT = Valuation(1, *map(yuan, (11824, 0, 0, 0, 1076, 12900)))


async def settled(house: House) -> None:
    """An order from its capture to the release of its funds."""
    await house.preload(number(), TOTAL)
    await house.hear(
        PaidTold(ORDER, paid()),
        AssessmentMade(order_id=ORDER, seller=SELLER, valuation=SPLIT, findings=()),
        DeclarationReleased(order_id=ORDER, seller=SELLER, role="import", attempt=1, dossier_version=1, at=NOW),
        FundsReleaseAuthorised(order_id=ORDER, seller=SELLER),
    )


async def test_the_trial_balance_sums_to_zero(house: House) -> None:
    await settled(house)

    told = (await house.ask("/v1/ledger/trial-balance")).json()

    assert told["total"] == {"CNY": 0}
    assert {row["account"]: row["minor"] for row in told["accounts"]} == {
        "clearing/wechat": 12823, f"tax/{ORDER}": -1076, f"seller/{SELLER}": -11747,
    }  # fmt: skip


async def test_every_journal_sums_to_zero_and_the_fee_is_told_apart(house: House) -> None:
    await settled(house)

    told = (await house.money()).json()

    sums = [sum(line["minor"] for line in journal["lines"]) for journal in told["journals"]]
    assert sums == [0, 0, 0]
    clearing = [line for line in told["journals"][0]["lines"] if line["account"] == "clearing/wechat"]
    assert [(line["what"], line["minor"]) for line in clearing] == [("money", 12900), ("fee", -77)]
    assert (told["escrow"]["minor"], told["released"]) == (0, True)


@pytest.mark.parametrize("table", ["journals", "postings"])
@pytest.mark.parametrize("change", ["UPDATE {} SET order_id = 'x'", "DELETE FROM {}"])
async def test_what_is_booked_cannot_be_changed(house: House, table: str, change: str) -> None:
    await settled(house)

    with pytest.raises(asyncpg.CheckViolationError, match="written once"):
        await house.rows(change.format(table))


async def test_a_seller_sees_its_own_money_and_nobody_elses(house: House) -> None:
    await settled(house)
    await house.hear(AssessmentMade(order_id=OrderId("other"), seller="somebody", valuation=SPLIT, findings=()))

    assert (await house.money(role="seller")).status_code == 200
    assert (await house.money(OrderId("other"), "seller")).status_code == 404
    assert (await house.money(OrderId("other"))).status_code == 200
    assert (await house.money(OrderId("nowhere"))).status_code == 404


@pytest.mark.parametrize("path", ["/v1/ledger/trial-balance", "/v1/payments/cases"])
async def test_the_books_are_for_operators(house: House, path: str) -> None:
    assert (await house.ask(path, "seller")).status_code == 403
    assert (await house.client.get(path)).status_code == 401
    assert (await house.ask(path)).status_code == 200


async def test_a_case_is_listed_with_its_reason(house: House) -> None:
    await house.preload(number(), TOTAL)
    await house.hear(PaidTold(ORDER, paid(minor=12899)))

    [listed] = (await house.ask("/v1/payments/cases")).json()["cases"]

    assert (listed["order_id"], listed["cases"][0]["what"]) == (ORDER, "wrong_amount")
    assert listed["cases"][0]["detail"] == f"{number()}: CNY 128.99, asked CNY 129.00"


async def test_the_migrations_make_what_the_tables_say(database: str) -> None:
    engine = create_async_engine(database.replace("postgresql://", "postgresql+asyncpg://", 1))

    def drift(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"include_name": lambda name, *_: name != VERSIONS})
        return list(compare_metadata(context, metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(drift) == []
    await engine.dispose()


async def test_the_migrations_go_back_to_nothing(database: str) -> None:
    await migrate(database, "payments", "base")

    connection = await asyncpg.connect(database)
    left = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    functions = await connection.fetchval("SELECT count(*) FROM pg_proc WHERE proname = 'refuse_change'")
    await connection.close()

    assert [row["tablename"] for row in left] == [VERSIONS]
    assert functions == 0
