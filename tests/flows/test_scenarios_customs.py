"""Scenarios at customs: limits and yearly amounts, receipts in every order, silence, refusals, inspection."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.catalog.commands import ProductRevised
from services.catalog.stock import PRODUCT, Product
from services.customs.compose import papers
from services.customs.documents import Kind
from services.customs.dossier import QUOTA
from services.customs.findings import Severity
from services.customs.match import Terms, match
from services.customs.quota import Quota
from services.orders.commands import AddressCorrected
from shared.events import customs, orders
from shared.money import Money
from shared.security.personal import seal_recipient
from tests.flows.books import checked
from tests.flows.partners.road import Habits as Roads
from tests.flows.partners.road import Road
from tests.flows.partners.window import Habits, Window
from tests.flows.people import BUYER, KEYS, RECEIVER, person, recipient
from tests.flows.shops import BIG_COFFEE, COFFEE, LAMU, LAMU_TEA, Sold
from tests.flows.town import Town

pytestmark = pytest.mark.usefixtures("any_order")


def yuan(minor: int) -> Money:
    return Money(minor, "CNY")


def at_customs(*script: tuple[str, ...], **habits: object) -> Town:
    return Town.of(customs=Window(Habits(inventory=script, **habits)))  # type: ignore[arg-type]


def used(town: Town) -> int:
    quota = town.node("customs").states.get(QUOTA.key(person().fingerprint))
    return quota.used.minor if isinstance(quota, Quota) else 0


def knowing(town: Town, minor: int) -> Town:
    """The person has used that much of the year's amount."""
    node = town.node("customs")
    quota = Quota(2026, yuan(minor))
    states = {**node.states, QUOTA.key(person().fingerprint): quota}
    town.house = replace(town.house, nodes={**town.house.nodes, "customs": replace(node, states=states)})
    return town


# --- limits -----------------------------------------------------------------------------------------------------------


def test_21_two_articles_of_5000_00_are_admitted_and_of_5000_01_refused_before_payment_is_asked() -> None:
    town = Town.of()
    within = town.places("1", (Sold(COFFEE, 272750), Sold(BIG_COFFEE, 272750)))
    beyond = town.places("2", (Sold(COFFEE, 272750), Sold(BIG_COFFEE, 272751)))

    town.ends()

    assert [made.valuation.goods.minor for made in town.spoke(customs.AssessmentMade)] == [500000]
    assert (town.end(within), town.order(beyond).intent) == ("completed", "cancelled")
    assert [asked.order_id for asked in town.spoke(orders.PaymentRequested)] == [within]
    checked(town)


def test_22_one_article_of_6800_00_at_6_percent_duty_bears_1345_04_of_tax_and_is_admitted() -> None:
    town = Town.of()
    product = town.node("catalog").states[PRODUCT.key(COFFEE)]
    assert isinstance(product, Product)
    town.hears("catalog", ProductRevised(replace(product, version=2, goods=replace(product.goods, duty_rate="0.06"))))
    order = town.places(sold=(Sold(COFFEE, 680000 + 134504),))

    town.ends()

    [made] = town.spoke(customs.AssessmentMade)
    assert (made.valuation.goods, made.valuation.tax) == (yuan(680000), yuan(134504))
    assert town.end(order) == "completed"
    checked(town)


def test_23_of_two_concurrent_orders_of_one_person_with_900_00_left_one_is_admitted() -> None:
    town = knowing(Town.of(), 2_600_000 - 90_000)
    placed = [town.places(name, (Sold(COFFEE, 54550),)) for name in ("1", "2")]

    town.ends()

    assert sorted(town.order(each).intent for each in placed) == ["cancelled", "completed"]
    assert (town.count(customs.AssessmentMade), town.count(customs.AssessmentRefused)) == (1, 1)
    assert used(town) == 2_600_000 - 40_000
    checked(town)


