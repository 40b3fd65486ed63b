"""From asked to sent: when a version is built, what goes out, what goes out again, and when a person is called."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from services.customs.commands import Mismatched, Submit
from services.customs.documents import Kind
from services.customs.submission import ENVELOPE, Phase
from shared.events.base import Event
from shared.events.customs import DeclarationMismatched, DeclarationRejected, DeclarationSubmitted
from shared.events.values import DeclaredBy, Finding
from shared.flow.decision import Exhausted, Refused
from shared.ids import cop_no
from tests.customs.desk import (
    BEFORE_ASKING,
    BOOKED,
    CANCELLED,
    INVT_NO,
    NOW,
    NUMBER,
    ORDER,
    TAKEN,
    Room,
    amended,
    asked,
    names,
    paid,
    person,
    placed,
    policy,
    recipient,
    reserved,
    waybill_accepted,
)

MOVED = recipient("测试路9号（双城公寓）")


@pytest.mark.parametrize("facts", [*itertools.permutations((paid(), BOOKED, waybill_accepted(), asked()))])
def test_the_last_of_its_parts_builds_the_dossier(facts: tuple[Event, ...]) -> None:
    room = Room()
    room.assessed()
    room.tell(*facts[:-1])
    assert room.waiting() == []
    room.tell(facts[-1])

    assert room.waiting() == ["sign 1"]
    assert (room.draft.paid.order_no, room.draft.cop_no) == (NUMBER, cop_no(ORDER, "import", 1))


def test_a_declaration_asked_for_before_the_assessment_waits_for_it() -> None:
    room = Room()
    room.tell(*BEFORE_ASKING, asked())
    assert room.waiting() == []
    room.assessed()

    assert room.waiting() == ["sign 1"]


def test_bytes_and_numbers_are_stored_before_anything_leaves() -> None:
    room = Room()
    room.order_out()

    stored = [room.states.get(ENVELOPE, f"{ORDER}/1/{kind}") for kind in ("order", "inventory")]
    assert [one.sealed for one in stored if one] == ["order bytes", "inventory bytes"]
    assert [name.split(":")[0] for name in room.aliases] == ["copNo", "order", "message", "message"]
    assert set(room.aliases.values()) == {ORDER}


def test_the_order_goes_first_and_the_inventory_when_customs_has_it() -> None:
    room = Room()
    room.order_out()
    assert room.waiting() == ["submit order/1/0"]
    room.end("submit", TAKEN)
    assert room.waiting() == ["receipt-overdue order"]

    assert room.hears(room.order_receipt("2")) == []
    spoken = room.hears(room.order_receipt("120"))

    assert spoken == [
        DeclarationSubmitted(
            order_id=ORDER, seller="highland-coop", role="import", attempt=1, cop_no=room.cop_no, dossier_version=1
        )
    ]
    assert room.waiting() == ["submit inventory/1/0"]


def test_an_order_that_customs_knows_already_counts_as_stored() -> None:
    room = Room()
    room.order_out()

    assert names(room.hears(room.order_receipt("-301010"))) == ["declaration.submitted"]


def test_documents_that_do_not_match_are_not_sent() -> None:
    room = Room()
    room.assessed()
    room.tell(*BEFORE_ASKING, asked())
    finding = Finding("R02", "payment.amount_paid", "1.00", "129.00", "en", "zh")

    spoken = room.end("sign", Mismatched((finding,)))

    assert spoken == [
        DeclarationMismatched(order_id=ORDER, seller="highland-coop", role="import", attempt=1, findings=(finding,))
    ]
    assert room.waiting() == []


def test_25_a_payer_who_is_not_the_buyer_stops_it_until_the_buyer_pays() -> None:
    room = Room()
    room.assessed()
    spoken = room.tell(paid(identity_check="different"), BOOKED, waybill_accepted(), asked())
    assert names(spoken) == ["declaration.mismatched"]
    assert room.waiting() == []

    room.tell(paid(order_no="ANOTHER-NUMBER", pay_transaction_id="4200000043"))

    assert room.waiting() == ["sign 2"]
    assert room.draft.paid.order_no == "ANOTHER-NUMBER"


def test_a_document_that_cannot_be_signed_is_a_case_and_a_mismatch() -> None:
    room = Room()
    room.assessed()
    room.tell(*BEFORE_ASKING, asked())

    spoken = room.end("sign", Refused("input.malformed", "not valid for the message schema"))
    assert names(spoken) == ["declaration.mismatched"]
    assert room.cases == ["not_signed"]


def test_the_signing_of_a_version_that_was_given_up_says_nothing() -> None:
    room = Room()
    room.assessed()
    room.tell(*BEFORE_ASKING, asked())
    late = room.work["sign", "1"]
    room.tell(amended(where=MOVED))
    room.tell(waybill_accepted(MOVED))
    assert room.waiting() == ["sign 1", "sign 2"]  # the old row is not taken back: its answer is ignored

    room.work["sign", "1"] = late
    assert room.signed() == []
    assert room.waiting() == ["sign 2"]


# --- silence ----------------------------------------------------------------------------------------------------------


def test_29_ten_silent_minutes_send_the_same_bytes_again_three_times_and_then_call_a_person() -> None:
    room = Room()
    room.order_out()
    first = room.work["submit", "order/1/0"].task

    for again in (1, 2, 3):
        room.end("submit", TAKEN)
        assert room.work["receipt-overdue", "order"].due_at == room.now + timedelta(minutes=10)
        room.now += timedelta(minutes=10)
        assert room.due("receipt-overdue") == []
        assert room.work["submit", f"order/1/{again}"].task == first
    assert room.cases == []

    room.end("submit", TAKEN)
    room.now += timedelta(minutes=10)
    room.due("receipt-overdue")
    assert room.cases == ["no_receipt"]
    assert ("receipt-overdue", "order") not in room.work


def test_a_document_that_is_being_declared_may_take_an_hour() -> None:
    room = Room()
    room.order_out()
    room.end("submit", TAKEN)
    room.hears(room.order_receipt("2"))
    room.now += timedelta(minutes=10)
    room.due("receipt-overdue")

    assert room.work["receipt-overdue", "order"].due_at == NOW + timedelta(minutes=60)
    room.now = NOW + timedelta(minutes=60)
    room.due("receipt-overdue")
    assert ("submit", "order/1/1") in room.work


def test_patience_is_business_time() -> None:
    room = Room(policy(time_scale=600.0))
    room.order_out()
    room.end("submit", TAKEN)

    assert room.work["receipt-overdue", "order"].due_at == NOW + timedelta(seconds=1)


def test_a_receipt_after_the_alert_closes_its_case() -> None:
    room = Room(policy(resends=0))
    room.order_out()
    room.end("submit", TAKEN)
    room.due("receipt-overdue")
    assert room.cases == ["no_receipt"]

    room.hears(room.order_receipt("2"))
    assert room.cases == []


def test_an_unanswered_send_is_left_to_the_timer() -> None:
    room = Room()
    room.inventory_out()

    assert room.end("submit", Exhausted("unknown", "no answer", unknown=True), "inventory/1/0") == []
    assert room.dossier.submission is not None
    assert room.dossier.submission.inventory.error == "unknown: no answer"
    assert ("receipt-overdue", "inventory") in room.work


# --- refused at the window --------------------------------------------------------------------------------------------


def test_a_window_that_refuses_the_order_is_a_mismatch_and_a_case() -> None:
    room = Room()
    room.order_out()
    spoken = room.end("submit", Refused("customs.window_refused", "the customs window refused the message (1004)"))

    assert names(spoken) == ["declaration.mismatched"]
    assert (room.cases, room.waiting()) == (["window_refused"], [])


def test_a_window_that_refuses_the_inventory_rejects_the_declaration() -> None:
    room = Room()
    room.inventory_out()
    spoken = room.end("submit", Refused("customs.office_unconfirmed", "office 3500"), "inventory/1/0")

    fact = spoken[0]
    assert isinstance(fact, DeclarationRejected)
    assert (fact.code, fact.reason) == ("customs.office_unconfirmed", "office 3500")
    assert room.used() == "118.24"


def test_a_receipt_says_more_than_the_doors_refusal() -> None:
    room = Room()
    room.inventory_out()
    room.hears(room.inventory_receipt("120", invt_no=INVT_NO))

    assert room.end("submit", Refused("customs.window_refused", "late"), "inventory/1/0") == []
    assert room.cases == []


# --- corrections ------------------------------------------------------------------------------------------------------


def rejected() -> Room:
    room = Room()
    room.inventory_out()
    assert names(room.hears(room.inventory_receipt("2"), room.inventory_receipt("100", "收货地址不详"))) == [
        "declaration.rejected"
    ]
    return room


def test_30_a_rejected_order_is_corrected_and_declared_again_under_the_same_number() -> None:
    room = rejected()
    first = room.cop_no
    room.tell(amended(where=MOVED), asked(2))
    assert room.waiting() == [
        "submit order/1/0",
        "submit inventory/1/0",
        "waybill-overdue",
    ]  # the waybill still names the old address

    room.tell(waybill_accepted(MOVED))

    draft = room.draft
    assert (draft.version, draft.paid.order_no, draft.recipient) == (2, NUMBER, MOVED)
    assert (draft.order_type, draft.inventory_type) == (
        "2",
        "1",
    )  # customs has the order, it never stored the inventory
    assert draft.cop_no == cop_no(ORDER, "import", 2) != first
    room.signed()
    spoken = room.hears(room.order_receipt("2"), room.order_receipt("120"))
    assert [(fact.attempt, fact.dossier_version) for fact in spoken if isinstance(fact, DeclarationSubmitted)] == [
        (2, 2)
    ]
    assert names(room.hears(room.inventory_receipt("120", invt_no="35002026I000000043"))) == ["declaration.stored"]
    assert room.used() == "118.24"


def test_an_inventory_that_customs_had_numbered_is_changed_under_the_same_number() -> None:
    room = Room()
    room.inventory_out()
    first = room.cop_no
    room.hears(
        room.inventory_receipt("120", invt_no=INVT_NO, pre_no="B20261125000000001"),
        room.inventory_receipt("100", "商品价格"),
    )
    room.tell(asked(2))

    draft = room.draft
    assert (draft.inventory_type, draft.cop_no, draft.invt_no) == ("2", first, INVT_NO)
    assert draft.pre_no == "B20261125000000001"


def test_a_waybill_that_is_not_declared_anew_becomes_a_case_and_its_coming_ends_it() -> None:
    room = rejected()
    room.tell(amended(where=MOVED), asked(2))
    room.due("waybill-overdue")
    assert (room.cases, "sign 2" in room.waiting()) == (["waybill_not_redeclared"], False)

    room.tell(waybill_accepted(MOVED))
    assert (room.cases, "sign 2" in room.waiting()) == ([], True)


def test_a_case_of_a_waybill_not_declared_anew_is_opened_once_and_not_asked_for_again_while_it_is_open() -> None:
    room = rejected()
    room.tell(amended(where=MOVED), asked(2))
    room.due("waybill-overdue")

    room.tell(asked(2), waybill_accepted(), paid())

    assert (room.cases, [one for one in room.waiting() if one.startswith("waybill")]) == (
        ["waybill_not_redeclared"],
        [],
    )
    assert room.dossier.lacking == ("waybill document",)


def test_a_waybill_of_the_old_address_does_not_count() -> None:
    room = rejected()
    room.tell(amended(where=MOVED), waybill_accepted(), asked(2))

    assert "sign 2" not in room.waiting()


def test_without_a_new_request_nothing_is_declared_again() -> None:
    room = rejected()
    room.tell(amended(where=MOVED), waybill_accepted(MOVED))

    assert [work for work in room.waiting() if work.startswith("sign")] == []


def test_26_a_correction_before_the_inventory_left_builds_the_version_anew() -> None:
    room = Room()
    room.order_out()
    room.tell(amended(where=MOVED), waybill_accepted(MOVED))

    assert (room.draft.version, room.draft.recipient) == (2, MOVED)
    assert room.dossier.submission is not None
    assert (room.dossier.submission.attempt, room.dossier.submission.phase) == (1, Phase.SIGNING)


def test_what_is_on_its_way_is_not_touched_by_a_correction() -> None:
    room = Room()
    room.inventory_out()
    before = room.dossier.submission
    room.tell(amended(who=person("999999198503070018")), asked(2))

    assert room.dossier.submission is not None
    assert before is not None
    assert (room.dossier.submission.version, room.dossier.submission.attempt) == (before.version, 2)
    assert room.used() == "118.24"


def test_a_cancelled_order_is_neither_built_nor_reminded_of() -> None:
    room = Room()
    room.assessed()
    room.tell(CANCELLED, *BEFORE_ASKING, asked())

    assert (room.waiting(), room.said[1:]) == ([], [])


def test_a_platforms_inventory_is_not_ours_to_send() -> None:
    room = Room()
    room.tell(placed(declared_by=DeclaredBy("platform", "platform", "platform", "platform")), reserved())
    room.tell(*BEFORE_ASKING, asked())

    assert room.waiting() == []
    assert room.dossier.lacking == ("inventory of our own",)


def test_a_platforms_order_document_leaves_only_the_inventory_to_us() -> None:
    room = Room()
    room.assessed(placed(declared_by=DeclaredBy("platform", "partner", "partner", "self")), reserved())
    room.tell(*BEFORE_ASKING, asked())

    assert names(room.signed()) == ["declaration.submitted"]
    assert room.waiting() == ["submit inventory/1/0"]


def test_each_kind_of_paper_has_its_own_bytes() -> None:
    room = Room()
    room.inventory_out()
    tasks = [work.task for work in room.work.values() if isinstance(work.task, Submit)]

    assert [(task.kind, task.envelope) for task in tasks] == [
        (Kind.ORDER, f"{ORDER}/1/order"),
        (Kind.INVENTORY, f"{ORDER}/1/inventory"),
    ]
