"""Every fact of every topic has its row, its lane and its words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.tower.pages_words import catalogue
from services.tower.process import make_process
from services.tower.steps import EXIT, PARCEL, ROWS, told_by
from services.tower.story import Step, Story
from services.tower.strip import PATHS
from shared.events import payments
from shared.events.base import REGISTRY
from shared.events.topics import TOPICS
from tests.support.tales import NOON, Tale, cny

LATER = NOON + timedelta(seconds=5)


def a_story() -> Story:
    return Story(Tale().order, NOON, NOON)


def test_the_tower_listens_to_every_topic_and_knows_every_fact_of_it() -> None:
    assert all("tower" in topic.consumers for topic in TOPICS)
    assert set(ROWS) == {fact for topic in TOPICS for fact in topic.events}
    assert make_process().handles == frozenset(ROWS)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("fact", [fact.type for fact in ROWS])
def test_every_fact_has_a_sentence_in_both_languages(fact: str, language: str) -> None:
    words = catalogue("zh" if language == "zh" else "en")

    assert words[f"fact.{fact}.title"]
    assert f"fact.{fact}.more" in words


def test_every_state_that_a_fact_can_bring_is_drawn() -> None:
    drawn = {(track, state) for track, path in PATHS.items() for state in (*path.straight, *path.aside)}
    brought = {(row.track, row.state) for row in ROWS.values() if row.track and row.track != EXIT}

    other = {"observed_inventory": "inventory", "channel_money": "money", "mailed_parcel": PARCEL}
    drawn |= {(other[track], state) for track, state in drawn if track in other}

    assert {(track, state) for track, state in brought if (track, state) not in drawn} == set()
    assert {state for track, state in brought if track == PARCEL} <= states_of("mailed_parcel")
    assert {"rejected", "clearing", "released"} <= states_of("observed_inventory")


def states_of(path: str) -> set[str]:
    return {*PATHS[path].straight, *PATHS[path].aside}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("words", "state"), [(p.words, state) for p in PATHS.values() for state in (*p.straight, *p.aside)]
)
def test_every_drawn_state_has_its_label_in_both_languages(words: str, state: str, language: str) -> None:
    assert catalogue("zh" if language == "zh" else "en")[f"{words}.{state}"]


def test_registry_and_table_name_the_same_facts() -> None:
    assert {fact.type for fact in ROWS} <= set(REGISTRY)


def test_a_request_that_arrives_after_its_answer_changes_nothing() -> None:
    answered = a_story().stepped("money", Step("covered", LATER))

    assert answered.stepped("money", Step("asked", NOON, asked=True)) == answered
    assert answered.stepped("money", Step("asked", LATER, asked=True)) == answered


def test_an_answer_of_the_same_instant_beats_the_request() -> None:
    asked = a_story().stepped("money", Step("asked", NOON, asked=True))

    assert asked.stepped("money", Step("open", NOON)).state("money") == "open"


def test_a_second_capture_adds_to_the_first() -> None:
    tale = Tale()
    part = payments.PaymentCaptured(
        **tale.of(), attempt=1, part="deposit", out_trade_no="A", transaction_id="B", amount=cny("30.00"),
        covered=False, paid_at=NOON,
    )  # fmt: skip
    first = told_by(a_story(), part, NOON)
    rest = part.model_copy(update={"amount": cny("99.00"), "covered": True})
    second = told_by(first, rest, LATER)

    assert (first.state("money"), first.purse.captured) == ("part", cny("30.00"))
    assert (second.state("money"), second.purse.captured) == ("covered", cny("129.00"))


def test_money_in_hand_is_what_came_less_what_went_back_until_the_escrow_is_released() -> None:
    held = replace(a_story().purse, captured=cny("129.00"), refunded=cny("29.00"))
    # The tax left at customs' release: the escrow pays out the rest and is zero.
    done = replace(held, released=cny("90.00"), seller_share=cny("85.00"))

    assert (held.in_hand, held.shares) == (cny("100.00"), None)
    assert (done.in_hand, done.shares) == (cny("0.00"), cny("15.00"))
