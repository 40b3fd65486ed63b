"""What customs says: in any order, each once, and one fact for each new word about the inventory."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from services.customs.commands import FormatRefused, Heard, Strays
from services.customs.documents import TaxBillChange
from services.customs.process import STRAYS, decide
from services.customs.receipts import NotUnderstood, Receipt
from shared.events.base import Event
from shared.events.customs import (
    DeclarationHeld,
    DeclarationRejected,
    DeclarationReleased,
    DeclarationReturnedAbroad,
    DeclarationStored,
)
from shared.flow.decision import Decision, Early, Exhausted
from shared.ids import OrderId
from tests.customs.desk import CANCELLED, INVT_NO, NOW, ORDER, Room, asked, bill_of, cny, names, placed, reserved

OTHER = OrderId("another-order")


def declared() -> Room:
    room = Room()
    room.inventory_out()
    return room


def stored(room: Room) -> Receipt:
    return room.inventory_receipt("120", "[Code:1800;Desc:逻辑校验通过]", invt_no=INVT_NO)


def test_the_straight_way() -> None:
    room = declared()
    spoken = room.hears(
        room.inventory_receipt("2"),
        stored(room),
        room.inventory_receipt("800", "[Code:2600;Desc:放行]", invt_no=INVT_NO),
    )

    first, second = spoken
    assert isinstance(first, DeclarationStored)
    assert isinstance(second, DeclarationReleased)
    assert (first.invt_no, first.attempt) == (INVT_NO, 1)
    assert (second.dossier_version, second.at) == (1, room.dossier.receipts[-1].at)
    assert room.aliases[f"invtNo:{INVT_NO}"] == ORDER
    assert ("receipt-overdue", "inventory") not in room.work


@pytest.mark.parametrize("way", [*itertools.permutations(range(3))])
def test_27_in_any_order_it_is_stored_and_released_once_and_the_older_receipt_is_logged(way: tuple[int, ...]) -> None:
    room = declared()
    receipts = [
        room.inventory_receipt("2"), stored(room), room.inventory_receipt("800", invt_no=INVT_NO)
    ]  # fmt: skip
    spoken = [name for position in way for name in names(room.hears(receipts[position], receipts[position]))]

    assert spoken == ["declaration.stored", "declaration.released"]
    assert [receipt.status for receipt in room.dossier.receipts[2:]] == [receipts[position].status for position in way]


def test_a_number_that_comes_only_in_an_older_receipt_is_kept_and_told() -> None:
    room = declared()
    older = stored(room)
    assert names(room.hears(room.inventory_receipt("800"))) == ["declaration.released"]

    assert names(room.hears(older)) == ["declaration.stored"]
    assert room.dossier.invt_no == INVT_NO


def test_28_a_receipt_before_the_answer_of_the_send_is_applied_once() -> None:
    room = declared()
    assert names(room.hears(stored(room))) == ["declaration.stored"]
    assert room.end("submit", object(), "inventory/1/0") == []


def test_31_an_inspection_holds_and_its_end_releases_without_a_new_declaration() -> None:
    room = declared()
    room.hears(stored(room))
    held = room.hears(room.inventory_receipt("500", "查验"))
    assert isinstance(held[0], DeclarationHeld)
    assert held[0].reason == "查验"

    assert names(room.hears(room.inventory_receipt("800"))) == ["declaration.released"]
    assert room.dossier.versions == 1


def test_32_an_inspection_after_the_release_takes_it_back() -> None:
    room = declared()
    room.hears(stored(room), room.inventory_receipt("800"))

    assert names(room.hears(room.inventory_receipt("500"))) == ["declaration.held"]
    assert names(room.hears(room.inventory_receipt("800"))) == ["declaration.released"]


@pytest.mark.parametrize("way", [*itertools.permutations(range(4))])
def test_32_an_inspection_between_two_releases_holds_nobody_whatever_the_reading_order(way: tuple[int, ...]) -> None:
    room = declared()
    receipts = [stored(room), *(room.inventory_receipt(status) for status in ("800", "500", "800"))]

    spoken = [name for position in way for name in names(room.hears(receipts[position]))]
    assert [name for name in spoken if name != "declaration.stored"][-1] == "declaration.released"
    assert (room.dossier.said, room.cases) == ("released", [])


def test_detained_goods_are_a_case_and_keep_the_yearly_amount() -> None:
    room = declared()
    room.hears(stored(room))

    assert names(room.hears(room.inventory_receipt("502", "扣留移送缉私"))) == ["declaration.detained"]
    assert (room.cases, room.used()) == (["detained"], "118.24")


def test_33_goods_sent_back_abroad_are_told_and_restore_the_yearly_amount() -> None:
    room = declared()
    room.hears(stored(room), room.inventory_receipt("500"))
    spoken = room.hears(room.inventory_receipt("700", "退运"))

    assert spoken == [
        DeclarationReturnedAbroad(order_id=ORDER, seller="highland-coop", role="import", attempt=1, reason="退运")
    ]
    assert (room.cases, room.used()) == ([], "0.00")


def test_a_rejection_is_told_in_plain_words_and_keeps_the_yearly_amount_until_the_end() -> None:
    room = declared()
    fact = room.hears(room.inventory_receipt("100", "收货地址不详"))[0]

    assert isinstance(fact, DeclarationRejected)
    assert (fact.code, fact.reason) == ("100", "收货地址不详")
    assert fact.fix_en.startswith("Correct the receiver's address")
    assert "地址" in fact.fix_zh
    assert room.used() == "118.24"
    room.tell(CANCELLED)
    assert room.used() == "0.00"


def test_customs_may_take_up_again_what_it_had_rejected() -> None:
    room = declared()
    room.hears(room.inventory_receipt("100", "收货地址不详"))

    assert names(room.hears(stored(room))) == ["declaration.submitted", "declaration.stored"]


@pytest.mark.parametrize(
    ("info", "after"), [("超过年度限额，已使用 25900.00，限额 26000.00", "25900.00"), ("超过年度限额", "25881.77")]
)
def test_24_a_limit_that_only_customs_knows_is_final_and_becomes_the_lower_bound(info: str, after: str) -> None:
    room = declared()
    fact = room.hears(room.inventory_receipt("-621018", info))[0]

    assert isinstance(fact, DeclarationRejected)
    assert (fact.code, fact.final) == ("-621018", True)
    room.tell(CANCELLED)
    assert room.used() == after  # as customs names it; without a figure: too much for this order


def test_a_rejection_that_can_be_mended_is_not_final() -> None:
    room = declared()
    fact = room.hears(room.inventory_receipt("100", "收货地址不详"))[0]

    assert isinstance(fact, DeclarationRejected)
    assert not fact.final


def test_an_exception_that_asks_for_another_try_sends_the_same_bytes_a_minute_later() -> None:
    room = declared()
    assert room.hears(room.inventory_receipt("-621017")) == []

    again = room.work["submit", "inventory/1/1"]
    assert (again.task, (again.due_at - NOW).total_seconds()) == (room.work["submit", "inventory/1/0"].task, 60)


def test_a_repeat_that_customs_refuses_never_overwrites_a_release() -> None:
    room = declared()
    room.hears(stored(room), room.inventory_receipt("800"))

    assert room.hears(room.inventory_receipt("-621004"), room.inventory_receipt("-621001")) == []
    assert room.dossier.said == "released"


def test_a_word_that_nobody_knows_is_a_case_and_its_neighbours_count() -> None:
    room = declared()
    strange = replace(room.inventory_receipt("2"), status="650", reading=NotUnderstood.NOT_UNDERSTOOD)

    assert names(room.hears(strange, stored(room))) == ["declaration.stored"]
    assert room.cases == ["unknown_status"]


def test_a_refused_order_document_stops_before_the_inventory() -> None:
    room = Room()
    room.order_out()
    spoken = room.hears(room.order_receipt("-301001"))

    assert names(spoken) == ["declaration.mismatched"]
    assert room.cases == ["customs_exception"]
    assert [work for work in room.waiting() if work.startswith("receipt")] == []


def test_receipts_of_an_earlier_attempt_are_only_logged() -> None:
    room = declared()
    late = room.inventory_receipt("300")
    room.hears(room.inventory_receipt("100", "商品价格"))
    room.tell(asked(2))
    room.signed()

    assert room.hears(late) == []
    assert room.dossier.receipts[-1].status == "300"
    assert room.dossier.submission is not None
    assert room.dossier.submission.inventory.progress.at is None


# --- no receipts ------------------------------------------------------------------------------------------------------


def unreadable(message_id: str) -> FormatRefused:
    return FormatRefused(message_id, "-1", "报文格式校验失败: emsNo", NOW)


def test_an_inventory_that_the_port_cannot_read_is_rejected_and_a_case() -> None:
    room = declared()
    assert room.dossier.submission is not None
    spoken = room.hears(unreadable(room.dossier.submission.inventory.message_id))

    assert names(spoken) == ["declaration.rejected"]
    assert (room.cases, [work for work in room.waiting() if "overdue" in work]) == (["format_refused"], [])


def test_an_order_document_that_the_port_cannot_read_is_a_mismatch() -> None:
    room = Room()
    room.order_out()
    assert room.dossier.submission is not None
    message_id = room.dossier.submission.order.message_id

    assert names(room.hears(unreadable(message_id), unreadable(message_id))) == ["declaration.mismatched"]


def test_a_tax_bill_is_booked_as_customs_wrote_it_and_a_difference_is_a_case() -> None:
    room = declared()
    assert room.hears(bill_of("10.76")) == []
    assert room.cases == []
    room.hears(bill_of("10.77"), TaxBillChange(guid="G", return_time=NOW, invt_no=INVT_NO, tax_no="T1", status="2"))

    assert room.dossier.tax_bill is not None
    assert (room.dossier.tax_bill.total, room.dossier.tax_bill.status) == (cny("10.77"), "2")
    assert room.cases == ["tax_bill_differs"]


# --- several orders in one envelope -----------------------------------------------------------------------------------


def two_orders() -> tuple[Room, OrderId]:
    """A second order, as far as customs' words about it go: it has no submission, receipts are logged."""
    room = declared()
    second = placed(order_id=OTHER)
    room.tell(second, reserved(order=second.order_id))
    return room, OTHER


