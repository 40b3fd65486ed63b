"""Long walks: whatever comes in whatever order, customs never says what the order's papers track cannot take."""

from __future__ import annotations

import random
from enum import StrEnum

import pytest

from services.customs.commands import (
    CheckIdentity,
    IdentityChecked,
    Mismatched,
    ReceiptOverdue,
    Sign,
    Signed,
    SignedWithdrawal,
    SignWithdrawal,
    Strays,
    Submit,
    WaybillOverdue,
)
from services.customs.documents import Kind
from services.customs.dossier import Dossier
from services.customs.receipts import PAPERS
from services.customs.submission import Phase
from services.orders.tracks import PAPERS as TRACK
from services.orders.tracks import Other, Papers
from shared.events.base import Event
from shared.events.customs import WithdrawalRefused
from shared.events.values import Finding
from shared.flow.decision import Due, Exhausted, Refused, Work
from tests.customs.desk import (
    BOOKED,
    INVT_NO,
    TAKEN,
    Room,
    amended,
    asked,
    paid,
    placed,
    recipient,
    reserved,
    undo,
    waybill_accepted,
)

ORDER_STATUSES = (*("2", "120") * 6, "3", "4", "100", "120", "-301001", "-301010", "-301013", "-301014")
INVENTORY_STATUSES = (
    "1", "2", "3", "4", "100", "120", "300", "399", "500", "501", "700", "800", "899", "-621001", "-621004", "-621005",
    "-621014", "-621018", "-451",
)  # fmt: skip
UNDO_STATUSES = ("1", "2", "3", "4", "100", "120", "399", "-623005", "-623009", "-623025", "-451")
STATUSES = {Kind.ORDER: ORDER_STATUSES, Kind.INVENTORY: INVENTORY_STATUSES}
FINDING = Finding("R02", "payment.amount_paid", "1", "2", "en", "zh")


class Orders:
    """The order's side, as far as the papers go: it asks, and takes every fact by its track's grid."""

    def __init__(self) -> None:
        self.state: StrEnum = Papers.NONE
        self.attempt = 0

    def take(self, facts: list[Event]) -> None:
        for fact in facts:
            if isinstance(fact, WithdrawalRefused) and fact.kind == "cancel" and self.state is Papers.RETURNING:
                continue  # the answer to the request before this one
            cell = TRACK.answer(self.state, type(fact))
            assert cell not in (Other.CONFLICT, Other.WAITS), f"{fact.type} while {self.state}"
            if not isinstance(cell, Other):
                self.state = cell

    def undoes(self) -> list[Event]:
        """As far as the papers stand, the request that takes them back."""
        if self.state is Papers.STORED:
            self.state = Papers.WITHDRAWING
            return [undo("cancel")]
        if self.state is Papers.RELEASED:
            self.state = Papers.RETURNING
            return [undo("return")]
        return []

    def asks(self) -> list[Event]:
        """After the assessment, and again after something was corrected."""
        if self.state not in (Papers.ASSESSED, Papers.REJECTED, Papers.MISMATCHED):
            return []
        self.state, self.attempt = Papers.ASKED, self.attempt + 1
        return [asked(self.attempt)]


def answers(work: Work) -> list[object]:
    match work.task:
        case CheckIdentity():
            return [IdentityChecked("")]
        case Sign():
            return [*[Signed("o", "i")] * 8, Mismatched((FINDING,)), Refused("input.malformed", "x")]
        case SignWithdrawal():
            return [*[SignedWithdrawal("w")] * 8, Refused("input.malformed", "x")]
        case Submit():
            return [*[TAKEN] * 8, Exhausted("unknown", "x", unknown=True), Refused("customs.window_refused", "x")]
        case ReceiptOverdue() | WaybillOverdue():
            return [Due()]
        case Strays():
            return [Exhausted("flow.early", "x", unknown=False)]
        case _:
            raise AssertionError(work.kind)


def step(rng: random.Random, room: Room, orders: Orders) -> list[Event]:
    what = rng.random()
    if room.work and what < 0.45:
        kind, name = rng.choice(sorted(room.work))
        return room.end(kind, rng.choice(answers(room.work[kind, name])), name)
    if room.dossier.submission is not None and what < 0.8:
        kinds = (Kind.ORDER, Kind.INVENTORY)
        kind = rng.choice((*kinds, room.dossier.withdrawal.document) if room.dossier.withdrawal else kinds)
        status = rng.choice(STATUSES.get(kind, UNDO_STATUSES))
        numbered = {"invt_no": INVT_NO} if kind is Kind.INVENTORY and rng.random() < 0.7 else {}
        back = rng.choice((None, None, None, max(room.clock - 3, 0)))
        return room.hears(room.receipt(kind, status, seconds=back, **numbered))
    if what < 0.93:
        return room.tell(*orders.asks())
    if what < 0.97:
        return room.tell(*orders.undoes())
    street = rng.choice(("测试路9号", "测试路10号"))
    more = (amended(where=recipient(street)), waybill_accepted(recipient(street)), paid(), BOOKED)
    return room.tell(rng.choice(more))


@pytest.mark.parametrize("seed", range(300))
def test_no_walk_leads_to_a_fact_that_the_order_cannot_take(seed: int) -> None:
    rng, room, orders = random.Random(seed), Room(), Orders()
    room.tell(placed(), reserved(), paid(), BOOKED, waybill_accepted())
    orders.take(room.end("check-identity", IdentityChecked("")))
    for _ in range(60):
        orders.take(step(rng, room, orders))
        _holds(room.dossier)

    used = room.quota()
    assert used is not None
    assert used.used.minor >= 0


def _holds(dossier: Dossier) -> None:
    """What was said is what the inventory's state says, and nothing is under way that was never sent."""
    sub = dossier.submission
    if sub is None or sub.phase not in (Phase.INVENTORY_SENT, Phase.REJECTED):
        return
    assert sub.attempt <= dossier.asked
    if sub.inventory.progress.at is not None and sub.phase is Phase.INVENTORY_SENT:
        assert dossier.said == PAPERS[sub.inventory.progress.state]
