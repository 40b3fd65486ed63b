"""Every cell of every track: one of four answers, and the process does what the cell says."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import pytest

from services.orders.order import ORDER as STATE
from services.orders.order import MoneyPlan, Order, PaperTrail, Parcel, Stock
from services.orders.process import HANDLES
from services.orders.tracks import (
    CARRIAGE,
    FUNDS,
    GOODS,
    MONEY,
    OBSERVED_PAPERS,
    PAPERS,
    TRACKS,
    Carriage,
    Funds,
    Goods,
    Intent,
    Money,
    Other,
    Papers,
    Track,
    track,
)
from shared.events import customs
from shared.events import orders as spoken
from shared.events.base import Event
from shared.events.topics import TOPICS
from shared.events.values import DeclaredBy
from shared.flow.decision import NOTHING, Decision, Early
from tests.orders import facts
from tests.orders.story import Story

SAMPLE = {type(fact): fact for fact in facts.EVERY}
CELLS = [(one, state, fact) for one in TRACKS for state in one.states for fact in one.facts]


def at(one: Track, state: StrEnum) -> Order:
    """An order whose one track stands there. Completed: so no guard has anything to say."""
    order = replace(
        Story.placed().order,
        intent=Intent.COMPLETED,
        holds=(),
        money=MoneyPlan(Money.COVERED, 1, captured=facts.TOTAL),
        goods=Stock(Goods.DRAWN, facts.LINES),
        papers={"import": PaperTrail(Papers.RELEASED, attempt=1)},
        parcels={facts.PARCEL: Parcel(Carriage.EXITED, confirmed="yes")},
        funds=Funds.HELD,
        release_due_at=facts.NOW,
    )
    match one.name, state:
        case MONEY.name, Money():
            return order.with_money(replace(order.money, state=state))
        case GOODS.name, Goods():
            return replace(order, goods=replace(order.goods, state=state))
        case CARRIAGE.name, Carriage():
            return order.with_parcel(facts.PARCEL, Parcel(state, confirmed="yes"))
        case PAPERS.name, Papers() if one is OBSERVED_PAPERS:
            observed = replace(order, declared_by=DeclaredBy("platform", "platform", "platform", "platform"))
            return observed.with_papers("import", PaperTrail(state, attempt=1))
        case PAPERS.name, Papers():
            return order.with_papers("import", PaperTrail(state, attempt=1))
        case _:
            assert isinstance(state, Funds)
            return replace(order, funds=state)


def sample(state: StrEnum, fact: type[Event]) -> Event:
    """What is refused is what was asked for: a refusal of something else is no news."""
    if fact is customs.WithdrawalRefused and state is Papers.RETURNING:
        return facts.not_withdrawn("return")
    return SAMPLE[fact]


def tracks_of(order: Order) -> dict[str, StrEnum]:
    return {
        MONEY.name: order.money.state,
        GOODS.name: order.goods.state,
        CARRIAGE.name: order.parcels[facts.PARCEL].state,
        PAPERS.name: order.import_papers.state,
        FUNDS.name: order.funds,
    }


def after(answer: object) -> Order:
    assert isinstance(answer, Decision)
    (put,) = answer.puts
    assert isinstance(put.value, Order)
    return put.value


@pytest.mark.parametrize(
    ("one", "state", "fact"), CELLS, ids=lambda part: getattr(part, "type", getattr(part, "name", str(part)))[:40]
)
def test_each_cell_has_one_answer_and_the_process_gives_it(one: Track, state: StrEnum, fact: type[Event]) -> None:
    before, cell, story = at(one, state), one.answer(state, fact), Story()
    story.states.take((STATE.put(facts.ORDER, before),))

    answer = story.decides(sample(state, fact))

    match cell:
        case Other.WAITS:
            assert isinstance(answer, Early)
        case Other.CONFLICT:
            (opened,) = after(answer).cases
            assert (opened.number, opened.track, opened.state, opened.fact) == (1, one.name, state.value, fact.type)
            assert after(answer) == replace(before, conflicts=1, cases=(opened,))
            assert isinstance(answer, Decision)
            assert [(type(f), getattr(f, "track", ""), getattr(f, "state", "")) for f in answer.facts] == [
                (spoken.ConflictFound, one.name, state.value)
            ]
        case Other.ABSORBED:
            assert answer == NOTHING or (tracks_of(after(answer)) == tracks_of(before) and said(answer) == [])
        case _:
            assert tracks_of(after(answer)) == tracks_of(before) | {one.name: cell}
            assert set(map(type, said(answer))) <= {spoken.HoldSet, spoken.HoldLifted}


def said(answer: object) -> list[Event]:
    assert isinstance(answer, Decision)
    return list(answer.facts)


def test_every_fact_of_the_topics_that_orders_reads_is_decided_here() -> None:
    read = {fact for topic in TOPICS if "orders" in topic.consumers for fact in topic.events}

    assert {fact.type for fact in read} == {fact.type for fact in HANDLES}
    assert {fact.type for fact in SAMPLE} == {fact.type for fact in HANDLES}


def test_a_track_without_a_state_does_not_exist() -> None:
    with pytest.raises(ValueError, match="no row for"):
        track("funds", Funds, FUNDS.facts, "none held ~\nheld = released")


def test_a_track_without_a_fact_does_not_exist() -> None:
    with pytest.raises(ValueError, match="shorter"):
        track("funds", Funds, FUNDS.facts, "none held\nheld = released\nreleased = =")


def test_a_part_of_the_money_is_a_conflict_where_all_of_it_is_asked_at_once() -> None:
    story = Story.placed().asks()

    assert story.hears(facts.captured(covered=False)) == ["conflict-found"]
    assert story.order.money.state is Money.ASKED
