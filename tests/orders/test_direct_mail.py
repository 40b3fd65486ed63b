"""Direct mail: packed, handed over and consolidated before it is declared, let out at the supervised site."""

from __future__ import annotations

import pytest

from services.orders.commands import AddressCorrected
from services.orders.tracks import Carriage, Goods, Intent, Papers
from shared.events import orders
from shared.events.base import Event
from shared.flow.decision import NOTHING, Exhausted
from tests.orders import facts
from tests.orders.story import Story


def test_19_direct_mail_is_handed_over_before_it_is_declared_and_leaves_after_the_release() -> None:
    story = Story.direct_mail().pays()

    assert story.hears(facts.booked(), facts.waybill_accepted()) == []
    assert story.hears(facts.packed(), facts.drawn()) == []
    assert story.hears(facts.handed_over()) == []
    assert story.confirms() == ["shipment-confirmed"]
    assert story.hears(facts.consolidated()) == ["declaration-requested"]
    assert story.hears(facts.advanced("departed_origin"), facts.advanced("arrived_destination")) == []
    assert story.hears(facts.submitted(), facts.stored()) == []
    assert story.hears(facts.released()) == ["exit-authorised"]
    assert story.hears(facts.exited(), facts.advanced("last_mile"), facts.delivered()) == []
    assert story.due("hold-over") == ["funds-release-authorised"]
    assert story.hears(facts.escrow_released()) == ["completed"]

    order = story.order
    assert (order.intent, order.holds, order.conflicts) == (Intent.COMPLETED, (), 0)
    assert (order.parcels[facts.PARCEL].state, order.goods.state) == (Carriage.DELIVERED, Goods.DRAWN)


def test_the_shipment_names_its_flow_so_that_the_origin_warehouse_may_begin() -> None:
    story = Story.direct_mail().pays()

    (asked,) = story.spoke(orders.ShipmentRequested)
    assert (asked.flow, asked.carrier, asked.warehouse) == ("coffee-direct", "cainiao-air", "msa-origin")


def test_a_declaration_waits_for_the_carriers_document_as_well_as_for_the_consignment() -> None:
    story = Story.direct_mail().pays()
    story.hears(facts.booked(), facts.packed(), facts.handed_over(), facts.consolidated())

    assert story.hears(facts.waybill_accepted()) == ["declaration-requested"]


def test_20_a_bag_that_was_offloaded_and_consolidated_again_says_nothing_of_its_own() -> None:
    story = Story.direct_mail().consolidates()

    assert story.decides(facts.consolidated("C-2")) == NOTHING
    assert story.hears(facts.submitted(1, 2), facts.released(1, 2)) == ["exit-authorised"]


def test_a_hold_at_the_supervised_site_withdraws_the_exit_and_a_release_gives_it_back() -> None:
    story = Story.direct_mail().consolidates()
    story.hears(facts.submitted(), facts.released())

    assert story.hears(facts.customs_held()) == ["exit-withdrawn", "hold-set customs"]
    assert story.hears(facts.released()) == ["exit-authorised", "hold-lifted customs"]


def test_a_channel_that_does_not_take_the_fulfilment_holds_up_the_funds_and_not_the_parcel() -> None:
    story = Story.direct_mail().pays()
    story.hears(facts.booked(), facts.waybill_accepted(), facts.packed(), facts.handed_over())

    assert story.confirms(Exhausted("shop.failed", "no answer", unknown=True)) == ["hold-set shipment_unconfirmed"]
    assert story.hears(facts.consolidated()) == ["declaration-requested"]
    assert story.hears(facts.submitted(), facts.released()) == ["exit-authorised"]
    story.hears(facts.drawn(), facts.exited(), facts.delivered())
    assert story.due("hold-over") == []


def test_a_rejected_declaration_is_corrected_while_the_parcel_waits_at_the_site() -> None:
    story = Story.direct_mail().consolidates()
    story.hears(facts.submitted(), facts.rejected())

    assert story.identified() == ["amended", "declaration-requested", "hold-lifted customs"]
    assert story.order.import_papers.state is Papers.ASKED


OPEN = (
    (facts.packed(),),
    (facts.packed(), facts.drawn(), facts.handed_over()),
    (facts.packed(), facts.drawn(), facts.handed_over(), facts.consolidated(), facts.submitted(), facts.rejected()),
)


@pytest.mark.parametrize("way", OPEN, ids=["packed", "handed over", "rejected at the site"])
def test_30_an_address_is_corrected_on_the_way_while_the_declaration_is_open(way: tuple[Event, ...]) -> None:
    story = Story.direct_mail().pays()
    story.hears(facts.booked(), facts.waybill_accepted(), *way)

    assert story.corrected()[0] == "amended"
    assert (story.order.recipient, story.order.recipient_version) == (facts.OFFICE, 2)


@pytest.mark.parametrize("more", [(), (facts.released(),), (facts.released(), facts.exited())])
def test_an_address_is_not_corrected_once_customs_has_the_declaration(more: tuple[Event, ...]) -> None:
    story = Story.direct_mail().consolidates()
    story.hears(facts.submitted(), *more)

    assert story.asked(AddressCorrected(facts.ORDER, facts.SELLER, facts.OFFICE)) == (409, [])
    assert story.order.recipient == facts.HOME
