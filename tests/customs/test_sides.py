"""The documents side by side: what agrees, what does not, what nobody can say; nobody's name in full."""

from __future__ import annotations

from typing import Any

from services.customs.commands import Mismatched
from services.customs.view import declaration
from shared.events.base import Event
from shared.events.values import Finding
from tests.customs.desk import (
    BEFORE_ASKING,
    BOOKED,
    BUYER,
    NUMBER,
    Room,
    amended,
    asked,
    bill_of,
    consolidated,
    packed,
    paid,
    placed,
    placed_direct,
    recipient,
    reserved,
    undo,
    waybill_accepted,
)


def shown(room: Room) -> dict[str, Any]:
    return declaration(room.rules, room.dossier)


def row(room: Room, field: str, line: int | None = None) -> Any:
    rows = shown(room)["documents"]["rows"]
    (found,) = [one for one in rows if (one.field, one.line) == (field, line)]
    return found


def cells(room: Room, field: str, line: int | None = None) -> tuple[Any, ...]:
    found = row(room, field, line)
    return (found.order, found.payment, found.waybill, found.inventory)


def complete(*facts: Event) -> Room:
    room = Room()
    room.assessed()
    room.tell(*(facts or BEFORE_ASKING), asked())
    return room


def test_documents_that_agree_agree_in_every_field() -> None:
    room = complete()
    rows = shown(room)["documents"]["rows"]

    assert [one.field for one in rows if one.agrees is not True] == ["goods_value", "tax_total"]  # nothing to hold
    assert shown(room)["documents"]["disagree"] == 0
    assert cells(room, "order_no") == (NUMBER, NUMBER, None, NUMBER)
    assert cells(room, "actual_paid") == ("129.00", "129.00", None, None)
    assert cells(room, "logistics_no") == (None, None, BOOKED.waybill_no, BOOKED.waybill_no)
    assert cells(room, "goods_name", 1) == ("烘焙咖啡豆", None, None, "烘焙咖啡豆")


def test_an_amount_that_differs_is_shown_with_both_values() -> None:
    room = complete(paid("128.99"), BOOKED, waybill_accepted())

    assert (cells(room, "actual_paid"), row(room, "actual_paid").agrees) == (("129.00", "128.99", None, None), False)


def test_the_payers_and_the_receivers_sameness_is_known_without_opening_anybody() -> None:
    room = complete()
    assert row(room, "buyer").agrees is True
    assert cells(room, "receiver")[0] == cells(room, "receiver")[2] == recipient().masked
    assert BUYER.name not in str(shown(room))
    assert BUYER.id_number not in str(shown(room))

    other = complete(paid(identity_check="different"), BOOKED, waybill_accepted())
    assert (cells(other, "buyer")[1], row(other, "buyer").agrees) == ("another person", False)

    moved = complete(paid(), BOOKED, waybill_accepted(recipient("测试路10号")))
    assert (cells(moved, "receiver")[2], row(moved, "receiver").agrees) == ("another receiver", False)


def test_what_nobody_told_is_neither_right_nor_wrong() -> None:
    room = complete(paid(identity_check="unknown"), BOOKED)

    assert (row(room, "buyer").agrees, row(room, "receiver").agrees) == (None, None)


def test_a_finding_of_the_match_wins_over_what_masked_values_look_like() -> None:
    room = complete()
    finding = Finding("R07", "waybill.consignee_address", "福建省福州市***", "福建省福州市***", "en", "zh")
    room.end("sign", Mismatched((finding,)))

    assert row(room, "receiver").agrees is False
    assert shown(room)["findings"] == [finding]


def test_a_finding_of_one_line_leaves_the_others_alone() -> None:
    room = complete()
    room.end("sign", Mismatched((Finding("R14", "inventory.price[2]", "1", "2", "en", "zh"),)))

    assert row(room, "price", 1).agrees is True


def test_what_was_sent_is_shown_as_it_was_sent() -> None:
    room = Room()
    room.inventory_out()
    room.tell(amended(where=recipient("测试路10号")))

    assert cells(room, "logistics_no")[3] == BOOKED.waybill_no
    assert shown(room)["submission"]["version"] == 1


def test_versions_are_kept_one_after_the_other() -> None:
    room = complete()
    room.signed()
    room.tell(amended(where=recipient("测试路10号")), waybill_accepted(recipient("测试路10号")))

    versions = [(one["version"], one["phase"], one["current"]) for one in shown(room)["versions"]]
    assert versions == [(1, "order_sent", False), (2, "signing", True)]


def test_direct_mail_shows_its_flight_and_weight() -> None:
    room = Room()
    room.assessed(placed_direct(), reserved())
    room.tell(*BEFORE_ASKING, packed(), consolidated(), asked())

    assert [cells(room, field)[3] for field in ("bill_no", "voyage_no", "gross_kg")] == [
        "99900000011",
        "TX0001",
        "0.274",
    ]
    assert shown(room)["documents"]["disagree"] == 0


def test_an_order_of_which_little_is_known_is_shown_as_far_as_it_goes() -> None:
    room = Room()
    room.tell(reserved())
    assert shown(room)["documents"]["rows"][0].agrees is None
    room.tell(placed())

    assert shown(room)["documents"]["version"] is None
    assert shown(room)["waits_for"][0] == "assessment"


def test_a_withdrawal_and_the_bill_that_must_become_void_are_shown() -> None:
    room = Room().released()
    room.hears(bill_of("10.76"))
    assert shown(room)["tax_bill_to_be_voided"] is False
    room.tell(undo("return"))
    room.undo_signed()
    room.hears(room.undo_receipt("399"))

    view = shown(room)
    assert (view["papers"], view["withdrawal"]["kind"], view["withdrawal"]["state"]) == (
        "withdrawn",
        "return",
        "agreed",
    )
    assert view["tax_bill_to_be_voided"] is True
    room.hears(bill_of("10.76", status="3"))
    assert shown(room)["tax_bill_to_be_voided"] is False