def test_one_envelope_moves_several_orders() -> None:
    room, other = two_orders()
    about = room.inventory_receipt("2", cop_no="ELSEWHERE")
    heard = Heard(((ORDER, stored(room)), (other, about), (ORDER, room.inventory_receipt("800"))))
    answer = decide(room.rules, room.states, heard, NOW)

    assert isinstance(answer, Decision)
    assert {put.key for put in answer.puts} == {("dossier", ORDER), ("dossier", other)}
    assert [fact.key for fact in answer.facts] == [ORDER, ORDER]


def test_receipts_of_nobody_are_looked_up_again_and_then_become_a_case() -> None:
    room = declared()
    stray = room.inventory_receipt("2", cop_no="NOBODYS")
    room.tell(Heard(((ORDER, stored(room)),), (stray,)))

    (work,) = [work for work in room.work.values() if work.kind == STRAYS]
    assert work.task == Strays(ORDER, (stray,))
    room.end(STRAYS, Exhausted("flow.early", "nobody here knows these numbers yet", unknown=False))
    assert room.cases == ["stray_receipts"]


def test_a_word_about_an_order_without_a_dossier_is_early() -> None:
    room = declared()
    word = stored(room)

    answer = decide(room.rules, Room().states, Heard(((ORDER, word),)), NOW)
    assert isinstance(answer, Early)


def test_every_fact_says_whose_order_it_is() -> None:
    room = declared()
    spoken: list[Event] = room.hears(stored(room), room.inventory_receipt("500"), room.inventory_receipt("800"))

    assert {(fact.key, fact.model_dump()["seller"]) for fact in spoken} == {(ORDER, "highland-coop")}
