"""The customs window as a machine: receipts in their order, resends, races, corrections."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.world.app import World
from services.customs.documents import Kind
from tests.world import declarations
from tests.world.window import ORDER_NO, Declare, filed, hear_partners, open_order, receipts


async def test_an_inventory_whose_documents_agree_is_stored_and_released(world: World, declare: Declare) -> None:
    open_order(world)
    hear_partners(world)
    answers = [await declare(Kind.ORDER, declarations.order()), await declare(Kind.INVENTORY, declarations.inventory())]

    assert answers == ["0", "0"]
    assert receipts(world) == ["312:2+120", "622:2+120", "622:800"]
    assert "released" in world.core.books.orders["7"].marks


async def test_an_amount_that_differs_by_one_fen_is_sent_back(world: World, declare: Declare) -> None:
    open_order(world)
    hear_partners(world, amount=114523)
    await declare(Kind.ORDER, declarations.order())
    await declare(Kind.INVENTORY, declarations.inventory())

    assert receipts(world) == ["312:2+120", "622:2+100"]
    assert world.core.books.orders["7"].notes == ["inventory sent back: 支付单 amountPaid"]


async def test_an_inventory_before_its_documents_is_sent_back(world: World, declare: Declare) -> None:
    open_order(world)
    await declare(Kind.INVENTORY, declarations.inventory())

    assert receipts(world) == ["622:2+100"]


async def test_identical_bytes_again_bring_the_same_receipts_and_are_counted(
    world: World, declare: Declare, secrets: Path
) -> None:
    open_order(world)
    content = declarations.message(declarations.order(), secrets)
    for _ in range(3):
        await declare(Kind.ORDER, content)

    assert receipts(world) == ["312:2+120"] * 3
    assert [(one["count"], one["differs"]) for one in filed(world, "documents")] == [(3, False)]


async def test_one_guid_with_other_bytes_is_a_difference(world: World, declare: Declare) -> None:
    open_order(world)
    document = declarations.order()
    await declare(Kind.ORDER, document)
    await declare(Kind.ORDER, replace(document, note="x"))

    assert [one["differs"] for one in filed(world, "documents")] == [False, True]
    assert receipts(world) == ["312:2+120", "312:-301010"]


async def test_an_unclear_address_is_mended_by_new_documents_of_the_same_order(world: World, declare: Declare) -> None:
    open_order(world, "address_unclear")
    hear_partners(world)
    await declare(Kind.ORDER, declarations.order())
    await declare(Kind.INVENTORY, declarations.inventory())
    hear_partners(world, address="浙江省宁波市鄞州区测试路1号（双城公寓）")
    changed = {"consignee_address": "浙江省宁波市鄞州区测试路1号（双城公寓）"}
    await declare(Kind.ORDER, declarations.order(app_type="2", **changed))
    await declare(Kind.INVENTORY, declarations.inventory(cop_no="TC-INV-00000008", **changed))

    assert receipts(world) == ["312:2+120", "622:2+100", "312:2+120", "622:2+120", "622:800"]


async def test_reversed_receipts_keep_their_true_times(world: World, declare: Declare) -> None:
    open_order(world, "receipts_reversed")
    hear_partners(world)
    await declare(Kind.ORDER, declarations.order())
    await declare(Kind.INVENTORY, declarations.inventory())
    case = world.customs.inventory_of(ORDER_NO)

    assert receipts(world)[1:] == ["622:800", "622:2+120"]
    assert case is not None
    times = {node["returnStatus"]: node["returnTime"] for nodes in case.sent for node in nodes}
    assert times["2"] < times["120"] < times["800"]


async def test_an_inspection_comes_between_stored_and_released(world: World, declare: Declare) -> None:
    open_order(world, "inspection")
    hear_partners(world)
    await declare(Kind.ORDER, declarations.order())
    await declare(Kind.INVENTORY, declarations.inventory())

    assert receipts(world)[1:] == ["622:2+120", "622:500", "622:800"]


async def test_a_released_inventory_cannot_be_declared_again(world: World, declare: Declare) -> None:
    open_order(world)
    hear_partners(world)
    await declare(Kind.ORDER, declarations.order())
    await declare(Kind.INVENTORY, declarations.inventory())
    await declare(Kind.INVENTORY, declarations.inventory())

    assert receipts(world)[-1] == "622:-621004"


async def test_the_return_of_a_released_inventory_is_approved_in_place(world: World, declare: Declare) -> None:
    open_order(world)
    hear_partners(world)
    await declare(Kind.ORDER, declarations.order())
    await declare(Kind.INVENTORY, declarations.inventory())
    case = world.customs.inventory_of(ORDER_NO)
    assert case is not None
    back = replace(declarations.good("625-partial-return"), guid=declarations.guid(), invt_no=case.invt_no)
    await declare(Kind.RETURN, back)

    assert receipts(world)[-2:] == ["626:2+120", "626:399"]


async def test_a_broken_signature_is_told_by_receipt(world: World, declare: Declare, secrets: Path) -> None:
    open_order(world)
    content = declarations.message(declarations.inventory(), secrets)
    await declare(Kind.INVENTORY, content.replace("林测试".encode(), "林测验".encode()))

    assert receipts(world) == ["622:-621029"]
    assert [call["why"] for call in world.core.books.refused_calls] == ["message signature"]


async def test_a_misshapen_message_is_answered_by_a_format_receipt(
    world: World, doors: httpx.AsyncClient, secrets: Path
) -> None:
    content = declarations.message(declarations.order(), secrets).replace(b"acturalPaid", b"actualPaid")
    made = declarations.envelope(content, Kind.ORDER, secrets, cop_msg_id="MSG-1")
    await doors.post("/customs/dxp", content=made)

    assert world.core.books.unlinked() == {"MSG-1": ["receipts"]}


@pytest.mark.parametrize(
    ("more", "code"),
    [({"sender_id": "DXPENT0000000001"}, "2002"), ({"receiver_ids": ("X",)}, "2001"), ({"message_type": "Y"}, "0002")],
)
async def test_a_wrong_envelope_is_refused_at_the_door(
    doors: httpx.AsyncClient, secrets: Path, more: dict[str, Any], code: str
) -> None:
    answer = await doors.post("/customs/dxp", content=declarations.envelope(b"<x/>", Kind.ORDER, secrets, **more))

    assert f"<ResponseCode>{code}</ResponseCode>" in answer.text


async def test_a_tampered_envelope_is_refused_at_the_door(doors: httpx.AsyncClient, secrets: Path) -> None:
    made = declarations.envelope(b"<x/>", Kind.ORDER, secrets).replace(b"DXPENT0000999999", b"DXPENT0000999998")

    assert "<ResponseCode>1004</ResponseCode>" in (await doors.post("/customs/dxp", content=made)).text
    assert "<ResponseCode>0001</ResponseCode>" in (await doors.post("/customs/dxp", content=b"<DxpMsg>")).text
