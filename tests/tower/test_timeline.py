"""Lines that know their cause, folded silence, strips and drawings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.tower.drawing import curve, gutter, heat, round_top, ticks
from services.tower.finding import answers, index_words, plain, public_code, question_words
from services.tower.process import entry
from services.tower.story import Lane, Level, Purse, Step, Story
from services.tower.strip import PATHS, Node, nodes, strip
from services.tower.timeline import Line, chosen, expected, folded, lines, traces
from shared.events import orders
from tests.support.stories import after
from tests.support.tales import NOON, Tale, cny


def told(tale: Tale) -> list[tuple[int, str, int | None]]:
    return [(line.n, line.entry.type.rpartition(".")[2], line.cause) for line in whole(tale)]


def whole(tale: Tale) -> tuple[Line, ...]:
    return lines([entry(envelope, n) for n, envelope in enumerate(tale.envelopes, start=1)])


def test_every_line_names_the_line_that_caused_it() -> None:
    tale = Tale()
    tale.placed()
    tale.admitted()
    tale.opened()

    assert told(tale) == [
        (1, "placed", None), (2, "made", 1), (3, "made", 1), (4, "payment-requested", 2), (5, "opened", 4),
    ]  # fmt: skip


def test_lines_of_one_message_from_outside_stand_beside_each_other() -> None:
    tale = Tale()
    tale.placed()
    tale.say(orders.HoldSet(**tale.of(), hold="identity_missing", reason=""))
    tale.envelopes[1] = replace(tale.envelopes[1], cause=tale.envelopes[0].cause)

    first, second = whole(tale)

    assert [(line.cause, line.beside) for line in (first, second)] == [(None, None), (None, 1)]
    assert second.gutter.elbow is not None
    assert second.gutter.elbow.beside


def test_a_silence_of_more_than_six_hours_is_one_row() -> None:
    tale = Tale().to_customs()
    tale.released()

    silences = [line.silence for line in whole(tale) if line.silence]

    assert silences == [timedelta(hours=7)]


def test_a_story_is_filtered_by_lane_and_by_problem() -> None:
    story = whole(Tale().rejected())

    assert {line.entry.lane for line in chosen(story, ["customs", "goods"], problems=False)} == {"customs", "goods"}
    assert [line.entry.type for line in chosen(story, [], problems=True)] == [
        "customs.declaration.rejected", "orders.order.hold-set",
    ]  # fmt: skip


def test_a_very_long_story_shows_its_beginning_and_its_end() -> None:
    story = whole(Tale().whole())
    long = [replace(story[0], n=n) for n in range(1, 301)]

    shown, left_out = folded(long)

    assert (len(shown), left_out, shown[49].n, shown[50].n, shown[-1].n) == (150, 150, 50, 201, 300)
    assert folded(story) == (story, 0)


def test_what_is_still_to_come_ends_with_the_seller_paid() -> None:
    assert [coming.key for coming in expected(after(Tale().to_customs()))] == [
        "released", "exited", "delivered", "paid_out",
    ]  # fmt: skip
    assert expected(after(Tale().whole())) == ()


def test_lines_of_one_trace_stand_together() -> None:
    tale = Tale()
    tale.placed()
    tale.admitted()
    tale.opened()
    tale.captured()

    assert [numbers for _, numbers in traces(whole(tale))] == [(1, 2, 3, 4, 5), (6, 7)]


def test_a_side_state_stands_where_it_left_the_way() -> None:
    labels = [(node.key, node.level.value) for node in nodes(PATHS["inventory"], "rejected")]

    assert labels == [
        ("step.submitted", "ok"), ("step.rejected", "bad"), ("step.stored", "none"), ("step.released", "none"),
    ]  # fmt: skip
    assert [node.key for node in nodes(PATHS["money"], "refunded")] == ["step.open", "step.covered", "step.refunded"]


def test_a_strip_has_one_row_for_each_lane_even_before_the_first_fact() -> None:
    rows = strip(Story(Tale().order, NOON, NOON))

    assert [lane for lane, _ in rows] == list(Lane)
    assert {node.level for _, row in rows for node in row} == {Level.NONE}


def test_a_finished_order_has_passed_everything() -> None:
    assert {node.level for _, row in strip(after(Tale().whole())) for node in row} == {Level.OK}


@pytest.mark.parametrize("money", ["asked", "closing", "closed", "failed", "refunding", "refunded", "covered"])
def test_a_qr_that_was_never_opened_is_never_passed(money: str) -> None:
    story = Story(Tale().order, NOON, NOON, tracks={"money": Step(money, NOON)})
    opened = replace(story, purse=Purse(expires_at=NOON))

    assert Node("step.open", Level.OK) not in strip(story)[1][1]
    assert (Node("step.open", Level.OK) in strip(opened)[1][1]) is (money not in ("asked", "failed"))


@pytest.mark.parametrize("money", ["refunded", "closed", "asked"])
def test_money_that_went_back_is_held_no_more_whatever_its_other_attempts_say(money: str) -> None:
    tracks = {"money": Step(money, NOON), "funds": Step("held", NOON), "intent": Step("cancelled", NOON)}
    paid = Purse(captured=cny("129.00"), refunded=cny("129.00"))
    back = Story(Tale().order, NOON, NOON, tracks=tracks, purse=paid)
    part = replace(back, tracks={**tracks, "money": Step("covered", NOON)}, purse=replace(paid, refunded=cny("9.00")))

    assert "fund.held" not in [node.key for node in strip(back)[1][1]]
    assert "fund.held" in [node.key for node in strip(part)[1][1]]


def test_the_refused_paper_is_where_its_track_stands() -> None:
    story = Story(Tale().order, NOON, NOON, tracks={"payment_paper": Step("refused", NOON)})

    assert [(node.key, node.level.value, node.here) for node in strip(story)[2][1]][1] == (
        "papers.payment_paper", "bad", True,
    )  # fmt: skip


def test_numbers_are_found_however_people_type_them() -> None:
    ids = ("LP 3504-3256", "#1001", "abc")

    assert plain(" lp-3504 3256 ") == "LP35043256"
    assert index_words(ids) == ["LP35043256", "1001", "ABC", "~3256"]
    assert question_words("3256") == ("3256", "~3256")
    assert question_words("325") == ("325", "325")
    assert question_words(" #-") == ("", "")
    assert answers("43256", ids)
    assert not answers("99 3256", ids)


def test_a_number_shorter_than_a_tail_is_found_whole_and_in_no_other_way() -> None:
    ids = ("#77", "LP350477", "1001")

    assert answers("77", ids)
    assert answers("#77", ids)
    assert not answers("7", ids)
    assert not answers("001", ids)
    assert not answers("", ids)


def test_the_public_code_is_made_from_the_id_alone() -> None:
    assert public_code(Tale().order) == public_code(Tale().order)
    assert public_code(Tale("1002").order) != public_code(Tale("1001").order)


def test_the_way_from_the_causes_lane_ends_at_the_node() -> None:
    drawn = gutter(Lane.GOODS, Level.OK, Lane.ORDER)

    assert drawn.elbow is not None
    assert (drawn.x, drawn.elbow.way) == (108, "M12 0V14Q12 22 20 22H95")
    assert gutter(Lane.ORDER, Level.OK, None).elbow is None


def test_curves_touch_the_edge_and_ticks_are_never_doubled() -> None:
    assert curve([0, 5, 10], 108, 32).line == "4.0,29.0 54.0,16.0 104.0,3.0"
    assert [round_top([most]) for most in (0, 3, 11, 45, 300)] == [2, 4, 20, 50, 400]
    assert [tick.text for tick in ticks(10, 190)] == [0, 5, 10]
    assert [heat(count) for count in (0, 9, 10, 50, 200)] == [0, 1, 2, 3, 4]
