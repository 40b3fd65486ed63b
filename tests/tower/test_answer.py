"""Why an order stands where it stands, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.tower.answer import HOLD_OWNERS, TROUBLES, Answer, answer
from services.tower.answer import standing as standing_at
from services.tower.pages_words import catalogue, words_in
from services.tower.saying import reason, said
from services.tower.stages import OPEN, Pace, Stage, stage_of
from services.tower.story import Hold, Level, Parcel, Step, Story
from tests.support.stories import after
from tests.support.tales import NOON, Tale

PACE = Pace()


def a_story(stage: Stage = Stage.PLACED, **tracks: str) -> Story:
    steps = {name: Step(state, NOON) for name, state in tracks.items()}
    return Story(Tale().order, NOON, NOON, tracks=steps, stage=stage.value, stage_since=NOON)


def standing(story: Story) -> Answer:
    return standing_at(story, Stage(story.stage))


def test_each_chapter_of_the_straight_way_is_a_stage() -> None:
    tale = Tale()
    tale.placed()
    passed = [after(tale).stage]
    captured = ""
    for chapter in (tale.admitted, tale.opened, tale.captured):
        captured = chapter()
        passed.append(after(tale).stage)
    tale.booked(captured)
    passed.append(after(tale).stage)
    tale.submitted(tale.papers(captured))
    passed.append(after(tale).stage)
    for chapter in (tale.released, tale.exited, tale.delivered, tale.paid_out):
        chapter()
        passed.append(after(tale).stage)

    assert passed == [
        "placed", "unpaid", "unpaid", "paid", "booked", "declared", "released", "moving", "delivered", "completed",
    ]  # fmt: skip


@pytest.mark.parametrize("carriage", ["lost", "returned", "refused"])
def test_a_parcel_in_trouble_needs_a_person(carriage: str) -> None:
    story = replace(a_story(money="covered"), parcels={"P": Parcel(Step(carriage, NOON))})

    assert standing(story).level is Level.BAD


def test_what_has_ended_needs_nobody() -> None:
    ended = a_story(Stage.CANCELLED, intent="cancelled", goods="short", money="refunded")

    assert (standing(ended).level, standing(ended).owner) == (Level.NONE, "over")


def test_an_order_being_undone_is_not_called_short() -> None:
    undone = a_story(Stage.CLOSING, intent="closing", goods="short")

    assert (standing(undone).level, standing(undone).reason) == (Level.RUN, "closing")


def test_a_hold_is_watched_and_says_who_acts() -> None:
    held = replace(a_story(), holds={"identity_missing": Hold("identity_missing", "", NOON)})

    assert (standing(held).level, standing(held).reason, standing(held).owner) == (
        Level.WARN, "hold.identity_missing", "shop",
    )  # fmt: skip


def test_a_lifted_hold_holds_no_more() -> None:
    lifted = replace(a_story(), holds={"customs": Hold("customs", "", NOON, lifted=True)})

    assert standing(lifted).level is Level.RUN


@pytest.mark.parametrize("stage", OPEN)
def test_every_open_stage_is_late_after_its_usual_time_and_not_before(stage: Stage) -> None:
    limit = PACE.limit(stage)
    assert limit is not None
    story = a_story(stage)

    assert answer(story, PACE, NOON + limit).level is Level.RUN
    assert answer(story, PACE, NOON + limit + timedelta(seconds=1)).reason == "slow"


def test_limits_are_business_time() -> None:
    fast = Pace.of(promise=timedelta(days=12), hold=timedelta(days=15), time_scale=1000)

    assert fast.limit(Stage.DELIVERED) == timedelta(days=16) / 1000
    assert fast.limit(Stage.COMPLETED) is None


def test_stage_of_an_order_whose_first_fact_has_not_come() -> None:
    assert stage_of(Story(Tale().order, NOON, NOON)) is Stage.PLACED


REASONS = (
    *(trouble.reason for trouble in TROUBLES), "inadmissible", "short", "payment_failed", "slow", *Stage,
    *(f"hold.{name}" for name in HOLD_OWNERS), "hold.other",
)  # fmt: skip


@pytest.mark.parametrize("name", REASONS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_reason_has_its_two_sentences(name: str, language: str) -> None:
    words = catalogue("zh" if language == "zh" else "en")

    assert words[f"why.{name}"]
    assert words[f"next.{name}"]
    assert reason(words_in("en", "UTC"), name) != name or name in [*Stage]


def test_a_hold_that_nobody_has_worded_is_shown_by_its_name() -> None:
    held = replace(a_story(), holds={"new_rule": Hold("new_rule", "since today", NOON)})

    sentences = said(words_in("en", "UTC"), held, PACE, NOON)

    assert sentences.why == "Hold new_rule: since today"
    assert sentences.next == "An operator lifts it when it is settled."
    assert reason(words_in("en", "UTC"), "hold.new_rule") == "Hold: new_rule"


def test_what_an_operator_must_settle_is_blocked_even_when_the_order_has_ended() -> None:
    ended = replace(a_story(Stage.CANCELLED), holds={"payment_audit": Hold("payment_audit", "", NOON)})

    assert (standing(ended).level, standing(ended).reason, standing(ended).owner) == (
        Level.BAD, "hold.payment_audit", "operator",
    )  # fmt: skip


def test_of_several_holds_the_weightiest_is_the_answer() -> None:
    def held(*names: str) -> Story:
        return replace(a_story(), holds={name: Hold(name, "", NOON) for name in names})

    assert standing(held("identity_missing", "payment_not_declarable")).reason == "hold.payment_not_declarable"
    assert standing(held("identity_missing", "shortage")).reason == "hold.shortage"
