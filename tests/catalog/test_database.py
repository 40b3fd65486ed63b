"""Reservations under real concurrency, and the CHECK that stands behind the arithmetic."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from services.catalog.app import build
from services.catalog.commands import ProductRevised, StockReceived
from services.catalog.seed import read_seed
from services.catalog.settings import CatalogSettings
from shared.broker.ports import Partition, Record
from shared.clock import FrozenClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.migrate import ROOT
from shared.events.base import Event
from shared.events.catalog import ReservationDrawn, ReservationMade, ReservationRefused, ReservationRestocked
from shared.events.envelope import Cause, Envelope, write_headers
from shared.flow.items import Fate, Item
from shared.flow.runner import Runner
from shared.ids import uuid7
from tests.catalog.shelf import COFFEE, NOW, TEA, arrival, packed, placed, product, release
from tests.support.service import Running, running

SEED = ROOT / "deploy" / "corridors" / "mombasa-fuzhou.catalog.toml"
SHELVES = "SELECT sku, on_hand, reserved FROM stock ORDER BY sku"


def record(offset: int, fact: Event) -> Record:
    """The fact as the broker hands it out."""
    envelope = Envelope(uuid7(), fact, NOW, Cause("test", fact.key), "mombasa-fuzhou")
    value, at = fact.model_dump_json().encode(), int(NOW.timestamp() * 1000)
    headers = (*write_headers(envelope), ("ce_aggregateversion", str(offset + 1).encode()))
    return Record(Partition(fact.topic, 0), offset, fact.key, value, headers, at)


def items(catalog: Running, facts: Sequence[Event]) -> list[Item]:
    return [catalog.service.applier.read(record(offset, fact)) for offset, fact in enumerate(facts)]


async def fill(catalog: Running, coffee: int, tea: int) -> None:
    products = [ProductRevised(product(sku)) for sku in (COFFEE, TEA)]
    results = await catalog.hear(*products, arrival(COFFEE, coffee), arrival(TEA, tea))
    assert [result.fate for result in results] == [Fate.DONE] * 4


async def answers(catalog: Running) -> Counter[str]:
    return Counter(fact.type for fact in await catalog.spoken() if fact.topic == "catalog.reservation")


async def in_batches(runner: Runner, wanted: Sequence[Item], size: int) -> list[Fate]:
    done = [await runner.run("facts", wanted[n : n + size]) for n in range(0, len(wanted), size)]
    return [result.fate for batch in done for result in batch]


async def test_two_hundred_orders_at_once_on_fifty_units_reserve_exactly_fifty(catalog: Running) -> None:
    await fill(catalog, coffee=50, tea=1_000)
    orders = items(catalog, [placed(n, (COFFEE, 1), (TEA, 2)) for n in range(200)])
    one, two = catalog.service.runner("one"), catalog.service.runner("two")

    fates = await asyncio.gather(in_batches(one, orders[::2], 7), in_batches(two, orders[1::2], 11))

    one.drop()
    two.drop()
    assert Counter(fates[0] + fates[1]) == {Fate.DONE: 200}
    assert await answers(catalog) == {ReservationMade.type: 50, ReservationRefused.type: 150}
    assert await catalog.rows(SHELVES) == [(COFFEE, 50, 50), (TEA, 1_000, 100)]
    assert await catalog.rows("SELECT state, count(*) FROM reservations GROUP BY 1 ORDER BY 1") == [
        ("refused", 150), ("reserved", 50),
    ]  # fmt: skip


async def test_scenario_12_a_livestream_sells_exactly_what_there_is(catalog: Running) -> None:
    """A tenth of it: 1,000 orders in one rush, 100 units; half of them by a channel that has the money already."""
    await fill(catalog, coffee=100, tea=5_000)
    rush = [placed(n, (COFFEE, 1), (TEA, 3), collected_by="channel" if n % 2 else "self") for n in range(1_000)]
    runners = [catalog.service.runner(f"rush{n}") for n in range(4)]

    parts = [items(catalog, rush[n::4]) for n in range(4)]
    fates = await asyncio.gather(*(in_batches(*pair, 25) for pair in zip(runners, parts, strict=True)))

    for runner in runners:
        runner.drop()
    assert Counter(fate for part in fates for fate in part) == {Fate.DONE: 1_000}
    assert await answers(catalog) == {ReservationMade.type: 100, ReservationRefused.type: 900}
    assert await catalog.rows(SHELVES) == [(COFFEE, 100, 100), (TEA, 5_000, 300)]
    waiting = await catalog.rows("SELECT kind, count(*) FROM work GROUP BY 1 ORDER BY 1")
    refused_of_channel = sum(
        isinstance(fact, ReservationRefused) and fact.order_id in {order.order_id for order in rush[1::2]}
        for fact in await catalog.spoken()
    )
    assert waiting == [("reservation-expiry", 100), ("reservation-retry", refused_of_channel)]


async def test_orders_that_want_the_same_skus_in_opposite_order_do_not_lock_each_other_out(catalog: Running) -> None:
    await fill(catalog, coffee=100, tea=100)
    orders = items(catalog, [placed(n, *(((COFFEE, 1), (TEA, 1))[:: 1 if n % 2 else -1])) for n in range(100)])
    one, two = catalog.service.runner("one"), catalog.service.runner("two")

    await asyncio.gather(in_batches(one, orders[::2], 1), in_batches(two, orders[1::2], 1))

    one.drop()
    two.drop()
    assert await catalog.rows(SHELVES) == [(COFFEE, 100, 100), (TEA, 100, 100)]


async def test_a_fact_that_comes_twice_reserves_once(catalog: Running) -> None:
    await fill(catalog, coffee=5, tea=5)
    order = items(catalog, [placed(1, (COFFEE, 2))])
    runner = catalog.service.runner("facts")

    fates = await in_batches(runner, [*order, *order, *order], 2)

    runner.drop()
    assert fates == [Fate.DONE, Fate.DUPLICATE, Fate.DUPLICATE]
    assert await answers(catalog) == {ReservationMade.type: 1}
    assert (await catalog.rows(SHELVES))[0] == (COFFEE, 5, 2)


async def test_what_was_packed_and_not_set_aside_blocks_that_order_alone(catalog: Running) -> None:
    await fill(catalog, coffee=5, tea=5)
    orders = items(catalog, [placed(1, (COFFEE, 2)), placed(2, (COFFEE, 1))])
    runner = catalog.service.runner("facts")
    await in_batches(runner, orders, 2)
    lines = [fact.lines for fact in await catalog.spoken() if isinstance(fact, ReservationMade)]

    wrong = items(catalog, [packed(1, *lines[1]), packed(2, *lines[1])])
    fates = await in_batches(runner, wrong, 2)

    runner.drop()
    assert fates == [Fate.DEAD, Fate.DONE]
    assert (await catalog.rows(SHELVES))[0] == (COFFEE, 4, 2)


async def test_what_was_drawn_comes_back_and_an_undoing_that_names_no_goods_finds_them(catalog: Running) -> None:
    await fill(catalog, coffee=5, tea=5)
    runner = catalog.service.runner("facts")
    await in_batches(runner, items(catalog, [placed(1, (COFFEE, 2), (TEA, 1))]), 1)
    [made] = [fact for fact in await catalog.spoken() if isinstance(fact, ReservationMade)]

    fates = await in_batches(runner, items(catalog, [packed(1, *made.lines), release(1)]), 1)

    runner.drop()
    assert fates == [Fate.DONE, Fate.DONE]
    assert await answers(catalog) == {ReservationMade.type: 1, ReservationDrawn.type: 1, ReservationRestocked.type: 1}
    assert await catalog.rows(SHELVES) == [(COFFEE, 5, 0), (TEA, 5, 0)]


@pytest.mark.parametrize(
    "wrong", ["reserved = on_hand + 1", "reserved = -1", "on_hand = -1", "book = -1", "book = on_hand + 1"]
)
async def test_the_database_refuses_counters_that_cannot_be(catalog: Running, wrong: str) -> None:
    await fill(catalog, coffee=5, tea=5)

    with pytest.raises(asyncpg.CheckViolationError):
        await catalog.rows(f"UPDATE stock SET {wrong}")


async def test_the_seed_is_taken_once_however_often_the_service_starts(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    clock = FrozenClock(NOW)
    async with running(postgres, tmp_path, "catalog", build, CatalogSettings, clock, seed=SEED) as catalog:
        assert catalog.service.parts.first is not None
        await catalog.service.parts.first()
        await catalog.service.parts.first()

        assert await catalog.rows("SELECT location, sku, on_hand, book FROM stock ORDER BY 1, 2") == [
            ("fz-bonded", "KE-COF-227", 1_000_000, 1_000_000), ("fz-bonded", "KE-COF-454", 1_000_000, 1_000_000),
            ("fz-bonded", "KE-TEA-100", 1_000_000, 1_000_000), ("msa-origin", "LM-COF-227", 1_000_000, 0),
            ("msa-origin", "LM-TEA-100", 1_000_000, 0), ("msa-origin", "LM-TEA-250", 1_000_000, 0),
        ]  # fmt: skip
        assert await catalog.rows("SELECT seller, count(*) FROM products GROUP BY 1 ORDER BY 1") == [
            ("coast-growers", 3), ("highland-coop", 4),
        ]  # fmt: skip


def test_every_seed_entry_has_a_key_of_its_own() -> None:
    keys = [key for key, _ in read_seed(SEED.read_text("utf-8"), NOW.date())]

    assert len(keys) == len(set(keys)) == 13


def test_seeded_goods_keep_from_the_day_of_the_installation_or_to_a_day_of_their_own() -> None:
    text = SEED.read_text("utf-8")
    fixed = text.replace("keeps_days = 540", "best_before = 2027-09-30")

    ends = [
        {content.best_before for _, content in read_seed(seed, date(2031, 1, 1)) if isinstance(content, StockReceived)}
        for seed in (text, fixed)
    ]

    assert ends == [{date(2032, 6, 24), date(2032, 12, 21)}, {date(2027, 9, 30), date(2032, 12, 21)}]
