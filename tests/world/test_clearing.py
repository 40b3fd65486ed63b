"""What the window does to an inventory after it took it: plans that go astray, cancellation, return, direct mail."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deploy.world.app import World
from deploy.world.books import OrderBook
from deploy.world.documents import PaymentDocument, WaybillDocument
from deploy.world.plan import plan_of
from services.customs.documents import Kind, ReturnItem
from tests.world import declarations
from tests.world.window import ORDER_NO, Declare, filed, hear_partners, open_order, receipts

DIRECT_NO = "TC20251118000001"


async def cleared(world: World, send: Declare, *kinds: str) -> Any:
    """Order and inventory declared, under this plan; the inventory's file."""
    open_order(world, *kinds)
    hear_partners(world)
    await send(Kind.ORDER, declarations.order())
    await send(Kind.INVENTORY, declarations.inventory())
    case = world.customs.inventory_of(ORDER_NO)
    assert case is not None
    return case


async def until(world: World, last: str) -> list[str]:
    for _ in range(40):
        if receipts(world)[-1:] == [last]:
            break
        await declarations.quiet()
    return receipts(world)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("inspected_late", ["622:2+120", "622:800", "622:500", "622:800"]),
        ("returned_abroad", ["622:2+120", "622:500", "622:700"]),
        ("over_the_year", ["622:2+-621018"]),
        ("detained", ["622:2+120", "622:501"]),
    ],
)
async def test_each_plan_has_its_own_words(world: World, declare: Declare, plan: str, said: list[str]) -> None:
    await cleared(world, declare, plan)

    assert await until(world, said[-1]) == ["312:2+120", *said]


async def test_words_of_one_inventory_have_rising_times(world: World, declare: Declare) -> None:
    case = await cleared(world, declare, "inspected_late")
    await until(world, "622:800")

    times = [node["returnTime"] for nodes in case.sent for node in nodes]
    assert times == sorted(set(times))


async def test_a_silent_window_speaks_when_the_same_bytes_come_again(
    world: World, declare: Declare, secrets: Path
) -> None:
    open_order(world, "silent_customs")
    hear_partners(world)
    await declare(Kind.ORDER, declarations.order())
    content = declarations.message(declarations.inventory(), secrets)
    await declare(Kind.INVENTORY, content)
    assert receipts(world) == ["312:2+120"]

    await declare(Kind.INVENTORY, content)
    assert await until(world, "622:800") == ["312:2+120", "622:2+120", "622:800"]


async def test_a_cancellation_before_the_release_voids_the_inventory(world: World, declare: Declare) -> None:
    case = await cleared(world, declare, "cancel_declared")
    assert receipts(world) == ["312:2+120"]  # the window waits for the buyer's word
    world.core.books.orders["7"].mark("cancel_taken")
    await until(world, "622:2+120")

    await declare(Kind.CANCELLATION, declarations.against(case))
    assert await until(world, "624:399") == ["312:2+120", "622:2+120", "624:2+120", "624:399"]
    assert case.state == "withdrawn"


async def test_a_release_may_beat_the_cancellation_that_is_on_its_way(world: World, declare: Declare) -> None:
    case = await cleared(world, declare, "release_wins")
    await until(world, "622:2+120")
    await declare(Kind.CANCELLATION, declarations.against(case))

    assert receipts(world)[-2:] == ["622:800", "624:-623005"]
    assert case.state == "released"


async def test_a_cancellation_of_an_unknown_inventory_is_refused(world: World, declare: Declare) -> None:
    case = await cleared(world, declare)
    await declare(Kind.CANCELLATION, declarations.against(case, invt_no="35002026I999999999"))

    assert receipts(world)[-1] == "624:-623003"


@pytest.mark.parametrize(("qty", "code"), [("2", "626:399"), ("3", "626:-625209")])
async def test_no_more_comes_back_than_was_declared(world: World, declare: Declare, qty: str, code: str) -> None:
    case = await cleared(world, declare)
    await until(world, "622:800")
    line = case.document.lines[0]
    item = ReturnItem(number=1, hs_code=line["gcode"], goods_name=line["gname"], qty=Decimal(qty), unit=line["unit"])
    await declare(Kind.RETURN, declarations.against(case, "625-full-return", items=(item,)))

    assert (await until(world, code))[-1] == code


async def test_what_is_not_released_cannot_be_returned(world: World, declare: Declare) -> None:
    case = await cleared(world, declare, "detained")
    await until(world, "622:501")
    await declare(Kind.RETURN, declarations.against(case, "625-full-return"))

    assert receipts(world)[-1] == "626:-625032"


# --- direct mail ------------------------------------------------------------------------------------------------------


async def direct(world: World, send: Declare, *flights: tuple[str, str], **more: Any) -> list[str]:
    """The direct-mail sample declared; what the window answered to the inventory, and why."""
    book = OrderBook("7", plan_of(), 33291, "CNY", [])
    world.core.books.open(book)
    world.core.books.alias(book, DIRECT_NO)
    order, inventory = declarations.direct("311-order"), declarations.direct("621-inventory", **more)
    pay = declarations.direct("411-payment")
    world.customs.take_payment(
        PaymentDocument(
            pay.pay_code, pay.pay_transaction_id, DIRECT_NO, order.ebp_code, pay.payer_id_number, pay.payer_name, 33291
        )
    )
    receiver = (order.consignee, order.consignee_telephone, order.consignee_address)
    world.customs.take_waybill(
        WaybillDocument(inventory.logistics_code, inventory.logistics_no, DIRECT_NO, *receiver, 1020)
    )
    for bill, voyage in flights:
        world.core.books.file("consolidations", (DIRECT_NO,), {"master_bill": bill, "voyage": voyage})
    await send(Kind.ORDER, order)
    await send(Kind.INVENTORY, inventory)
    await declarations.quiet()
    return [receipts(world)[1], *book.notes]


async def test_direct_mail_names_the_flight_that_the_carrier_listed_it_on(world: World, declare: Declare) -> None:
    assert await direct(world, declare, ("99900000011", "TX0001")) == ["622:2+120"]


async def test_direct_mail_on_another_flight_is_sent_back(world: World, declare: Declare) -> None:
    assert await direct(world, declare, ("99900000022", "TX0002")) == [
        "622:2+100",
        "inventory sent back: 清单 billNo; 清单 voyageNo",
    ]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"bill_no": None}, "清单 billNo"),
        ({"voyage_no": None}, "清单 voyageNo"),
        ({"country": "142"}, "清单 country"),
        ({"ems_no": "T3500W000001"}, "清单 emsNo"),
    ],
)
async def test_direct_mail_without_what_it_needs_is_sent_back(
    world: World, declare: Declare, more: dict[str, Any], why: str
) -> None:
    assert await direct(world, declare, **more) == ["622:2+100", f"inventory sent back: {why}"]


async def test_the_files_tell_what_was_withdrawn(world: World, declare: Declare) -> None:
    case = await cleared(world, declare)
    await until(world, "622:800")
    await declare(
        Kind.RETURN, replace(declarations.good("625-partial-return"), guid=declarations.guid(), invt_no=case.invt_no)
    )
    await until(world, "626:399")

    assert [one["type"] for one in filed(world, "documents")][-1] == "CEB625"
    assert case.state == "returned"