def test_24_621018_after_payment_refunds_with_tax_releases_the_stock_and_keeps_the_lower_bound() -> None:
    town = at_customs(("2", "-621018"))
    order = town.places()

    town.ends()

    assert town.order(order).intent == "cancelled"
    assert town.bank.movements(order) == ["charge 129.00", "refund 129.00"]
    assert (town.order(order).goods.state, town.count(customs.DeclarationReleased)) == ("released", 0)
    assert used(town) == 2_600_001 - 11_824  # what customs must know of beside this order
    checked(town)


# --- receipts ---------------------------------------------------------------------------------------------------------


def test_27_a_release_that_arrives_before_120_is_said_once_and_the_older_receipt_is_logged() -> None:
    town = at_customs(("2@0", "800@2", "120@1"))
    order = town.places()

    town.ends()

    assert (town.count(customs.DeclarationReleased), town.count(customs.DeclarationStored)) == (1, 1)
    logged = [one.status for one in town.dossier(order).receipts if one.kind is Kind.INVENTORY]
    assert logged == ["2", "800", "120"]
    assert town.end(order) == "completed"
    checked(town)


def test_28_622_before_the_answer_of_the_send_counts_once() -> None:
    town = at_customs(("2", "120", "800"), slow=timedelta(seconds=5))
    order = town.places()

    town.ends()

    assert town.end(order) == "completed"
    assert town.window.sent == ("order/1", "inventory/1")
    assert town.count(customs.DeclarationSubmitted, customs.DeclarationStored, customs.DeclarationReleased) == 3
    checked(town)


def test_29_without_a_receipt_the_identical_bytes_go_again_at_most_three_times_and_then_a_person_is_called() -> None:
    town = at_customs(("2", "120", "800"), silent=99)
    order = town.places()

    town.passes(hours=3)

    assert town.window.sent == ("order/1",) * 4
    assert [case.code for case in town.dossier(order).cases] == ["no_receipt"]
    town.receipts(order, "2", "120", kind=Kind.ORDER)
    town.settles()
    town.receipts(order, "2", "120", "800")
    town.ends()
    assert town.end(order) == "completed"
    checked(town)


def test_29_one_that_is_heard_after_being_sent_again_goes_on_by_itself() -> None:
    town = at_customs(("2", "120", "800"), silent=2)
    order = town.places()

    town.ends()

    assert town.window.sent == ("order/1", "order/1", "order/1", "inventory/1")
    assert town.end(order) == "completed"
    checked(town)


def test_30_an_unclear_address_is_corrected_and_declared_again_under_the_same_number_and_the_amount_booked_once() -> (
    None
):
    town = at_customs(("2", "100"), ("2", "120", "800"), info="address unclear")
    order = town.places()
    town.settles()
    assert town.order(order).holds == ("customs",)
    before = used(town)

    assert town.asks(AddressCorrected(order, "highland-coop", recipient("测试路9号2单元501"))) == 202
    town.ends()

    assert town.end(order) == "completed"
    first, second = town.window.drafts.values()
    assert (first.paid.order_no, first.recipient) == (second.paid.order_no, recipient())
    assert second.recipient == recipient("测试路9号2单元501")
    assert [each.attempt for each in town.spoke(orders.DeclarationRequested)] == [1, 2]
    assert used(town) == before == 11824
    checked(town)


@pytest.mark.parametrize("said", [True, False], ids=["the 511 comes at once", "the 511 comes late"])
def test_30_direct_mail_whose_address_is_rejected_after_the_hand_over_is_corrected_on_its_way_and_released(
    said: bool,
) -> None:
    town = at_customs(("2", "100"), ("2", "120", "800"), info="address unclear")
    order = town.places(sold=(Sold(LAMU_TEA, 12000),), of=LAMU)
    town.settles()
    parcel = town.parcel(order)
    assert (town.order(order).holds, town.road.parcels[parcel].handed_over) == (("customs",), True)

    if not said:
        town.acts("logistics", replace(town.road, habits=Roads(document=None)))
    assert town.asks(AddressCorrected(order, "coast-growers", recipient("测试路9号2单元501"))) == 202
    if not said:
        town.passes(days=3)
        assert (town.order(order).holds, len(town.window.drafts)) == (("waybill_silent",), 1)
        road = replace(town.road, habits=Roads())
        town.acts("logistics", road, road.declares(parcel, town.house.now))
    town.ends()

    assert (town.end(order), town.dossier(order).cases) == ("completed", ())
    assert [draft.recipient for draft in town.window.drafts.values()] == [recipient(), recipient("测试路9号2单元501")]
    assert town.shipment(order).parcels[parcel].booked_to == recipient("测试路9号2单元501").fingerprint
    assert (len(town.road.parcels), town.shipment(order).open_cases) == (1, ())
    checked(town)


