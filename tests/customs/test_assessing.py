"""Before money is asked: is the order admissible, what are goods and tax, what is left of the buyer's year."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from services.customs.assessment import identity_problem
from services.customs.commands import IdentityChecked
from services.customs.dossier import QUOTA
from services.customs.policy import Policy
from services.customs.process import decide, reach
from services.customs.quota import Quota
from shared.corridor import Corridor
from shared.events.customs import AssessmentMade, AssessmentRefused
from shared.events.values import Amounts
from shared.flow.decision import Decision, Exhausted, Outcome, Reach, States, Wider
from tests.customs.desk import (
    BUYER,
    CANCELLED,
    NOW,
    ORDER,
    Room,
    amended,
    cny,
    goods,
    names,
    person,
    placed,
    policy,
    reserved,
)

OTHER = person("999999198503070018")


def made(room: Room) -> AssessmentMade:
    fact = room.said[-1]
    assert isinstance(fact, AssessmentMade)
    return fact


def refusal(room: Room) -> tuple[str, list[str]]:
    fact = room.said[-1]
    assert isinstance(fact, AssessmentRefused)
    return fact.reason, [finding.code for finding in fact.findings]


def test_a_tax_included_total_is_taken_apart_to_the_fen() -> None:
    room = Room()

    assert names(room.assessed()) == ["assessment.made"]

    valuation = made(room).valuation
    assert (valuation.goods, valuation.tax, valuation.discount) == (cny("118.24"), cny("10.76"), cny("0.00"))
    assert (valuation.total, valuation.version) == (cny("129.00"), 1)
    assert room.used() == "118.24"


@pytest.mark.parametrize("facts", [*itertools.permutations((placed(person=None), reserved(), amended()))])
def test_whatever_comes_last_starts_the_assessment(facts: tuple[object, ...]) -> None:
    if facts.index(amended()) < facts.index(placed(person=None)):
        return  # both travel on one topic, in order
    room = Room()

    assert room.tell(*facts) == []
    assert room.waiting() == ["check-identity"]
    assert names(room.end("check-identity", IdentityChecked(""))) == ["assessment.made"]


def test_an_order_in_another_currency_is_not_assessed() -> None:
    room = Room()
    room.tell(placed(currency="KES"), reserved())

    assert (room.said, room.waiting()) == ([], [])


@pytest.mark.parametrize("problem", ["type", "number", "name", "phone"])
def test_a_wrong_identity_is_refused_and_books_nothing(problem: str) -> None:
    room = Room()
    room.tell(placed(), reserved())
    room.end("check-identity", IdentityChecked(problem))

    assert refusal(room) == ("identity", ["R24"])
    assert BUYER.id_number not in str(room.said)
    assert room.quota() is None


def test_the_form_of_an_identity() -> None:
    assert identity_problem(BUYER) == ""
    assert identity_problem(replace(BUYER, id_number="999999199003070081")) == "number"
    assert identity_problem(replace(BUYER, id_type="2")) == "type"
    assert identity_problem(replace(BUYER, name="陈*")) == "name"
    assert identity_problem(replace(BUYER, phone=" ")) == "phone"


def test_an_identity_that_cannot_be_opened_is_a_case_and_refuses_nobody() -> None:
    room = Room()
    room.tell(placed(), reserved())

    assert room.end("check-identity", Exhausted("vault.unopenable", "no key", unknown=False)) == []
    assert room.cases == ["identity_unchecked"]


def test_goods_that_are_not_listed_for_the_flow_are_refused() -> None:
    room = Room()
    room.assessed(placed(), reserved(goods(hs_code="0901110000")))  # green coffee travels as freight only

    assert refusal(room) == ("goods_list", ["R25"])


def test_goods_whose_proof_is_missing_are_refused() -> None:
    room = Room(policy(proofs=frozenset({"positive_list"})))
    room.assessed()

    assert refusal(room) == ("goods_list", ["G01"])


def test_21_two_articles_of_exactly_5000_are_admitted_and_one_fen_more_is_refused_before_payment() -> None:
    # 5,000.00 of goods carry 455.00 of tax at 9.1 %.
    within, beyond = Room(), Room()
    within.assessed(placed("5455.00", quantity=2), reserved())
    beyond.assessed(placed("5455.02", quantity=2), reserved())

    assert made(within).valuation.goods == cny("5000.00")
    assert refusal(beyond) == ("single_limit", ["R21"])


def test_22_one_article_of_6800_pays_1345_04_of_tax_and_is_admitted() -> None:
    room = Room()
    room.assessed(placed("8145.04"), reserved(goods(duty_rate="0.06")))

    assert (made(room).valuation.goods, made(room).valuation.tax) == (cny("6800.00"), cny("1345.04"))


def with_used(text: str) -> Room:
    room = Room()
    room.states.take((QUOTA.put(person().fingerprint, Quota(2026, cny(text))),))
    return room


def test_23_of_two_orders_of_one_person_with_900_left_the_second_of_500_is_refused() -> None:
    room = with_used("25100.00")
    room.assessed(placed("545.50"), reserved())
    assert made(room).valuation.goods == cny("500.00")

    other = Room(states=room.states)
    second = placed("545.50", order_id="other-order")
    other.tell(second, reserved(order=second.order_id))
    other.end("check-identity", IdentityChecked(""))

    assert refusal(other) == ("annual_limit", ["R22"])
    assert room.used() == "25600.00"


def test_a_new_year_begins_at_zero_by_the_clock_of_china() -> None:
    room = Room(now=NOW.replace(month=12, day=31, hour=16))  # midnight in Beijing
    room.states.take((QUOTA.put(person().fingerprint, Quota(2026, cny("26000.00"))),))
    room.assessed()

    assert room.quota() == Quota(2027, cny("118.24"))


def test_a_cancelled_order_gives_its_amount_back_once() -> None:
    room = Room()
    room.assessed()

    assert room.tell(CANCELLED, CANCELLED) == []
    assert room.used() == "0.00"


def test_an_amount_of_last_year_is_not_given_back_to_this_one() -> None:
    room = Room()
    room.assessed()
    room.states.take((QUOTA.put(person().fingerprint, Quota(2027, cny("300.00"))),))
    room.tell(CANCELLED)

    assert room.used() == "300.00"


def test_a_decision_that_lacks_the_persons_lane_asks_for_it() -> None:
    room = Room()
    room.assessed()
    held = States({key: value for key, value in room.states._values.items() if key[0] != "quota"})
    mark = person().fingerprint

    assert decide(room.rules, held, CANCELLED, NOW) == Wider(Reach((f"person:{mark}",), (("quota", mark),)))


def test_the_answer_about_an_identity_locks_the_person_before_the_first_read() -> None:
    room = Room()
    room.tell(placed(), reserved())
    work = next(iter(room.work.values()))
    wanted = reach(Outcome(work.kind, work.lane, work.name, work.task, IdentityChecked("")))

    assert wanted.lanes == (ORDER, f"person:{person().fingerprint}")


def test_another_buyer_is_assessed_anew_and_the_first_ones_year_is_restored() -> None:
    room = Room()
    room.assessed()
    room.tell(amended(who=OTHER))
    assert (room.used(), room.waiting()) == ("0.00", ["check-identity"])

    assert names(room.end("check-identity", IdentityChecked(""))) == ["assessment.made"]
    assert (room.used(OTHER), made(room).valuation.version) == ("118.24", 2)


def test_an_answer_about_a_buyer_who_was_replaced_says_nothing() -> None:
    room = Room()
    room.tell(placed(), reserved())
    late = next(iter(room.work.values()))
    room.tell(amended(who=OTHER))

    assert room.tell(Outcome(late.kind, late.lane, late.name, late.task, IdentityChecked("number"))) == []
    assert names(room.end("check-identity", IdentityChecked(""))) == ["assessment.made"]


def test_the_same_person_named_again_changes_nothing() -> None:
    room = Room()
    room.assessed()

    assert room.tell(amended(where=placed().recipient)) == []
    assert (room.waiting(), room.used()) == ([], "118.24")


def test_a_reservation_without_a_line_of_the_order_is_a_case() -> None:
    room = Room()
    room.assessed(placed(), reserved(goods(line=7)))

    assert refusal(room) == ("unassessable", [])
    assert room.cases == ["unassessable"]


def extra(tax: str) -> Room:
    """The same shop, if it showed its prices without tax."""
    profile = policy().corridor.model_dump(by_alias=True)
    profile["shop"] = [{**shop, "tax": "extra"} for shop in profile["shop"]]
    room = Room(Policy(Corridor.model_validate(profile)))
    amounts = Amounts(cny("100.00"), cny("0.00"), cny("0.00"), cny(tax), False, cny("100.00") + cny(tax))
    line = placed("100.00").lines
    room.assessed(placed("100.00", amounts=amounts, lines=line), reserved())
    return room


def test_a_shop_that_adds_the_tax_must_have_added_ours() -> None:
    assert made(extra("9.10")).valuation.total == cny("109.10")
    assert refusal(extra("9.11")) == ("tax_differs", ["R26"])


def test_a_decision_repeated_is_the_same_decision() -> None:
    room = Room()
    room.tell(placed(), reserved())
    work = next(iter(room.work.values()))
    outcome = Outcome(work.kind, work.lane, work.name, work.task, IdentityChecked(""))

    first, second = (decide(room.rules, room.states, outcome, NOW) for _ in range(2))
    assert isinstance(first, Decision)
    assert first == second
