"""Receipts against the clock: every state and every reading has one answer, and none undoes what is final."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.customs.documents import Kind
from services.customs.receipts import (
    PAPERS,
    Action,
    NotUnderstood,
    Progress,
    Reading,
    State,
    Trouble,
    Word,
    advance,
    silence,
)
from tests.customs.papers import AT

READINGS: list[Reading] = [*Word, *Trouble, *NotUnderstood]
INVENTORY = Kind.INVENTORY


def after(*readings: Reading, kind: Kind = INVENTORY) -> tuple[State, list[Action]]:
    progress, actions = Progress(), list[Action]()
    for second, reading in enumerate(readings):
        step = advance(kind, progress, reading, AT + timedelta(seconds=second))
        progress, actions = step.progress, [*actions, *step.actions]
    return progress.state, actions


@pytest.mark.parametrize("kind", sorted(Kind))
def test_every_state_answers_every_reading(kind: Kind) -> None:
    for state, reading in itertools.product(State, READINGS):
        step = advance(kind, Progress(state=state), reading, AT)

        assert step.progress.state in State
        assert step.progress.state is state or step.progress.at == AT or reading is Trouble.IDEMPOTENT


@pytest.mark.parametrize("reading", [*Trouble, Word.REJECTED, Word.STORED, Word.DECLARING, *NotUnderstood])
@pytest.mark.parametrize(
    "state", [State.RELEASED, State.CLOSED, State.RETURNED_ABROAD, State.DETAINED, State.INSPECTION]
)
def test_an_error_or_an_early_word_never_undoes_what_customs_decided(state: State, reading: Reading) -> None:
    step = advance(INVENTORY, Progress(state=state, at=AT), reading, AT + timedelta(days=1))

    if reading is Word.REJECTED and state in {State.DETAINED, State.INSPECTION}:
        assert step.progress.state is State.REJECTED  # customs' own word, and not released yet
    else:
        assert step.progress.state is state


def test_inspection_after_release_holds_and_a_second_release_resumes_without_a_second_clock() -> None:
    state, actions = after(Word.STORED, Word.RELEASED, Word.INSPECTION, Word.RELEASED)

    assert state is State.RELEASED
    assert actions == [Action.START_REFUND_CLOCK, Action.HOLD_SHIPMENT, Action.RESUME_SHIPMENT]


def test_detention_lifts_into_release_or_abroad() -> None:
    assert after(Word.STORED, Word.DETAINED, Word.RELEASED)[0] is State.RELEASED
    assert after(Word.STORED, Word.DETAINED, Word.RETURNED_ABROAD)[0] is State.RETURNED_ABROAD


def test_a_refused_quota_ends_the_attempt_and_a_failed_query_asks_for_the_same_bytes() -> None:
    assert after(Word.DECLARING, Trouble.STOP) == (State.FAILED, [Action.RELEASE_QUOTA, Action.CALL_PERSON])
    assert after(Word.DECLARING, Trouble.RETRY) == (State.SEND_ERROR_RETRYABLE, [Action.RESEND])


def test_a_manual_error_moves_nothing_and_calls_a_person() -> None:
    assert after(Word.DECLARING, Trouble.MANUAL) == (State.DECLARING, [Action.KEEP, Action.CALL_PERSON])


def test_a_closing_that_overtakes_the_release_still_starts_the_refund_clock_at_the_release() -> None:
    closed = advance(INVENTORY, Progress(), Word.CLOSED, AT + timedelta(hours=7))
    late = advance(INVENTORY, closed.progress, Word.RELEASED, AT)

    assert late.progress.state is State.CLOSED
    assert (late.progress.released_at, late.actions) == (AT, (Action.START_REFUND_CLOCK,))


def test_documents_of_partners_end_with_stored_or_rejected() -> None:
    for kind in (Kind.ORDER, Kind.PAYMENT, Kind.WAYBILL):
        assert after(Word.DECLARING, Word.STORED, kind=kind) == (State.STORED, [])
        assert after(Word.DECLARING, Word.REJECTED, kind=kind) == (State.REJECTED, [])
        assert after(Word.RELEASED, kind=kind) == (State.SENT_UNKNOWN, [Action.KEEP])


def test_silence_asks_for_the_same_bytes_only_while_nothing_is_decided() -> None:
    waiting = {state for state in State if silence(Progress(state=state))}

    assert waiting == {
        State.SENT_UNKNOWN, State.DRAFT, State.DECLARING, State.AT_CUSTOMS, State.SEND_ERROR_RETRYABLE,
    }  # fmt: skip


def test_states_of_an_inventory_have_their_word_on_the_orders_papers_track() -> None:
    words = set(PAPERS.values())

    assert words == {
        "submitted", "stored", "held", "detained", "released", "returned-abroad", "withdrawn", "withdrawal-refused",
        "rejected",
    }  # fmt: skip
    assert set(State) == set(PAPERS)


STRAIGHT = (Word.DECLARING, Word.FORWARDED, Word.STORED, Word.REVIEW, Word.EXAMINED, Word.RELEASED, Word.CLOSED)


@settings(max_examples=300)
@given(st.permutations(STRAIGHT), st.sets(st.sampled_from(STRAIGHT)))
def test_the_straight_way_in_any_order_with_any_gaps_ends_at_its_last_word(order: list[Word], lost: set[Word]) -> None:
    times: dict[Word, datetime] = {word: AT + timedelta(seconds=place) for place, word in enumerate(STRAIGHT)}
    kept = [word for word in order if word not in lost]
    progress, clocks = Progress(), 0
    for word in kept:
        step = advance(INVENTORY, progress, word, times[word])
        progress, clocks = step.progress, clocks + step.actions.count(Action.START_REFUND_CLOCK)

    last = max(kept, key=lambda word: times[word], default=None)
    alone = advance(INVENTORY, Progress(), last, AT).progress.state if last else State.SENT_UNKNOWN
    assert progress.state is alone
    assert clocks == int(Word.RELEASED in kept)


# --- the newest word, whatever the reading order ----------------------------------------------------------------------

# What customs said of one inventory, in the order in which it said it.
HISTORIES: dict[str, tuple[Word, ...]] = {
    "released, inspected late, released": (Word.RELEASED, Word.INSPECTION, Word.RELEASED),
    "the same from the beginning": (Word.STORED, Word.RELEASED, Word.INSPECTION, Word.RELEASED),
    "inspected, released": (Word.DECLARING, Word.STORED, Word.INSPECTION, Word.RELEASED),
    "inspected twice": (Word.STORED, Word.INSPECTION, Word.RELEASED, Word.INSPECTION),
    "inspected twice, released": (Word.STORED, Word.INSPECTION, Word.RELEASED, Word.INSPECTION, Word.RELEASED),
    "stored, sent back": (Word.DECLARING, Word.STORED, Word.REJECTED),
    "stored, sent back, stored": (Word.STORED, Word.REJECTED, Word.STORED),
    "sent back from an examination, examined again": (Word.STORED, Word.EXAMINED, Word.REJECTED, Word.STORED),
    "sent back, corrected, released": (Word.STORED, Word.REJECTED, Word.STORED, Word.RELEASED),
    "released, detained, released": (Word.STORED, Word.RELEASED, Word.DETAINED, Word.RELEASED),
    "closed, detained, let go": (Word.RELEASED, Word.CLOSED, Word.DETAINED, Word.RELEASED),
    "closed after a late inspection": (Word.RELEASED, Word.INSPECTION, Word.RELEASED, Word.CLOSED),
    "inspected, returned abroad": (Word.STORED, Word.INSPECTION, Word.RETURNED_ABROAD),
}


def read_as(history: tuple[Word, ...], order: tuple[int, ...]) -> str:
    """The papers track's word once all is read, in this order; each word is a second younger than the one before."""
    progress = Progress()
    for place in order:
        progress = advance(INVENTORY, progress, history[place], AT + timedelta(seconds=place)).progress
    return PAPERS[progress.state]


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_the_newest_word_stands_whatever_the_reading_order(history: tuple[Word, ...]) -> None:
    newest = PAPERS[advance(INVENTORY, Progress(), history[-1], AT).progress.state]

    orders = itertools.permutations(range(len(history)))
    assert {read_as(history, order) for order in orders} == {newest}


@settings(max_examples=200)
@given(st.sampled_from(list(HISTORIES.values())), st.data())
def test_the_newest_word_stands_when_receipts_come_again(history: tuple[Word, ...], data: st.DataObject) -> None:
    places = [*range(len(history)), *data.draw(st.lists(st.sampled_from(range(len(history))), max_size=3))]

    order = tuple(data.draw(st.permutations(places)))
    assert read_as(history, order) == read_as(history, tuple(range(len(history))))


def test_a_word_that_fits_nowhere_takes_no_time_forward() -> None:
    """120 once more after the release confirms nothing of it: the inspection between them still holds the goods."""
    state = Progress()
    for word, second in ((Word.RELEASED, 1), (Word.STORED, 3), (Word.INSPECTION, 2)):
        state = advance(INVENTORY, state, word, AT + timedelta(seconds=second)).progress

    assert state.state is State.INSPECTION
