"""The service and the simulated window over real bytes, off the straight way: 623, 625, 9610, silence, refusals."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.world.documents import PaymentDocument, WaybillDocument
from services.customs.providers.ceb import dxp, schema
from services.customs.providers.ceb.parser import parse
from shared.db.embedded import EmbeddedPostgres
from tests.customs.bureau import Bureau, bureau
from tests.customs.desk import (
    BEFORE_ASKING,
    BOOKED,
    BUYER,
    NUMBER,
    RECEIVER,
    asked,
    consolidated,
    goods,
    packed,
    placed,
    placed_direct,
    reserved,
    undo,
)

STORED = ("assessment.made", "declaration.submitted", "declaration.stored")
STRAIGHT = (*STORED, "declaration.released")


@asynccontextmanager
async def declared(postgres: EmbeddedPostgres, folder: Path, *plan: str) -> AsyncIterator[Bureau]:
    async with bureau(postgres, folder, *plan) as window:
        window.hear_partners()
        await window.run.hear(placed(), reserved(), *BEFORE_ASKING, asked())
        yield window


async def used(window: Bureau) -> list[tuple[int, ...]]:
    return await window.run.rows("SELECT used_minor FROM quotas")


async def test_34_a_cancelled_declaration_is_void_and_the_year_is_given_back(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with declared(postgres, tmp_path, "cancel_declared") as window:
        window.book.mark("cancel_taken")
        await window.spoken(*STORED)
        await window.run.hear(undo(reason="买家取消"))

        await window.spoken(*STORED, "declaration.withdrawn")
        await window.settled()
        assert window.documents() == ["CEB311 1 x1", "CEB621 1 x1", "CEB623 1 x1"]
        assert await used(window) == [(0,)]
        assert (await window.dossier())["withdrawal"]["state"] == "agreed"


async def test_35_a_cancellation_that_loses_to_the_release_is_followed_by_a_return(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with declared(postgres, tmp_path, "release_wins") as window:
        await window.spoken(*STORED)
        await window.run.hear(undo())
        await window.spoken(*STRAIGHT, "declaration.withdrawal-refused")
        await window.run.hear(undo("return"))

        await window.spoken(*STRAIGHT, "declaration.withdrawal-refused", "declaration.withdrawn")
        await window.settled()
        assert window.documents() == ["CEB311 1 x1", "CEB621 1 x1", "CEB623 1 x1", "CEB625 1 x1"]
        assert await used(window) == [(0,)]
        assert "approved_625" in window.book.marks


async def test_what_is_sent_to_take_it_back_is_valid_signed_and_sealed_where_it_lies(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with declared(postgres, tmp_path) as window:
        await window.spoken(*STRAIGHT)
        await window.run.hear(undo("return"))
        await window.spoken(*STRAIGHT, "declaration.withdrawn")

        message = dxp.read(parse(window.line.sent[-1])).data
        text = message.decode()
        assert schema.errors(parse(message)) == ()
        assert (text.count("<ds:Signature "), f"<ceb:buyerName>{BUYER.name}<" in text) == (1, True)
        assert re.findall(r"<ceb:(gnum|gcode|qty|unit)>([^<]*)<", text) == [
            ("gnum", "1"), ("gcode", "0901210000"), ("qty", "1"), ("unit", "125"),
        ]  # fmt: skip
        stored = str(await window.run.rows("SELECT t.*::text FROM envelopes t"))
        assert BUYER.id_number.encode().hex() not in stored


async def test_a_withdrawal_whose_answer_is_lost_goes_again_byte_for_byte_and_counts_once(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with declared(postgres, tmp_path) as window:
        await window.spoken(*STRAIGHT)
        await window.settled()
        window.line.lose = 1
        await window.run.hear(undo("return"))
        await window.spoken(*STRAIGHT, "declaration.withdrawn")
        window.run.clock.skip(timedelta(minutes=1))
        await window.settled()

        assert window.documents()[-1].startswith("CEB625 1 x")
        await window.spoken(*STRAIGHT, "declaration.withdrawn")


async def test_29_a_silent_customs_gets_the_same_inventory_again(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    async with declared(postgres, tmp_path, "silent_customs") as window:
        await window.spoken(*STORED[:-1])
        await window.settled()
        window.run.clock.skip(timedelta(minutes=11))

        await window.spoken(*STRAIGHT)
        assert window.documents() == ["CEB311 1 x1", "CEB621 1 x2"]


async def test_33_goods_sent_back_abroad_are_told_once(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    async with declared(postgres, tmp_path, "returned_abroad") as window:
        await window.spoken(*STORED, "declaration.held", "declaration.returned-abroad")
        assert await used(window) == [(0,)]


async def test_24_what_only_customs_knew_is_final_and_kept(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    async with declared(postgres, tmp_path, "over_the_year") as window:
        await window.spoken(*STORED[:-1], "declaration.rejected")
        fact = (await window.run.spoken())[-1]

        assert (fact.model_dump()["code"], fact.model_dump()["final"]) == ("-621018", True)
        assert await used(window) == [(2_599_000 + 11_824,)]


async def test_32_an_inspection_after_the_release_is_told_and_its_end_too(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with declared(postgres, tmp_path, "inspected_late") as window:
        await window.spoken(*STRAIGHT, "declaration.held", "declaration.released")


async def test_19_direct_mail_is_declared_with_its_weight_and_flight(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with bureau(postgres, tmp_path) as window:
        address = f"{RECEIVER.province}{RECEIVER.city}{RECEIVER.district}{RECEIVER.street}"
        customs = window.world.customs
        customs.take_payment(
            PaymentDocument("4403169D3W", "4200000042", NUMBER, "9999A60011", BUYER.id_number, BUYER.name, 12900)
        )
        customs.take_waybill(
            WaybillDocument(
                BOOKED.logistics_code, BOOKED.waybill_no, NUMBER, RECEIVER.name, RECEIVER.phone, address, 274
            )
        )
        flown = {"master_bill": "99900000011", "voyage": "TX0001"}
        window.world.core.books.file("consolidations", (NUMBER,), flown)
        shelf = goods(record_no="", account_book="")
        await window.run.hear(placed_direct(), reserved(shelf), *BEFORE_ASKING, packed(), consolidated(), asked())

        await window.spoken(*STRAIGHT)
        text = dxp.read(parse(window.line.sent[-1])).data.decode()
        fields = dict(re.findall(r"<ceb:(tradeMode|trafMode|trafNo|voyageNo|billNo|grossWeight)>([^<]*)<", text))
        assert fields == {
            "tradeMode": "9610", "trafMode": "5", "trafNo": "TX0001", "voyageNo": "TX0001", "billNo": "99900000011",
            "grossWeight": "0.274",
        }  # fmt: skip
        assert "emsNo" not in text
        assert "itemRecordNo" not in text


@pytest.mark.parametrize("plan", ["receipts_reversed", "duplicate_pushes"])
async def test_withdrawal_receipts_out_of_order_or_twice_change_nothing(
    postgres: EmbeddedPostgres, tmp_path: Path, plan: str
) -> None:
    async with declared(postgres, tmp_path, plan) as window:
        await window.spoken(*STRAIGHT)
        await window.settled()
        await window.run.hear(undo("return"))

        await window.spoken(*STRAIGHT, "declaration.withdrawn")
        await window.settled()
        await window.spoken(*STRAIGHT, "declaration.withdrawn")
