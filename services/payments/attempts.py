"""One payment attempt: a QR that the provider gave under a number of ours, and how far it came. Pure.

Every state × word has exactly one answer, written as a grid: the next state, or `=` where nothing changes. Money is
not decided here: whether a charge is the order's, a second one or of a wrong amount is told in `capturing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.payments.commands import FIRST_PROVIDER
from shared.money import Money


class State(StrEnum):
    ASKED = "asked"  # the open call is on its way
    WITHDRAWING = "withdrawing"  # on its way, and to be closed as soon as it is answered
    OPEN = "open"
    CLOSING = "closing"  # the close call is on its way
    CLOSED = "closed"
    FAILED = "failed"
    PAID = "paid"
    MISPAID = "mispaid"  # the provider reports another amount than was asked: a person decides


class Word(StrEnum):
    OPENED = "opened"
    REFUSED = "refused"  # the open call ended in a no
    SHUT = "shut"  # the provider says that nobody paid and nobody can any more
    PAID = "paid"
    MISPAID = "mispaid"
    CLOSE = "close"  # the order wants no payment any more


@dataclass(frozen=True, slots=True)
class Attempt:
    """`amount` is what the buyer is asked; `out_trade_no` is our number of it, for ever."""

    number: int
    part: str
    out_trade_no: str
    amount: Money
    title: str
    expires_at: datetime
    state: State = State.ASKED
    qr: str = ""
    provider: str = FIRST_PROVIDER


def _grid(text: str) -> Mapping[tuple[State, Word], State]:
    cells: dict[tuple[State, Word], State] = {}
    for line in text.strip().splitlines():
        state, *row = line.split()
        for word, cell in zip(Word, row, strict=True):
            cells[State(state), word] = State(state) if cell == "=" else State(cell)
    if missing := set(State) - {state for state, _ in cells}:
        raise ValueError(f"no row for {sorted(missing)}")
    return cells


# An order that no longer wants to be paid is closed only after its QR's call was answered: before, there may be nothing
# to close yet and something to pay a moment later. What the provider shuts by itself has failed, for nobody asked.
#               opened   refused  shut    paid  mispaid  close
CELLS: Final = _grid("""
    asked       open     failed   failed  paid  mispaid  withdrawing
    withdrawing closing  closed   closed  paid  closed   =
    open        =        =        failed  paid  mispaid  closing
    closing     =        =        closed  paid  closed   =
    closed      =        =        =       paid  =        =
    failed      =        =        =       paid  =        =
    paid        =        =        =       =     =        =
    mispaid     =        =        =       paid  =        closed
    """)

# In these the buyer's QR may still be paid, or is on its way.
LIVE: Final = (State.ASKED, State.OPEN)
# In these the order still wants its money: a charge is declared to customs. Elsewhere it goes back.
WANTED: Final = (*LIVE, State.MISPAID)


def after(state: State, word: Word) -> State:
    return CELLS[state, word]
