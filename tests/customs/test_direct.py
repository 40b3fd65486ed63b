"""Direct mail: declared when it is weighed and flown, with its flight; another flight makes another version."""

from __future__ import annotations

import itertools

import pytest

from services.customs.commands import Sign, Signed
from services.customs.compose import papers
from services.customs.documents import InventoryDocument, OrderDocument, Transfer
from services.customs.match import Terms, match
from services.customs.policy import Policy
from services.customs.providers.ceb import wire
from shared.corridor import Corridor
from shared.errors import BadInput
from shared.events.base import Event
from tests.customs.desk import (
    BEFORE_ASKING,
    BUYER,
    INVT_NO,
    RECEIVER,
    Room,
    asked,
    consolidated,
    corridor,
    goods,
    names,
    packed,
    placed_direct,
    policy,
    reserved,
)

SHELF = goods(record_no="", account_book="")  # goods at the origin are in no account book


def assessed() -> Room:
    room = Room()
    room.assessed(placed_direct(), reserved(SHELF))
    room.tell(*BEFORE_ASKING)
    return room


def asked_for() -> Room:
    room = assessed()
    room.tell(packed(), consolidated(), asked())
    return room


def documents(room: Room) -> tuple[OrderDocument, InventoryDocument]:
    four = papers(room.draft, BUYER, RECEIVER)
    assert four.order is not None
    assert four.inventory is not None
    assert match(four, Terms()) == ()
    return four.order, four.inventory


@pytest.mark.parametrize("facts", [*itertools.permutations((packed(), consolidated(), asked()))])
def test_19_direct_mail_is_declared_once_it_is_weighed_and_consolidated(facts: tuple[Event, ...]) -> None:
    room = assessed()
    room.tell(*facts[:-1])
    assert room.waiting() == []
    room.tell(facts[-1])

    assert room.waiting() == ["sign 1"]
    _, inventory = documents(room)
    assert (inventory.bill_no, inventory.voyage_no, inventory.traf_no) == ("99900000011", "TX0001", "TX0001")
    assert f"{inventory.gross_kg:f}" == "0.274"


def test_what_it_waits_for_is_told_by_name() -> None:
    room = assessed()

    assert room.dossier.lacking == ("request", "measured weight", "master bill")


def test_facts_of_logistics_may_come_before_the_order() -> None:
    room = Room()
    room.tell(packed(), consolidated())
    room.assessed(placed_direct(), reserved(SHELF))
    room.tell(*BEFORE_ASKING, asked())

    assert room.waiting() == ["sign 1"]
    assert room.draft.cargo.master_bill == "99900000011"


def test_the_inventory_of_direct_mail_names_the_flight_and_no_account_book() -> None:
    order, inventory = documents(asked_for())

    assert (inventory.trade_mode, inventory.traf_mode, inventory.country) == ("9610", "5", "224")  # by air, from Kenya
    assert (inventory.customs_code, inventory.port_code) == ("3500", "3500")
    assert (inventory.ems_no, inventory.area_code, inventory.area_name) == (None, None, None)
    assert [item.item_record_no for item in inventory.items] == [None]
    assert (inventory.assure_code, order.ebp_code) == ("9999A60011", "9999A60011")


def test_an_account_books_record_never_gets_into_direct_mail() -> None:
    room = Room()
    room.assessed(placed_direct(), reserved(goods()))
    room.tell(*BEFORE_ASKING, packed(), consolidated(), asked())

    assert [item.item_record_no for item in documents(room)[1].items] == [None]


def test_both_documents_are_valid_by_schema() -> None:
    order, inventory = documents(asked_for())
    transfer = Transfer(cop_code="9999A60003", cop_name="双城报关（测试）有限公司", dxp_id="DXPENT0000999999")

    assert b"CEB311Message" in wire.build(order, transfer)
    with pytest.raises(BadInput) as unsigned:  # everything else of it is as the schema wants it
        wire.build(inventory, transfer)
    assert unsigned.value.where == "CEB621Message"


@pytest.mark.parametrize("sent", ["nothing", "order"])
def test_20_a_bag_that_was_offloaded_before_the_submission_is_declared_on_its_new_flight(sent: str) -> None:
    room = asked_for()
    if sent == "order":
        room.signed()
    room.tell(consolidated("99900000022", "TX0002", "TX0002"))

    task = room.work["sign", "2"].task
    assert isinstance(task, Sign)
    draft = task.draft
    assert (draft.version, draft.cargo.master_bill, draft.cargo.voyage) == (2, "99900000022", "TX0002")
    assert [past.version for past in room.dossier.past] == [1]
    room.end("sign", Signed("order bytes", "inventory bytes"), "2")
    assert names(room.hears(room.order_receipt("-301010"))) == ["declaration.submitted"]
    assert [work for work in room.waiting() if "inventory" in work] == ["submit inventory/2/0"]


def test_the_same_flight_told_again_builds_nothing_anew() -> None:
    room = asked_for()
    room.tell(consolidated(), packed())

    assert room.waiting() == ["sign 1"]


def test_another_flight_after_the_submission_is_a_case() -> None:
    room = asked_for()
    room.signed()
    room.hears(room.order_receipt("120"))
    room.tell(consolidated("99900000022"))

    assert (room.cases, room.dossier.versions) == (["flight_changed"], 1)


def test_another_flight_after_the_release_is_nobodys_trouble() -> None:
    room = asked_for()
    room.signed()
    room.hears(room.order_receipt("120"), room.inventory_receipt("120", invt_no=INVT_NO), room.inventory_receipt("800"))
    room.tell(consolidated("99900000022"))

    assert room.cases == []


def test_a_weight_below_the_net_weight_is_a_finding_with_both_values() -> None:
    room = assessed()
    room.tell(packed(100), consolidated(), asked())
    (finding,) = match(papers(room.draft, BUYER, RECEIVER), Terms())

    assert finding.rule == "R27"
    assert finding.there is not None
    assert (finding.here.value, finding.there.value) == ("0.100", "0.227")


def test_bonded_goods_weigh_what_their_products_weigh() -> None:
    room = Room()
    room.order_out()
    room.tell(packed(999), consolidated())

    assert room.dossier.cargo.gross_grams == 0
    assert room.dossier.versions == 1


def test_a_profile_without_an_office_for_direct_mail_refuses_to_declare_it() -> None:
    profile = policy().corridor.model_dump(by_alias=True)
    profile["customs"] = [{**office, "uses": ["1210"]} for office in profile["customs"]]
    sale = assessed().dossier.sale
    assert sale is not None

    with pytest.raises(BadInput, match="no customs office"):
        Policy(Corridor.model_validate(profile)).parties(sale)


def test_a_flow_by_sea_is_declared_as_such() -> None:
    profile = corridor().model_dump(by_alias=True)
    profile["flow"] = [{**flow, "legs": ["pickup", "sea", "last_mile"]} for flow in profile["flow"]]
    sale = assessed().dossier.sale
    assert sale is not None

    assert Policy(Corridor.model_validate(profile)).parties(sale).transport == "2"
    assert policy().parties(sale).transport == "5"
