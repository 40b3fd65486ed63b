"""Taking a declaration back: 623 before the release, 625 after it, and what wins when both are on their way."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from services.customs.commands import FormatRefused, SignedWithdrawal
from services.customs.dossier import Dossier
from services.customs.submission import ENVELOPE, Phase, Taking
from shared.events.customs import DeclarationWithdrawn, WithdrawalRefused
from shared.events.orders import WithdrawalRequested
from shared.flow.decision import Exhausted, Refused
from shared.ids import cop_no
from tests.customs.desk import (
    BEFORE_ASKING,
    INVT_NO,
    NOW,
    NUMBER,
    ORDER,
    SELLER,
    TAKEN,
    Room,
    amended,
    asked,
    names,
    person,
    policy,
    undo,
)


def taking(room: Room) -> Taking:
    assert room.dossier.withdrawal is not None
    return room.dossier.withdrawal.taking


def phase(dossier: Dossier) -> Phase | None:
    return dossier.submission.phase if dossier.submission else None


def refusal(fact: object) -> tuple[str, str]:
    assert isinstance(fact, WithdrawalRefused)
    return fact.kind, fact.code


def cancelling() -> Room:
    """Stored, and the cancellation is on its way."""
    room = Room().stored()
    room.tell(undo())
    room.undo_signed()
    return room


def returning() -> Room:
    room = Room().released()
    room.tell(undo("return"))
    room.undo_signed()
    return room


# --- 623 --------------------------------------------------------------------------------------------------------------


def test_34_a_cancellation_asked_while_submitted_waits_for_stored_and_gives_the_year_back() -> None:
    room = Room()
    room.inventory_out()
    assert room.tell(undo()) == []
    assert [work for work in room.waiting() if "withdrawal" in work] == []

    assert names(room.hears(room.inventory_receipt("120", invt_no=INVT_NO))) == ["declaration.stored"]
    assert room.undo_draft.invt_no == INVT_NO
    room.undo_signed()
    assert "submit cancellation/1/0" in room.waiting()
    assert room.used() == "118.24"

    spoken = room.hears(room.undo_receipt("2"), room.undo_receipt("120"), room.undo_receipt("399"))
    assert spoken == [
        DeclarationWithdrawn(
            order_id=ORDER,
            seller=SELLER,
            role="import",
            attempt=1,
            kind="cancel",
            at=NOW + timedelta(seconds=room.clock),
        )
    ]
    assert (room.used(), phase(room.dossier), room.dossier.said) == ("0.00", Phase.WITHDRAWN, "withdrawn")
    assert [work for work in room.waiting() if "overdue" in work] == []


def test_a_cancellation_names_the_inventory_that_stands_and_the_buyer_that_was_declared() -> None:
    room = Room().stored()
    room.tell(amended(who=person("999999198503070018")), undo(reason="buyer changed their mind"))

    draft = room.undo_draft
    assert (draft.order_no, draft.invt_no, draft.person) == (NUMBER, INVT_NO, person())
    assert (draft.cop_no, draft.reason) == (cop_no(ORDER, "cancel", 1), "订购人取消订单")
    assert draft.waybill.number == "TCX0000000042"


def test_a_reason_in_chinese_is_customs_to_read() -> None:
    room = Room().stored()
    room.tell(undo(reason="买家不想要了"))

    assert room.undo_draft.reason == "买家不想要了"


def test_its_bytes_and_numbers_are_stored_before_it_leaves() -> None:
    room = cancelling()

    stored = room.states.get(ENVELOPE, f"{ORDER}/1/cancellation")
    assert stored is not None
    assert stored.sealed == "withdrawal bytes"
    assert room.aliases[f"copNo:{cop_no(ORDER, 'cancel', 1)}"] == ORDER


@pytest.mark.parametrize("way", [*itertools.permutations(range(3))])
def test_in_any_order_of_its_receipts_it_is_withdrawn_once(way: tuple[int, ...]) -> None:
    room = cancelling()
    receipts = [room.undo_receipt(status) for status in ("2", "120", "399")]

    spoken = [name for one in way for name in names(room.hears(receipts[one], receipts[one]))]
    assert spoken == ["declaration.withdrawn"]


def test_the_same_request_again_starts_nothing() -> None:
    room = cancelling()
    before = room.waiting()

    assert room.tell(undo()) == []
    assert room.waiting() == before


def test_a_silent_customs_gets_the_same_cancellation_again_three_times_and_then_a_person() -> None:
    room = cancelling()
    first = room.work["submit", "cancellation/1/0"].task
    for again in (1, 2, 3):
        room.end("submit", TAKEN, f"cancellation/1/{again - 1}")
        room.now += timedelta(minutes=10)
        assert room.due("receipt-overdue", "cancellation") == []
        assert room.work["submit", f"cancellation/1/{again}"].task == first
    room.end("submit", TAKEN, "cancellation/1/3")
    room.now += timedelta(minutes=10)
    room.due("receipt-overdue", "cancellation")

    assert room.cases == ["no_receipt"]
    assert names(room.hears(room.undo_receipt("399"))) == ["declaration.withdrawn"]
    assert room.cases == []


def test_a_cancellation_that_customs_refuses_leaves_the_declaration_standing() -> None:
    room = cancelling()
    fact = room.hears(room.undo_receipt("-623005", "清单的状态不符合撤单申报要求"))[0]

    assert refusal(fact) == ("cancel", "-623005")
    assert (taking(room), phase(room.dossier), room.used()) == (Taking.REFUSED, Phase.INVENTORY_SENT, "118.24")
    assert names(room.hears(room.inventory_receipt("800"))) == ["declaration.released"]


def test_a_cancellation_declared_twice_waits_for_the_answer_to_the_first() -> None:
    room = cancelling()

    assert room.hears(room.undo_receipt("-623009")) == []
    assert names(room.hears(room.undo_receipt("399"))) == ["declaration.withdrawn"]


@pytest.mark.parametrize("wanted", ["customs.window_refused", "customs.office_unconfirmed"])
def test_a_window_that_does_not_take_it_refuses_it(wanted: str) -> None:
    room = cancelling()
    fact = room.end("submit", Refused(wanted, "the customs window refused the message"), "cancellation/1/0")[0]

    assert refusal(fact) == ("cancel", wanted)
    assert room.cases == ["window_refused"]


def test_a_cancellation_that_the_port_cannot_read_is_refused_and_a_case() -> None:
    room = cancelling()
    assert room.dossier.withdrawal is not None
    word = FormatRefused(room.dossier.withdrawal.paper.message_id, "-1", "报文格式校验失败: reason", NOW)

    assert [refusal(fact) for fact in room.hears(word)] == [("cancel", "-1")]
    assert room.cases == ["format_refused"]


def test_a_cancellation_that_cannot_be_signed_is_refused_and_a_case() -> None:
    room = Room().stored()
    room.tell(undo())
    fact = room.end("sign-withdrawal", Exhausted("vault.unopenable", "no key", unknown=False))[0]

    assert refusal(fact) == ("cancel", "vault.unopenable")
    assert room.cases == ["not_signed"]


def test_after_too_many_refusals_the_next_request_is_a_persons() -> None:
    room = Room().stored()
    for _ in range(5):
        room.tell(undo())
        room.undo_signed()
        assert names(room.hears(room.undo_receipt("-623029", "验签失败"))) == ["declaration.withdrawal-refused"]

    assert room.tell(undo()) == []
    assert room.cases == ["withdrawal_stuck"]


def test_nothing_that_stands_at_customs_needs_no_cancellation() -> None:
    room = Room()
    room.inventory_out()
    room.hears(room.inventory_receipt("100", "收货地址不详"))

    assert names(room.tell(undo())) == ["declaration.withdrawn"]
    assert room.used() == "0.00"


def test_a_withdrawn_declaration_is_not_made_again() -> None:
    room = cancelling()
    room.hears(room.undo_receipt("399"))

    assert room.tell(undo(), asked(2), *BEFORE_ASKING) == []
    assert [work for work in room.waiting() if work.startswith("sign")] == []


def test_of_the_exports_withdrawal_nothing_is_known_here() -> None:
    room = Room().stored()
    other = WithdrawalRequested(order_id=ORDER, seller=SELLER, role="export", kind="cancel", reason="x")

    assert room.tell(other) == []
    assert room.dossier.withdrawal is None


# --- races ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["waiting", "signing", "sent"])
def test_35_a_release_that_is_heard_first_wins_and_the_return_follows_in_place(before: str) -> None:
    room = Room()
    room.inventory_out()
    if before == "waiting":
        room.tell(undo())
    else:
        room.hears(room.inventory_receipt("120", invt_no=INVT_NO))
        room.tell(undo())
    if before == "sent":
        room.undo_signed()

    spoken = room.hears(room.inventory_receipt("800", invt_no=INVT_NO))
    assert names(spoken)[-2:] == ["declaration.released", "declaration.withdrawal-refused"]
    assert refusal(spoken[-1]) == ("cancel", "released")

    room.tell(undo("return"))
    if before == "signing":  # the signature of the cancellation comes too late to count
        room.end("sign-withdrawal", SignedWithdrawal("too late"), "1")
    assert room.undo_draft.cop_no == cop_no(ORDER, "return", 2)
    room.end("sign-withdrawal", SignedWithdrawal("withdrawal bytes"), "2")
    assert "submit return/2/0" in room.waiting()
    assert names(room.hears(room.undo_receipt("2"), room.undo_receipt("120"), room.undo_receipt("399"))) == [
        "declaration.withdrawn"
    ]
    assert room.used() == "0.00"


def test_a_cancellation_of_what_is_released_is_refused_at_once() -> None:
    room = Room().released()

    assert [refusal(fact) for fact in room.tell(undo())] == [("cancel", "released")]


def test_a_cancellation_that_customs_grants_after_its_release_is_a_case() -> None:
    room = cancelling()
    granted = room.undo_receipt("399")
    room.hears(room.inventory_receipt("800"))

    assert room.hears(granted) == []
    assert room.cases == ["withdrawal_contradicted"]


def test_a_release_of_what_is_withdrawn_is_a_case_and_moves_nothing() -> None:
    room = cancelling()
    room.hears(room.undo_receipt("399"))

    assert room.hears(room.inventory_receipt("800")) == []
    assert (room.cases, room.dossier.said) == (["withdrawal_contradicted"], "withdrawn")


def test_goods_sent_back_abroad_end_the_withdrawal() -> None:
    room = cancelling()

    assert names(room.hears(room.inventory_receipt("500"), room.inventory_receipt("700"))) == [
        "declaration.held",
        "declaration.returned-abroad",
    ]
    assert (taking(room), room.used()) == (Taking.REFUSED, "0.00")


# --- 625 --------------------------------------------------------------------------------------------------------------


def test_a_return_names_every_line_whole() -> None:
    room = Room().released()
    room.tell(undo("return"))

    draft = room.undo_draft
    assert [(item.number, item.hs_code, f"{item.qty:f}", item.unit) for item in draft.items] == [
        (1, "0901210000", "1", "125")
    ]
    assert draft.reason == "订购人退货"


@pytest.mark.parametrize("approval", ["399", "800"])
def test_37_a_return_that_customs_approves_gives_the_year_back(approval: str) -> None:
    room = returning()
    spoken = room.hears(room.undo_receipt("2"), room.undo_receipt("120"), room.undo_receipt(approval))

    assert [(fact.kind, fact.attempt) for fact in spoken if isinstance(fact, DeclarationWithdrawn)] == [("return", 1)]
    assert (room.used(), room.dossier.said) == ("0.00", "withdrawn")


def test_a_return_asked_during_an_inspection_waits_for_its_end() -> None:
    room = Room().released()
    room.hears(room.inventory_receipt("500"))
    room.tell(undo("return"))
    assert taking(room) is Taking.WAITING

    assert names(room.hears(room.inventory_receipt("800"))) == ["declaration.released"]
    assert taking(room) is Taking.SIGNING


@pytest.mark.parametrize(("days", "code"), [(30, ""), (31, "R30")])
def test_a_return_is_applied_for_within_thirty_days_of_the_release(days: int, code: str) -> None:
    room = Room().released()
    room.now += timedelta(days=days)
    spoken = room.tell(undo("return"))

    assert [refusal(fact) for fact in spoken] == ([("return", code)] if code else [])
    assert ("sign-withdrawal 1" in room.waiting()) is not bool(code)


def test_the_thirty_days_are_business_time() -> None:
    room = Room(policy(time_scale=86400.0)).released()
    room.now += timedelta(seconds=40)

    assert [refusal(fact) for fact in room.tell(undo("return"))] == [("return", "R30")]


def test_a_return_that_customs_refuses_says_why() -> None:
    room = returning()
    fact = room.hears(room.undo_receipt("-625209", "退货商品序号与清单不符"))[0]

    assert isinstance(fact, WithdrawalRefused)
    assert (fact.kind, fact.code, fact.reason) == ("return", "-625209", "退货商品序号与清单不符")
    assert (room.used(), room.dossier.said) == ("118.24", "released")


def test_a_silent_customs_gets_the_same_return_again() -> None:
    room = returning()
    first = room.work["submit", "return/1/0"].task
    room.end("submit", TAKEN, "return/1/0")
    room.now += timedelta(minutes=10)
    room.due("receipt-overdue", "return")

    assert room.work["submit", "return/1/1"].task == first
