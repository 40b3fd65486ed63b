"""The service and the simulated window, over real bytes: customs takes what we send, and its words come home."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.db.embedded import EmbeddedPostgres
from shared.ids import order_id
from tests.customs.bureau import Bureau, bureau
from tests.customs.desk import (
    BEFORE_ASKING,
    BUYER,
    CANCELLED,
    ORDER,
    RECEIVER,
    amended,
    asked,
    placed,
    recipient,
    reserved,
    waybill_accepted,
)

STRAIGHT = ("assessment.made", "declaration.submitted", "declaration.stored", "declaration.released")
CORRECTED = "测试路9号（双城公寓）"


@pytest.fixture
async def window(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Bureau]:
    async with bureau(postgres, tmp_path) as open_:
        yield open_


async def declare(open_: Bureau) -> None:
    open_.hear_partners()
    await open_.run.hear(placed(), reserved(), *BEFORE_ASKING, asked())


async def test_an_order_is_assessed_declared_stored_and_released(window: Bureau) -> None:
    await declare(window)

    await window.spoken(*STRAIGHT)
    await window.settled()

    assert window.documents() == ["CEB311 1 x1", "CEB621 1 x1"]
    assert "released" in window.book.marks
    shown = await window.dossier()
    assert (shown["papers"], shown["waits_for"], shown["cases"]) == ("released", [], [])
    assert sorted(receipt["status"] for receipt in shown["receipts"]) == ["120", "120", "2", "2", "800"]
    assert shown["invt_no"].startswith("3500")


@pytest.mark.parametrize("plan", ["receipts_reversed", "duplicate_pushes"])
async def test_receipts_out_of_order_or_twice_change_nothing(
    postgres: EmbeddedPostgres, tmp_path: Path, plan: str
) -> None:
    async with bureau(postgres, tmp_path, plan) as open_:
        await declare(open_)
        await open_.spoken(*STRAIGHT)
        await open_.settled()

        await open_.spoken(*STRAIGHT)
        assert len((await open_.dossier())["receipts"]) == 5


async def test_31_an_inspection_holds_and_its_end_releases(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    async with bureau(postgres, tmp_path, "inspection") as open_:
        await declare(open_)

        await open_.spoken(*STRAIGHT[:-1], "declaration.held", "declaration.released")
        assert open_.documents() == ["CEB311 1 x1", "CEB621 1 x1"]


async def test_30_a_rejected_address_is_corrected_and_declared_again_under_the_same_number(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with bureau(postgres, tmp_path, "address_unclear") as open_:
        await declare(open_)
        first = ("assessment.made", "declaration.submitted", "declaration.rejected")
        await open_.spoken(*first)

        open_.hear_partners(CORRECTED)
        moved = recipient(CORRECTED)
        await open_.run.hear(amended(where=moved), asked(2), waybill_accepted(moved))

        await open_.spoken(*first, *STRAIGHT[1:])
        assert open_.documents() == ["CEB311 1 x1", "CEB621 1 x1", "CEB311 2 x1", "CEB621 1 x1"]
        assert await open_.run.rows("SELECT used_minor FROM quotas") == [(11824,)]


async def test_a_lost_answer_sends_the_same_bytes_again_and_counts_once(window: Bureau) -> None:
    window.line.lose = 1
    await declare(window)
    await window.spoken(*STRAIGHT)
    window.run.clock.skip(timedelta(seconds=2))
    await window.settled()

    assert len(window.line.sent) == 3
    assert window.line.sent.count(window.line.sent[0]) == 2
    assert window.documents() == ["CEB311 1 x2", "CEB621 1 x1"]
    await window.spoken(*STRAIGHT)


async def test_an_inventory_that_does_not_match_is_never_sent(window: Bureau) -> None:
    window.hear_partners()
    other = BEFORE_ASKING[0].model_copy(update={"amount": placed("128.99").amounts.total})
    await window.run.hear(placed(), reserved(), other, *BEFORE_ASKING[1:], asked())

    await window.spoken("assessment.made", "declaration.mismatched")

    assert window.line.sent == []
    assert [finding["code"] for finding in (await window.dossier())["findings"]] == ["R02"]


async def test_the_real_customs_hears_nothing_for_an_office_that_nobody_confirmed(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with bureau(postgres, tmp_path, window_link="live") as open_:
        await declare(open_)
        await open_.spoken("assessment.made", "declaration.mismatched")

        assert open_.line.sent == []
        assert [case["code"] for case in (await open_.dossier())["cases"]] == ["window_refused"]


async def test_signed_envelopes_are_taken_too(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    async with bureau(postgres, tmp_path, sign_envelopes=True) as open_:
        await declare(open_)
        await open_.spoken(*STRAIGHT)


async def test_no_person_stands_in_the_database_in_plain_text(window: Bureau) -> None:
    await declare(window)
    await window.spoken(*STRAIGHT)

    tables = ["dossiers", "envelopes", "quotas", "receipts", "outbox", "work", "parked", "aliases"]
    dump = str([await window.run.rows(f"SELECT t.*::text FROM {table} t") for table in tables])
    for secret in (BUYER.id_number, BUYER.phone, BUYER.name, RECEIVER.street):
        assert secret not in dump
        assert secret.encode().hex() not in dump


async def test_a_cancelled_order_gives_the_yearly_amount_back(window: Bureau) -> None:
    await window.run.hear(placed(), reserved())
    await window.spoken("assessment.made")
    assert await window.run.rows("SELECT used_minor FROM quotas") == [(11824,)]
    await window.run.hear(CANCELLED)

    assert await window.run.rows("SELECT used_minor FROM quotas") == [(0,)]
    assert ORDER in str(await window.run.rows("SELECT key FROM dossiers"))


async def test_23_two_orders_of_one_person_at_once_share_what_is_left_of_the_year(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with bureau(postgres, tmp_path) as open_:
        for number in range(5):  # 25,000.00 are used
            of = order_id("nairobi-roasters-shopify", f"used-{number}")
            await open_.run.hear(placed("5455.00", quantity=2, order_id=of), reserved(order=of))
        of = order_id("nairobi-roasters-shopify", "used-5")  # and 100.00
        await open_.run.hear(placed("109.10", order_id=of), reserved(order=of))
        await open_.spoken(*["assessment.made"] * 6)

        last = [order_id("nairobi-roasters-shopify", f"at-once-{number}") for number in range(2)]
        await asyncio.gather(*(open_.run.hear(placed("545.50", order_id=of), reserved(order=of)) for of in last))
        for _ in range(200):
            if len(await open_.run.spoken()) == 8:
                break
            await asyncio.sleep(0.02)

        assert sorted(fact.type for fact in (await open_.run.spoken())[6:]) == [
            "customs.assessment.made",
            "customs.assessment.refused",
        ]
        assert await open_.run.rows("SELECT used_minor FROM quotas") == [(2_560_000,)]
