"""Orders that the platform declares: assessed at its amounts, declared by nobody here, and released once."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from shared.events.base import Event
from shared.events.customs import AssessmentMade, AssessmentRefused, DeclarationRejected, DeclarationReleased
from shared.events.orders import OrderPlaced
from shared.events.values import Amounts, DeclaredBy
from tests.customs.desk import (
    BEFORE_ASKING,
    CANCELLED,
    NOW,
    ORDER,
    SELLER,
    Room,
    asked,
    cny,
    goods,
    names,
    observed,
    placed,
    policy,
    reserved,
)

PLATFORM = DeclaredBy("platform", "platform", "platform", "platform")


def red(total: str = "129.00", tax: str | None = "10.00", **more: Any) -> OrderPlaced:
    """Xiaohongshu's own order: no identity is told to us."""
    nothing = cny("0.00")
    told = cny(tax) if tax is not None else None
    amounts = Amounts(cny(total), cny("5.00"), nothing, told, True, cny(total))
    changes = {"shop": "savanna-red", "declared_by": PLATFORM, "collected_by": "channel", "person": None}
    return placed(total, **{**changes, "amounts": amounts, **more})


def made(room: Room) -> AssessmentMade:
    (fact,) = [fact for fact in room.said if isinstance(fact, AssessmentMade)]
    return fact


def test_it_is_assessed_without_identity_at_the_channels_amounts_and_books_no_year() -> None:
    room = Room()
    assert names(room.tell(red(), reserved())) == ["assessment.made"]

    value = made(room).valuation
    assert (value.goods, value.freight, value.tax, value.total) == (
        cny("114.00"), cny("5.00"), cny("10.00"), cny("129.00"),
    )  # fmt: skip
    assert (room.quota(), room.waiting(), room.dossier.valuations) == (None, [], 1)


def test_where_the_channel_tells_no_tax_its_total_is_taken_apart() -> None:
    room = Room()
    room.tell(red(tax=None), reserved())

    value = made(room).valuation
    assert value.goods + value.freight + value.tax - value.discount == cny("129.00")
    assert value.freight == cny("5.00")


def test_the_goods_list_and_the_single_limit_hold_for_it_too() -> None:
    unlisted, dear = Room(), Room()
    unlisted.tell(red(), reserved(goods(hs_code="0901110000")))
    dear.tell(red("5800.00", quantity=2), reserved())

    reasons = [fact.reason for room in (unlisted, dear) for fact in room.said if isinstance(fact, AssessmentRefused)]
    assert reasons == ["goods_list", "single_limit"]


def test_02_an_order_that_the_platform_declares_sends_nothing_and_is_released_when_it_says_so() -> None:
    room = Room()
    room.tell(red(), reserved())
    room.tell(observed("clearing"), *BEFORE_ASKING, asked())
    assert names(room.said) == ["assessment.made"]

    assert room.tell(observed("released"), observed("released"), observed("clearing")) == [
        DeclarationReleased(order_id=ORDER, seller=SELLER, role="import", attempt=0, dossier_version=0, at=NOW)
    ]
    assert (room.waiting(), room.dossier.submission, room.aliases) == ([], None, {})


# `placed` before what the channel tells of it: both travel on one topic, in order.
IN_ANY_ORDER = [
    facts
    for facts in itertools.permutations((red(), reserved(), observed("released")))
    if facts.index(red()) < facts.index(observed("released"))
]


@pytest.mark.parametrize("facts", IN_ANY_ORDER)
def test_the_release_is_told_after_the_assessment_whatever_comes_first(facts: tuple[Event, ...]) -> None:
    room = Room()

    assert names(room.tell(*facts)) == ["assessment.made", "declaration.released"]


def test_what_the_platform_says_customs_refused_is_told_once() -> None:
    room = Room()
    room.tell(red(), reserved())
    spoken = room.tell(observed("refused"), observed("refused"))

    assert [(fact.code, fact.final) for fact in spoken if isinstance(fact, DeclarationRejected)] == [
        ("platform", False)
    ]
    assert names(room.tell(observed("released"))) == ["declaration.released"]


def test_goods_that_we_refused_and_the_platform_cleared_are_a_case() -> None:
    room = Room(policy(proofs=frozenset({"positive_list"})))
    room.tell(red(), reserved(), observed("released"), CANCELLED)

    assert names(room.said) == ["assessment.refused"]
    assert room.cases == ["platform_released_inadmissible"]


def test_an_order_of_our_own_is_not_released_by_what_a_channel_says() -> None:
    room = Room().stored()

    assert room.tell(observed("released")) == []
    assert room.dossier.said == "stored"
