"""Scenarios of silence: a partner who says nothing is named after a while, and its word lets the order go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from services.customs.documents import Kind
from shared.events import orders
from tests.flows.books import checked
from tests.flows.partners.bank import Bank
from tests.flows.partners.bank import Habits as Payers
from tests.flows.partners.base import Partner
from tests.flows.partners.road import HOME, Road
from tests.flows.partners.road import Habits as Carriers
from tests.flows.partners.window import Habits as Officers
from tests.flows.partners.window import Window
from tests.flows.shops import CLEARED, LAMU, LAMU_TEA, PAID, Sold, shown
from tests.flows.town import Town

pytestmark = pytest.mark.usefixtures("any_order")


def provider_declares(town: Town, _: str) -> None:
    town.acts("payments", replace(town.bank, habits=Payers()))


def carrier_declares(town: Town, order: str) -> None:
    road = replace(town.road, habits=Carriers())
    town.acts("logistics", road, road.declares(town.parcel(town.order(order).id), town.house.now))


def customs_answers(town: Town, order: str) -> None:
    town.acts("customs", replace(town.window, habits=Officers()))
    for kind, words in ((Kind.ORDER, ("2", "120")), (Kind.INVENTORY, ("2", "120", "800"))):
        filed = any((one.order_id, one.kind) == (order, kind) for one in town.window.filed.values())
        if filed:
            town.receipts(town.order(order).id, *words, kind=kind)
            town.settles()


def warehouse_goes(town: Town, order: str) -> None:
    """What it was told long ago it does now."""
    road = replace(town.road, habits=Carriers())
    gone = road.goes(town.parcel(town.order(order).id), town.house.now)
    assert isinstance(gone.partner, Road)
    town.acts("logistics", gone.partner, gone.says)


def origin_packs(town: Town, order: str) -> None:
    parcel_id, now = town.parcel(town.order(order).id), town.house.now
    road, packed = replace(town.road, habits=Carriers()).packs(parcel_id, now)
    road, handed = road.hands_over(parcel_id, now)
    road, flown = road.flies((parcel_id,), now)
    town.acts("logistics", road, (*packed, *handed, *flown))


def carrier_scans(town: Town, order: str) -> None:
    town.scans(town.order(order).id, *HOME)


@dataclass(frozen=True)
class Silence:
    """Who is silent, by what habit, and its word at last."""

    hold: str
    partners: dict[str, Partner]
    speaks: Callable[[Town, str], None]
    more: dict[str, Any]


BONDED: dict[str, Any] = {}
DIRECT: dict[str, Any] = {"sold": (Sold(LAMU_TEA, 12900),), "of": LAMU}
SILENCES = {
    "no 411": Silence("payment_document", {"payments": Bank(Payers(declares=()))}, provider_declares, BONDED),
    "no 511": Silence("waybill", {"logistics": Road(Carriers(document=None))}, carrier_declares, BONDED),
    "nothing packed": Silence("warehouse", {"logistics": Road(Carriers(packs=False))}, warehouse_goes, BONDED),
    "nothing packed at the origin": Silence(
        "warehouse", {"logistics": Road(Carriers(packs=False))}, origin_packs, DIRECT
    ),
    "packed and not let out": Silence("warehouse", {"logistics": Road(Carriers(leaves=False))}, warehouse_goes, BONDED),
    "customs mute": Silence("customs", {"customs": Window(Officers(silent=99))}, customs_answers, BONDED),
    "stored and no more": Silence("customs", {"customs": Window(Officers(inventory=(("2", "120"),)))},
                                  customs_answers, BONDED),
    "no scan": Silence("carrier", {"logistics": Road(Carriers(scans=()))}, carrier_scans, BONDED),
}  # fmt: skip


@pytest.mark.parametrize("silence", SILENCES.values(), ids=SILENCES.keys())
def test_an_order_whose_partner_is_silent_waits_with_a_hold_that_names_it_until_it_speaks(silence: Silence) -> None:
    town = Town.of(**silence.partners)
    order = town.places(**silence.more)

    town.passes(days=60)
    assert town.end(order) == f"placed: {silence.hold}_silent"
    assert town.spoke(orders.HoldSet)[-1].hold == f"{silence.hold}_silent"
    silence.speaks(town, order)
    town.ends()

    assert town.end(order) == "completed"
    checked(town)


@pytest.mark.parametrize("silence", SILENCES.values(), ids=SILENCES.keys())
def test_an_order_whose_partner_answers_soon_is_never_held_for_its_silence(silence: Silence) -> None:
    town = Town.of(**silence.partners)
    order = town.places(**silence.more)

    town.passes(minutes=30)
    silence.speaks(town, order)
    town.ends()

    assert town.end(order) == "completed"
    assert [one.hold for one in town.spoke(orders.HoldSet) if one.hold.endswith("_silent")] == []
    checked(town)


def test_a_channel_that_tells_nothing_of_the_clearance_is_named_until_it_does() -> None:
    town = Town.of()
    order = town.names(shown("P1", PAID | {"hold": None}, CLEARED, stays=1))

    town.passes(days=60)
    assert town.end(order) == "placed: channel_silent"
    town.goes_on("P1")
    town.ends()

    assert town.end(order) == "completed"
    checked(town)