def test_31_an_inspection_holds_the_parcel_and_the_release_lets_it_go_with_one_declaration() -> None:
    town = at_customs(("2", "120", "500"))
    order = town.places()
    town.settles()
    assert (town.order(order).holds, town.count(orders.ExitAuthorised)) == (("customs",), 0)

    town.receipts(order, "800")
    town.ends()

    assert town.end(order) == "completed"
    assert town.window.sent.count("inventory/1") == 1
    assert (town.count(customs.DeclarationHeld), town.count(customs.DeclarationReleased)) == (1, 1)
    checked(town)


def test_32_an_inspection_after_the_release_and_before_the_exit_withdraws_the_exit() -> None:
    town = at_customs(("2", "120", "800"))
    town.acts("logistics", Road(Roads(packs=False)))
    order = town.places()
    town.settles()
    [parcel] = town.road.parcels
    assert town.road.parcels[parcel].may_leave

    town.receipts(order, "500")
    town.settles()
    assert (town.road.parcels[parcel].may_leave, town.count(orders.ExitWithdrawn)) == (False, 1)
    town.acts("logistics", replace(town.road, habits=Roads()))
    town.receipts(order, "800")
    town.ends()

    assert town.end(order) == "completed"
    assert (town.count(orders.ExitAuthorised), town.window.sent.count("inventory/1")) == (2, 1)
    checked(town)


def test_26_an_address_changed_after_the_waybill_is_matched_anew_in_a_new_version() -> None:
    town = at_customs(("2", "120", "800"))
    town.acts("logistics", Road(Roads(document=None)))  # the carrier has not declared yet
    order = town.places()
    town.settles()
    assert (town.order(order).import_papers.state, len(town.road.parcels)) == ("assessed", 1)

    town.acts("logistics", replace(town.road, habits=Roads()))
    assert town.asks(AddressCorrected(order, "highland-coop", recipient("测试路10号"))) == 202
    town.ends()

    assert town.end(order) == "completed"
    assert [draft.recipient for draft in town.window.drafts.values()] == [recipient("测试路10号")]
    assert len(town.road.parcels) == 1
    checked(town)


def test_26_once_it_is_declared_the_address_is_no_longer_changed_here() -> None:
    town = at_customs(("2", "120"))
    order = town.places()
    town.settles()

    assert town.asks(AddressCorrected(order, "highland-coop", recipient("测试路10号"))) == 409

    town.receipts(order, "800")
    town.ends()
    assert town.end(order) == "completed"
    checked(town)


def test_50_a_masked_recipient_is_a_finding_that_cannot_be_verified_and_no_mismatch() -> None:
    """The carrier's waybill hides the name that ours has whole."""
    town = Town.of()
    order = town.places()

    town.ends()

    [draft] = town.window.drafts.values()
    four = papers(draft, BUYER, RECEIVER)
    assert four.waybill is not None
    hidden = replace(four, waybill=replace(four.waybill, consignee="陈*"))
    found = match(hidden, Terms(rates=lambda item: draft.rates.get(item.hs_code)))
    assert {finding.severity for finding in found} <= {Severity.UNVERIFIABLE}
    assert (town.end(order), town.count(customs.DeclarationMismatched)) == ("completed", 0)


def test_50_an_order_for_a_masked_recipient_is_declared_without_a_mismatch() -> None:
    town = Town.of()
    order = town.places(to=seal_recipient(KEYS, replace(RECEIVER, name="陈*")))

    town.ends()

    assert (town.end(order), town.count(customs.DeclarationMismatched)) == ("completed", 0)
    checked(town)
