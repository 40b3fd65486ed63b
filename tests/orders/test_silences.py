"""A partner who stays silent for good: the order says who it is, goes on when he answers, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.orders import observing
from services.orders.commands import ReceiptConfirmed
from services.orders.order import SILENT
from services.orders.said import HOLDS, WINDOWS
from services.orders.settings import OrdersSettings
from services.orders.silences import CLOSING, PAID
from services.orders.tracks import Intent
from shared.events.base import Event
from tests.orders import facts
from tests.orders.story import Story

TIMER = ("reminder", "silence")
Told = Callable[[], Story]
RECEIVED = ReceiptConfirmed(facts.ORDER, facts.SELLER)


def captured() -> Story:
    story = Story.placed().asks()
    story.hears(facts.opened(), facts.captured(), facts.escrow_held())
    return story


def booked() -> Story:
    story = Story.placed().pays()
    story.hears(facts.booked())
    return story


def mailed(*heard: Event) -> Story:
    story = Story.direct_mail().pays()
    story.hears(facts.booked(), facts.waybill_accepted(), *heard)
    return story


def declared(*heard: Event) -> Story:
    story = Story.placed().declares()
    story.hears(*heard)
    return story


def out() -> Story:
    story = Story.placed().releases()
    story.hears(facts.packed(), facts.drawn(), facts.exited())
    return story


def channels() -> Story:
    story = Story.channels()
    story.hears(facts.made(), facts.assessed(), facts.confirmed(), facts.escrow_held())
    return story


def called_off(story: Story) -> Story:
    story.cancelled()
    return story


SITE = (facts.packed(), facts.drawn(), facts.handed_over(), facts.consolidated(), facts.submitted(), facts.released())
# Where it stands, who is silent, and the word that ends it.
WAITS: tuple[tuple[Told, str, Event], ...] = (
    (captured, "payment_document", facts.declared()),
    (Story.placed().pays, "waybill", facts.booked()),
    (booked, "waybill", facts.waybill_accepted()),
    (declared, "customs", facts.submitted()),
    (lambda: declared(facts.submitted(), facts.stored()), "customs", facts.released()),
    (Story.placed().releases, "warehouse", facts.packed()),
    (mailed, "warehouse", facts.packed()),
    (lambda: mailed(*SITE[:3]), "warehouse", facts.consolidated()),
    (lambda: mailed(*SITE), "warehouse", facts.exited()),
    (out, "carrier", facts.advanced()),
    (lambda: called_off(Story.placed().pays()), "waybill", facts.booked()),
    (lambda: called_off(booked()), "carrier", facts.voided()),
    (lambda: called_off(mailed()), "warehouse", facts.voided()),
)


@pytest.mark.parametrize(("told", "who", "word"), WAITS, ids=[f"{n}-{who}" for n, (_, who, _) in enumerate(WAITS)])
def test_who_is_silent_for_too_long_is_named_until_he_speaks(told: Told, who: str, word: Event) -> None:
    story, hold = told(), f"{who}_silent"
    since = story.now

    assert story.due(*TIMER) == [f"hold-set {hold}"]
    assert story.now - since == WINDOWS[who]
    assert f"hold-lifted {hold}" in story.hears(word)
    assert SILENT.isdisjoint(story.order.holds)


def test_a_channel_that_tells_neither_waybill_nor_clearance_is_named_until_it_does() -> None:
    story = channels()

    assert story.due(*TIMER) == ["hold-set channel_silent"]
    assert story.observes(observing.cleared, "clearing", story.now) == [
        "clearance-observed",
        "hold-lifted channel_silent",
    ]
    assert story.due(*TIMER) == ["hold-set channel_silent"]
    assert "hold-lifted channel_silent" in story.observes(observing.cleared, "released", story.now)


def test_a_silence_stops_nothing_that_can_go_on() -> None:
    story = out()
    story.due(*TIMER)

    assert story.confirms() == ["shipment-confirmed"]
    assert story.hears(facts.delivered()) == ["hold-lifted carrier_silent"]
    assert story.due("hold-over") == ["funds-release-authorised"]
    assert story.hears(facts.escrow_released()) == ["completed"]


def test_a_sign_of_life_gives_the_whole_time_anew() -> None:
    story = out()
    story.later(days=9)
    story.hears(facts.advanced("last_mile"))

    assert story.due(*TIMER) == []
    assert story.work[TIMER].due_at == facts.NOW + timedelta(days=9) + WINDOWS["carrier"]
    assert story.due(*TIMER) == ["hold-set carrier_silent"]


def test_what_an_operator_has_seen_is_told_again_after_the_same_time_and_not_before() -> None:
    story = declared()
    story.due(*TIMER)
    story.later(hours=5)

    assert story.lifted("customs_silent") == ["hold-lifted customs_silent"]
    assert story.work[TIMER].due_at == story.now + WINDOWS["customs"]
    assert story.due(*TIMER) == ["hold-set customs_silent"]


def test_one_partner_after_the_other_is_waited_for_with_one_timer() -> None:
    story, waits = captured(), []
    for fact in (facts.declared(), facts.booked(), facts.waybill_accepted(), facts.released(), facts.exited()):
        waits.append(story.order.awaited.partition(":")[0])
        story.hears(*([facts.submitted()] if fact == facts.released() else []), fact)

    assert waits == ["payment_document", "waybill", "waybill", "customs", "warehouse"]
    assert story.order.awaited == "carrier:exited"
    assert [work for work in story.work if work[0] == "reminder"] == [TIMER]


def test_nobody_is_called_silent_while_the_order_waits_for_a_person() -> None:
    story = declared(facts.submitted())

    story.hears(facts.rejected())

    assert (TIMER in story.work, story.order.awaited) == (False, "")


@pytest.mark.parametrize("told", [Story.placed, lambda: Story.placed().asks(), lambda: Story.placed().delivers()])
def test_nobody_outside_is_waited_for_before_the_money_and_after_the_delivery(told: Told) -> None:
    assert TIMER not in told().work


def test_the_buyers_receipt_ends_the_wait_for_the_carrier() -> None:
    story = out()
    story.due(*TIMER)

    assert "hold-lifted carrier_silent" in story.asked(RECEIVED)[1]
    assert story.order.intent is Intent.PLACED


def test_each_silence_has_a_hold_with_words_and_a_window_that_can_be_set() -> None:
    who = {silence.who for silence in (*PAID, *CLOSING)}

    assert {f"{name}_silent" for name in who} == SILENT
    assert HOLDS.keys() >= SILENT
    assert OrdersSettings.model_fields.keys() >= {f"{name}_silent_hours" for name in who}
    assert {name: timedelta(hours=OrdersSettings.model_fields[f"{name}_silent_hours"].default) for name in who} == dict(
        WINDOWS
    )
